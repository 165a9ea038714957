"""Rules by shop: limits, hours, languages and what is off are its own; an opt-out is for all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.config import Settings
from app.domain.conversation import Author, Conversation, OptOut, Pending
from app.domain.decide import decide, verdict_on
from app.domain.events import Language, Order, Stage
from app.domain.policy import Allow, Deny, Verdict
from app.domain.rules import Purpose, Reason, Rules
from app.domain.triggers import purposes_due
from app.wiring.rules import rules_of
from tests.builders import NOON, order, person, spoke

RU, KK = Language.RU, Language.KK
EVENING = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
"""Monday, 20:30 in Almaty."""

SHOPS = """
[tdom]
name = "Тёплый дом"
session = "s1"
[balalar]
name = "Balalar"
session = "s2"
language = "kk"
quiet_hours = "20:00-10:00"
max_messages = 1
cooldown_hours = 2
max_daily_messages = 30
review_delay_hours = 24
warm_up = true
off = ["handed_over"]
[balalar.texts.post_purchase]
kk = "{hello} Рақмет!"
[tri]
name = "Три"
session = "s1"
"""


def rules(tmp_path: Path, text: str = SHOPS, /, **environ: str) -> Rules:
    path = tmp_path / "shops.toml"
    path.write_text(text, "utf-8")
    return rules_of(Settings.load({"AI_SELLER_SHOPS_FILE": str(path), **environ}, None))


def due(shop: str, purpose: Purpose = Purpose.POST_PURCHASE, *, at: datetime = NOON) -> Pending:
    return Pending(
        id=f"{shop}-{purpose}",
        purpose=purpose,
        shop=shop,
        due=at,
        expires_at=at + timedelta(days=2),
    )


def asked(
    talked: Conversation, shop: str, ours: Rules, *, at: datetime = NOON,
    purpose: Purpose = Purpose.POST_PURCHASE,
) -> Verdict:  # fmt: skip
    return verdict_on(talked, due(shop, purpose, at=at), now=at, rules=ours, sessions={})


def of_shop(stage: Stage, shop: str) -> Order:
    return replace(order(stage), shop=shop)


def test_only_shops_that_differ_have_rules_of_their_own(tmp_path: Path) -> None:
    ours = rules(tmp_path, SHOPS.replace("warm_up = true", ""))
    assert set(ours.by_shop) == {"balalar"}
    assert [(shop.id, shop.name, shop.session) for shop in ours.shops] == [
        ("tdom", "Тёплый дом", "s1"), ("balalar", "Balalar", "s2"), ("tri", "Три", "s1"),
    ]  # fmt: skip
    assert ours.of("balalar").shops == ours.shops


def test_one_shop_from_the_environment_has_the_rules_it_always_had() -> None:
    assert rules_of(Settings()) == Rules()
    told = {
        "SHOP_ID": "dom",
        "AI_SELLER_COOLDOWN_HOURS": "3",
        "AI_SELLER_MESSAGES_WINDOW_DAYS": "0",
        "AI_SELLER_PURPOSES_OFF": "reminder, campaign",
        "AI_SELLER_WARM_UP": "true",
    }
    ours = rules_of(Settings.load(told, None))
    assert ours.by_shop == {}
    assert (ours.cooldown, ours.messages_window, ours.warm_up) == (timedelta(hours=3), None, True)
    assert ours.off == {Purpose.REMINDER, Purpose.CAMPAIGN}


def test_an_unknown_shop_goes_by_the_rules_of_the_first(tmp_path: Path) -> None:
    ours = rules(tmp_path, "[a]\nmax_messages = 9\n[b]")
    assert (ours.of("gone").max_messages, ours.shop("gone").id) == (9, "a")
    assert ours.of("b").max_messages == 3


def test_quiet_hours_are_the_shops(tmp_path: Path) -> None:
    ours = rules(tmp_path)
    assert asked(person(), "tdom", ours, at=EVENING) == Allow()
    denied = asked(person(), "balalar", ours, at=EVENING)
    assert isinstance(denied, Deny)
    assert denied.reason is Reason.QUIET_HOURS
    assert denied.until is not None
    assert ours.local(denied.until).hour == 10


def test_a_cap_and_a_cooldown_count_what_all_shops_said(tmp_path: Path) -> None:
    ours = rules(tmp_path)
    talked = person(proactive=spoke(3))
    wait = Deny(reason=Reason.COOLDOWN, until=NOON + timedelta(hours=21))
    assert asked(talked, "tdom", ours) == wait
    denied = asked(talked, "balalar", ours)
    assert isinstance(denied, Deny)
    assert denied.reason is Reason.CUSTOMER_CAP
    assert (
        asked(talked, "balalar", rules(tmp_path, SHOPS.replace("max_messages = 1", ""))) == Allow()
    )


def test_a_cap_for_the_day_is_the_shops(tmp_path: Path) -> None:
    ours = rules(tmp_path, AI_SELLER_MAX_DAILY_MESSAGES="50")
    caps = [ours.of(id_).max_daily_messages for id_ in ("tdom", "balalar", "tri")]
    assert caps == [50, 30, 50]


def test_a_number_that_warms_up_does_not_slow_the_others(tmp_path: Path) -> None:
    ours = rules(tmp_path)
    assert ours.warm_up
    assert [ours.of(id_).warm_up for id_ in ("tdom", "balalar", "tri")] == [False, True, False]


@pytest.mark.parametrize(("shop", "asks"), [("tdom", True), ("balalar", False)])
def test_what_is_off_is_off_for_its_shop(tmp_path: Path, shop: str, asks: bool) -> None:
    ours = rules(tmp_path)
    handed = purposes_due(of_shop(Stage.HANDED_OVER, shop), now=NOON, rules=ours)
    assert (Purpose.HANDED_OVER in {pending.purpose for pending in handed}) is asks
    verdict = asked(person(), shop, ours, purpose=Purpose.HANDED_OVER)
    assert verdict == (Allow() if asks else Deny(reason=Reason.DISABLED))


def test_what_is_off_for_all_may_be_on_for_one(tmp_path: Path) -> None:
    ours = rules(tmp_path, "[a]\n[b]\noff = []", AI_SELLER_PURPOSES_OFF="review_request")
    asking = {}
    for shop in ("a", "b"):
        asked_for = purposes_due(of_shop(Stage.DELIVERED, shop), now=NOON, rules=ours)
        asking[shop] = Purpose.REVIEW_REQUEST in {pending.purpose for pending in asked_for}
    assert asking == {"a": False, "b": True}


def test_answers_cannot_be_switched_off(tmp_path: Path) -> None:
    ours = rules(tmp_path, "[a]\nmax_messages = 0\nmax_daily_messages = 0")
    assert asked(person(), "a", ours, purpose=Purpose.REPLY) == Allow()


def test_a_review_is_asked_for_when_the_shop_says(tmp_path: Path) -> None:
    ours = rules(tmp_path)
    waits = {
        shop: pending.due - NOON
        for shop in ("tdom", "balalar")
        for pending in purposes_due(of_shop(Stage.DELIVERED, shop), now=NOON, rules=ours)
        if pending.purpose is Purpose.REVIEW_REQUEST
    }
    assert waits == {"tdom": timedelta(hours=48), "balalar": timedelta(hours=24)}


@pytest.mark.parametrize(
    ("shop", "name", "language"), [("tdom", "Тёплый дом", RU), ("balalar", "Balalar", KK)]
)
def test_each_shop_begins_in_its_language_and_under_its_name(
    tmp_path: Path, shop: str, name: str, language: Language
) -> None:
    talked = person(pending=(due(shop),))
    write = decide(talked, now=NOON, rules=rules(tmp_path), sessions={}).write
    assert write is not None
    assert (write.brief.shop, write.brief.language) == (name, language)


def test_a_customers_own_language_comes_before_the_shops(tmp_path: Path) -> None:
    talked = person(pending=(due("balalar"),), language=RU)
    write = decide(talked, now=NOON, rules=rules(tmp_path), sessions={}).write
    assert write is not None
    assert write.brief.language is RU


def test_own_texts_are_the_shops(tmp_path: Path) -> None:
    ours = rules(tmp_path)
    texts = [ours.shop(id_).own_text(Purpose.POST_PURCHASE, KK) for id_ in ("tdom", "balalar")]
    assert texts == [None, "{hello} Рақмет!"]


@pytest.mark.parametrize("shop", ["tdom", "balalar", "tri"])
@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose.proactive])
def test_an_opt_out_holds_for_all_shops(tmp_path: Path, shop: str, purpose: Purpose) -> None:
    text = SHOPS.replace('off = ["handed_over"]', "")
    silent = person(opt_out=OptOut(at=NOON, by=Author.CUSTOMER), pending=(due(shop, purpose),))
    ours = rules(tmp_path, text)
    assert asked(silent, shop, ours, purpose=purpose) == Deny(reason=Reason.OPTED_OUT)
    decision = decide(silent, now=NOON, rules=ours, sessions={})
    assert (decision.write, decision.conversation.pending) == (None, ())


def test_two_shops_at_once_take_turns(tmp_path: Path) -> None:
    talked = person(pending=(due("balalar"), due("tdom")))
    decision = decide(talked, now=NOON, rules=rules(tmp_path), sessions={})
    assert decision.write is not None
    assert len(decision.conversation.pending) == 2


def test_who_writes_is_answered_by_the_first_shop_of_the_session(tmp_path: Path) -> None:
    ours = rules(tmp_path)
    assert [ours.shop_of_session(name).id for name in ("s1", "s2")] == ["tdom", "balalar"]
