"""Routes for what users of Chalice have reported; `tests/contract/reports/` asks them and says which report each is."""

import asyncio
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import date
from decimal import Decimal
from email import message_from_bytes
from urllib.parse import parse_qs

from chalice import AuthResponse, AuthRoute, Blueprint, Chalice, CORSConfig, NotFoundError, Response
from chalice.app import ChaliceUnhandledError

app = Chalice(app_name="reports")
app.api.binary_types.extend(["application/pdf", "application/vnd.packed+json", "multipart/form-data"])
app.log.disabled = True  # the errors below are meant

users = Blueprint("users")
orders = Blueprint("orders")
ORIGINS = {"https://shop.example", "https://www.shop.example"}
BOTH = CORSConfig(allow_origin="*", allow_credentials=True, max_age=600)
BYTES = bytes(range(256))


class OutOfStock(ChaliceUnhandledError):
    """An error that the middleware turns into a response."""


class LibraryError(Exception):
    """An error that Chalice turns into a response before a middleware sees it."""


@app.middleware("http")
def explain(event, get_response):
    """Answer 409 to the one error that reaches a middleware; mark what any view has returned."""
    if event.headers.get("x-early"):
        return Response({"early": True})
    try:
        response = get_response(event)
    except OutOfStock as error:
        return Response({"error": str(error)}, status_code=409)
    response.headers["X-Seen-Status"] = str(response.status_code)
    return response


def request_seen(**captured):
    """Return what a view can see of its request."""
    request = app.current_request
    query = request.query_params
    return {
        "captured": captured,
        "uri_params": request.uri_params,
        "query": query and {name: query.getlist(name) for name in query},
        "last_values": request.to_dict()["query_params"],
        "path": request.path,
        "sent": request.to_original_event()["path"],
        "context": {name: request.context[name] for name in ("path", "httpMethod", "resourcePath")},
    }


for pattern in ("/seen", "/seen/{value}", "/seen/{value}/{other}", "/rest/{proxy+}", "/stamp/{moment}"):
    app.route(pattern)(request_seen)


@app.route("/slashed/")
def slashed():
    """A route that is written with a slash at its end."""
    return {"route": app.current_request.path}


@app.route("/captured/{proxy+}")
def captured(proxy):
    """Expect an argument that Chalice does not pass."""
    return {"proxy": proxy}


# --- bodies of requests


@app.route("/body", methods=["GET", "POST"], content_types=["*/*"])
def body():
    """Return the kind and the bytes of the body."""
    raw = app.current_request.raw_body
    return {"type": type(raw).__name__, "hex": raw.hex(), "json": app.current_request.json_body}


@app.route("/json", methods=["POST"], cors=True)
def json_body():
    """Take JSON, as routes do unless they say otherwise."""
    return {"json": app.current_request.json_body}


@app.route("/form", methods=["POST"], content_types=["application/x-www-form-urlencoded"])
def form():
    """Parse a form."""
    return parse_qs(app.current_request.raw_body.decode(), keep_blank_values=True)


@app.route("/upload", methods=["POST"], content_types=["multipart/form-data"])
def upload():
    """Parse a form with a file."""
    request = app.current_request
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.raw_body).get_payload()
    return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True).hex() for part in parts}


# --- bodies of responses


@app.route("/pdf")
def pdf():
    """Return a type that the app has added to the binary ones."""
    return Response(b"%PDF-1.7 " + BYTES, {"Content-Type": "application/pdf"})


@app.route("/mp3")
def mp3():
    """Return a type that is binary for Chalice, and say its length."""
    return Response(BYTES, {"Content-Type": "audio/mpeg", "Content-Length": str(len(BYTES))})


@app.route("/packed")
def packed():
    """Return JSON that is compressed."""
    content = gzip.compress(json.dumps({"hello": "world"}).encode(), mtime=0)
    return Response(content, {"Content-Type": "application/vnd.packed+json", "Content-Encoding": "gzip"})


@app.route("/decimals")
def decimals():
    """Return numbers as DynamoDB gives them."""
    return {"price": Decimal("9.99"), "count": Decimal(3)}


@app.route("/dates")
def dates():
    """Return what JSON has no form for."""
    return {"today": date(2026, 11, 28)}


@app.route("/async")
async def asynchronous():
    """A view that Chalice does not await."""
    return {}


@app.route("/awaits")
def awaits():
    """Run a loop inside of a view."""
    return asyncio.run(_answer())


@app.route("/loop")
def loop():
    """Use the thread's loop, as code for Lambda does, where every request has the same thread."""
    return asyncio.get_event_loop().run_until_complete(_answer())


async def _answer():
    await asyncio.sleep(0)
    return {"awaited": app.current_request.path}


@app.route("/nothing", methods=["DELETE"])
def nothing():
    """Return no content."""
    return Response("", status_code=204)


@app.route("/moved")
def moved():
    """Send the client elsewhere."""
    return Response("", {"Location": "https://other.example/x?y=%20z"}, 302)


@app.route("/created", methods=["POST"])
def created():
    """Say where something new is."""
    return Response({"id": 7}, {"Location": "/created/7"}, 201)


