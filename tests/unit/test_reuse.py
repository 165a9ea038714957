"""Texts that equal messages share: what may be shared, and that nobody's own travels along."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.domain.brief import Brief, Line
from app.domain.conversation import Author
from app.domain.events import Item, Language, Order, Stage
from app.domain.meaning import Segment
from app.domain.product import Product
from app.domain.rules import PROACTIVE, Purpose
from app.store.texts import TEXTS_KEPT
from app.writing.checks import check
from app.writing.everyday import is_everyday
from app.writing.reuse import FEWEST, filled, kind_of, reused, template_of

JACKET = "Куртка Alpin черная 48"
SHARED = "Здравствуйте, Айгерим! Это Спорт Алматы. Спасибо за заказ «Куртка Alpin черная 48»!"


def brief(name: str | None = "Айгерим", product: str = JACKET, **fields: Any) -> Brief:
    """A first message after a purchase, to somebody who never wrote."""
    order = Order(
        code=fields.pop("code", "912000001"),
        shop="default",
        stage=fields.pop("stage", Stage.PAID),
        items=(Item(name=product, quantity=fields.pop("quantity", 1), price=15990.0),),
        total=15990.0,
    )
    known: dict[str, Any] = {
        "purpose": Purpose.POST_PURCHASE,
        "language": Language.RU,
        "shop": "Спорт Алматы",
        "customer_name": name,
        "orders": (order,),
        "history": (),
        "messages_to_answer": (),
        "local_time": datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("Asia/Almaty")),
        "opener": True,
    }
    return Brief(**known | fields)


TEXTS = tomllib.loads((Path(__file__).parents[1] / "data/shared_texts.toml").read_text("utf-8"))


def lines(kind: str) -> list[Any]:
    return [
        pytest.param(Language(language), text, id=f"{language}{number}")
        for language, texts in TEXTS[kind].items()
        for number, text in enumerate(texts)
    ]


@pytest.mark.parametrize(("language", "text"), lines("shareable"))
def test_a_text_that_fits_any_order_is_shared(language: Language, text: str) -> None:
    template = template_of(text, brief(language=language))
    assert template is not None
    assert "Айгерим" not in template
    assert "Alpin" not in template


@pytest.mark.parametrize(
    ("language", "text"), [one for one in lines("shareable") if "en" not in one.id]
)
def test_a_shared_text_passes_the_checks_of_the_one_who_gets_it(
    language: Language, text: str
) -> None:
    template = template_of(text, brief(language=language))
    assert template is not None
    other = brief("Нурлан", "Шлем Uvex XL", language=language, code="912000777")
    said = filled(template, other)
    assert said is not None
    assert "Нурлан" in said
    assert "Шлем Uvex XL" in said
    assert check(said, other) == ()


@pytest.mark.parametrize(("language", "text"), lines("personal"))
def test_a_text_of_this_customer_only_is_not_shared(language: Language, text: str) -> None:
    assert template_of(text, brief(language=language)) is None


def test_the_same_customer_gets_the_text_as_it_was() -> None:
    template = template_of(SHARED, brief())
    assert template == ("Здравствуйте, {name}! Это Спорт Алматы. Спасибо за заказ «{product}»!")
    assert filled(template, brief()) == SHARED


def test_without_a_name_the_product_alone_is_changed() -> None:
    text = "Здравствуйте! Это Спорт Алматы. Спасибо за заказ «Куртка Alpin черная 48»!"
    template = template_of(text, brief(None))
    assert template is not None
    assert filled(template, brief(None, "Шлем Uvex")) == text.replace(JACKET, "Шлем Uvex")
    assert filled(template, brief("Нурлан", "Шлем Uvex")) is None, "a name is not left out"


def test_a_product_whose_name_nobody_should_send_is_never_filled_in() -> None:
    template = template_of(SHARED, brief())
    assert template is not None
    for product in ("Чехол {name}", "Шлем 87011234567", "Пишите на wa-shop.kz", "<b>Шлем</b>"):
        assert filled(template, brief("Нурлан", product)) is None


@pytest.mark.parametrize(
    "template",
    ["", "Рахмет!", "{name}", "{name} {product} {code}", "{name} {product} {}", "{name}, {product"],
)
def test_a_template_that_asks_for_something_else_is_not_filled(template: str) -> None:
    assert filled(template, brief()) is None


NOT_PLAIN: list[dict[str, Any]] = [
    {"purpose": Purpose.REPLY},
    {"history": (Line(author=Author.BOT, text="Здравствуйте!"),)},
    {"messages_to_answer": ("Где заказ?",)},
    {"products": (Product(sku="1", name="Перчатки"),)},
    {"canned": "media"},
]


@pytest.mark.parametrize("fields", NOT_PLAIN)
def test_where_more_is_known_than_name_and_order_nothing_is_shared(fields: dict[str, Any]) -> None:
    assert template_of(SHARED, brief(**fields)) is None
    assert filled("{name}! Спасибо за заказ «{product}»!", brief(**fields)) is None


DIFFERENT: list[dict[str, Any]] = [
    {"purpose": Purpose.ORDER_DELIVERED},
    {"language": Language.KK},
    {"shop": "Дом и сад"},
    {"opener": False},
    {"segment": Segment.VIP},
    {"stage": Stage.DELIVERED},
    {"quantity": 2},
    {"name": None},
    {"product": "Шлем 87011234567"},
]


@pytest.mark.parametrize("fields", DIFFERENT)
def test_briefs_that_differ_in_more_than_name_and_product_are_of_another_kind(
    fields: dict[str, Any],
) -> None:
    assert kind_of(brief(**fields)) != kind_of(brief())


def test_customers_with_other_names_products_and_numbers_are_of_one_kind() -> None:
    assert kind_of(brief("Нурлан", "Шлем Uvex XL", code="912000777")) == kind_of(brief())


def known(number: int) -> tuple[str, ...]:
    return tuple(
        f"{{name}}, здравствуйте{'!' * (at + 1)} Спасибо за заказ «{{product}}»."
        for at in range(number)
    )


def shared_out(templates: tuple[str, ...], people: int = 400) -> list[str | None]:
    return [reused(templates, brief(code=str(912000000 + one))) for one in range(people)]


def test_a_few_known_texts_are_not_reused() -> None:
    assert shared_out(known(FEWEST - 1), 50) == [None] * 50


def test_with_five_known_the_model_still_writes_for_some() -> None:
    said = shared_out(known(FEWEST))
    assert 400 * (1 - FEWEST / TEXTS_KEPT) / 2 < said.count(None) < 400 * 0.6


def test_no_text_goes_to_many_more_people_than_another() -> None:
    said = shared_out(known(TEXTS_KEPT))
    assert None not in said
    assert len(set(said)) == TEXTS_KEPT
    assert max(said.count(text) for text in set(said)) < 2 * 400 / TEXTS_KEPT


def test_a_replay_gets_the_same_text() -> None:
    assert shared_out(known(TEXTS_KEPT)) == shared_out(known(TEXTS_KEPT))


@given(st.text(max_size=80), st.sampled_from(sorted(PROACTIVE)), st.sampled_from(list(Language)))
def test_whatever_is_written_a_template_holds_no_name_and_no_figure(
    text: str, purpose: Purpose, language: Language
) -> None:
    of = replace(brief(language=language), purpose=purpose)
    template = template_of(f"Айгерим, {text} «{JACKET}»", of)
    if template is not None:
        assert "Айгерим" not in template
        assert not any(sign.isdigit() for sign in template)


@given(st.from_regex(r"[а-яёa-z]{1,12}", fullmatch=True), st.sampled_from(list(Language)))
def test_a_word_nobody_listed_keeps_a_text_from_being_shared(word: str, language: Language) -> None:
    text = f"Айгерим, {word}! «{JACKET}»"
    if template_of(text, brief(language=language)) is not None:
        assert is_everyday(word.replace("ё", "е"), language)
