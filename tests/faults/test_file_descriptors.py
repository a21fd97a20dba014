"""Where files may be opened no more, idle connections make room, and the log stays short."""

import contextlib
import socket
from pathlib import Path

import httpx
import pytest

from fargate.settings import Server as Kind
from local.waiting import wait_until
from tests.fixtures.servers import Server, serving

FEW_FILES_WITHOUT_UVLOOP = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
sys.modules["uvloop"] = None  # it resets new connections, and says nothing
"""
CROWD = 100
SECONDS = 30


@pytest.mark.parametrize("kind", [Kind.WAITRESS, Kind.UVICORN])
def test_idle_connections_make_room_where_no_file_can_be_opened(tmp_path: Path, kind: Kind) -> None:
    (tmp_path / "sitecustomize.py").write_text(FEW_FILES_WITHOUT_UVLOOP)
    environ = {"SERVER": kind, "PYTHONPATH": str(tmp_path)}
    with serving(environ, "tests.apps.echo:app") as server, contextlib.ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        assert wait_until(lambda: serves(server), SECONDS)
        said = server.complaints().splitlines()
        assert "The limit of open files is 64" in said[0]
        assert len(said) <= 2, said


def serves(server: Server) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{server.url}/echo/x", timeout=5).status_code == 200
    return False
