"""An app that returns every kind of value: responses, other values, and values that are not valid; or raises."""

import gzip

from chalice import Chalice, Response
from chalice import app as chalice_app

app = Chalice(app_name="responses")
app.log.disabled = True
app.api.binary_types.extend(["text/css", "font/woff2"])

ICON = bytes(range(256))
COMPRESSED = gzip.compress(b"a{}", mtime=0)
TYPED = {
    "css": (COMPRESSED, {"Content-Type": "text/css", "Content-Encoding": "gzip"}, 200),
    "font": (ICON, {"Content-Type": "font/woff2"}, 200),
    "svg": ("<svg>\u00e9</svg>", {"Content-Type": "image/svg+xml"}, 200),
    "problem": ({"title": "no"}, {"Content-Type": "application/problem+json"}, 404),
    "part": ("ell", {"Content-Type": "text/plain", "Content-Range": "bytes 1-3/5"}, 206),
    "dated": ("x", {"Content-Type": "text/plain", "Date": "Mon, 01 Jan 2024 00:00:00 GMT", "Server": "own"}, 200),
    "tab": ("x", {"Content-Type": "text/plain", "X-Tab": "a\tb"}, 200),
    "several": ("x", {"Content-Type": "text/plain", "Link": ["<a>; rel=x", "<b>; rel=y"], "Vary": ["A", "B"]}, 200),
}

NATIVE = {
    "text": "hello",
    "empty": "",
    "dict": {"a": [1, 2.5, None, True]},
    "list": [1, "two"],
    "number": 7,
    "true": True,
    "none": None,
    "unicode": {"name": "h\u00e9llo \u2713"},
}
MALFORMED = {
    "no dictionary": ["statusCode", 200],
    "nothing": None,
    "a number": 7,
    "empty": {},
    "no status": {"body": "x"},
    "a status in words": {"statusCode": "fine", "body": "x"},
    "a status below": {"statusCode": 99, "body": "x"},
    "an interim status": {"statusCode": 101, "body": "x"},
    "a status above": {"statusCode": 1000, "body": "x"},
    "an enormous status": {"statusCode": "9" * 5000, "body": "x"},
    "a fraction as status": {"statusCode": 200.5, "body": "x"},
    "a body that is a dictionary": {"statusCode": 200, "body": {"a": 1}},
    "a body that is a number": {"statusCode": 200, "body": 7},
    "half of a surrogate pair": {"statusCode": 200, "body": "\ud800"},
    "no base64": {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
    "base64 that is not ASCII": {"statusCode": 200, "body": "\u00e9\u00e9\u00e9\u00e9", "isBase64Encoded": True},
    "headers that are a list": {"statusCode": 200, "headers": [["a", "b"]]},
    "a header with a line feed": {"statusCode": 200, "headers": {"X-A": "b\nX-C: d"}},
    "a header with a carriage return": {"statusCode": 200, "headers": {"X-A": "b\rX-C: d"}},
    "a header with a NUL": {"statusCode": 200, "headers": {"X-A": "b\0"}},
    "a header with a control character": {"statusCode": 200, "headers": {"X-A": "b\x01"}},
    "a header with a DEL": {"statusCode": 200, "headers": {"X-A": "b\x7f"}},
    "a header's name with a space": {"statusCode": 200, "headers": {"X A": "b"}},
    "a header's name with a line feed": {"statusCode": 200, "headers": {"X-A\n": "b"}},
    "a header without a name": {"statusCode": 200, "headers": {"": "b"}},
    "a number as a header's name": {"statusCode": 200, "headers": {7: "b"}},
    "many values that are one text": {"statusCode": 200, "multiValueHeaders": {"X-A": "b"}},
    "many values with a line feed": {"statusCode": 200, "multiValueHeaders": {"X-A": ["b", "c\nd"]}},
}


class Quitting(BaseException):
    """An exception that `except Exception` does not catch."""


ESCAPES = {
    "SystemExit": SystemExit(0),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "GeneratorExit": GeneratorExit(),
    "Quitting": Quitting(),
}


class Raw:
    """A response that Chalice passes on unchanged."""

    def __init__(self, result):
        self._result = result

    def to_dict(self, binary_types=None):
        return self._result


@app.middleware("http")
def replace(event, get_response):
    """Replace or change the response of some routes."""
    response = get_response(event)
    if event.path == "/malformed/{how}":
        return Raw(MALFORMED[list(MALFORMED)[int(event.uri_params["how"])]])
    if event.path == "/raw":
        return Raw({"statusCode": "200", "body": b"bytes", "headers": {"Content-Type": "text/plain"}})
    if event.path == "/stringified":
        response.headers.update({"X-Number": 7, "X-True": True, "X-Fraction": 1.5})
    return response


@app.route("/native/{form}", methods=["GET", "HEAD"])
def native(form):
    """Return a value that is not a Response."""
    return NATIVE[form]


@app.route("/response/{code}", methods=["GET", "HEAD", "POST"])
def response(code):
    """Return this status."""
    return Response("said", {"Content-Type": "text/plain"}, int(code))


@app.route("/typed/{name}")
def typed(name):
    """Return a body of some type, with other headers."""
    body, headers, status = TYPED[name]
    return Response(body, headers, status)


@app.route("/bytes")
def binary():
    """Return every byte."""
    return Response(ICON, {"Content-Type": "image/png"})


@app.route("/cookies")
def cookies():
    """Set several cookies, in both maps of headers."""
    return Response({}, {"Set-Cookie": ["a=1; Path=/", "b=2, 3; Secure"], "set-cookie": "c=4"})


@app.route("/own-headers")
def own_headers():
    """Set headers of the connection, and one with text beyond Latin-1."""
    return Response(
        "x",
        {
            "Content-Type": "text/plain",
            "Content-Length": "5000",
            "Connection": "close",
            "Transfer-Encoding": "chunked",
            "Keep-Alive": "timeout=1",
            "X-Text": "\u2713",
            "x-lower": "1",
        },
    )


@app.route("/error/{name}")
def error(name):
    """Raise one of Chalice's own errors."""
    raise getattr(chalice_app, name)("because")


@app.route("/escape/{name}")
def escape(name):
    """Raise an exception that Chalice does not catch."""
    raise ESCAPES[name]


@app.route("/fault")
def fault():
    """Raise an unexpected error."""
    raise RuntimeError("secret detail")


@app.route("/raw")
@app.route("/stringified")
@app.route("/malformed/{how}")
def replaced(how=None):
    """Return what the middleware replaces."""
    return {}
