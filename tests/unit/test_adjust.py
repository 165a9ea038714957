"""What a seller changes while the bot runs: pure, within bounds, each with its reason."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from app.domain.adjust import FIELDS, Adjustments, Change, adjusted, change
from app.domain.bounds import BOUNDS, OutOfBounds
from app.domain.events import Language
from app.domain.rules import OwnText, Purpose, Rules, Shop

ONE = Rules(arms={Purpose.POST_PURCHASE: ("v1", "v2")})
TDOM, BALA = (
    Shop(id="tdom", name="Тёплый дом", session="s1"),
    Shop(id="bala", name="Balalar", session="s2"),
)
_OWN = replace(
    ONE, shops=(TDOM, BALA), max_messages=1, off=frozenset({Purpose.REMINDER}), cooldown=timedelta()
)
TWO = replace(ONE, shops=(TDOM, BALA), by_shop={"bala": _OWN})


def after(rules: Rules, wanted: dict[str, Any], shop: str | None = None) -> Rules:
    return adjusted(rules, change(rules, Adjustments(), wanted, shop=shop)[0])


def refused(rules: Rules, wanted: dict[str, Any], shop: str | None = None) -> OutOfBounds:
    with pytest.raises(OutOfBounds) as wrong:
        change(rules, Adjustments(), wanted, shop=shop)
    return wrong.value


@pytest.mark.parametrize("rules", [ONE, TWO])
def test_without_adjustments_the_rules_are_those_of_the_settings(rules: Rules) -> None:
    assert adjusted(rules, Adjustments()) == rules


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({"max_messages": 5}, {"max_messages": 5}),
        ({"messages_window_days": 7}, {"messages_window": timedelta(days=7)}),
        ({"messages_window_days": 0}, {"messages_window": None}),
        ({"cooldown_hours": 12.5}, {"cooldown": timedelta(hours=12.5)}),
        ({"max_daily_messages": 300}, {"max_daily_messages": 300}),
        ({"quiet_hours": "23:00-07:00"}, {"quiet_hours": (time(23), time(7))}),
        ({"quiet_hours": "20:30 – 10:15"}, {"quiet_hours": (time(20, 30), time(10, 15))}),
        ({"review_delay_hours": 1}, {"review_delay": timedelta(hours=1)}),
        ({"handoff_hours": 72}, {"handoff": timedelta(hours=72)}),
        ({"send_interval_seconds": "10"}, {"send_interval": (10.0, 10.0)}),
        ({"send_interval_seconds": "45-90"}, {"send_interval": (45.0, 90.0)}),
        ({"languages": ["kk", "ru"]}, {"languages": (Language.KK, Language.RU)}),
        ({"languages": ["kk"]}, {"languages": (Language.KK,)}),
        ({"purposes_off": ["reminder"]}, {"off": {Purpose.REMINDER}}),
        ({"purposes_off": {"reminder": "off"}}, {"off": {Purpose.REMINDER}}),
        ({"arms_off": []}, {"arms_off": set()}),
        ({"arms_off": ["post_purchase/v1"]}, {"arms_off": {"post_purchase/v1"}}),
        ({"enabled": False}, {"paused": True, "enabled": True, "speaks": False}),
    ],
)
def test_what_is_wanted_holds(wanted: dict[str, Any], holds: dict[str, Any]) -> None:
    rules = after(ONE, wanted)
    assert {name: getattr(rules, name) for name in holds} == holds


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_messages", 0), ("max_messages", 6), ("max_messages", -1),
        ("messages_window_days", 6), ("messages_window_days", 366),
        ("cooldown_hours", 11.9), ("cooldown_hours", 0), ("cooldown_hours", 721),
        ("max_daily_messages", 0), ("max_daily_messages", 301),
        ("quiet_hours", "23:01-09:00"), ("quiet_hours", "21:00-06:59"),
        ("quiet_hours", "00:00-09:00"), ("quiet_hours", "09:00-21:00"),
        ("quiet_hours", "16:59-09:00"), ("quiet_hours", "21:00-14:01"),
        ("review_delay_hours", 0.5), ("review_delay_hours", 337),
        ("handoff_hours", 0), ("handoff_hours", 73),
        ("send_interval_seconds", "9-60"), ("send_interval_seconds", "0"),
        ("send_interval_seconds", "30-601"),
    ],
)  # fmt: skip
def test_what_is_beyond_the_bounds_is_refused_with_its_reason(field: str, value: Any) -> None:
    wrong = refused(ONE, {field: value})
    assert (wrong.field, wrong.code) == (field, "out_of_bounds")
    assert field == "quiet_hours" or BOUNDS[field].why in wrong.reason


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_messages", 2.5), ("max_messages", "2"), ("max_messages", True),
        ("max_messages", float("nan")), ("cooldown_hours", float("inf")),
        ("max_messages", 10**400), ("cooldown_hours", -(10**400)), ("enabled", "yes"),
        ("quiet_hours", ""), ("quiet_hours", "21-9"), ("quiet_hours", "24:00-09:00"),
        ("quiet_hours", ["21:00", "09:00"]), ("send_interval_seconds", "60-30"),
        ("send_interval_seconds", 30), ("languages", []), ("languages", ["ru", "ru"]),
        ("languages", ["en"]), ("languages", "ru"), ("languages", [["ru"]]),
        ("purposes_off", ["reply"]), ("purposes_off", "reminder"), ("purposes_off", [["x"]]),
        ("purposes_off", {"reminder": True}), ("purposes_off", {"reminder": []}),
        ("arms_off", ["post_purchase/v9"]), ("arms_off", {"reply/v1": "off"}),
        ("texts", "Спасибо"), ("texts", {"reply": {"ru": "Да"}}),
        ("texts", {"reminder": {"de": "Ja"}}), ("texts", {"reminder": "Да"}),
    ],
)  # fmt: skip
def test_what_is_no_value_of_a_rule_is_refused(field: str, value: Any) -> None:
    wrong = refused(ONE, {field: value})
    assert (wrong.field, wrong.code) == (field, "bad_value")


@pytest.mark.parametrize("text", ["", "   ", "{phone}", "{name!r}", "а" * 701, "{", 5])
def test_words_of_the_sellers_own_are_proved(text: Any) -> None:
    assert refused(ONE, {"texts": {"reminder": {"ru": text}}}).code == "bad_text"


@pytest.mark.parametrize("field", ["timezone", "waha_api_key", "", "off", "opt_out_keywords"])
def test_other_settings_cannot_be_changed(field: str) -> None:
    assert refused(ONE, {field: 1}).code == "unknown_field"


def test_one_fault_changes_nothing_at_all() -> None:
    assert refused(ONE, {"max_messages": 2, "cooldown_hours": 1}).field == "cooldown_hours"


def test_what_the_settings_say_is_allowed_however_loose() -> None:
    loose = replace(
        ONE, max_messages=50, cooldown=timedelta(), quiet_hours=None, send_interval=(0.0, 0.0)
    )
    known, _ = change(loose, Adjustments(), {"cooldown_hours": 24, "max_messages": 2}, shop=None)
    as_set = {"cooldown_hours": 0, "max_messages": 50, "send_interval_seconds": "0"}
    back, told = change(loose, known, {**as_set, "quiet_hours": ""}, shop=None)
    assert adjusted(loose, back) == loose
    assert [(each.field, each.before, each.after) for each in told] == [
        ("max_messages", "2", "50"),
        ("cooldown_hours", "24", "0"),
    ]
    assert refused(loose, {"cooldown_hours": 0.5}).code == "out_of_bounds"


def test_what_one_shop_may_is_not_allowed_to_all() -> None:
    assert after(TWO, {"cooldown_hours": 0}, "bala") == TWO
    assert refused(TWO, {"cooldown_hours": 0}, "tdom").code == "out_of_bounds"
    assert refused(TWO, {"cooldown_hours": 0}).code == "out_of_bounds"


def test_one_shop_is_changed_and_the_other_stays() -> None:
    rules = after(TWO, {"max_messages": 4, "enabled": False}, "tdom")
    assert (rules.of("tdom").max_messages, rules.of("bala").max_messages) == (4, 1)
    assert (rules.of("tdom").speaks, rules.of("bala").speaks) == (False, True)
    assert rules.speaks
    rules = after(TWO, {"max_messages": 4}, "bala")
    assert (rules.of("tdom").max_messages, rules.of("bala").max_messages) == (3, 4)


def test_all_shops_together_are_over_what_was_changed_for_one() -> None:
    one, _ = change(TWO, Adjustments(), {"enabled": True, "max_messages": 2}, shop="bala")
    one, _ = change(TWO, one, {"purposes_off": {"reminder": "on"}}, shop="bala")
    both, _ = change(TWO, one, {"enabled": False, "max_messages": 5}, shop=None)
    rules = adjusted(TWO, both)
    assert not rules.of("bala").speaks
    assert not rules.speaks
    assert rules.of("bala").max_messages == 5
    assert Purpose.REMINDER not in rules.of("bala").off
    assert adjusted(TWO, change(TWO, both, {"purposes_off": None}, shop=None)[0]).of(
        "bala"
    ).off == {Purpose.REMINDER}


def test_a_shop_may_be_other_than_all_shops_and_come_back_to_them() -> None:
    common, _ = change(TWO, Adjustments(), {"max_messages": 5}, shop=None)
    own, _ = change(TWO, common, {"max_messages": 3}, shop="tdom")
    assert adjusted(TWO, own).of("tdom").max_messages == 3
    back, _ = change(TWO, own, {"max_messages": None}, shop="tdom")
    assert adjusted(TWO, back).of("tdom").max_messages == 5
    bare, _ = change(TWO, back, {"max_messages": None}, shop=None)
    assert adjusted(TWO, bare) == TWO


@pytest.mark.parametrize("field", ["handoff_hours", "send_interval_seconds"])
def test_what_shops_share_is_changed_for_all(field: str) -> None:
    assert refused(TWO, {field: None}, "bala").code == "common_only"


def test_a_bot_that_the_settings_switch_off_stays_off() -> None:
    off = replace(ONE, enabled=False)
    assert refused(off, {"enabled": True}).code == "off_in_settings"
    assert not after(off, {"enabled": False}).speaks


def test_a_bot_is_switched_on_again() -> None:
    off, _ = change(ONE, Adjustments(), {"enabled": False}, shop=None)
    on, told = change(ONE, off, {"enabled": True}, shop=None)
    assert adjusted(ONE, on) == ONE
    assert told == (Change(shop=None, field="enabled", about=None, before="off", after="on"),)


def test_one_prompt_of_a_purpose_stays_on() -> None:
    assert refused(ONE, {"arms_off": ["post_purchase/v1", "post_purchase/v2"]}).code == "last_arm"
    assert refused(ONE, {"arms_off": {"post_purchase/v1": "off"}}).code == "last_arm"


def test_own_words_come_before_those_of_the_settings_and_leave_again() -> None:
    settings = OwnText(purpose=Purpose.REMINDER, language=Language.RU, text="Из файла")
    rules = replace(ONE, shops=(replace(ONE.shops[0], texts=(settings,)),))
    told = {"texts": {"reminder": {"ru": " {hello}\r\nКак вам? ", "kk": "Қалай?"}}}
    new, changes = change(rules, Adjustments(), told, shop=None)
    shop = adjusted(rules, new).shops[0]
    assert shop.own_text(Purpose.REMINDER, Language.RU) == "{hello}\nКак вам?"
    assert shop.own_text(Purpose.REMINDER, Language.KK) == "Қалай?"
    assert [(each.about, each.before) for each in changes] == [
        ("reminder/ru", "Из файла"),
        ("reminder/kk", None),
    ]
    new, _ = change(rules, new, {"texts": {"reminder": {"ru": None}}}, shop=None)
    assert adjusted(rules, new).shops[0].own_text(Purpose.REMINDER, Language.RU) == "Из файла"
    assert adjusted(rules, new).shops[0].own_text(Purpose.REMINDER, Language.KK) == "Қалай?"
    assert adjusted(rules, change(rules, new, {"texts": None}, shop=None)[0]) == rules


def test_what_changes_nothing_is_not_told_and_makes_no_version() -> None:
    wishes: list[dict[str, Any]] = [
        {"max_messages": 3}, {"enabled": True}, {"purposes_off": []}, {"texts": None},
    ]  # fmt: skip
    for wanted in wishes:
        assert change(ONE, Adjustments(), wanted, shop=None) == (Adjustments(), ())


def test_what_differs_between_shops_is_told_for_each() -> None:
    _, told = change(TWO, Adjustments(), {"max_messages": 2}, shop=None)
    assert [(each.shop, each.before, each.after) for each in told] == [
        ("tdom", "3", "2"),
        ("bala", "1", "2"),
    ]


def test_adjustments_live_in_json_and_forget_what_is_no_more() -> None:
    wanted: dict[str, Any] = {
        "quiet_hours": "22:00-08:00", "languages": ["kk"], "send_interval_seconds": "20-40",
        "purposes_off": ["reminder"], "texts": {"reminder": {"kk": "Қалай?"}},
    }  # fmt: skip
    new, _ = change(ONE, Adjustments(), wanted, shop=None)
    again = msgspec.json.decode(msgspec.json.encode(new), type=Adjustments)
    assert again == new
    older = replace(again, common=replace(again.common, switches={"gone": False, "gone/v3": True}))
    assert adjusted(ONE, older).off == set()
    strange = replace(older, common=replace(older.common, texts={"gone/ru": "x", "reminder": "y"}))
    assert adjusted(ONE, strange).shops[0].texts == ()


def test_every_field_can_be_brought_back() -> None:
    assert change(ONE, Adjustments(), dict.fromkeys(FIELDS), shop=None) == (Adjustments(), ())
