"""The old name of a client, for test_ahead.py."""

from tests.contract.clients.client import ServerClient as ServerDoor

__all__ = ["ServerDoor"]
