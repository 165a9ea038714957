"""What one cell of a price list says: a SKU, a text, a price, what a store has.

A cell is whatever a file gives: text, a number, a truth value, nothing. Contract: Kaspi's stores
tell a number, yes, no, or nothing; a seller's own sheet says the same in Russian or Kazakh.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, time, timedelta
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

HIGHEST = 10**9
"""Tenge, or pieces: what is more is a slip of the hand."""

LONGEST = 1000
"""Characters of a text that are kept."""

Has: TypeAlias = tuple[bool, int | None]
"""Whether a store has it, and how many, None where it does not tell."""

_SHOWN = 40
_LONGEST_SKU = 100
_EXACT = 10**15
"""From here on a cell's number is no longer exact: spreadsheets hold 15 digits."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff]"
)
_ERROR = re.compile(
    r"#(?:N/A|Н/Д|REF!|ССЫЛКА!|VALUE!|ЗНАЧ!|DIV/0!|ДЕЛ/0!|NAME\?|ИМЯ\?|NUM!|ЧИСЛО!|NULL!|ПУСТО!"
    r"|ERROR!|SPILL!|CALC!|GETTING_DATA|UNKNOWN!|FIELD!|BLOCKED!|CONNECT!|BUSY!)",
    re.IGNORECASE,
)
_FLOATED = re.compile(r"([0-9]+)[.,]0+")
_SHORTENED = re.compile(r"[0-9][.,][0-9]+E\+[0-9]+", re.IGNORECASE)
_CURRENCY = re.compile(
    r"(?:₸|kzt|тг\.?)?\s*(.*?)\s*(?:₸|kzt|тг\.?|тнг\.?|тенге|теңге|tenge)?", re.IGNORECASE
)
_NUMBER = re.compile(r"([1-9][0-9]{0,2}(?:\s[0-9]{3})+|[0-9]+)(?:[.,]([0-9]+))?")
_GROUPED = re.compile(r"([1-9][0-9]{0,2}(?:([,'’])[0-9]{3})(?:\2[0-9]{3})*)(?:(?!\2)[.,]([0-9]+))?")
_DOTTED = re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3}){2,})(?:,([0-9]+))?")
_MARKS = re.compile("[^0-9]")
_TWO_WAYS = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")

_YES = frozenset("yes y true да истина есть иә ия бар".split()) | {"в наличии"}
_NO = frozenset("no n false нет ложь жоқ жок".split()) | {"нет в наличии"}
_NOTHING = frozenset("- – —".split())


class Odd(Enum):
    """What a cell holds beside text, numbers and truth."""

    DATE = "a date: make the column text or a number"
    UNCALCULATED = "a formula that was not calculated: open the file and save it again"


class Wrong(ValueError):
    """A cell that does not say what it should; its text is a sentence for the seller."""


def text(cell: object, what: str) -> str | None:
    """One line of text without spaces around and within it, None when nothing is left.

    Raises Wrong for an error of the sheet, a date and the like.
    """
    if isinstance(cell, str):
        return _line(cell, what)
    if cell is None:
        return None
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        return str(int(cell)) if math.isfinite(cell) and cell == int(cell) else str(cell)
    if isinstance(cell, date | time | timedelta):
        cell = Odd.DATE
    told = cell.value if isinstance(cell, Odd) else "neither text nor a number"
    raise Wrong(f"its {what} is {told}")


def _line(cell: str, what: str) -> str | None:
    if not cell.isprintable():
        cell = _UNSEEN.sub("", cell)
    line = " ".join(cell.split())[:LONGEST].rstrip()
    if line.startswith("#") and _ERROR.fullmatch(line):
        raise Wrong(f"its {what} is an error of the sheet: {line}")
    return line or None


def name(cell: object) -> str:
    """What an offer is called. Raises Wrong without one."""
    told = text(cell, "name")
    if told is None:
        raise Wrong("it has no name")
    return told


def brand(cell: object) -> str | None:
    """Who makes it. Raises Wrong as ``text`` does."""
    return text(cell, "brand")


def category(cell: object) -> str | None:
    """What kind of thing it is. Raises Wrong as ``text`` does."""
    return text(cell, "category")


