"""`poll` in processes of its own: kills, signals, its port for metrics, and what it refuses to start with."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from urllib.parse import urlsplit

from local.ports import free_port
from tests.fargate.queues.conftest import Records
from tests.fargate.queues.sqs_server import REGION, SqsServer
from tests.fixtures.servers import ROOT, passed_on

PROJECT = ROOT / "tests" / "apps" / "projects" / "queues"
TRACED = """
from aws_xray_sdk.core import patch
from chalice.app import Chalice
patch(["botocore"])  # all requests of boto3 are traced, also those outside calls
app = Chalice("traced")

@app.on_sqs_message(queue="nowhere")
def take(event): ...
"""
ALL_OWN = ("orders", "collected", "lines.fifo", "parcels")
SECONDS = 60


def begun(sqs: SqsServer, record: Path, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
    """Begin `python -m fargate poll` in the project's folder. A variable that is empty is left out."""
    given = {
        **passed_on(),
        "PYTHONPATH": str(ROOT),
        "POWERTOOLS_TRACE_DISABLED": "true",
        "RECORD": str(record),
        **sqs.environ,
        **environ,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "fargate", "poll", *arguments],
        env={name: value for name, value in given.items() if value},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextlib.contextmanager
def polling(sqs: SqsServer, record: Path, **environ: str) -> "Iterator[subprocess.Popen[str]]":
    """Run `poll` until the block ends."""
    for name in ALL_OWN:
        if name not in sqs.queues:
            sqs.create(name, visibility=2)
    with begun(sqs, record, **environ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_consumer_that_is_killed_within_a_batch_loses_nothing(
    sqs: SqsServer, record: Path, records: Records, pipe: Path
) -> None:
    """The second consumer gets what the first one held when its time-out ends."""
    orders = sqs.create("orders", visibility=2)
    sqs.send("orders", {"waits_for": str(pipe)}, *({"id": number} for number in range(9)))
    with polling(sqs, record) as first:
        sqs.await_that(records)
        assert orders.hidden() == 10
        first.kill()
        first.wait(SECONDS)
    assert len(orders.messages) == 10
    with polling(sqs, record):
        sqs.await_that(lambda: len(records()) == 2)
        pipe.write_text("go on")
        sqs.await_that(lambda: not orders.messages)
    assert [each["received"] for each in records()] == [[1] * 10, [2] * 10]


def test_sigterm_finishes_what_runs_and_exits_with_0(
    sqs: SqsServer, record: Path, records: Records, pipe: Path
) -> None:
    """A thread that the handler has left does not hold the end up."""
    orders = sqs.create("orders", visibility=600)
    sqs.send("orders", {"waits_for": str(pipe), "leaves_a_thread": True})
    with polling(sqs, record) as process:
        sqs.await_that(records)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        before = [*takewhile(lambda line: "Stopping" not in line, process.stdout)]
        process.send_signal(signal.SIGTERM)  # `timeout` sends two
        pipe.write_text("go on")
        sqs.ends_waits = True
        sqs.await_that(lambda: not orders.messages)
        assert process.wait(SECONDS) == 0
        lines = [json.loads(line) for line in (*before, *process.stdout)]
    assert lines[-1]["message"] == "Stopped"
    (batch,) = [line["batch"] for line in lines if "batch" in line]
    assert (batch["queue"], batch["size"], batch["failures"]) == ("orders", 1, 0)
    assert len([line for line in lines if "invocation" in line]) == 1
    handlers = "on_cw_event paid, on_s3_event uploaded, on_sns_message read_news"
    without = f"Without a queue, so not called; POLL_QUEUES can name one: {handlers}"
    assert without in [line["message"] for line in lines]
    assert not [line for line in lines if line["level"] != "INFO" and line["message"] != without]


def test_ctrl_c_then_cuts_handlers_off_and_gives_their_batches_back(
    sqs: SqsServer, record: Path, records: Records, pipe: Path
) -> None:
    orders = sqs.create("orders", visibility=600)
    sqs.send("orders", {"waits_for": str(pipe)}, {"id": 2})
    with polling(sqs, record, DRAIN_SECONDS="100") as process:
        sqs.await_that(records)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert next(line for line in process.stdout if "Stopping" in line)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
    sqs.await_that(lambda: orders.hidden() == 0)
    assert [each.received for each in orders.messages.values()] == [1, 1]


def test_metrics_are_served_on_a_port_of_their_own(sqs: SqsServer, record: Path) -> None:
    """A receive waits less long than the drain, whose end would cut it off. boto3 itself does not read AWS_REGION."""
    port = free_port()
    environ = {"DRAIN_SECONDS": "10", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": ""}
    with polling(sqs, record, METRICS_PORT=str(port), HOST="127.0.0.1", **environ) as process:
        sqs.await_that(lambda: sqs.requests.count("ReceiveMessage") >= len(ALL_OWN))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as response:
            text = response.read().decode()
        sqs.ends_waits = True
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    assert 'queue_messages_total{handler="take_lines",outcome="failure",queue="lines.fifo"} 0.0' in text
    assert "log_lines_dropped_total" in text
    assert sqs.waits == {9}


def test_what_it_refuses_to_start_with(sqs: SqsServer, record: Path, tmp_path: Path) -> None:
    """All begin together, since most of a second goes into each start."""
    sqs.create("orders")
    sqs.create("lines.fifo", visibility=0)
    (tmp_path / "none.py").write_text("from chalice.app import Chalice\napp = Chalice('none')\n")
    (tmp_path / "traced.py").write_text(TRACED)
    elsewhere = {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    taken = str(urlsplit(sqs.url).port)
    all_alike = {"POLL_QUEUES": "collect=orders,take_lines=orders,pack_parcels=orders"}
    traced = {**elsewhere, "AWS_XRAY_CONTEXT_MISSING": "RUNTIME_ERROR", "POWERTOOLS_TRACE_DISABLED": ""}
    no_login = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "HOME"), "")
    no_region = {"AWS_DEFAULT_REGION": "", "AWS_REGION": "", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    cases = [
        (
            begun(sqs, record),
            "on_sqs_message collect: The queue collected cannot be consumed: ",
            "There is no such queue. A name is looked for in AWS_REGION",
            "on_sqs_message take_lines: the queue's visibility time-out is 0 s",
        ),
        (
            begun(sqs, record, **no_login),
            "cannot be consumed: Unable to locate credentials. ECS gives them to a task that has a role",
        ),
        (begun(sqs, record, **no_region), "You must specify a region. Set AWS_REGION"),
        (begun(sqs, record, "none", **elsewhere), "No handler has a queue"),
        (begun(sqs, record, "traced", **traced), "on_sqs_message take: The queue nowhere ", "There is no such queue"),
        (begun(sqs, record, METRICS_PORT=taken, HOST="127.0.0.1", **all_alike), f"METRICS_PORT {taken} cannot be lis"),
    ]
    for process, *messages in cases:
        with process:
            out, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 2, out
        for message in messages:
            assert message in out.partition("Cannot start:\n")[2]
    shared = ":orders has several handlers, and each message goes to one of them by chance: on_sqs_message "
    assert shared in out  # of the last one


def test_a_queue_in_another_region_is_named_by_its_arn(sqs: SqsServer, record: Path, records: Records) -> None:
    """The region of the environment is wrong for it; the server knows one."""
    sqs.create("elsewhere")
    sqs.send("elsewhere", {"id": 1})
    arn = f"arn:aws:sqs:{REGION}:123456789012:elsewhere"
    with polling(sqs, record, POLL_QUEUES=f"take_orders={arn}", AWS_DEFAULT_REGION="us-east-1"):
        sqs.await_that(records)
