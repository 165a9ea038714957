"""Orders as they were read at Kaspi become facts: what is new or has changed, once.

There is no second path: they go through the mailbox like a demper's pushes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import derive_id
from app.domain.events import READ, Address, Fact, Item, Order, OrderChanged, Stage
from app.domain.reviews import card_of
from app.domain.rules import Reason
from app.domain.triggers import purposes_due
from app.errors import Refused
from app.gateways.kaspi_resources import Told
from app.gateways.phones import kazakh_mobile
from app.store.journal import Unusable
from app.store.kaspi import Sighting, Taken
from app.store.known_orders import KnownOrder
from app.worker.bot import Bot

_BOUGHT = frozenset({Stage.PAID, Stage.ACCEPTED, Stage.PACKED, Stage.HANDED_OVER})
_ENDED = frozenset({Stage.DELIVERED, Stage.CANCELLED, Stage.RETURNED})
"""Stages after which only the lists tell of an order, until they are too old for these."""

_encode = msgspec.json.Encoder().encode


class Connected(Struct, frozen=True, kw_only=True):
    """When a shop was connected; ``seeding``: not all that was there then is known yet."""

    at: datetime
    seeding: bool = False


class _Change(Struct, frozen=True, kw_only=True):
    """An order that is not as it was, and what is to be remembered of it.

    ``is_news``: it is somebody's to hear of, and not what was there when the shop was connected.
    ``is_forgotten``: its buyer was erased, so that what is read of them is nobody's.
    """

    order: Order
    name: str | None
    phone: str | None
    known: Sighting | None
    now: Sighting
    is_news: bool
    is_forgotten: bool = False


def is_changed(told: Told, known: Sighting | None) -> bool:
    """Whether an order is not as it was when it was last read."""
    if known is None or known.mark != _mark(told):
        return True
    return not told.lines_missing and known.lines != _lines(told.order.items)


async def take_in(
    bot: Bot, shop: str, told: Sequence[Told], *, connected: Connected, now: datetime
) -> Taken:
    """Accept the orders of ``shop`` that have changed as facts; the same ones twice are one.

    What was made before the shop was connected is remembered, and nobody is written to about how
    it was found. A crash at any moment loses nothing: what is remembered is written last.
    Raises ``StoreDown``.
    """
    orders = {each.order.code: each for each in told}
    known = await bot.orders.sightings(shop, list(orders))
    changes = [
        _change(each, known.get(code), connected=connected)
        for code, each in orders.items()
        if is_changed(each, known.get(code))
    ]
    changes, before = await _keep(bot, changes, now)
    facts = await _facts_of(bot, changes, before=before, now=now)
    silent = [change for change in changes if change.order.code not in facts]
    taken = await _accept(bot, changes, facts=facts, now=now)
    muted = {change.order.code: await _mute(bot, change, now) for change in silent}
    await _remember(
        bot, shop, found=[muted.get(each.order.code, each) for each in changes], now=now
    )
    await bot.orders.watch(
        shop,
        still_open=[code for code, each in orders.items() if each.order.stage not in _ENDED],
        ended=[code for code, each in orders.items() if each.order.stage in _ENDED],
        now=now,
    )
    return taken + Taken(already_known=len(orders) - len(changes))


def _change(told: Told, known: Sighting | None, *, connected: Connected) -> _Change:
    order, before = told.order, known.before if known else None
    was_there = _was_there(order, known, connected)
    if was_there or before is Stage.UNKNOWN:  # unreadable until now, so nobody saw it come so far
        before = order.stage
    lines = known.lines if known and told.lines_missing else _lines(order.items)
    return _Change(
        order=replace(order, before=before),
        name=told.name,
        phone=phone_of(told),
        known=known,
        now=Sighting(
            stage=order.stage,
            mark=_mark(told),
            lines=lines,
            times=known.times + 1 if known else 1,
            before=before,
            mute=known.mute if known else False,
        ),
        is_news=not was_there,
    )


def _was_there(order: Order, known: Sighting | None, connected: Connected) -> bool:
    """Whether an order is found as it was when the shop was connected: while that is under way,
    or where a list left it out then.
    """
    if order.created_at is None:
        return connected.seeding
    return (known is None or connected.seeding) and order.created_at <= connected.at


def phone_of(told: Told) -> str | None:
    """The buyer's phone. Kaspi hides phones, now or later: none is a normal outcome."""
    try:
        return kazakh_mobile(told.phone)
    except Refused:
        return None


