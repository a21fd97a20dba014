"""The hot set: which products some task may be holding in its memory, and until when.

One sorted set in Redis for all products. A member is a product's id, its score the moment (Redis's clock, in
milliseconds) until which some task may answer from memory. One more member, `since` and the generation of the server,
says since when the set has been there, as a negative score, so that dropping what has run out never drops it. The set
has no TTL: it is lost as a whole or not at all. A set of another generation counts as lost: it may lack what was
announced last.

What must hold: a task announces a product before it reads the body that it keeps; a writer asks after its fence
stands; a set that is younger than the longest local lease is waited out, since what it replaced may have named any
product.
"""

from chalicelib.cache.scripts import Execute, Script
from chalicelib.settings import MAX_LOCAL_LEASE_MS

KEY = "p1:hot"

MARGIN_MS = 5
"""Each entry outlasts the copy that it announces by so much: Redis's clock, rounded to 1 ms, may step forward by 4."""

LONGEST_WAIT_MS = MAX_LOCAL_LEASE_MS + MARGIN_MS

# Redis's time in ms; a set that is missing is created, `since` now. `hot` is the set's key. A set from the future (the
# clock has stepped back) counts as lost.
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

# Enter a product until `announced` ms from now, unless another task has entered it for longer. 0: do not.
ANNOUNCE = f"""
local function announce(hot, id, announced)
    if announced == 0 then return end
    {_NOW}
    redis.call('ZREMRANGEBYSCORE', hot, 0, now)
    redis.call('ZADD', hot, 'GT', now + announced, id)
end
"""

# How many ms a writer waits: till the product's entry runs out, and the set is old enough; never longer than `longest`.
WAIT = f"""
local function wait(hot, id, longest)
    {_NOW}
    local left = longest - (now + since)
    local entered = redis.call('ZSCORE', hot, id)
    if entered then left = math.max(left, entered - now) end
    return math.max(0, math.min(left, longest))
end
"""

# ZADD, whatever is there: a replica refuses it.
_CREATE = Script(f"""
local hot = KEYS[1]
{_NOW}
return redis.call('ZADD', hot, 'NX', since, mark)
""")


def create(execute: Execute) -> None:
    """Create the set where it is missing, so that it is old enough before the first write; raises RedisError."""
    _CREATE.run(execute, KEY)


def announced_ms(lease_ms: int) -> int:
    """Return how long an entry lasts that announces a copy of so many milliseconds; none announces nothing."""
    return lease_ms + MARGIN_MS if lease_ms else 0
