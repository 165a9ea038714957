"""The WhatsApp side of ``ai-seller check``: the session, its number, its webhook, its history."""

from __future__ import annotations

from collections.abc import AsyncIterator

from app.config import Settings
from app.domain.rules import WARM_UP
from app.errors import AiSellerError, Permanent
from app.gateways.waha import SessionState, Waha
from app.wiring.assembly import Assembly
from app.wiring.line import posts_to_us, register, webhook_url
from app.wiring.lines import Line, fail, ok, warn


async def check_waha(parts: Assembly, *, fix: bool) -> AsyncIterator[Line]:
    """The lines on WAHA, of every session of the shops; with ``fix`` the webhook is registered
    where it is not.
    """
    if parts.bot.waha is None:
        yield fail("waha", "WAHA_API_ENDPOINT is not set: nothing can be sent")
        return
    for name in dict.fromkeys(shop.session for shop in parts.settings.shops):
        try:
            found = await parts.bot.waha.session(name)
        except AiSellerError as error:
            says = f"session {name!r}: {error.reason}; look at WAHA_API_ENDPOINT and WAHA_API_KEY"
            yield fail("waha", says)
            continue
        async for line in _session(parts, parts.bot.waha, name, found=found, fix=fix):
            yield line


async def _session(
    parts: Assembly, waha: Waha, name: str, *, found: SessionState | None, fix: bool
) -> AsyncIterator[Line]:
    if found is None and fix:
        yield await _registered(parts, waha, name)
        return
    if found is None:
        yield fail("waha", f"no session {name!r}: `ai-seller check --fix`")
        return
    up = found.status == "WORKING"
    yield (ok if up else fail)("waha", f"session {found.name!r} is {found.status}")
    yield await _webhook(parts, waha, found, fix=fix)
    async for line in _number(parts, waha, found):
        yield line


async def _number(parts: Assembly, waha: Waha, found: SessionState) -> AsyncIterator[Line]:
    """What the number may do, and whether it can be found out what it did."""
    until, whose = found.restricted_until, f"session {found.name!r}"
    if until is not None:
        says = f"WhatsApp forbids writing to new contacts until {until:%Y-%m-%d %H:%M} UTC: wait"
        yield warn("number", f"{whose}: {says}")
    if await _is_new(parts, found) and not _warms_up(parts.settings, found.name):
        says = "new here: AI_SELLER_WARM_UP=true lets it start with 10 a day"
        yield warn("number", f"{whose}: {says}")
    if found.status != "WORKING" or found.us.phone is None:
        return
    now = parts.world.now()
    try:
        await waha.history(found.name, found.us, since=now, received_at=now)
    except Permanent:
        yield warn("history", f"{whose}: {_NO_HISTORY}")
    except AiSellerError as error:
        yield warn("history", f"{whose}: could not be read: {error.reason}")
    else:
        yield ok("history", f"{whose}: can be read: what went without an answer is found out")


def _warms_up(settings: Settings, session: str) -> bool:
    """Whether a shop that speaks through this session lets its number warm up."""
    return any(shop.warm_up for shop in settings.shops if shop.session == session)


_NO_HISTORY = (
    "this WAHA keeps none: what went without an answer stays uncertain, and messages missed in an "
    "outage are lost; set config.noweb.store.enabled=true in the session"
)


async def _is_new(parts: Assembly, found: SessionState) -> bool:
    """Whether the number has sent on fewer days than its warming up takes."""
    bot = parts.bot
    today = bot.rules.local(parts.world.now()).date()
    try:
        days = await bot.counters.days_before(found.us.phone or found.name, today)
    except AiSellerError:
        return False
    return days < len(WARM_UP)


async def _webhook(parts: Assembly, waha: Waha, found: SessionState, *, fix: bool) -> Line:
    settings, whose = parts.settings, f"session {found.name!r}"
    if settings.waha_webhook_hmac_key is None:
        return fail("webhook", _NO_KEY)
    if posts_to_us(settings, found):
        return ok("webhook", f"{whose} posts to {webhook_url(settings)}")
    if not fix:
        says = f"{whose} does not post to {webhook_url(settings)}: run `ai-seller check --fix`"
        return fail("webhook", says)
    return await _registered(parts, waha, found.name)


async def _registered(parts: Assembly, waha: Waha, session: str) -> Line:
    """The webhook put into the session, which is made when WAHA has none."""
    settings, whose = parts.settings, f"session {session!r}"
    if settings.waha_webhook_hmac_key is None:
        return fail("webhook", _NO_KEY)
    try:
        await register(waha, settings, session)
    except AiSellerError as error:
        return fail("webhook", f"{whose} could not be registered: {error.reason}")
    return ok("webhook", f"{whose} now posts to {webhook_url(settings)}")


_NO_KEY = "WAHA_WEBHOOK_HMAC_KEY is not set: replies cannot be received"
