"""Shared by the clients of PostgreSQL and of Redis: credentials, circuit breaker, instrumentation, pool generations.

From outside: every module.
"""
