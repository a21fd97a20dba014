"""A standard output that is not read costs lines, not responses."""

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from fargate.telemetry.stdout import BoundedStdout
from local.ports import LOOPBACK, free_port
from local.waiting import wait_until
from tests.fixtures.servers import END_SECONDS, ROOT, is_ready, passed_on

Pipe = tuple[int, int]

SMALL_QUEUE = """
import runpy, sys
import fargate.telemetry.stdout

fargate.telemetry.stdout.BoundedStdout.__init__.__defaults__ = (50,)
sys.argv = ["fargate"]
runpy.run_module("fargate", run_name="__main__")
"""


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_lines_arrive_whole_and_in_order(pipe: Pipe) -> None:
    stream = BoundedStdout(pipe[1])
    for number in range(100):
        stream.write(f"line {number}\n")
    stream.finish()
    assert os.read(pipe[0], 65536).decode().splitlines() == [f"line {number}" for number in range(100)]
    assert stream.dropped == 0


def test_a_line_written_in_parts_is_one_line(pipe: Pipe) -> None:
    stream = BoundedStdout(pipe[1])
    print("one", "line", file=stream)
    stream.write("and another")
    stream.write("\nand no end")
    stream.finish()
    assert os.read(pipe[0], 65536) == b"one line\nand another\n"


def test_a_reader_that_does_not_read_blocks_no_writer(pipe: Pipe) -> None:
    stream = BoundedStdout(pipe[1], max_lines=10)
    line = "x" * 1023 + "\n"
    for _ in range(2000):  # 2 MB into a pipe of 64 KiB: a blocking write would never return
        stream.write(line)
    assert stream.dropped > 0
    stream.finish(seconds=0.1)  # does not block either


def test_lines_without_a_reader_are_counted(pipe: Pipe) -> None:
    os.close(pipe[0])
    stream = BoundedStdout(pipe[1])
    stream.write("lost\n")
    stream.finish()
    assert stream.dropped == 1


def test_a_server_whose_output_is_not_read_responds_and_counts_dropped_lines(database_url: str, redis_url: str) -> None:
    port = free_port()
    environ = {**passed_on(), "DATABASE_URL": database_url, "REDIS_URL": redis_url, "PORT": str(port), "HOST": LOOPBACK}
    environ["ACCESS_LOG_ONE_IN"] = "1"
    with subprocess.Popen([sys.executable, "-c", SMALL_QUEUE], cwd=ROOT, env=environ, stdout=subprocess.PIPE) as server:
        try:
            assert wait_until(lambda: is_ready(port), 30)
            with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=10) as client:
                for _ in range(400):  # about 350 bytes each, into 64 KiB
                    assert client.get("/livez").status_code == 200
                dropped = [line for line in client.get("/metrics").text.splitlines() if "lines_dropped_total" in line]
            assert float(dropped[-1].split()[1]) > 0
            server.terminate()
            assert server.wait(END_SECONDS) == 0
        finally:
            server.kill()
