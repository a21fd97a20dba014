"""Bad input is answered with a documented 4xx, never with a 500, and stores nothing."""

import gzip

import httpx
import pytest

GOOD = '{"id":1,"name":"Samsung TV","price":140}'
JSON = {"content-type": "application/json"}


def product(id: str = "7", name: str = '"TV"', price: str = "1") -> str:
    return f'{{"id":{id},"name":{name},"price":{price}}}'


BAD_BODIES: dict[str, tuple[str | bytes, str]] = {
    "not JSON": ("nonsense", "the body is not JSON"),
    "JSON cut short": ('{"id":1,', "the body is not JSON"),
    "two documents": (GOOD + GOOD, "the body is not JSON"),
    "an array": ("[]", "the body is not a JSON object"),
    "null": ("null", "the body is not a JSON object"),
    "empty": ("", "the body is empty"),
    "blank": ("  \n", "the body is empty"),
    "NaN": (product(price="NaN"), "the body is not JSON"),
    "Infinity": (product(price="Infinity"), "the body is not JSON"),
    "minus Infinity": (product(price="-Infinity"), "the body is not JSON"),
    "1e999": (product(price="1e999"), "price must be a number from 0 to 99999999.99"),
    "an exponent beyond Decimal": (product(price="1e99999999999999999999"), "the body is not JSON"),
    "a number of 5,000 digits": (product(price="9" * 5000), "the body is not JSON"),
    "true as a number": (product(id="true", price="true"), "id must be a number; price must be a number"),
    "id 0": (product(id="0"), "id must be a whole number from 1 to 2147483647"),
    "id -1": (product(id="-1"), "id must be a whole number from 1 to 2147483647"),
    "id 1.5": (product(id="1.5"), "id must be a whole number from 1 to 2147483647"),
    "id 2147483648": (product(id="2147483648"), "id must be a whole number from 1 to 2147483647"),
    "id as a string": (product(id='"1"'), "id must be a number"),
    "id null": (product(id="null"), "id must be a number"),
    "no id": ('{"name":"TV","price":1}', "id is missing"),
    "no name": ('{"id":7,"price":1}', "name is missing"),
    "empty name": (product(name='""'), "name must have 1 to 100 characters, not 0"),
    "101 characters": (product(name=f'"{"x" * 101}"'), "name must have 1 to 100 characters, not 101"),
    "NUL": (product(name='"a\\u0000b"'), "name must not contain the character U+0000"),
    "a lone surrogate": (product(name='"\\ud83d"'), "name must not contain half of a surrogate pair"),
    "a number as name": (product(name="5"), "name must be a string"),
    "negative price": (product(price="-0.01"), "price must be a number from 0 to 99999999.99"),
    "three decimals": (product(price="1.005"), "price must have at most 2 decimals"),
    "a price too high": (product(price="100000000"), "price must be a number from 0 to 99999999.99"),
    "a price as a string": (product(price='"140"'), "price must be a number"),
    "an unknown field": ('{"id":7,"name":"TV","price":1,"colour":"red"}', '"colour" is not a known field'),
    "a key twice": ('{"id":7,"id":8,"name":"TV","price":1}', '"id" occurs twice'),
    "100,000 nested brackets": ("[" * 100_000, "the body is not JSON"),
    "100,000 nested objects": ('{"a":' * 100_000, "the body is not JSON"),
    "invalid UTF-8": (b'{"id":7,"name":"\xff\xfe","price":1}', "the body is not UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), "the body is not UTF-8"),
    "everything at once": (
        '{"id":0,"name":"","price":-1,"x":1}',
        "id must be a whole number from 1 to 2147483647; name must have 1 to 100 characters, not 0; "
        'price must be a number from 0 to 99999999.99; "x" is not a known field',
    ),
}


@pytest.mark.parametrize(("body", "message"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_the_response_to_a_bad_body_names_every_error(shop: httpx.Client, body: str | bytes, message: str) -> None:
    response = shop.post("/data", content=body, headers=JSON)
    assert (response.status_code, response.json()) == (400, {"Code": "BadRequestError", "Message": message})
    assert shop.get("/products").json() == {"products": [], "next": None}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"name":"","price":1.234}', "name must have 1 to 100 characters, not 0; price must have at most 2 decimals"),
        ('{"id":8,"name":"TV","price":1}', "id is 8 in the body and 7 in the path"),
        (
            '{"id":8,"name":"","price":1}',
            "id is 8 in the body and 7 in the path; name must have 1 to 100 characters, not 0",
        ),
        ('{"id":0,"name":"TV","price":1}', "id must be a whole number from 1 to 2147483647"),
        ('{"id":"7","name":"TV","price":1}', "id must be a number"),
        ('{"id":null,"name":"TV","price":1}', "id must be a number"),
        ("", "the body is empty"),
    ],
)
def test_a_bad_replacement_is_refused_too(shop: httpx.Client, body: str, message: str) -> None:
    response = shop.put("/product/7", content=body, headers=JSON)
    assert (response.status_code, response.json()) == (400, {"Code": "BadRequestError", "Message": message})


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "id", ["0", "01", "-1", "1%00", "abc", "1.0", "%31", "2147483648", "9" * 5000, "x" * 5000, "٣"]
)
def test_a_path_without_a_valid_id_is_refused(shop: httpx.Client, method: str, id: str) -> None:
    response = shop.request(method, f"/product/{id}", content='{"name":"TV","price":1}', headers=JSON)
    assert response.status_code == 400
    assert response.json() == {
        "Code": "BadRequestError",
        "Message": "id must be a whole number from 1 to 2147483647",
    }


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit must be a whole number from 1 to 100"),
        ("limit=101", "limit must be a whole number from 1 to 100"),
        ("limit=ten", "limit must be a whole number from 1 to 100"),
        ("limit=", "limit must be a whole number from 1 to 100"),
        ("after=-1", "after must be a whole number from 0 to 2147483647"),
        ("after=2147483648", "after must be a whole number from 0 to 2147483647"),
        ("page=2", '"page" is not a known parameter'),
        (
            "after=x&limit=x",
            "after must be a whole number from 0 to 2147483647; limit must be a whole number from 1 to 100",
        ),
    ],
)
def test_a_bad_page_is_refused(shop: httpx.Client, query: str, message: str) -> None:
    response = shop.get(f"/products?{query}")
    assert (response.status_code, response.json()) == (400, {"Code": "BadRequestError", "Message": message})


