"""The hot set: the products that tasks may have copied to memory, and until when.

It is one sorted set in Redis. A member is a product's id; its score is the time (Redis's clock, milliseconds) until
which a task may answer from memory. Another member, `since` and the server's generation, has the time when the set was
created as a negative score, so that removing expired members never removes it. The set has no TTL: it is lost as a
whole or not at all. A set of another generation counts as lost, because the last announcements may be missing.

- A task announces a product before it reads the body that it keeps.
- A writer reads the hot set after it has set its fence.
- If the set is younger than the longest local lease, a writer waits for the rest of that lease: the set before it may
  have held any product.
"""

from chalicelib.redis_client.script import Execute, Script
from chalicelib.settings import MAX_LOCAL_LEASE_MS

KEY = "p1:hot"

MARGIN_MS = 5
"""How much longer an entry lasts than its copy: Redis's clock, rounded to 1 ms, may step forward by 4."""

LONGEST_WAIT_MS = MAX_LOCAL_LEASE_MS + MARGIN_MS

# Sets `now`, Redis's time in ms, and creates the set if it is missing. `hot` is the set's key. A set from the future
# (the clock has stepped back) counts as lost.
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mark = 'since ' .. generation
local since = redis.call('ZSCORE', hot, mark)
if not since or -since > now then
    redis.call('DEL', hot)
    redis.call('ZADD', hot, -now, mark)
    since = -now
end
"""

# Announce a product for `announced` ms, unless another task has announced it for longer. 0 announces nothing.
ANNOUNCE = f"""
local function announce(hot, id, announced)
    if announced == 0 then return end
    {_NOW}
    redis.call('ZREMRANGEBYSCORE', hot, 0, now)
    redis.call('ZADD', hot, 'GT', now + announced, id)
end
"""

# Returns how many ms a writer waits: until the product's entry expires and the set is old enough, at most `longest`.
WAIT = f"""
local function wait(hot, id, longest)
    {_NOW}
    local left = longest - (now + since)
    local entered = redis.call('ZSCORE', hot, id)
    if entered then left = math.max(left, entered - now) end
    return math.max(0, math.min(left, longest))
end
"""

# The ZADD runs even if the set is there, so that a replica refuses the script.
_CREATE = Script(f"""
local hot = KEYS[1]
{_NOW}
return redis.call('ZADD', hot, 'NX', since, mark)
""")


def create(execute: Execute) -> None:
    """Create the set if it is missing, so that it is old enough at the first write. Raises RedisError."""
    _CREATE.run(execute, KEY)


def announced_ms(lease_ms: int) -> int:
    """Return how many milliseconds an entry for a copy of `lease_ms` lasts; 0 for no copy."""
    return lease_ms + MARGIN_MS if lease_ms else 0
