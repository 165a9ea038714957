"""What happened and why: a chat's journal and archive, what was unusable, what was buried."""

from __future__ import annotations

from datetime import datetime, tzinfo
from enum import StrEnum

import msgspec
from msgspec import Struct

from app.domain.conversation import Entry, Message
from app.domain.rules import Rules
from app.domain.tally import Metric, of_shop
from app.store import keys
from app.store.claims import Buried
from app.store.connection import Redis, store_errors
from app.store.counters import COSTS_KEPT

UNUSABLE_KEPT = 1000
UNCONFIRMED = "unconfirmed"
"""The cause of a message's grave when nobody knows whether it went."""

_AT_ONCE = 1000
"""Buried things read from Redis at a time, and held at most beside those that are asked for."""


class Unusable(Struct, frozen=True, kw_only=True):
    """A fact that concerns nobody we can write to. Holds no more of it than its order and shop."""

    at: datetime
    reason: str
    detail: str
    order_code: str | None = None
    shop: str | None = None


class Sort(StrEnum):
    """What was buried: a message that failed, one of which nobody knows whether it went, or facts
    that no turn could take in.
    """

    MESSAGE = "message"
    UNCERTAIN = "uncertain"
    FACTS = "facts"


def sort_of(buried: Buried) -> Sort:
    """What it is."""
    if buried.message is None:
        return Sort.FACTS
    return Sort.UNCERTAIN if buried.cause == UNCONFIRMED else Sort.MESSAGE


class Graves(Struct, frozen=True, kw_only=True):
    """Some of what was buried, and how much of each sort there is."""

    listed: tuple[Buried, ...]
    counts: dict[Sort, int]


_encode = msgspec.json.Encoder().encode
_entries = msgspec.json.Decoder(Entry)
_messages = msgspec.json.Decoder(Message)
_unusable = msgspec.json.Decoder(Unusable)
_buried = msgspec.json.Decoder(Buried)


class Journal:
    """The record of what was decided. A chat's own entries are written by its commits.

    ``zone`` says on whose calendar day a fact without a chat counts (the rules' own unless told).
    """

    def __init__(self, redis: Redis, *, zone: tzinfo | None = None) -> None:
        self._redis = redis
        self._zone = zone or Rules().zone

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

    async def count_archived(self, chat: str) -> int:
        """How many older messages a chat has. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.llen(keys.archive(chat)))

    async def archived_before(self, chat: str, place: int, *, most: int) -> list[Message]:
        """Of a chat's older messages the last ``most`` before ``place``, oldest first: a page.

        Places count from 0, the oldest, and stay what they are. Raises ``StoreDown``.
        """
        if place <= 0:
            return []
        with store_errors():
            lines = await self._redis.lrange(keys.archive(chat), max(0, place - most), place - 1)
        return [_messages.decode(line) for line in lines]

    async def unusable(self, fact: Unusable) -> None:
        """Record a fact that cannot be used, and count it as blocked, on its day too.

        Raises ``StoreDown``.
        """
        day = keys.figures(fact.at.astimezone(self._zone).date())
        counted = [str(Metric.BLOCKED), f"{Metric.BLOCKED}:{fact.reason}"]
        if fact.shop is not None:
            counted += [of_shop(fact.shop, name) for name in counted]
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(keys.unusable(), _encode(fact))
                pipe.ltrim(keys.unusable(), -UNUSABLE_KEPT, -1)
                for name in counted:
                    pipe.hincrbyfloat(keys.counters(), name, 1)
                    pipe.hincrbyfloat(day, name, 1)
                pipe.expire(day, COSTS_KEPT)
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

    async def graves(
        self, *, limit: int, offset: int = 0, newest: bool = False, sort: Sort | None = None
    ) -> Graves:
        """What failed for good (only of this ``sort``, if given), oldest first or ``newest`` first.

        All are looked through, some at a time; no more are held than are asked for. Raises
        ``StoreDown``.
        """
        held: dict[str, Buried] = {}
        seen: dict[str, Sort] = {}
        with store_errors():
            async for _, value in self._redis.hscan_iter(keys.buried(), count=_AT_ONCE):
                buried = _buried.decode(value)
                seen[buried.id] = sort_of(buried)
                if sort in {None, seen[buried.id]}:
                    held[buried.id] = buried
                if len(held) >= offset + limit + _AT_ONCE:
                    held = _first(held, offset + limit, newest=newest)
        listed = tuple(_first(held, offset + limit, newest=newest).values())[offset:]
        counts = {each: list(seen.values()).count(each) for each in Sort}
        return Graves(listed=listed, counts=counts)

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
        """It was replayed or dismissed. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hdel(keys.buried(), id_)


def _first(buried: dict[str, Buried], most: int, *, newest: bool) -> dict[str, Buried]:
    """The first ``most`` of them in order of time."""
    ordered = sorted(buried.values(), key=lambda one: (one.at, one.id), reverse=newest)
    return {one.id: one for one in ordered[:most]}
