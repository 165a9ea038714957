"""Where the desk finds a conversation: the shelves it stands on, and the words it is found by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from app.domain.conversation import Conversation, Status
from app.domain.events import Order
from app.domain.hand_over import is_upset
from app.domain.keyboard import spelled_out
from app.domain.letters import visible


class Shelf(StrEnum):
    """A list of conversations. ``CALLED`` need a person, ``UNHAPPY`` were called over a grave
    matter that nobody has dealt with yet.
    """

    ALL = "all"
    CALLED = "called"
    UNHAPPY = "unhappy"
    OPTED_OUT = "opted_out"


def shelves_of(conversation: Conversation) -> frozenset[Shelf]:
    """The shelves this conversation stands on."""
    stands = {
        Shelf.ALL: True,
        Shelf.CALLED: conversation.needs_person is not None,
        Shelf.UNHAPPY: is_upset(conversation),
        Shelf.OPTED_OUT: conversation.opt_out is not None,
    }
    return frozenset(shelf for shelf, here in stands.items() if here)


def last_said(conversation: Conversation) -> datetime:
    """When something was last said or heard; without a word, since when we know them.

    What waits to be sent is not said yet.
    """
    said = (m.at for m in reversed(conversation.messages) if m.status is not Status.QUEUED)
    return next(said, conversation.since)


# --- words ------------------------------------------------------------------------------------

LONGEST_WORD = 32
"""Letters of a word that are told apart."""

_MOST_OF_NAME = 6
_MOST_OF_PRODUCTS = 12
_SHORTEST_OF_PRODUCT = 3
_SHORTEST_END = 4
_MOST_WITH_ENDS = 5
_MOST_DIGITS = 15
_MOST_ASKED = 6

_WORDS = re.compile(r"[^\W_]+")
_LOCAL = re.compile(r"8\d{3,10}")
_GROUPED = re.compile(r"\+?\d[\d\s().+\u2010-\u2015-]*\d")
_NOT_DIGITS = re.compile(r"\D+")
_WITHOUT_KAZAKH = str.maketrans("әғқңөұүһі", "агкноуухи")
_LATIN = re.compile(r"[a-z]{3,}")
_LATIN_YE = re.compile(r"^ye")
_LATIN_SHORT_I = re.compile(r"(?<=[aeiou])y(?![aeiou])|(?<=i)y$")

Asked: TypeAlias = tuple[str, ...]
"""The spellings of one word that is asked for: any of them will do."""


def words_of(conversation: Conversation) -> frozenset[str]:
    """The words by whose beginnings it is found: name, phone, order numbers, products bought last.

    A phone and the numbers of the newest orders are found by any of their ends of four digits and
    more. Kazakh letters are found both as they are and by the Russian ones that people type instead
    of them, and what is Cyrillic by Latin letters, as what is Latin by Cyrillic ones.
    """
    words = set(_spelt_otherwise(_words(conversation.name or "")[:_MOST_OF_NAME]))
    words.update(_ends(_NOT_DIGITS.sub("", conversation.phone or "")[:_MOST_DIGITS]))
    numbers = [word for order in reversed(conversation.orders) for word in _words(order.code)]
    words.update(numbers)
    for number in numbers[:_MOST_WITH_ENDS]:
        words.update(_ends(number) if number.isdecimal() else ())
    return frozenset(words | set(_spelt_otherwise(_product_words(conversation.orders))))


def found_alike(one: Conversation, other: Conversation) -> bool:
    """Whether the words of both are surely the same: quicker told than the words."""
    return (one.name, one.phone, one.orders) == (other.name, other.phone, other.orders)


def readings(query: str) -> tuple[tuple[Asked, ...], ...]:
    """What may be meant by what was typed, the likelier first: all words of a reading must match.

    Digits in groups are one phone first («701 123 45 67»), and then numbers of their own.

    >>> readings("Ёлка 123-45")
    ((('елка',), ('12345',)), (('елка',), ('123',), ('45',)))
    """
    joined = _GROUPED.sub(lambda digits: f" {_as_one_number(digits[0])} ", visible(query))
    found = (tuple(map(_spellings, _words(each)[:_MOST_ASKED])) for each in (joined, query))
    return tuple(dict.fromkeys(reading for reading in found if reading))


def matches(words: Iterable[str], asked: tuple[Asked, ...]) -> bool:
    """Whether each word asked for begins one of ``words``."""
    known = tuple(words)
    return all(any(word.startswith(spelt) for word in known) for spelt in asked)


def _words(text: str) -> list[str]:
    folded = visible(text).replace("ё", "е")
    return [word[:LONGEST_WORD] for word in _WORDS.findall(folded)]


def _ends(digits: str) -> Iterable[str]:
    """The ends by which a number is known."""
    return (digits[start:] for start in range(len(digits) - _SHORTEST_END + 1))


def _spelt_otherwise(words: Iterable[str]) -> Iterable[str]:
    """Each word, and as it is typed without Kazakh letters, or in the letters of another script."""
    for word in words:
        yield word
        yield _in_cyrillic(word.translate(_WITHOUT_KAZAKH))


def _in_cyrillic(word: str) -> str:
    """A word as Latin letters spell it, without й, which they spell in too many ways.

    >>> {_in_cyrillic(word) for word in ("айгерим", "aigerim", "aygerim")}
    {'аигерим'}
    """
    if _LATIN.fullmatch(word):
        word = spelled_out(_LATIN_SHORT_I.sub("i", _LATIN_YE.sub("e", word)))
    return word.replace("й", "и")


def _product_words(orders: tuple[Order, ...]) -> list[str]:
    """Words of what was bought, the newest order first."""
    names = (item.name for order in reversed(orders) for item in order.items)
    words = (word for name in names for word in _words(name) if len(word) >= _SHORTEST_OF_PRODUCT)
    return list(dict.fromkeys(words))[:_MOST_OF_PRODUCTS]


def _as_one_number(digits: str) -> str:
    """Groups of digits as one number, where a phone may be that long."""
    number = _NOT_DIGITS.sub("", digits)
    return number if len(number) <= _MOST_DIGITS - 4 else digits


def _spellings(word: str) -> Asked:
    """A phone may begin with the 8 of a call within the country, a name be typed in Latin; who
    types Kazakh letters means them.
    """
    if _LOCAL.fullmatch(word):
        return (word, f"7{word[1:]}")
    if _LATIN.fullmatch(word):
        return (word, _in_cyrillic(word))
    return (word,) if word != word.translate(_WITHOUT_KAZAKH) else (_in_cyrillic(word),)
