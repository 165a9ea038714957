"""Orders by their numbers: whose each is, and how it was last heard of."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio.client import Pipeline

from app.domain.events import Order
from app.store import keys
from app.store.claims import millis


class KnownOrder(Struct, frozen=True, kw_only=True):
    """An order as we first heard of it, or as it was last read at Kaspi, and whose it is.

    ``chat`` is None where nobody ever told the buyer's phone.
    """

    chat: str | None
    order: Order
    heard_at: datetime


_encode = msgspec.json.Encoder().encode
known_order = msgspec.json.Decoder(KnownOrder).decode


def kept_order(
    order: Order, phone: str | None, *, known: KnownOrder | None, now: datetime
) -> KnownOrder:
    """What is kept of an order that was read, with what was known of it before: a phone that is
    known stays, and lines that are not told again.
    """
    if known is None:
        return KnownOrder(chat=phone, order=order, heard_at=now)
    whole = replace(order, items=order.items or known.order.items)
    return KnownOrder(chat=known.chat or phone, order=whole, heard_at=known.heard_at)


def keep(pipe: Pipeline, known: KnownOrder, *, anew: bool = False) -> None:
    """Have ``pipe`` write it, and find it by its shop and its buyer; ``anew``: not over another."""
    order = known.order
    _ = pipe.set(keys.order(order.shop, order.code), _encode(known), nx=anew)
    made = millis(order.created_at or known.heard_at)
    _ = pipe.zadd(keys.orders(order.shop), {order.code: made}, nx=True)
    if known.chat is not None:
        _ = pipe.sadd(keys.orders_of(known.chat), f"{order.shop}:{order.code}")
