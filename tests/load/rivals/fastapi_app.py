"""A usual implementation with asyncio: FastAPI, redis.asyncio, asyncpg, uvicorn. A write deletes the cache entry."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import asyncpg
import redis.asyncio
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel

TTL_SECONDS = 3600


@asynccontextmanager
async def with_pool(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=5, max_size=5) as app.state.pool:
        yield


app = FastAPI(lifespan=with_pool)
cache = redis.asyncio.from_url(os.environ["REDIS_URL"])


class Details(BaseModel):
    """A product in a request."""

    name: str
    price: Decimal


class Product(Details):
    """A product."""

    id: int


def answer(id: int, details: Details, status: int) -> Response:
    body = json.dumps({"id": id, "name": details.name, "price": float(details.price)})
    return Response(body, status, media_type="application/json")


@app.get("/product/{id}")
async def read_product(id: int) -> Response:
    """Return a product, from the cache if possible."""
    body = await cache.get(f"rival:{id}")
    if body is None:
        row = await app.state.pool.fetchrow("SELECT name, price FROM products WHERE id = $1", id)
        if row is None:
            raise HTTPException(404, "no such product")
        body = json.dumps({"id": id, "name": row["name"], "price": float(row["price"])})
        await cache.set(f"rival:{id}", body, ex=TTL_SECONDS)
    return Response(body, media_type="application/json")


@app.post("/data")
async def create_product(product: Product) -> Response:
    """Store a new product."""
    made = await app.state.pool.execute(
        "INSERT INTO products VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", product.id, product.name, product.price
    )
    await cache.delete(f"rival:{product.id}")
    return answer(product.id, product, 201 if made == "INSERT 0 1" else 409)


@app.put("/product/{id}")
async def replace_product(id: int, details: Details) -> Response:
    """Overwrite a product."""
    found = await app.state.pool.execute(
        "UPDATE products SET name = $1, price = $2 WHERE id = $3", details.name, details.price, id
    )
    await cache.delete(f"rival:{id}")
    return answer(id, details, 200 if found == "UPDATE 1" else 404)
