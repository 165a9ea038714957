"""An order is read at Kaspi again before something is asked or offered about it.

What was delivered may have been cancelled or returned since the last list was read.
"""

from __future__ import annotations

from datetime import timedelta

from app.domain.conversation import Pending, derive_id
from app.domain.decide import wait
from app.domain.events import OrderChanged
from app.domain.fold import fold
from app.domain.rules import OFFERING, Purpose, Reason
from app.errors import Permanent, StoreDown, Transient
from app.worker.turn import Turn

AGAIN = timedelta(minutes=10)
"""How soon an order is asked for again when Kaspi did not answer."""


async def is_as_known(turn: Turn, pending: Pending) -> bool:
    """Whether the order of ``pending`` is as the chat knows it, and so may be spoken of.

    Otherwise the chat has changed: what Kaspi says now is taken in, or ``pending`` waits until
    Kaspi answers. What asks for nothing, and orders of shops that are not read, are as they are.
    Raises ``Conflict`` and ``StoreDown``.
    """
    before = turn.version
    if not await takes_in_order(turn, pending.purpose, pending.shop, code=pending.order_code):
        until = turn.now + AGAIN
        again = wait(turn.conversation, pending, Reason.ORDER_UNREAD, until=until, now=turn.now)
        await turn.commit(*again)
    return turn.version == before


async def takes_in_order(turn: Turn, purpose: Purpose, shop: str, *, code: str | None) -> bool:
    """Take in how the order is at Kaspi now, where ``purpose`` depends on it; False when Kaspi
    does not answer. Raises ``Conflict`` and ``StoreDown``.
    """
    api = turn.bot.kaspi.get(shop)
    if api is None or code is None or purpose not in OFFERING:
        return True
    try:
        told = await api.order(code)
    except StoreDown:
        raise
    except (Transient, Permanent) as error:
        turn.bot.log.warning("order_unread", chat=turn.chat, shop=shop, code=error.code)
        return False
    if told is None:  # somebody else's, or one that only a demper knows
        return True
    now = turn.now
    event = OrderChanged(
        id=derive_id("reread", shop, code, now.isoformat()),
        at=now,
        received_at=now,
        order=told.order,
        customer_name=told.name,
    )
    conversation, entries = fold(turn.conversation, event, now=now, rules=turn.bot.rules)
    if conversation != turn.conversation:
        await turn.commit(conversation, entries)
    return True
