"""What the model cost: tokens and money by shop, purpose and local day."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.params import QueryParameter
from msgspec import Struct

from app.domain.budget import DECIMALS, Budget
from app.domain.tally import Spent
from app.errors import Refused
from app.store.counters import COSTS_KEPT, Cost
from app.web.front import FromFront
from app.web.problems import GUARDED

_SHOWN = 30
"""Days that are shown to who names none."""

_MOST = COSTS_KEPT.days

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_MEANS = "A local day, such as 2026-11-23; {} unless told."
From = Annotated[
    str | None, QueryParameter(name="from", description=_MEANS.format("30 days up to the last"))
]
To = Annotated[str | None, QueryParameter(name="to", description=_MEANS.format("today"))]


class Sum(Struct, frozen=True, kw_only=True):
    """Requests to the model, the tokens it read and wrote, US dollars for them."""

    requests: int
    tokens_in: int
    tokens_out: int
    cost: float


class Day(Struct, frozen=True, kw_only=True):
    """One purpose of one shop on one local day; ``-`` is for what has no shop or no purpose."""

    day: date
    shop: str
    purpose: str
    requests: int
    tokens_in: int
    tokens_out: int
    cost: float


class Costs(Struct, frozen=True, kw_only=True):
    """All that was paid from the first day to the last; days without a cost are left out."""

    success: bool
    currency: str
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    total: Sum
    days: list[Day]
    budget: Budget
    timestamp: datetime


@get("/costs", responses=GUARDED, summary="What the model cost")
async def costs(front: FromFront, first: From = None, last: To = None) -> Costs:
    """By shop, purpose and local day, 400 days at most; no reset touches them."""
    now = front.world.now()
    today = front.rules.local(now).date()
    days = _days(_date("from", first), _date("to", last), today=today)
    paid = await front.counters.costs(days)
    return Costs(
        success=True,
        currency="USD",
        first=days[0],
        last=days[-1],
        total=_sum(sum((cost.spent for cost in paid), Spent())),
        days=[_day(cost) for cost in paid],
        budget=await front.counters.budget(today),
        timestamp=now,
    )


def _date(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Refused(f"{name} is no date: write it like 2026-11-23", code="bad_date")


def _days(first: date | None, last: date | None, *, today: date) -> list[date]:
    """Every day asked for. Raises Refused when there are none, or too many."""
    end = (last or max(today, first or today)).toordinal()
    start = first.toordinal() if first else max(end - _SHOWN + 1, date.min.toordinal())
    if start > end:
        raise Refused("from is after to: write the earlier day as from", code="bad_period")
    if end - start >= _MOST:
        raise Refused(f"this is more than {_MOST} days: ask for fewer at once", code="bad_period")
    return [date.fromordinal(day) for day in range(start, end + 1)]


def _sum(spent: Spent) -> Sum:
    return Sum(
        requests=spent.requests,
        tokens_in=spent.tokens_in,
        tokens_out=spent.tokens_out,
        cost=round(spent.cost, DECIMALS),
    )


def _day(cost: Cost) -> Day:
    spent = cost.spent
    return Day(
        day=cost.day,
        shop=cost.shop,
        purpose=cost.purpose,
        requests=spent.requests,
        tokens_in=spent.tokens_in,
        tokens_out=spent.tokens_out,
        cost=round(spent.cost, DECIMALS),
    )


ROUTER = Router("/ai-seller", route_handlers=[costs], tags=["seller"])
