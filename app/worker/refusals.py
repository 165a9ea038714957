"""When Kaspi refuses: whoever asks next knows of it, be it a poll, a pull or a text to be sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.sending import retry_delay
from app.errors import Permanent, Transient
from app.gateways.kaspi_api import TOKEN_REFUSED, TOO_MANY, TURNED_AWAY, KaspiApi
from app.store.kaspi import Reading
from app.worker.bot import Bot

POLL_DELAYS = (
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=3),
    timedelta(minutes=10),
)
"""Waits after a failure; the last one repeats, and Kaspi's own word goes before them."""

AT_LEAST = timedelta(seconds=5)


async def keep_refusal(bot: Bot, api: KaspiApi, error: Transient | Permanent) -> None:
    """The shop is asked again later, or with a refused token not at all. Raises ``StoreDown``."""
    reading, now = await bot.orders.reading(api.shop), bot.world.now()
    delay = retry_delay(f"kaspi:{api.shop}", reading.failures, POLL_DELAYS)
    if isinstance(error, Transient) and error.retry_after is not None:
        delay = max(AT_LEAST, timedelta(seconds=error.retry_after))
    refused = api.token_mark if error.code == TOKEN_REFUSED else None
    await bot.orders.failed(
        api.shop,
        code=error.code or "failed",
        detail=error.reason,
        again=now + delay,
        refused=refused,
    )
    stopped = refused is not None and reading.refused != refused
    if stopped or (error.code == TURNED_AWAY and reading.code != TURNED_AWAY):
        bot.log.error("kaspi_stopped", shop=api.shop, reason=error.reason)
    elif refused is None and reading.failures == 0:
        bot.log.warning("kaspi_failed", shop=api.shop, code=error.code, reason=error.reason)


async def heed(bot: Bot, api: KaspiApi, error: Transient | Permanent) -> None:
    """Keep what a single question was answered, where it is meant for all of the shop's.

    Raises ``StoreDown``.
    """
    if error.code in (TOKEN_REFUSED, TOO_MANY, TURNED_AWAY):
        await keep_refusal(bot, api, error)


def is_refused(reading: Reading, api: KaspiApi) -> bool:
    """Whether Kaspi has refused this very token: nothing is asked with it."""
    return reading.refused is not None and reading.refused == api.token_mark


def turned_away(reading: Reading, now: datetime) -> bool:
    """Whether Kaspi's protection has lately kept us out."""
    until = reading.not_before
    return until is not None and reading.code == TURNED_AWAY and now < until


def slowed_until(reading: Reading, now: datetime) -> datetime | None:
    """Until when Kaspi has asked for peace; None when it has not, or that is over."""
    until = reading.not_before
    return until if until is not None and reading.code == TOO_MANY and now < until else None
