"""Numbers all workers share: the daily cap, the pace of a session, what was counted and paid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec
from msgspec import Struct

from app.domain.budget import Budget, budget_of
from app.domain.conversation import Entry
from app.domain.tally import Spent, spending, tally
from app.store import keys
from app.store.claims import millis, moment
from app.store.connection import Redis, Script, store_errors

_reserve = Script("reserve")
_pace = Script("pace")
_take = Script("take")
_DAY_KEPT = timedelta(days=8)
_PACE_KEPT = timedelta(days=1)
_TURN_KEPT = timedelta(seconds=5)
"""For no longer does another process' clock, that is ahead of ours, keep us waiting."""


_RESTART_KEPT = timedelta(minutes=1)

COSTS_KEPT = timedelta(days=400)
"""How long a day's costs and figures are known: a year, and a month to compare it with."""

_ALL = "cost"
"""The field of a day's costs that holds the money of all shops and purposes."""


class Cost(Struct, frozen=True, kw_only=True):
    """What one purpose of one shop cost on one local day."""

    day: date
    shop: str
    purpose: str
    spent: Spent


class ModelFailure(Struct, frozen=True, kw_only=True):
    """When and why the model could not be had."""

    at: datetime
    code: str


class Counters:
    """Figures and limits that hold over all workers and over restarts.

    ``daily_budget`` is US dollars the model may cost a local day; None is no limit.
    """

    def __init__(self, redis: Redis, *, daily_budget: float | None = None) -> None:
        self._redis = redis
        self._daily_budget = daily_budget

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

    async def used_by_number(self, number: str, day: date) -> int:
        """Places taken under the number's own cap of this day. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.scard(keys.number_day(number, day)))

    async def pace(self, session: str, *, now: datetime, pause: timedelta) -> datetime:
        """The session's next free moment, taken; the one after is ``pause`` later.

        Raises ``StoreDown``.
        """
        return await self._next_free(keys.pace(session), now=now, pause=pause)

    async def kaspi_pace(self, shop: str, *, now: datetime, pause: timedelta) -> datetime | None:
        """None when a request about a shop may leave to Kaspi ``now``, and then the next only after
        ``pause``; or when to ask again. Raises ``StoreDown``.
        """
        name, kept = keys.kaspi_pace(shop), round(_TURN_KEPT.total_seconds() * 1000)
        with store_errors():
            at = await _take.run(
                self._redis, [name], [millis(now), round(pause.total_seconds() * 1000), kept]
            )
        return moment(float(at)) if at else None

    async def restart_pace(
        self, session: str, *, now: datetime, pause: timedelta
    ) -> datetime | None:
        """None when a person may make the session begin anew ``now``, and then not again before
        ``pause`` is over; or when it is. Raises ``StoreDown``.
        """
        name, kept = keys.restart_pace(session), round(_RESTART_KEPT.total_seconds() * 1000)
        with store_errors():
            at = await _take.run(
                self._redis, [name], [millis(now), round(pause.total_seconds() * 1000), kept]
            )
        return moment(float(at)) if at else None

    async def _next_free(self, key: str, *, now: datetime, pause: timedelta) -> datetime:
        kept = round(_PACE_KEPT.total_seconds() * 1000)
        with store_errors():
            at = await _pace.run(
                self._redis, [key], [millis(now), round(pause.total_seconds() * 1000), kept]
            )
        return now if float(at) <= millis(now) else moment(float(at))

    async def all(self) -> dict[str, float]:
        """Every counter since the last reset. Raises ``StoreDown``."""
        with store_errors():
            counted = await self._redis.hgetall(keys.counters())
        return {name.decode(): float(value) for name, value in counted.items()}

    async def figures(self, days: Sequence[date]) -> dict[date, dict[str, float]]:
        """How far each counter moved on each of these local days; no reset touches them.

        Raises ``StoreDown``.
        """
        with store_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                for day in days:
                    pipe.hgetall(keys.figures(day))
                kept = await pipe.execute()
        return {
            day: {name.decode(): float(value) for name, value in fields.items()}
            for day, fields in zip(days, kept, strict=True)
        }

    async def reset(self) -> None:
        """All counters to zero; limits, opt-outs and history stay. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.delete(keys.counters())

    async def model_answered(self, now: datetime) -> None:
        """The model has written a text that was taken. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.set(keys.model_answered(), millis(now))

    async def model_answered_at(self) -> datetime | None:
        """When the model last wrote a text that was taken. Raises ``StoreDown``."""
        with store_errors():
            at = await self._redis.get(keys.model_answered())
        return moment(float(at)) if at else None

    async def model_failed(self, code: str, now: datetime) -> None:
        """The model could not be had, for the reason ``code``. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.set(keys.model_failed(), f"{millis(now)} {code}")

    async def model_failure(self) -> ModelFailure | None:
        """When and why the model last could not be had. Raises ``StoreDown``."""
        with store_errors():
            told = await self._redis.get(keys.model_failed())
        at, _, code = told.decode().partition(" ") if told else ("", "", "")
        return ModelFailure(at=moment(float(at)), code=code) if code else None

    # --- what the model costs -----------------------------------------------------------------

    async def book(self, entries: Sequence[Entry], day: date) -> None:
        """Count on this local day what no chat's turn does. Raises ``StoreDown``."""
        counted, costs = tally(entries), cost_fields(entries)
        kept = int(COSTS_KEPT.total_seconds())
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                for name, by in counted.items():
                    pipe.hincrbyfloat(keys.counters(), name, by)
                    pipe.hincrbyfloat(keys.figures(day), name, by)
                for field, by in costs.items():
                    pipe.hincrbyfloat(keys.costs(day), field, by)
                pipe.expire(keys.figures(day), kept)
                pipe.expire(keys.costs(day), kept)
                await pipe.execute()

    async def spent_on(self, day: date) -> float:
        """US dollars the model cost all shops on this local day. Raises ``StoreDown``."""
        with store_errors():
            return float(await self._redis.hget(keys.costs(day), _ALL) or 0)

    async def budget(self, day: date) -> Budget:
        """How far this local day's budget is used up. Raises ``StoreDown``."""
        return budget_of(await self.spent_on(day), self._daily_budget)

    async def costs(self, days: Sequence[date]) -> list[Cost]:
        """What these days cost, by day, shop and purpose. Raises ``StoreDown``."""
        with store_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                for day in days:
                    pipe.hgetall(keys.costs(day))
                kept = await pipe.execute()
        return [
            cost for day, fields in zip(days, kept, strict=True) for cost in _costs_of(day, fields)
        ]


