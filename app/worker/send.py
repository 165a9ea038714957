"""What is written goes out: next -> last look -> typing -> send -> record. In order, once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from app.domain.conversation import Author, Message, Status
from app.domain.decide import unspoken, withdrawn, written_over
from app.domain.policy import Allow, Deny, Verdict, may_speak
from app.domain.rules import MOST_SENDS, Purpose, Reason
from app.domain.sending import (
    due_texts,
    failed,
    held,
    later,
    left_out,
    sending_of,
    tried,
    unclear,
    untried,
    went,
)
from app.domain.session import Session
from app.domain.silence import HELP
from app.errors import Permanent, Transient, Uncertain
from app.gateways.waha import Waha
from app.gateways.waha_wire import short_id_for
from app.worker.confirm import look_for
from app.worker.limits import has_place, next_morning_of, paced
from app.worker.presence import address_of, show_typing
from app.worker.record import record
from app.worker.reread import AGAIN, unread
from app.worker.turn import Turn
from app.worker.watch import is_restricted, look_at

_OF_THE_LINE = frozenset({"unreachable", "unauthorized", "session_down", "not_found"})
"""Failures that are the session's or WAHA's own, and not this message's."""

_STALE = timedelta(minutes=5)
"""From what age on a text is not sent before its order was read again."""

_EXISTS = timedelta(minutes=15)
"""How soon a phone is tried again that WhatsApp knows, and WAHA could not find."""


async def send_next(turn: Turn) -> bool:
    """Send the first text whose time has come, or find out whether it went; whether anything
    changed.

    Raises ``Conflict`` and ``StoreDown``; a failure to send is recorded, not raised.
    """
    before = turn.version
    for message in due_texts(turn.conversation, turn.now):
        if message.status is Status.UNCERTAIN:
            await look_for(turn, message)
        elif sending_of(message).tried_at is not None:
            await record(turn, message, partial(unclear, reason="interrupted", now=turn.now))
        else:
            await _send_now(turn, message)
        if turn.version != before:
            return True
    return False


async def _send_now(turn: Turn, message: Message) -> None:
    current = await _last_look(turn, message)
    if current is None or not await _order_stands(turn, current):
        return
    if turn.bot.rules.test_mode:
        await record(turn, current, partial(left_out, now=turn.now))
    elif turn.bot.waha is None:
        await record(turn, current, partial(later, reason="no_waha", now=turn.now))
    elif await _in_pace(turn, current):
        await _send(turn, turn.bot.waha, current)


async def _order_stands(turn: Turn, message: Message) -> bool:
    """Whether a text that has waited may still be said of its order. It was read when the text was
    written; after a while it is read again, and the text waits while it cannot be.
    """
    if message.purpose is None or turn.now - message.at < _STALE:
        return True
    before, purpose, shop = turn.version, message.purpose, message.shop
    if await unread(turn, purpose, shop, code=message.order_code) is None:
        return turn.version == before
    verdict = Deny(reason=Reason.ORDER_UNREAD, until=turn.now + AGAIN)
    await turn.commit(*unspoken(turn.conversation, message, verdict, now=turn.now))
    return False


async def _send(turn: Turn, waha: Waha, message: Message) -> None:
    """Type, look again, mark it as tried, post it, record what came of it.

    The last look comes when nothing has to be waited for any more. The id it shall have in WhatsApp
    is kept before it leaves: by it our own echo is known, also when the answer is lost, on the
    engines that take one.
    """
    await show_typing(turn, waha, message)
    wanted = short_id_for(message.id, await turn.bot.contacts.key())
    async with waha.lane():
        current = await _on_its_way(turn, message, wanted=wanted)
        if current is None:
            return
        answer = await _posted(turn, waha, current, wanted=wanted)
    await _take(turn, message, answer)


async def _on_its_way(turn: Turn, message: Message, *, wanted: str) -> Message | None:
    """The message, marked as tried, if it may still go.

    What came since the last look, a stop or a person's cancel, is looked at first: whoever said it
    before the mark was told that it does not go. The next round of the turn does that.
    """
    current = await _last_look(turn, message)
    if current is None:
        return None
    before = turn.conversation
    await turn.commit(tried(before, current, short_id=wanted, now=turn.now), ())
    if not turn.claimed.unread:
        return current
    await turn.commit(before, ())
    return None


Answer = str | Transient | Permanent | Uncertain
"""The id of a message that went, or why it is not known to have gone."""


async def _posted(turn: Turn, waha: Waha, message: Message, *, wanted: str) -> Answer:
    try:
        return await waha.send_text(message.session, address_of(turn), message.text, id=wanted)
    except (Transient, Permanent, Uncertain) as error:
        return error


async def _take(turn: Turn, message: Message, answer: Answer) -> None:
    """Record what came of it."""
    now = turn.now
    match answer:
        case str():
            turn.sent += 1
            await record(turn, message, partial(went, short_id=answer, now=now))
            session = turn.sessions.get(message.session, Session(name=message.session))
            await turn.bot.sessions.sent(session, now)
        case Transient():
            await _not_now(turn, message, answer)
        case Permanent():
            await _never(turn, message, answer)
        case Uncertain():
            reason, taken = answer.code or answer.reason, answer.code == "no_id"
            turn.bot.log.warning("uncertain", chat=turn.chat, message=message.id, reason=reason)
            await record(turn, message, partial(unclear, reason=reason, taken=taken, now=now))


