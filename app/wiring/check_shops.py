"""The shops in ``ai-seller check``: who they are, what they say, what they sell, their sheets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from app.config import Settings, ShopSettings
from app.config.shops_file import is_open_to_others
from app.domain.rules import Purpose
from app.errors import AiSellerError
from app.gateways.catalogue_source import Fetched
from app.wiring.assembly import Assembly
from app.wiring.lines import Line, fail, many, ok, warn
from app.wiring.probe import kind_of
from app.worker.prices import PriceSource

FAULTS_SHOWN = 3
"""Faults of a list that are told with their place; the API tells them all."""

USUAL = (
    Purpose.POST_PURCHASE,
    Purpose.HANDED_OVER,
    Purpose.ORDER_DELIVERED,
    Purpose.REVIEW_REQUEST,
)
"""What an order asks for that is bought, brought and received."""

_LEAST_MISSED = (
    Purpose.HANDED_OVER,
    Purpose.ORDER_DELIVERED,
    Purpose.POST_PURCHASE,
    Purpose.REVIEW_REQUEST,
)
"""The same, what may be left out first."""


# --- who they are -------------------------------------------------------------------------------


def check_shops(settings: Settings) -> Iterator[Line]:
    """A line for every shop, and what is odd about them."""
    file = settings.ai_seller_shops_file
    if file is not None and is_open_to_others(file.path):
        says = f"{file.path.name} can be read by every user of this machine, with its tokens"
        yield warn("shops", f"{says}: chmod 600")
    for shop in settings.shops:
        yield ok("shop", f"{_name(shop)}: session {shop.session!r}; {_ways(settings, shop)}")
    yield from _shared_sessions(settings)
    yield from _too_many_purposes(settings)


def _name(shop: ShopSettings) -> str:
    return f"{shop.id} «{shop.name}»"


def _ways(settings: Settings, shop: ShopSettings) -> str:
    """How orders of a shop come to us."""
    is_first = shop.id == settings.shops[0].id
    doors = ["/event_handler" if is_first else f"/event_handler?shop_id={shop.id}"]
    if settings.kaspi_webhook_secret is not None:
        doors.append("/webhooks/kaspi")
    pushed = f"orders come by {' and '.join(doors)}"
    return pushed if shop.token is None else f"orders are read at Kaspi; {pushed}, too"


def _shared_sessions(settings: Settings) -> Iterator[Line]:
    whose: dict[str, list[str]] = {}
    for shop in settings.shops:
        whose.setdefault(shop.session, []).append(shop.id)
    for session, shops in whose.items():
        if len(shops) > 1:
            says = f"{' and '.join(shops)} share the session {session!r}: who writes there first,"
            yield warn("shops", f"{says} with no order, is answered as by {shops[0]}")


def _too_many_purposes(settings: Settings) -> Iterator[Line]:
    """An order may ask for more messages than a customer may get: the last ones never go."""
    for shop in settings.shops:
        spoken = [purpose for purpose in USUAL if purpose not in shop.off]
        if len(spoken) <= shop.max_messages:
            continue
        days = shop.messages_window_days
        within = f"in {days} days" if days else "for ever"
        too_many = len(spoken) - shop.max_messages
        spare = [purpose for purpose in _LEAST_MISSED if purpose in spoken][:too_many]
        says = (
            f"{shop.id}: a usual order asks for {len(spoken)} messages ({', '.join(spoken)}),"
            f" AI_SELLER_MAX_MESSAGES lets {shop.max_messages} through {within}: what comes last"
            f" would not go; raise it, or leave something out: AI_SELLER_PURPOSES_OFF="
            f"{','.join(spare)}"
        )
        yield warn("purposes", says)


# --- what they sell -----------------------------------------------------------------------------


async def check_prices(parts: Assembly) -> AsyncIterator[Line]:
    """How many offers there are to speak of in every list, and what is wrong with the rest."""
    sources = parts.bot.prices
    for shop in parts.settings.shops:
        if not any(source.shop == shop.id for source in sources):
            says = f"{shop.id}: no price list is set: nothing can be said of other goods"
            yield warn("prices", f"{says} ({_price_setting(parts)})")
    for source in sources:
        yield await _list(parts, source)


def _price_setting(parts: Assembly) -> str:
    has_file = parts.settings.ai_seller_shops_file is not None
    return "price_list, sheet in the shops file" if has_file else "KASPI_PRICE_LIST"


async def _list(parts: Assembly, source: PriceSource) -> Line:
    """A list as it is now: what the store holds of it is not asked."""
    whose = f"{source.shop} {kind_of(source)}"
    try:
        found = await source.read(None)
    except AiSellerError as error:
        setting = "GOOGLE_SHEET_URL" if kind_of(source) == "sheet" else "KASPI_PRICE_LIST"
        where = "the shops file" if parts.settings.ai_seller_shops_file is not None else setting
        return fail("prices", f"{whose}: {error.reason}; look at {where}")
    if not isinstance(found, Fetched):
        return ok("prices", f"{whose} {source.name}: as it was")
    prices = found.prices
    told = f"{whose} {source.name}: {many(len(prices.products), 'offer')}"
    if not prices.faults:
        return ok("prices", told) if prices.products else fail("prices", told)
    shown = "; ".join(
        _fault(each.offer, each.reason, row=each.row, column=each.column)
        for each in prices.faults[:FAULTS_SHOWN]
    )
    more = len(prices.faults) - FAULTS_SHOWN
    rest = f"; and {more} more" if more > 0 else ""
    says = f"{told}, {many(len(prices.faults), 'fault')}: {shown}{rest}"
    return warn("prices", says) if prices.products else fail("prices", says)


def _fault(offer: str, reason: str, *, row: int | None, column: str | None) -> str:
    place = [f"row {row}"] if row is not None else []
    place += [f"column {column}"] if column else []
    where = f" ({', '.join(place)})" if place else ""
    return f"{offer}{where}: {reason}" if offer else f"{reason}{where}"


# --- Google -------------------------------------------------------------------------------------


class _Account(Struct, frozen=True):
    client_email: str = ""


async def check_google(parts: Assembly) -> AsyncIterator[Line]:
    """The credentials and the sheet customers are shown in; nothing where there are none."""
    settings = parts.settings
    path = settings.google_credentials_file
    if path is None:
        return
    if is_open_to_others(path):
        says = f"{path.name} can be read by every user of this machine: chmod 600"
        yield warn("google", says)
    if settings.google_sheet_url is None:
        yield warn("google", "GOOGLE_SHEET_URL is not set: customers are shown in no sheet")
        return
    if parts.bot.sheet is None:
        says = "GOOGLE_SHEET_URL is not the address of a Google Sheet: copy it from the browser"
        yield fail("google", says)
        return
    try:
        keys = await parts.bot.sheet.read_keys()
    except AiSellerError as error:
        yield fail("google", _with_email(error, path))
        return
    yield ok("google", f"the sheet of customers can be read: {many(len(keys.rows), 'row')}")


def _with_email(error: AiSellerError, path: Path) -> str:
    """What Google says, and as whom it was asked: that is whom a sheet is to be shared with."""
    if error.code == "bad_credentials":
        return f"{error.reason}; look at GOOGLE_CREDENTIALS_FILE"
    try:
        email = msgspec.json.decode(path.read_bytes(), type=_Account).client_email
    except (OSError, msgspec.DecodeError):
        email = ""
    if not email or email in error.reason:
        return error.reason
    return f"{error.reason}; asked as {email}"
