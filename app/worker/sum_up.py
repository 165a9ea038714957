"""A person was called: they are told what it is about, and what might be answered."""

from __future__ import annotations

from app.domain.called import brief_of_call, needs_summary, shop_called, summed_up
from app.domain.hand_over import TWO_FAILED
from app.domain.meaning import Concern
from app.worker.inform import informed
from app.worker.turn import Turn
from app.writing.summaries import summary_of

_MODEL_HELPS = frozenset({*Concern, TWO_FAILED})
"""Calls for which a draft of the model's is worth its money; where it has failed, it is not."""


async def sum_up(turn: Turn) -> bool:
    """Whether a call was summed up. Raises ``Conflict`` and ``StoreDown``.

    The customer is served first: this is done when nothing else is due in the chat.
    """
    person = turn.conversation.needs_person
    if person is None or not needs_summary(turn.conversation):
        return False
    bot = turn.bot
    shop = shop_called(turn.conversation, bot.rules).id
    brief = brief_of_call(turn.conversation, now=turn.now, rules=bot.rules)
    brief = informed(brief, bot.shelves.of(shop))
    summary = summary_of(brief, person.reason, language=bot.rules.of(shop).languages[0])
    worth = person.reason in _MODEL_HELPS and not person.helped and await turn.affords()
    draft = await bot.writer.suggest(brief, afford=worth)
    await turn.refresh()
    settled = summed_up(
        turn.conversation,
        summary=summary,
        suggestion=draft.text if draft else None,
        written=draft.written if draft else None,
        shop=shop,
        now=turn.now,
    )
    await turn.commit(*settled)
    if not person.helped:
        bot.log.warning("person_called", chat=turn.chat, reason=person.reason)
    return True
