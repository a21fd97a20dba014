"""The workloads, as Lua for wrk."""

import bisect
import itertools
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PRODUCTS = 10_000
DRAWS = 20_000
"""Requests that are drawn before the run and sent again and again, so that drawing costs the client no time."""

KEY = "bench"
"""The API key for writes."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of traffic.

    `script` gets the number of the first product that no run has read, with `creates` of the first that does not exist.
    With `cold` the cache is emptied first.
    """

    name: str
    meaning: str
    script: Callable[[int], str]
    cold: bool = False
    creates: bool = False


def _reads(ids: Sequence[int]) -> str:
    return f"""
local ids, made, at = {{{",".join(map(str, ids))}}}, {{}}, 0
request = function()
  at = at % #ids + 1
  local id = ids[at]
  if not made[id] then made[id] = wrk.format("GET", "/product/" .. id) end
  return made[id]
end"""


def zipf(random: random.Random) -> list[int]:
    """Draw ids: the n-th product comes 1/n times as often as the first."""
    totals = list(itertools.accumulate(1 / rank for rank in range(1, PRODUCTS + 1)))
    return [bisect.bisect(totals, random.random() * totals[-1]) + 1 for _ in range(DRAWS)]


def uniform(random: random.Random) -> list[int]:
    """Draw ids: each product is as likely as any other."""
    return random.choices(range(1, PRODUCTS + 1), k=DRAWS)


def _hot(_first: int) -> str:
    return _reads([1])


def _zipf(first: int) -> str:
    return _reads(zipf(random.Random(first)))


def _uniform(first: int) -> str:
    return _reads(uniform(random.Random(first)))


def _misses(first: int) -> str:
    return f"""
local id = {first}
request = function()
  id = id + 1
  return wrk.format("GET", "/product/" .. id)
end"""


def _writes(first: int) -> str:
    ids = ",".join(map(str, uniform(random.Random(first))))
    body = json.dumps({"name": "Samsung TV", "price": 140})
    return f"""
local ids, at = {{{ids}}}, 0
local headers = {{["x-api-key"] = "{KEY}", ["content-type"] = "application/json"}}
request = function()
  at = at % #ids + 1
  return wrk.format("PUT", "/product/" .. ids[at], headers, '{body}')
end"""


def _creations(first: int) -> str:
    return f"""
local id = {first}
local headers = {{["x-api-key"] = "{KEY}", ["content-type"] = "application/json"}}
request = function()
  id = id + 1
  return wrk.format("POST", "/data", headers, '{{"id":' .. id .. ',"name":"Samsung TV","price":140}}')
end"""


HOT = Workload("hot", "one product", _hot)
ZIPF = Workload("zipf", f"{PRODUCTS:,} products, the n-th 1/n times as often as the first", _zipf)
UNIFORM = Workload("uniform", f"{PRODUCTS:,} products, each as often as any other", _uniform)
MISSES = Workload("misses", "each product once, none of them in the cache", _misses, cold=True)
WRITES = Workload("writes", "replacing products", _writes)
CREATIONS = Workload("creations", "products that are not there yet", _creations, creates=True)
WORKLOADS = (HOT, ZIPF, UNIFORM, MISSES, WRITES, CREATIONS)
