"""What an app may answer by itself, without event and handler, where it has the answer at hand.

An event, Chalice's own call and the way to a thread cost several times what some answers do. An app that has some at
hand has an attribute `answer_ahead`. It is called for routes that anybody may call, by an event loop's thread or, where
a server has no loop, by any of its threads, as

    answer_ahead(method, route, parameters, headers, can_await) -> Response | Awaitable[Response | None] | None

and must not block. None: its handler is called as ever. An awaitable is an answer only where `can_await` says so: it is
awaited in the loop. Its answer must be what the handler would have returned; of Chalice's own doing, middleware among
it, nothing is done.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from chalice.app import Response

from fargate.http.messages import Header, HttpResponse, canonical, last_value

ATTRIBUTE = "answer_ahead"


class HeaderView:
    """A request's headers, asked by name in any spelling; of several values the last."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Sequence[Header]) -> None:
        self._headers = headers

    def get(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return last_value(self._headers, canonical(name))


Answer = Response | Awaitable[Response | None] | None
AnswerAhead = Callable[[str, str, Mapping[str, str], HeaderView, bool], Answer]


class Asked(NamedTuple):
    """What came of asking for an answer ahead, where none was at hand."""

    is_recorded: bool  # whether the request's trace is: decided, and not to be decided again
    awaited: Awaitable[HttpResponse | None] | None = None  # the answer that may be there soon; None: it will not


NOTHING_AHEAD = Asked(is_recorded=False)
