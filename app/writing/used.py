"""What a text may rest on, as the journal keeps it: codes with short values, no customer's words.

The codes: ``order``, ``product``, ``quantity``, ``price``, ``total``, ``stage``, ``planned``,
``delivery``, ``name``, ``rule``, ``hours``, ``offer``, ``sold_out``, ``mood``, ``history``,
``question``, ``review_link`` and ``tracking_link``.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.brief import Brief
from app.domain.events import Order, Stage
from app.domain.rules import Purpose
from app.writing.canned import called

_MOST = 16
"""Facts of one text that are kept."""

_MOST_ORDERS, _MOST_ITEMS = 2, 2


def used_in(brief: Brief, *, plain: bool = False) -> tuple[str, ...]:
    """Each fact of ``brief`` as ``code value``: ``order 912000001``, ``price 15990``, ``name``.

    ``plain``: the text is a fixed one, which knows no more than whom and what it is about, and what
    there is instead of it.
    """
    found = [*_of_orders(brief, plain=plain), *_links(brief)]
    if not plain or brief.purpose is Purpose.ORDER_CANCELLED:
        found.extend(_offers(brief))
    if not plain:
        found.extend(_circumstances(brief))
    return tuple(dict.fromkeys(found))[:_MOST]


def _offers(brief: Brief) -> Iterator[str]:
    for product in brief.products:
        if (name := called(product.name)) is not None:
            price = f", {product.price} ₸" if product.price is not None else ""
            yield f"{'offer' if product.in_stock else 'sold_out'} {name}{price}"


def _circumstances(brief: Brief) -> Iterator[str]:
    yield from (f"rule {one.topic}" for one in brief.stated)
    if brief.stated_hours:
        yield f"hours {brief.stated_hours[:60]}"
    if brief.mood is not None:
        yield f"mood {brief.mood}"
    if brief.messages_to_answer:
        yield f"question {len(brief.messages_to_answer)}"
    if brief.history:
        yield f"history {len(brief.history)}"


def _links(brief: Brief) -> Iterator[str]:
    if brief.review_link is not None:
        yield "review_link"
    if brief.tracking_link is not None:
        yield "tracking_link"


def _of_orders(brief: Brief, *, plain: bool) -> Iterator[str]:
    if brief.customer_name:
        yield "name"
    for order in brief.orders[: 1 if plain else _MOST_ORDERS]:
        yield from _of_order(order, brief, plain=plain)


def _of_order(order: Order, brief: Brief, *, plain: bool) -> Iterator[str]:
    yield f"order {order.code[:40]}"
    for item in order.items[:_MOST_ITEMS]:
        if (name := called(item.name)) is not None:
            yield f"product {name}"
        if item.quantity > 1 and not plain:
            yield f"quantity {item.quantity}"
        if item.price is not None and not plain:
            yield f"price {item.price:.0f}"
    if order.total is not None and order.total not in [item.price for item in order.items]:
        yield from () if plain else (f"total {order.total:.0f}",)
    if order.stage is not Stage.UNKNOWN:
        yield f"stage {order.stage}"
    if order.planned_at is not None:
        yield f"planned {order.planned_at.astimezone(brief.local_time.tzinfo):%Y-%m-%d}"
    if order.delivery is not None and not plain:
        yield f"delivery {order.delivery}"
