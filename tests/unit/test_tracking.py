"""Where an order may be followed: only what Kaspi carries, only to whom it is news, only once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.domain.brief import Brief, brief_for
from app.domain.conversation import Author, Conversation, Message, Pending, Status
from app.domain.events import Delivery, Item, Order, Stage
from app.domain.rules import OwnText, Purpose, Rules, Shop
from app.domain.tracking import order_meant, tracking_link
from tests.builders import NOON, RULES, person, waiting

LINK = "https://logistics.kaspi.kz/ksl/tracking/order/912000001"


def order(code: str = "912000001", stage: Stage = Stage.HANDED_OVER, **about: Any) -> Order:
    known: dict[str, Any] = {
        "delivery": Delivery.KASPI,
        "items": (Item(name="Куртка Alpin", price=15990.0),),
    }
    return Order(code=code, shop="default", stage=stage, **(known | about))


def said(text: str, author: Author = Author.CUSTOMER, id_: str = "IN1") -> Message:
    status = Status.RECEIVED if author is Author.CUSTOMER else Status.SENT
    return Message(
        id=id_,
        text=text,
        author=author,
        at=NOON,
        status=status,
        shop="default",
        session="default",
    )


def reply(*orders: Order, asked: str = "Где мой заказ?", before: tuple[Message, ...] = ()) -> Brief:
    chat = person(orders=orders, messages=(*before, said(asked)))
    pending = replace(waiting(Purpose.REPLY), answers=("IN1",), order_code=None)
    return brief_for(chat, pending, now=NOON, rules=RULES)


def news(known: Conversation, purpose: Purpose = Purpose.HANDED_OVER, **about: Any) -> Brief:
    pending: Pending = replace(waiting(purpose), **about)
    return brief_for(known, pending, now=NOON, rules=RULES)


@pytest.mark.parametrize("delivery", [Delivery.KASPI, Delivery.POSTOMAT])
def test_what_kaspi_carries_can_be_followed_by_its_number(delivery: Delivery) -> None:
    assert tracking_link(order(delivery=delivery)) == LINK


@pytest.mark.parametrize("delivery", [Delivery.OWN, Delivery.PICKUP, None])
def test_what_kaspi_does_not_carry_cannot(delivery: Delivery | None) -> None:
    assert tracking_link(order(delivery=delivery)) is None


@pytest.mark.parametrize("code", ["", "A-17", "912 000", "912000001/../x", "٩١٢", "912?x=1"])
def test_only_a_number_makes_a_link(code: str) -> None:
    assert tracking_link(order(code)) is None


def test_the_news_that_it_was_handed_over_has_the_link() -> None:
    assert news(person(orders=(order(),))).tracking_link == LINK


@pytest.mark.parametrize("purpose", [one for one in Purpose if one.proactive])
def test_other_news_has_none(purpose: Purpose) -> None:
    told = news(person(orders=(order(),)), purpose)
    assert (told.tracking_link == LINK) == (purpose is Purpose.HANDED_OVER)


def test_a_fixed_text_has_none() -> None:
    assert news(person(orders=(order(),)), canned="media").tracking_link is None


@pytest.mark.parametrize(
    "asked",
    [
        *("Где мой заказ?", "когда привезут", "тапсырысым қайда?", "gde moy zakaz", "Where is it?"),
        *(
            "дайте трек-номер",
            "как отследить посылку",
            "Где отслеживать заказ",
            "Can I track it?",
            "Қайдан бақылауға болады?",
        ),
    ],
)
def test_who_asks_where_it_is_gets_the_link(asked: str) -> None:
    assert reply(order(), asked=asked).tracking_link == LINK


@pytest.mark.parametrize(
    "asked",
    [
        *("Спасибо", "Сколько стоит?", "Хочу вернуть куртку", "Трекинговые палки есть?"),
        *("Часы отслеживают пульс?", "Бақылау камерасы бар ма?"),
    ],
)
def test_who_asks_something_else_does_not(asked: str) -> None:
    assert reply(order(), asked=asked).tracking_link is None


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.HANDED_OVER])
def test_only_what_is_on_its_way_is_followed(stage: Stage) -> None:
    assert reply(order(stage=stage)).tracking_link is None


@pytest.mark.parametrize("author", [Author.BOT, Author.PERSON])
def test_the_link_is_not_said_twice(author: Author) -> None:
    before = said(f"Отследить заказ: {LINK}", author, "OUT1")
    assert reply(order(), before=(before,)).tracking_link is None


def test_the_link_of_another_order_is_no_reason_to_be_silent() -> None:
    before = said(LINK.replace("912000001", "912000002"), Author.BOT, "OUT1")
    assert reply(order(), before=(before,)).tracking_link == LINK


def test_the_order_they_mean_is_the_one_they_name() -> None:
    paid = order("912000002", Stage.PAID, items=(Item(name="Перчатки Qyran, размер L"),))
    sent = order()
    delivered = order("912000003", Stage.DELIVERED, items=(Item(name="Шарф Qyran"),))
    orders = (delivered, paid, sent)

    assert order_meant(orders, "где заказ 912000001?") is sent
    assert order_meant(orders, "когда приедет куртка") is sent
    assert order_meant(orders, "а перчаток ещё нет?") is paid
    assert order_meant(orders, "шарф дошёл, спасибо") is delivered
    assert order_meant(orders, "где мой заказ?") is paid
    assert order_meant((delivered,), "где мой заказ?") is delivered
    assert order_meant((), "где мой заказ?") is None


# --- the seller's own wording -----------------------------------------------------------------

OWN = OwnText(purpose=Purpose.HANDED_OVER, language=RULES.languages[0], text="{hello} Едет!")
SELLER = Rules(shops=(Shop(id="default", name="Alpin", session="default", texts=(OWN,)),))


def test_the_sellers_wording_is_for_its_own_purpose_and_language() -> None:
    chat = person(orders=(order(),))

    def wording(purpose: Purpose, **about: Any) -> str | None:
        pending = replace(waiting(purpose), **about)
        return brief_for(chat, pending, now=NOON + timedelta(hours=1), rules=SELLER).own_text

    assert wording(Purpose.HANDED_OVER) == "{hello} Едет!"
    assert wording(Purpose.HANDED_OVER, canned="media") is None
    assert wording(Purpose.POST_PURCHASE) is None


def test_an_answer_is_never_worded_beforehand() -> None:
    own = OwnText(purpose=Purpose.REPLY, language=RULES.languages[0], text="Занят")
    shop = Shop(id="default", name="Alpin", session="default", texts=(own,))
    pending = replace(waiting(Purpose.REPLY), answers=("IN1",))
    chat = person(messages=(said("Где?"),))

    assert brief_for(chat, pending, now=NOON, rules=Rules(shops=(shop,))).own_text is None
