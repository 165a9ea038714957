"""The offers of a catalogue with what they are found by, and the same after a few have changed.

An index over all of them is made once and shared. What has changed since stands in a small second
row behind it, which each change makes anew; when that has grown, both are made one from the terms
that they hold, and no name is read again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from app.domain.product import Product
from app.knowledge.index import Index, Late
from app.knowledge.numbers import Numbers
from app.knowledge.offers import terms
from app.knowledge.typos import Spellings
from app.knowledge.vocabulary import differences, vocabulary

_LATE_SHARE = 16
_FEWEST_LATE = 64
"""Offers of the second row, and gone from the first, at most: one in so many, or these few."""


class Shelf:
    """Offers, one of a SKU; immutable. ``places`` leads from a SKU to its place in ``products``,
    where others stand too that are gone.
    """

    products: list[Product]
    places: dict[str, int]
    index: Index
    spellings: Spellings
    numbers: Numbers
    _late: list[Late]

    def __init__(self, products: Iterable[Product]) -> None:
        offers = {product.sku: product for product in products}
        self.products = list(_in_order(offers.values()))
        self.places = {product.sku: place for place, product in enumerate(self.products)}
        self.index = Index(map(terms, self.products))
        self.spellings = Spellings(vocabulary(self.index))
        self.numbers = Numbers(self.products)
        self._late = []

    def updated(self, changed: Iterable[Product], *, gone: Iterable[str]) -> Shelf:
        """Another with these in the place of those of the same SKU, and without those ``gone``."""
        told = {product.sku: product for product in changed}
        new = {sku: one for sku, one in told.items() if one != self.get(sku)}
        left = {sku for sku in gone if sku in self.places and sku not in told}
        if not new and not left:
            return self
        shelf = object.__new__(Shelf)
        shelf._follow(self, new, left=left)
        unsettled = len(shelf._late) + len(shelf.products) - len(shelf.places)
        if unsettled > max(_FEWEST_LATE, self._first // _LATE_SHARE):
            shelf._gather()
        return shelf

    def __iter__(self) -> Iterator[Product]:
        return map(self.products.__getitem__, self.places.values())

    def get(self, sku: str) -> Product | None:
        """The offer of exactly this SKU."""
        place = self.places.get(sku)
        return None if place is None else self.products[place]

    # -- behind

    @property
    def _first(self) -> int:
        """How many stand in the first row, those that are gone among them."""
        return len(self.products) - len(self._late)

    def _terms(self, place: int) -> AbstractSet[str]:
        late = place - self._first
        return terms(self.products[place]) if late < 0 else self._late[late].terms

    def _stays(self, product: Product) -> bool:
        """Whether all that finds the offer is what it was: a price changed a little, say."""
        place = self.places.get(product.sku)
        return (
            place is not None
            and standing(product) == standing(self.products[place])
            and terms(product) == self._terms(place)
        )

    def _follow(self, old: Shelf, new: Mapping[str, Product], *, left: AbstractSet[str]) -> None:
        """With the first row of ``old`` and a second one behind it."""
        first = old._first
        moved = {sku: one for sku, one in new.items() if not old._stays(one)}
        out = {old.places[sku] for sku in (*moved, *left) if sku in old.places}
        lost = {place: old._terms(place) for place in out}
        products = old.products.copy()
        for sku in new.keys() - moved.keys():
            products[old.places[sku]] = new[sku]
        rows = [
            (products[place], late)
            for place, late in enumerate(old._late, first)
            if place not in out
        ]
        added = [_late(one, products, first=first) for one in moved.values()]
        rows += zip(moved.values(), added, strict=True)
        rows.sort(key=lambda row: standing(row[0]))
        self._late = [late for _, late in rows]
        products[first:] = [one for one, _ in rows]
        self.products = products
        self.places = old.places.copy()
        for sku in left:
            del self.places[sku]
        self.places |= {one.sku: place for place, (one, _) in enumerate(rows, first)}
        gone = {place: found for place, found in lost.items() if place < first}
        self.index = old.index.changed(self._late, gone=gone)
        touched = frozenset[str]().union(*lost.values(), *(late.terms for late in added))
        self.spellings = old.spellings.changed(*differences(old.index, self.index, touched))
        before = [one for sku in (*new, *left) if (one := old.get(sku))]
        self.numbers = old.numbers.changed(new.values(), before=before)

    def _gather(self) -> None:
        """Both rows made one."""
        self.index, order = self.index.gathered()
        self.products = [self.products[place] for place in order]
        self.places = {product.sku: place for place, product in enumerate(self.products)}
        self._late = []


def standing(product: Product) -> tuple[bool, bool, int, str]:
    """Between equals: what can be bought first, then what has a price, then the shorter name; the
    SKU decides last, so that no order of a price list does.
    """
    return (not product.in_stock, product.price is None, len(product.name), product.sku)


def _late(product: Product, products: list[Product], *, first: int) -> Late:
    before = bisect_left(products, standing(product), 0, first, key=standing)
    return Late(before=before, terms=terms(product))


def _in_order(products: Iterable[Product]) -> Iterator[Product]:
    """By their standing. Sorted in parts: sorting all at once would hold up other threads."""
    parts: dict[tuple[bool, bool, int], list[Product]] = {}
    for product in products:
        parts.setdefault(standing(product)[:3], []).append(product)
    for _, part in sorted(parts.items(), key=lambda one: one[0]):
        yield from sorted(part, key=lambda product: product.sku)
