"""An offer as its words: what it is, what it is called, what it is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from msgspec import Struct

from app.domain.product import Product
from app.knowledge.reading import Sort, Word, fold
from app.knowledge.tables import accessories, goods
from app.knowledge.words import words

_KEPT = 1 << 12
KIND, NAMED, FOR, SHELF = "#", "", ">", "@"
"""Before a key: the thing itself, another word of its name, what it is for, its category."""

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
    found = words(name)
    kind = _kind(found)
    if kind is None and category:
        kind = _kind(words(category))
    return Offer(kind=kind, words=found)


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


def terms(product: Product, offer: Offer) -> Iterator[str]:
    """What a product is found by."""
    for word in offer.words:
        yield from _terms(word, offer.kind)
    if offer.kind is not None:
        yield KIND + offer.kind
        for family in goods().families.get(offer.kind, ()):
            yield SHELF + family
    for told, place in ((product.brand, NAMED), (product.category, SHELF)):
        yield from (place + key for key in _keys(told or ""))
    if product.category:
        yield category_term(product.category)
    if product.in_stock:
        yield IN_STOCK
    if offer.kind in parts():
        yield PART
    if product.price is not None:
        yield price_term(product.price)


@lru_cache(maxsize=_KEPT)
def _keys(told: str) -> tuple[str, ...]:
    """The keys of a brand or a category, which many offers share."""
    return tuple(key for word in words(told) for key in word.keys)


def _terms(word: Word, kind: str | None) -> Iterator[str]:
    is_kind = kind is not None and not word.aside and kind in {word.thing, *word.keys[:1]}
    place = FOR if word.aside else KIND if is_kind else NAMED
    for key in word.keys:
        yield place + key


@lru_cache(maxsize=_KEPT)
def category_term(category: str) -> str:
    """The term of all offers of this category."""
    return "!in " + " ".join(fold(category).split())


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
