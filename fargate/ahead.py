"""What an app may do for a server with an event loop: answer at once what needs no waiting.

Chalice's handlers are functions that wait, so an event loop hands requests to threads; that, the event, and Chalice's
own call cost several times what some answers do. An app that has some at hand has an attribute `answer_ahead`. It is
called on the loop's thread, for routes that anybody may call, as

    answer_ahead(method, route, parameters, headers) -> Response | Awaitable[Response | None] | None

and must not block. None: its handler is called as ever. Its answer must be what the handler would have returned; of
Chalice's own doing, middleware among it, nothing is done.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from chalice.app import Response

from fargate.http import Header, canonical, last_value

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
AnswerAhead = Callable[[str, str, Mapping[str, str], HeaderView], Answer]
