"""What came of a send is written down, whatever else happened to the chat: only we know it."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.conversation import Conversation, Folded, Message
from app.errors import Conflict, StoreDown
from app.worker.turn import Turn

RECORD_TRIES = 10
"""Times the outcome of a send is written again."""

Outcome = Callable[[Conversation, Message], Folded]
"""What becomes of a conversation by what became of its message."""


async def record(turn: Turn, message: Message, outcome: Outcome) -> None:
    """Write ``outcome`` on the chat as it is.

    Nothing is written where the chat already tells more, as after a receipt or our own echo.
    Raises ``Conflict`` when it could not be written; the message is then found out about later.
    """
    for _ in range(RECORD_TRIES):
        current = turn.conversation.message(message.id)
        if current is None or current not in turn.conversation.unsettled:
            return
        try:
            await turn.commit(*outcome(turn.conversation, current))
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
