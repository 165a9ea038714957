"""The shop's phones at WAHA: how each is linked, and the few things a person may do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.session import Alarm, alerts_of
from app.errors import Refused
from app.gateways.waha_answers import SessionState
from app.gateways.waha_sessions import own_number

if TYPE_CHECKING:
    from app.web.front import Front

WAITS_FOR_A_PHONE = "SCAN_QR_CODE"

BETWEEN_CODES = timedelta(seconds=10)
"""WhatsApp makes few pairing codes in an hour, and then none for a while."""

BETWEEN_RESTARTS = timedelta(seconds=30)
"""A session needs some 5 seconds to come back: who is impatient must not make it begin anew."""


@dataclass(frozen=True, kw_only=True)
class PhoneLine:
    """What is asked of WAHA about a session, by its name. All raise the kinds of ``app.errors``.

    ``state`` answers within a few seconds, None for a session WAHA does not have. ``qr`` is a PNG.
    ``register_webhook`` makes the session too where there is none. ``posts_to_us`` tells of a state
    whether its session posts what is written to ``address``, signed, ``posts_all`` whether also all
    else that we ask for.
    """

    state: Callable[[str], Awaitable[SessionState | None]]
    qr: Callable[[str], Awaitable[bytes]]
    pairing_code: Callable[[str, str], Awaitable[str]]
    start: Callable[[str], Awaitable[None]]
    restart: Callable[[str], Awaitable[None]]
    logout: Callable[[str], Awaitable[None]]
    register_webhook: Callable[[str], Awaitable[bool]]
    posts_to_us: Callable[[SessionState], bool]
    posts_all: Callable[[SessionState], bool]
    address: str


def sessions_of(front: Front) -> tuple[str, ...]:
    """The sessions the shops speak through, each once, in the order of the shops."""
    return tuple(dict.fromkeys(shop.session for shop in front.rules.shops))


async def count_in_trouble(front: Front) -> int:
    """How many sessions a person has to look at, as last told: nobody asks WAHA for it.

    Raises ``StoreDown``.
    """
    now = front.world.now()
    known = await front.sessions.all(sessions_of(front), now)
    kinds = [{alert.kind for alert in alerts_of(each, now)} for each in known.values()]
    return sum(bool(each - {Alarm.NUMBER_HEALTH}) for each in kinds)


def line_of(front: Front, session: str) -> PhoneLine:
    """The line ``session`` is on. Raises Refused for one that is no shop's, and without WAHA."""
    if session not in sessions_of(front):
        reason = "no shop speaks through a session of this name"
        raise Refused(reason, code="unknown_session", status=404)
    if front.phone_line is None:
        raise Refused("WAHA_API_ENDPOINT is not set", code="no_waha", status=409)
    return front.phone_line


async def qr(front: Front, session: str) -> bytes:
    """The QR code of a session that waits to be scanned.

    Refused for any other: WAHA would keep us waiting for ten seconds and refuse then.
    """
    line = await _waiting(front, session)
    return await line.qr(session)


async def pairing_code(front: Front, session: str, phone: str) -> str:
    """The code to be typed into ``phone``, of a session that waits for one."""
    line = await _waiting(front, session)
    own_number(phone)  # who mistypes it may correct it at once
    await _not_again(front, f"code:{session}", pause=BETWEEN_CODES)
    return await line.pairing_code(session, phone)


async def start(front: Front, session: str) -> None:
    """Start a session; one that is started stays as it is."""
    await line_of(front, session).start(session)


async def restart(front: Front, session: str) -> None:
    """Stop and start a session, once in 30 seconds at most.

    Refused while WhatsApp forbids writing to new contacts: that is no cure, it makes it worse.
    """
    line = await _free_to_begin_anew(front, session)
    await line.restart(session)


async def relink(front: Front, session: str) -> None:
    """Forget the phone of a session, which waits for one then: for one that no restart brings back.

    Refused as a restart is.
    """
    line = await _free_to_begin_anew(front, session)
    await line.logout(session)
    await line.start(session)


async def register_webhook(front: Front, session: str) -> bool:
    """Have WAHA post the session's events to us; True when something was to be changed.

    The session is away for some 3 seconds then. Refused without a key to sign them with.
    """
    line = line_of(front, session)
    if front.waha_hmac_key is None:
        raise Refused("WAHA_WEBHOOK_HMAC_KEY is not set", code="no_hmac_key", status=409)
    await _not_again(front, session)
    return await line.register_webhook(session)


async def is_restricted(front: Front, session: str, found: SessionState | None) -> bool:
    """Whether WhatsApp forbids its number to write to new contacts, as WAHA says or as we met it.

    Raises ``StoreDown``.
    """
    now = front.world.now()
    if found is not None and found.restricted_until is not None and now < found.restricted_until:
        return True
    return (await front.sessions.of(session)).restricted(now)


async def _free_to_begin_anew(front: Front, session: str) -> PhoneLine:
    """The line of a session that may be stopped and started now; Refused for any other."""
    line = line_of(front, session)
    found = await line.state(session)
    if found is None:
        raise Refused("WAHA has no session of this name", code="missing", status=409)
    if await is_restricted(front, session, found):
        reason = "WhatsApp forbids writing to new contacts: a restart makes it worse, wait"
        raise Refused(reason, code="restricted", status=409)
    await _not_again(front, session)
    return line


async def _waiting(front: Front, session: str) -> PhoneLine:
    """The line of a session that waits for a phone; Refused for any other."""
    line = line_of(front, session)
    found = await line.state(session)
    if found is None or found.status != WAITS_FOR_A_PHONE:
        says = "missing" if found is None else found.status
        reason = f"the session is {says}: it does not wait for a phone"
        raise Refused(reason, code="not_waiting", status=409)
    return line


async def _not_again(front: Front, session: str, *, pause: timedelta = BETWEEN_RESTARTS) -> None:
    """Refused (429) when this was asked of the session just now."""
    now = front.world.now()
    free = await front.counters.restart_pace(session, now=now, pause=pause)
    if free is not None:
        seconds = max(1, round((free - now).total_seconds()))
        reason = f"this was asked for a moment ago: wait {seconds} s"
        raise Refused(reason, code="too_soon", status=429)
