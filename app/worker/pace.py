"""The pause between two proactive messages of one session, drawn from their ids."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.conversation import share
from app.worker.turn import Turn


async def free_from(
    turn: Turn, id_: str, session: str, *, now: datetime, held: datetime | None = None
) -> datetime | None:
    """Until when the message ``id_`` has to wait for its turn in the session; None for no longer.

    A slot that is ``held`` is kept while it is fresh: after an outage all would lie in the past,
    and everything would leave at once. Raises ``StoreDown``.
    """
    shortest, longest = turn.bot.rules.send_interval
    if longest <= 0:
        return None
    if held is not None and now - held <= timedelta(seconds=longest):
        return held if held > now else None
    pause = timedelta(seconds=shortest + (longest - shortest) * share(id_, "pause"))
    slot = await turn.bot.counters.pace(session, now=now, pause=pause)
    return slot if slot > now else None
