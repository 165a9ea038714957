"""Voice notes are listened to as soon as they come, and answered as text, in order."""

from __future__ import annotations

from app.domain.conversation import Message, Written
from app.domain.rules import HEAR_TRIES, LONGEST_VOICE
from app.domain.voice import heard, not_heard, unheard
from app.errors import Permanent, Transient
from app.gateways.transcriber import Transcriber, Transcript
from app.gateways.waha import Waha
from app.worker.turn import Turn

_PAUSE = 1.0
"""Seconds before a voice note is asked for again: WAHA may still be fetching it."""


async def hear_next(turn: Turn) -> bool:
    """Turn the oldest voice note into words, or into a person's task; whether there was one.

    Raises ``Conflict`` and ``StoreDown``.
    """
    message = next(iter(unheard(turn.conversation)), None)
    if message is None:
        return False
    found = await _listened(turn, message)
    await turn.refresh()
    current = turn.conversation.message(message.id)
    if current is None or current.attachment is None:
        return True
    now, rules = turn.now, turn.bot.rules
    if isinstance(found, str) or not found.text:
        why = found if isinstance(found, str) else "silence"
        await turn.commit(*not_heard(turn.conversation, current, why=why, now=now))
        return True
    written = Written(prompt="voice/1", canned=False, requests=1, cost=found.cost)
    await turn.commit(
        *heard(turn.conversation, current, found.text, written=written, now=now, rules=rules)
    )
    return True


async def _listened(turn: Turn, message: Message) -> Transcript | str:
    """The words, or a word for why there are none."""
    bot = turn.bot
    if bot.waha is None or bot.transcriber is None:
        return "no_transcription"
    if not await turn.affords():
        return "budget_spent"
    why = "failed"
    for attempt in range(HEAR_TRIES):
        if attempt:
            await bot.pause(_PAUSE)
        try:
            return await _words_of(bot.waha, bot.transcriber, message)
        except Transient as error:
            why = error.code or error.reason
        except Permanent as error:
            why = error.code or error.reason
            break
    bot.log.warning("not_heard", chat=turn.chat, message=message.id, reason=why)
    return why


async def _words_of(waha: Waha, transcriber: Transcriber, message: Message) -> Transcript:
    attachment = message.attachment
    if attachment is None:
        raise Permanent("nothing to listen to", code="no_file")
    sound = await waha.file(attachment, most=LONGEST_VOICE)
    return await transcriber.transcribe(sound, mimetype=attachment.mimetype, language=None)
