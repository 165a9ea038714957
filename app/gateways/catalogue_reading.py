"""One offer of a price list being made out, whatever the list was written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from app.domain.cards import card_in, card_link
from app.domain.product import Product
from app.gateways import catalogue_values as values
from app.gateways.catalogue_offers import Collected

T = TypeVar("T")


class Reading:
    """What cannot be read of an offer is noted as a fault, and counts as not told.

    ``name`` is what the offer is called until its SKU is known, ``row`` where it stands.
    Raises Unreadable when there are too many.
    """

    def __init__(self, collected: Collected, *, name: str, row: int) -> None:
        self._collected = collected
        self._name = name
        self._row = row
        collected.begin()

    def wrong(self, reason: str, column: str) -> None:
        """Note what is wrong, and where."""
        self._collected.fault(self._name, reason, row=self._row, column=column)

    def told(self, read: Callable[[object], T | None], cell: object, *, column: str) -> T | None:
        """What ``read`` makes of a cell; None where it is wrong."""
        try:
            return read(cell)
        except values.Wrong as wrong:
            self.wrong(str(wrong), column)
            return None

    def sku(self, cell: object, column: str) -> str | None:
        """The SKU; None where there is none, or an earlier offer has it."""
        sku = self.told(values.sku, cell, column=column)
        if sku is None:
            return None
        self._name = sku
        if sku in self._collected:
            self.wrong("its SKU is that of an earlier offer", column)
            return None
        return sku

    def add(
        self,
        *,
        sku: str,
        name: str,
        brand: str | None,
        category: str | None,
        price: int | None,
        has: values.Has,
    ) -> None:
        """Take in the offer."""
        in_stock, stock = has
        card, shared = card_in(sku), self._collected.shared
        self._collected.add(
            Product(
                sku=sku,
                name=name,
                brand=shared(brand),
                category=shared(category),
                price=price,
                in_stock=in_stock,
                stock=stock,
                card=card,
                link=None if card is None else card_link(card),
            )
        )
