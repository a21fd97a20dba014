"""The ids of a request in servers that fork after they have imported the app."""

import subprocess
import sys

FORKED = """
import os
from fargate.http.identifiers import IdentifierSource
source = IdentifierSource()
child = os.fork()
os.write(1, f"{source.next(None, None, 0).request_id}\\n".encode())
if child:
    os.waitpid(child, 0)
"""


def test_processes_of_one_server_do_not_share_ids() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True, timeout=60)
    assert len(set(done.stdout.split())) == 2
