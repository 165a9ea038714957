"""What a person would show before answering: the message was seen, somebody types."""

from __future__ import annotations

from collections.abc import Awaitable

from app.domain.conversation import Author, Message
from app.domain.events import Address
from app.domain.rules import MAX_TYPING
from app.domain.sending import sending_of
from app.errors import AiSellerError, Permanent
from app.gateways.waha import Waha
from app.worker.turn import Turn


async def show_typing(turn: Turn, waha: Waha, message: Message) -> None:
    """Seen, then typing for as long as the text takes.

    A courtesy: when WAHA cannot do it, the text still goes; and when WAHA or its session is down,
    the text is tried at once, since WAHA makes every call wait that long before it says so.
    """
    to, seconds = address_of(turn), _typing_seconds(turn, message)
    if not await _done(turn, waha.send_seen(message.session, to, _unseen(turn, message))):
        return
    if seconds <= 0 or not await _done(turn, waha.start_typing(message.session, to)):
        return
    await turn.bot.pause(seconds)
    await _done(turn, waha.stop_typing(message.session, to))


async def _done(turn: Turn, call: Awaitable[None]) -> bool:
    """Whether WAHA is there: it did what was asked, or said that this it cannot do."""
    try:
        await call
    except AiSellerError as error:
        turn.bot.log.info("no_presence", chat=turn.chat, reason=error.code)
        return isinstance(error, Permanent)
    return True


def address_of(turn: Turn) -> Address:
    """Where the customer is written to."""
    return Address(phone=turn.conversation.phone, lid=turn.conversation.lid)


def _typing_seconds(turn: Turn, message: Message) -> float:
    speed = turn.bot.rules.typing_chars_per_second
    if speed <= 0 or message.author is Author.PERSON or sending_of(message).attempts:
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
