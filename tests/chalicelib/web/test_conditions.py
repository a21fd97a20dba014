"""Conditional requests: If-Match and If-None-Match on every method (RFC 9110, section 13)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest

from chalicelib.web.entity_tags import is_listed, is_listed_weakly, tag_of, tags_in

ids = count(5000)
CHANGE = {"name": "Radio", "price": 2}
PRECONDITION_FAILED = (412, "PreconditionFailedError")

Lines = list[tuple[str, str]]


@pytest.fixture
def path(shop: httpx.Client) -> str:
    """The path of a stored product that no other test uses."""
    created = shop.post("/data", json={"id": next(ids), "name": "TV", "price": 1})
    assert created.status_code == 201
    return created.headers["location"]


def status(response: httpx.Response) -> tuple[int, str | None]:
    code = response.json()["Code"] if response.status_code >= 400 and response.content else None
    return response.status_code, code


def put(shop: httpx.Client, path: str, *lines: tuple[str, str]) -> httpx.Response:
    return shop.put(path, json=CHANGE, headers=list(lines))


def delete(shop: httpx.Client, path: str, *lines: tuple[str, str]) -> httpx.Response:
    return shop.delete(path, headers=list(lines))


Write = Callable[..., httpx.Response]
writes = pytest.mark.parametrize("write", [put, delete])
reads = pytest.mark.parametrize("target", ["product", "page"])

# Conditions, by whether they hold for the version {etag}.
HOLD: dict[str, Lines] = {
    "its tag": [("if-match", "{etag}")],
    "its tag among others": [("if-match", '"x", {etag} ,, W/"y"')],
    "its tag on the first of two lines": [("if-match", "{etag}"), ("if-match", '"x"')],
    "its tag on the second of two lines": [("If-Match", '"x"'), ("IF-MATCH", "{etag}")],
    "any version": [("if-match", "*")],
    "not another version": [("if-none-match", '"x"')],
    "not one of two others": [("if-none-match", '"x"'), ("if-none-match", 'W/"y"')],
    "its tag, not another": [("if-match", "{etag}"), ("if-none-match", '"x"')],
    "dates, which products do not have": [
        ("if-unmodified-since", "Sat, 01 Jan 2000 00:00:00 GMT"),
        ("if-modified-since", "Sat, 01 Jan 2050 00:00:00 GMT"),
    ],
}
FAIL: dict[str, Lines] = {
    "another tag": [("if-match", '"x"')],
    "its tag, weak": [("if-match", "W/{etag}")],
    "two others": [("if-match", '"x"'), ("if-match", '"y"')],
    "no version at all": [("if-none-match", "*")],
    "not its tag": [("if-none-match", "{etag}")],
    "not its tag, weak": [("if-none-match", "W/{etag}")],
    "not its tag, on the first of two lines": [("if-none-match", "{etag}"), ("if-none-match", '"x"')],
    "its tag, but no version": [("if-match", "{etag}"), ("if-none-match", "*")],
    "another tag, and not another": [("if-match", '"x"'), ("if-none-match", '"y"')],
}
MALFORMED = ["", "x", "{etag} x", '{etag} "x"', '*, "x"', '"x', "w/{etag}", "{etag},*", '"a b"', ","]


def filled(lines: Lines, etag: str) -> Lines:
    return [(name, value.replace("{etag}", etag)) for name, value in lines]


@writes
@pytest.mark.parametrize("lines", HOLD.values(), ids=HOLD.keys())
def test_a_write_whose_conditions_hold_is_done(shop: httpx.Client, path: str, write: Write, lines: Lines) -> None:
    etag = shop.get(path).headers["etag"]
    assert write(shop, path, *filled(lines, etag)).is_success
    after = shop.get(path)
    assert after.status_code == 404 if write is delete else after.json()["price"] == 2


@writes
@pytest.mark.parametrize("lines", FAIL.values(), ids=FAIL.keys())
def test_a_write_with_a_condition_that_fails_changes_nothing(
    shop: httpx.Client, path: str, write: Write, lines: Lines
) -> None:
    before = shop.get(path)
    assert status(write(shop, path, *filled(lines, before.headers["etag"]))) == PRECONDITION_FAILED
    shop.get(path)
    after = shop.get(path)
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])
    assert after.headers["x-cache"] == "hit", "the write's fence is gone"


@writes
@pytest.mark.parametrize("name", ["if-match", "if-none-match"])
@pytest.mark.parametrize("value", MALFORMED)
def test_a_write_with_a_malformed_condition_is_refused(
    shop: httpx.Client, path: str, write: Write, name: str, value: str
) -> None:
    before = shop.get(path)
    refused = write(shop, path, *filled([(name, value)], before.headers["etag"]))
    assert status(refused) == (400, "BadRequestError")
    assert refused.json()["Message"] == f"{name.title()} must be * or a list of entity tags in double quotes"
    assert shop.get(path).content == before.content


@writes
@pytest.mark.parametrize("line", [("if-match", "*"), ("if-match", '"x"'), ("if-none-match", "*")])
def test_a_product_that_is_not_there_is_404_whatever_the_conditions(
    shop: httpx.Client, write: Write, line: tuple[str, str]
) -> None:
    """They count only where the request would succeed without them (section 13.2.1); a PUT creates nothing."""
    assert status(write(shop, "/product/2147483647", line)) == (404, "NotFoundError")
    assert status(shop.get("/product/2147483647", headers=[line])) == (404, "NotFoundError")


def test_a_body_that_is_wrong_is_named_before_a_condition(shop: httpx.Client, path: str) -> None:
    assert status(shop.put(path, json={}, headers={"if-match": '"x"'})) == (400, "BadRequestError")


def test_a_creation_has_no_version_that_if_match_could_name(shop: httpx.Client) -> None:
    """`/data` itself is what the conditions are about, and has no versions."""
    product = {"id": next(ids), "name": "TV", "price": 1}
    for value in ("*", '"x"', "x"):
        assert status(shop.post("/data", json=product, headers={"if-match": value})) == PRECONDITION_FAILED
    assert shop.get(f"/product/{product['id']}").status_code == 404
    assert shop.post("/data", json=product, headers={"if-none-match": "*"}).status_code == 201
    assert shop.post("/data", json=product, headers={"if-none-match": "*"}).status_code == 200


def read_target(shop: httpx.Client, path: str, target: str) -> str:
    """Return the path of the product, or of a page that has only it."""
    id = int(path.rpartition("/")[2])
    return path if target == "product" else f"/products?limit=1&after={id - 1}"


@reads
@pytest.mark.parametrize(
    "lines",
    [
        [("if-none-match", "{etag}")],
        [("if-none-match", "W/{etag}")],
        [("if-none-match", '"x", {etag}')],
        [("if-none-match", "*")],
        [("if-none-match", "{etag}"), ("if-none-match", '"x"')],
        [("if-none-match", '"x"'), ("if-none-match", "{etag}")],
        [("if-match", "{etag}"), ("if-none-match", "{etag}")],
    ],
)
def test_a_client_that_has_this_version_gets_304(shop: httpx.Client, path: str, target: str, lines: Lines) -> None:
    target = read_target(shop, path, target)
    etag = shop.get(target).headers["etag"]
    response = shop.get(target, headers=filled(lines, etag))
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)


@reads
@pytest.mark.parametrize(
    "line",
    [("if-none-match", '"x"'), *(("if-none-match", value) for value in MALFORMED), ("if-match", '"x", {etag}')],
)
def test_any_other_client_gets_it_whole(shop: httpx.Client, path: str, target: str, line: tuple[str, str]) -> None:
    """Where If-None-Match is malformed too: the whole answer is always right."""
    target = read_target(shop, path, target)
    whole = shop.get(target)
    response = shop.get(target, headers=filled([line], whole.headers["etag"]))
    assert (response.status_code, response.content) == (200, whole.content)


@reads
def test_if_match_counts_for_reads_and_comes_first(shop: httpx.Client, path: str, target: str) -> None:
    target = read_target(shop, path, target)
    etag = shop.get(target).headers["etag"]
    for value in ('"x"', f"W/{etag}"):
        assert status(shop.get(target, headers={"if-match": value, "if-none-match": etag})) == PRECONDITION_FAILED
    assert status(shop.get(target, headers={"if-match": "x"})) == (400, "BadRequestError")


def test_a_page_has_another_tag_once_a_product_in_it_has_changed(shop: httpx.Client, path: str) -> None:
    page = read_target(shop, path, "page")
    etag = shop.get(page).headers["etag"]
    assert put(shop, path).is_success
    changed = shop.get(page, headers={"if-none-match": etag})
    assert (changed.status_code, changed.headers["etag"] != etag) == (200, True)


def test_the_tag_of_a_replacement_is_that_of_the_next_read(shop: httpx.Client, path: str) -> None:
    assert put(shop, path).headers["etag"] == shop.get(path).headers["etag"]


def test_of_many_writers_with_one_if_match_exactly_one_wins(shop: httpx.Client, path: str) -> None:
    etag = shop.get(path).headers["etag"]

    def write(number: int) -> int:
        if number % 2:
            return shop.delete(path, headers={"if-match": etag}).status_code
        return shop.put(path, json={"name": "TV", "price": number + 2}, headers={"if-match": etag}).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(write, range(16)))
    won = [each for each in statuses if each < 300]
    assert len(won) == 1
    assert {each for each in statuses if each >= 300} == {404 if won == [204] else 412}


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("*", {"*"}),
        (' ,"a",\t,W/"b" ,', {'"a"', 'W/"b"'}),
        ('"a,b","*"', {'"a,b"', '"*"'}),
        ('""', {'""'}),
        ('"\xe9\u2713"', {'"\xe9\u2713"'}),
    ],
)
def test_a_list_is_read_as_written(text: str, tags: set[str]) -> None:
    assert tags_in(text) == tags


def test_only_a_list_is_read_weakly() -> None:
    etag = tag_of(b"x")
    for text, strongly, weakly in ((etag, True, True), (f"W/{etag}", False, True), ('"x"', False, False)):
        assert (is_listed(etag, tags_in(text)), is_listed_weakly(etag, tags_in(text))) == (strongly, weakly)


def test_a_long_list_is_read_in_no_time() -> None:
    """A pattern that goes back and forth over it would take minutes."""
    for text in ('"a", ' * 20_000 + "x", " ," * 30_000 + '"a', '"a"' + " " * 60_000 + "x"):
        with pytest.raises(ValueError, match="neither"):
            tags_in(text)
