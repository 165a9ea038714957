"""The price lists and sheets of the shops, and the sheet of customers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from app.config import Settings
from app.errors import Refused
from app.gateways.catalogue import read_rows
from app.gateways.catalogue_source import Fetched, Found, Source, Stamp, Unchanged
from app.log import get_logger
from app.worker.prices import PriceSource

if TYPE_CHECKING:
    from app.gateways.google_sheets import GoogleSheet

FILE_EVERY = timedelta(seconds=10)
"""How often it is seen whether a file has changed: that costs nothing."""


def price_sources(settings: Settings, stack: AsyncExitStack) -> tuple[PriceSource, ...]:
    """Every list of every shop, its price list before its sheet; closed with the ``stack``."""
    every = timedelta(seconds=settings.ai_seller_price_list_seconds)
    found: list[PriceSource] = []
    for shop in settings.shops:
        if shop.price_list is not None:
            source = Source(shop.price_list)
            pause = every if "://" in shop.price_list else min(every, FILE_EVERY)
            found.append(_source(shop.id, "list", source=source, every=pause))
        if shop.sheet is not None:
            found.append(_sheet(settings, stack, shop=shop.id, url=shop.sheet, every=every))
    return tuple(found)


def list_names(sources: tuple[PriceSource, ...]) -> dict[str, tuple[str, ...]]:
    """The names of each shop's lists, the one that tells prices first."""
    return {
        shop: tuple(each.list_ for each in sources if each.shop == shop)
        for shop in dict.fromkeys(each.shop for each in sources)
    }


def customers_sheet(settings: Settings, stack: AsyncExitStack) -> GoogleSheet | None:
    """The sheet customers are shown in, where there are credentials for it."""
    url = settings.google_sheet_url
    if url is None or settings.google_credentials_file is None:
        return None
    try:
        return _google(settings, stack, url)
    except Refused as error:
        get_logger("sheet").error("customers_sheet_off", reason=error.reason)
        return None


def _source(shop: str, kind: str, *, source: Source, every: timedelta) -> PriceSource:
    return PriceSource(
        shop=shop, list_=f"{shop}:{kind}", name=source.name, every=every, read=source.read
    )


def _sheet(
    settings: Settings, stack: AsyncExitStack, *, shop: str, url: str, every: timedelta
) -> PriceSource:
    """A product sheet: read with the credentials where there are some, else as everybody may."""
    if settings.google_credentials_file is None:
        return _source(shop, "sheet", source=Source(url), every=every)

    list_, name = f"{shop}:sheet", "in the Google sheet"
    try:
        read = partial(_read_sheet, _google(settings, stack, url))
    except Refused as refusal:
        read = partial(_refuse, refusal)
    return PriceSource(shop=shop, list_=list_, name=name, every=every, read=read)


def _google(settings: Settings, stack: AsyncExitStack, url: str) -> GoogleSheet:
    """A sheet, read and written with the credentials. Raises Refused for an address of none."""
    from app.gateways.google_sheets import GoogleSheet  # noqa: PLC0415 - half a second of imports

    if settings.google_credentials_file is None:
        raise Refused("GOOGLE_CREDENTIALS_FILE is not set")
    sheet = GoogleSheet(
        url, credentials=settings.google_credentials_file, api=settings.google_api_base_url
    )
    stack.push_async_callback(sheet.aclose)
    return sheet


async def _read_sheet(sheet: GoogleSheet, known: Stamp | None) -> Found:
    rows = await sheet.read_products()
    digest = blake2b(msgspec.json.encode(rows), digest_size=16).hexdigest()
    stamp = Stamp(source=sheet.id, digest=digest)
    if known == stamp:
        return Unchanged(stamp=stamp)
    prices = await asyncio.to_thread(read_rows, rows, name="in the Google sheet")
    return Fetched(prices=prices, stamp=stamp)


async def _refuse(refusal: Refused, _known: Stamp | None) -> Found:
    raise refusal
