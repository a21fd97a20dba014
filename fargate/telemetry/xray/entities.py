"""Segments and subsegments, and the JSON that X-Ray wants of them.

What must hold: they answer to what the X-Ray SDK asks of its own, so that one that the SDK makes, in an app that has it
watch its libraries, hangs among these and the other way round.

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

logger = logging.getLogger("fargate")

CLIENT_ERROR, THROTTLED, SERVER_ERROR = 400, 429, 500
_NOT_IN_NAMES = re.compile(r"[?;*()!$~^<>]")
_ANNOTATION_KEY = re.compile(r"[A-Za-z0-9_]+")
_OF_REQUEST = ("method", "url", "user_agent", "client_ip", "x_forwarded_for")


class Entity:
    """What segments and subsegments have in common. One that is not sampled keeps nothing of what it is told."""

    def __init__(self, name: str, trace_id: str, parent_id: str | None, sampled: bool = True) -> None:
        self.id = os.urandom(8).hex()
        self.name = _NOT_IN_NAMES.sub("", name)
        self.trace_id = trace_id
        self.parent_id = parent_id
        self.sampled = sampled
        self.start_time = time.time()
        self.end_time: float | None = None
        self.subsegments: list[Any] = []
        self.facts: dict[str, Any] = {}
        """The document's other members."""

    @property
    def in_progress(self) -> bool:
        """Whether it has not ended."""
        return self.end_time is None

    def close(self, end_time: float | None = None) -> None:
        """End it."""
        self.end_time = end_time or time.time()

    def add_subsegment(self, subsegment: Any) -> None:
        """Hang a subsegment under this."""
        subsegment.parent_id = self.id
        if self.sampled:
            self.subsegments.append(subsegment)

    def remove_subsegment(self, subsegment: Any) -> None:
        """Take it away again."""
        self.subsegments.remove(subsegment)

    def put_annotation(self, key: str, value: object) -> None:
        """Make it findable by a fact: text, a number or a truth value, under a name of letters, digits, underscores."""
        if not (isinstance(value, str | int | float) and _ANNOTATION_KEY.fullmatch(key)):
            logger.warning("Not an annotation that X-Ray takes: %s, of type %s", key, type(value).__name__)
            return
        if self.sampled:
            self.facts.setdefault("annotations", {})[key] = value

    def put_metadata(self, key: str, value: object, namespace: str = "default") -> None:
        """Keep a value with it that is not searched for."""
        if self.sampled:
            self.facts.setdefault("metadata", {}).setdefault(namespace, {})[key] = value

    def put_http_meta(self, key: str, value: object) -> None:
        """Say what was asked over HTTP, or what came of it; a status also says whose fault that is."""
        if value is not None and self.sampled:
            part = "request" if key in _OF_REQUEST else "response"
            self.facts.setdefault("http", {}).setdefault(part, {})[key] = value
            if key == "status":
                self.apply_status_code(int(str(value)))

    def apply_status_code(self, status: int) -> None:
        """Mark it as a fault of the service, or an error of the client."""
        if status >= SERVER_ERROR:
            self.add_fault_flag()
        elif status >= CLIENT_ERROR:
            self.add_error_flag()
        if status == THROTTLED:
            self.add_throttle_flag()

    def add_fault_flag(self) -> None:
        """Mark it as a fault of the service."""
        self._set("fault", True)

    def add_error_flag(self) -> None:
        """Mark it as an error of the client."""
        self._set("error", True)

    def add_throttle_flag(self) -> None:
        """Mark it as refused since there was too much."""
        self._set("throttle", True)

    def add_exception(
        self, exception: BaseException, stack: Iterable[traceback.FrameSummary], remote: bool = False
    ) -> None:
        """Keep an exception; one that an inner subsegment has kept already is only referred to."""
        if not self.sampled:
            return
        self.add_fault_flag()
        known = getattr(exception, "_cause_id", None)  # the SDK's mark
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
        """Say what is known of AWS."""
        self._set("aws", facts)

    def get_origin_trace_header(self) -> None:
        """Return nothing more than what it is called, for whoever is asked next."""

    def to_dict(self) -> dict[str, Any]:
        """Return the document. Threads that outlive a request may go on adding to it meanwhile."""
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
        """Return the document as JSON."""
        return json.dumps(self.to_dict(), default=_plain, skipkeys=True)

    def _set(self, name: str, value: Any) -> None:
        if self.sampled:
            self.facts[name] = value


class Segment(Entity):
    """A request. It is sent when it is answered, with what has ended under it by then."""

    def set_user(self, user: str) -> None:
        """Say who asks."""
        self._set("user", user)

    def set_service(self, facts: dict[str, Any]) -> None:
        """Say what runs here."""
        self._set("service", facts)

    def ready_to_send(self) -> bool:
        """Answer the SDK, which would send it: it is sent by who began it."""
        return False

    def get_total_subsegments_size(self) -> int:
        """Answer the SDK, which would send subsegments ahead where there are many: they go with their segment."""
        return 0

    def increment(self) -> None:
        """Answer the SDK, which counts what is open."""

    decrement_ref_counter = decrement_subsegments_size = increment


class Subsegment(Entity):
    """A step of a request."""

    type = "subsegment"

    def __init__(self, name: str, namespace: str, outer: Any) -> None:
        super().__init__(name, outer.trace_id, outer.id)
        self.namespace = namespace
        self.parent_segment = getattr(outer, "parent_segment", outer)
        outer.add_subsegment(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the document."""
        return {**super().to_dict(), "type": self.type, "namespace": self.namespace}

    def set_sql(self, facts: dict[str, Any]) -> None:
        """Say what a database was asked."""
        self._set("sql", facts)


def _described(exception: BaseException, stack: Iterable[traceback.FrameSummary]) -> dict[str, Any]:
    frames = [{"path": Path(frame.filename).name, "line": frame.lineno, "label": frame.name} for frame in stack]
    return {"message": str(exception), "type": type(exception).__name__, "stack": frames}


def _mark(exception: BaseException, exception_id: str) -> None:
    """Leave the SDK's mark, by which an outer subsegment, its or ours, finds the exception again."""
    marked: Any = exception
    try:
        marked._recorded, marked._cause_id = True, exception_id
    except AttributeError:  # it has slots
        return


def _plain(value: object) -> Any:
    """Return what JSON knows in the place of what it does not: an object's public attributes, else its text."""
    if isinstance(value, Iterable) and not isinstance(value, bytes | type):
        return list(value)
    if isinstance(value, type) or not hasattr(value, "__dict__"):
        return str(value)
    return {name: each for name, each in vars(value).items() if not name.startswith("_") and not callable(each)}
