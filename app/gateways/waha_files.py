"""Files that came with a message: where WAHA says they are, and how one is fetched.

WAHA tells an address with a host, ``http://localhost:3000`` unless it was told better. Only the
path of it is kept, and only what WAHA serves as files is ever asked for: whoever wrote the address
cannot send our key elsewhere, nor have another question of WAHA's answered.
"""

from __future__ import annotations

import asyncio
import re

import httpx

from app.domain.events import Attachment
from app.errors import Permanent, Transient
from app.gateways.waha_failures import failure, unreachable
from app.gateways.waha_wire import File, Payload, number, part

WITHIN = 30.0
"""Seconds for one file, everything included."""

_LONGEST_URL = 2000
_PART = r"(?:[A-Za-z0-9_~@:+=,!()-]|%(?:20|2[1BCD]|3[AD]|40))+"
"""A word in a path. Nothing in it is spelt in a second way but what may stand in WhatsApp's ids."""
_NAME = rf"{_PART}(?:\.{_PART})*"
_QUERY = r"(?:\?(?:[A-Za-z0-9_~@:+=,!()./&*$-]|%(?![01]|7[Ff])[0-9A-Fa-f]{2})*)?"
_HOST = r"(?:https?://[^\x00-\x20\x7f/?#@\\%]+)?"

_URL = re.compile(rf"{_HOST}((?:/{_NAME})+{_QUERY})")
_FILE = re.compile(rf"(?:/(?!api/){_NAME})*(/api/files(?:/{_NAME})+{_QUERY})")
"""A path on which WAHA serves files, behind whatever a proxy has put before it."""
_MIMETYPE = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,199}")


def attachment_of(payload: Payload) -> Attachment | None:
    """The file of a message; None without one, and where WAHA could not get it or tells nonsense.

    An address spelt so that two programs may read it differently is nonsense.
    """
    file = part(payload.media, File)
    path = _path_of(file.url)
    if path is None or payload.has_media is False or file.error not in (None, "", False):
        return None
    mimetype = file.mimetype if isinstance(file.mimetype, str) else ""
    return Attachment(path=path, mimetype=mimetype if _MIMETYPE.fullmatch(mimetype) else None)


def _path_of(url: object) -> str | None:
    if not isinstance(url, str) or len(url) > _LONGEST_URL:
        return None
    match = _URL.fullmatch(url)
    return match[1] if match else None


def route_of(attachment: Attachment) -> str:
    """What to ask WAHA for; Permanent with the code ``not_a_file`` when it is no file of WAHA's."""
    match = _FILE.fullmatch(attachment.path)
    if match is None:
        raise Permanent("the attachment is not among WAHA's files", code="not_a_file")
    return match[1]


async def fetched(
    http: httpx.AsyncClient, url: str, *, headers: httpx.Headers, most: int, within: float
) -> bytes:
    """The file at ``url``, of which no more than ``most`` bytes are taken in."""
    plain = headers.copy()
    plain["Accept-Encoding"] = "identity"  # a few packed bytes may unpack to gigabytes
    asking = http.stream("GET", url, headers=plain, follow_redirects=False)
    try:
        async with asyncio.timeout(within), asking as response:
            _refuse(response)
            return await _received(response, most)
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise unreachable(error) from error


def _refuse(response: httpx.Response) -> None:
    """Raise what an answer that is no file means; its body is not read."""
    if response.is_redirect:
        raise Permanent("WAHA has the file elsewhere, where we do not go", code="redirect")
    if response.status_code == httpx.codes.NOT_FOUND:
        raise Transient("WAHA does not have the file, or not yet", code="not_yet")
    if not response.is_success:
        telling = ("Retry-After", "Date")
        kept = {name: response.headers[name] for name in telling if name in response.headers}
        raise failure(httpx.Response(response.status_code, headers=kept), reading=True)
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Permanent("WAHA's file is packed, which we did not ask for", code="not_a_file")


async def _received(response: httpx.Response, most: int) -> bytes:
    too_large = Permanent(f"the file is larger than {most} bytes", code="too_large")
    if (number(response.headers.get("Content-Length")) or 0) > most:
        raise too_large
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > most:
            raise too_large
    return bytes(content)
