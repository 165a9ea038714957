"""What each shop sells, as this process knows it: taken over from the store row by row."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from app.domain.cards import card_link
from app.domain.product import Product
from app.knowledge.catalogue import Catalogue
from app.store.kaspi import KaspiOrders
from app.store.offers import Offers

ALL_ANEW = 0.3
"""The share of changed rows from which a catalogue is made anew rather than changed."""

CARDS_ANEW = 200
"""Rounds, ten minutes of them, after which all cards are read though their number is the same: a
SKU may have got another card."""


@dataclass(kw_only=True)
class _Shelf:
    """One shop's. ``rows`` are those of each of its lists, ``versions`` how far they are taken.

    ``touched`` are the SKUs in which the catalogue is not yet what the rows and the cards tell:
    what fails in between is made up for in the next round. ``rounds`` counts those since the cards
    were read.
    """

    lists: tuple[str, ...]
    rows: dict[str, dict[str, Product]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)
    rounds: int = 0
    touched: set[str] = field(default_factory=set)
    catalogue: Catalogue = field(default_factory=lambda: Catalogue(()))


class Shelves:
    """The catalogue of every shop. ``lists`` names the price lists of each, the one that tells
    prices first: a later one only adds what the earlier do not say.
    """

    def __init__(
        self, offers: Offers, orders: KaspiOrders, lists: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._offers = offers
        self._orders = orders
        self._shelves = {shop: _Shelf(lists=names) for shop, names in lists.items() if names}
        self._empty = Catalogue(())

    def of(self, shop: str) -> Catalogue:
        """What the shop sells; empty for one without a list, and until its first is taken over."""
        shelf = self._shelves.get(shop)
        return shelf.catalogue if shelf else self._empty

    async def keep_up(self) -> int:
        """Take over what has changed since the last time; how many rows.

        The index is made beside the event loop; who holds the old catalogue keeps it.
        Raises ``StoreDown``.
        """
        taken = 0
        for shop, shelf in self._shelves.items():
            taken += await self._take_over(shop, shelf)
        return taken

    async def _take_over(self, shop: str, shelf: _Shelf) -> int:
        for name in shelf.lists:
            news = await self._offers.since(name, shelf.versions.get(name, 0))
            rows = shelf.rows.setdefault(name, {})
            for product in news.changed:
                rows[product.sku] = product
            for sku in news.gone:
                rows.pop(sku, None)
            shelf.versions[name] = news.version
            shelf.touched.update(news.gone, (product.sku for product in news.changed))
        await self._learn_cards(shop, shelf)
        taken = len(shelf.touched)
        if taken:
            shelf.catalogue = await asyncio.to_thread(_renewed, shelf)
            shelf.touched.clear()
        return taken

    async def _learn_cards(self, shop: str, shelf: _Shelf) -> None:
        """Take over the card codes that were learned since the last time."""
        shelf.rounds += 1
        known = await self._orders.count_cards(shop)
        if known == len(shelf.cards) and shelf.rounds < CARDS_ANEW:
            return
        cards = await self._orders.cards(shop)
        news = {sku for sku, card in cards.items() if shelf.cards.get(sku) != card}
        shelf.touched.update(sku for rows in shelf.rows.values() for sku in news & rows.keys())
        shelf.cards, shelf.rounds = cards, 0


def _renewed(shelf: _Shelf) -> Catalogue:
    """The shelf's catalogue with the rows of those touched as they are now."""
    skus = set(shelf.touched)
    known = set().union(*(rows.keys() for rows in shelf.rows.values()))
    if len(skus) > ALL_ANEW * len(known):
        return Catalogue(_product(shelf, sku) for sku in known)
    present = [_product(shelf, sku) for sku in skus & known]
    return shelf.catalogue.updated(present, gone=skus - known)


def _product(shelf: _Shelf, sku: str) -> Product:
    """One offer: the first list's word, what it does not say from the others, and its card."""
    found = [rows[sku] for name in shelf.lists if (rows := shelf.rows[name]).get(sku)]
    product = found[0]
    for other in found[1:]:
        product = replace(
            product,
            brand=product.brand or other.brand,
            category=product.category or other.category,
            price=other.price if product.price is None else product.price,
        )
    card = shelf.cards.get(sku) or product.card
    return product if card is None else replace(product, card=card, link=card_link(card))
