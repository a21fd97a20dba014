"""The Lua scripts of the cache protocol. `redis_steps` runs them; docs/cache.md argues why they are right.

KEYS[1] is the product's key, and KEYS[2] the hot set. `get` and `put` know entries of the server's generation only
(`redis_client.script`).
"""

from chalicelib.cache import hot_set
from chalicelib.redis_client.script import Script

# Announce the product if its body may be copied. Return the entry; if there is none, put a lease and return nothing.
# Run twice with one lease, it returns nothing again.
LOOK_OR_LEASE = Script(f"""
{hot_set.ANNOUNCE}
announce(KEYS[2], ARGV[3], tonumber(ARGV[4]))
local held = get(KEYS[1])
if held and held ~= ARGV[1] then return held end
put(KEYS[1], ARGV[1], ARGV[2])
return false
""")

# Return the entry.
LOOK = Script("return get(KEYS[1])")

# Announce the product. Return what is stored as GETEX does: with its generation.
ANNOUNCE_AND_LOOK = Script(f"""
{hot_set.ANNOUNCE}
announce(KEYS[2], ARGV[1], tonumber(ARGV[2]))
return redis.call('GETEX', KEYS[1])
""")

# Replace the caller's lease by a body or by absence.
FILL = Script("""
if get(KEYS[1]) ~= ARGV[1] then return 0 end
put(KEYS[1], ARGV[2], ARGV[3])
return 1
""")

# Put a fence in place of any entry. Return how many ms the writer has to wait.
FENCE = Script(f"""
{hot_set.WAIT}
put(KEYS[1], ARGV[1], ARGV[2])
return wait(KEYS[2], ARGV[3], tonumber(ARGV[4]))
""")

# Replace the caller's fence by a body or by absence. If that fence is gone, delete the entry, also another writer's
# fence: that writer may have committed earlier, and would publish its older body. Return how many ms to wait then.
PUBLISH = Script(f"""
{hot_set.WAIT}
local held = get(KEYS[1])
if held == ARGV[1] then
    put(KEYS[1], ARGV[2], ARGV[3])
    return 0
end
redis.call('DEL', KEYS[1])
return wait(KEYS[2], ARGV[4], tonumber(ARGV[5]))
""")

# Delete the entry if it is still the one that the caller saw.
DROP = Script("""
if get(KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
""")
