"""What was said while nobody listened: read from WhatsApp's history, fed to the same mailbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from app.domain.events import Address, Fact, LeftOurNumber
from app.domain.session import Session
from app.errors import Permanent, Transient
from app.gateways.waha import Waha
from app.store.contacts import lid_of
from app.worker.bot import Bot

_BEFORE = timedelta(minutes=5)
"""Webhooks of this long before may have been on their way when the silence began."""

_LONGEST = timedelta(days=3)
"""Older messages are a person's to read: an answer would come too late by far."""

_ACTIVE = timedelta(days=14)
_MOST_CHATS = 1000
"""Where a WAHA can only be asked chat by chat, the newest so many of so long are asked for."""

_PAGE, _PAGES = 500, 40
"""Messages of all chats, groups too, that are read at most: what is left out is the oldest."""

_OF_ONE_CHAT = frozenset({"not_on_whatsapp", "server_error", "not_found"})
"""Failures that say nothing of other chats."""


async def fill_gap(bot: Bot, session: Session) -> bool:
    """Take in what the session's webhooks did not bring; False when WAHA cannot be asked now.

    It is asked again at the next watch then. Raises ``StoreDown``.
    """
    if session.gap_since is None or bot.waha is None:
        return True
    now = bot.world.now()
    since = max(session.gap_since - _BEFORE, now - _LONGEST)
    try:
        facts = await _history(bot, bot.waha, session, since=since)
    except Permanent as error:
        bot.log.warning("gap_unreadable", session=session.name, reason=error.reason)
        facts = ()
    except Transient as error:
        bot.log.info("gap_later", session=session.name, reason=error.code)
        return False
    new = await _take(bot, [fact for fact in facts if not await _is_ours(bot, fact)], now)
    if (await bot.sessions.of(session.name)).gap_since == session.gap_since:
        await bot.sessions.caught_up(session.name)
    bot.log.info("gap", session=session.name, since=since.isoformat(), facts=len(facts), new=new)
    return True


async def _take(bot: Bot, facts: list[Fact], now: datetime) -> int:
    return sum(await bot.mailbox.accept(await bot.contacts.chats_of(facts), now=now))


async def _is_ours(bot: Bot, fact: Fact) -> bool:
    """Whether it is a message that we sent: its chat knows it, or looks for it itself."""
    event = fact.event
    return isinstance(event, LeftOurNumber) and await bot.contacts.has_sent(event.message)


async def _history(bot: Bot, waha: Waha, session: Session, *, since: datetime) -> tuple[Fact, ...]:
    """All that was said in the session since then, where WAHA tells it at once; else what was
    said in the chats we know.
    """
    read = partial(
        waha.history,
        session.name,
        since=since,
        received_at=bot.world.now(),
        us=Address(phone=session.our_phone, lid=session.our_lid),
    )
    try:
        return await read(address=None, limit=_PAGE, pages=_PAGES)
    except Permanent:
        bot.log.info("gap_by_chat", session=session.name)
    found: list[Fact] = []
    for chat in await bot.contacts.active(bot.world.now() - _ACTIVE, most=_MOST_CHATS):
        lid = lid_of(chat)
        try:
            found += await read(address=Address(lid=lid) if lid else Address(phone=chat))
        except Transient as error:
            if error.code not in _OF_ONE_CHAT:
                raise
            bot.log.info("gap_unreadable", chat=chat, reason=error.code)
    return tuple(found)
