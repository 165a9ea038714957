"""Kaspi's Shop API v2: a shop's orders, read. Nothing is ever written there.

Known of it (no published limits, no sandbox): every request needs the four headers below, or it is
answered with a page of HTML, with ``404 Order not found``, or never; a list is of one ``state`` and
of at most 14 days by creation; pages are counted from 0 to ``meta.pageCount``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from hashlib import blake2b
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from app import __version__
from app.errors import AiSellerError, Permanent, Refused, Transient
from app.gateways.kaspi_resources import Page, Told, entries_of, page_of
from app.gateways.tls import tls
from app.world import World

JSON_API = "application/vnd.api+json"
USER_AGENT = f"Mozilla/5.0 (compatible; ai-seller/{__version__})"
"""Without one of this form requests hang until the timeout: Kaspi's protection drops them."""

LONGEST_WINDOW = timedelta(days=14)
"""Days between the two ends of a list, by creation of its orders."""

PAGE = 100
"""Orders of one page, the most there may be."""

TIMEOUT = 30.0
"""Seconds in which an answer is there as a whole."""

LARGEST = 32 * 1024 * 1024
"""Bytes of an answer that is read; a full page takes half a megabyte."""

TOKEN_REFUSED = "token_refused"  # noqa: S105 - a code of a failure
TOO_MANY = "too_many"

NOT_FOUND = "not_found"

TURNED_AWAY = "turned_away"
_TURNED_AWAY_FOR = 3600.0
_MOST_RETRY_AFTER = 3600.0
_LONGEST_TITLE = 160
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class State(StrEnum):
    """Tabs of the cabinet that are listed. Where an order is says its status, never its tab."""

    NEW = "NEW"
    SIGN_REQUIRED = "SIGN_REQUIRED"
    KASPI_DELIVERY = "KASPI_DELIVERY"
    DELIVERY = "DELIVERY"
    PICKUP = "PICKUP"
    ARCHIVE = "ARCHIVE"


class Listing(Struct, frozen=True, kw_only=True):
    """Orders of one ``state`` that were made from ``since`` to ``until``."""

    state: State
    since: datetime
    until: datetime


