"""Whether a message went of which nobody knows: WhatsApp's history is asked, never the customer.

Our own echo mostly comes first, and is folded like any fact; here is what is done without it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from app.domain.conversation import Conversation, Message, Status
from app.domain.events import Fact, LeftOurNumber
from app.domain.fold import fold
from app.domain.sending import held, look_later, not_seen, sending_of
from app.errors import Permanent, Transient
from app.worker.presence import address_of
from app.worker.record import record
from app.worker.turn import Turn
from app.worker.watch import look_at

_CLOCKS = timedelta(minutes=2)
"""How far WhatsApp's clock and ours may be apart."""


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
    since = (sending_of(message).tried_at or message.at) - _CLOCKS
    try:
        return await turn.bot.waha.history(
            message.session, address_of(turn), since=since, received_at=turn.now
        )
    except Permanent as error:
        turn.bot.log.info("no_history", chat=turn.chat, reason=error.code)
        return None


async def _settle(turn: Turn, message: Message, facts: tuple[Fact, ...] | None) -> None:
    now, rules = turn.now, turn.bot.rules
    seen = None if facts is None else _seen(turn.conversation, message, facts)
    if seen is not None:
        await turn.commit(*fold(turn.conversation, seen, now=now, rules=rules))
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
            if event.text.split() == words and conversation.by_wire(event.message) is None
        ),
        None,
    )
