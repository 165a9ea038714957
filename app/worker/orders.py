"""Orders as they were read at Kaspi become facts: what is new or has changed, once.

There is no second path: they go through the mailbox like a demper's pushes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import derive_id
from app.domain.events import Address, Fact, Item, Order, OrderChanged, Stage
from app.domain.reviews import card_of
from app.domain.rules import Reason
from app.domain.triggers import purposes_due
from app.errors import Refused
from app.gateways.kaspi_resources import Told
from app.gateways.phones import kazakh_mobile
from app.store.journal import Unusable
from app.store.kaspi import Sighting, Taken
from app.worker.bot import Bot

_BOUGHT = frozenset({Stage.PAID, Stage.ACCEPTED, Stage.PACKED, Stage.HANDED_OVER})
_ENDED = frozenset({Stage.DELIVERED, Stage.CANCELLED, Stage.RETURNED})
"""Stages after which only the lists tell of an order, until they are too old for these."""

_encode = msgspec.json.Encoder().encode


class _Change(Struct, frozen=True, kw_only=True):
    """An order that is not as it was, and what is to be remembered of it."""

    order: Order
    name: str | None
    phone: str | None
    known: Sighting | None
    now: Sighting
    is_news: bool


def is_changed(told: Told, known: Sighting | None) -> bool:
    """Whether an order is not as it was when it was last read."""
    if known is None or known.mark != _mark(told.order):
        return True
    return not told.lines_missing and known.lines != _lines(told.order.items)


async def take_in(
    bot: Bot, shop: str, told: Sequence[Told], *, there_before: datetime | None, now: datetime
) -> Taken:
    """Accept the orders of ``shop`` that have changed as facts; the same ones twice are one.

    ``there_before``: while a shop is being connected, when that began: what was made earlier is
    remembered, and nobody is written to about how it is now. A crash at any moment loses nothing:
    what is remembered is written last. Raises ``StoreDown``.
    """
    orders = {each.order.code: each for each in told}
    known = await bot.orders.sightings(shop, list(orders))
    changes = [
        _change(each, known.get(code), there_before=there_before)
        for code, each in orders.items()
        if is_changed(each, known.get(code))
    ]
    await bot.contacts.keep_orders([(change.order, change.phone) for change in changes], now)
    taken = Taken(already_known=len(orders) - len(changes))
    facts: list[tuple[_Change, Fact]] = []
    for index, change in enumerate(changes):
        fact = await _fact_of(bot, change, now) if change.is_news else None
        if fact is not None:
            facts.append((change, fact))
        else:
            taken += Taken(skipped=1)
            changes[index] = await _mute(bot, change, now)
    taken += await _accept(bot, facts, now)
    await _remember(bot, shop, found=changes, now=now)
    await bot.orders.watch(
        shop,
        still_open=[code for code, each in orders.items() if each.order.stage not in _ENDED],
        ended=[code for code, each in orders.items() if each.order.stage in _ENDED],
        now=now,
    )
    return taken


def _change(told: Told, known: Sighting | None, *, there_before: datetime | None) -> _Change:
    order = told.order
    before = known.before if known else None
    if there_before is not None:
        made = order.created_at
        is_older = known is not None or made is None or made <= there_before
        before = order.stage if is_older else before
    lines = known.lines if known and told.lines_missing else _lines(order.items)
    return _Change(
        order=replace(order, before=before),
        name=told.name,
        phone=_phone_of(told),
        known=known,
        now=Sighting(
            stage=order.stage,
            mark=_mark(order),
            lines=lines,
            times=known.times + 1 if known else 1,
            before=before,
            mute=known.mute if known else False,
        ),
        is_news=known is not None or before is None,
    )


def _phone_of(told: Told) -> str | None:
    """Kaspi hides phones, now or later: none is a normal outcome."""
    try:
        return kazakh_mobile(told.phone)
    except Refused:
        return None


def _mark(order: Order) -> str:
    """A hash of all of an order that may change, but for its lines."""
    kept = replace(order, items=(), before=None)
    return derive_id(_encode(kept).decode())


def _lines(items: tuple[Item, ...]) -> str:
    return derive_id(_encode(items).decode()) if items else ""


async def _fact_of(bot: Bot, change: _Change, now: datetime) -> Fact | None:
    """The fact of a change, for the person the order was first read with; None without one."""
    order = change.order
    known = await bot.contacts.order(order.shop, order.code)
    phone = known.chat if known and known.chat else change.phone
    if phone is None:
        return None
    event = OrderChanged(
        id=f"read:{order.shop}:{order.code}:{change.now.times}:{change.now.mark}{change.now.lines}",
        at=now,
        received_at=now,
        order=order,
        customer_name=change.name,
    )
    return Fact(person=Address(phone=phone), event=event)


async def _mute(bot: Bot, change: _Change, now: datetime) -> _Change:
    """Tell once of an order that asks for words and has nobody to say them to."""
    order = change.order
    asks = purposes_due(order, now=now, rules=bot.rules)
    if not change.is_news or change.now.mute or not asks:
        return change
    fact = Unusable(
        at=now,
        reason=Reason.NO_PHONE,
        detail="Kaspi shows no phone for this order",
        order_code=order.code,
    )
    await bot.journal.unusable(fact)
    return replace(change, now=replace(change.now, mute=True))


async def _accept(bot: Bot, facts: Sequence[tuple[_Change, Fact]], now: datetime) -> Taken:
    if not facts:
        return Taken()
    chats = await bot.contacts.chats_of([fact for _, fact in facts])
    new = await bot.mailbox.accept(chats, now=now)
    fresh = [change for (change, _), is_new in zip(facts, new, strict=True) if is_new]
    bought = [change for change in fresh if _was_bought(change)]
    delivered = [change for change in fresh if change.order.stage is Stage.DELIVERED]
    rest = len(facts) - len(bought) - len(delivered)
    return Taken(new=len(bought), delivered=len(delivered), already_known=rest)


def _was_bought(change: _Change) -> bool:
    """Whether an order is seen for the first time as one that was bought."""
    known = change.known
    return change.order.stage in _BOUGHT and (known is None or known.stage not in _BOUGHT)


async def _remember(bot: Bot, shop: str, *, found: Sequence[_Change], now: datetime) -> None:
    items = [item for change in found for item in change.order.items]
    cards = {item.sku: card for item in items if item.sku and (card := card_of(item))}
    await bot.orders.see(
        shop,
        {change.order.code: change.now for change in found},
        made={change.order.code: change.order.created_at or now for change in found},
        cards=cards,
    )
