"""Price lists are looked for again and again; what changed in them goes to the store.

One that cannot be read changes nothing: the last good one is spoken by, and people are told why.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from app.domain.sending import retry_delay
from app.errors import AiSellerError, StoreDown
from app.gateways.catalogue_source import Fetched, Found, Stamp, Unchanged
from app.log import Logger
from app.store.offers import ListState, Offers, ToldFault
from app.world import World

FAULTS_LOGGED = 20
"""Faults of a list that are logged; the API and ``ai-seller check`` tell them all."""

DELAYS = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
"""Waits after a list could not be read; the last one repeats, unless it is asked seldomer."""

FAULT_OF_OURS = "the list cannot be read for a fault of ours: the log tells more"
"""Why a list could not be read that nobody at the shop can mend."""

_encode = msgspec.json.Encoder().encode
_stamps = msgspec.json.Decoder(Stamp)


@dataclass(frozen=True, kw_only=True)
class PriceSource:
    """A price list of a shop. ``list_`` is its name in the store, ``name`` the one people read.

    ``read`` gives the list unless it is still the one of a stamp; it raises ``Refused`` for a list
    that somebody has to mend, ``Transient`` for one that may come the next time.
    """

    shop: str
    list_: str
    name: str
    every: timedelta
    read: Callable[[Stamp | None], Awaitable[Found]] = field(repr=False)


async def lists_due(
    sources: tuple[PriceSource, ...], offers: Offers, *, world: World
) -> list[PriceSource]:
    """The lists that are to be looked for now. Raises ``StoreDown``."""
    return [each for each in sources if await _is_due(each, offers, world=world)]


async def _is_due(source: PriceSource, offers: Offers, *, world: World) -> bool:
    state, now = await offers.state(source.list_), world.now()
    if state is None or state.asked_at is None or state.asked_at > now:
        return True
    pause = source.every
    if state.failed is not None:
        pause = min(pause, retry_delay(source.list_, state.tries - 1, DELAYS))
    return now - state.asked_at >= pause


async def renew(source: PriceSource, offers: Offers, *, world: World, log: Logger) -> ListState:
    """Look for a list, and keep what has changed in it; how it is then. Raises ``StoreDown``."""
    known = await offers.state(source.list_) or ListState(name=source.name)
    try:
        found = await source.read(_stamps.decode(known.stamp) if known.stamp else None)
        state = await _found(source, known, found, offers=offers, world=world, log=log)
    except StoreDown:
        raise
    except AiSellerError as error:
        state = _failed(source, known, error.reason, world=world, log=log)
    except Exception as error:
        log.exception("price_list_failed", list=source.list_, error=type(error).__name__)
        afresh = replace(known, stamp=b"")  # a part of the new list may be kept
        state = _failed(source, afresh, FAULT_OF_OURS, world=world, log=log)
    await offers.keep_state(source.list_, state)
    return state


async def _found(
    source: PriceSource,
    known: ListState,
    found: Found,
    *,
    offers: Offers,
    world: World,
    log: Logger,
) -> ListState:
    now = world.now()
    good = replace(
        known,
        name=source.name,
        stamp=_encode(found.stamp),
        asked_at=now,
        good_at=now,
        failed=None,
        failed_at=None,
        tries=0,
    )
    match found:
        case Unchanged():
            return good
        case Fetched(prices=prices):
            if not prices.products:
                what = "the list holds no offers that can be used"
                state = _failed(source, known, what, world=world, log=log)
                return replace(state, faults=_told(found))
            # Cut in between, the list of before would else be taken for unchanged.
            await offers.keep_state(source.list_, replace(known, stamp=b""))
            changed, gone = await offers.renew(source.list_, prices.products)
            log.info("price_list", list=source.list_, changed=changed, gone=gone)
            _log_faults(source, found, log)
            return replace(good, offers=len(prices.products), faults=_told(found))


def _log_faults(source: PriceSource, found: Fetched, log: Logger) -> None:
    for fault in found.prices.faults[:FAULTS_LOGGED]:
        log.warning(
            "price_list_fault",
            list=source.list_,
            row=fault.row,
            column=fault.column,
            offer=fault.offer,
            reason=fault.reason,
        )


def _told(found: Fetched) -> tuple[ToldFault, ...]:
    return tuple(
        ToldFault(offer=each.offer, reason=each.reason, row=each.row, column=each.column)
        for each in found.prices.faults
    )


def _failed(
    source: PriceSource, known: ListState, reason: str, *, world: World, log: Logger
) -> ListState:
    """The last good rows stay. Told once, and again when it is for another reason."""
    if known.failed != reason:
        log.error("price_list_unread", list=source.list_, reason=reason, kept=known.offers)
    now = world.now()
    return replace(
        known,
        name=source.name,
        asked_at=now,
        failed=reason,
        failed_at=known.failed_at or now,
        tries=known.tries + 1,
    )
