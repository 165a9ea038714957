"""What the customers' sheet is kept in step with: who changed, who is known, how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from app.domain.conversation import Conversation
from app.store import keys
from app.store.claims import millis, moment
from app.store.connection import Redis, store_errors
from app.store.contacts import lid_of

_AT_ONCE = 50
"""Conversations that are read at once: longer, and turns would wait for it."""

_ASKED_AT_ONCE = 1000
"""Chats of which only the time is asked, for the same reason."""

_conversations = msgspec.json.Decoder(Conversation)
_encode = msgspec.json.Encoder().encode


class Cursor(Struct, frozen=True, kw_only=True):
    """How far a customers' sheet is. Holds nobody's data.

    ``sheet`` is the spreadsheet's id and ``began`` when this store began to write sheets; ``since``
    is when all that had changed was last written, ``whole`` when everybody was last compared, and
    ``people`` how many there were in the last run. After a failure ``tries`` counts those since a
    success, ``failed`` is the code of the last and ``again`` when the next one is made.
    """

    sheet: str
    began: datetime
    since: datetime | None = None
    whole: datetime | None = None
    people: int | None = None
    tries: int = 0
    failed: str | None = None
    again: datetime | None = None


_cursors = msgspec.json.Decoder(Cursor)


class Customers:
    """The people whose phone we know, as a sheet of them needs them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def cursor(self) -> Cursor | None:
        """How far the sheet is; None before the first. Raises ``StoreDown``."""
        with store_errors():
            kept = await self._redis.get(keys.sheet_cursor())
        return _cursors.decode(kept) if kept else None

    async def keep(self, cursor: Cursor) -> None:
        """Remember how far the sheet is. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.set(keys.sheet_cursor(), _encode(cursor))

    async def changed(self, since: datetime | None) -> dict[str, datetime]:
        """Phones and when they last changed, the longest ago first; all of them when None.

        Raises ``StoreDown``.
        """
        found: dict[str, datetime] = {}
        least: float | str = "-inf" if since is None else millis(since)
        while True:
            page = await self._scored(least, "+inf", most=_ASKED_AT_ONCE)
            if len(page) == _ASKED_AT_ONCE and page[0][1] == page[-1][1]:
                page = await self._scored(page[0][1], page[0][1], most=-1)
                least = f"({page[-1][1]}" if page else least
            elif page:
                least = page[-1][1]  # once more: others may have changed at that moment
            for chat, at in page:
                if lid_of(chat) is None:
                    found[chat] = moment(at)
            if len(page) < _ASKED_AT_ONCE:
                return found

    async def _scored(
        self, least: float | str, greatest: float | str, *, most: int
    ) -> list[tuple[str, float]]:
        with store_errors():
            chats = await self._redis.zrangebyscore(
                keys.chats(), least, greatest, start=0, num=most, withscores=True
            )
        return [(chat.decode(), at) for chat, at in chats]

    async def count(self) -> int:
        """How many people we know. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.zcard(keys.chats()))

    async def unknown(self, phones: Sequence[str]) -> set[str]:
        """Those of them that are nobody's we know. Raises ``StoreDown``."""
        unknown: set[str] = set()
        for first in range(0, len(phones), _ASKED_AT_ONCE):
            some = phones[first : first + _ASKED_AT_ONCE]
            with store_errors():
                found = await self._redis.zmscore(keys.chats(), some)
            unknown.update(phone for phone, at in zip(some, found, strict=True) if at is None)
        return unknown

    async def conversations(self, phones: Sequence[str]) -> AsyncIterator[Conversation]:
        """Those of them there still are. Raises ``StoreDown``."""
        for first in range(0, len(phones), _AT_ONCE):
            with store_errors():
                async with self._redis.pipeline(transaction=False) as pipe:
                    for phone in phones[first : first + _AT_ONCE]:
                        pipe.hget(keys.conversation(phone), "doc")
                    found = await pipe.execute()
            for doc in found:
                if doc:
                    yield _conversations.decode(doc)
