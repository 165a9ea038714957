"""The floor: a bare route that verifies a signature and writes once, on the product's own server.

Its own process: ``python -m tests.benchmarks.floor <store's url> <port>``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sys
from typing import Any

import uvloop
from litestar import Litestar, Request, get, post
from litestar.exceptions import NotAuthorizedException

from app.config import Settings
from app.store.connection import connect
from app.wiring.serve import _bound, _web
from tests.benchmarks.messages import HMAC_KEY


def bare(url: str) -> Litestar:
    """HMAC-SHA512, one RPUSH, 202."""
    redis = connect(url)

    @post("/webhooks/waha", status_code=202)
    async def accept(request: Request[Any, Any, Any]) -> dict[str, str]:
        body = await request.body()
        expected = hmac.new(HMAC_KEY.encode(), body, hashlib.sha512).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("x-webhook-hmac", "")):
            raise NotAuthorizedException
        await redis.rpush("floor", body)
        return {"status": "accepted"}

    @get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    return Litestar([accept, live], openapi_config=None, logging_config=None)


async def serve(url: str, port: int) -> None:
    """Until asked to stop, with the settings of ``ai-seller serve``."""
    async with _bound(Settings(port=port)) as listener:
        await _web(bare(url), listener)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1], int(sys.argv[2])))