def sku(cell: object) -> str:
    """The seller's own number of an offer: ``12345`` also where a sheet made it ``12345.0``.

    Raises Wrong without one, and where the sheet has lost digits of it.
    """
    if isinstance(cell, int | float) and not abs(cell) < _EXACT:
        raise Wrong("its SKU is a number longer than a sheet can hold: make the column text")
    told = text(cell, "SKU")
    if told is None:
        raise Wrong("it has no SKU")
    if _SHORTENED.fullmatch(told):
        raise Wrong(f"its SKU was shortened by the sheet: {told[:_SHOWN]}; make the column text")
    if len(told) > _LONGEST_SKU:
        raise Wrong(f"its SKU is longer than {_LONGEST_SKU} characters")
    floated = _FLOATED.fullmatch(told)
    return floated[1] if floated else told


def price(cell: object) -> int:
    """Tenge: ``12990``, ``12 990 ₸``, ``12990.00``, ``12,990.00``. Raises Wrong for all else.

    ``12.990`` is Wrong: it may be thousands, and it may be thirteen tenge.
    """
    told = text(cell, "price")
    if told is None:
        raise Wrong("it has no price")
    if isinstance(cell, bool):
        raise Wrong(f"its price is no number: {told}")
    amount = cell if isinstance(cell, int | float) else _money(told)
    if amount is None or not 1 <= amount <= HIGHEST:
        raise Wrong(f"its price is no number: {told[:_SHOWN]}")
    return math.floor(amount + 0.5)


def _money(told: str) -> float | None:
    bare = _CURRENCY.fullmatch(told)
    if bare is None or _TWO_WAYS.fullmatch(bare[1]):
        return None
    number = _GROUPED.fullmatch(bare[1])
    if number is not None:
        return _value(number[1], number[3])
    number = _NUMBER.fullmatch(bare[1]) or _DOTTED.fullmatch(bare[1])
    return None if number is None else _value(number[1], number[2])


def _value(whole: str, fraction: str | None) -> float | None:
    digits = whole if whole.isdigit() else _MARKS.sub("", whole)
    return float(f"{digits}.{fraction or 0}") if len(digits) <= len(str(HIGHEST)) else None


def store(cell: object) -> Has | None:
    """What a store has by its cell: a number, yes or no; None where it says nothing.

    Raises Wrong for all else, and for fewer than none.
    """
    return _has(cell, "stock")


def later(cell: object) -> bool:
    """Whether an offer comes to order only: a preorder of some days. Raises Wrong."""
    has = _has(cell, "preorder")
    return has is not None and has[0]


_NEITHER = {
    "stock": "its stock is neither a number nor yes or no",
    "preorder": "its preorder is no number of days",
}


def _has(cell: object, what: str) -> Has | None:
    if isinstance(cell, bool):
        return cell, None if cell else 0
    if isinstance(cell, int | float):
        return _pieces(cell, what, told=str(cell))
    if isinstance(cell, str):
        return _said(cell[:LONGEST], what)
    text(cell, what)  # nothing, or what raises Wrong
    return None


@lru_cache(maxsize=4096)
def _said(cell: str, what: str) -> Has | None:
    """The few words and numbers that stand in all the stores of all offers."""
    told = text(cell, what)
    word = "" if told is None else told.casefold()
    if told is None or word in _NOTHING:
        return None
    if word in _YES or word in _NO:
        return word in _YES, None if word in _YES else 0
    number = _NUMBER.fullmatch(told)
    return _pieces(None if number is None else _value(number[1], number[2]), what, told=told)


def _pieces(count: float | None, what: str, *, told: str) -> Has:
    if count is None or not 0 <= count <= HIGHEST:
        raise Wrong(f"{_NEITHER[what]}: {told[:_SHOWN]}")
    pieces = math.floor(count + 1e-6)  # 2.9999999 is how a sheet may keep 3
    return pieces > 0, pieces


def in_stock(stores: Iterable[Has]) -> Has:
    """Whether a store has it, and the most that one has, where all that have it tell."""
    counts = [count for has, count in stores if has]
    if not counts:
        return False, 0
    told = [count for count in counts if count is not None]
    return True, max(told) if len(told) == len(counts) else None
