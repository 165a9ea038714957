"""One turn of one chat: claim -> fold -> decide -> write -> commit -> send, until nothing is due.

Run twice, it does nothing twice: every step is committed on the version it was decided on.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from app.domain.brief import Draft
from app.domain.conversation import Conversation, Pending, derive_id
from app.domain.decide import (
    Write,
    decide,
    overtaken,
    session_for,
    spoken,
    thrown_away,
    wait,
)
from app.domain.rules import Reason
from app.errors import Conflict, Transient
from app.store.claims import Buried, Claimed
from app.worker.bot import Bot
from app.worker.hear import hear_next
from app.worker.inform import informed
from app.worker.limits import next_morning_of, place_for
from app.worker.pace import free_from
from app.worker.people import has_whatsapp, is_known_in_full, moved_to_phone
from app.worker.reread import is_read_again
from app.worker.send import send_next
from app.worker.sum_up import sum_up
from app.worker.turn import Turn

ROUNDS = 30
"""Texts one turn may write before it makes room for other chats."""

MOST_BEGUN = 8
"""Turns that may die one after the other before a chat is given up for a while."""

BURIED_PAUSE = timedelta(hours=1)

LISTEN_EVERY = 0.3
"""Seconds between two looks into the mailbox while the model writes."""


async def run_turn(bot: Bot, chat: str) -> None:
    """Settle all that ``chat`` has waiting and all that is due, and schedule its next turn.

    Raises ``Conflict`` when another worker settled the chat meanwhile (run again at once) and
    ``StoreDown`` (run again later); nothing is lost in either case.
    """
    started = bot.world.monotonic()
    claimed = await bot.mailbox.claim(chat)
    turn: Turn | None = None
    if claimed.begun > MOST_BEGUN:
        await _give_up(bot, claimed)
    elif not await moved_to_phone(bot, claimed):
        turn = await Turn.begin(bot, claimed)
        await _settle(turn)
        bot.log.info(
            "turn",
            chat=chat,
            facts=len(claimed.events),
            wrote=turn.wrote,
            sent=turn.sent,
            did=turn.did,
            ms=round((bot.world.monotonic() - started) * 1000),
        )
    await schedule_next(bot, chat, turn.claimed if turn else None)
    if turn is not None:
        await _wait_for_sessions(turn)


async def _wait_for_sessions(turn: Turn) -> None:
    """Held when all else is done and looked at once more then, so that no release is lost."""
    bot, now = turn.bot, turn.now
    for name, session in turn.sessions.items():
        if not session.works:
            await bot.sessions.hold(name, turn.chat, now)
            if (await bot.sessions.of(name)).works:
                await bot.mailbox.postpone(turn.chat, now)
                await bot.mailbox.wake({turn.chat: now})


async def schedule_next(bot: Bot, chat: str, settled: Claimed | None = None) -> None:
    """End the turn, schedule the next; a fact accepted meanwhile must not lose to a later time."""
    due = await bot.mailbox.finish(chat, settled)
    if due is None:
        return
    await bot.mailbox.wake({chat: due})
    sooner = await bot.mailbox.next_due(chat)
    if sooner is not None and sooner < due:
        await bot.mailbox.wake({chat: sooner})


async def _settle(turn: Turn) -> None:
    for _ in range(ROUNDS):
        if not await _step(turn):
            return
        await turn.refresh()


async def _step(turn: Turn) -> bool:
    """One thing after the other: listen, write, send, and when nothing is due tell a person."""
    if await hear_next(turn):
        return True
    wrote = await _write_next(turn)
    sent = await send_next(turn)
    return wrote or sent or await sum_up(turn)


async def _write_next(turn: Turn) -> bool:
    """Decide; whether the chat moved on by a text, or by a purpose that has to wait."""
    decision = decide(turn.conversation, now=turn.now, rules=turn.bot.rules, sessions=turn.sessions)
    if decision.entries or decision.conversation != turn.conversation:
        await turn.commit(decision.conversation, decision.entries)
    if decision.write is None:
        return False
    if await _admitted(turn, decision.write.pending):
        write = _still_due(turn, decision.write)
        if write is not None:
            if turn.offers:
                brief = informed(write.brief, turn.bot.shelves.of(write.pending.shop))
                write = replace(write, brief=brief)
            await _write(turn, write)
    return True


def _still_due(turn: Turn, write: Write) -> Write | None:
    """What is to be written as the chat is now: its order may have been read meanwhile."""
    again = decide(turn.conversation, now=turn.now, rules=turn.bot.rules, sessions=turn.sessions)
    same = again.write is not None and again.write.pending.id == write.pending.id
    return again.write if same else None


async def _admitted(turn: Turn, pending: Pending) -> bool:
    """Whether we know whom we would write to first, it has its turn in the session's pacing and
    a place under the day's cap, and its order was read again, if it has to be.
    """
    turn.offers = True
    if not pending.purpose.proactive:
        return True
    if not await is_known_in_full(turn, pending) or not await has_whatsapp(turn, pending):
        return False
    now, rules = turn.now, turn.bot.rules
    session = session_for(turn.conversation, pending, rules)
    slot = await free_from(turn, pending.id, session, now=now, held=pending.slot)
    if slot is not None:
        waiting = wait(turn.conversation, pending, Reason.PACE, until=slot, now=now, slot=slot)
        await turn.commit(*waiting)
        return False
    if await place_for(turn, pending.id, shop=pending.shop, session=session):
        return await is_read_again(turn, pending)
    morning = next_morning_of(turn, pending.shop)
    await turn.commit(*wait(turn.conversation, pending, Reason.DAILY_CAP, until=morning, now=now))
    return False


# --- writing, with an ear open ----------------------------------------------------------------


async def _write(turn: Turn, write: Write) -> None:
    """Have the text written, and queue it on the state it still fits.

    A draft that is overtaken is thrown away: the model need not finish it.
    """
    afford = await turn.affords()
    writing = asyncio.ensure_future(turn.bot.writer.write(write.brief, afford=afford))
    try:
        while not writing.done():
            await asyncio.wait({writing}, timeout=LISTEN_EVERY)
            instead = await _instead(turn, write)
            if instead is not None:
                draft = writing.result() if writing.done() else None
                await turn.commit(*thrown_away(instead, write, draft, now=turn.now))
                return
        draft = writing.result()
    finally:
        writing.cancel()
    turn.wrote += 1
    await _speak(turn, write, draft)


async def _instead(turn: Turn, write: Write) -> Conversation | None:
    """What to go on with when something came meanwhile that makes the draft wrong."""
    if not await turn.bot.mailbox.has_mail(turn.chat):
        return None
    await turn.refresh()
    now, rules = turn.now, turn.bot.rules
    return overtaken(turn.conversation, write, now=now, rules=rules, sessions=turn.sessions)


async def _speak(turn: Turn, write: Write, draft: Draft) -> None:
    said = spoken(turn.conversation, write.pending, draft, now=turn.now, rules=turn.bot.rules)
    await turn.commit(*said)


# --- a chat that kills its turns --------------------------------------------------------------


async def _give_up(bot: Bot, claimed: Claimed) -> None:
    """Turns died here again and again: what kills them is set aside where people see it.

    Mail that can be folded is folded, a stop in it holds; only what was due is put off.
    """
    cause = await _fold_only(bot, claimed)
    if cause is None:
        await bot.journal.bury(_grave(bot, claimed, cause="turns died on what was due"))
    else:
        await _bury(bot, claimed, cause=cause)
    await bot.mailbox.postpone(claimed.chat, bot.world.now() + BURIED_PAUSE)


async def _fold_only(bot: Bot, claimed: Claimed) -> str | None:
    """Why the mail cannot be folded; None when it could be, and is."""
    if claimed.begun > 2 * MOST_BEGUN:
        return "folding it kills the process"
    try:
        await Turn.begin(bot, claimed)
    except (Conflict, Transient):
        raise
    except Exception as error:
        bot.log.exception("unfoldable", chat=claimed.chat, facts=len(claimed.letters))
        return type(error).__name__
    return None


async def _bury(bot: Bot, claimed: Claimed, *, cause: str) -> None:
    letters = tuple(letter.decode("utf-8", "replace") for letter in claimed.letters)
    await bot.journal.bury(_grave(bot, claimed, cause=cause, letters=letters))
    await bot.mailbox.put_aside(claimed, now=bot.world.now(), wake=None)


def _grave(bot: Bot, claimed: Claimed, *, cause: str, letters: tuple[str, ...] = ()) -> Buried:
    grave = Buried(
        id=derive_id("buried", claimed.chat, *letters),
        chat=claimed.chat,
        cause=cause,
        at=bot.world.now(),
        letters=letters,
    )
    bot.log.error("buried", chat=grave.chat, id=grave.id, facts=len(letters), cause=cause)
    return grave
