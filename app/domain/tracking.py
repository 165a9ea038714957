"""Where a customer may follow an order on its way, and which of their orders is spoken of."""

from __future__ import annotations

import re
from urllib.parse import quote

from app.domain.events import Delivery, Order, Stage

_TRACKING = "https://logistics.kaspi.kz/ksl/tracking/order/"
_FOLLOWED = frozenset({Delivery.KASPI, Delivery.POSTOMAT})
"""Who brings an order that Kaspi's page knows: not the shop's own courier."""

SETTLED = frozenset({Stage.DELIVERED, Stage.CANCELLED, Stage.RETURNED})
"""Stages in which nothing more is to come."""

_PARCEL = r"(?:заказ|посыл|достав|тапсырыс|сәлемдеме|order|parcel|package)"
_TRACKS = re.compile(
    rf"\bотслед\w+|\bотслеж\w+.*{_PARCEL}|{_PARCEL}.*\bотслеж|\bтрек(?:и|а|у|ом|ер\w*)?\b"
    rf"|\bтрекинг\b|\b(?:бақыла|бакыла)\w*(?! камера).*{_PARCEL}|{_PARCEL}.*\b(?:бақыла|бакыла)"
    r"|\bқайдан бақыла|\bкайдан бакыла|\btracking\b|\btrack (?:it|my|the)\b"
)
"""Not «отслеживает пульс» of a watch, nor «бақылау камерасы»."""

_NUMBER = re.compile(r"(?<!\d)\d{4,}(?!\d)")
_WORD = re.compile(r"[^\W\d_]{4,}")
_ENDING = 2
_SHORTEST_STEM = 4


def tracking_link(order: Order) -> str | None:
    """Kaspi's page that shows where ``order`` is; None for one that Kaspi does not carry.

    The page needs no login: the number alone opens it.

    >>> tracking_link(Order(code="912000001", shop="s", stage=Stage.PAID, delivery=Delivery.KASPI))
    'https://logistics.kaspi.kz/ksl/tracking/order/912000001'
    """
    if order.delivery not in _FOLLOWED or not (order.code.isascii() and order.code.isdecimal()):
        return None
    return _TRACKING + quote(order.code, safe="")


def asks_to_track(asked: str) -> bool:
    """Whether it asks for a way to follow a parcel: «дайте трек», «қайдан бақылаймын»."""
    return _TRACKS.search(asked.casefold()) is not None


def order_meant(orders: tuple[Order, ...], asked: str) -> Order | None:
    """The order that ``asked`` is about: the one it names by its number, else by its thing, else
    the first that is still under way, else the first. None where there are none.
    """
    numbers = set(_NUMBER.findall(asked))
    if numbered := [order for order in orders if order.code in numbers]:
        return numbered[0]
    stems = _stems(asked)
    named = [order for order in orders if any(stems & _stems(item.name) for item in order.items)]
    if len(named) == 1:
        return named[0]
    return next((order for order in orders if order.stage not in SETTLED), next(iter(orders), None))


def _stems(text: str) -> set[str]:
    """The words of a text without their endings: «перчатки» and «перчаток» are one."""
    return {
        word[: max(_SHORTEST_STEM, len(word) - _ENDING)]
        for word in _WORD.findall(text.casefold().replace("ё", "е"))
    }
