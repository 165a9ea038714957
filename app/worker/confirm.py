"""Whether a message went of which nobody knows: WhatsApp's history is asked, never the customer.

Our own echo mostly comes first, and is folded like any fact; here is what is done without it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from app.domain.conversation import Conversation, Message, Status
from app.domain.events import Address, Fact, LeftOurNumber
from app.domain.fold import fold
from app.domain.rules import CLOCKS
from app.domain.sending import held, look_later, not_seen, sending_of
from app.errors import Permanent, Transient
from app.worker.record import record
from app.worker.turn import Turn
from app.worker.watch import look_at

_LOOK_BACK = timedelta(days=2)
"""How far back something known is looked for, to see whether a history can be trusted."""


async def look_for(turn: Turn, message: Message) -> None:
    """Settle an uncertain message if that can be done by now; else look again later.

    Raises ``Conflict``, ``StoreDown``.
    """
    await turn.refresh()
    current = turn.conversation.message(message.id)
    if current is None or current.status is not Status.UNCERTAIN or current.sending is None:
        return
    session = turn.sessions.get(current.session)
    if session is not None and not session.works:
        conversation, entries = held(turn.conversation, current, now=turn.now)
        if conversation != turn.conversation:
            await turn.commit(conversation, entries)
        return
    try:
        facts = await _history(turn, current)
    except Transient as error:
        turn.bot.log.info("not_looked", chat=turn.chat, message=current.id, reason=error.code)
        await look_at(turn.bot, current.session)
        await record(turn, current, partial(look_later, now=turn.now))
    else:
        await _settle(turn, current, facts)


async def _history(turn: Turn, message: Message) -> tuple[Fact, ...] | None:
    """What was said in the chat since the message was tried; None when WAHA cannot tell."""
    if turn.bot.waha is None:
        return None
    waha, since = turn.bot.waha, _since(turn.conversation, message)
    facts: list[Fact] = []
    try:
        for address in await _addresses(turn):
            facts += await waha.history(message.session, address, since=since, received_at=turn.now)
    except Permanent as error:
        turn.bot.log.info("no_history", chat=turn.chat, reason=error.code)
        return None
    return tuple(facts) if _is_whole(turn.conversation, facts, since=since) else None


async def _addresses(turn: Turn) -> list[Address]:
    """Both names of the chat: WAHA before 2026.3 keeps what was said under each apart."""
    phone, lid = turn.conversation.phone, turn.conversation.lid
    if phone is not None and lid is None:
        lid = await turn.bot.contacts.lid_of_phone(phone)
    both = (Address(phone=phone), Address(lid=lid))
    return [address for address in both if address.phone or address.lid]


def _since(conversation: Conversation, message: Message) -> datetime:
    """From before the message was tried; from something on that WhatsApp must have, if there is."""
    tried_at = (sending_of(message).tried_at or message.at) - CLOCKS
    known = [m.at for m in conversation.messages if _is_known(m) and tried_at - m.at < _LOOK_BACK]
    return min([tried_at, *known[-1:]])


def _is_whole(conversation: Conversation, facts: list[Fact], *, since: datetime) -> bool:
    """Whether the history shows what we know to be in it: one that lacks it proves nothing."""
    known = {m.message for m in conversation.messages if _is_known(m) and m.at >= since}
    shown = {getattr(fact.event, "message", None) for fact in facts}
    return not known or bool(known & shown)


def _is_known(message: Message) -> bool:
    """Whether WhatsApp certainly has it: received by us, or by the customer."""
    settled = (Status.RECEIVED, Status.DELIVERED, Status.READ)
    return message.message is not None and message.status in settled and not message.revoked


async def _settle(turn: Turn, message: Message, facts: tuple[Fact, ...] | None) -> None:
    now, rules = turn.now, turn.bot.rules
    seen = None if facts is None else _seen(turn.conversation, message, facts)
    if seen is not None:
        conversation, entries = fold(turn.conversation, seen, now=now, rules=rules)
        if conversation != turn.conversation:
            await turn.commit(conversation, entries)
            return
    session = turn.sessions.get(message.session)
    unseen = partial(
        not_seen,
        knowable=facts is not None,
        works_since=session.since if session else None,
        now=now,
        rules=rules,
    )
    await record(turn, message, unseen)


def _seen(
    conversation: Conversation, message: Message, facts: tuple[Fact, ...]
) -> LeftOurNumber | None:
    """The message as WhatsApp has it: by its id, or by its words under an id that is nobody's."""
    ours = [fact.event for fact in facts if isinstance(fact.event, LeftOurNumber)]
    by_id = next((event for event in ours if event.message == message.message), None)
    words = message.text.split()
    return by_id or next(
        (
            event
            for event in ours
            if event.text.split() == words and conversation.ours(event.message) is None
        ),
        None,
    )
