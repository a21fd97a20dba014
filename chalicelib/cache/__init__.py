"""The read-through cache: the protocol, its steps in Redis, copies in memory, the audit. docs/cache.md argues for it.

From outside: `read_through.ReadThroughCache` with the parts that its constructor takes, and `start_check`.
"""
