"""Kaspi's card of a thing: its code, and where it is."""

from __future__ import annotations

import re

_CARD_AND_SUFFIX = re.compile(r"([0-9]{6,})_.+")


def card_in(sku: str) -> str | None:
    """The card code in a SKU of the form ``<card code>_<suffix>``; None in any other.

    >>> card_in("102529963_318274")
    '102529963'
    """
    match = _CARD_AND_SUFFIX.fullmatch(sku)
    return match[1] if match else None


def card_link(card: str) -> str:
    """The page of a card on Kaspi.

    >>> card_link("102529963")
    'https://kaspi.kz/shop/p/-102529963/'
    """
    return f"https://kaspi.kz/shop/p/-{card}/"
