"""What the journal adds to the figures and to a day's money."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.conversation import Entry, Kind, Written
from app.domain.meaning import Mood
from app.domain.rules import Purpose, Reason
from app.domain.tally import NONE, Metric, Spent, of_shop, spending, tally
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


def test_every_figure_is_counted_once_for_all_and_once_for_its_shop() -> None:
    sent = entry(Kind.SENT, shop="kids", purpose=Purpose.POST_PURCHASE, written=None)
    assert tally([sent, sent, entry(Kind.SENT, purpose=None, written=None)]) == {
        "sent": 3,
        "sent:post_purchase": 2,
        "shop:kids:sent": 2,
        "shop:kids:sent:post_purchase": 2,
        "shop:default:sent": 1,
    }


def test_what_was_held_back_is_counted_with_its_reason_for_its_shop() -> None:
    held = Entry(at=NOON, kind=Kind.BLOCKED, shop="kids", reason=Reason.COOLDOWN, counted=True)
    counts = tally([held])
    assert counts[of_shop("kids", "blocked")] == 1
    assert counts[of_shop("kids", "blocked:cooldown")] == 1


def test_money_is_counted_for_its_shop_too() -> None:
    counts = tally([entry(shop="kids"), entry(shop="default")])
    assert counts[of_shop("kids", Metric.MODEL_COST)] == 0.001
    assert counts[of_shop("kids", Metric.MODEL_REQUESTS)] == 2


def test_what_is_of_no_shop_is_in_no_shops_figures() -> None:
    stopped = entry(Kind.OPTED_OUT, shop=None, purpose=None, written=None)
    assert tally([stopped]) == {"opted_out": 1}


def test_all_shops_together_are_what_is_counted_for_all() -> None:
    kinds = [Kind.SENT, Kind.FAILED, Kind.RECEIVED, Kind.WRITTEN, Kind.PERSON_CALLED]
    entries = [entry(kind, shop=shop) for kind in kinds for shop in ("a", "b.b", "shop")]
    counts = tally(entries)
    for name, value in counts.items():
        if not name.startswith("shop:"):
            shops = [counts[of_shop(shop, name)] for shop in ("a", "b.b", "shop")]
            assert sum(shops) == pytest.approx(value)


# --- what came of it --------------------------------------------------------------------------


def told(kind: Kind, **fields: Any) -> dict[str, float]:
    """What one line of the journal adds for all shops."""
    return tally([Entry(at=NOON, kind=kind, **fields)])


@pytest.mark.parametrize("status", ["delivered", "read"])
def test_what_the_bot_wrote_counts_when_it_arrives_and_when_it_is_read(status: str) -> None:
    assert told(Kind.RECEIPT, purpose=Purpose.REPLY, reason=status) == {status: 1}


@pytest.mark.parametrize("reason", ["unconfirmed", "seen_twice", "sent", None])
def test_another_word_of_whatsapp_counts_as_neither(reason: str | None) -> None:
    assert told(Kind.RECEIPT, purpose=Purpose.REPLY, reason=reason) == {}


@pytest.mark.parametrize("status", ["delivered", "read"])
def test_what_a_person_wrote_is_not_told_as_read_of_the_bot(status: str) -> None:
    assert told(Kind.RECEIPT, reason=status) == {}


def test_a_word_that_only_looks_like_a_receipt_counts_as_none() -> None:
    assert told(Kind.FAILED, purpose=Purpose.REPLY, reason="read") == {"errors": 1}


def test_the_first_word_after_what_we_started_is_an_answer_to_it() -> None:
    assert told(Kind.RECEIVED, purpose=Purpose.ORDER_DELIVERED) == {"received": 1, "replied": 1}
    assert told(Kind.RECEIVED, purpose=Purpose.REPLY) == {"received": 1}
    assert told(Kind.RECEIVED) == {"received": 1}
    assert told(Kind.SCHEDULED, purpose=Purpose.CAMPAIGN) == {}


@pytest.mark.parametrize(("mood", "name"), [(Mood.GOOD, "happy"), (Mood.BAD, "unhappy")])
@pytest.mark.parametrize("kind", [Kind.HEARD, Kind.ORDER])
def test_a_mood_counts_on_whatever_line_it_was_told(kind: Kind, mood: Mood, name: str) -> None:
    assert told(kind, mood=mood) == {name: 1}


def test_an_order_counts_when_it_is_heard_of_and_not_when_it_moves() -> None:
    assert told(Kind.ORDER, reason="paid", new=True) == {"orders": 1}
    assert told(Kind.ORDER, reason="delivered") == {}
    assert told(Kind.SCHEDULED, new=True) == {}


def test_what_came_of_it_is_counted_for_its_shop_too() -> None:
    counts = told(Kind.RECEIVED, shop="kids", purpose=Purpose.CAMPAIGN, mood=Mood.BAD)
    names = ("received", "replied", "unhappy")
    assert counts == dict.fromkeys(names, 1) | {of_shop("kids", name): 1 for name in names}
