"""An offer as its words: what it is, what it is called, what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from msgspec import Struct

from app.domain.product import Product
from app.knowledge.reading import Sort, Word, fold
from app.knowledge.tables import accessories, goods
from app.knowledge.words import words

_KEPT = 1 << 12
KIND, NAMED, FOR, SHELF = "#", "", ">", "@"
"""Before a key: the thing itself, another word of its name (nothing), what it is for, its category.
"""

IN_STOCK = "!stock"
PART = "!part"
"""Terms of an offer that can be bought now, and of one that is made for another thing."""


class Offer(Struct, frozen=True, kw_only=True):
    """``kind``: the one word for what it is; None where its name does not tell."""

    kind: str | None
    words: tuple[Word, ...]


@lru_cache(maxsize=_KEPT)
def read(name: str, *, category: str | None = None) -> Offer:
    """The words of a name, and the kind: goods before any other noun, a name's meaning last."""
    return _read(name, category=category)


def _read(name: str, *, category: str | None = None) -> Offer:
    """The same for a name that is not read again soon."""
    found = words(name)
    kind = _kind(found)
    if kind is None and category:
        kind = _kind_of_category(category)
    return Offer(kind=kind, words=found)


@lru_cache(maxsize=_KEPT)
def _kind_of_category(category: str) -> str | None:
    return _kind(words(category))


def _kind(found: Sequence[Word]) -> str | None:
    own = [word for word in found if not word.aside]
    for word in own:
        if word.thing and word.sort is Sort.THING:
            return word.thing
    for word in reversed(own):
        if word.keys and word.keys[0] in goods().means:
            return goods().means[word.keys[0]]
        if word.thing and word.sort is Sort.NAME:
            return word.thing
    nouns = [word for word in own if word.sort is Sort.THING]
    unknown = [word for word in own if word.sort is Sort.UNKNOWN]
    ranked = [*(noun for noun in nouns if not noun.person), *unknown, *nouns]
    return ranked[0].keys[0] if ranked else None


def terms(product: Product) -> frozenset[str]:
    """What a product is found by."""
    offer = _read(product.name, category=product.category)
    found = set[str]()
    kind = offer.kind
    for word in offer.words:
        keys = word.keys
        if word.aside:
            keys = _placed(FOR, keys)
        elif kind is not None and keys and (word.thing == kind or keys[0] == kind):
            keys = _placed(KIND, keys)
        found.update(keys)
    if kind is not None:
        found.update(_of_kind(kind))
    if product.brand:
        found.update(_told(NAMED, product.brand))
    if product.category:
        found.update(_told(SHELF, product.category))
        found.add(category_term(product.category))
    if product.in_stock:
        found.add(IN_STOCK)
    if product.price is not None:
        found.add(price_term(product.price))
    return frozenset(found)


@lru_cache(maxsize=_KEPT)
def _placed(place: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The same strings for all offers with a word."""
    return tuple(place + key for key in keys)


@lru_cache(maxsize=_KEPT)
def _of_kind(kind: str) -> tuple[str, ...]:
    """The terms of all that is of a kind: its word, its families, whether it is a part."""
    families = (SHELF + family for family in goods().families.get(kind, ()))
    return (KIND + kind, *families, *((PART,) if kind in parts() else ()))


@lru_cache(maxsize=_KEPT)
def _told(place: str, text: str) -> tuple[str, ...]:
    """The terms of a brand or a category, which many offers share."""
    return tuple(place + key for word in words(text) for key in word.keys)


@lru_cache(maxsize=_KEPT)
def category_term(category: str) -> str:
    """The term of all offers of this category."""
    return "!in " + " ".join(fold(category).split())


@lru_cache(maxsize=_KEPT)
def price_term(price: int, *, step: int = 0) -> str:
    """The term of all offers whose price is near; ``step`` to the dearer or cheaper next."""
    return f"!price {max(price, 1).bit_length() * 2 + (_upper_half(price)) + step}"


def _upper_half(price: int) -> int:
    """Whether a price is in the dearer half of those with as many bits: steps of about 1.4."""
    bits = max(price, 1).bit_length()
    return int(price * 10 >= (1 << bits) * 7)


@cache
def parts() -> frozenset[str]:
    """Things that are bought for another one: cases, cables, lids."""
    table = accessories()
    fitting = frozenset(one.thing for fits in table.values() for one in fits)
    return fitting - frozenset(table) | frozenset(one.thing for one in table["смартфон"])
