"""A usual implementation with threads: Flask, redis-py, psycopg, waitress. A write deletes the cache entry."""

import json
import os
from typing import Any

import redis
from flask import Flask, Response, request
from psycopg_pool import ConnectionPool

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["REDIS_URL"])
pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=5, max_size=5, kwargs={"autocommit": True})

TTL_SECONDS = 3600


def answer(product: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(product), status, mimetype="application/json")


@app.get("/product/<int:id>")
def read_product(id: int) -> Response:
    """Return a product, from the cache if possible."""
    body = cache.get(f"rival:{id}")
    if body is None:
        with pool.connection() as connection:
            row = connection.execute("SELECT name, price FROM products WHERE id = %s", (id,)).fetchone()
        if row is None:
            return Response('{"message":"no such product"}', 404, mimetype="application/json")
        body = json.dumps({"id": id, "name": row[0], "price": float(row[1])})
        cache.set(f"rival:{id}", body, ex=TTL_SECONDS)
    return Response(body, mimetype="application/json")


@app.post("/data")
def create_product() -> Response:
    """Store a new product."""
    product = request.get_json()
    with pool.connection() as connection:
        made = connection.execute(
            "INSERT INTO products VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (product["id"], product["name"], product["price"]),
        ).rowcount
    cache.delete(f"rival:{product['id']}")
    return answer(product, 201 if made else 409)


@app.put("/product/<int:id>")
def replace_product(id: int) -> Response:
    """Overwrite a product."""
    product = {"id": id, **request.get_json()}
    with pool.connection() as connection:
        found = connection.execute(
            "UPDATE products SET name = %s, price = %s WHERE id = %s", (product["name"], product["price"], id)
        ).rowcount
    cache.delete(f"rival:{id}")
    return answer(product, 200 if found else 404)
