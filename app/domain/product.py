"""A product of the shop, as its price list tells it."""

from __future__ import annotations

from msgspec import Struct


class Product(Struct, frozen=True, kw_only=True):
    """One offer. ``price`` is tenge; ``stock`` pieces, None where only yes or no is known.

    ``card`` is Kaspi's code of its card and ``link`` leads there; None where it is not known.
    """

    sku: str
    name: str
    brand: str | None = None
    category: str | None = None
    price: int | None = None
    in_stock: bool = True
    stock: int | None = None
    card: str | None = None
    link: str | None = None
