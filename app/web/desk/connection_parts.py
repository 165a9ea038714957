"""Kaspi, the model and the price lists as the desk shows them: how each is, and what to do."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from app.domain.budget import Budget, BudgetState
from app.gateways.kaspi_api import TOKEN_REFUSED
from app.store.counters import ModelFailure
from app.web.desk.connection_phrases import KASPI, KASPI_SILENT, LISTS, MODEL, Told, told
from app.web.desk.price_list_phrases import reason_of
from app.web.desk.visit import Visit
from app.web.front import Health, ListPart, Probe, ShopReading

FAULTS_SHOWN = 20

LATE = timedelta(hours=3)
"""Kaspi is asked every few minutes, once an hour at the least: what is older is not read at all."""

_NUMBERED = re.compile(r"^#(?=\d+$)")
"""An offer without a SKU is called by its number: ``#3``."""

_SHEET = "in the Google sheet"
"""What the lists' reader calls one that is read with credentials."""


class Shop(Struct, frozen=True, kw_only=True):
    """How a shop's orders are read at Kaspi."""

    name: str
    told: Told
    read_at: datetime | None
    next_try_at: datetime | None
    detail: str | None


class Model(Struct, frozen=True, kw_only=True):
    """The model that writes."""

    name: str | None
    told: Told
    answered_at: datetime | None
    failed_at: datetime | None
    budget: Budget


class Row(Struct, frozen=True, kw_only=True):
    """What is wrong with one row of a price list."""

    offer: str
    row: int | None
    column: str | None
    reason: str


class Prices(Struct, frozen=True, kw_only=True):
    """A price list."""

    ref: str
    shop: str
    name: str
    told: Told
    offers: int
    good_at: datetime | None
    asked_at: datetime | None
    failed: str | None
    faults: int
    rows: tuple[Row, ...]


def shops_of(visit: Visit, readings: tuple[ShopReading, ...]) -> list[Shop]:
    """How each shop is read."""
    names = {shop.id: shop.name for shop in visit.front.rules.shops}
    return [
        Shop(
            name=names.get(each.shop, each.shop),
            told=_kaspi_told(visit, each),
            read_at=each.read_at,
            next_try_at=each.next_try_at,
            detail=each.detail if each.code is not None else None,
        )
        for each in readings
    ]


def _kaspi_told(visit: Visit, each: ShopReading) -> Told:
    """One failure or two are Kaspi's daily life, and no alarm yet."""
    found = told(visit, KASPI[_kaspi_state(each, visit.now)])
    passing = each.code is not None and each.state is Health.OK and found.tone == "no"
    return replace(found, tone="wait") if passing else found


def _kaspi_state(each: ShopReading, now: datetime) -> str:
    if each.state is Health.OFF:
        return "off"
    if each.code == TOKEN_REFUSED and each.state is Health.OK:
        return "new"  # it was another token that Kaspi refused
    if each.code is not None:
        code = "silent" if each.code in KASPI_SILENT else each.code
        return code if code in KASPI else "fault"
    if each.state is Health.DOWN:
        return "silent"
    if each.connected_at is None:
        return "new"
    if each.read_at is not None and now - each.read_at > LATE:
        return "late"
    return "ok" if each.seeded_at is not None else "seeding"


async def model_of(visit: Visit, probe: Probe) -> Model:
    """Raises ``StoreDown``."""
    front = visit.front
    budget = await front.counters.budget(front.rules.local(visit.now).date())
    answered, failure = (
        await front.counters.model_answered_at(),
        await front.counters.model_failure(),
    )
    if failure is not None and answered is not None and answered >= failure.at:
        failure = None
    state = _model_state(probe, budget, answered=answered, failure=failure)
    return Model(
        name=probe.model_name,
        told=told(visit, MODEL[state]),
        answered_at=answered,
        failed_at=None if failure is None else failure.at,
        budget=budget,
    )


def _model_state(
    probe: Probe, budget: Budget, *, answered: datetime | None, failure: ModelFailure | None
) -> str:
    if probe.model.state is Health.OFF:
        return "off"
    if failure is not None:
        return failure.code if failure.code in MODEL else "down"
    if probe.model.state is Health.DOWN:
        return "down"
    if budget.state in (BudgetState.SPENT, BudgetState.WARNING):
        return budget.state.value
    return "new" if answered is None else "ok"


async def prices_of(visit: Visit, parts: tuple[ListPart, ...]) -> list[Prices]:
    """Raises ``StoreDown``."""
    stored = {(named.shop, named.kind): named.stored_as for named in visit.front.lists}
    names = {shop.id: shop.name for shop in visit.front.rules.shops}
    found: list[Prices] = []
    for place, part in enumerate(parts):
        kept = await visit.front.offers.state(stored.get((part.shop, part.list), ""))
        faults = kept.faults if kept is not None else ()
        failed = kept.failed if kept is not None else None
        found.append(
            Prices(
                ref=str(place),
                shop=names.get(part.shop, part.shop),
                name=_place(visit, part.name),
                told=told(visit, LISTS[_list_state(part)]),
                offers=part.offers,
                good_at=part.good_at,
                asked_at=part.asked_at,
                failed=None if failed is None else reason_of(failed, visit.t),
                faults=part.faults,
                rows=tuple(
                    Row(
                        offer=_NUMBERED.sub("№ ", each.offer),
                        row=each.row,
                        column=each.column,
                        reason=reason_of(each.reason, visit.t),
                    )
                    for each in faults[:FAULTS_SHOWN]
                ),
            )
        )
    return found


def _place(visit: Visit, name: str) -> str:
    """Where a list is: the name of its file, or the host it is asked of."""
    return visit.t("Google-таблица") if name == _SHEET else name.removeprefix("at ")


def _list_state(part: ListPart) -> str:
    if part.state is Health.DOWN:
        return "down"
    if part.good_at is None:
        return "new"
    return "faults" if part.faults else "ok"
