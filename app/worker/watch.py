"""The sessions are watched: asked how they are, their outbox released, their alarms raised.

Nothing here ever restarts a session: WAHA does that itself where it helps, and where it does not
(a number that is restricted, a phone that was logged out) it does harm.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.events import SessionChanged
from app.domain.rules import RESTRICTED_FOR
from app.domain.session import (
    MISSING,
    UNAUTHORIZED,
    UNREACHABLE,
    Session,
    alerts_of,
    health_of,
)
from app.errors import AiSellerError, Transient
from app.gateways.waha import SessionState, Waha
from app.worker.bot import Bot
from app.worker.gaps import fill_gap

_OURS = {"unreachable": UNREACHABLE, "unauthorized": UNAUTHORIZED}
"""What we call a session of which WAHA cannot tell; other failures say nothing of it."""


ASK_EVERY = timedelta(seconds=30)
"""How often a session that works is asked how it is: its own events come sooner."""

AT_LEAST = timedelta(minutes=1)
"""A ban that is over sooner is over: WAHA says so by naming a moment that has passed."""

ASK_SOON = timedelta(seconds=4)
"""How soon one is asked again that has just gone down; the longer it is, the seldomer."""


async def watch(bot: Bot) -> None:
    """Look at every session whose time has come. Raises ``StoreDown``."""
    names = {shop.session for shop in bot.rules.shops} | await bot.sessions.waited_for()
    for name in sorted(names):
        if _is_due(await bot.sessions.of(name), bot.world.now()):
            session = await look_at(bot, name)
            if session.works:
                await release(bot, name)
                await _listen(bot, session)
            await _assess(bot, name)


def _is_due(session: Session, now: datetime) -> bool:
    asked, since = session.asked_at, session.since
    if asked is not None and asked > now:
        return True  # the clock was put back
    if asked is None or session.works or since is None:
        return asked is None or now - asked >= ASK_EVERY
    return now - asked >= min(ASK_EVERY, max(ASK_SOON, (now - since) / 4))


async def _listen(bot: Bot, session: Session) -> None:
    """Read what webhooks did not bring: after a start of ours, after a session was away, and for
    as long as it is deaf.
    """
    heard = session.heard_at
    if heard is not None and (session.name not in bot.listened or session.deaf(bot.world.now())):
        await bot.sessions.missed_since(session.name, heard)
        session = await bot.sessions.of(session.name)
    if await fill_gap(bot, session):
        bot.listened.add(session.name)


async def look_at(bot: Bot, name: str) -> Session:
    """The session as WAHA shows it now, kept for all workers. Raises ``StoreDown``."""
    await bot.sessions.asked(name, bot.world.now())
    if bot.waha is not None:
        changed = await _asked(bot, bot.waha, await bot.sessions.of(name))
        if changed is not None:
            await told(bot, changed)
    return await bot.sessions.of(name)


async def told(bot: Bot, changed: SessionChanged) -> None:
    """News of a session, by whatever way. Raises ``StoreDown``."""
    today = bot.rules.local(bot.world.now()).date()
    if await bot.sessions.told(changed, day=today, now=bot.world.now()):
        bot.log.info("session", session=changed.session, status=changed.status)


async def release(bot: Bot, name: str) -> int:
    """Let the chats that waited for the session go on, in their order; how many there were.

    Raises ``StoreDown``.
    """
    released = await bot.sessions.release(name, bot.world.now())
    if released:
        bot.log.info("released", session=name, chats=len(released))
        await bot.mailbox.wake(released)
    return len(released)


async def is_restricted(bot: Bot, name: str) -> datetime:
    """WhatsApp has just refused a new contact (463): until when none are written to.

    Raises ``StoreDown``.
    """
    known = await look_at(bot, name)
    now = bot.world.now()
    if known.restricted_until is not None and known.restricted_until - now > AT_LEAST:
        return known.restricted_until
    until = now + RESTRICTED_FOR
    news = SessionChanged(session=name, status=None, at=now, restricted_until=until, inferred=True)
    await told(bot, news)
    return until


async def _asked(bot: Bot, waha: Waha, known: Session) -> SessionChanged | None:
    """What WAHA says of the session; None where what it says tells nothing."""
    now, name = bot.world.now(), known.name
    try:
        found = await waha.session(name)
    except Transient as error:
        status = _OURS.get(error.code or "")
        return SessionChanged(session=name, status=status, at=now) if status else None
    except AiSellerError:
        return None
    return _news(found, known, now)


def _news(found: SessionState | None, known: Session, now: datetime) -> SessionChanged:
    """A session that knows of no ban lifts one it told of, not one read from a refusal."""
    name = known.name
    if found is None:
        return SessionChanged(session=name, status=MISSING, at=now)
    lifted = now if found.restriction_known and not known.inferred else None
    return SessionChanged(
        session=name,
        status=found.status,
        at=now,
        restricted_until=found.restricted_until or lifted,
        our_phone=found.us.phone,
        our_lid=found.us.lid,
    )


async def _assess(bot: Bot, name: str) -> None:
    """Work out how the number fares, and raise what a person has to look at, once each time."""
    now = bot.world.now()
    health = health_of(await bot.sessions.signs(name, bot.rules.local(now).date()))
    session = await bot.sessions.of(name)
    if health.grade is not session.health.grade:
        bot.log.warning("number_health", session=name, grade=health.grade, because=health.because)
    alerts = {alert.kind: alert for alert in alerts_of(session, now)}
    for kind in await bot.sessions.assess(name, health, alerts):
        bot.log.error("alert", session=name, kind=kind, says=alerts[kind].says)
