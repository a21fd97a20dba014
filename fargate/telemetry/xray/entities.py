"""Segments and subsegments, and their JSON documents.

What must hold: they have the methods that the X-Ray SDK calls on its own, so that its subsegments can be children of
these and the other way round.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import json
import logging
import os
import re
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fargate.errors import text_of
from fargate.telemetry.redaction import bounded

logger = logging.getLogger("fargate")

CLIENT_ERROR, THROTTLED, SERVER_ERROR = 400, 429, 500
_NOT_IN_NAMES = re.compile(r"[?;*()!$~^<>]")
_ANNOTATION_KEY = re.compile(r"[A-Za-z0-9_]+")
MOST_BYTES = 64_000
"""X-Ray takes documents of 64 KB, and a UDP datagram 65,507 bytes."""
MOST_TEXT_BYTES = 1024
"""The longest text of an HTTP request that is kept: a client sends what it likes."""
_MAY_BE_LONG = frozenset(("cause", "metadata", "subsegments"))
_OF_REQUEST = ("method", "url", "user_agent", "client_ip", "x_forwarded_for")


class Entity:
    """What segments and subsegments have in common. One that is not sampled keeps nothing."""

    def __init__(self, name: str, trace_id: str, parent_id: str | None, sampled: bool = True) -> None:
        self.id = os.urandom(8).hex()
        self.name = _NOT_IN_NAMES.sub("", name)
        self.trace_id = trace_id
        self.parent_id = parent_id
        self.sampled = sampled
        self.start_time = time.time()
        self._begun = time.monotonic()
        self.end_time: float | None = None
        self.subsegments: list[Any] = []
        self.facts: dict[str, Any] = {}
        """The document's other members."""

    @property
    def in_progress(self) -> bool:
        return self.end_time is None

    def close(self, end_time: float | None = None) -> None:
        """End it. X-Ray drops an entity that ends before it starts, so a clock that steps back must not count."""
        self.end_time = end_time or self.start_time + time.monotonic() - self._begun

    def add_subsegment(self, subsegment: Any) -> None:
        subsegment.parent_id = self.id
        if self.sampled:
            self.subsegments.append(subsegment)

    def remove_subsegment(self, subsegment: Any) -> None:
        self.subsegments.remove(subsegment)

    def put_annotation(self, key: str, value: object) -> None:
        """Add a searchable value: text, number or bool, under a name of letters, digits and underscores."""
        if not (isinstance(value, str | int | float) and _ANNOTATION_KEY.fullmatch(key)):
            logger.warning("Not an annotation that X-Ray takes: %s, of type %s", key, type(value).__name__)
            return
        if self.sampled:
            self.facts.setdefault("annotations", {})[key] = value

    def put_metadata(self, key: str, value: object, namespace: str = "default") -> None:
        """Add a value that is not searchable."""
        if self.sampled:
            self.facts.setdefault("metadata", {}).setdefault(namespace, {})[key] = value

    def put_http_meta(self, key: str, value: object) -> None:
        """Add a fact of the HTTP request or response; a status also sets the error flags."""
        if value is not None and self.sampled:
            part = "request" if key in _OF_REQUEST else "response"
            kept = bounded(value, MOST_TEXT_BYTES) if isinstance(value, str) else value
            self.facts.setdefault("http", {}).setdefault(part, {})[key] = kept
            if key == "status":
                self.apply_status_code(int(str(value)))

    def apply_status_code(self, status: int) -> None:
        if status >= SERVER_ERROR:
            self.add_fault_flag()
        elif status >= CLIENT_ERROR:
            self.add_error_flag()
        if status == THROTTLED:
            self.add_throttle_flag()

    def add_fault_flag(self) -> None:
        """Mark an error of the service."""
        self._set("fault", True)

    def add_error_flag(self) -> None:
        """Mark an error of the client."""
        self._set("error", True)

    def add_throttle_flag(self) -> None:
        """Mark a request that was refused with 429."""
        self._set("throttle", True)

    def add_exception(
        self, exception: BaseException, stack: Iterable[traceback.FrameSummary], remote: bool = False
    ) -> None:
        """Add an exception. If an inner subsegment has it already, add a reference to it."""
        if not self.sampled:
            return
        self.add_fault_flag()
        known = getattr(exception, "_cause_id", None)  # set by the SDK or by `_mark`
        if known is not None:
            self.facts["cause"] = known
            return
        exception_id = os.urandom(8).hex()
        cause = self.facts.get("cause")
        before = cause["exceptions"] if isinstance(cause, dict) else []
        described = _described(exception, stack) | {"id": exception_id, "remote": remote}
        self.facts["cause"] = {"working_directory": str(Path.cwd()), "exceptions": [*before, described]}
        _mark(exception, exception_id)

    def set_aws(self, facts: dict[str, Any]) -> None:
        self._set("aws", facts)

    def get_origin_trace_header(self) -> None:
        """Return None: the SDK then builds the header of outgoing calls from the ids."""

    def to_dict(self) -> dict[str, Any]:
        """Return the document. Threads of the handler may still be adding to the segment."""
        document = {
            "id": self.id,
            "name": self.name,
            "start_time": self.start_time,
            "in_progress": self.in_progress,
            "trace_id": self.trace_id,
            **self.facts,
        }
        if self.end_time is not None:
            document["end_time"] = self.end_time
        if self.parent_id is not None:
            document["parent_id"] = self.parent_id
        subsegments = [each.to_dict() for each in list(self.subsegments) if each.sampled]
        return {**document, "subsegments": subsegments} if subsegments else document

    def serialize(self) -> str:
        """Return the document as JSON; if X-Ray would not take its length, without what may be long.

        Raises:
            TypeError, ValueError, RecursionError: JSON cannot hold it, or it is too long all the same.
        """
        document = self.to_dict()
        text = _json(document)
        if len(text.encode()) > MOST_BYTES:
            text = _json({name: value for name, value in document.items() if name not in _MAY_BE_LONG})
            logger.warning("A trace segment of more than %d bytes is sent without its details", MOST_BYTES)
        if len(text.encode()) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES} bytes")
        return text

    def _set(self, name: str, value: Any) -> None:
        if self.sampled:
            self.facts[name] = value


