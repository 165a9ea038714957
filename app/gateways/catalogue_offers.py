"""What a price list becomes, whatever it was written in: its offers, and what is wrong with it."""

from __future__ import annotations

from msgspec import Struct

from app.domain.product import Product

MOST_FAULTS = 1000
"""Faults that are told; a list with more is wrong as a whole, and the first say how."""

MOST_OFFERS = 500_000
"""Offers of one list: five times those of a very large shop."""


class Fault(Struct, frozen=True, kw_only=True):
    """What is wrong with one offer. ``offer`` is its SKU, or its number in the file: ``#3``.

    ``row`` is the row of the sheet, or the line of an XML file, from 1; ``column`` the head of the
    sheet's column, or the XML element or attribute. A fault of the whole list has no ``offer``.
    """

    offer: str
    reason: str
    row: int | None = None
    column: str | None = None


class PriceList(Struct, frozen=True, kw_only=True):
    """The offers that can be used, and what was wrong with the others, or with parts of them."""

    products: tuple[Product, ...]
    faults: tuple[Fault, ...] = ()


class Unreadable(Exception):
    """A list that cannot be used as a whole; ``what`` follows its name in a sentence."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Collected:
    """Offers and faults, as they are read."""

    def __init__(self) -> None:
        self._products: dict[str, Product] = {}
        self._faults: list[Fault] = []
        self._words: dict[str, str] = {}
        self._begun = 0

    def __contains__(self, sku: str) -> bool:
        return sku in self._products

    def begin(self) -> None:
        """Count an offer, good or not. Raises Unreadable beyond ``MOST_OFFERS``."""
        self._begun += 1
        if self._begun > MOST_OFFERS:
            raise Unreadable(f"holds more than {MOST_OFFERS:,} offers")

    def add(self, product: Product) -> None:
        """Take in an offer."""
        self._products[product.sku] = product

    def fault(self, offer: str, reason: str, *, row: int, column: str | None) -> None:
        """Note what is wrong, unless that was done often enough."""
        if len(self._faults) < MOST_FAULTS:
            self._faults.append(Fault(offer=offer, reason=reason, row=row, column=column))

    def shared(self, word: str | None) -> str | None:
        """The same text, kept once: a brand stands in thousands of offers."""
        return None if word is None else self._words.setdefault(word, word)

    def price_list(self) -> PriceList:
        """All of it."""
        return PriceList(products=tuple(self._products.values()), faults=tuple(self._faults))
