"""One turn of one chat: claim -> fold -> decide -> write -> commit -> send, until nothing is due.

Run twice, it does nothing twice: every step is committed on the version it was decided on.
"""

from __future__ import annotations

from datetime import timedelta

from app.domain.conversation import Pending, derive_id
from app.domain.decide import Write, decide, next_wake, spoken, wait
from app.domain.events import Act, Address, AnyEvent, Fact, OperatorActed
from app.domain.policy import next_morning
from app.domain.rules import Reason
from app.errors import AiSellerError, Conflict, Transient
from app.store.claims import Buried, Claimed
from app.store.contacts import lid_of
from app.worker.bot import Bot
from app.worker.pace import free_from
from app.worker.send import send_next
from app.worker.turn import Turn

ROUNDS = 30
"""Texts one turn may write before it makes room for other chats."""

MOST_BEGUN = 8
"""Turns that may die one after the other before a chat is given up for a while."""

BURIED_PAUSE = timedelta(hours=1)


async def run_turn(bot: Bot, chat: str) -> None:
    """Settle all that ``chat`` has waiting and all that is due, and schedule its next turn.

    Raises ``Conflict`` when another worker settled the chat meanwhile (run again at once) and
    ``StoreDown`` (run again later); nothing is lost in either case.
    """
    started = bot.world.monotonic()
    claimed = await bot.mailbox.claim(chat)
    settled: Claimed | None = None
    if claimed.begun > MOST_BEGUN:
        await _give_up(bot, claimed)
    elif not await _moved_to_phone(bot, claimed):
        turn = await Turn.begin(bot, claimed)
        await _settle(turn)
        settled = turn.claimed
        bot.log.info(
            "turn",
            chat=chat,
            facts=len(claimed.events),
            wrote=turn.wrote,
            sent=turn.sent,
            did=turn.did,
            ms=round((bot.world.monotonic() - started) * 1000),
        )
    await schedule_next(bot, chat, settled)


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
        wrote = await _write_next(turn)
        sent = await send_next(turn)
        if not wrote and not sent:
            return
        await turn.refresh()


async def _write_next(turn: Turn) -> bool:
    """Decide; whether the chat moved on by a text, or by a purpose that has to wait."""
    decision = decide(turn.conversation, now=turn.now, rules=turn.bot.rules)
    if decision.entries or decision.conversation != turn.conversation:
        await turn.commit(decision.conversation, decision.entries)
    if decision.write is None:
        return False
    if await _admitted(turn, decision.write.pending):
        await _write(turn, decision.write)
    return True


async def _admitted(turn: Turn, pending: Pending) -> bool:
    """Whether a purpose has its turn in the session's pacing and a place under the day's cap."""
    if not pending.purpose.proactive:
        return True
    now, rules = turn.now, turn.bot.rules
    session = rules.shop(pending.shop).session
    slot = await free_from(turn, pending.id, session, now=now, held=pending.slot)
    if slot is not None:
        waiting = wait(turn.conversation, pending, Reason.PACE, until=slot, now=now, slot=slot)
        await turn.commit(*waiting)
        return False
    cap = rules.max_daily_messages
    if await turn.bot.counters.reserve(pending.shop, turn.today, pending.id, cap=cap):
        return True
    morning = next_morning(turn.chat, now, rules)
    await turn.commit(*wait(turn.conversation, pending, Reason.DAILY_CAP, until=morning, now=now))
    return False


async def _write(turn: Turn, write: Write) -> None:
    """Have the text written, and queue it on the state it was decided on."""
    draft = await turn.bot.writer.write(write.brief)
    turn.wrote += 1
    said = spoken(turn.conversation, write.pending, draft, now=turn.now, rules=turn.bot.rules)
    await turn.commit(*said)


# --- a hidden id whose phone is known ---------------------------------------------------------


async def _moved_to_phone(bot: Bot, claimed: Claimed) -> bool:
    """Whether the mail of a hidden id went to the chat of its phone, now that it is known.

    A stop said under the hidden id goes with it, also without new mail.
    """
    lid = lid_of(claimed.chat)
    if lid is None:
        return False
    phone = await bot.contacts.phone_of(lid) or await _ask_whatsapp(bot, claimed, lid)
    if phone is None:
        return False
    await bot.contacts.learn(lid, phone)
    person, now = Address(phone=phone, lid=lid), bot.world.now()
    events = (*claimed.events, *_stop_of(bot, claimed))
    facts = [(phone, Fact(person=person, event=event)) for event in events]
    await bot.mailbox.accept(facts, now=now)
    known = claimed.conversation
    await bot.mailbox.put_aside(claimed, now=now, wake=next_wake(known) if known else None)
    bot.log.info("moved", chat=claimed.chat, facts=len(facts))
    return bool(claimed.letters)


async def _ask_whatsapp(bot: Bot, claimed: Claimed, lid: str) -> str | None:
    """WAHA's answer; asked with every mail, since it may learn it any day."""
    session = next((s for s in map(_session_of, claimed.events) if s), None)
    if bot.waha is None or session is None:
        return None
    try:
        return await bot.waha.phone_of_lid(session, lid)
    except AiSellerError as error:
        bot.log.info("lid_unresolved", reason=error.code)
        return None


def _session_of(event: AnyEvent) -> str | None:
    session: str | None = getattr(event, "session", None)
    return session


def _stop_of(bot: Bot, claimed: Claimed) -> tuple[OperatorActed, ...]:
    """A stop said under the hidden id holds for the phone too."""
    if claimed.conversation is None or claimed.conversation.opt_out is None:
        return ()
    at = claimed.conversation.opt_out.at
    return (
        OperatorActed(
            id=derive_id("stop", claimed.chat, str(at)),
            at=at,
            received_at=bot.world.now(),
            act=Act.OPT_OUT,
        ),
    )


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
