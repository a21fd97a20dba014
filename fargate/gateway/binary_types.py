"""What API Gateway treats as binary, by the API's list of binary media types (`app.api.binary_types`).

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
"""

from collections.abc import Sequence

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