def cost_fields(entries: Iterable[Entry]) -> dict[str, float]:
    """How far each field of a day's costs moves by ``entries``."""
    spent = spending(entries)
    fields = {
        f"{shop}:{purpose}:{measure}": by
        for (shop, purpose), paid in spent.items()
        for measure, by in msgspec.structs.asdict(paid).items()
        if by
    }
    paid = sum(one.cost for one in spent.values())
    return fields | {_ALL: paid} if paid else fields


def _costs_of(day: date, fields: dict[bytes, bytes]) -> list[Cost]:
    """A day's fields as they lie in Redis, put together by shop and purpose, in that order."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for field, value in fields.items():
        if (name := field.decode()) != _ALL:
            shop, purpose, measure = name.rsplit(":", 2)
            found.setdefault((shop, purpose), {})[measure] = float(value)
    return [
        Cost(day=day, shop=shop, purpose=purpose, spent=_spent(measures))
        for (shop, purpose), measures in sorted(found.items())
    ]


def _spent(measures: dict[str, float]) -> Spent:
    return Spent(
        requests=round(measures.get("requests", 0)),
        tokens_in=round(measures.get("tokens_in", 0)),
        tokens_out=round(measures.get("tokens_out", 0)),
        cost=measures.get("cost", 0.0),
    )
