"""Threads that handle requests: a pool with permits, futures for an event loop, permits lent while a handler waits.

From outside: `thread_pool`, `workers`, `main_thread`, and `waiting` (which apps import as `fargate.waiting`).
"""