def _mark(told: Told) -> str:
    """A hash of all of an order that may change, but for its lines; and of whether it has a phone,
    which Kaspi may show later.
    """
    kept = replace(told.order, items=(), before=None)
    return derive_id(_encode(kept).decode(), "" if phone_of(told) is None else "phone")


def _lines(items: tuple[Item, ...]) -> str:
    return derive_id(_encode(items).decode()) if items else ""


async def _keep(
    bot: Bot, changes: Sequence[_Change], now: datetime
) -> tuple[list[_Change], dict[str, KnownOrder]]:
    """Keep the orders that have changed; the changes as they may be told, and what was known."""
    kept = await bot.contacts.keep_orders(
        [(each.order, each.phone) for each in changes], now, first=bot.rules.shops[0].id
    )
    told = [
        replace(each, phone=None, name=None, is_forgotten=True)
        if kept[each.order.code].is_forgotten
        else each
        for each in changes
    ]
    return told, {code: each.known for code, each in kept.items() if each.known}


async def _facts_of(
    bot: Bot, changes: Sequence[_Change], *, before: Mapping[str, KnownOrder], now: datetime
) -> dict[str, Fact]:
    """The facts of what has changed, by the order's number, where there is somebody to hear it.

    What was there before is told to those only who are known already: their chat shall know it.
    """
    first = bot.rules.shops[0].id  # a demper names no shop, so what it tells is the first one's
    found: dict[str, Fact] = {}
    for change in changes:
        order = change.order
        known = before.get(order.code)
        if known is None and order.shop != first:
            known = await bot.contacts.order(first, order.code)
        phone = change.phone or (known.chat if known else None)
        told_already = known is not None and known.order.source != READ
        if phone is not None and (change.is_news or not told_already):
            found[order.code] = _fact(change, phone, now)
    silent = {each.order.code for each in changes if not each.is_news}
    chats = [fact.person.phone for code, fact in found.items() if code in silent]
    strangers = set(chats) - await bot.contacts.known([chat for chat in chats if chat])
    return {
        code: fact
        for code, fact in found.items()
        if code not in silent or fact.person.phone not in strangers
    }


def _fact(change: _Change, phone: str, now: datetime) -> Fact:
    order, seen = change.order, change.now
    event = OrderChanged(
        id=f"read:{order.shop}:{order.code}:{seen.times}:{seen.mark}{seen.lines}",
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
    if change.is_forgotten or not change.is_news or change.now.mute or not asks:
        return change
    fact = Unusable(
        at=now,
        reason=Reason.NO_PHONE,
        detail="Kaspi shows no phone for this order",
        order_code=order.code,
        shop=order.shop,
    )
    await bot.journal.unusable(fact)
    return replace(change, now=replace(change.now, mute=True))


async def _accept(
    bot: Bot, changes: Sequence[_Change], *, facts: Mapping[str, Fact], now: datetime
) -> Taken:
    """Put the facts into the mailbox; what became of the changes, those without one too."""
    chats = await bot.contacts.chats_of(list(facts.values()))
    accepted = await bot.mailbox.accept(chats, now=now)
    fresh = {code for code, is_new in zip(facts, accepted, strict=True) if is_new}
    spoken_of = [each for each in changes if each.is_news and each.order.code in facts]
    told = [each for each in spoken_of if each.order.code in fresh]
    bought = sum(map(_was_bought, told))
    delivered = sum(each.order.stage is Stage.DELIVERED for each in told)
    return Taken(
        new=bought,
        delivered=delivered,
        already_known=len(spoken_of) - bought - delivered,
        skipped=len(changes) - len(spoken_of),
    )


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
