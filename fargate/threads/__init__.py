"""Threads that serve requests: a pool with a fair queue, futures for an event loop, places lent while a handler waits.

From outside: `thread_pool`, `workers`, and `waiting` (which apps import as `fargate.waiting`).
"""
