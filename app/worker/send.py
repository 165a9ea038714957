"""What is written goes out: next -> last look -> typing -> send -> record. In order, once."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from app.domain.conversation import (
    Author,
    Entry,
    Kind,
    Message,
    Sending,
    Status,
    with_message,
    without_proactive,
)
from app.domain.decide import unspoken
from app.domain.events import Address
from app.domain.policy import Allow, Deny, Verdict, may_speak, next_morning
from app.domain.rules import MAX_TYPING, RETRY_DELAYS, Reason
from app.errors import AiSellerError, Conflict, Permanent, Transient, Uncertain
from app.worker.turn import Turn

_KINDS = {
    Status.QUEUED: Kind.RETRYING,
    Status.SENT: Kind.SENT,
    Status.DRY_RUN: Kind.DRY_RUN,
    Status.UNCERTAIN: Kind.UNCERTAIN,
    Status.FAILED: Kind.FAILED,
}
"""How the journal tells each outcome of a send."""

RECORD_TRIES = 10
"""Times the outcome of a send is written again when somebody else settled the chat."""


async def send_next(turn: Turn) -> bool:
    """Send the first text of the chat's outbox if its time has come; whether anything changed.

    Raises ``Conflict`` and ``StoreDown``; a failure to send is recorded, not raised.
    """
    message = _next(turn)
    if message is None:
        return False
    if _sending(message).tried_at is not None:
        await _record(turn, message, Status.UNCERTAIN, reason="interrupted")
        return True
    await turn.refresh()  # writing took a while
    if not await _last_look(turn, message):
        return True
    if turn.bot.rules.test_mode:
        await _record(turn, message, Status.DRY_RUN)
        return True
    if await _show_typing(turn, message):
        await turn.refresh()
        if not await _last_look(turn, message):
            return True
    await _send(turn, message)
    return True


def _next(turn: Turn) -> Message | None:
    """The first text whose time has come. Only what we start ourselves is overtaken."""
    for message in turn.conversation.queued:
        if _sending(message).not_before <= turn.now:
            return message
        if message.purpose is None or not message.purpose.proactive:
            return None
    return None


async def _last_look(turn: Turn, message: Message) -> bool:
    """Whether the message may still go, asked on the chat as it is now."""
    current = turn.conversation.message(message.id)
    if current is None or current.status is not Status.QUEUED or current.sending is None:
        return False
    if turn.now > current.sending.expires_at:
        await _record(turn, current, Status.FAILED, reason=Reason.EXPIRED)
        await turn.give_back(current)
        return False
    verdict = _verdict(turn, current)
    if isinstance(verdict, Allow):
        verdict = await _place_today(turn, current)
    if isinstance(verdict, Allow):
        return True
    await turn.commit(*unspoken(turn.conversation, current, verdict, now=turn.now))
    await turn.give_back(current)
    return False


def _verdict(turn: Turn, message: Message) -> Verdict:
    """A person's own words need no permission, only a bot that is switched on."""
    if message.author is Author.PERSON or message.purpose is None:
        enabled = turn.bot.rules.enabled
        return Allow() if enabled else Deny(reason=Reason.DISABLED)
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
    today, cap = turn.local_day(turn.now), turn.bot.rules.max_daily_messages
    if await turn.bot.counters.reserve(message.shop, today, message.id, cap=cap):
        return Allow()
    morning = next_morning(turn.chat, turn.now, turn.bot.rules)
    return Deny(reason=Reason.DAILY_CAP, until=morning)


async def _show_typing(turn: Turn, message: Message) -> bool:
    """Seen, then typing for as long as the text takes; whether time passed.

    A courtesy: when WAHA refuses it, the text still goes.
    """
    waha, to = turn.bot.waha, _address(turn)
    if waha is None:
        return False
    seconds = _typing_seconds(turn, message)
    try:
        await waha.send_seen(message.session, to, _unseen(turn, message))
        if seconds > 0:
            await waha.start_typing(message.session, to)
    except AiSellerError as error:
        turn.bot.log.info("no_presence", chat=turn.chat, reason=error.code)
    if seconds <= 0:
        return False
    await turn.bot.pause(seconds)
    try:
        await waha.stop_typing(message.session, to)
    except AiSellerError as error:
        turn.bot.log.info("no_presence", chat=turn.chat, reason=error.code)
    return True


def _typing_seconds(turn: Turn, message: Message) -> float:
    speed = turn.bot.rules.typing_chars_per_second
    if speed <= 0 or message.author is Author.PERSON or _sending(message).attempts:
        return 0
    return min(len(message.text) / speed, MAX_TYPING.total_seconds())


