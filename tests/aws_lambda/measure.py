"""Measure what docs/lambda.md says: `python -m tests.aws_lambda.measure [--beside CHECKOUT]`.

The package's size; how long it is imported, with its bytecode and without; how much memory a sandbox takes; how long
requests take in it, over a PostgreSQL and a Redis on this machine, the first with its secret still to read. Beside
another checkout only the imports are measured, in turns.
"""

import argparse
import contextlib
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import psutil

from chalicelib.database.migrate import migrate
from tests.aws_lambda.function import Function, Sandbox, running
from tests.aws_lambda.packaged import HERE, Package, build_runtime, package
from tests.contract.clients.messages import Request
from tests.contract.runtimes.story import DETAILS, TV, read, write
from tests.fixtures.emulated_aws import serving_secrets_manager
from tests.fixtures.servers import ROOT
from tests.fixtures.stores import running_postgres, running_redis

IMPORTS = 9
COLD_STARTS = 5
REQUESTS = 300


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def measure_size(made: Package) -> None:
    zipped: Counter[str] = Counter()
    unpacked: Counter[str] = Counter()
    with ZipFile(made.zipped) as file:
        for entry in file.infolist():
            top = entry.filename.partition("/")[0]
            zipped[top] += entry.compress_size
            unpacked[top] += entry.file_size
    say(f"package: {made.zipped.stat().st_size / 1e6:.1f} MB zipped, {unpacked.total() / 1e6:.1f} MB unpacked")
    for name, size in zipped.most_common(16):
        say(f"  {name}: {size / 1e6:.2f} MB zipped, {unpacked[name] / 1e6:.2f} MB unpacked")


def measure_import(what: str, sandbox: Sandbox) -> None:
    took = sorted(sandbox.import_seconds() * 1000 for _ in range(IMPORTS))
    say(f"import {what}: {took[0]:.0f} to {took[-1]:.0f} ms of CPU time, best and worst of {IMPORTS}")


def measure_cold_starts(start: Callable[[], contextlib.AbstractContextManager[Function]]) -> None:
    """Measure the time from the process's start to the first answer, and that of the first request."""
    starts, firsts = [], []
    for _ in range(COLD_STARTS):
        began = time.perf_counter()
        with start() as function:
            assert function.get("/products").status == 200
            starts.append(time.perf_counter() - began)
            firsts.append(function.awaited_lines(1)[0]["http"]["duration_ms"])
    say(f"start to first answer: {min(starts) * 1000:.0f} ms; of that the first request {min(firsts):.0f} ms")


def measure_requests(function: Function) -> None:
    measure_request(function, "GET /product/1, cached", read("/product/1"))
    measure_request(function, "GET /products", read("/products"))
    measure_request(function, "PUT /product/1", write("PUT", "/product/1", DETAILS))
    rss = psutil.Process(function.child.pid).memory_info().rss
    say(f"memory of the sandbox's process after all that: {rss / 1e6:.0f} MB")


def measure_request(function: Function, what: str, request: Request) -> None:
    before = len(function.output().splitlines())
    took = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        assert function.send(request).status == 200
        took.append((time.perf_counter() - began) * 1000)
    inside = [line["http"]["duration_ms"] for line in function.awaited_lines(before + REQUESTS)[before:]]
    within, around = statistics.median(inside), statistics.median(took)
    say(f"{what}: {within:.2f} ms in the app, {around:.2f} ms with the runtime's client")


def measure_beside(checkout: Path) -> None:
    """Import this checkout's package and another's alternately."""
    with tempfile.TemporaryDirectory(prefix="lambda-") as name:
        folder = Path(name)
        runtime = build_runtime(folder / "runtime")
        ours, theirs = (
            Sandbox(_packaged(where, folder / each).unpack(folder / f"task-{each}"), runtime)
            for each, where in (("ours", ROOT), ("theirs", checkout))
        )
        took = [(ours.import_seconds() * 1000, theirs.import_seconds() * 1000) for _ in range(IMPORTS)]
    here, there = (statistics.median(each) for each in zip(*took, strict=True))
    say(f"import: {here:.0f} ms of CPU time, {there:.0f} there: x{here / there:.2f}; medians of {IMPORTS}")


def _packaged(checkout: Path, into: Path) -> Package:
    """Package a checkout for this machine. An old checkout takes no architecture."""
    packager = (checkout / ".chalice" / "package.py").read_text(encoding="utf-8")
    return package("dev", into, HERE if "--architecture" in packager else None, checkout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, help="another checkout")
    given = parser.parse_args()
    if given.beside:
        measure_beside(given.beside)
    else:
        measure_all()


def measure_all() -> None:
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="lambda-")))
        made = package("dev", folder, HERE)
        measure_size(made)
        runtime = build_runtime(folder / "runtime")
        sandbox = Sandbox(made.unpack(folder / "task"), runtime)
        measure_import("as packaged", sandbox)
        bare = Sandbox(made.unpack(folder / "bare"), runtime)
        for cache in list(bare.task.rglob("__pycache__")):
            shutil.rmtree(cache)
        measure_import("without bytecode", bare)

        database = ends.enter_context(running_postgres()).address.url
        migrate(database)
        environ = {**made.environ, "DATABASE_URL": database, "REDIS_URL": ends.enter_context(running_redis()).url}
        secrets = ends.enter_context(serving_secrets_manager())
        secret = secrets.environ_for(database)
        for what, more in (("credentials in the URL", {}), ("in a secret", secret)):
            say(what)
            measure_cold_starts(lambda more=more: running(sandbox, {**environ, **more}, folder / "output"))  # type: ignore[misc]
        with running(sandbox, environ, folder / "output") as function:
            assert function.send(write("POST", "/data", TV)).status == 201
            measure_requests(function)


if __name__ == "__main__":
    main()
