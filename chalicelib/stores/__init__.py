"""What the clients of PostgreSQL and of Redis share: credentials, the circuit breaker, instrumentation.

From outside: every module.
"""
