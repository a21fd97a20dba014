"""The load generators: wrk as fast as it is answered, hey at a steady rate. Both use only loopback."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass

CONNECTIONS = 16
JSON = "application/json"

_DONE = """
done = function(summary, latency)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class BadRunError(Exception):
    """Some requests of a run failed, so its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """A client's figures; times in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float


def wrk(url: str, script: str, seconds: float, connections: int = CONNECTIONS) -> Run:
    """Send requests as fast as they are answered, over that many connections.

    Raises:
        BadRunError: some answer was no success.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + _DONE)
        file.flush()
        words = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds:g}s", "--timeout=10s"]
        done = subprocess.run(
            [*words, f"--script={file.name}", url], capture_output=True, text=True, timeout=seconds + 60
        )
    if done.returncode != 0:
        raise BadRunError(f"wrk: {done.stderr or done.stdout}")
    figures = json.loads(done.stderr)
    if figures["refused"] or figures["broken"] or not figures["requests"]:
        raise BadRunError(f"{url}: {figures}")
    return Run(figures["requests"], figures["microseconds"] / 1e6, figures["p50"] / 1e3, figures["p99"] / 1e3)


_PERCENTILE = re.compile(r"^\s*(\d+)% in ([\d.]+) secs", re.MULTILINE)
_STATUS = re.compile(r"^\s*\[(\d+)\]\s+(\d+) responses", re.MULTILINE)


def hey(url: str, per_second: int, seconds: int, connections: int = 5) -> Run:
    """Send requests at a steady rate.

    Raises:
        BadRunError: some answer was no success.
    """
    words = ["hey", "-z", f"{seconds}s", "-c", str(connections), "-q", str(per_second / connections), "-T", JSON]
    done = subprocess.run([*words, url], capture_output=True, text=True, timeout=seconds + 60)
    statuses = {int(status): int(count) for status, count in _STATUS.findall(done.stdout)}
    if done.returncode != 0 or set(statuses) != {200} or "Error distribution" in done.stdout:
        raise BadRunError(f"hey: {done.stderr}{done.stdout}")
    percentiles = {int(rank): float(secs) * 1e3 for rank, secs in _PERCENTILE.findall(done.stdout)}
    return Run(statuses[200], seconds, percentiles[50], percentiles[99])
