"""What an order asks us to say, and once only, whoever tells of it and under whichever shop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from app.domain.conversation import Conversation
from app.domain.events import DEMPER, READ, Delivery, Order, Stage
from app.domain.rules import Purpose, Rules, Shop
from app.domain.triggers import purposes_due
from tests.builders import NOON, RULES, after, order, ordered

TWO = Rules(
    shops=(Shop(id="first", name="Первый", session="a"), Shop(id="second", name="II", session="b"))
)


def told(shop: str, source: str, stage: Stage = Stage.PAID) -> Order:
    return replace(order(stage), shop=shop, source=source)


def heard(*orders: Order, conversation: Conversation | None = None) -> Conversation:
    events = [
        replace(ordered(each.stage), id=f"{each.source}:{each.stage}:{n}", order=each)
        for n, each in enumerate(orders)
    ]
    return after(*events, conversation=conversation, rules=TWO)


def waits(conversation: Conversation) -> list[tuple[str, str]]:
    return sorted((pending.shop, pending.purpose.value) for pending in conversation.pending)


DEMPERS, KASPIS = told("first", DEMPER), told("second", READ)


@pytest.mark.parametrize(
    "orders", [(DEMPERS, KASPIS), (KASPIS, DEMPERS), (DEMPERS, KASPIS, DEMPERS, KASPIS)]
)
def test_an_order_is_its_own_shops_though_a_demper_names_none(orders: tuple[Order, ...]) -> None:
    found = heard(*orders)
    assert waits(found) == [("second", "post_purchase")]
    assert [(each.shop, each.code) for each in found.orders] == [("second", "912000001")]
    done = replace(found, pending=())
    for later in (told("first", DEMPER, Stage.DELIVERED), told("second", READ, Stage.DELIVERED)):
        done = heard(later, *orders, conversation=done)
    assert waits(done) == [("second", "order_delivered"), ("second", "review_request")]


def test_two_shops_that_kaspi_itself_tells_of_are_two_orders_to_thank_for() -> None:
    found = heard(told("first", READ), told("second", READ))
    assert waits(found) == [("first", "post_purchase"), ("second", "post_purchase")]


@pytest.mark.parametrize("before", list(Stage))
@pytest.mark.parametrize("stage", list(Stage))
def test_what_an_order_asked_for_before_it_was_ours_is_never_said(
    before: Stage, stage: Stage
) -> None:
    there = replace(order(stage), before=before, delivery=Delivery.PICKUP, cancelled_by_shop=True)
    asked = {p.purpose for p in purposes_due(there, now=NOON, rules=RULES)}
    then = {
        p.purpose
        for p in purposes_due(replace(there, stage=before, before=None), now=NOON, rules=RULES)
    }
    assert asked & then == set()
    if stage is before:
        assert asked == set()


@pytest.mark.parametrize(
    ("hours", "thanked"), [(0, True), (47.9, True), (48.1, False), (24 * 61, False)]
)
def test_a_thank_you_is_measured_from_the_purchase(hours: float, thanked: bool) -> None:
    bought = replace(order(), created_at=NOON - timedelta(hours=hours))
    found = purposes_due(bought, now=NOON, rules=RULES)
    assert [p.purpose for p in found] == ([Purpose.POST_PURCHASE] if thanked else [])
    if thanked:
        assert found[0].expires_at == NOON - timedelta(hours=hours) + timedelta(hours=48)