def _unseen(turn: Turn, message: Message) -> tuple[str, ...]:
    """The customer's messages since ours, by WAHA's full ids: those are what was just read."""
    wire_ids: list[str] = []
    for other in turn.conversation.messages:
        if other.id == message.id or other.session != message.session:
            continue
        if other.author is not Author.CUSTOMER:
            wire_ids.clear()
        elif other.wire_id:
            wire_ids.append(other.wire_id)
    return tuple(wire_ids)


def _address(turn: Turn) -> Address:
    return Address(phone=turn.conversation.phone, lid=turn.conversation.lid)


async def _send(turn: Turn, message: Message) -> None:
    """Mark it as tried, post it, record what came of it."""
    waha = turn.bot.waha
    if waha is None:
        await _later(turn, message, Transient("WAHA is not set up", code="no_waha"))
        return
    await _mark_tried(turn, message)
    try:
        short_id = await waha.send_text(message.session, _address(turn), message.text)
    except Transient as error:
        await _later(turn, message, error)
    except Permanent as error:
        await _failed(turn, message, error)
    except Uncertain as error:
        await _uncertain(turn, message, error)
    else:
        turn.sent += 1
        await turn.bot.contacts.remember_sent(short_id, turn.chat)
        await _record(turn, message, Status.SENT, short_id=short_id)


async def _mark_tried(turn: Turn, message: Message) -> None:
    """A crash from here on leaves a message of which nobody knows whether it went."""
    sending = replace(_sending(message), tried_at=turn.now)
    await turn.commit(with_message(turn.conversation, replace(message, sending=sending)), ())


async def _later(turn: Turn, message: Message, error: Transient) -> None:
    """It did not go: again after a while, in its place in the queue."""
    sending = _sending(message)
    delay = RETRY_DELAYS[min(sending.attempts, len(RETRY_DELAYS) - 1)]
    if error.retry_after is not None:
        delay = max(delay, timedelta(seconds=error.retry_after))
    again = turn.now + delay
    turn.bot.log.warning(
        "send_later", chat=turn.chat, message=message.id, reason=error.code, until=again.isoformat()
    )
    waiting = replace(sending, tried_at=None, attempts=sending.attempts + 1, not_before=again)
    await _record(turn, message, Status.QUEUED, reason=error.code, sending=waiting)


async def _uncertain(turn: Turn, message: Message, error: Uncertain) -> None:
    """It may have gone: never sent again blindly; our own echo will tell."""
    turn.bot.log.warning("uncertain", chat=turn.chat, message=message.id, reason=error.reason)
    cause = error.code or error.reason
    await _record(turn, message, Status.UNCERTAIN, reason=cause)


async def _failed(turn: Turn, message: Message, error: Permanent) -> None:
    """It did not go and will not: buried, and it takes up no cap."""
    cause = error.code or error.reason
    turn.bot.log.error("send_failed", chat=turn.chat, message=message.id, reason=error.reason)
    await _record(turn, message, Status.FAILED, reason=cause)
    await turn.give_back(message)
    await turn.bot.journal.bury_message(message, turn.chat, cause=cause, now=turn.now)


async def _record(
    turn: Turn,
    message: Message,
    status: Status,
    *,
    reason: str | None = None,
    short_id: str | None = None,
    sending: Sending | None = None,
) -> None:
    """Write the outcome; it is true whatever else happened to the chat meanwhile."""
    entry = Entry(
        at=turn.now,
        kind=_KINDS[status],
        shop=message.shop,
        purpose=message.purpose,
        message=message.id,
        order_code=message.order_code,
        reason=reason,
        until=sending.not_before if sending else None,
    )
    for _ in range(RECORD_TRIES):
        current = turn.conversation.message(message.id)
        if current is None:
            return
        after = replace(
            current, status=status, message=short_id or current.message, sending=sending,
            failure=reason if status is Status.FAILED else None,
        )  # fmt: skip
        conversation = with_message(turn.conversation, after)
        if status is Status.FAILED:
            conversation = without_proactive(conversation, message.id)
        try:
            await turn.commit(conversation, (entry,))
        except Conflict:
            await turn.refresh()
        else:
            return
    raise Conflict("the outcome of a send could not be recorded", code="record")


def _sending(message: Message) -> Sending:
    if message.sending is None:
        raise ValueError("only a queued message is sent")
    return message.sending
