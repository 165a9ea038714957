"""Where the desk finds a conversation: shelves, the last word, and the words typed into search."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from app.domain.conversation import Author, Message, NeedsPerson, OptOut, Status
from app.domain.events import Item
from app.domain.findable import Shelf, last_said, matches, readings, shelves_of, words_of
from app.domain.meaning import Concern
from tests.builders import NOON, order, person

CALLED = NeedsPerson(reason=Concern.WANTS_PERSON, since=NOON)
UNHAPPY = NeedsPerson(reason=Concern.COMPLAINT, since=NOON)
STOPPED = OptOut(at=NOON, by=Author.CUSTOMER)


def said(minutes: int, status: Status) -> Message:
    return Message(
        id=f"m{minutes}",
        author=Author.BOT,
        text="Здравствуйте!",
        at=NOON + timedelta(minutes=minutes),
        status=status,
        session="default",
        shop="default",
    )


def is_found(query: str, **about: object) -> bool:
    words = words_of(person(**about))
    return any(matches(words, asked) for asked in readings(query))


@pytest.mark.parametrize(
    ("about", "shelves"),
    [
        ({}, set()),
        ({"needs_person": CALLED}, {Shelf.CALLED}),
        ({"needs_person": UNHAPPY}, {Shelf.CALLED, Shelf.UNHAPPY}),
        ({"opt_out": STOPPED}, {Shelf.OPTED_OUT}),
    ],
)
def test_a_conversation_stands_where_it_belongs(
    about: dict[str, object], shelves: set[Shelf]
) -> None:
    assert shelves_of(person(**about)) == {Shelf.ALL, *shelves}


def test_what_only_waits_to_be_sent_is_not_said() -> None:
    assert last_said(person()) == NOON
    messages = (said(1, Status.READ), said(2, Status.FAILED), said(3, Status.QUEUED))
    assert last_said(person(messages=messages)) == NOON + timedelta(minutes=2)


@pytest.mark.parametrize(
    "query",
    [
        "4567", "34567", "705 123 45 67", "+7 705 123-45-67", "+7 (705) 123–45–67", "87051234567",
        "8 705 123 45 67", "77051234567", "7051", "8705", "123-45-67", "+7705",
    ],
)  # fmt: skip
def test_a_phone_is_found_however_it_is_typed(query: str) -> None:
    assert is_found(query)


@pytest.mark.parametrize(
    "query", ["4568", "8706 123 45 67", "67", "567", "7051234568", "", "+", "—"]
)
def test_another_phone_is_not(query: str) -> None:
    assert not is_found(query)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Айгерим Сәрсенова", "айгер"),
        ("Айгерим Сәрсенова", "САРСЕН"),
        ("Айгерим Сәрсенова", "сәрсен"),
        ("Айгерим Сәрсенова", "сарсенова айгерим"),
        ("Алёна", "алена"),
        ("Алена", "Алёна"),
        ("Өмірбек", "омирбек"),
        ("  «Anna-Maria»  O'Neil ", "maria anna"),
        ("С\u200bергей", "сергей"),
        ("Жанар 🌸", "жанар"),
        ("Айгерим", "aigerim"),
        ("Айгерим", "Aygerim"),
        ("Aigerim S", "айгерим"),
        ("Жанар", "janar"),
        ("Zhansaya", "жансая"),
        ("Сергей", "sergey"),
        ("Дмитрий", "dmitriy"),
        ("Ерлан", "yerlan"),
        ("Өмірбек", "omirbek"),
        ("Нұрлан", "nurl"),
        ("Юлдуз", "yulduz"),
    ],
)
def test_a_name_is_found_by_beginnings_of_its_words(name: str, query: str) -> None:
    assert is_found(query, name=name)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Айгерим", "герим"),
        ("Асель", "Әсель"),
        ("Айгерим", "айгерим ивановна"),
        ("Айгерим", "gerim"),
        ("Айгерим", "aigul"),
        ("И", "iv"),
    ],
)
def test_another_name_is_not(name: str, query: str) -> None:
    assert not is_found(query, name=name)


def test_an_order_is_found_by_its_number_and_by_what_was_bought() -> None:
    about = {"orders": (order(), replace(order(code="KSP-77"), items=(Item(name="Ёршик"),)))}
    for query in ("912000001", "912", "ksp-77", "куртка", "alpin чер", "ершик", "912000001 4567",
                  "0001", "000001", "12000001", "алпин"):  # fmt: skip
        assert is_found(query, **about), query
    assert not any(is_found(query, **about) for query in ("912000002", "001", "0002"))


def test_what_is_known_of_one_person_stays_small() -> None:
    orders = tuple(
        replace(order(code=f"9120000{n:02}"), items=(Item(name=f"Вещь{n} " * 40),))
        for n in range(20)
    )
    words = words_of(person(name="Имя " * 50 + "Ф" * 5000, orders=orders))
    assert len(words) < 90
    assert max(map(len, words)) <= 32


def test_a_long_query_is_read_in_part() -> None:
    assert all(len(asked) <= 6 for asked in readings("а " * 5000 + "1 " * 5000))