class KaspiApi:
    """One shop's orders at Kaspi.

    ``base_url`` is the API's address, ``token`` the shop's, ``merchant_uid`` its id in the cabinet.
    ``turn`` is entered around every request: it keeps the shop's pace. ``proxy`` is an address of
    one to go through, where Kaspi is not to be reached directly; ``timeout`` are the seconds in
    which an answer has to be there. ``token_mark`` is a hash by which a new token is told from
    another, ``merchant`` tells whose orders these are: without its id, whoever's token it is.
    """

    def __init__(
        self,
        base_url: str,
        *,
        world: World,
        shop: str,
        token: str,
        merchant_uid: str | None,
        turn: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
        proxy: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.shop = shop
        self._world = world
        self._timeout = timeout
        self._token = token = "".join(token.split())
        self.token_mark = blake2b(token.encode(), digest_size=8).hexdigest()
        merchant_uid = (merchant_uid or "").strip()
        self.merchant = merchant_uid or self.token_mark
        self._base = base_url.rstrip("/")
        self._turn = turn
        told = {
            "X-Auth-Token": token,
            "Content-Type": JSON_API,
            "Accept": JSON_API,
            "User-Agent": USER_AGENT,
        }
        if merchant_uid:
            told["X-Merchant-Uid"] = merchant_uid
        self._headers = httpx.Headers(told, encoding="utf-8")
        self._http = httpx.AsyncClient(
            timeout=timeout, trust_env=False, follow_redirects=False, verify=tls(), proxy=proxy
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def page(self, listing: Listing, number: int) -> Page:
        """Page ``number`` (from 0) of a list, with the lines of its orders.

        Raises Transient, or Permanent with the code ``token_refused``.
        """
        return self._page(
            await self._get(
                "/orders",
                {
                    "page[number]": str(number),
                    "page[size]": str(PAGE),
                    "filter[orders][state]": listing.state,
                    "filter[orders][creationDate][$ge]": _millis(listing.since),
                    "filter[orders][creationDate][$le]": _millis(listing.until),
                    "include[orders]": "entries",
                },
            )
        )

    async def order(self, code: str) -> Told | None:
        """The order with this number as it is now, its lines with it; None when there is none.

        Raises Transient, or Permanent with the code ``token_refused``.
        """
        asked = {
            "page[number]": "0",
            "page[size]": "1",
            "filter[orders][code]": code,
            "include[orders]": "entries",
        }
        page = self._page(await self._get("/orders", asked))
        found = next((told for told in page.orders if told.order.code == code), None)
        if found is None and page.unreadable:
            raise _unknown("Kaspi's answer holds an order that cannot be read")
        return None if found is None else await self.with_lines(found)

    async def with_lines(self, told: Told) -> Told:
        """``told`` with the lines it refers to and does not hold. Raises as :meth:`order`."""
        if not told.lines_missing or told.id is None:
            return told
        body = await self._get(f"/orders/{quote(told.id, safe='')}/entries", {})
        try:
            items = entries_of(body)
        except Refused as refusal:
            raise _unknown(refusal.reason) from None
        order = msgspec.structs.replace(told.order, items=items or told.order.items)
        return msgspec.structs.replace(told, order=order, lines_missing=False)

    def _page(self, body: bytes) -> Page:
        try:
            return page_of(body, shop_id=self.shop)
        except Refused as refusal:
            raise _unknown(refusal.reason) from None

    async def _get(self, path: str, asked: dict[str, str]) -> bytes:
        async with self._turn():
            try:
                async with asyncio.timeout(self._timeout):
                    response, body = await self._answer(path, asked)
            except (httpx.TimeoutException, TimeoutError):
                what = f"Kaspi did not answer in {self._timeout:.0f} s"
                raise Transient(what, code="timeout") from None
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                what = f"Kaspi cannot be reached ({type(error).__name__})"
                raise Transient(what, code="unreachable") from None
        failure = self._failure(response, body)
        if failure is not None:
            raise failure
        return body

    async def _answer(self, path: str, asked: dict[str, str]) -> tuple[httpx.Response, bytes]:
        request = self._http.build_request(
            "GET", self._base + path, params=asked, headers=self._headers
        )
        response = await self._http.send(request, stream=True)
        try:
            return response, await _read(response)
        finally:
            await response.aclose()

    def _failure(self, response: httpx.Response, body: bytes) -> AiSellerError | None:
        """What an answer's status says; None for one with orders in it."""
        status, page = response.status_code, body.lstrip()[:1] == b"<"
        after = _retry_after(response, now=self._world.now())
        if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.FORBIDDEN and not page):
            return Permanent(f"Kaspi refuses the token (HTTP {status})", code=TOKEN_REFUSED)
        if response.is_success:
            return None if _is_json(body) else _unknown("Kaspi answered with a web page")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Transient("Kaspi asks to slow down (HTTP 429)", code=TOO_MANY, retry_after=after)
        if response.is_redirect:
            what = "Kaspi redirects, and the token is not taken elsewhere"
            return Transient(what, code="redirected")
        if response.is_server_error:
            return Transient(f"Kaspi is down (HTTP {status})", code="down", retry_after=after)
        if status == HTTPStatus.FORBIDDEN:  # its protection's word, which may pass
            what = "Kaspi turns us away (HTTP 403, a web page)"
            return Transient(what, code=TURNED_AWAY, retry_after=_TURNED_AWAY_FOR)
        if page:
            return _unknown(f"Kaspi answered with a web page (HTTP {status})")
        title = _title(body).replace(self._token, "…") if self._token else _title(body)
        if status == HTTPStatus.NOT_FOUND:
            what = f"Kaspi finds nothing: {title}; look at KASPI_MERCHANT_UID"
            return Transient(what, code=NOT_FOUND)
        return Transient(f"Kaspi refuses what was asked (HTTP {status}): {title}", code="refused")


async def _read(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > LARGEST:
            raise _unknown("Kaspi's answer is too large")
        parts.append(part)
    return b"".join(parts)


def _unknown(reason: str) -> Transient:
    """An answer nobody can read: it says nothing of any order, and may be mended the next time."""
    return Transient(reason, code="unknown_answer")


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] in (b"{", b"[")


class _Error(Struct):
    title: str | None = None


class _Errors(Struct):
    errors: list[_Error] = []


def _title(body: bytes) -> str:
    """What Kaspi says is wrong; ``?`` when it says nothing."""
    try:
        told = msgspec.json.decode(body, type=_Errors).errors
    except msgspec.DecodeError:
        return "?"
    return next((error.title[:_LONGEST_TITLE] for error in told if error.title), "?")


def _retry_after(response: httpx.Response, *, now: datetime) -> float | None:
    """Seconds to wait, as a number or by a date; None where it is not said."""
    said = response.headers.get("Retry-After", "").strip()
    if not said:
        return None
    try:
        seconds = float(said) if said.isdecimal() else _seconds_until(said, now=now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(seconds, 0.0), _MOST_RETRY_AFTER)


def _seconds_until(said: str, *, now: datetime) -> float:
    """Seconds to an HTTP date. Raises one of several errors for what is none."""
    return (parsedate_to_datetime(said) - now).total_seconds()


def _millis(at: datetime) -> str:
    """Epoch milliseconds, cut and not rounded: so a fortnight is never a millisecond more."""
    return str((at - _EPOCH) // timedelta(milliseconds=1))
