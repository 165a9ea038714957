"""The product's own commands, with nothing in their way but work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from app.store import keys
from app.store.connection import connect
from app.store.embedded import EmbeddedStore
from tests.benchmarks.messages import HMAC_KEY
from tests.benchmarks.outside import Outside
from tests.benchmarks.processes import Started, free_port, started

MOST_PATIENT = 60.0
"""Seconds until work that does not settle counts as lost."""

LOOK = 0.01
"""Seconds between two looks at whether all is settled."""


class Work(Struct, frozen=True, kw_only=True):
    """How much is done for each figure."""

    starts: int = 5
    rest: float = 3.0
    samples: int = 200
    webhooks: int = 2500
    rounds: int = 6
    chats: int = 1000
    connections: int = 48
    turns: int = 1200
    contacts: int = 50
    messages: int = 10


QUICK = Work(
    starts=1, rest=1.0, samples=20, webhooks=500, rounds=3, chats=100, turns=120, contacts=10
)


class Bench:
    """What every measurement needs: a folder, the world outside, and a store to share."""

    def __init__(self, *, work: Work, folder: Path, outside: Outside, url: str) -> None:
        self.work = work
        self.folder = folder
        self.outside = outside
        self.url = url
        self.redis: Any = connect(url)

    def environ(self, *, own_store: bool = False) -> dict[str, str]:
        """Settings without a pause in them."""
        settings = {
            "AI_SELLER_DATA_DIR": str(self.folder / "data"),
            "ADMIN_API_KEY": "an-admin-key-for-benchmarks",
            "WAHA_API_ENDPOINT": self.outside.url,
            "WAHA_API_KEY": "a-waha-key-for-benchmarks",
            "WAHA_WEBHOOK_HMAC_KEY": HMAC_KEY,
            "OPENAI_BASE_URL": f"{self.outside.url}/v1",
            "OPENAI_API_KEY": "a-model-key-for-benchmarks",
            "AI_SELLER_DEBOUNCE_SECONDS": "0",
            "AI_SELLER_DEBOUNCE_MAX_SECONDS": "0",
            "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
            "LOG_FORMAT": "json",
        }
        return settings if own_store else {**settings, "REDIS_URL": self.url}

    @asynccontextmanager
    async def serving(
        self, *arguments: str, own_store: bool = False
    ) -> AsyncIterator[tuple[Started, int, float]]:
        """``ai-seller serve …``, answering; its port, and the seconds until it answered."""
        port = free_port()
        environ = self.environ(own_store=own_store)
        command = ("serve", "--port", str(port), *arguments)
        async with started("app", *command, folder=self.folder, environ=environ) as process:
            yield process, port, await process.up(port)

    def worker(self) -> AbstractAsyncContextManager[Started]:
        """``ai-seller worker``."""
        return started("app", "worker", folder=self.folder, environ=self.environ())

    async def emptied(self) -> None:
        """Start from an empty store."""
        await self.redis.flushall()
        self.outside.forget()

    async def waiting(self) -> int:
        """Chats that wait for something."""
        chats: int = await self.redis.zcard(keys.due())
        return chats

    async def settled(self, sent: int) -> None:
        """Wait until that many texts were sent and no chat waits for anything."""
        async with asyncio.timeout(MOST_PATIENT):
            while len(self.outside.sent) < sent or await self.waiting():  # noqa: ASYNC110 - others' work tells no event
                await asyncio.sleep(LOOK)


@asynccontextmanager
async def store(folder: Path) -> AsyncIterator[str]:
    """The bundled server, as the product starts it."""
    async with EmbeddedStore(folder / "shared") as url:
        yield url
