"""What the desk finds chats by: taken out with who is erased, put in where a release had none."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from app.domain.conversation import Conversation
from app.store import keys
from app.store.claims import CHANGES_KEPT, shelf_keys, standing, word_entries
from app.store.connection import Redis, Script, store_errors
from app.store.refs import Refs

MAKING = "2"
"""Raised when shelves, words or refs are made otherwise: every chat is then put in anew."""

_AT_ONCE = 50
"""Chats put in with one look: turns do not wait for it."""

_CHANGES_AT_ONCE = 1000

_shelve = Script("shelve")
_conversations = msgspec.json.Decoder(Conversation)


# --- out --------------------------------------------------------------------------------------


class Traces(Struct, frozen=True, kw_only=True):
    """What else tells of a chat: members of the index of words, refs, and ids of changes."""

    words: tuple[str, ...] = ()
    refs: tuple[bytes, ...] = ()
    changes: tuple[bytes, ...] = ()


async def traces_of(redis: Redis, conversation: Conversation, *, hidden: Iterable[str]) -> Traces:
    """All that the desk's index tells of this person, also of their ``hidden`` chats.

    Raises redis' own errors.
    """
    chat = conversation.chat
    stored = await redis.hget(keys.conversation(chat), "doc")
    kept = _conversations.decode(stored) if stored else None
    names = {name.encode() for name in (chat, *hidden)}
    return Traces(
        words=tuple(word_entries(conversation) | word_entries(kept)),
        refs=tuple([r async for r, whose in redis.hscan_iter(keys.refs(), count=1000)
                    if whose in names]),
        changes=tuple(await _changes_of(redis, names)),
    )  # fmt: skip


async def _changes_of(redis: Redis, names: set[bytes]) -> list[bytes]:
    found: list[bytes] = []
    after = "-"
    while True:
        page = await redis.xrange(keys.changes(), after, "+", count=_CHANGES_AT_ONCE)
        found += [id_ for id_, fields in page if fields and fields.get(b"chat") in names]
        if len(page) < _CHANGES_AT_ONCE:
            return found
        after = f"({page[-1][0].decode()}"


def take_out(pipe: Redis, chat: str, traces: Traces) -> None:
    """Have ``pipe`` take a chat off all shelves, and tell every desk that one is gone."""
    for index in (*shelf_keys(), keys.looked()):
        pipe.zrem(index, chat)
    if traces.words:
        pipe.zrem(keys.words(), *traces.words)
    if traces.refs:
        pipe.hdel(keys.refs(), *traces.refs)
    if traces.changes:
        pipe.xdel(keys.changes(), *traces.changes)
    pipe.xadd(keys.changes(), {"chat": ""}, maxlen=CHANGES_KEPT, approximate=True)


# --- in ---------------------------------------------------------------------------------------


class Index:
    """Chats of a store whose last release put none of them where the desk finds them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._refs = Refs(redis)

    async def is_whole(self) -> bool:
        """Whether every chat is where the desk finds it. Raises ``StoreDown``."""
        with store_errors():
            return bool(await self._redis.get(keys.indexed()) == MAKING.encode())

    async def make_whole(self) -> int:
        """Put every chat where the desk finds it; how many there were.

        Turns go on meanwhile: what they settle is newer, and stays. Begun anew when it was cut
        short. A chat that cannot be read is left out. Raises ``StoreDown``.
        """
        put = 0
        with store_errors():
            await self._redis.unlink(keys.words())
            cursor = 0
            while True:
                cursor, page = await self._redis.zscan(keys.chats(), cursor, count=_AT_ONCE)
                for chat, _ in page:
                    put += await self._put_in(chat.decode())
                if not cursor:
                    break
            await self._redis.set(keys.indexed(), MAKING)
        return put

    async def _put_in(self, chat: str) -> bool:
        """Whether there is such a chat, and it can be read; tried again while it is settled."""
        names = [keys.conversation(chat), *shelf_keys(), keys.words(), keys.refs()]
        ref = await self._refs.of(chat)
        while True:
            version, doc = await self._redis.hmget(keys.conversation(chat), ["v", "doc"])
            known = _read(doc)
            if known is None:
                return False
            words = sorted(word_entries(known))
            args = [version, chat, *standing(known), ref, *words]
            if await _shelve.run(self._redis, names, args):
                return True


def _read(doc: bytes | None) -> Conversation | None:
    try:
        return _conversations.decode(doc) if doc else None
    except msgspec.DecodeError:
        return None