def test_another_content_type_is_refused(shop: httpx.Client) -> None:
    response = shop.post("/data", content=GOOD, headers={"content-type": "text/plain"})
    assert response.status_code == 415
    assert response.json() == {"Code": "UnsupportedMediaType", "Message": "Unsupported media type: text/plain"}


@pytest.mark.parametrize(("method", "path"), [("POST", "/data"), ("PUT", "/product/7")])
@pytest.mark.parametrize("codings", [["gzip"], ["br"], ["identity, GZIP"], ["identity", "deflate"]])
def test_a_compressed_body_is_refused_with_what_is_taken(
    shop: httpx.Client, method: str, path: str, codings: list[str]
) -> None:
    lines = [("content-type", "application/json"), *(("content-encoding", coding) for coding in codings)]
    response = shop.request(method, path, content=gzip.compress(GOOD.encode()), headers=lines)
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")
    refused = codings[-1].rpartition(" ")[2]
    message = f"Unsupported content encoding: {refused}"
    assert response.json() == {"Code": "UnsupportedMediaType", "Message": message}


@pytest.mark.parametrize("coding", ["", "identity", "Identity,"])
def test_a_body_that_says_it_is_not_compressed_is_taken(shop: httpx.Client, coding: str) -> None:
    response = shop.put(
        "/product/7", content=GOOD.replace('"id":1', '"id":7'), headers={**JSON, "content-encoding": coding}
    )
    assert response.json() == {"Code": "NotFoundError", "Message": "there is no product 7"}


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
def test_the_client_can_read_the_response_to_a_body_over_the_limit(shop: httpx.Client, chunked: bool) -> None:
    size = 10 * 1024 * 1024 + 1
    content = iter([b"x" * 65536] * 200) if chunked else b"x" * size
    response = shop.post("/data", content=content, headers=JSON)
    assert (response.status_code, response.json()) == (413, {"message": "Request Too Long"})


@pytest.mark.parametrize("key", [None, "", "wrong", "another ", "a-key-of-the-tests,another"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/data"), ("PUT", "/product/1"), ("DELETE", "/product/1")])
def test_a_write_without_a_valid_key_is_forbidden(server, method: str, path: str, key: str | None) -> None:
    headers = {} if key is None else {"x-api-key": key}
    if key == "another ":
        headers["x-api-key"] = "another" + "\N{NO-BREAK SPACE}"
    headers = {name: value.encode() for name, value in headers.items()}
    response = httpx.request(method, server.url + path, headers=headers, content=GOOD)
    assert (response.status_code, response.json()) == (403, {"message": "Forbidden"})
