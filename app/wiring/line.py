"""The shop's phones at WAHA, for the edge: its keys stay here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import TypeVar

from app.config import Settings
from app.errors import Refused, Transient, Uncertain
from app.gateways.waha import EVENTS, SessionState, Waha
from app.gateways.waha_answers import mark_of
from app.web.phone_line import PhoneLine
from app.wiring.assembly import Assembly

WAHA_DOOR = "/webhooks/waha"
NEEDED = frozenset({"message.any"})
"""Without this event nothing is known of what customers write."""

_ALL = frozenset(EVENTS)

PATIENCE = 4.0
"""Seconds WAHA has to say how a session is, or to draw its QR code: a page waits for it."""

PATIENCE_TO_ACT = 12.0
"""Seconds WAHA has to change a session, which takes it five: a person waits for it."""

_Said = TypeVar("_Said")


def phone_line(assembly: Assembly) -> PhoneLine | None:
    """What the edge may ask of WAHA; None when none is set."""
    waha, settings = assembly.bot.waha, assembly.settings
    if waha is None:
        return None
    return PhoneLine(
        state=partial(_state, waha),
        qr=partial(_qr, waha),
        pairing_code=lambda session, phone: acted(waha.pairing_code(session, phone)),
        start=lambda session: acted(waha.start(session)),
        restart=lambda session: acted(waha.restart(session)),
        logout=lambda session: acted(waha.logout(session)),
        register_webhook=lambda session: acted(register(waha, settings, session)),
        posts_to_us=partial(posts_to_us, settings),
        posts_all=lambda found: any(told >= _ALL for told in _signed(settings, found)),
        address=webhook_url(settings),
    )


def webhook_url(settings: Settings) -> str:
    """Where WAHA is to post its events."""
    return f"{settings.ai_seller_url}{WAHA_DOOR}"


def posts_to_us(settings: Settings, found: SessionState) -> bool:
    """Whether the session tells us, signed, of what is written."""
    return any(told >= NEEDED for told in _signed(settings, found))


def _signed(settings: Settings, found: SessionState) -> list[set[str]]:
    """Of what events the session tells us, signed with our key, by each of its webhooks."""
    url, key = webhook_url(settings), settings.waha_webhook_hmac_key
    if key is None:
        return []
    mark = mark_of(key.reveal())
    heard = [hook.events for hook in found.webhooks if (hook.url, hook.key_mark) == (url, mark)]
    return [set(EVENTS) if "*" in events else set(events) for events in heard]


async def register(waha: Waha, settings: Settings, session: str) -> bool:
    """Put our webhook into the session, which is made when WAHA has none; whether it was changed.

    Raises Refused with the code ``no_hmac_key`` while there is no key to sign with.
    """
    key = settings.waha_webhook_hmac_key
    if key is None:
        raise Refused("WAHA_WEBHOOK_HMAC_KEY is not set", code="no_hmac_key", status=409)
    url = webhook_url(settings)
    return await waha.register_webhook(session, url=url, hmac_key=key.reveal())


async def _state(waha: Waha, session: str) -> SessionState | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await waha.session(session)
    except TimeoutError:
        raise _silent() from None


async def _qr(waha: Waha, session: str) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE):
            return await waha.qr(session)
    except TimeoutError:
        raise _silent() from None


async def acted(call: Awaitable[_Said], *, within: float = PATIENCE_TO_ACT) -> _Said:
    """What WAHA said. Raises Uncertain (``no_answer``) when it has said nothing ``within`` so many
    seconds, and what ``call`` raises.
    """
    try:
        async with asyncio.timeout(within):
            return await call
    except TimeoutError:
        raise Uncertain("WAHA has not said whether it is done", code="no_answer") from None


def _silent() -> Transient:
    return Transient(f"WAHA does not answer in {PATIENCE:.0f} s", code="unreachable")
