"""The servers that this machine runs for the shop: PostgreSQL, Redis, Prometheus."""
