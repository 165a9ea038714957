"""One person, however WhatsApp names them: what is kept under a hidden id goes to its phone."""

from __future__ import annotations

from msgspec.structs import replace

from app.domain.conversation import Pending
from app.domain.decide import session_for, wait
from app.domain.events import AnyEvent
from app.domain.merge import merged
from app.domain.rules import ASK_AGAIN, Reason
from app.errors import AiSellerError, Conflict, Transient
from app.store.claims import Claimed
from app.store.contacts import lid_chat, lid_of
from app.worker.bot import Bot
from app.worker.turn import Turn


async def moved_to_phone(bot: Bot, claimed: Claimed) -> bool:
    """Whether the chat of a hidden id became part of that of its phone, now that it is known.

    Raises ``Conflict`` when either changed meanwhile, ``StoreDown``.
    """
    lid = lid_of(claimed.chat)
    if lid is None:
        return False
    phone = await bot.contacts.phone_of(lid) or await _phone_of(bot, claimed, lid)
    if phone is None:
        return False
    now = bot.world.now()
    await bot.contacts.learn(lid, phone, now=now)
    await _merge(bot, claimed, phone)
    await bot.mailbox.wake({phone: now})
    return True


async def _merge(bot: Bot, left: Claimed, phone: str) -> None:
    now = bot.world.now()
    kept = await bot.mailbox.look(phone)
    both = None
    if left.conversation is not None:
        known = kept.conversation or await bot.contacts.new_person(phone, now)
        both = merged(known, left.conversation, now=now)
    if not await bot.contacts.merge(left, kept, both, now=now):
        raise Conflict("a chat changed while two were made one", code="merge")
    bot.log.info("merged", chat=left.chat, into=phone, facts=len(left.letters))


async def _phone_of(bot: Bot, claimed: Claimed, lid: str) -> str | None:
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


# --- before we speak first --------------------------------------------------------------------


async def is_known_in_full(turn: Turn, pending: Pending) -> bool:
    """Whether nothing is kept of this person under a hidden id: a stop, most of all.

    False when there was, and is part of this chat now, or when it could not be found out and
    ``pending`` waits. Raises ``Conflict``, ``StoreDown``.
    """
    bot, phone = turn.bot, turn.conversation.phone
    if phone is None:
        return True
    lid = await bot.contacts.lid_of_phone(phone)
    if lid is None and bot.waha is not None and not bot.rules.test_mode:
        session = session_for(turn.conversation, pending, bot.rules)
        try:
            lid = await bot.waha.lid_of_phone(session, phone)
        except Transient as error:
            return not await _has_to_wait(turn, pending, error)
        if lid is not None:
            await bot.contacts.learn(lid, phone, now=turn.now)
    if lid is None:
        return True
    hidden = await bot.mailbox.look(lid_chat(lid))
    if hidden.conversation is None and not hidden.letters:
        return True
    await _merge(bot, hidden, phone)
    await turn.refresh()
    return False


async def _has_to_wait(turn: Turn, pending: Pending, error: Transient) -> bool:
    """Only while somebody opted out of whom nobody knows the phone: it might be this one."""
    turn.bot.log.info("phone_unresolved", chat=turn.chat, reason=error.code)
    if error.code == "server_error":  # it answers, and this it cannot tell
        return False
    if not await turn.bot.contacts.any_hidden_stop():
        return False
    until = turn.now + ASK_AGAIN
    await turn.commit(
        *wait(turn.conversation, pending, Reason.UNKNOWN_CONTACT, until=until, now=turn.now)
    )
    return True


async def has_whatsapp(turn: Turn, pending: Pending) -> bool:
    """Whether a phone nobody has written to yet is on WhatsApp, as far as WAHA can tell.

    When it is not, that is kept, and the next decision drops what waits for it.
    """
    bot, known = turn.bot, turn.conversation
    if known.messages or known.phone is None or bot.waha is None or bot.rules.test_mode:
        return True
    session = session_for(known, pending, bot.rules)
    try:
        exists = await bot.waha.number_exists(session, known.phone)
    except Transient as error:
        bot.log.info("existence_unknown", chat=turn.chat, reason=error.code)
        return True
    if exists is not False:
        return True
    await turn.commit(replace(turn.conversation, no_whatsapp=turn.now), ())
    return False
