"""A small client of Redis over hiredis: addresses, connections for threads and for an event loop, generations.

From outside: `client`, `thread_connections`, `batched_lookups`, `generations`, `errors` and `address`.
"""
