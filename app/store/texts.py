"""Texts that equal messages may share: their templates, by kind."""

from __future__ import annotations

from datetime import timedelta

from app.store import keys
from app.store.connection import Redis, store_errors

TEXTS_KEPT = 8
"""Templates of a kind: enough that neighbours do not get the same words, and each soon pays."""

_KEPT_FOR = timedelta(days=7)
"""After a week the model finds new words: what a number says for ever reads as a machine's."""


class Texts:
    """What the model wrote for one person and another may get, with name and product changed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def remember(self, kind: str, template: str) -> None:
        """Keep a template, each once; the oldest makes room. Raises ``StoreDown``."""
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.lrem(keys.texts(kind), 0, template)
                pipe.lpush(keys.texts(kind), template)
                pipe.ltrim(keys.texts(kind), 0, TEXTS_KEPT - 1)
                pipe.expire(keys.texts(kind), int(_KEPT_FOR.total_seconds()), nx=True)
                await pipe.execute()

    async def some(self, kind: str) -> tuple[str, ...]:
        """The templates of a kind, in an order that does not depend on their age.

        Raises ``StoreDown``.
        """
        with store_errors():
            kept = await self._redis.lrange(keys.texts(kind), 0, -1)
        return tuple(sorted(template.decode() for template in kept))
