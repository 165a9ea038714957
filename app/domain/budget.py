"""The money a day may cost: how much of it is gone, and what a person is told about it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from msgspec import Struct

BUDGET_WARNING = 0.8
"""The share of the day's budget from which on the seller is warned: time to raise it, or not."""

DECIMALS = 9
"""Decimals of a dollar that count: a token of a cheap model costs less than a millionth."""


class BudgetState(StrEnum):
    """How much of the day's budget is gone. ``OFF`` is no limit, ``SPENT`` all of it."""

    OFF = "off"
    OK = "ok"
    WARNING = "warning"
    SPENT = "spent"


class Budget(Struct, frozen=True, kw_only=True):
    """US dollars the model may cost a local day (None: no limit), and has cost today."""

    daily: float | None
    spent_today: float
    state: BudgetState


class BudgetAlarm(StrEnum):
    """What a person has to look at."""

    WARNING = "budget_warning"
    SPENT = "budget_spent"


class BudgetAlert(Struct, frozen=True, kw_only=True):
    """What is the matter with the budget, until when, what to do; in the form of other alerts."""

    kind: BudgetAlarm
    since: datetime | None
    says: str
    until: datetime


def budget_state(spent: float, daily: float | None) -> BudgetState:
    """How far ``spent`` US dollars use up the ``daily`` budget; one of 0 is spent from the start.

    >>> budget_state(0.8, 1.0)
    <BudgetState.WARNING: 'warning'>
    """
    if daily is None:
        return BudgetState.OFF
    gone = round(spent, DECIMALS)
    if gone >= round(daily, DECIMALS):
        return BudgetState.SPENT
    return (
        BudgetState.WARNING if gone >= round(daily * BUDGET_WARNING, DECIMALS) else BudgetState.OK
    )


def budget_of(spent: float, daily: float | None) -> Budget:
    """The day's budget, ``spent`` US dollars of it gone."""
    return Budget(daily=daily, spent_today=round(spent, DECIMALS), state=budget_state(spent, daily))


_TOLD = {
    BudgetState.WARNING: (BudgetAlarm.WARNING, "when it is gone, canned texts and people answer"),
    BudgetState.SPENT: (BudgetAlarm.SPENT, "canned texts and people answer until tomorrow"),
}


def budget_alerts(budget: Budget, *, until: datetime) -> tuple[BudgetAlert, ...]:
    """What a person has to know of the budget now; ``until`` is when the next day's begins."""
    if budget.state not in _TOLD:
        return ()
    kind, then = _TOLD[budget.state]
    gone = f"the model has cost {budget.spent_today:.2f} of the day's {budget.daily or 0:.2f} USD"
    says = f"{gone}: {then}; AI_SELLER_DAILY_BUDGET_USD is the limit"
    return (BudgetAlert(kind=kind, since=None, says=says, until=until),)


def next_day(now: datetime, zone: tzinfo) -> datetime:
    """When the local calendar day of ``now`` is over, in UTC."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=zone).astimezone(UTC)
