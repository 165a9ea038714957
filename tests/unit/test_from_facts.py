"""Answers without a model: from facts alone, in the customer's language, or none at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain.brief import Brief, Statement
from app.domain.events import Item, Language, Order, Stage
from app.domain.meaning import Mood, Topic
from app.domain.product import Product
from app.domain.rules import Purpose
from app.writing.checks import check
from app.writing.from_facts import FromFacts
from app.writing.prompts import Prompts

PROMPTS = Prompts.load()
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=ZoneInfo("Asia/Almaty"))
THERMOS = Product(sku="T-1", name="Термос Arktika 1 л", price=8990, stock=4)
KETTLE = Product(sku="K-1", name="Чайник Bereke 1,7 л", price=12490, in_stock=False, stock=0)
GLASS = Product(sku="K-2", name="Чайник Bereke стеклянный", price=13990)


def order(stage: Stage = Stage.HANDED_OVER, **about: Any) -> Order:
    items = (Item(name="Куртка Alpin", price=15990.0),)
    return Order(code="912000001", shop="default", stage=stage, items=items, **about)


def brief(*topics: Topic, language: Language = Language.RU, **facts: Any) -> Brief:
    known: dict[str, Any] = {
        "purpose": Purpose.REPLY,
        "language": language,
        "shop": "Тёплый дом",
        "customer_name": "Айгерим",
        "orders": (),
        "history": (),
        "messages_to_answer": ("вопрос",),
        "local_time": NOON,
        "opener": False,
        "topics": topics,
    }
    return Brief(**(known | facts))


def answer(asked: Brief) -> str | None:
    return FromFacts(PROMPTS, asked, 0.0).answer()


def said(asked: Brief) -> str:
    text = answer(asked)
    assert text is not None
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_of_an_order_is_told_by_its_number(language: Language, stage: Stage) -> None:
    asked = brief(Topic.ORDER_STATUS, language=language, orders=(order(stage),))
    assert "912000001" in said(asked)
    assert check(said(asked), asked) == ()


@pytest.mark.parametrize(
    ("language", "day"),
    [(Language.RU, "25 ноября"), (Language.KK, "25 қараша"), (Language.EN, "25 November")],
)
def test_the_planned_day_is_told_while_it_lies_ahead(language: Language, day: str) -> None:
    planned = datetime(2026, 11, 25, 6, tzinfo=UTC)
    asked = brief(Topic.ORDER_STATUS, language=language, orders=(order(planned_at=planned),))
    assert day in said(asked)
    late = brief(Topic.ORDER_STATUS, orders=(order(planned_at=planned - timedelta(days=9)),))
    assert "ноября" not in said(late)


def test_the_order_under_way_is_meant_and_not_the_newest_delivered_one() -> None:
    delivered = Order(code="912000002", shop="default", stage=Stage.DELIVERED)
    asked = brief(Topic.ORDER_STATUS, orders=(delivered, order()))
    assert "912000001" in said(asked)


def test_without_an_order_its_number_is_asked_for() -> None:
    assert not any(sign.isdigit() for sign in said(brief(Topic.ORDER_STATUS)))


def test_a_thing_in_stock_is_told_with_its_price() -> None:
    asked = brief(Topic.PRICE, products=(THERMOS,))
    assert "8 990 ₸" in said(asked)
    assert "Термос Arktika 1 л" in said(asked)


def test_of_a_thing_sold_out_what_is_there_instead_is_told() -> None:
    text = said(brief(Topic.STOCK, products=(KETTLE, GLASS)))
    assert "Bereke 1,7 л" in text
    assert "13 990 ₸" in text
    assert "12 490" not in text


def test_of_a_thing_sold_out_with_nothing_instead_only_that_is_told() -> None:
    assert "₸" not in said(brief(Topic.STOCK, products=(KETTLE,)))


@pytest.mark.parametrize("topic", [Topic.RETURNS, Topic.WARRANTY, Topic.PAYMENT, Topic.DELIVERY])
def test_the_shops_own_rule_is_told_in_its_own_words(topic: Topic) -> None:
    stated = Statement(topic=topic, text="Так у нас принято, 14 дней.")
    assert "Так у нас принято, 14 дней." in said(brief(topic, statements=(stated,)))


def test_two_questions_get_both_answers_and_none_where_one_is_not_known() -> None:
    stated = Statement(topic=Topic.RETURNS, text="Вернуть можно 14 дней.")
    both = brief(Topic.ORDER_STATUS, Topic.RETURNS, orders=(order(),), statements=(stated,))
    assert "912000001" in said(both)
    assert "14 дней" in said(both)
    assert answer(brief(Topic.ORDER_STATUS, Topic.WARRANTY, orders=(order(),))) is None


@pytest.mark.parametrize("topic", [Topic.WARRANTY, Topic.PRICE, Topic.DISCOUNT, Topic.ACCESSORIES])
def test_what_the_facts_do_not_hold_is_not_answered(topic: Topic) -> None:
    assert answer(brief(topic, orders=(order(),))) is None


def test_a_question_nobody_understands_is_not_answered() -> None:
    assert answer(brief()) is None


def test_who_is_happy_is_thanked_and_who_is_not_gets_an_apology() -> None:
    happy, sad = said(brief(mood=Mood.GOOD)), said(brief(mood=Mood.BAD))
    assert happy != sad
    assert check(happy, brief(mood=Mood.GOOD)) == ()


def notice(canned: str, **facts: Any) -> str:
    text = FromFacts(PROMPTS, brief(canned=canned, **facts), 0.0).notice()
    assert text is not None
    return text


def test_a_notice_names_the_hours_when_nobody_is_there() -> None:
    hours = "пн–сб 10:00–19:00"
    assert hours in notice("handoff", hours=hours, open_now=False)
    assert hours in notice("apology", hours=hours, open_now=False)
    assert hours not in notice("handoff", hours=hours)
    assert notice("handoff") != notice("apology")


def test_only_a_notice_is_one() -> None:
    assert FromFacts(PROMPTS, brief(), 0.0).notice() is None
