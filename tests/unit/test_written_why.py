"""Why a text is as it is: the checks its words passed, and the facts it may rest on."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from app.domain.brief import Brief, Line, Statement, brief_for
from app.domain.conversation import Author, Written
from app.domain.events import Delivery, Item, Order, Stage
from app.domain.meaning import Mood, Topic
from app.domain.product import Product
from app.domain.rules import Purpose
from app.writing.checks import check, checked
from app.writing.prompts import Prompts
from app.writing.used import used_in
from app.writing.writer import Writer
from tests.builders import NOON, PHONE, RULES, order, person, waiting

GOOD = "Здравствуйте, Айгерим! Это Kaspi магазин. Спасибо за заказ: куртка Alpin!"


def brief(purpose: Purpose = Purpose.POST_PURCHASE) -> Brief:
    known = person(name="Айгерим С", orders=(order(),))
    return brief_for(known, waiting(purpose), now=NOON, rules=RULES)


def reply(*history: Line) -> Brief:
    return replace(brief(Purpose.REPLY), history=history, messages_to_answer=("Сколько стоит?",))


def test_a_good_text_has_passed_all_that_was_asked_of_it() -> None:
    found = checked(GOOD, brief())
    assert found.faults == ()
    assert {"length", "language", "price", "link", "promise", "stock", "date"} <= set(found.passed)
    assert {"leak", "product", "greeting", "number", "figure"} <= set(found.passed)


BAD = [
    ("Здравствуйте, Айгерим! Куртка Alpin за 9 990 ₸, спасибо!", "price"),
    ("Здравствуйте, Айгерим! Куртка Alpin: https://bit.ly/x1", "link"),
    ("Здравствуйте, Айгерим! Куртка Alpin. Дарим скидку 20%!", "discount"),
    ("Hello, Айгерим! Thank you for your order, we are glad that you chose us.", "language"),
    ("Здравствуйте, Айгерим! Спасибо за ваш заказ, пишите сюда.", "product"),
    ("Здравствуйте! Спасибо за заказ: куртка Alpin, пишите сюда.", "greeting"),
    ("Здравствуйте, Айгерим! Куртка Alpin. Звоните 8 701 123 45 67.", "number"),
    ("Здравствуйте, Айгерим! Куртка Alpin приедет 29 ноября.", "date"),
    ("Айгерим, куртка Alpin, спасибо! " * 20, "length"),
    ("Здравствуйте, Айгерим! Спешите, куртка Alpin, осталась последняя!", "pressure"),
]


@pytest.mark.parametrize(("text", "name"), BAD)
def test_a_check_that_refused_a_text_is_not_among_those_it_passed(text: str, name: str) -> None:
    found = checked(text, brief())
    assert found.faults
    assert name not in found.passed
    assert found.faults == check(text, brief())


def test_a_text_that_repeats_the_instructions_has_not_passed_the_check_of_leaks() -> None:
    secret = "Никогда не называй цен, скидок, акций и подарков, которых нет в фактах магазина"
    found = checked(f"{GOOD} {secret}", brief(), secrets=(secret,))
    assert "leak" not in found.passed
    assert [fault.code for fault in found.faults].count("leak") == 1


def test_what_there_is_nothing_to_check_for_is_not_told_as_checked() -> None:
    said = Line(author=Author.BOT, text="Здравствуйте!")
    assert not {"repetition", "product", "greeting"} & set(checked("Уточню.", reply()).passed)
    assert "repetition" in checked("Продавец уточнит.", reply(said)).passed
    assert "tone" not in checked(GOOD, brief()).passed
    assert "tone" in checked(GOOD, brief(Purpose.ORDER_CANCELLED)).passed


def test_nothing_more_is_asked_of_a_text_that_is_far_too_long() -> None:
    found = checked("Спасибо! " * 400, brief())
    assert (found.passed, [fault.code for fault in found.faults]) == ((), ["too_long"])


@pytest.mark.parametrize("purpose", Purpose)
async def test_what_is_said_without_a_model_passed_no_check(purpose: Purpose) -> None:
    draft = await Writer(model=None, prompts=Prompts.load()).write(brief(purpose))
    assert draft.text
    assert draft.written.checks == draft.faults == ()
    assert draft.written.arm is None


# --- the facts --------------------------------------------------------------------------------


RICH = Order(
    code="912000777",
    shop="default",
    stage=Stage.HANDED_OVER,
    items=(Item(name="Термос Stanley Classic 1 л", quantity=2, price=31980.0),),
    total=33480.0,
    planned_at=datetime(2026, 11, 25, 20, 0, tzinfo=UTC),
    delivery=Delivery.POSTOMAT,
)


def test_an_answer_may_rest_on_the_order_the_offers_and_the_rules() -> None:
    told = replace(
        reply(Line(author=Author.CUSTOMER, text="Привет")),
        orders=(RICH,),
        products=(
            Product(sku="1", name="Кружка Stanley", price=9990, in_stock=True),
            Product(sku="2", name="Фляга Stanley", in_stock=False),
        ),
        statements=(Statement(topic=Topic.DELIVERY, text="Доставка по Алматы бесплатно"),),
        mood=Mood.GOOD,
    )
    assert used_in(told) == (
        "name",
        "order 912000777",
        "product Термос Stanley Classic 1 л",
        "quantity 2",
        "price 31980",
        "total 33480",
        "stage handed_over",
        "planned 2026-11-26",
        "delivery postomat",
        "offer Кружка Stanley, 9990 ₸",
        "sold_out Фляга Stanley",
        "rule delivery",
        "mood good",
        "question 1",
        "history 1",
    )


def test_a_fixed_text_rests_on_whom_and_what_it_is_about() -> None:
    told = replace(brief(), products=(Product(sku="1", name="Кружка", in_stock=True),))
    plain = used_in(told, plain=True)
    assert plain == ("name", "order 912000001", "product Куртка Alpin черная 48", "stage paid")
    assert "offer Кружка" in used_in(replace(told, purpose=Purpose.ORDER_CANCELLED), plain=True)


def test_the_facts_stay_short_and_hold_no_phone_and_no_customers_words() -> None:
    item = Item(name=f"Чехол {PHONE} " * 50, quantity=3)
    novel = replace(RICH, items=(item, Item(name="Очень длинное имя " * 90)) * 10, code="9" * 300)
    goods = tuple(Product(sku=str(n), name=f"Вещь номер {n} " * 30, price=n) for n in range(50))
    told = replace(reply(), orders=(novel,) * 5, products=goods,
                   messages_to_answer=(f"мой номер {PHONE}",))  # fmt: skip
    used = used_in(told)
    assert len(used) <= 16
    assert max(map(len, used)) < 100
    assert PHONE not in " ".join(used)


async def test_a_written_text_tells_its_facts() -> None:
    draft = await Writer(model=None, prompts=Prompts.load()).write(brief())
    assert "order 912000001" in draft.written.used
    notice = replace(brief(Purpose.HANDOFF_NOTICE), canned="handoff")
    assert (await Writer(model=None, prompts=Prompts.load()).write(notice)).written.used == ()


def test_a_document_of_before_can_still_be_read() -> None:
    old = b'{"prompt":"reply/v1","canned":false,"model":"m","requests":1,"cost":0.1}'
    read = msgspec.json.decode(old, type=Written)
    assert (read.checks, read.used, read.arm) == ((), (), None)


def test_what_a_text_tells_of_itself_stays_small() -> None:
    found = checked(GOOD, brief())
    whole = Written(prompt="post_purchase/v1", canned=False, checks=found.passed,
                    used=used_in(brief()), arm="v1")  # fmt: skip
    bare = replace(whole, checks=(), used=(), arm=None)
    more = len(msgspec.json.encode(whole)) - len(msgspec.json.encode(bare))
    assert more < 700
