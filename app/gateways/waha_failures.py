"""What WAHA's refusals and silences mean, by what is known of the request.

- it never left, or WAHA refused it for a passing reason: ``Transient``
- it was refused for good: ``Permanent``
- it left and nobody knows: ``Uncertain`` (never for a GET, which changes nothing)

No reason repeats what WAHA answered: its errors echo the whole request, text and phone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from msgspec import Struct

from app.errors import AiSellerError, Permanent, Transient, Uncertain
from app.gateways.waha_wire import decoded, number, part, text

NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
"""What httpx raises before WAHA can have seen anything."""

_CONFIG_RETRY = 60  # seconds: somebody has to correct a setting
_SESSION_RETRY = 15
_BUSY_RETRY = 30
_LONGEST_RETRY = 86_400
"""More than a day is no wait but a mistake of whoever answered."""

_ENGINE_FAILED = 500
_TIMELOCK = re.compile(r"(?<![0-9])463(?![0-9])")
_NOT_ON_WHATSAPP = ("no lid found", "lid is missing", "not on whatsapp")
_STATUS = re.compile(r"[A-Z_]{1,40}")


class NotFound(Transient):
    """A 404 that is about the thing asked for, not about the route."""


class NoRoute(Transient):
    """A 404 of a WAHA that has no such question: it is older, or built otherwise. GETs only."""


class EngineFailed(Transient):
    """A 500 to a question: WAHA is there, and its engine could not answer this."""


class _Problem(Struct, frozen=True):
    """The three shapes of WAHA's errors in one."""

    message: Any = None
    error: Any = None
    status: Any = None
    session: Any = None
    exception: Any = None


class _Exception(Struct, frozen=True):
    message: Any = None
    details: Any = None


def unreachable(error: Exception) -> Transient:
    """WAHA has not seen the request, or it was one that changes nothing."""
    return Transient(f"WAHA cannot be reached ({type(error).__name__})", code="unreachable")


def unanswered(error: Exception, *, reading: bool) -> AiSellerError:
    """The request left and no answer came."""
    if reading:
        return unreachable(error)
    return Uncertain(f"WAHA did not answer ({type(error).__name__})", code="no_answer")


def failure(response: httpx.Response, *, reading: bool) -> AiSellerError:
    """What an answer that is no 2xx means."""
    problem = part(decoded(response.content), _Problem)
    match response.status_code:
        case 401 | 403:
            return _setting("WAHA refuses WAHA_API_KEY", code="unauthorized")
        case 404:
            return _missing(problem, reading=reading)
        case 422:
            return _unprocessable(problem)
        case 429:
            after = _retry_after(response)
            wait = _BUSY_RETRY if after is None else after
            return Transient("WAHA is asked too often", code="rate_limited", retry_after=wait)
        case 501:
            return Permanent("this WAHA cannot do that", code="not_supported")
        case status if status < 400:  # noqa: PLR2004 - 1xx and 3xx
            return _setting("WAHA_API_ENDPOINT is not WAHA itself: it redirects", code="redirect")
        case status if status < 500:  # noqa: PLR2004 - 4xx
            return Permanent(f"WAHA refuses the request (HTTP {status})", code="bad_request")
        case _:
            return _engine_error(problem, response, reading=reading)


def _setting(reason: str, *, code: str) -> Transient:
    """Nothing is lost because a setting is wrong: it waits until somebody corrects it."""
    return Transient(reason, code=code, retry_after=_CONFIG_RETRY)


def _missing(problem: _Problem, *, reading: bool) -> Transient:
    """«Session not found» and the like, «Cannot POST /api/…», and other servers' pages."""
    said = text(problem.message) or ""
    if said.endswith(" not found"):
        return NotFound("WAHA does not know it", code="not_found", retry_after=_CONFIG_RETRY)
    if reading and said.startswith("Cannot "):
        return NoRoute("this WAHA cannot do that", code="no_route", retry_after=_CONFIG_RETRY)
    return _setting("WAHA_API_ENDPOINT is not a WAHA that can do this", code="no_route")


def _unprocessable(problem: _Problem) -> AiSellerError:
    """A session in a wrong state, unknown, or (before 2026.6) not allowed; else a bad request."""
    said = f"{text(problem.error) or ''} {text(problem.message) or ''}".lower()
    status = text(problem.status)
    if status is None and problem.session is None and "session" not in said:
        return Permanent("WAHA refuses the request (HTTP 422)", code="bad_request")
    reason = "the WhatsApp session is not working"
    if status is not None and _STATUS.fullmatch(status):
        reason = f"{reason}: {status}"
    return Transient(reason, code="session_down", retry_after=_SESSION_RETRY)


def _engine_error(problem: _Problem, response: httpx.Response, *, reading: bool) -> AiSellerError:
    """Only ``exception`` is read: the rest of the answer is our own request."""
    thrown = part(problem.exception, _Exception)
    said = f"{text(thrown.message) or ''} {text(thrown.details) or ''}".lower()
    if any(words in said for words in _NOT_ON_WHATSAPP):
        return Permanent("this number is not on WhatsApp", code="not_on_whatsapp")
    if _TIMELOCK.search(said):
        reason = "WhatsApp does not let this number write to new contacts (463)"
        return Transient(reason, code="restricted")
    reason = f"WAHA failed (HTTP {response.status_code})"
    if reading:
        kind = EngineFailed if response.status_code == _ENGINE_FAILED else Transient
        return kind(reason, code="server_error", retry_after=_retry_after(response))
    return Uncertain(reason, code="server_error")


# -- how long to wait (RFC 9110, 10.2.3)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds asked for by ``Retry-After``, a number or a date; None when nothing is asked.

    A date is counted from the answer's own ``Date``; what cannot be made out, or is over, is
    worth the usual wait.
    """
    said = response.headers.get("Retry-After")
    if said is None:
        return None
    seconds = number(said)
    if seconds is None:
        until, now = _http_date(said), _http_date(response.headers.get("Date", ""))
        seconds = (until - now).total_seconds() if until and now else None
    if seconds is None or not 0 <= seconds < float("inf"):
        return _BUSY_RETRY
    return min(seconds, _LONGEST_RETRY)


def _http_date(written: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(written)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
