"""A seller's own text: proved when it is read, said word for word, never with a hole in it."""

from __future__ import annotations

import pytest

from app.domain.own_texts import FIELDS, LONGEST, filled, prove_own_text

KNOWN = {
    "hello": "Здравствуйте, Айгерим!",
    "name": "Айгерим",
    "shop": "Alpin",
    "product": "Куртка Alpin",
    "code": "912000001",
}


@pytest.mark.parametrize(
    "text",
    [
        "{hello} Заказ {code} уже в пути.",
        "Просто текст без полей",
        "{name}",
        "Скобки {{как есть}}",
        "а" * LONGEST,
        "Первая строка\n\n{hello}",
    ],
)
def test_a_text_that_can_be_said_is_proved(text: str) -> None:
    prove_own_text(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("а" * (LONGEST + 1), "701 characters, at most 700"),
        ("{client_name}, привет", r"\{client_name\} is not known: use \{hello\}, \{name\}"),
        ("Заказ {}", r"\{\} is not known"),
        ("Заказ {0}", r"\{0\} is not known"),
        ("{name.__class__}", "is not known"),
        ("{name[0]}", "is not known"),
        ("{ name }", "is not known"),
        ("{name!r}", "takes nothing after its name"),
        ("{name:>99999999}", "takes nothing after its name"),
        ("{name:{shop}}", "takes nothing after its name"),
        ("{name", r"use \{hello\}"),
        ("name}", r"write \{\{ and \}\}"),
        ("Спасибо\x00!", "control characters"),
        ("Спасибо \u202e!", "control characters"),
    ],
)
def test_what_cannot_be_said_is_told_with_what_may_be_used(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        prove_own_text(text)


def test_tabs_and_ends_of_lines_may_stand_in_it() -> None:
    prove_own_text("Спасибо!\r\n\tЖдём вас.\n")


def test_every_field_is_filled_in() -> None:
    text = " ".join(f"{{{field}}}" for field in FIELDS)
    assert filled(text, KNOWN) == " ".join(KNOWN[field] for field in FIELDS)


@pytest.mark.parametrize("field", FIELDS)
def test_a_text_that_lacks_a_field_is_not_said_at_all(field: str) -> None:
    text = f"Добрый день, {{{field}}}!"
    assert filled(text, KNOWN | {field: ""}) is None
    assert filled(text, {name: word for name, word in KNOWN.items() if name != field}) is None
    assert filled("Добрый день!", {}) == "Добрый день!"


def test_what_a_customer_is_called_is_no_field() -> None:
    assert filled("{name}, ждём!", KNOWN | {"name": "{shop}"}) == "{shop}, ждём!"
