"""Where the price list comes from, a file or an address, and whether it has changed since.

An address is asked without any key of ours, and never named beyond its host: whoever knows the
rest of it may have the list. What each failure means: the list is wrong, or its address is, and
somebody has to change it: ``Refused``; it may come the next time: ``Transient``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from stat import S_ISREG
from typing import TypeAlias

import httpx
from msgspec import Struct
from msgspec.structs import replace

from app.errors import AiSellerError, Refused, Transient
from app.gateways.catalogue import LARGEST, TOO_LARGE, PriceList, read_prices, refused
from app.gateways.catalogue_google import csv_export
from app.gateways.tls import tls

__all__ = ["Fetched", "Source", "Stamp", "Unchanged", "csv_export"]

_TIMEOUT = 30.0
"""Seconds without a byte."""

_WITHIN = 300.0
"""Seconds for the whole list."""

_REDIRECTS = 5  # Google's export needs one or two
_SHORTEST_WAIT, _LONGEST_WAIT = 1, 86_400  # seconds
_HOST = re.compile(r"[\w.:-]{1,255}")
_LONGEST_TAG = 500
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; ai-seller)",
    "Accept": "*/*",
    "Accept-Encoding": "identity",  # a few packed bytes may unpack to gigabytes
}


class Stamp(Struct, frozen=True, kw_only=True):
    """What tells whether a list is still the same: of its bytes, of its file, of its server."""

    source: str
    digest: str
    file: tuple[int, int, int] | None = None
    etag: str | None = None
    modified: str | None = None


class Fetched(Struct, frozen=True, kw_only=True):
    """A list that was read, and the stamp to ask with the next time."""

    prices: PriceList
    stamp: Stamp


class Unchanged(Struct, frozen=True, kw_only=True):
    """The list is the one known; ``stamp`` is to be asked with from now on."""

    stamp: Stamp


Found: TypeAlias = Fetched | Unchanged


class Source:
    """A path, or an http or https address; a Google sheet's address is that of its CSV export.

    ``within`` is seconds for the whole list of an address.
    """

    def __init__(self, where: str, *, within: float = _WITHIN) -> None:
        self._where = csv_export(where.strip())
        self._within = within
        self._id = _digest(self._where.encode(errors="replace"))
        scheme = _SCHEME.match(self._where)
        self._scheme = scheme[1].lower() if scheme else None
        self._host = _host(self._where) if scheme else None
        self.name = f"at {self._host or '?'}" if scheme else Path(self._where).name
        """What the list is called where people read it."""

    async def read(self, known: Stamp | None = None) -> Found:
        """The list, unless it is the ``known`` one; read and parsed beside the event loop.

        Raises Refused when it cannot be used or its address must be corrected, Transient when it
        may be had later.
        """
        if known is not None and known.source != self._id:
            known = None
        if self._scheme is None:
            return await asyncio.to_thread(self._of_file, known)
        if self._scheme not in {"http", "https"}:
            raise refused(self.name, "has an address that is neither http nor https")
        if self._host is None:
            raise refused(self.name, "has an address that cannot be asked")
        try:
            async with asyncio.timeout(self._within):
                data, stamp = await self._download(known)
        except TimeoutError:
            raise self._unreachable("it takes too long") from None
        if data is None:
            return Unchanged(stamp=stamp)
        return await asyncio.to_thread(self._parsed, data, stamp, known=known)

    # -- a file

    def _of_file(self, known: Stamp | None) -> Found:
        try:
            path = Path(self._where).expanduser()
            status = path.stat()
            if not S_ISREG(status.st_mode):  # nothing that could be waited for, or has no end
                raise refused(self.name, "cannot be opened: it is no file")
            if known is not None and known.file == _mark(status):
                return Unchanged(stamp=known)
            with path.open("rb") as file:
                before = os.fstat(file.fileno())
                data = file.read(LARGEST + 1)
                after = os.fstat(file.fileno())
        except (OSError, ValueError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "this is no name of a file"
            raise refused(self.name, f"cannot be opened: {reason}") from None
        if _mark(before) != _mark(after):
            raise Transient(f"Price list {self.name} is being written", code="being_written")
        stamp = Stamp(source=self._id, digest="", file=_mark(after))
        return self._parsed(data, stamp, known=known)

    def _parsed(self, data: bytes, stamp: Stamp, *, known: Stamp | None) -> Found:
        """The list in these bytes, unless they are the known ones."""
        stamp = replace(stamp, digest=_digest(data))
        if known is not None and known.digest == stamp.digest:
            return Unchanged(stamp=stamp)
        return Fetched(prices=read_prices(data, name=self.name), stamp=stamp)

    # -- an address

    async def _download(self, known: Stamp | None) -> tuple[bytes | None, Stamp]:
        """What the address holds, None where it says that it is the known list."""
        async with self._answer(known) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and known is not None:
                return None, known
            if response.status_code != httpx.codes.OK:
                raise self._failure(response)
            if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
                raise refused(self.name, "comes packed, which we did not ask for")
            stamp = Stamp(
                source=self._id,
                digest="",
                etag=_plain(response.headers.get("ETag")),
                modified=_plain(response.headers.get("Last-Modified")),
            )
            return await self._received(response), stamp

    async def _received(self, response: httpx.Response) -> bytes:
        """The body, no more of it than a list may hold, whatever its head says."""
        content = bytearray()
        async for piece in response.aiter_raw():
            content += piece
            if len(content) > LARGEST:
                raise refused(self.name, TOO_LARGE)
        return bytes(content)

    @asynccontextmanager
    async def _answer(self, known: Stamp | None) -> AsyncIterator[httpx.Response]:
        """The answer after redirects, its body unread; bodies of redirects are never read."""
        try:
            async with httpx.AsyncClient(
                timeout=_TIMEOUT, trust_env=False, follow_redirects=False, verify=tls()
            ) as http:
                request = http.build_request("GET", self._where, headers=_asking(known))
                for _ in range(_REDIRECTS + 1):
                    response = await http.send(request, stream=True)
                    try:
                        if response.next_request is None:
                            yield response
                            return
                        request = response.next_request
                    finally:
                        await response.aclose()
                raise refused(self.name, "is behind too many redirects")
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError, ValueError):
            raise refused(self.name, "has an address that cannot be asked") from None
        except httpx.HTTPError as error:
            raise self._unreachable(type(error).__name__) from None

    def _unreachable(self, why: str) -> Transient:
        return Transient(f"Price list {self.name} cannot be reached ({why})", code="unreachable")

    def _failure(self, response: httpx.Response) -> AiSellerError:
        """What an answer without a list means."""
        status = response.status_code
        reason = f"Price list {self.name} cannot be had (HTTP {status})"
        if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004 - the server's fault
            return Transient(reason, code="unreachable", retry_after=_wait(response))
        if status in {401, 403, 404, 410}:
            reason += ": look at its address, and open it to everyone who has the link"
        return Refused(reason, code="bad_price_list")


def _mark(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _host(address: str) -> str | None:
    """Whom an address asks; None where that cannot be made out."""
    try:
        host = httpx.URL(address).host
    except (httpx.InvalidURL, ValueError):
        return None
    return host if _HOST.fullmatch(host) else None


def _asking(known: Stamp | None) -> dict[str, str]:
    """The head of the question, with what we know of the list."""
    told = {
        "If-None-Match": None if known is None else known.etag,
        "If-Modified-Since": None if known is None else known.modified,
    }
    return {**_HEADERS, **{name: value for name, value in told.items() if value is not None}}


def _plain(told: str | None) -> str | None:
    """What can be sent back as it came."""
    return told if told and told.isascii() and len(told) <= _LONGEST_TAG else None


def _wait(response: httpx.Response) -> float | None:
    """Seconds asked for by ``Retry-After``; None when nothing is, or it cannot be made out."""
    told = response.headers.get("Retry-After", "").strip()
    if not (told.isascii() and told.isdigit()) or len(told) > len(str(_LONGEST_WAIT)):
        return None
    return float(min(max(int(told), _SHORTEST_WAIT), _LONGEST_WAIT))
