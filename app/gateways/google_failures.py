"""Google's failures in our kinds. Its words are looked at and never passed on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
import requests
from msgspec import Struct

from app.errors import AiSellerError, Permanent, Refused, Transient

_QUOTA = 60.0  # seconds: Google counts requests by the minute
_LONGEST_RETRY = 3600.0


@contextmanager
def our_kinds() -> Iterator[None]:
    """The failures of requests, and of answers that cannot be made out, as ours; their own texts
    quote what was sent.
    """
    try:
        yield
    except AiSellerError:
        raise
    except requests.Timeout:
        raise Transient("Google does not answer in time", code="timeout") from None
    except requests.JSONDecodeError:
        raise not_googles() from None
    except requests.RequestException:
        raise Transient("Google cannot be reached", code="unreachable") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise not_googles() from None


def not_googles() -> Transient:
    """What came is no answer of Google's."""
    return Transient("what answers is not what Google would say", code="bad_answer")


def no_token(*, retryable: bool) -> AiSellerError:
    """Google gave no token; ``retryable`` says that it may do so later."""
    if retryable:
        return Transient("Google gives out no tokens at the moment", code="server_error")
    reason = "Google does not know the service account, or its key, or our clock is wrong"
    return Refused(reason, code="unauthorized")


class _Detail(Struct, frozen=True):
    reason: str = ""


class _Error(Struct, frozen=True):
    message: str = ""
    status: str = ""
    details: list[_Detail] = []


class _Told(Struct, frozen=True):
    error: _Error = _Error()


def failure(response: requests.Response, email: str) -> AiSellerError:
    """What the answer means; its words are looked at and never passed on."""
    said = _said(response)
    match response.status_code:
        case 400:
            return _bad_request(said)
        case 401:
            return Refused("Google does not accept the token it gave", code="unauthorized")
        case 403:
            return _forbidden(response, said, email=email)
        case 404:
            return Refused("there is no such Google Sheet: check its address", code="not_found")
        case 429:
            return _busy(response)
        case status if status < 400:  # noqa: PLR2004 - 1xx and 3xx
            return Transient("what answers for Google redirects", code="redirect")
        case 408:
            return Transient("Google does not answer in time", code="timeout")
        case status if status < 500:  # noqa: PLR2004 - 4xx
            return Permanent(f"Google refuses the request (HTTP {status})", code="bad_request")
        case status:
            wait = _retry_after(response)
            return Transient(f"Google fails (HTTP {status})", code="server_error", retry_after=wait)


def _said(response: requests.Response) -> str:
    """Google's words on what is wrong, in small letters."""
    try:
        told = msgspec.json.decode(response.content, type=_Told).error
    except msgspec.DecodeError:
        return ""
    reasons = " ".join(detail.reason for detail in told.details)
    return f"{told.status} {reasons} {told.message}".lower()


def _bad_request(said: str) -> AiSellerError:
    if "not supported for this document" in said or "office file" in said:
        reason = "the address leads to an uploaded Excel file: save it as a Google Sheet"
        return Refused(reason, code="not_a_sheet")
    if "protected" in said:
        reason = "columns A to F of the worksheet customers are protected against the bot"
        return Refused(reason, code="protected")
    return Permanent("Google refuses the request (HTTP 400)", code="bad_request")


def _forbidden(response: requests.Response, said: str, *, email: str) -> AiSellerError:
    if "rate_limit" in said or "ratelimit" in said or "quota" in said:
        return _busy(response)
    if "service_disabled" in said or "has not been used" in said or "is disabled" in said:
        reason = "the Google Sheets API is not switched on in the service account's project"
        return Refused(reason, code="api_off")
    reason = f"the Google Sheet is not shared with the bot: share it with {email} as an editor"
    return Refused(reason, code="not_shared")


def _busy(response: requests.Response) -> Transient:
    wait = _retry_after(response)
    return Transient(
        "Google is asked too often",
        code="rate_limited",
        retry_after=_QUOTA if wait is None else wait,
    )


def _retry_after(response: requests.Response) -> float | None:
    """Seconds asked for by ``Retry-After``, a number or a date; None when nothing is asked."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return min(float(said), _LONGEST_RETRY)
    try:
        until = parsedate_to_datetime(said)
        now = parsedate_to_datetime(response.headers.get("Date", ""))
        return min(max((_utc(until) - _utc(now)).total_seconds(), 0.0), _LONGEST_RETRY)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _utc(when: datetime) -> datetime:
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when
