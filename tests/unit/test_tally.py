"""What the journal adds to the figures and to a day's money."""

from __future__ import annotations

from app.domain.conversation import Entry, Kind, Written
from app.domain.rules import Purpose
from app.domain.tally import NONE, Metric, Spent, spending, tally
from tests.builders import NOON

ASKED = Written(
    prompt="reply/v1", canned=False, requests=2, tokens_in=900, tokens_out=80, cost=0.001
)


def entry(
    kind: Kind = Kind.WRITTEN,
    *,
    shop: str | None = "default",
    purpose: Purpose | None = Purpose.REPLY,
    written: Written | None = ASKED,
) -> Entry:
    return Entry(at=NOON, kind=kind, shop=shop, purpose=purpose, written=written)


def test_costs_are_added_up_by_shop_and_purpose() -> None:
    entries = [
        entry(),
        entry(),
        entry(shop="second"),
        entry(purpose=Purpose.CAMPAIGN),
    ]
    once = Spent(requests=2, tokens_in=900, tokens_out=80, cost=0.001)
    assert spending(entries) == {
        ("default", "reply"): Spent(requests=4, tokens_in=1800, tokens_out=160, cost=0.002),
        ("second", "reply"): once,
        ("default", "campaign"): once,
    }


def test_a_draft_that_was_thrown_away_and_one_without_a_text_cost_as_well() -> None:
    entries = [entry(Kind.DROPPED), entry(Kind.PERSON_CALLED)]
    assert spending(entries)["default", "reply"].requests == 4


def test_what_has_no_shop_and_no_purpose_is_counted_under_a_dash() -> None:
    heard = Written(prompt="voice/1", canned=False, requests=1, cost=0.0015)
    entries = [entry(Kind.RECEIVED, shop=None, purpose=None, written=heard)]
    assert spending(entries) == {(NONE, NONE): Spent(requests=1, cost=0.0015)}


def test_what_asked_no_model_costs_nothing() -> None:
    canned = Written(prompt="reply/v1", canned=True, why_canned="fixed")
    assert spending([entry(written=canned), entry(written=None)]) == {}


def test_the_figures_since_the_reset_count_the_same_money() -> None:
    counts = tally([entry(), entry(Kind.DROPPED)])
    assert counts[Metric.MODEL_REQUESTS] == 4
    assert counts[Metric.MODEL_TOKENS] == 1960
    assert counts[Metric.MODEL_COST] == 0.002
