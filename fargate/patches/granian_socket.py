"""granian serves on a listening socket that the adapter has opened.

Overrides `Server._init_shared_socket`, and sets `_shd` and `_ssp`. granian opens its listening socket itself and does
not hand it out, but a drain must refuse new connections on it while granian finishes the old ones.

Drop when granian's embedded `Server` takes a socket or a file descriptor.
"""

import socket
from typing import Any

from granian._granian import SocketHolder
from granian.server.embed import Server


class SocketServer(Server):
    """granian's embedded server on a given listening socket; `options` are those of `Server`."""

    def __init__(self, app: Any, listener: socket.socket, **options: Any) -> None:
        self._listener = listener
        super().__init__(app, **options)

    def _init_shared_socket(self) -> None:
        self._ssp = None
        holder: Any = SocketHolder  # granian's stub lacks its parameters
        self._shd = holder(self._listener.fileno(), False, self.backlog)