@app.route("/cookies/{number}")
def cookies(number):
    """Set so many cookies."""
    return Response({}, {"Set-Cookie": [f"c{each}={each}; Path=/; HttpOnly" for each in range(int(number))]})


@app.route("/counted")
def counted():
    """Return a header that is a number."""
    return Response({}, {"X-Total-Count": 1})


@app.route("/html")
def html():
    """Return a page."""
    return Response("<p>gr\u00fc\u00df dich</p>", {"Content-Type": "text/html; charset=utf-8"})


@app.route("/upstream")
def upstream():
    """Pass the headers of another server's response on."""
    headers = {"Date": "Sat, 01 Jan 2000 00:00:00 GMT", "server": "another", "Connection": "close", "X-Upstream": "1"}
    return Response({}, headers)


@app.route("/photo", content_types=["image/jpg"])
def photo():
    """Mean the response with `content_types`, which are those of the request."""
    return Response(BYTES, {"Content-Type": "image/jpg"})


wide = Chalice(app_name="reports-wide")
wide.api.binary_types = ["*/*"]


@wide.route("/echo", methods=["POST"], content_types=["application/octet-stream"], cors=True)
def echo():
    """Return the body."""
    return Response(wide.current_request.raw_body, {"Content-Type": "application/octet-stream"})


@wide.route("/json")
def wide_json():
    """Return no bytes, which Chalice turns into them."""
    return {"hello": "world"}


@wide.route("/page")
def wide_page():
    """Return no bytes where Chalice demands them."""
    return Response("<p>", {"Content-Type": "text/html"})


# --- errors


@app.route("/sold-out")
def sold_out():
    """Raise the error that the middleware handles."""
    raise OutOfStock("sold out")


@app.route("/library-error", cors=True)
def library_error():
    """Raise an error of a library."""
    raise LibraryError("secret")


@app.route("/escapes")
def escapes():
    """Raise an error that passes through `except Exception`."""
    raise KeyboardInterrupt


@app.route("/missing", cors=True)
def missing():
    """Raise one of Chalice's errors on a route with CORS."""
    raise NotFoundError("no such thing")


# --- CORS


@app.route("/origins", methods=["GET", "OPTIONS"])
def origins():
    """Answer preflights for several origins, as Chalice's documentation proposes."""
    origin = app.current_request.headers.get("origin", "")
    return Response({}, {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin in ORIGINS else {})


@app.route("/both", cors=BOTH)
def both():
    """Allow credentials from everywhere, which browsers refuse."""
    return {}


# --- authorizers


@app.authorizer()
def by_token(request):
    """Allow what the token names: routes, a route for GET alone, everything, nothing."""
    if request.token == "unknown":
        raise Exception("Unauthorized")
    routes = {
        "all": ["*"],
        "mine": ["/mine", "/mine/*"],
        "read": [AuthRoute("/mine", ["GET"])],
        "star": [AuthRoute("*", ["*"])],
        "hours": ["/stamped/*"],
    }
    return AuthResponse(routes.get(request.token, []), "someone", {"token": request.token, "age": 7})


@app.authorizer(header="Cookie", ttl_seconds=0)
def by_cookie(request):
    """Read the token from another header."""
    return AuthResponse(["*"] if request.token == "session=1" else [], "someone")


@app.route("/mine", methods=["GET", "POST"], authorizer=by_token, cors=True)
@app.route("/mine/{item}", authorizer=by_token)
@app.route("/stamped/{moment}", authorizer=by_token)
def mine(**captured):
    """Return whose it is."""
    return {"authorizer": app.current_request.context["authorizer"], **captured}


@app.route("/jar", authorizer=by_cookie)
def jar():
    """Be behind the other authorizer."""
    return {}


@app.route("/open")
def open_to_all():
    """Have no authorizer beside routes that have one."""
    return {"authorizer": app.current_request.context.get("authorizer")}


@app.route("/keyed", api_key_required=True)
def keyed():
    """Say which key was accepted."""
    return {"key": app.current_request.context["identity"]["apiKey"]}


@app.route("/unkeyed")
def unkeyed():
    """Need no key; say where the client is."""
    identity = app.current_request.context["identity"]
    return {"key": identity["apiKey"], "address": identity["sourceIp"]}


# --- blueprints


@users.route("/")
def index():
    """Be the root of a blueprint."""
    return {"of": "users", "path": users.current_request.path, "app": users.current_app.app_name}


@orders.route("/list", methods=["GET"])
def index_of_orders():
    """Be below the root of another."""
    return {"of": "orders", "path": orders.current_request.path}


app.register_blueprint(users, name_prefix="users_", url_prefix="/users")
app.register_blueprint(orders, name_prefix="orders_", url_prefix="/orders/")


# --- threads


@app.route("/threads")
def threads():
    """Read the request in threads of the view's own."""
    with ThreadPoolExecutor(2) as pool:
        paths = [pool.submit(copy_context().run, lambda: app.current_request.path) for _ in range(2)]
    return {"paths": [each.result() for each in paths]}


@app.lambda_function(name="nightly")
def nightly(event, context):
    """Be no route."""
    return {}


@app.route("/same/name", name="same")
def first():
    """Have a name that another route has."""
    return {"n": 1}


@app.route("/same/other", name="same")
def second():
    """Have that name, too."""
    return {"n": 2}
