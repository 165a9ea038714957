"""What a shop sold, worked out from the orders we know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from litestar import Router, get
from litestar.params import FromPath, QueryParameter
from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import OFF_STAGES
from app.domain.events import READ, Order, Stage
from app.domain.rules import Rules
from app.errors import Permanent, StoreDown, Transient
from app.store.kaspi import Taken
from app.store.known_orders import KnownOrder
from app.web.front import FromFront, Front, known_shop
from app.web.problems import GUARDED, told
from app.web.reading import look

NOT_SOLD = OFF_STAGES | {Stage.WAITING_FOR_SIGNATURE}
"""Stages in which an order is no sale: it did not come about, or has not yet."""

_AT_ONCE = 50
_TOP = 10

Days = Annotated[int, QueryParameter(ge=1, le=366, description="Orders of so many days.")]


class Day(Struct, frozen=True, kw_only=True):
    """Orders of one day of the shop's calendar. ``amount`` is tenge."""

    date: str
    count: int
    amount: float


class Product(Struct, frozen=True, kw_only=True, rename="camel"):
    """How much of one product was sold. ``id`` is the seller's SKU, or its name without one."""

    id: str
    name: str
    quantity: int
    total_amount: float
    average_price: float


class Sums(Struct, frozen=True, kw_only=True, rename="camel"):
    """All days together, tenge."""

    total_sales: float
    total_orders: int
    avg_order_value: float


class Sales(Struct, frozen=True, kw_only=True):
    """Cancelled and returned orders are left out; days without orders too."""

    orders: list[Day]
    top_products: list[Product]
    metrics: Sums


class SellsAnswer(Struct, frozen=True, kw_only=True):
    """``ai_seller`` is what became of the orders that were read for this answer."""

    success: bool
    data: Sales
    ai_seller: Taken
    ai_seller_enabled: bool
    timestamp: datetime


_RESPONSES = GUARDED | told(HTTPStatus.BAD_GATEWAY)


@get("/get_sells_info/{shop_id:str}", responses=_RESPONSES, summary="What a shop sold")
async def get_sells_info(front: FromFront, shop_id: FromPath[str], days: Days = 90) -> SellsAnswer:
    """Read the shop's last fortnight at Kaspi now, and add up all orders we know.

    What is new takes the same way as when the shop is polled, so asking twice sends nothing twice.
    404 for a shop that is not ours, 502 with the reason without a token or when Kaspi is down.
    """
    known_shop(front, shop_id)
    taken = await _pulled(front, shop_id)
    now = front.world.now()
    kept = await front.contacts.orders_since(shop_id, now - timedelta(days=days))
    sold = [order for order in await _as_they_are(front, kept) if _stands(order)]
    return SellsAnswer(
        success=True,
        data=_sales(sold, front.rules),
        ai_seller=taken,
        ai_seller_enabled=front.rules.speaks,
        timestamp=now,
    )


async def _pulled(front: Front, shop_id: str) -> Taken:
    """Raises Permanent, which is a 502, with what keeps Kaspi from answering; ``StoreDown``."""
    try:
        return await front.pull(shop_id)
    except StoreDown:
        raise
    except Transient as error:
        raise Permanent(error.reason, code=error.code) from None


async def _as_they_are(front: Front, kept: list[KnownOrder]) -> list[KnownOrder]:
    """The orders that others told of as their chats know them now, where they still do.

    What was read at Kaspi is newer than any chat's word: kept with every reading, before the chat
    hears of it.
    """
    current: dict[tuple[str, str], Order] = {}
    told = [known for known in kept if known.order.source != READ]
    chats = sorted({known.chat for known in told if known.chat is not None})
    for start in range(0, len(chats), _AT_ONCE):
        for reading in await asyncio.gather(
            *(look(front, chat) for chat in chats[start : start + _AT_ONCE])
        ):
            for order in reading.conversation.orders if reading else ():
                current[order.shop, order.code] = order
    return [
        known
        if known.order.source == READ
        else replace(known, order=current.get((known.order.shop, known.order.code), known.order))
        for known in kept
    ]


def _stands(known: KnownOrder) -> bool:
    return known.order.stage not in NOT_SOLD


def _sales(sold: list[KnownOrder], rules: Rules) -> Sales:
    total = sum(_amount(known.order) for known in sold)
    return Sales(
        orders=_days(sold, rules),
        top_products=_products(known.order for known in sold),
        metrics=Sums(
            total_sales=total,
            total_orders=len(sold),
            avg_order_value=round(total / len(sold), 2) if sold else 0.0,
        ),
    )


def _amount(order: Order) -> float:
    """What was paid; the sum of its lines when the total was not told."""
    return sum(item.price or 0 for item in order.items) if order.total is None else order.total


def _days(sold: Iterable[KnownOrder], rules: Rules) -> list[Day]:
    days: dict[str, list[float]] = {}
    for known in sold:
        made = rules.local(known.order.created_at or known.heard_at)
        days.setdefault(made.date().isoformat(), []).append(_amount(known.order))
    return [
        Day(date=date, count=len(amounts), amount=sum(amounts))
        for date, amounts in sorted(days.items())
    ]


def _products(orders: Iterable[Order]) -> list[Product]:
    """The best sold by money, then by name."""
    sold: dict[str, Product] = {}
    for order in orders:
        for item in order.items:
            id_ = item.sku or item.name
            so_far = sold.get(id_)
            quantity = item.quantity + (so_far.quantity if so_far else 0)
            paid = (item.price or 0) + (so_far.total_amount if so_far else 0)
            sold[id_] = Product(
                id=id_,
                name=item.name,
                quantity=quantity,
                total_amount=paid,
                average_price=round(paid / quantity, 2) if quantity else 0.0,
            )
    return sorted(sold.values(), key=lambda p: (-p.total_amount, p.name))[:_TOP]


ROUTER = Router("/kaspi", route_handlers=[get_sells_info], tags=["seller"])
