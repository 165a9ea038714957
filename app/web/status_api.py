"""The state of all parts at once: what a seller looks at first when something is wrong."""

from __future__ import annotations

from datetime import datetime

from litestar import Router, get
from msgspec import Struct

from app.domain.budget import Budget, BudgetAlert, budget_alerts, next_day
from app.domain.session import Alert
from app.domain.session import Health as NumberHealth
from app.errors import StoreDown
from app.web.figures import Line, Queue, lines, queue
from app.web.front import FromFront, Front, Health, KaspiPart, Part, PricesPart
from app.web.problems import GUARDED


class SessionView(Struct, frozen=True, kw_only=True):
    """A WhatsApp session: WAHA's ``status`` since when, the end of WhatsApp's ban on new contacts
    if there is one, how its number fares, how many chats wait for it, what a person must look at.
    """

    session: str
    status: str | None
    since: datetime | None
    at: datetime | None
    works: bool
    restricted_until: datetime | None
    heard_at: datetime | None
    our_phone: str | None
    our_lid: str | None
    health: NumberHealth
    held: int
    alerts: tuple[Alert, ...]


class Waha(Struct, frozen=True, kw_only=True):
    """WAHA as it answers now, and what is known of its sessions."""

    state: Health
    detail: str | None
    sessions: list[SessionView]


class State(Struct, frozen=True, kw_only=True):
    """All parts at once. ``queue`` and ``budget`` are null while the store is down.

    ``alerts`` are those of no session: what a person has to know of the money.
    """

    success: bool
    status: str
    enabled: bool
    test_mode: bool
    demo: bool
    waha: Waha
    model: Part
    store: Part
    kaspi: KaspiPart
    prices: PricesPart
    queue: Queue | None
    budget: Budget | None
    alerts: tuple[BudgetAlert, ...]
    timestamp: datetime


@get("/status", responses=GUARDED, summary="The state of all parts")
async def status(front: FromFront) -> State:
    """Answers 200 also while a part is down: that is what it tells."""
    probe, enabled, now = await front.probe(), front.rules.speaks, front.world.now()
    budget = await _budget(front, now)
    return State(
        success=True,
        status="enabled" if enabled else "disabled",
        enabled=enabled,
        test_mode=front.rules.test_mode,
        demo=front.demo,
        waha=await _waha(front, probe.waha),
        model=probe.model,
        store=probe.store,
        kaspi=probe.kaspi,
        prices=probe.prices,
        queue=await _queue(front),
        budget=budget,
        alerts=_money_alerts(front, budget, now),
        timestamp=now,
    )


async def _waha(front: Front, part: Part) -> Waha:
    try:
        sessions = [_session(line, front.world.now()) for line in await lines(front)]
    except StoreDown:
        sessions = []
    return Waha(state=part.state, detail=part.detail, sessions=sessions)


def _session(line: Line, now: datetime) -> SessionView:
    known = line.session
    return SessionView(
        session=known.name,
        status=known.status,
        since=known.since,
        at=known.told_at,
        works=known.works,
        restricted_until=known.restricted_until if known.restricted(now) else None,
        heard_at=known.heard_at,
        our_phone=known.our_phone,
        our_lid=known.our_lid,
        health=known.health,
        held=line.held,
        alerts=line.alerts,
    )


async def _queue(front: Front) -> Queue | None:
    try:
        return await queue(front)
    except StoreDown:
        return None


async def _budget(front: Front, now: datetime) -> Budget | None:
    try:
        return await front.counters.budget(front.rules.local(now).date())
    except StoreDown:
        return None


def _money_alerts(front: Front, budget: Budget | None, now: datetime) -> tuple[BudgetAlert, ...]:
    if budget is None:
        return ()
    return budget_alerts(budget, until=next_day(now, front.rules.zone))


ROUTER = Router("/ai-seller", route_handlers=[status], tags=["seller"])
