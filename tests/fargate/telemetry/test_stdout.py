"""A standard output that nobody reads costs lines, never answers."""

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

FORGETFUL = """
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


def test_a_line_that_is_written_in_pieces_is_one_line(pipe: Pipe) -> None:
    stream = BoundedStdout(pipe[1])
    print("one", "line", file=stream)
    stream.write("and another")
    stream.write("\nand no end")
    stream.finish()
    assert os.read(pipe[0], 65536) == b"one line\nand another\n"


def test_nobody_waits_for_a_reader_that_does_not_read(pipe: Pipe) -> None:
    stream = BoundedStdout(pipe[1], max_lines=10)
    line = "x" * 1023 + "\n"
    for _ in range(2000):  # two megabytes into a pipe of 64 KiB: whoever waited would wait for ever
        stream.write(line)
    assert stream.dropped > 0
    stream.finish(seconds=0.1)  # nor does the end


def test_what_nobody_will_ever_read_is_counted(pipe: Pipe) -> None:
    os.close(pipe[0])
    stream = BoundedStdout(pipe[1])
    stream.write("lost\n")
    stream.finish()
    assert stream.dropped == 1


def test_a_server_whose_output_nobody_reads_goes_on_and_counts_what_it_drops(database_url: str, redis_url: str) -> None:
    port = free_port()
    environ = {**passed_on(), "DATABASE_URL": database_url, "REDIS_URL": redis_url, "PORT": str(port), "HOST": LOOPBACK}
    environ["ACCESS_LOG_ONE_IN"] = "1"
    with subprocess.Popen([sys.executable, "-c", FORGETFUL], cwd=ROOT, env=environ, stdout=subprocess.PIPE) as server:
        try:
            assert wait_until(lambda: is_ready(port), 30)
            with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=10) as client:
                for _ in range(1000):  # some 350 bytes each into 64 KiB
                    assert client.get("/livez").status_code == 200
                dropped = [line for line in client.get("/metrics").text.splitlines() if "lines_dropped_total" in line]
            assert float(dropped[-1].split()[1]) > 0
            server.terminate()
            assert server.wait(END_SECONDS) == 0
        finally:
            server.kill()
