"""What a team with asyncio would write: FastAPI and redis.asyncio under uvicorn, a cached product sent as it lies."""

import os

import redis.asyncio
from fastapi import FastAPI, HTTPException, Response

app = FastAPI()
cache = redis.asyncio.from_url(os.environ["REDIS_URL"])


@app.get("/product/{id}")
async def read_product(id: int) -> Response:
    """Return a product."""
    body = await cache.get(f"p1:{id}")
    if body is None:
        raise HTTPException(404, "not in the cache")
    return Response(body, media_type="application/json")
