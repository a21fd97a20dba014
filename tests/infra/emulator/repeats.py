"""One request at a time, and none twice: a client that retries because the answer was lost gets the first answer.

AWS' clients give each call an `amz-sdk-invocation-id` and send it with every attempt at the call. AWS itself recognises
only some calls when they come again; here a second attempt at any call gets the first one's answer. An error is not
kept: a client that repeats a call after an error wants it done.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

KEPT = 2000  # answers; a repeated request comes within seconds

_logger = logging.getLogger(__name__)

_WAITS = "/sqs/aws4_request"  # in the signature's scope: receiving from a queue waits for a message


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def done(self) -> bool:
        """Whether the call succeeded."""
        return self.status.startswith("2")


class DoneOnce:
    """Passes requests on one at a time, and each call that succeeds once.

    moto changes lists and dictionaries that other requests read meanwhile. Nothing is lost: Python itself runs one
    thread at a time.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._one_at_a_time = threading.Lock()
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if _WAITS in environ.get("HTTP_AUTHORIZATION", ""):
            return self._application(environ, start_response)
        with self._one_at_a_time:
            answer = self._answer(environ)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        call = environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")
        known = self._answers.get(call)
        if known:
            _log(environ, known, "answered as before")
            return known
        answer = _ask(self._application, environ)
        if call and answer.done:
            self._answers[call] = answer
            if len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        if not answer.done:
            _log(environ, answer, "done")
        return answer


def _ask(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        begun.append((status, headers))
        return lambda data: None

    body = b"".join(application(environ, start_response))
    return Answer(*begun[-1], body)


def _log(environ: WSGIEnvironment, answer: Answer, what: str) -> None:
    """Log a repeated request or an error."""
    attempt = environ.get("HTTP_AMZ_SDK_REQUEST", "attempt=?").partition(";")[0]
    action = environ.get("HTTP_X_AMZ_TARGET") or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    _logger.warning("%s (%s): %s, %s: %r", action, attempt, what, answer.status, answer.body[:300])
