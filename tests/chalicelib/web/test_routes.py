"""The routes of the shop, as clients see them."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest
import redis

from local.waiting import wait_until
from tests.fixtures.servers import Server

ids = count(1000)


@pytest.fixture
def tv(shop: httpx.Client) -> dict:
    """A stored product that no other test uses."""
    product = {"id": next(ids), "name": "Samsung TV", "price": 140}
    assert shop.post("/data", json=product).status_code == 201
    return product


def test_the_index_describes_the_service(shop: httpx.Client) -> None:
    answer = shop.get("/").json()
    assert answer["service"] == "chalice-app"
    assert {"service", "version", "links"} == set(answer)
    assert all(shop.get(link).status_code == 200 for link in answer["links"].values())


def test_status_is_healthy_after_asking_its_own_port(shop: httpx.Client) -> None:
    response = shop.get("/status")
    assert response.status_code == 200
    assert response.json()["status"] == "Healthy"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_answer(shop: httpx.Client, path: str) -> None:
    assert shop.get(path).status_code == 200


def test_a_new_product_is_created_and_read_back(shop: httpx.Client) -> None:
    body = f'{{"id":{next(ids)},"name":"Samsung TV","price":140}}'
    created = shop.post("/data", content=body, headers={"content-type": "application/json"})
    assert (created.status_code, created.text) == (201, body)
    read = shop.get(created.headers["location"])
    assert (read.status_code, read.text, read.headers["x-cache"]) == (200, body, "hit")


@pytest.mark.parametrize("price", ["140", "19.99", "0", "0.01", "99999999.99", "0.1", "1e2"])
def test_prices_are_returned_exactly(shop: httpx.Client, price: str) -> None:
    id = next(ids)
    body = f'{{"id":{id},"name":"TV","price":{price}}}'
    assert shop.post("/data", content=body, headers={"content-type": "application/json"}).status_code == 201
    expected = "100" if price == "1e2" else price
    for _ in ("from the database", "from the cache"):
        assert shop.get(f"/product/{id}").text == f'{{"id":{id},"name":"TV","price":{expected}}}'


@pytest.mark.parametrize("name", ["مرحبا", "🛒📺", "é" * 100, "🛒" * 100, "a\tb\n", " ", '"\\', "\x7f\x01"])
def test_a_name_may_have_any_characters(shop: httpx.Client, name: str) -> None:
    product = {"id": next(ids), "name": name, "price": 1}
    assert shop.post("/data", json=product).status_code == 201
    for _ in ("from the database", "from the cache"):
        assert shop.get(f"/product/{product['id']}").json() == product


def test_the_same_product_again_is_no_error(shop: httpx.Client, tv: dict) -> None:
    again = shop.post("/data", json=tv)
    assert (again.status_code, again.json()) == (200, tv)
    assert again.headers["location"] == f"/product/{tv['id']}"


def test_another_product_under_that_id_is_a_conflict(shop: httpx.Client, tv: dict) -> None:
    response = shop.post("/data", json={**tv, "price": 141})
    assert response.status_code == 409
    assert response.json() == {"Code": "ConflictError", "Message": f"another product is stored under id {tv['id']}"}
    assert shop.get(f"/product/{tv['id']}").json() == tv


def test_of_many_different_products_under_one_id_exactly_one_wins(shop: httpx.Client) -> None:
    id = next(ids)

    def create(price: int) -> int:
        return shop.post("/data", json={"id": id, "name": "TV", "price": price}).status_code

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(create, range(16))) == [201] + [409] * 15


def test_a_read_after_a_write_is_a_hit_and_so_is_the_second_read_after_an_eviction(
    shop: httpx.Client, tv: dict, module_redis_url: str
) -> None:
    path = f"/product/{tv['id']}"
    assert shop.get(path).headers["x-cache"] == "hit"
    with redis.Redis.from_url(module_redis_url) as evicting:
        evicting.delete(f"p1:{tv['id']}")
    assert wait_until(lambda: shop.get(path).headers["x-cache"] == "miss", 10)  # the copy in memory expires
    assert shop.get(path).headers["x-cache"] == "hit"


def test_absence_is_cached_until_the_product_is_created(shop: httpx.Client) -> None:
    id = next(ids)
    assert [shop.get(f"/product/{id}").status_code for _ in range(3)] == [404] * 3
    assert shop.post("/data", json={"id": id, "name": "TV", "price": 1}).status_code == 201
    assert shop.get(f"/product/{id}").status_code == 200


def test_a_write_is_seen_by_the_next_read(shop: httpx.Client, tv: dict) -> None:
    path = f"/product/{tv['id']}"
    for price in range(20):
        assert shop.put(path, json={"name": "TV", "price": price}).json()["price"] == price
        assert shop.get(path).json()["price"] == price
        assert shop.get(path).headers["x-cache"] == "hit"


def test_after_a_refused_creation_the_cache_still_works(shop: httpx.Client, tv: dict) -> None:
    path = f"/product/{tv['id']}"
    assert shop.post("/data", json={**tv, "name": "Radio"}).status_code == 409
    shop.get(path)
    assert shop.get(path).headers["x-cache"] == "hit"


def test_a_product_is_replaced_as_it_was_read(shop: httpx.Client, tv: dict) -> None:
    path = f"/product/{tv['id']}"
    product = {**shop.get(path).json(), "price": 139.5}
    replaced = shop.put(path, json=product)
    assert (replaced.status_code, replaced.json(), shop.get(path).json()) == (200, product, product)


def test_a_removed_product_is_gone(shop: httpx.Client, tv: dict) -> None:
    path = f"/product/{tv['id']}"
    shop.get(path)
    removed = shop.delete(path)
    assert (removed.status_code, removed.content) == (204, b"")
    assert shop.get(path).status_code == 404
    assert shop.delete(path).status_code == 404
    assert shop.post("/data", json={**tv, "price": 3}).status_code == 201
    assert shop.get(path).json()["price"] == 3


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_product_that_is_not_there_is_404(shop: httpx.Client, method: str) -> None:
    response = shop.request(method, "/product/2147483647", json={"name": "TV", "price": 1})
    assert response.status_code == 404
    assert response.json() == {"Code": "NotFoundError", "Message": "there is no product 2147483647"}


def test_pages_join_to_the_whole_list(shop: httpx.Client) -> None:
    mine = [{"id": next(ids), "name": "TV", "price": n} for n in range(7)]
    for product in mine:
        shop.post("/data", json=product)
    seen, after = [], mine[0]["id"] - 1
    while after is not None:
        page = shop.get("/products", params={"limit": 3, "after": after}).json()
        assert len(page["products"]) <= 3
        seen += page["products"]
        after = page["next"]
    assert seen == mine


def test_after_the_highest_id_comes_nothing(shop: httpx.Client) -> None:
    assert shop.get("/products?after=2147483647").json() == {"products": [], "next": None}


def test_metrics_are_not_served_under_an_escaped_path_that_a_load_balancer_would_not_hide(shop: httpx.Client) -> None:
    response = shop.get("/%6detrics")
    assert response.request.url.raw_path == b"/%6detrics"
    assert (response.status_code, response.json()["Code"]) == (404, "NotFoundError")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ([""], "text/plain"),
        (["application/openmetrics-text; version=1.0.0"], "application/openmetrics-text"),
        (["application/openmetrics-text;q=0"], "text/plain"),
        (["application/openmetrics-text", "*/*;q=0.1"], "application/openmetrics-text"),
        (["text/plain;version=none"], "text/plain"),
    ],
)
def test_metrics_have_the_format_of_the_accept_header(shop: httpx.Client, accept: list[str], content_type: str) -> None:
    response = shop.get("/metrics", headers=[("accept", line) for line in accept])
    assert response.headers["content-type"].startswith(content_type)
    assert "python_info" in response.text


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("POST", "/product"), ("GET", "/product/1/2")])
def test_an_unknown_path_is_404(shop: httpx.Client, method: str, path: str) -> None:
    response = shop.request(method, path)
    assert (response.status_code, response.json()) == (404, {"message": "Not Found"})


def test_another_method_is_405_with_the_allowed_ones(shop: httpx.Client) -> None:
    response = shop.patch("/product/1")
    assert (response.status_code, response.json()) == (405, {"message": "Method Not Allowed"})
    assert response.headers["allow"] == "DELETE, GET, HEAD, PUT"


def test_responses_do_not_describe_the_stores_and_logs_have_no_password(server: Server, shop: httpx.Client) -> None:
    assert "postgresql://" not in server.output()
