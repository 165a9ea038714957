"""Facts in, turns out: what a chat has not answered yet, and how it is settled as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any

import msgspec
from msgspec import Struct
from redis.exceptions import NoScriptError

from app.domain.decide import next_wake
from app.domain.events import AnyEvent, CustomerWrote, Fact, ReceiptCame
from app.domain.rules import Rules
from app.errors import Conflict
from app.store import keys
from app.store.claims import (
    CHANGES_KEPT,
    SEEN_KEPT,
    Claimed,
    Settled,
    commit_args,
    millis,
    moment,
    read_claim,
    shelf_keys,
)
from app.store.connection import ANSWER_SECONDS, Redis, Script, store_errors
from app.store.counters import COSTS_KEPT, cost_fields
from app.store.refs import Refs

TOLD_KEPT = 24 * 3600
"""Seconds for which one message under two addresses is known as one."""

FLUSH_SECONDS = 2.5 * ANSWER_SECONDS
"""Facts are durable and scheduled within this time, or whoever brought them is told to retry."""

_accept = Script("accept")
_claim = Script("claim")
_commit = Script("commit")
_put_aside = Script("put_aside")
_finish = Script("finish")
_encode = msgspec.json.Encoder().encode

Schedule = Callable[[dict[str, datetime]], Awaitable[None]]
"""Have the turns of these chats run at these times; a chat scheduled before is moved."""


class _Letter(Struct):
    chat: str
    event: AnyEvent
    now: datetime
    stored: asyncio.Future[bool]
    moved: bool = False


class Mailbox:
    """Every chat's unread facts, and the schedule of the turns that read them.

    Facts that come while others are on their way to Redis travel together after them. ``zone``
    says whose calendar days a turn's costs and figures are booked on (the rules' own unless told).
    """

    def __init__(self, redis: Redis, schedule: Schedule, *, zone: tzinfo | None = None) -> None:
        self._redis = redis
        self._schedule = schedule
        self._zone = zone or Rules().zone
        self._refs = Refs(redis)
        self._letters: list[_Letter] = []
        self._posting: asyncio.Task[None] | None = None

    async def accept(self, facts: Sequence[tuple[str, Fact]], *, now: datetime) -> list[bool]:
        """Store the facts of these chats and have their turns run; True for each new one.

        When it returns, all are durable and scheduled. A known fact is not stored again, but
        its chat is scheduled again, so that a crash between the two loses nothing.
        Raises ``StoreDown``.
        """
        if not facts:
            return []
        loop = asyncio.get_running_loop()
        letters = [
            _Letter(chat=chat, event=fact.event, now=now, stored=loop.create_future())
            for chat, fact in facts
        ]
        self._letters.extend(letters)
        if self._posting is None:
            self._posting = loop.create_task(self._post())
        if len(letters) == 1:  # nearly always, and this door is a busy one
            return [await letters[0].stored]
        return list(await asyncio.gather(*(letter.stored for letter in letters)))

    async def _post(self) -> None:
        """Send what there is, and what came meanwhile, until there is nothing."""
        while self._letters:
            letters, self._letters = self._letters, []
            await self._flush(letters)
        self._posting = None

    async def _flush(self, letters: list[_Letter]) -> None:
        try:
            with store_errors():
                async with asyncio.timeout(FLUSH_SECONDS):
                    new = await self._store(letters)
                    await self._schedule({letter.chat: letter.now for letter in letters})
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            for letter in letters:
                if not letter.stored.done():
                    letter.stored.set_exception(error)
            return
        for letter, is_new in zip(letters, new, strict=True):
            if not letter.stored.done():
                letter.stored.set_result(is_new)

    async def _store(self, letters: list[_Letter]) -> list[bool]:
        answers = await self._send(letters)
        unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            await self._redis.script_load(_accept.text)
            again = await self._send([letters[i] for i in unknown])
            for i, answer in zip(unknown, again, strict=True):
                answers[i] = answer
        elsewhere = [i for i, answer in enumerate(answers) if isinstance(answer, bytes)]
        for i in elsewhere:
            letters[i].chat, letters[i].moved = answers[i].decode(), True
        if elsewhere:
            again = await self._send([letters[i] for i in elsewhere])
            for i, answer in zip(elsewhere, again, strict=True):
                answers[i] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return [answer == 1 for answer in answers]

    async def _send(self, letters: list[_Letter]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for letter in letters:
                chat = letter.chat
                event = letter.event
                told, kept = keys.mail(chat), ""
                if isinstance(event, CustomerWrote) and not letter.moved:
                    told, kept = keys.told(event.session, event.message), str(TOLD_KEPT)
                names = (keys.mail(chat), keys.seen(chat), keys.due(), told, keys.changes())
                # A receipt changes nothing the second time, so its id is not worth keeping.
                known_by = "" if isinstance(event, ReceiptCame) else event.id
                args = (known_by, _encode(event), millis(letter.now), chat, SEEN_KEPT, kept)
                pipe.evalsha(_accept.sha, len(names), *names, *args, CHANGES_KEPT)
            return list(await pipe.execute(raise_on_error=False))

    async def put_back(self, chat: str, letters: Sequence[str], *, now: datetime) -> None:
        """Letters that were set aside go into the mailbox again; ``fold`` knows those it has had.

        Raises ``StoreDown``.
        """
        if not letters:
            await self.wake({chat: now})
            return
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(keys.mail(chat), *letters)
                pipe.zadd(keys.due(), {chat: millis(now)}, lt=True)
                await pipe.execute()
        await self.wake({chat: now})

    async def claim(self, chat: str) -> Claimed:
        """Begin a turn of ``chat``. Raises ``StoreDown``."""
        with store_errors():
            version, doc, begun, mail = await _claim.run(
                self._redis, [keys.conversation(chat), keys.mail(chat)], []
            )
        return read_claim(chat, (version, doc), mail, begun=begun)

    async def look(self, chat: str) -> Claimed:
        """What a turn would decide on, without beginning one. Raises ``StoreDown``."""
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hmget(keys.conversation(chat), ["v", "doc"])
                pipe.lrange(keys.mail(chat), 0, -1)
                (version, doc), mail = await pipe.execute()
        return read_claim(chat, (version, doc), mail)

    async def commit(self, claimed: Claimed, settled: Settled, *, now: datetime) -> Claimed:
        """Settle a turn; returns what the next one starts from, and whether there is mail to read.

        With the rest or not at all: what it cost and counted is booked on the local day of ``now``,
        and the desk finds the chat where it belongs now.
        Raises ``Conflict`` when somebody settled the chat since, ``StoreDown``.
        """
        chat = claimed.chat
        ref = await self._refs.of(chat)
        args = [*commit_args(claimed, settled, now, ref=ref), *_cost_args(settled)]
        names = [*self._commit_names(chat, now), *settled.days]
        with store_errors():
            version, left = await _commit.run(self._redis, names, args)
        if version == -1:
            raise Conflict("the chat was settled by another worker", code="version")
        return Claimed(
            chat=chat,
            version=str(version),
            conversation=settled.conversation,
            unread=left > 0,
        )

    def _commit_names(self, chat: str, now: datetime) -> list[str]:
        day = now.astimezone(self._zone).date()
        return [
            keys.conversation(chat),
            keys.mail(chat),
            keys.journal(chat),
            keys.archive(chat),
            keys.due(),
            keys.chats(),
            keys.counters(),
            keys.spoken_to(),
            keys.buried(),
            keys.costs(day),
            keys.called(),
            *shelf_keys(),
            keys.words(),
            keys.refs(),
            keys.changes(),
            keys.figures(day),
        ]

    async def put_aside(self, claimed: Claimed, *, now: datetime, wake: datetime | None) -> None:
        """The claimed letters were given to somebody else. Raises ``StoreDown``."""
        chat = claimed.chat
        with store_errors():
            await _put_aside.run(
                self._redis,
                [keys.conversation(chat), keys.mail(chat), keys.due()],
                [
                    claimed.letters[0] if claimed.letters else "",
                    len(claimed.letters),
                    millis(now),
                    chat,
                    "" if wake is None else millis(wake),
                ],
            )

    async def has_mail(self, chat: str) -> bool:
        """Whether something came that no turn has taken in. Raises ``StoreDown``."""
        with store_errors():
            return bool(await self._redis.exists(keys.mail(chat)))

    async def postpone(self, chat: str, until: datetime) -> None:
        """Look at ``chat`` again then, unless something happens before. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.zadd(keys.due(), {chat: millis(until)})

    async def begun(self, chat: str) -> int:
        """Turns of ``chat`` begun since one came to its end. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.hget(keys.conversation(chat), "n") or 0)

    async def finish(self, chat: str, settled: Claimed | None = None) -> datetime | None:
        """End a turn that did not die; when ``chat`` is to be looked at next.

        ``settled`` is what it ended with, when it had nothing more to do. Raises ``StoreDown``.
        """
        version, wake = "-", None
        if settled is not None:
            version = settled.version
            known = settled.conversation
            wake = None if known is None else next_wake(known)
        names = [keys.conversation(chat), keys.mail(chat), keys.due()]
        with store_errors():
            score = await _finish.run(
                self._redis, names, [chat, version, "" if wake is None else millis(wake)]
            )
        return None if score is None else moment(score)

    async def next_due(self, chat: str) -> datetime | None:
        """When ``chat`` must be looked at next. Raises ``StoreDown``."""
        with store_errors():
            score = await self._redis.zscore(keys.due(), chat)
        return None if score is None else moment(score)

    async def all_due(self, before: datetime, *, limit: int = 1000) -> list[str]:
        """Chats whose time has come, the longest waiting first. Raises ``StoreDown``."""
        with store_errors():
            chats = await self._redis.zrangebyscore(
                keys.due(), "-inf", millis(before), start=0, num=limit
            )
        return [chat.decode() for chat in chats]

    async def wake(self, chats: dict[str, datetime]) -> None:
        """Have these chats' turns run at these times. Raises ``StoreDown``."""
        if chats:
            with store_errors():
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._schedule(chats)

    async def count_due(self, now: datetime) -> int:
        """How many chats' time has come. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.zcount(keys.due(), "-inf", millis(now)))

    async def called(self, *, offset: int, limit: int) -> list[str]:
        """Chats in which a person should look, the longest waiting first. Raises ``StoreDown``."""
        with store_errors():
            chats = await self._redis.zrange(keys.called(), offset, offset + limit - 1)
        return [chat.decode() for chat in chats]

    async def count_called(self) -> int:
        """How many chats wait for a person. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.zcard(keys.called()))

    async def waiting(self, *, offset: int, limit: int) -> list[str]:
        """Chats that wait for something, soonest first. Raises ``StoreDown``."""
        with store_errors():
            chats = await self._redis.zrange(keys.due(), offset, offset + limit - 1)
        return [chat.decode() for chat in chats]


def _cost_args(settled: Settled) -> list[Any]:
    """The last arguments of ``commit.lua``: what the turn cost."""
    fields = cost_fields(settled.entries)
    parts = [part for pair in fields.items() for part in pair]
    return [len(fields), *parts, int(COSTS_KEPT.total_seconds())]
