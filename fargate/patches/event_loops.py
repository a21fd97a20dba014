"""A handler may call `asyncio.get_event_loop()`, as it may on Lambda.

Replaces `get_event_loop` of asyncio's policy. Lambda calls handlers in the main thread, for which asyncio makes an
event loop when it is first asked for one. Here they run in other threads, for which it raises RuntimeError. Each of
these threads gets a loop of its own when a handler asks for it.

Python 3.14 raises in the main thread too, so nothing is changed there. Drop with Python 3.13.
"""

import asyncio
import sys
from collections.abc import Callable
from functools import wraps


def offer_event_loops(is_serving: Callable[[], bool]) -> None:
    """Let threads that serve a request have event loops. Calling it again changes nothing.

    Args:
        is_serving: whether the running thread serves a request; other threads go on to get RuntimeError.
    """
    if sys.version_info >= (3, 14):
        return
    policy = asyncio.events.BaseDefaultEventLoopPolicy
    of_policy = policy.get_event_loop
    if hasattr(of_policy, "__wrapped__"):
        return

    @wraps(of_policy)
    def get_event_loop(self: asyncio.events.BaseDefaultEventLoopPolicy) -> asyncio.AbstractEventLoop:
        try:
            return of_policy(self)
        except RuntimeError:
            if not is_serving():
                raise
        self.set_event_loop(self.new_event_loop())
        return of_policy(self)

    policy.get_event_loop = get_event_loop  # type: ignore[method-assign]
