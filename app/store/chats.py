"""The chats as the desk lists them: newest first, by shelf, by words; and who looked at which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from app.domain.conversation import Conversation
from app.domain.findable import Asked, Shelf, last_said, matches, readings, words_of
from app.store import keys
from app.store.claims import (
    CHANGES_KEPT,
    NUL,
    Claimed,
    millis,
    moment,
    read_claim,
)
from app.store.connection import Redis, Script, store_errors
from app.store.refs import REF_LENGTH, Refs

MOST_CANDIDATES = 5_000
"""Chats that one word of a search may bring; of a word that begins more, the newest are read."""

MOST_READ = 300
"""Conversations one search reads."""

_AT_ONCE = 50
_BOOKMARK = re.compile(rf"(?:(\d{{1,16}})-)?([0-9a-f]{{{REF_LENGTH}}})")

_look = Script("look")


class Chats:
    """What the desk reads of all chats. Nothing here reads all keys, or all conversations."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._refs = Refs(redis)

    # --- names --------------------------------------------------------------------------------

    async def ref(self, chat: str) -> str:
        """The chat's name for URLs, 20 hex digits that tell nothing of it. Raises ``StoreDown``."""
        return await self._refs.of(chat)

    async def chat_of(self, ref: str) -> str | None:
        """The chat of this name, or the one it became part of; None for a name nobody has.

        Raises ``StoreDown``.
        """
        with store_errors():
            chat = await self._redis.hget(keys.refs(), ref)
        return chat.decode() if isinstance(chat, bytes) else None

    # --- shelves ------------------------------------------------------------------------------

    async def page(self, shelf: Shelf, *, after: str | None = None, limit: int) -> list[str]:
        """Chats of a shelf, those first in which something was said or heard last.

        ``after`` is the ``bookmark`` of the last chat of the page before, or its ref alone, which
        leads to where it stands now; a text that is neither, or names nobody, begins anew. Chats of
        one moment are neither skipped nor told twice. Where the release before this one still runs
        beside it, a row may lag behind its conversation: show what the conversation says.
        Raises ``StoreDown``.
        """
        name = keys.shelf(shelf)
        with store_errors():
            at, chat = await self._place(name, after)
            if at is None:
                return _names(await self._redis.zrevrange(name, 0, limit - 1))
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.zrevrangebyscore(name, at, at)
                pipe.zrevrangebyscore(name, f"({at}", "-inf", start=0, num=limit)
                same, before = await pipe.execute()
        return [*(c for c in _names(same) if c < chat), *_names(before)][:limit]

    async def _place(self, name: str, after: str | None) -> tuple[int | None, str]:
        """The moment and the chat after which a page begins; of that moment, names go backwards."""
        marked = _BOOKMARK.fullmatch(after or "")
        if marked is None:
            return None, ""
        chat = await self._redis.hget(keys.refs(), marked[2])
        if marked[1]:  # who is gone had a place: rather the others of that moment twice than never
            return int(marked[1]), chat.decode() if chat else "\uffff"
        at = await self._redis.zscore(name, chat) if chat else None
        return (None, "") if at is None else (int(at), chat.decode())

    async def bookmark(self, conversation: Conversation) -> str:
        """Where a list goes on after this chat, as it was read, wherever it moves meanwhile.

        Raises ``StoreDown``.
        """
        return f"{millis(last_said(conversation))}-{await self.ref(conversation.chat)}"

    async def count(self, shelf: Shelf) -> int:
        """How many chats stand there. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.zcard(keys.shelf(shelf)))

    async def counts(self) -> dict[Shelf, int]:
        """How many chats stand on each shelf. Raises ``StoreDown``."""
        with store_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                for shelf in Shelf:
                    pipe.zcard(keys.shelf(shelf))
                counted = await pipe.execute()
        return dict(zip(Shelf, counted, strict=True))

    async def many(self, chats: Sequence[str]) -> list[Claimed]:
        """Each of these chats with its unread mail, in their order; ``conversation`` is None for
        one that is gone or cannot be read. Raises ``StoreDown``.
        """
        if not chats:
            return []
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                for chat in chats:
                    pipe.hmget(keys.conversation(chat), ["v", "doc"])
                    pipe.lrange(keys.mail(chat), 0, -1)
                told = await pipe.execute()
        return [
            _read(chat, tuple(told[2 * place]), told[2 * place + 1])
            for place, chat in enumerate(chats)
        ]

    # --- search -------------------------------------------------------------------------------

    async def found(self, query: str, *, shelf: Shelf = Shelf.ALL, limit: int) -> list[str]:
        """Chats of a shelf in which every word of ``query`` begins a word of the name, the phone,
        an order's number or a product; the newest first. None for a query without a word.

        Each is as its conversation says, not only as the index does. Raises ``StoreDown``.
        """
        for asked in readings(query):
            chats = await self._found(asked, shelf, limit)
            if chats:
                return chats
        return []

    async def _found(self, asked: tuple[Asked, ...], shelf: Shelf, limit: int) -> list[str]:
        with store_errors():
            candidates = await self._candidates(asked, shelf)
        found: list[str] = []
        for start in range(0, len(candidates), _AT_ONCE):
            for claimed in await self.many(candidates[start : start + _AT_ONCE]):
                known = claimed.conversation
                if known is not None and matches(words_of(known), asked):
                    found.append(claimed.chat)
            if len(found) >= limit:
                break
        return found[:limit]

    async def _candidates(self, asked: tuple[Asked, ...], shelf: Shelf) -> list[str]:
        """Chats that may match, the newest first: those that have every rarer word, or where all
        words are frequent, the newest of the shelf.
        """
        counted = await self._counted(asked)
        if not all(counted):
            return []
        rare = [
            spelt
            for count, spelt in sorted(zip(counted, asked, strict=True))
            if count <= MOST_CANDIDATES
        ]
        name = keys.shelf(shelf)
        if not rare:
            return _names(await self._redis.zrevrange(name, 0, MOST_READ - 1))
        chats = set.intersection(*[await self._beginning(spelt) for spelt in rare])
        if not chats:
            return []
        at = await self._redis.zmscore(name, list(chats))
        stand = [(score, c) for c, score in zip(chats, at, strict=True) if score is not None]
        return [chat for _, chat in sorted(stand, reverse=True)[:MOST_READ]]

    async def _counted(self, asked: tuple[Asked, ...]) -> list[int]:
        """How many words begin so, for each word asked for."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for spelt in asked:
                for word in spelt:
                    pipe.zlexcount(keys.words(), *_range(word))
            counts = iter(await pipe.execute())
        return [sum(next(counts) for _ in spelt) for spelt in asked]

    async def _beginning(self, spelt: Asked) -> set[str]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for word in spelt:
                pipe.zrangebylex(keys.words(), *_range(word), start=0, num=MOST_CANDIDATES)
            told = await pipe.execute()
        return {entry.decode().rpartition(NUL)[2] for entries in told for entry in entries}

    # --- looked at ----------------------------------------------------------------------------

    async def looked(self, chat: str, at: datetime) -> None:
        """A person saw ``chat`` up to its message of that time. Raises ``StoreDown``."""
        names = [keys.shelf(Shelf.ALL), keys.looked(), keys.changes()]
        with store_errors():
            await _look.run(self._redis, names, [chat, millis(at), CHANGES_KEPT])

    async def looked_at(self, chats: Sequence[str]) -> dict[str, datetime]:
        """Up to when each of these chats was seen, for those that were. Raises ``StoreDown``."""
        if not chats:
            return {}
        with store_errors():
            seen = await self._redis.zmscore(keys.looked(), list(chats))
        return {chat: moment(at) for chat, at in zip(chats, seen, strict=True) if at is not None}


def _read(chat: str, stored: tuple[bytes | None, bytes | None], letters: list[bytes]) -> Claimed:
    """One chat of a list: a document nobody can read hides no other."""
    try:
        return read_claim(chat, stored, letters)
    except msgspec.DecodeError:
        return Claimed(chat=chat, version="", conversation=None)


def _names(chats: Iterable[bytes]) -> list[str]:
    return [chat.decode() for chat in chats]


def _range(word: str) -> tuple[bytes, bytes]:
    """All members of the index that begin so."""
    start = word.encode()
    return b"[" + start, b"(" + start + b"\xff"
