"""What is written goes out: next -> last look -> typing -> send -> record. In order, once."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from app.domain.conversation import (
    Author,
    Entry,
    Kind,
    Message,
    Sending,
    Status,
    with_message,
    with_proactive_at,
    without_proactive,
)
from app.domain.decide import next_text, sending_of, unspoken
from app.domain.policy import Allow, Deny, Verdict, may_speak, next_morning
from app.domain.rules import RETRY_DELAYS, Reason
from app.errors import Conflict, Permanent, StoreDown, Transient, Uncertain
from app.gateways.waha import Waha
from app.worker.pace import free_from
from app.worker.presence import address_of, show_typing
from app.worker.turn import Turn

_KINDS = {
    Status.QUEUED: Kind.RETRYING,
    Status.SENT: Kind.SENT,
    Status.DRY_RUN: Kind.DRY_RUN,
    Status.UNCERTAIN: Kind.UNCERTAIN,
    Status.FAILED: Kind.FAILED,
}
"""How the journal tells each outcome of a send."""

_OPEN = frozenset({Status.QUEUED, Status.UNCERTAIN})
"""Statuses of which the outcome of a send still tells something new."""

RECORD_TRIES = 10
"""Times the outcome of a send is written again: nobody else knows it."""


async def send_next(turn: Turn) -> bool:
    """Send the first text whose time has come; whether anything changed.

    Raises ``Conflict`` and ``StoreDown``; a failure to send is recorded, not raised.
    """
    message = next_text(turn.conversation, turn.now)
    if message is None:
        return False
    if sending_of(message).tried_at is not None:
        await _record(turn, message, Status.UNCERTAIN, reason="interrupted")
        return True
    current = await _last_look(turn, message)
    if current is None:
        return True
    if turn.bot.rules.test_mode:
        await _record(turn, current, Status.DRY_RUN)
    elif turn.bot.waha is None:
        await _later(turn, current, Transient("WAHA is not set up", code="no_waha"))
    elif await _in_pace(turn, current):
        await _send(turn, turn.bot.waha, current)
    return True


async def _send(turn: Turn, waha: Waha, message: Message) -> None:
    """Type, look again, mark it as tried, post it, record what came of it."""
    await show_typing(turn, waha, message)
    if not await _last_look(turn, message):
        return
    message = await _mark_tried(turn, message)
    try:
        short_id = await waha.send_text(message.session, address_of(turn), message.text)
    except Transient as error:
        await _later(turn, message, error)
    except Permanent as error:
        turn.bot.log.warning("failed", chat=turn.chat, message=message.id, reason=error.reason)
        await _record(turn, message, Status.FAILED, reason=error.code or error.reason)
    except Uncertain as error:
        turn.bot.log.warning("uncertain", chat=turn.chat, message=message.id, reason=error.reason)
        await _record(turn, message, Status.UNCERTAIN, reason=error.code or error.reason)
    else:
        turn.sent += 1
        await _record(turn, message, Status.SENT, short_id=short_id)
        await turn.bot.contacts.remember_sent(short_id, turn.chat)


# --- the last look ----------------------------------------------------------------------------


async def _last_look(turn: Turn, message: Message) -> Message | None:
    """The message, if it may still go; asked on the chat as it is this moment."""
    await turn.refresh()
    current = turn.conversation.message(message.id)
    if current is None or current.status is not Status.QUEUED:
        return None
    verdict = _verdict(turn, current)
    if isinstance(verdict, Allow):
        verdict = await _place_today(turn, current)
    if isinstance(verdict, Allow):
        return current
    if current.author is Author.PERSON:
        await _record(turn, current, Status.FAILED, reason=verdict.reason)
    else:
        await turn.commit(*unspoken(turn.conversation, current, verdict, now=turn.now))
    return None


def _verdict(turn: Turn, message: Message) -> Verdict:
    """A person's own words need no permission, only a bot that is switched on."""
    if turn.now > sending_of(message).expires_at:
        return Deny(reason=Reason.EXPIRED)
    if message.author is Author.PERSON or message.purpose is None:
        return Allow() if turn.bot.rules.enabled else Deny(reason=Reason.DISABLED)
    return may_speak(
        turn.conversation,
        message.purpose,
        now=turn.now,
        rules=turn.bot.rules,
        order_code=message.order_code,
        ignoring=message.id,
    )


