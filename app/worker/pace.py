"""The pause between two proactive messages of one session, drawn from their ids."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.conversation import share
from app.worker.turn import Turn


async def slot_of(turn: Turn, id_: str, session: str, *, held: datetime | None = None) -> datetime:
    """When the session may send the message ``id_``: a pause after the one before.

    A slot that is ``held`` is kept while it is fresh: after an outage all would lie in the past,
    and everything would leave at once. Raises ``StoreDown``.
    """
    shortest, longest = turn.bot.rules.send_interval
    if longest <= 0:
        return turn.now
    if held is not None and turn.now - held <= timedelta(seconds=longest):
        return held
    pause = timedelta(seconds=shortest + (longest - shortest) * share(id_, "pause"))
    return await turn.bot.counters.pace(session, now=turn.now, pause=pause)