# --- the last look ----------------------------------------------------------------------------


async def _last_look(turn: Turn, message: Message) -> Message | None:
    """The message, if it may still go; asked on the chat as it is this moment."""
    await turn.refresh()
    now = turn.now
    current = turn.conversation.message(message.id)
    if current is None or current.status is not Status.QUEUED or sending_of(current).tried_at:
        return None
    question = written_over(turn.conversation, current)
    if question is not None:
        await turn.commit(*withdrawn(turn.conversation, current, question, now=now))
        return None
    verdict = _verdict(turn, current)
    if isinstance(verdict, Allow) and not await has_place(turn, current):
        verdict = Deny(reason=Reason.DAILY_CAP, until=next_morning_of(turn, message.shop))
    if isinstance(verdict, Allow):
        return current
    await _held_back(turn, current, verdict)
    return None


async def _held_back(turn: Turn, message: Message, verdict: Deny) -> None:
    now, off = turn.now, verdict.reason is Reason.DISABLED and verdict.until is not None
    answer = message.purpose is not None and not message.purpose.proactive
    if verdict.reason is Reason.SESSION_DOWN or (off and answer):
        conversation, entries = held(turn.conversation, message, now=now, reason=verdict.reason)
        if conversation != turn.conversation:
            await turn.commit(conversation, entries)
    elif message.author is Author.PERSON:
        await record(turn, message, partial(failed, reason=verdict.reason, now=now))
    else:
        await turn.commit(*unspoken(turn.conversation, message, verdict, now=now))


def _verdict(turn: Turn, message: Message) -> Verdict:
    """A person's own words need no permission, only a bot that is switched on and a session."""
    if turn.now > sending_of(message).expires_at:
        return Deny(reason=Reason.EXPIRED)
    if _was_stopped(turn, message):
        return Deny(reason=Reason.OPTED_OUT)
    session = turn.sessions.get(message.session)
    if message.author is Author.PERSON or message.purpose is None:
        if not turn.bot.rules.enabled:
            return Deny(reason=Reason.DISABLED)
        down = session is not None and not session.works
        return Deny(reason=Reason.SESSION_DOWN) if down else Allow()
    return may_speak(
        turn.conversation,
        message.purpose,
        now=turn.now,
        rules=turn.bot.rules.of(message.shop),
        order_code=message.order_code,
        ignoring=message.id,
        session=session,
        always=message.written is not None and message.written.prompt.startswith(f"{HELP}/"),
    )


def _was_stopped(turn: Turn, message: Message) -> bool:
    """Whether the customer said stop after this answer was written: WhatsApp counts in seconds.

    Not when the stop was confirmed before it was: then they went on asking.
    """
    stop = turn.conversation.opt_out
    if stop is None or stop.by is not Author.CUSTOMER or message.purpose is not Purpose.REPLY:
        return False
    was_heeded = any(
        m.purpose is Purpose.OPT_OUT_CONFIRMATION and stop.at <= m.at <= message.at
        for m in turn.conversation.messages
    )
    return stop.at >= message.at.replace(microsecond=0) and not was_heeded


async def _in_pace(turn: Turn, message: Message) -> bool:
    """Whether a proactive text that was tried or held before has its turn in its session."""
    sending = sending_of(message)
    waited = sending.attempts or sending.blocked is not None
    if not waited or message.purpose is None or not message.purpose.proactive:
        return True
    return await paced(turn, message)


# --- what came of it --------------------------------------------------------------------------


async def _not_now(turn: Turn, message: Message, error: Transient) -> None:
    """It certainly did not go. What is the session's fault is no try of this message's."""
    now, code = turn.now, error.code
    turn.bot.log.warning("send_later", chat=turn.chat, message=message.id, reason=code)
    if code == "restricted":
        await _forbidden(turn, message)
        return
    if code in _OF_THE_LINE and not (await look_at(turn.bot, message.session)).works:
        await record(turn, message, untried)
        return
    at_least = timedelta(seconds=error.retry_after or 0)
    await record(turn, message, partial(later, reason=code, at_least=at_least, now=now))


async def _forbidden(turn: Turn, message: Message) -> None:
    """463: WhatsApp lets this number write to no new contacts. Not tried again before the end."""
    until = await is_restricted(turn.bot, message.session)
    if message.purpose is not None and message.purpose.proactive:
        verdict = Deny(reason=Reason.RESTRICTED, until=until)
        await record(turn, message, partial(unspoken, verdict=verdict, now=turn.now))
    else:
        await record(turn, message, partial(failed, reason=Reason.RESTRICTED, now=turn.now))


async def _never(turn: Turn, message: Message, error: Permanent) -> None:
    """It was refused for good; but WAHA not finding a phone may be WAHA's own fault."""
    reason = error.code or error.reason
    turn.bot.log.warning("failed", chat=turn.chat, message=message.id, reason=reason)
    again = sending_of(message).attempts < MOST_SENDS
    if reason == Reason.NOT_ON_WHATSAPP and again and await _exists(turn, message):
        await record(turn, message, partial(later, reason="no_lid", at_least=_EXISTS, now=turn.now))
    else:
        await record(turn, message, partial(failed, reason=reason, now=turn.now))


async def _exists(turn: Turn, message: Message) -> bool:
    phone, waha = turn.conversation.phone, turn.bot.waha
    if phone is None or waha is None:
        return False
    try:
        return await waha.number_exists(message.session, phone) is True
    except Transient:
        return False
