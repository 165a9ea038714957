"""Limits that all chats share: the day's cap, a new number's own, the pace of a session."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from app.domain.conversation import Message, with_message
from app.domain.policy import next_morning
from app.domain.sending import sending_of
from app.domain.session import Session, daily_cap
from app.worker.pace import free_from
from app.worker.turn import Turn


async def has_place(turn: Turn, message: Message) -> bool:
    """Whether it holds a place under this day's cap: it may be held back over midnight, or have
    failed, given its place back and been replayed. Raises ``StoreDown``.
    """
    if message.purpose is None or not message.purpose.proactive:
        return True
    return await place_for(turn, message.id, shop=message.shop, session=message.session)


async def place_for(turn: Turn, id_: str, *, shop: str, session: str) -> bool:
    """Take a place under the cap of the shop's day, and of its number's while that warms up.

    Asking twice takes one place. Raises ``StoreDown``.
    """
    bot, today = turn.bot, turn.today
    rules = bot.rules.of(shop)
    if not await bot.counters.reserve(shop, today, id_, cap=rules.max_daily_messages):
        return False
    number = turn.sessions.get(session, Session(name=session)).number
    if rules.warm_up:
        cap = daily_cap(rules, await bot.counters.days_before(number, today))
        if not await bot.counters.reserve_number(number, today, id_, cap=cap):
            return False
    await bot.counters.sent_on(number, today)
    return True


def next_morning_of(turn: Turn, shop: str) -> datetime:
    """When a shop that has used up its day may write to this chat again."""
    return next_morning(turn.chat, turn.now, turn.bot.rules.of(shop))


async def paced(turn: Turn, message: Message) -> bool:
    """Whether it has its turn in the pacing of its session; else it waits for it."""
    sending = sending_of(message)
    slot = await free_from(turn, message.id, message.session, now=turn.now, held=sending.slot)
    if slot is None:
        return True
    waiting = replace(message, sending=replace(sending, not_before=slot, slot=slot, blocked=None))
    await turn.commit(with_message(turn.conversation, waiting), ())
    return False
