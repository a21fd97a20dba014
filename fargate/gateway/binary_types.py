"""What API Gateway treats as binary, by the API's list of binary media types (`app.api.binary_types`).

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
"""

from collections.abc import Sequence
from typing import Any

from fargate.errors import BadGateway
from fargate.http.messages import Header


def is_binary(media_type: str, binary_types: Sequence[str]) -> bool:
    """Tell whether a list holds a media type, its `type/*`, or `*/*`. Parameters such as `q` do not count."""
    name = media_type.partition(";")[0].strip().lower()
    kind, slash, _ = name.partition("/")
    return name in binary_types or f"{kind}{slash}*" in binary_types or "*/*" in binary_types


def accepts_binary(headers: Sequence[Header], binary_types: Sequence[str]) -> bool:
    """Tell whether a client gets bytes: only the first media type of its first `Accept` counts."""
    accept = next((value for name, value in headers if name == "Accept"), "")
    return is_binary(accept.partition(",")[0], binary_types)


def strictly(result: object, *, binary: bool) -> object:
    """Return an app's result as API Gateway reads it.

    Args:
        result: `{"body", "isBase64Encoded", ...}`; its body may be bytes, which are text in the JSON that Lambda sends.
        binary: whether the client gets bytes; if not, base64 stays text.

    Raises:
        BadGateway: the body's bytes are not UTF-8, so Lambda could not send them.
    """
    if not isinstance(result, dict):
        return result
    is_base64 = binary and result.get("isBase64Encoded", False)
    return {**result, "body": _as_json(result.get("body")), "isBase64Encoded": is_base64}


def _as_json(body: Any) -> Any:
    try:
        return body.decode() if isinstance(body, bytes) else body
    except UnicodeDecodeError:
        raise BadGateway from None
