"""The conditions of a request: If-Match, then If-None-Match (RFC 9110, sections 13.1 and 13.2.2).

They count only for a request that would succeed without them (section 13.2.1), so a product that is not there is 404.
"""

from collections.abc import Mapping

from chalicelib.errors import BadRequestError, PreconditionFailedError
from chalicelib.ports import Check
from chalicelib.product import Product
from chalicelib.web.entity_tags import ANY, etag_of, is_listed, is_listed_weakly, tags_in
from chalicelib.web.request_headers import HeaderSource

MATCH, NONE_MATCH = "If-Match", "If-None-Match"
CONDITIONS = frozenset((MATCH, NONE_MATCH))


def is_not_modified(headers: HeaderSource, etag: str) -> bool:
    """Return whether a read is answered 304: the client has this version.

    A malformed If-None-Match is ignored: the whole answer is right too.

    Raises:
        PreconditionFailedError: If-Match does not name this version.
        BadRequestError: If-Match is malformed.
    """
    sent = headers.joined(CONDITIONS)
    if not sent:
        return False
    if MATCH in sent and not is_listed(etag, _tags(sent, MATCH)):
        raise PreconditionFailedError("If-Match names another version")
    try:
        return NONE_MATCH in sent and is_listed_weakly(etag, tags_in(sent[NONE_MATCH]))
    except ValueError:
        return False


def check_of(headers: HeaderSource) -> Check | None:
    """Return what checks the conditions of a write against the stored product; None if there is nothing to check.

    Raises:
        BadRequestError: a condition is malformed; the check raises PreconditionFailedError.
    """
    sent = headers.joined(CONDITIONS)
    wanted = _tags(sent, MATCH) if MATCH in sent else frozenset({ANY})
    unwanted = _tags(sent, NONE_MATCH) if NONE_MATCH in sent else frozenset()
    if ANY in wanted and not unwanted:
        return None

    def check(stored: Product) -> None:
        etag = etag_of(stored.to_json())
        if not is_listed(etag, wanted):
            raise PreconditionFailedError(f"product {stored.id} has changed: If-Match names another version")
        if is_listed_weakly(etag, unwanted):
            raise PreconditionFailedError(f"product {stored.id} is there: If-None-Match names its version")

    return check


def refuse_if_match(headers: HeaderSource) -> None:
    """Check the conditions of a request to a path that has no versions: If-Match never holds, If-None-Match always.

    Raises:
        PreconditionFailedError: there is an If-Match.
    """
    if MATCH in headers.joined(CONDITIONS):
        raise PreconditionFailedError("there is no version here that If-Match could name")


def _tags(sent: Mapping[str, str], name: str) -> frozenset[str]:
    try:
        return tags_in(sent[name])
    except ValueError:
        raise BadRequestError(f"{name} must be {ANY} or a list of entity tags in double quotes") from None
