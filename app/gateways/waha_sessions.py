"""Logging a WhatsApp session in: the picture to scan, the code to type, the shop's own number."""

from __future__ import annotations

import re
from typing import Any

import httpx
from msgspec import Struct
from phonenumbers import NumberParseException, is_possible_number, parse

from app.errors import Permanent, Refused
from app.gateways.waha_failures import failure, unreachable
from app.gateways.waha_wire import part

MOST_QR = 256 * 1024
"""Bytes of a QR code: WAHA's have some 5,000."""

_MOST_REFUSAL = 64 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_CODE = re.compile(r"([A-Z0-9]{4})-?([A-Z0-9]{4})")
_WRITTEN = re.compile(r"\+?[0-9\s().\-–—]{1,40}")


class _Code(Struct, frozen=True):
    code: Any = None


async def fetched_qr(http: httpx.AsyncClient, url: str, *, headers: httpx.Headers) -> bytes:
    """The PNG at ``url``.

    Raises what a refusal means, and Permanent with the code ``not_a_picture`` for anything else
    than a PNG of at most ``MOST_QR`` bytes.
    """
    plain = headers.copy()
    plain["Accept"] = "image/png"  # WAHA tells JSON to who takes it
    plain["Accept-Encoding"] = "identity"  # a few packed bytes may unpack to gigabytes
    try:
        async with http.stream("GET", url, headers=plain, follow_redirects=False) as response:
            said = await _first(response, MOST_QR if response.is_success else _MOST_REFUSAL)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise unreachable(error) from error
    if not response.is_success:
        raise failure(_whole(response, said), reading=True)
    if len(said) > MOST_QR or not said.startswith(_PNG):
        raise Permanent("WAHA's QR code is no picture we can show", code="not_a_picture")
    return said


async def _first(response: httpx.Response, most: int) -> bytes:
    """What was answered; of more than ``most`` bytes a little more than those."""
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > most:
            break
    return bytes(content)


def _whole(response: httpx.Response, said: bytes) -> httpx.Response:
    """The refusal, with as much of its body as was read."""
    telling = ("Retry-After", "Date")
    kept = {name: response.headers[name] for name in telling if name in response.headers}
    return httpx.Response(response.status_code, headers=kept, content=said)


def code_in(answer: object) -> str:
    """The pairing code as WhatsApp writes it, ``ABCD-EFGH``; Permanent without one."""
    code = part(answer, _Code).code
    match = _CODE.fullmatch(code.strip().upper()) if isinstance(code, str) else None
    if match is None:
        raise Permanent("this WAHA gives no pairing code: scan the QR code", code="no_code")
    return f"{match[1]}-{match[2]}"


def own_number(written: str) -> str:
    """The digits of a shop's own number, of any country and also a landline's.

    A number without its country is one of Kazakhstan. Raises Refused with a reason that never
    repeats the digits.

    >>> own_number("8 (701) 123-45-67")
    '77011234567'
    """
    refused = Refused("this is no phone number: write it with its country", code="phone_invalid")
    if not _WRITTEN.fullmatch(written.strip()):
        raise refused
    for spelled in (written, f"+{written.strip().lstrip('+')}"):
        try:
            number = parse(spelled, "KZ")
        except NumberParseException:
            continue
        if is_possible_number(number):
            return f"{number.country_code}{number.national_number}"
    raise refused
