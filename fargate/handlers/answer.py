"""What Lambda answers: a handler's result as JSON, or the shape of its error, as the runtime client writes them.

https://github.com/aws/aws-lambda-python-runtime-interface-client, `lambda_runtime_marshaller` and `bootstrap`
"""

import itertools
import json
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

from fargate.errors import text_of

PACKAGE = str(Path(__file__).resolve().parents[1])
"""Frames in here are not the app's: Lambda leaves its own out too."""

_encode = json.JSONEncoder(ensure_ascii=False).encode

NO_REASON = "Runtime exited without providing a reason"


class MarshalError(Exception):
    """JSON cannot hold what the handler returned."""


def marshal(result: Any) -> bytes:
    """Return a result as Lambda sends it: bytes as they are, all else as a line of JSON in UTF-8.

    Raises:
        MarshalError: JSON cannot hold it.
    """
    if isinstance(result, bytes):
        return result
    try:
        return f"{_json(result)}\n".encode("utf-8", "backslashreplace")  # a lone surrogate: as JSON escapes it
    except (TypeError, ValueError, RecursionError) as error:
        raise MarshalError(f"Unable to marshal response: {error}") from error


def failure(error: BaseException, request_id: str) -> bytes:
    """Return what Lambda answers where a handler raised."""
    return marshal(_shape(error, request_id))


def _shape(error: BaseException, request_id: str) -> dict[str, Any]:
    if not isinstance(error, Exception):  # it ends Lambda's runtime
        return {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {_exit(error)}"}
    is_ours = isinstance(error, MarshalError)
    return {
        "errorMessage": text_of(error),
        "errorType": "Runtime.MarshalError" if is_ours else type(error).__name__,
        "requestId": request_id,
        "stackTrace": [] if is_ours else traceback.format_list(_frames(error)),
    }


def _exit(error: BaseException) -> str:
    """Say how the runtime's process would have ended; a text as the status is printed, and counts as 1."""
    status = error.code if isinstance(error, SystemExit) else 1
    status = status if isinstance(status, int | None) else 1
    return f"Runtime exited with error: exit status {status}" if status else NO_REASON


def _frames(error: BaseException) -> list[tuple[str, int, str, str | None]]:
    """Return the frames from the app's first on, without columns, as Lambda formats them."""
    frames = itertools.dropwhile(_is_ours, traceback.extract_tb(error.__traceback__))
    return [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames]


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return frame.filename.startswith(PACKAGE)


def _json(value: Any) -> str:
    """Write JSON as simplejson does: Decimal with all its digits, named tuples as objects, bytes as text, NaN."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple) and (as_object := getattr(value, "_asdict", None)):
        return _json(as_object())
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_json, value)) + "]"
    if isinstance(value, Decimal):
        return "NaN" if value.is_nan() else str(value)
    return _encode(value.decode() if isinstance(value, bytes) else value)


def _key(key: Any) -> str:
    """Write an object's key: JSON knows only texts.

    Raises:
        TypeError: it is neither a text nor a number, a boolean or None.
    """
    if isinstance(key, bytes):
        return _json(key)
    if isinstance(key, str):
        return _encode(key)
    text = _encode({key: 0})
    return text[1 : text.rindex(":")]
