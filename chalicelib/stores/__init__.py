"""Shared by the clients of PostgreSQL and Redis: names of hosts, credentials, circuit breaker, instrumentation, pools.

From outside: every module.
"""
