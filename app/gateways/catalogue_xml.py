"""Kaspi's own price list: the XML file that a seller uploads, or has Kaspi fetch.

Elements go by their local names, as many files leave the namespace out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from xml.parsers.expat import XMLParserType

from app.gateways import catalogue_values as values
from app.gateways.catalogue_offers import Collected, PriceList, Unreadable
from app.gateways.catalogue_parser import DEEPEST, Locals, fed, guarded, too_deep
from app.gateways.catalogue_reading import Reading

_ALMATY = "750000000"
_TEXTS = frozenset({"model", "name", "brand", "category", "price"})
"""Children of an offer that are texts."""

_PAGE = frozenset({"html", "head", "body"})
_SHOWN = 40
_MOST_PLACES = 1000
"""Stores, or cities, of one offer."""

WEB_PAGE = (
    "is a web page, not a price list: give the address of the file itself, open to everyone who "
    "has the link"
)


def read_xml(file: IO[bytes], *, lines_before: int = 0) -> PriceList:
    """The offers of a price list, with or without its namespace.

    The price is the one everywhere, else Almaty's, else the first city's. In stock is what a store
    has now: ``preOrder`` is not now. Raises Unreadable with the place.
    """
    collected = Collected()
    for number, offer in enumerate(_offers(file), 1):
        offer.line += lines_before
        _take(offer, collected, number=number)
    return collected.price_list()


class _Offer:
    """One offer as it stands; ``line`` is where it begins."""

    __slots__ = ("attributes", "cities", "depth", "line", "stores", "texts")

    def __init__(self, attributes: dict[str, str], *, depth: int, line: int) -> None:
        self.attributes = attributes
        self.depth = depth
        self.line = line
        self.texts: dict[str, str] = {}
        self.cities: list[tuple[str | None, str]] = []
        self.stores: list[dict[str, str]] = []


class _Walk:
    """Expat's handlers: they gather one offer after another."""

    def __init__(self, parser: XMLParserType) -> None:
        self.done: list[_Offer] = []
        self.saw_offers = False
        self._parser = parser
        self._names = Locals()
        self._depth = 0
        self._offer: _Offer | None = None
        self._taken: tuple[int, str, str | None] | None = None
        self._parts: list[str] = []
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = self._names[name]
        self._depth += 1
        if self._depth > DEEPEST:
            raise too_deep()
        offer = self._offer
        if offer is None:
            self._around(name, attributes)
        elif name == "availability":
            if len(offer.stores) < _MOST_PLACES:
                offer.stores.append(self._named(attributes))
        elif self._taken is None:
            if name == "cityprice":
                self._take(name, self._named(attributes).get("cityId"))
            elif name in _TEXTS and self._depth == offer.depth + 1:
                self._take(name, None)

    def _around(self, name: str, attributes: dict[str, str]) -> None:
        """What is no part of an offer."""
        if self._depth == 1:
            _begins(name)
        elif name == "offers":
            self.saw_offers = True
        elif name == "offer":
            line = self._parser.CurrentLineNumber
            self._offer = _Offer(self._named(attributes), depth=self._depth, line=line)

    def _take(self, name: str, city: str | None) -> None:
        """Gather the text of the element that begins here."""
        self._taken = self._depth, name, city
        self._parts.clear()
        self._parser.CharacterDataHandler = self._parts.append

    def _end(self, _: str) -> None:
        offer = self._offer
        if offer is not None:
            if self._taken is not None and self._taken[0] == self._depth:
                self._taken_in(offer, self._taken)
            if offer.depth == self._depth:
                self.done.append(offer)
                self._offer = None
        self._depth -= 1

    def _taken_in(self, offer: _Offer, taken: tuple[int, str, str | None]) -> None:
        _, name, city = taken
        self._taken = self._parser.CharacterDataHandler = None
        told = "".join(self._parts)
        if name != "cityprice":
            offer.texts.setdefault(name, told)
        elif len(offer.cities) < _MOST_PLACES:
            offer.cities.append((city, told))

    def _named(self, attributes: dict[str, str]) -> dict[str, str]:
        return {self._names[name]: told for name, told in attributes.items()}


def _begins(root: str) -> None:
    if root.lower() in _PAGE:
        raise Unreadable(WEB_PAGE)
    if root != "kaspi_catalog":
        raise Unreadable(f"begins with <{root[:_SHOWN]}>, not with <kaspi_catalog>")


def _offers(file: IO[bytes]) -> Iterator[_Offer]:
    """Offer by offer; what was read is let go, so that a large file takes little memory."""
    parser = guarded()
    walk = _Walk(parser)
    for _ in fed(parser, file):
        yield from walk.done
        walk.done.clear()
    if not walk.saw_offers:
        raise Unreadable("holds no <offers>")


def _take(offer: _Offer, collected: Collected, *, number: int) -> None:
    """Add an offer, and what is wrong with it."""
    reading = Reading(collected, name=f"#{number}", row=offer.line)
    texts, attributes = offer.texts, offer.attributes
    sku = reading.sku(attributes.get("sku"), "sku")
    if sku is None:
        return
    column = "model" if (texts.get("model") or "").strip() or "name" not in texts else "name"
    name = reading.told(values.name, texts.get(column), column=column)
    if name is None:
        return
    category = attributes.get("category") or texts.get("category")
    price, column = _price(offer)
    reading.add(
        sku=sku,
        name=name,
        brand=reading.told(values.brand, texts.get("brand"), column="brand"),
        category=reading.told(values.category, category, column="category"),
        price=reading.told(values.price, price, column=column),
        has=values.in_stock([_store(store, reading) for store in offer.stores]),
    )


def _price(offer: _Offer) -> tuple[str | None, str]:
    """The price as it is told, and the element that tells it."""
    told, cities = offer.texts.get("price"), offer.cities
    if told is not None or not cities:
        return told, "price"
    return next((told for city, told in cities if city == _ALMATY), cities[0][1]), "cityprice"


def _store(store: dict[str, str], reading: Reading) -> values.Has:
    """What one store has now; one that cannot be made out has nothing that counts."""
    column = "available"
    try:
        available = values.store(store.get(column))
        column = "preOrder"
        preorder = values.later(store.get(column))
        if preorder or available is None or not available[0]:
            return False, 0
        column = "stockCount"
        count = values.store(store.get(column))
    except values.Wrong as wrong:
        reading.wrong(str(wrong), column)
        return False, 0
    return available if count is None else count
