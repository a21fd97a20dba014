"""What the tasks of an app share: a Redis.

From outside: `redis_client`, which makes its clients.
"""
