"""The way to Redis: one client, our scripts, and its failures told in our kinds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha1
from pathlib import Path
from typing import Any, TypeAlias

from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from app.errors import StoreDown

Redis: TypeAlias = Any
"""redis-py's asynchronous client. Its own hints mix sync and async answers and cannot be checked
strictly; the signatures of this package say what comes back."""

_LUA = Path(__file__).parent / "lua"
ANSWER_SECONDS = 3.0
"""The server has this long to answer."""

DOOR_SECONDS = 2.5
"""Who stands at a door waits no longer for the store: WAHA and demper give up after a while."""

CONNECTIONS = 1000
"""Twice as many as there are turns under way; one that finds none free waits for it."""

RETRY_AFTER = 5.0
"""Seconds a caller is asked to wait when the store is down."""

_CANCEL_AGAIN = 1.0
"""Seconds: a second cancel while redis-py gives a connection back would lose the connection."""


class Script:
    """One Lua file. Loaded when the server does not know it (first use, restart, fail-over)."""

    def __init__(self, name: str) -> None:
        self.text = (_LUA / f"{name}.lua").read_text(encoding="utf-8")
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, keys: Sequence[str], args: Sequence[Any]) -> Any:  # noqa: ANN401 - each script's header says what it returns
        """What the script returns. Raises redis' own errors."""
        try:
            return await redis.evalsha(self.sha, len(keys), *keys, *args)
        except NoScriptError:
            await redis.script_load(self.text)
            return await redis.evalsha(self.sha, len(keys), *keys, *args)


@contextmanager
def store_errors() -> Iterator[None]:
    """Redis' failures inside come out as ``StoreDown``; nothing decided may rest on them."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreDown(
            f"the store does not answer ({type(error).__name__})",
            code="store_down",
            retry_after=RETRY_AFTER,
        ) from error


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these until they have ended: redis-py may swallow it while it sends a command
    (``asyncio.wait_for`` does), and who was cancelled once would then go on for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN)


@asynccontextmanager
async def in_time(seconds: float = DOOR_SECONDS) -> AsyncIterator[None]:
    """All that is asked of the store inside is answered by then, or comes out as ``StoreDown``."""
    with store_errors():
        async with asyncio.timeout(seconds):
            yield


def connect(url: str, *, max_connections: int = CONNECTIONS) -> Redis:
    """A client for ``redis://``, ``rediss://`` or ``unix://``. Opens nothing until used.

    Gives up after a few seconds: a door must be able to say 503 while its caller still listens.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        # Once more, for a connection the server closed meanwhile; our scripts bear a second run.
        retry=Retry(NoBackoff(), 1),
        health_check_interval=15,
        driver_info=None,  # redis-py would read its own package's files at every connection
        protocol=2,
    )
    return AsyncRedis.from_pool(pool)
