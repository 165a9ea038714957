"""What the failures of an OpenAI-compatible server mean, whichever of its models was asked."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

import httpx
import openai

from app.errors import AiSellerError, Permanent, Transient

OPENAI_URL = "https://api.openai.com/v1"

_TELLING = frozenset(
    {
        "context_length_exceeded",
        "insufficient_quota",
        "invalid_api_key",
        "model_not_found",
        "rate_limit_exceeded",
    }
)
"""Error codes of the provider that are shown; any other text of an answer may hold a prompt."""


def kind_of(error: openai.OpenAIError, now: datetime, *, who: str) -> AiSellerError:
    """Our kind of failure, without a word of the server's that could hold a prompt or a key.

    ``who`` failed is said in its reason: ``"the model"``.
    """
    match error:
        case openai.APITimeoutError():
            return Transient(f"{who} did not answer in time", code="timeout")
        case openai.APIConnectionError():
            return Transient(f"{who} cannot be reached", code="connection")
        case openai.APIStatusError():
            return _kind_of_status(error, now, who=who)
        case _:
            return Permanent(f"{who}'s client failed: {type(error).__name__}", code="config")


def _kind_of_status(error: openai.APIStatusError, now: datetime, *, who: str) -> AiSellerError:
    status = error.status_code
    code = error.code if error.code in _TELLING else None
    reason = f"{who}'s server answered {status}" + (f" ({code})" if code else "")
    if error.code == "content_filter":
        return Permanent(reason, code="refused")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Transient(reason, code="rate_limit", retry_after=_retry_after(error, now))
    passing = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.CONFLICT)
    if status in passing or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Transient(reason, code="server", retry_after=_retry_after(error, now))
    return Permanent(reason, code="config")


def _retry_after(error: openai.APIStatusError, now: datetime) -> float | None:
    """Seconds from the ``Retry-After`` header: a number or a date (RFC 9110 §10.2.3)."""
    value = error.response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value).replace(tzinfo=UTC) - now).total_seconds()
        except ValueError:
            return None
    return max(seconds, 0.0) if isfinite(seconds) else None
