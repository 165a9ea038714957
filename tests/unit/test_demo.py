"""The demo's assistant: what it answers is what the product sends, and nothing twice in a row."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from app.demo.assistant import facts_of, say
from app.domain.brief import Brief, Line
from app.domain.conversation import Author
from app.domain.events import Item, Language, Order, Stage
from app.domain.product import Product
from app.domain.rules import CONTEXT_MESSAGES, Purpose
from app.writing.checks import check
from app.writing.prompts import Prompts

NOON = datetime(2030, 1, 1, 7, 0, tzinfo=UTC)
ASKED = {
    Language.RU: (
        "А из чего он сделан?", "Какие есть размеры?", "Где мой заказ?", "Когда привезут?",
        "Сколько стоит?", "Какая цена?", "Пришло с браком", "Хочу вернуть", "Позовите человека",
        "Здравствуйте", "Добрый день", "Спасибо!", "Отлично, благодарю",
    ),
    Language.KK: (
        "Неден жасалған?", "Қандай өлшемдері бар?", "Тапсырыс қайда?", "Қашан келеді?",
        "Бағасы қандай?", "Ол қанша тұрады?", "Сынып қалды", "Ақауы бар",
        "Адаммен сөйлескім келеді", "Сәлем", "Сәлеметсіз бе", "Рахмет!", "Керемет, рақмет",
    ),
    Language.EN: (
        "What is it made of?", "Which sizes do you have?", "Where is my order?",
        "When will it arrive?", "How much is it?", "What is the price?", "It came broken",
        "I want to return it", "I want to talk to a person", "Hello", "Hi there", "Thank you!",
        "Great, thanks a lot",
    ),
}  # fmt: skip
LONG = "Куртка демисезонная Columbia Sportswear Horizon Explorer с капюшоном, мембрана, чёрная, 50"
PROMPTS = Prompts.load()


def order(name: str) -> Order:
    items = (Item(name=name, quantity=1, price=9450.0),)
    return Order(
        code="912000001", shop="default", items=items, total=9450.0, stage=Stage.HANDED_OVER
    )


def brief(
    question: str, language: Language, orders: tuple[Order, ...], history: tuple[Line, ...]
) -> Brief:
    return Brief(
        purpose=Purpose.REPLY,
        language=language,
        shop="Тёплый дом",
        customer_name="Айгерим",
        orders=orders,
        history=history,
        messages_to_answer=(question,),
        local_time=NOON,
        opener=not history,
    )


def answer(asked: Brief) -> str:
    return say(facts_of([{"content": PROMPTS.render(asked).user}])).text


@pytest.mark.parametrize(
    "orders", [(), (order("Плед"),), (order(LONG),)], ids=["none", "one", "long"]
)
@pytest.mark.parametrize("language", list(Language))
def test_questions_in_a_row_are_answered_so_that_the_product_sends_each_answer(
    language: Language, orders: tuple[Order, ...]
) -> None:
    rejected, history = [], tuple[Line, ...]()
    for question in [*ASKED[language], *(q for q in ASKED[language] for _ in range(3))]:
        asked = brief(question, language, orders, history)
        text = answer(asked)
        rejected += [(question, text, fault.code) for fault in check(text, asked)]
        spoken = (Author.CUSTOMER, question), (Author.BOT, text)
        history = (*history, *(Line(author=a, text=t) for a, t in spoken))[-CONTEXT_MESSAGES:]
    assert rejected == []


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("planned", [None, NOON + timedelta(days=2)])
@pytest.mark.parametrize("products", [(), (Product(sku="2", name="Плед Alpin", price=8450),)])
@pytest.mark.parametrize(
    ("purpose", "stage"),
    [
        (Purpose.HANDED_OVER, Stage.HANDED_OVER),
        (Purpose.READY_FOR_PICKUP, Stage.ACCEPTED),
        (Purpose.ORDER_CANCELLED, Stage.CANCELLED),
    ],
)
def test_news_of_an_order_is_told_so_that_the_product_sends_it(
    *,
    language: Language,
    planned: datetime | None,
    products: tuple[Product, ...],
    purpose: Purpose,
    stage: Stage,
) -> None:
    known = replace(order("Плед шерстяной 150×200"), stage=stage, planned_at=planned)
    told = replace(brief("", language, (known,), ()), purpose=purpose, products=products)
    told = replace(told, messages_to_answer=())

    text = answer(told)

    assert check(text, told) == ()
    assert ("Alpin" in text) == (purpose is Purpose.ORDER_CANCELLED and bool(products))


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("stage", [Stage.DELIVERED, Stage.CANCELLED])
def test_of_an_order_that_is_over_no_time_of_delivery_is_told(
    language: Language, stage: Stage
) -> None:
    over = replace(order("Плед"), stage=stage, planned_at=NOON + timedelta(days=2))
    where = {Language.RU: "Где заказ?", Language.KK: "Тапсырыс қайда?", Language.EN: "Where is it?"}
    asked = brief(where[language], language, (over,), ())
    text = answer(asked)
    assert check(text, asked) == ()
    assert re.findall("Точное|қосымшасында|exact|3 января|3 қаңтар|3 January", text) == []


@pytest.mark.parametrize(("sign", "thanked"), [("👍", True), ("❤️ 😀!", True), ("😡", False)])
def test_a_smile_alone_is_not_taken_for_a_question(sign: str, *, thanked: bool) -> None:
    said = say(facts_of([{"content": PROMPTS.render(brief(sign, Language.RU, (), ())).user}]))
    assert ("спасибо" in said.text) == thanked


def test_the_same_facts_get_the_same_answer() -> None:
    asked = brief("Где мой заказ?", Language.RU, (), ())
    assert answer(asked) == answer(asked)


@pytest.mark.parametrize("language", list(Language))
def test_a_buyer_without_an_order_is_told_of_none(language: Language) -> None:
    texts = [answer(brief(question, language, (), ())) for question in ASKED[language]]
    assert [text for text in texts if re.search(r"[«»\d№]", text)] == []


def test_a_price_nobody_knows_is_not_told() -> None:
    item = Item(name="Плед", quantity=1, price=None)
    unpriced = Order(code="912000001", shop="default", items=(item,), total=None, stage=Stage.PAID)
    assert "₸" not in answer(brief("Сколько стоит?", Language.RU, (unpriced,), ()))