async def _place_today(turn: Turn, message: Message) -> Verdict:
    """Whether it holds a place under this day's cap: it may be held back over midnight, or have
    failed, given its place back and been replayed.
    """
    if message.purpose is None or not message.purpose.proactive:
        return Allow()
    cap = turn.bot.rules.max_daily_messages
    if await turn.bot.counters.reserve(message.shop, turn.today, message.id, cap=cap):
        return Allow()
    morning = next_morning(turn.chat, turn.now, turn.bot.rules)
    return Deny(reason=Reason.DAILY_CAP, until=morning)


async def _in_pace(turn: Turn, message: Message) -> bool:
    """Whether a proactive text that is tried again has its turn in the pacing of its session."""
    sending = sending_of(message)
    if not sending.attempts or message.purpose is None or not message.purpose.proactive:
        return True
    slot = await free_from(turn, message.id, message.session, now=turn.now, held=sending.slot)
    if slot is None:
        return True
    waiting = replace(message, sending=replace(sending, not_before=slot, slot=slot))
    await turn.commit(with_message(turn.conversation, waiting), ())
    return False


# --- what came of it --------------------------------------------------------------------------


async def _mark_tried(turn: Turn, message: Message) -> Message:
    """A crash from here on leaves a message of which nobody knows whether it went."""
    tried = replace(message, sending=replace(sending_of(message), tried_at=turn.now))
    await turn.commit(with_message(turn.conversation, tried), ())
    return tried


async def _later(turn: Turn, message: Message, error: Transient) -> None:
    """It did not go: again after a while, in its place in the queue."""
    sending = sending_of(message)
    delay = RETRY_DELAYS[min(sending.attempts, len(RETRY_DELAYS) - 1)]
    if error.retry_after is not None:
        delay = max(delay, timedelta(seconds=error.retry_after))
    again = turn.now + delay
    turn.bot.log.warning(
        "send_later", chat=turn.chat, message=message.id, reason=error.code, until=again.isoformat()
    )
    waiting = replace(
        sending, tried_at=None, slot=None, attempts=sending.attempts + 1, not_before=again
    )
    await _record(turn, message, Status.QUEUED, reason=error.code, sending=waiting)


async def _record(
    turn: Turn,
    message: Message,
    status: Status,
    *,
    reason: str | None = None,
    short_id: str | None = None,
    sending: Sending | None = None,
) -> None:
    """Write the outcome, whatever else happened to the chat: it is true, and known only here.

    Nothing is written where the chat already tells more, as after a receipt or our own echo.
    """
    entry = _entry(message, status, now=turn.now, reason=reason, sending=sending)
    for _ in range(RECORD_TRIES):
        current = turn.conversation.message(message.id)
        if current is None or current.status not in _OPEN:
            return
        after = replace(
            current,
            status=status,
            message=short_id or current.message,
            sending=sending,
            failure=reason if status is Status.FAILED else None,
        )
        conversation = with_message(turn.conversation, after)
        if status is Status.FAILED:
            conversation = without_proactive(conversation, message.id)
        elif status is not Status.QUEUED:
            conversation = with_proactive_at(conversation, message.id, turn.now)
        try:
            await turn.commit(conversation, (entry,))
        except (Conflict, StoreDown) as error:
            await _read_again(turn, error)
        else:
            return
    raise Conflict("the outcome of a send could not be recorded", code="record")


async def _read_again(turn: Turn, error: Conflict | StoreDown) -> None:
    """The chat as it is now, if the store lets us; the next try tells."""
    if isinstance(error, StoreDown):
        await turn.bot.world.sleep(error.retry_after or 1)
    try:
        await turn.refresh()
    except (Conflict, StoreDown) as again:
        turn.bot.log.warning("not_recorded_yet", chat=turn.chat, reason=again.reason)


def _entry(
    message: Message, status: Status, *, now: datetime, reason: str | None, sending: Sending | None
) -> Entry:
    return Entry(
        at=now,
        kind=_KINDS[status],
        shop=message.shop,
        purpose=message.purpose,
        message=message.id,
        order_code=message.order_code,
        reason=reason,
        until=sending.not_before if sending else None,
    )
