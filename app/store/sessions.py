"""WhatsApp sessions: how each is, what waits for it, how its number fares; over all workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import msgspec

from app.domain.events import SessionChanged
from app.domain.session import HEALTH_WINDOW, WORKING, Alarm, Health, Session, Sign
from app.store import keys
from app.store.claims import millis, moment
from app.store.connection import Redis, Script, store_errors

_session = Script("session")
_release = Script("release")
_SIGNS_KEPT = timedelta(days=8)
_HEARD_EVERY = timedelta(seconds=10)
"""How often this process notes that a session is heard of: the door is a busy one."""

_FRESH = timedelta(seconds=0.5)
"""How old what a turn knows of a session may be; what this process is told counts at once."""

RELEASE_EVERY = timedelta(milliseconds=500)
"""Between two chats of a session that is back: what waited must not leave in one burst."""

RELEASED_AT_ONCE = 500

_encode = msgspec.json.Encoder().encode
_healths = msgspec.json.Decoder(Health)


class Sessions:
    """The sessions, their held chats and the signs of their numbers."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._heard: dict[str, datetime] = {}
        self._read: dict[str, tuple[datetime, Session]] = {}

    async def told(self, changed: SessionChanged, *, day: date, now: datetime) -> bool:
        """Keep the newest word on a session; True when its status is another one now.

        ``day`` is the local day its signs are counted on. What comes late changes nothing, but for
        what is known from the future: then a clock was put back.
        Raises ``StoreDown``.
        """
        until = changed.restricted_until
        with store_errors():
            turned, _banned = await _session.run(
                self._redis,
                [keys.session(changed.session), keys.signs(changed.session, day)],
                [
                    millis(changed.at),
                    changed.status or "",
                    "" if until is None else millis(until),
                    changed.our_phone or "",
                    changed.our_lid or "",
                    int(_SIGNS_KEPT.total_seconds()),
                    WORKING,
                    int(changed.inferred),
                    millis(now),
                ],
            )
        self._read.pop(changed.session, None)
        return bool(turned)

    async def heard(self, name: str, now: datetime) -> None:
        """A webhook of this session came. Raises ``StoreDown``."""
        noted = self._heard.get(name)
        if noted is not None and timedelta() <= now - noted < _HEARD_EVERY:
            return
        with store_errors():
            await self._redis.hset(keys.session(name), "heard", millis(now))
        self._heard[name] = now

    async def asked(self, name: str, now: datetime) -> None:
        """WAHA is being asked how the session is. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hset(keys.session(name), "asked", millis(now))

    async def sent(self, session: Session, now: datetime) -> None:
        """A message left; until something is heard of it, the session may be deaf."""
        if not session.unheard:
            with store_errors():
                await self._redis.hset(keys.session(session.name), "unheard", millis(now))

    async def of(self, name: str) -> Session:
        """What is known of a session. Raises ``StoreDown``."""
        with store_errors():
            known = await self._redis.hgetall(keys.session(name))
        return _read(name, {field.decode(): value.decode() for field, value in known.items()})

    async def all(self, names: Iterable[str], now: datetime) -> dict[str, Session]:
        """What was known of these sessions less than a moment ago: every turn asks, several times.

        Raises ``StoreDown``.
        """
        found: dict[str, Session] = {}
        for name in names:
            known = self._read.get(name)
            if known is None or not timedelta() <= now - known[0] < _FRESH:
                known = self._read[name] = (now, await self.of(name))
            found[name] = known[1]
        return found

    async def assess(self, name: str, health: Health, alarms: Iterable[Alarm]) -> frozenset[Alarm]:
        """Keep how a number fares and what is wrong; the alarms that are news.

        Raises ``StoreDown``.
        """
        raised = frozenset(alarms)
        self._read.pop(name, None)
        with store_errors():
            known = await self._redis.hget(keys.session(name), "alarms") or b""
            fields = {"health": _encode(health), "alarms": " ".join(sorted(raised))}
            await self._redis.hset(keys.session(name), mapping=fields)
        return raised - {Alarm(kind) for kind in known.decode().split()}

    # --- messages that may have passed us by --------------------------------------------------

    async def missed_since(self, name: str, since: datetime) -> None:
        """From then on messages may have passed us by. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hsetnx(keys.session(name), "gap", millis(since))

    async def caught_up(self, name: str) -> None:
        """All that may have passed us by was read. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hdel(keys.session(name), "gap")

    # --- the outbox of a session that is down -------------------------------------------------

    async def hold(self, name: str, chat: str, now: datetime) -> None:
        """``chat`` waits for the session. Raises ``StoreDown``."""
        with store_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.zadd(keys.held(name), {chat: millis(now)}, nx=True)
                pipe.sadd(keys.held_by(), name)
                await pipe.execute()

    async def waited_for(self) -> set[str]:
        """Sessions that chats have waited for; some may be no shop's any more.

        Raises ``StoreDown``.
        """
        with store_errors():
            return {name.decode() for name in await self._redis.smembers(keys.held_by())}

    async def forget(self, chat: str, names: Iterable[str]) -> None:
        """``chat`` waits for none of these sessions any more. Raises ``StoreDown``."""
        with store_errors():
            for name in names:
                await self._redis.zrem(keys.held(name), chat)

    async def count_held(self, name: str) -> int:
        """How many chats wait for the session. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.zcard(keys.held(name)))

    async def release(self, name: str, now: datetime) -> dict[str, datetime]:
        """Make the chats that waited due again, the longest waiting first; when each is.

        They are due in the store already: whoever asks schedules their turns, and a crash before
        that is mended by the sweep. Raises ``StoreDown``.
        """
        with store_errors():
            flat = await _release.run(
                self._redis,
                [keys.held(name), keys.due()],
                [millis(now), RELEASED_AT_ONCE, round(RELEASE_EVERY.total_seconds() * 1000)],
            )
        return {
            chat.decode(): moment(float(due))
            for chat, due in zip(flat[::2], flat[1::2], strict=True)
        }

    # --- how a number fares -------------------------------------------------------------------

    async def count(self, signs: Mapping[tuple[str, Sign], int], day: date) -> None:
        """Add to the signs of that local day. Raises ``StoreDown``.

        An estimate's raw material: a crash just before may lose a count.
        """
        if not signs:
            return
        with store_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                for (name, sign), by in signs.items():
                    pipe.hincrby(keys.signs(name, day), sign, by)
                    pipe.expire(keys.signs(name, day), int(_SIGNS_KEPT.total_seconds()))
                await pipe.execute()

    async def signs(self, name: str, today: date) -> dict[Sign, int]:
        """The signs of the window that ends today. Raises ``StoreDown``."""
        total: dict[Sign, int] = {}
        with store_errors():
            for back in range(HEALTH_WINDOW):
                day = today - timedelta(days=back)
                for sign, number in (await self._redis.hgetall(keys.signs(name, day))).items():
                    total[Sign(sign.decode())] = total.get(Sign(sign.decode()), 0) + int(number)
        return total


def _read(name: str, known: dict[str, str]) -> Session:
    def at(field: str) -> datetime | None:
        return moment(float(known[field])) if field in known else None

    return Session(
        name=name,
        status=known.get("status"),
        since=at("since"),
        told_at=at("at"),
        asked_at=at("asked"),
        restricted_until=at("until"),
        inferred=known.get("inferred") == "1",
        heard_at=at("heard"),
        unheard_since=at("unheard"),
        gap_since=at("gap"),
        our_phone=known.get("phone"),
        our_lid=known.get("lid"),
        health=_healths.decode(known["health"]) if "health" in known else Health(),
    )
