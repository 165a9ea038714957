"""What happened and why: a chat's journal and archive, what was unusable, what was buried."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from app.domain.conversation import Entry, Message
from app.domain.tally import Metric, of_shop
from app.store import keys
from app.store.claims import Buried
from app.store.connection import Redis, store_errors

UNUSABLE_KEPT = 1000


class Unusable(Struct, frozen=True, kw_only=True):
    """A fact that concerns nobody we can write to. Holds no more of it than its order and shop."""

    at: datetime
    reason: str
    detail: str
    order_code: str | None = None
    shop: str | None = None


_encode = msgspec.json.Encoder().encode
_entries = msgspec.json.Decoder(Entry)
_messages = msgspec.json.Decoder(Message)
_unusable = msgspec.json.Decoder(Unusable)
_buried = msgspec.json.Decoder(Buried)


class Journal:
    """The record of what was decided. A chat's own entries are written by its commits."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def entries(self, chat: str) -> list[Entry]:
        """A chat's journal, oldest first. Raises ``StoreDown``."""
        with store_errors():
            lines = await self._redis.lrange(keys.journal(chat), 0, -1)
        return [_entries.decode(line) for line in lines]

    async def archived(self, chat: str) -> list[Message]:
        """A chat's older messages, oldest first. Raises ``StoreDown``."""
        with store_errors():
            lines = await self._redis.lrange(keys.archive(chat), 0, -1)
        return [_messages.decode(line) for line in lines]

    async def unusable(self, fact: Unusable) -> None:
        """Record a fact that cannot be used, and count it as blocked. Raises ``StoreDown``."""
        counted = [str(Metric.BLOCKED), f"{Metric.BLOCKED}:{fact.reason}"]
        if fact.shop is not None:
            counted += [of_shop(fact.shop, name) for name in counted]
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(keys.unusable(), _encode(fact))
                pipe.ltrim(keys.unusable(), -UNUSABLE_KEPT, -1)
                for name in counted:
                    pipe.hincrbyfloat(keys.counters(), name, 1)
                await pipe.execute()

    async def all_unusable(self) -> list[Unusable]:
        """The latest facts that could not be used, oldest first. Raises ``StoreDown``."""
        with store_errors():
            lines = await self._redis.lrange(keys.unusable(), 0, -1)
        return [_unusable.decode(line) for line in lines]

    async def bury(self, buried: Buried) -> None:
        """List what failed for good; twice is once. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hset(keys.buried(), buried.id, _encode(buried))

    async def all_buried(self) -> list[Buried]:
        """What failed for good, oldest first. Raises ``StoreDown``."""
        with store_errors():
            values = await self._redis.hvals(keys.buried())
        return sorted((_buried.decode(value) for value in values), key=lambda b: b.at)

    async def count_buried(self) -> int:
        """How much failed for good. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.hlen(keys.buried()))

    async def buried(self, id_: str) -> Buried | None:
        """One of them. Raises ``StoreDown``."""
        with store_errors():
            value = await self._redis.hget(keys.buried(), id_)
        return _buried.decode(value) if value else None

    async def unbury(self, id_: str) -> None:
        """It was replayed. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hdel(keys.buried(), id_)
