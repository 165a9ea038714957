"""An order is read at Kaspi again before something is asked or offered about it.

What was delivered may have been cancelled or returned since the last list was read.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from app.domain.conversation import Pending, derive_id
from app.domain.decide import wait
from app.domain.events import OrderChanged
from app.domain.fold import fold
from app.domain.rules import ASKING, OFFERING, Purpose, Reason
from app.errors import Permanent, StoreDown, Transient
from app.gateways.kaspi_api import NOT_FOUND, TOKEN_REFUSED, TOO_MANY, KaspiApi
from app.gateways.kaspi_resources import Told
from app.gateways.kaspi_wire import MADE
from app.worker.orders import phone_of
from app.worker.refusals import heed, is_refused, slowed_until, turned_away
from app.worker.turn import Turn

_OF_THE_SELLER = frozenset({TOKEN_REFUSED, NOT_FOUND})
"""Failures that last until the seller mends a setting."""

AGAIN = timedelta(minutes=10)
"""How soon an order is asked for again when Kaspi did not answer."""


async def is_read_again(turn: Turn, pending: Pending) -> bool:
    """Whether the chat knows how the order of ``pending`` is now, where that is to be read first;
    otherwise ``pending`` waits until Kaspi answers. A thank-you does not wait for a seller to mend
    the token or the merchant's id: it offers nothing then. Raises ``Conflict`` and ``StoreDown``.
    """
    why = await unread(turn, pending.purpose, pending.shop, code=pending.order_code)
    if why is None:
        return True
    if why in _OF_THE_SELLER and pending.purpose not in ASKING:
        turn.offers = False
        return True
    until = turn.now + AGAIN
    again = wait(turn.conversation, pending, Reason.ORDER_UNREAD, until=until, now=turn.now)
    await turn.commit(*again)
    return False


async def unread(turn: Turn, purpose: Purpose, shop: str, *, code: str | None) -> str | None:
    """Take in how the order is at Kaspi now, where ``purpose`` depends on it; the code of why that
    cannot be read, None when it is known. Raises ``Conflict`` and ``StoreDown``.
    """
    api = turn.bot.kaspi.get(shop)
    if api is None or code is None or code.startswith(MADE) or purpose not in OFFERING:
        return None
    try:
        told = await _read(turn, api, code)
    except StoreDown:
        raise
    except (Transient, Permanent) as error:
        turn.bot.log.warning("order_unread", chat=turn.chat, shop=shop, code=error.code)
        return error.code or "failed"
    if told is None:  # somebody else's, or one that only a demper knows
        return None
    conversation, entries = fold(
        turn.conversation, _event(turn, told), now=turn.now, rules=turn.bot.rules
    )
    if conversation != turn.conversation:
        await turn.commit(conversation, entries)
        await _to_be_told_again(turn, told)
    return None


async def _to_be_told_again(turn: Turn, told: Told) -> None:
    """The next list tells of the order in any case: should it be again as it was there, the chat
    would never hear of it.
    """
    shop, code, orders = told.order.shop, told.order.code, turn.bot.orders
    for sighting in (await orders.sightings(shop, [code])).values():
        made = {code: told.order.created_at or turn.now}
        await orders.see(shop, {code: replace(sighting, mark="")}, made=made, cards={})


def _event(turn: Turn, told: Told) -> OrderChanged:
    """How the order is now; under somebody else's phone it says nothing of who bought what."""
    order, now, phone = told.order, turn.now, phone_of(told)
    theirs = phone is None or phone == turn.conversation.phone
    return OrderChanged(
        id=derive_id("reread", order.shop, order.code, now.isoformat()),
        at=now,
        received_at=now,
        order=order if theirs else replace(order, items=(), total=None),
        customer_name=told.name if theirs else None,
    )


async def _read(turn: Turn, api: KaspiApi, code: str) -> Told | None:
    """The order at Kaspi now; None when it has none. Raises ``Transient``, ``Permanent`` when it
    does not say, or has asked not to be asked; ``StoreDown``.
    """
    bot = turn.bot
    reading = await bot.orders.reading(api.shop)
    if is_refused(reading, api):
        raise Permanent("Kaspi has refused the token", code=TOKEN_REFUSED)
    if slowed_until(reading, turn.now) is not None or turned_away(reading, turn.now):
        raise Transient("Kaspi asked to slow down", code=TOO_MANY)
    try:
        told = await api.order(code)
    except StoreDown:
        raise
    except (Transient, Permanent) as error:
        await heed(bot, api, error)
        raise
    if told is None:
        return None
    return replace(told, order=await bot.contacts.with_cards(told.order))
