"""Embedded PostgreSQL and Redis for `make run` and the tests; production never imports this."""