class Segment(Entity):
    """A request. It is sent with its subsegments after the response."""

    def set_user(self, user: str) -> None:
        self._set("user", user)

    def set_service(self, facts: dict[str, Any]) -> None:
        self._set("service", facts)

    def ready_to_send(self) -> bool:
        """Return False: the adapter sends it, not the SDK."""
        return False

    def get_total_subsegments_size(self) -> int:
        """Return 0: the SDK sends many subsegments early, but here they are sent with their segment."""
        return 0

    def increment(self) -> None:
        """No-op: the SDK counts open subsegments."""

    decrement_ref_counter = decrement_subsegments_size = increment


class Subsegment(Entity):
    """A step of a request. Its parent is `outer`, an entity of ours or of the SDK."""

    type = "subsegment"

    def __init__(self, name: str, namespace: str, outer: Any) -> None:
        super().__init__(name, outer.trace_id, outer.id)
        self.namespace = namespace
        self.parent_segment = getattr(outer, "parent_segment", outer)
        outer.add_subsegment(self)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "type": self.type, "namespace": self.namespace}

    def set_sql(self, facts: dict[str, Any]) -> None:
        self._set("sql", facts)


def _json(document: dict[str, Any]) -> str:
    """Return a document as JSON; not in ASCII, in which a character may take six bytes."""
    text = json.dumps(document, default=_plain, skipkeys=True, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate: as JSON escapes it


def _described(exception: BaseException, stack: Iterable[traceback.FrameSummary]) -> dict[str, Any]:
    frames = [{"path": Path(frame.filename).name, "line": frame.lineno, "label": frame.name} for frame in stack]
    return {"message": bounded(text_of(exception), MOST_TEXT_BYTES), "type": type(exception).__name__, "stack": frames}


def _mark(exception: BaseException, exception_id: str) -> None:
    """Mark an exception as the SDK does, so that an outer subsegment, ours or the SDK's, refers to it."""
    marked: Any = exception
    try:
        marked._recorded, marked._cause_id = True, exception_id
    except AttributeError:  # it has __slots__
        return


def _plain(value: object) -> Any:
    """Convert a value for JSON: an iterable to a list, an object to its public attributes, others to text."""
    if isinstance(value, Iterable) and not isinstance(value, bytes | type):
        return list(value)
    if isinstance(value, type) or not hasattr(value, "__dict__"):
        return str(value)
    return {name: each for name, each in vars(value).items() if not name.startswith("_") and not callable(each)}
