"""The day's money: when it is short, when it is gone, what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.budget import BudgetAlarm, BudgetState, budget_alerts, budget_of, budget_state
from app.domain.budget import next_day as next_day_of
from tests.builders import NOON

ALMATY = ZoneInfo("Asia/Almaty")
TOMORROW = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spent", "daily", "state"),
    [
        (0.0, None, BudgetState.OFF),
        (1e6, None, BudgetState.OFF),
        (0.0, 1.0, BudgetState.OK),
        (0.799999, 1.0, BudgetState.OK),
        (0.8, 1.0, BudgetState.WARNING),
        (0.999999, 1.0, BudgetState.WARNING),
        (1.0, 1.0, BudgetState.SPENT),
        (7.0, 1.0, BudgetState.SPENT),
        (0.08, 0.1, BudgetState.WARNING),  # 0.1 * 0.8 is a hair more than 0.08 in floats
        (0.1 + 0.2, 0.3, BudgetState.SPENT),
        (sum([0.1] * 10), 1.0, BudgetState.SPENT),
        (0.0, 0.0, BudgetState.SPENT),
    ],
)
def test_a_budget_is_ok_then_short_then_spent(
    spent: float, daily: float | None, state: BudgetState
) -> None:
    assert budget_state(spent, daily) is state


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.001, 1e6))
def test_spending_more_never_makes_it_better(one: float, other: float, daily: float) -> None:
    less, more = sorted((one, other))
    order = [BudgetState.OK, BudgetState.WARNING, BudgetState.SPENT]
    assert order.index(budget_state(less, daily)) <= order.index(budget_state(more, daily))


@pytest.mark.parametrize(("spent", "daily"), [(5.0, None), (0.1, 1.0)])
def test_nobody_is_told_of_a_budget_that_is_well(spent: float, daily: float | None) -> None:
    assert budget_alerts(budget_of(spent, daily), until=TOMORROW) == ()


@pytest.mark.parametrize(("spent", "kind"), [(0.85, BudgetAlarm.WARNING), (1.2, BudgetAlarm.SPENT)])
def test_a_person_is_told_how_much_is_gone_and_what_happens_then(
    spent: float, kind: BudgetAlarm
) -> None:
    (alert,) = budget_alerts(budget_of(spent, 1.0), until=TOMORROW)
    assert (alert.kind, alert.until) == (kind, TOMORROW)
    assert f"{spent:.2f} of the day's 1.00 USD" in alert.says
    assert "AI_SELLER_DAILY_BUDGET_USD" in alert.says


def test_the_next_day_begins_at_the_shops_midnight() -> None:
    assert next_day_of(NOON, ALMATY) == TOMORROW
    assert next_day_of(TOMORROW, ALMATY) == datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
