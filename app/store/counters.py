"""Numbers all workers share: the daily cap, the pace of a session, and what was counted."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from app.store import keys
from app.store.claims import millis, moment
from app.store.connection import Redis, Script, store_errors

_reserve = Script("reserve")
_pace = Script("pace")
_DAY_KEPT = timedelta(days=8)
_PACE_KEPT = timedelta(days=1)


class Counters:
    """Figures and limits that hold over all workers and over restarts."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def reserve(self, shop: str, day: date, message: str, *, cap: int) -> bool:
        """Whether ``message`` holds a place under the shop's cap of this local day.

        Asking twice takes one place. Raises ``StoreDown``.
        """
        with store_errors():
            held = await _reserve.run(
                self._redis,
                [keys.day(shop, day)],
                [message, cap, int(_DAY_KEPT.total_seconds())],
            )
        return bool(held)

    async def reserve_number(self, number: str, day: date, message: str, *, cap: int) -> bool:
        """The same under a WhatsApp number's own cap, while it warms up. Raises ``StoreDown``."""
        with store_errors():
            held = await _reserve.run(
                self._redis,
                [keys.number_day(number, day)],
                [message, cap, int(_DAY_KEPT.total_seconds())],
            )
        return bool(held)

    async def sent_on(self, number: str, day: date) -> None:
        """A WhatsApp number sends proactively on this day. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.sadd(keys.warm(number), day.isoformat())

    async def days_before(self, number: str, day: date) -> int:
        """On how many days before this one the number sent proactively. Raises ``StoreDown``."""
        with store_errors():
            days = await self._redis.smembers(keys.warm(number))
        return len(days - {day.isoformat().encode()})

    async def used(self, shop: str, day: date) -> int:
        """Places taken under the shop's cap of this local day. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.scard(keys.day(shop, day)))

    async def pace(self, session: str, *, now: datetime, pause: timedelta) -> datetime:
        """The session's next free moment, taken; the one after is ``pause`` later.

        Raises ``StoreDown``.
        """
        with store_errors():
            at = await _pace.run(
                self._redis,
                [keys.pace(session)],
                [
                    millis(now),
                    round(pause.total_seconds() * 1000),
                    round(_PACE_KEPT.total_seconds() * 1000),
                ],
            )
        return now if float(at) <= millis(now) else moment(float(at))

    async def all(self) -> dict[str, float]:
        """Every counter since the last reset. Raises ``StoreDown``."""
        with store_errors():
            counted = await self._redis.hgetall(keys.counters())
        return {name.decode(): float(value) for name, value in counted.items()}

    async def reset(self) -> None:
        """All counters to zero; limits, opt-outs and history stay. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.delete(keys.counters())
