"""What the seller changed of the rules while the bot runs: kept, logged, and known everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from app.domain.adjust import FIELDS, Adjustments, Change, adjusted, change
from app.domain.bounds import OutOfBounds
from app.domain.rules import Rules
from app.domain.second_look import waits_for_rules
from app.errors import Conflict, Refused
from app.store import keys
from app.store.chats import Chats
from app.store.connection import Redis, Script, store_errors

LOG_KEPT = 500
"""Changes that are remembered: who asks why it was silent in spring finds it."""

_PAGE = 100

_WAITED_FOR = frozenset(FIELDS) - {
    "arms_off", "languages", "review_delay_hours", "send_interval_seconds", "texts",
}  # fmt: skip
"""What a chat may wait for. The rest holds from the next text on."""

_adjust = Script("adjust")
_encode = msgspec.json.Encoder().encode
_adjustments = msgspec.json.Decoder(Adjustments)


class Logged(Struct, frozen=True, kw_only=True):
    """One line of the log: ``who`` changed what, and when; see :class:`Change`."""

    at: datetime
    who: str
    version: int
    shop: str | None
    field: str
    about: str | None
    before: str | None
    after: str | None


_logged = msgspec.json.Decoder(Logged)


class Ruled:
    """The adjustments of all processes, in the store."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._chats = Chats(redis)

    async def version(self) -> int:
        """Of the newest adjustments; 0 before there are any. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.hget(keys.rules(), "v") or 0)

    async def read(self) -> Adjustments:
        """The newest adjustments. Raises ``StoreDown``."""
        with store_errors():
            doc = await self._redis.hget(keys.rules(), "doc")
        return Adjustments() if doc is None else _adjustments.decode(doc)

    async def write(self, new: Adjustments, *, after: int, log: tuple[Logged, ...]) -> None:
        """Keep adjustments that were made of those of the version ``after``, and log them.

        Raises ``Conflict`` when somebody else was first, ``StoreDown``.
        """
        waited = any(line.field in _WAITED_FOR for line in log)
        with store_errors():
            done = await _adjust.run(
                self._redis,
                [keys.rules(), keys.rules_log()],
                [after, new.version, _encode(new), LOG_KEPT, int(waited), *map(_encode, log)],
            )
        if not done:
            raise _overtaken()

    async def log(self, *, limit: int = LOG_KEPT) -> tuple[Logged, ...]:
        """What was changed, the newest first. Raises ``StoreDown``."""
        with store_errors():
            lines = await self._redis.lrange(keys.rules_log(), 0, limit - 1)
        return tuple(_logged.decode(line) for line in lines)

    async def untold(self) -> int | None:
        """The newest version, while not all that wait know of it. Raises ``StoreDown``."""
        with store_errors():
            version, told = await self._redis.hmget(keys.rules(), ["v", "told"])
        return None if version == told else int(version)

    async def waiting(self) -> AsyncIterator[list[str]]:
        """Chats in which something waits because of the rules, some at a time; one may come twice.

        Raises ``StoreDown``.
        """
        cursor = -1
        while cursor:
            with store_errors():
                cursor, page = await self._redis.zscan(keys.due(), max(cursor, 0), count=_PAGE)
            read = await self._chats.many([chat.decode() for chat, _ in page])
            yield [
                each.chat
                for each in read
                if each.conversation is not None and waits_for_rules(each.conversation)
            ]

    async def told(self, version: int) -> None:
        """All chats that waited know of this version. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hset(keys.rules(), "told", version)


class Ruling:
    """The rules that hold in this process: those of the settings, and what was changed since.

    ``rules`` is one value that is replaced as a whole: who took it keeps what they took. Without a
    store the rules are always the same.
    """

    def __init__(self, base: Rules, store: Ruled | None = None) -> None:
        self.base = base
        self.rules = base
        self.adjustments = Adjustments()
        self._store = store

    @property
    def store(self) -> Ruled:
        """Where it is kept. Raises ``Refused`` (404) where these rules cannot be changed."""
        if self._store is None:
            raise Refused("the rules cannot be changed here", code="fixed_rules", status=404)
        return self._store

    async def keep_up(self) -> bool:
        """Take over what was changed elsewhere; whether there was anything. Raises ``StoreDown``.

        A version that is behind ours is taken over too: the store was emptied, or put back.
        """
        if await self.store.version() == self.adjustments.version:
            return False
        self._take(await self.store.read())
        return True

    async def change(
        self,
        wanted: Mapping[str, object],
        *,
        shop: str | None,
        who: str,
        now: datetime,
        version: int | None = None,
    ) -> tuple[Change, ...]:
        """Change the rules of a shop, or of all; what is another than before.

        ``version`` is what ``who`` saw when they decided, if that is known. Here it holds at once,
        elsewhere within a second. Raises ``Refused`` (400, code of ``OutOfBounds``),
        ``Conflict`` when it was changed since, ``StoreDown``.
        """
        known = await self.store.read()
        if version is not None and version != known.version:
            raise _overtaken()
        try:
            new, changes = change(self.base, known, wanted, shop=shop)
        except OutOfBounds as wrong:
            raise Refused(wrong.reason, code=wrong.code, about=wrong.field) from None
        if new.version != known.version:
            log = tuple(_line(each, new.version, who=who, now=now) for each in changes)
            await self.store.write(new, after=known.version, log=log)
        self._take(new)
        return changes

    def _take(self, adjustments: Adjustments) -> None:
        self.adjustments = adjustments
        self.rules = adjusted(self.base, adjustments)


def _line(changed: Change, version: int, *, who: str, now: datetime) -> Logged:
    return Logged(at=now, who=who, version=version, **msgspec.structs.asdict(changed))


def _overtaken() -> Conflict:
    return Conflict("somebody else changed the rules meanwhile: look again", code="rules_changed")
