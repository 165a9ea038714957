"""Heads of columns: what sellers call the parts of an offer in a sheet."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from app.gateways.catalogue_values import Wrong, text

_SKU = (
    "sku", "артикул", "артикултовара", "артикулпродавца", "skuтовара", "кодsku", "merchantsku",
    "offerid", "vendorcode", "article", "кодтовара", "код",
)  # fmt: skip
_MODEL = (
    "model", "название", "наименование", "товар", "названиетовара", "наименованиетовара",
    "номенклатура", "модель", "name", "title", "productname", "product", "атауы", "атау",
    "тауаратауы", "тауар",
)  # fmt: skip
_BRAND = (
    "brand", "бренд", "марка", "торговаямарка", "производитель", "manufacturer", "vendor",
    "бренді",
)  # fmt: skip
_PRICE = (
    "price", "цена", "ценапродажи", "розничнаяцена", "ценарозничная", "стоимость", "баға",
    "бағасы", "сатубағасы",
)  # fmt: skip
_CATEGORY = (
    "category", "категория", "категориятовара", "раздел", "группа", "группатоваров", "санат",
    "санаты",
)  # fmt: skip
_PREORDER = (
    "preorder", "предзаказ", "предзаказдней", "предзаказдни", "срокпредзаказа", "preorderdays",
    "алдынала",
)  # fmt: skip

_STORE = re.compile(
    r"(?:[a-z0-9]*?pp|пп|склад|магазин|точка|пункт|пунктвыдачи|store|warehouse|қойма)[0-9]{1,3}"
    r"|остат(?:ок|ки)|количество|колво|наличие|вналичии|stock|stockcount|quantity|qty|қалдық|саны"
)
"""Kaspi's points are ``PP1``, or ``<merchant>_PP1`` where they are told apart by it."""

_CURRENCY = re.compile(r"(?<=[a-zа-яәғқңөұүһі])(?:тг|тенге|теңге|kzt)$")
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_OTHER = re.compile(r"[\W_]+")
_ALIKE = str.maketrans("авекмнорстухѕіј", "abekmhopctyxsij")
"""Cyrillic letters that look Latin: ``РР1`` and ``SКU`` are typed so."""

_KNOWN = frozenset({*_SKU, *_MODEL, *_BRAND, *_PRICE, *_CATEGORY, *_PREORDER})

MOST = 256
"""Columns that are looked at."""

_LONGEST = 40


class Columns(Struct, frozen=True, kw_only=True):
    """Where each part of an offer stands, from 0; ``twice`` are heads that stand again."""

    heads: tuple[str, ...]
    sku: int
    model: int
    brand: int | None
    price: int | None
    category: int | None
    preorder: int | None
    stores: tuple[int, ...]
    twice: tuple[str, ...]


def columns_of(cells: Sequence[object]) -> Columns | None:
    """The columns by a row of heads; None when it lacks SKU or model.

    Where several heads name one part, Kaspi's own word is taken first, then the commoner.
    """
    words = _words(cells)
    sku, model = _first(words, _SKU), _first(words, _MODEL)
    if sku is None or model is None:
        return None
    heads = heads_of(cells)
    places = {word: place for place, word in reversed(list(enumerate(words))) if _is_known(word)}
    return Columns(
        heads=heads,
        sku=sku,
        model=model,
        brand=_first(words, _BRAND),
        price=_first(words, _PRICE),
        category=_first(words, _CATEGORY),
        preorder=_first(words, _PREORDER),
        stores=tuple(sorted(place for word, place in places.items() if _STORE.fullmatch(word))),
        twice=tuple(
            heads[place] for place, word in enumerate(words) if places.get(word, place) != place
        ),
    )


def known_heads(cells: Sequence[object]) -> int:
    """How many cells of a row are heads we know."""
    return sum(map(_is_known, _words(cells)))


def heads_of(cells: Sequence[object]) -> tuple[str, ...]:
    """The heads as they are written, for people to find."""
    return tuple(_shown(cell) for cell in cells[:MOST])


def _shown(cell: object) -> str:
    try:
        return (text(cell, "head") or "")[:_LONGEST]
    except Wrong:
        return "?"


def _words(cells: Sequence[object]) -> list[str]:
    """The heads as words to compare: small letters and digits only."""
    return [_word(cell) if isinstance(cell, str) else "" for cell in cells[:MOST]]


def _word(cell: str) -> str:
    small = _BRACKETS.sub("", cell[:_LONGEST].casefold().replace("ё", "е"))
    word = _CURRENCY.sub("", _OTHER.sub("", small))
    latin = word.translate(_ALIKE)
    return latin if not _is_known(word) and _is_known(latin) else word


def _is_known(word: str) -> bool:
    return word in _KNOWN or _STORE.fullmatch(word) is not None


def _first(words: Sequence[str], names: Sequence[str]) -> int | None:
    """Where the first of these names stands."""
    return next((words.index(name) for name in names if name in words), None)
