"""The Kaspi side of ``ai-seller check``: every shop's token is tried, and what it may see is shown.

Of a person no more is shown than a first letter and a masked phone, of a token its last letters.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from msgspec import Struct

from app.config import ShopSettings
from app.domain.events import Stage
from app.errors import AiSellerError, Refused, StoreDown
from app.gateways.kaspi_api import (
    LONGEST_WINDOW,
    TOKEN_REFUSED,
    TOO_MANY,
    KaspiApi,
    Listing,
    State,
)
from app.gateways.kaspi_resources import Page, Told
from app.gateways.phones import kazakh_mobile
from app.log import mask_phone
from app.wiring.assembly import Assembly
from app.wiring.lines import Line, fail, many, ok, warn
from app.wiring.probe import MAKE_ANOTHER

_LISTED = (State.NEW, State.KASPI_DELIVERY, State.DELIVERY, State.PICKUP, State.ARCHIVE)
"""Lists with orders that people are written to about."""

_SHOWN = 4
"""Letters of a token that are shown, of one that is long enough not to be told by them."""

_LONG_ENOUGH = 16
_EVER = datetime.min.replace(tzinfo=UTC)
_ENDED = frozenset({Stage.DELIVERED, Stage.CANCELLED, Stage.RETURNED, Stage.RETURN_REQUESTED})


async def check_kaspi(parts: Assembly) -> AsyncIterator[Line]:
    """The lines on Kaspi, of every shop. A token that works is asked with again."""
    tried = (_shop(parts, shop) for shop in parts.settings.shops)
    for lines in await asyncio.gather(*tried):  # side by side: one that hangs keeps none waiting
        for line in lines:
            yield line


async def _shop(parts: Assembly, shop: ShopSettings) -> list[Line]:
    api = parts.bot.kaspi.get(shop.id)
    if api is None or shop.token is None:
        return [ok("kaspi", f"{shop.id}: {_key(parts)} is not set: orders come by push")]
    token = f"{shop.id}: token {_tail(shop.token.reveal())}"
    try:
        pages = await _read(parts, api)
    except AiSellerError as error:
        return [_refusal(parts, shop, token=token, error=error)]
    return [await _works(parts, api, token=token, pages=pages), *_notes(parts, shop, pages)]


async def _read(parts: Assembly, api: KaspiApi) -> list[Page]:
    """The first page of every list of the last fortnight. Raises what reading them raises."""
    until = parts.world.now()
    return [
        await api.page(Listing(state=state, since=until - LONGEST_WINDOW, until=until), 0)
        for state in _LISTED
    ]


async def _works(parts: Assembly, api: KaspiApi, *, token: str, pages: list[Page]) -> Line:
    told = f"{token} works: {_told(pages)}"
    try:
        was_refused = await parts.bot.orders.accept_token(api.shop, api.token_mark)
    except StoreDown:
        was_refused = False
    if was_refused:
        told += "; it had been refused, polling goes on now"
    return ok("kaspi", told)


def _told(pages: list[Page]) -> str:
    """How many orders there are, and the newest of them."""
    orders = _orders(pages)
    if not orders:
        return "no orders of the last 14 days"
    some = "over " if any(page.pages > 1 for page in pages) else ""
    count = f"{some}{many(len(orders), 'order')} of 14 days"
    newest = max(orders, key=lambda each: each.order.created_at or _EVER)
    return f"{count}; newest {mask_phone(newest.order.code)}, {_initial(newest)} {_phone(newest)}"


def _orders(pages: list[Page]) -> list[Told]:
    """Each once: one may move to another list between two requests."""
    return list({told.order.code: told for page in pages for told in page.orders}.values())


def _initial(told: Told) -> str:
    first = (told.name or "").strip()[:1]
    return f"{first.upper()}***" if first.isalpha() else "no name"


def _phone(told: Told) -> str:
    try:
        return mask_phone(kazakh_mobile(told.phone))
    except Refused:
        return "phone hidden"


def _tail(token: str) -> str:
    """What a seller knows a token by."""
    token = "".join(token.split())
    return f"…{token[-_SHOWN:]}" if len(token) >= _LONG_ENOUGH else "…"


# --- what is worth knowing of what works --------------------------------------------------------


class _Phones(Struct, frozen=True, kw_only=True):
    """Orders, those of them whose phone is hidden, and those of these that are not over yet."""

    orders: int
    hidden: int
    under_way: int


def _notes(parts: Assembly, shop: ShopSettings, pages: list[Page]) -> Iterator[Line]:
    yield from _on_phones(shop, _count(_orders(pages)))
    unreadable = sum(page.unreadable for page in pages)
    if unreadable:
        yield warn("kaspi", f"{shop.id}: {unreadable} of the orders cannot be read: left out")
    if shop.merchant_uid is None:
        says = f"{_uid(parts)} is not set: Kaspi wants to be told the shop with every request"
        yield warn("kaspi", f"{shop.id}: {says}")


def _count(orders: list[Told]) -> _Phones:
    hidden = [each for each in orders if _is_hidden(each.phone)]
    return _Phones(
        orders=len(orders),
        hidden=len(hidden),
        under_way=sum(each.order.stage not in _ENDED for each in hidden),
    )


def _is_hidden(phone: object) -> bool:
    try:
        kazakh_mobile(phone)
    except Refused as refusal:
        return refusal.code in {"phone_empty", "phone_masked"}
    return False


def _on_phones(shop: ShopSettings, phones: _Phones) -> Iterator[Line]:
    if not phones.orders:
        return
    share = f"{phones.hidden} of {phones.orders}"
    if not phones.hidden:
        yield ok("kaspi", f"{shop.id}: phones are shown")
    elif phones.under_way:
        says = f"phones are hidden in {share}: Kaspi masks them; orders without a phone get no"
        yield warn("kaspi", f"{shop.id}: {says} message")
    else:
        says = f"phones are hidden in {share}, which are over: Kaspi masks them then; the one an"
        yield ok("kaspi", f"{shop.id}: {says} order is first read with is kept")


# --- what does not work -------------------------------------------------------------------------


def _refusal(parts: Assembly, shop: ShopSettings, *, token: str, error: AiSellerError) -> Line:
    """What keeps Kaspi from answering, and what to do."""
    reason = mask_phone(error.reason)
    if isinstance(error, StoreDown):
        return warn("kaspi", f"{token} is not tried: {reason}")
    match error.code:
        case code if code == TOKEN_REFUSED:
            return fail("kaspi", f"{token}: {reason}: {MAKE_ANOTHER} and write it to {_key(parts)}")
        case code if code == TOO_MANY:
            return warn("kaspi", f"{token}: {reason}: try again in a few minutes")
        case "timeout":
            return fail("kaspi", f"{token}: hang: {reason}; look at the network and KASPI_PROXY")
        case "not_found":
            uid = "is not set" if shop.merchant_uid is None else "may be another shop's"
            return fail("kaspi", f"{token}: {reason}: {_uid(parts)} {uid}")
        case "unreachable":
            return fail("kaspi", f"{token}: {reason}; look at the network and KASPI_PROXY")
        case _:
            return fail("kaspi", f"{token}: {reason}")


def _key(parts: Assembly) -> str:
    has_file = parts.settings.ai_seller_shops_file is not None
    return "its token in the shops file" if has_file else "KASPI_API_TOKEN"


def _uid(parts: Assembly) -> str:
    has_file = parts.settings.ai_seller_shops_file is not None
    return "merchant_uid in the shops file" if has_file else "KASPI_MERCHANT_UID"
