"""Readers of settings: one text in, one value out.

Each raises ValueError with what to write instead; the text itself is never in the message where
it may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterable
from datetime import time
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domain.events import Language
from app.domain.rules import Purpose

Network: TypeAlias = IPv4Network | IPv6Network


class Faults(ValueError):
    """Several things are wrong with one setting: ``faults`` has a message for each."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Secret:
    """A text that does not print itself: it comes out by :meth:`reveal` only."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the wire."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)


def flag(text: str) -> bool:
    """Yes or no, in the usual ways to write them."""
    if text.lower() in {"true", "yes", "on", "1"}:
        return True
    if text.lower() in {"false", "no", "off", "0"}:
        return False
    raise ValueError("write true or false")


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers from ``low`` to ``high``, both included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"write a whole number from {low} to {high}")
        return int(text)

    return read


def amount(low: float, high: float) -> Callable[[str], float]:
    """A reader of plain decimal numbers from ``low`` to ``high``, both included."""

    def read(text: str) -> float:
        plain = re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", text)
        if not plain or not low <= float(text) <= high:
            raise ValueError(f"write a number from {low:g} to {high:g}, such as {low + 1:g} or 1.5")
        return float(text)

    return read


count = whole(0, 1_000_000)
"""Messages, or other things there may be many of."""

days = whole(0, 36_500)
hours = amount(0, 24 * 366)
poll_seconds = amount(1, 86_400)


def line(text: str) -> str:
    """Any printable line."""
    if not text.isprintable():
        raise ValueError("write one line of plain text")
    return text


def shop_id(text: str) -> str:
    """An id that is safe in addresses and file names."""
    if not re.fullmatch(r"[\w.-]{1,64}", text):
        raise ValueError("write letters, digits, dots, dashes or underscores, 64 at most")
    return text


def host(text: str) -> str:
    """An address or host name to listen on, without scheme or port."""
    if not re.fullmatch(r"[\w.:-]+", text) or text.count(":") == 1:
        raise ValueError("write an address or a host name alone, such as 127.0.0.1 or 0.0.0.0")
    return text


def url(text: str) -> str:
    """A whole http(s) address; comes without the last slash."""
    if not _is_url(text, ("http", "https")):
        raise ValueError("write a whole address, such as https://shop.example")
    return text.rstrip("/")


def proxy_url(text: str) -> Secret:
    """The address of an HTTP proxy; secret, as it may hold a password."""
    return Secret(url(text))


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        port_is_fine = parts.port != 0
    except ValueError:
        return False
    spaces = any(letter.isspace() for letter in text)
    return parts.scheme in schemes and bool(parts.hostname) and port_is_fine and not spaces


def redis_url(text: str) -> Secret:
    """An address that redis-py understands; secret, as it may hold a password."""
    if not re.fullmatch(r"unix:///\S+", text) and not _is_url(text, ("redis", "rediss")):
        raise ValueError("write redis://host:6379/0, rediss://… or unix:///path/to/the.sock")
    return Secret(text)


def path(text: str) -> Path:
    """A path; ``~`` is the home folder."""
    return Path(line(text)).expanduser()


def key(text: str) -> Secret:
    """A key that can travel in a header."""
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("write the key alone: Latin letters, digits and signs, no spaces")
    return Secret(text)


def waha_key(text: str) -> Secret:
    """The WAHA server's key as clients send it, not as the server may keep it."""
    if text.startswith("sha512:"):
        raise ValueError("this is the hash that the WAHA server keeps; write the plain key")
    return key(text)


def webhook_secret(text: str) -> Secret:
    """A Standard Webhooks secret: base64, with or without ``whsec_``."""
    try:
        sound = bool(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except binascii.Error:
        sound = False
    if not sound:
        raise ValueError("write whsec_ and the secret in base64, as Standard Webhooks has it")
    return Secret(text)


def networks(text: str) -> tuple[Network, ...]:
    """Networks in CIDR notation, by commas; ``none`` is no network."""
    if text.lower() == "none":
        return ()
    try:
        return tuple(ip_network(part) for part in parts(text))
    except ValueError as wrong:
        raise ValueError(f"{wrong}; write networks such as 10.0.0.0/8,::1/128, or none") from None


def parts(text: str) -> tuple[str, ...]:
    """What stands between commas, without the empty."""
    return tuple(stripped for part in text.split(",") if (stripped := part.strip()))


def quiet_hours(text: str) -> tuple[time, time] | None:
    """Local ``(start, end)``, over midnight too; None when there are none."""
    if text.lower() in {"", "none"}:
        return None
    clock = r"([01]?\d|2[0-3]):([0-5]\d)"
    found = re.fullmatch(rf"{clock}\s*[-–]\s*{clock}", text, re.ASCII)
    if not found:
        raise ValueError("write from-till, such as 21:00-09:00, or nothing for none")
    hours = [int(number) for number in found.groups()]
    start, end = time(hours[0], hours[1]), time(hours[2], hours[3])
    if start == end:
        raise ValueError("start and end are the same; write 21:00-09:00, or nothing for none")
    return start, end


def interval(text: str) -> tuple[float, float]:
    """``(shortest, longest)`` in seconds; one number is both."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)(?:\s*[-–]\s*(\d{1,6}(?:\.\d+)?))?", text, re.ASCII)
    if not found or (found[2] and float(found[1]) > float(found[2])):
        raise ValueError("write shortest-longest in seconds, such as 30-60, or 0 for none")
    return float(found[1]), float(found[2] or found[1])


def timezone(text: str) -> ZoneInfo:
    """A time zone by its IANA name."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("write a time zone's name, such as Asia/Almaty") from None


def languages(text: str) -> tuple[Language, ...]:
    """The languages we write in, the default one first."""
    written = {Language.RU.value: Language.RU, Language.KK.value: Language.KK}
    names = [name.lower() for name in parts(text)]
    if not names or len(set(names)) < len(names) or not set(names) <= set(written):
        raise ValueError("write ru,kk or kk,ru, or one of them; the first is the default")
    return tuple(written[name] for name in names)


def purposes(text: str) -> tuple[Purpose, ...]:
    """Purposes we speak for by ourselves, by commas. What answers cannot be among them."""
    names = [name.lower().replace("-", "_") for name in parts(text)]
    ours = [purpose.value for purpose in Purpose if purpose.proactive]
    if not set(names) <= set(ours):
        raise ValueError(f"write, by commas, some of {', '.join(ours)}")
    return tuple(Purpose(name) for name in dict.fromkeys(names))


def one_of(*words: str) -> Callable[[str], str]:
    """A reader of one of ``words``, in any case."""

    def read(text: str) -> str:
        for word in words:
            if word.lower() == text.lower():
                return word
        raise ValueError("write " + " or ".join(words))

    return read
