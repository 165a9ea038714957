"""What the journal adds to the counters. Every figure a seller sees is counted here."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from app.domain.conversation import Entry, Kind, Status
from app.domain.rules import Rules
from app.domain.session import Sign


class Metric(StrEnum):
    """A counter's name; ``BLOCKED`` and ``SENT`` also come with ``:reason`` and ``:purpose``."""

    SENT = "sent"
    DRY_RUN = "dry_run"
    BLOCKED = "blocked"
    ERRORS = "errors"
    UNCERTAIN = "uncertain"
    RECEIVED = "received"
    OPTED_OUT = "opted_out"
    PERSON_CALLED = "person_called"
    WRITTEN = "written"
    CANNED = "canned"
    MODEL_REQUESTS = "model_requests"
    MODEL_TOKENS = "model_tokens"
    MODEL_COST = "model_cost"


_BY_KIND = {
    Kind.SENT: Metric.SENT,
    Kind.DRY_RUN: Metric.DRY_RUN,
    Kind.FAILED: Metric.ERRORS,
    Kind.UNCERTAIN: Metric.UNCERTAIN,
    Kind.OPTED_OUT: Metric.OPTED_OUT,
    Kind.PERSON_CALLED: Metric.PERSON_CALLED,
    Kind.WRITTEN: Metric.WRITTEN,
}


def tally(entries: Iterable[Entry]) -> dict[str, float]:
    """How far each counter moves by ``entries``. Money is US dollars."""
    counts: dict[str, float] = {}

    def add(name: str, by: float = 1) -> None:
        if by:
            counts[name] = counts.get(name, 0) + by

    for entry in entries:
        metric = _BY_KIND.get(entry.kind)
        if metric is not None:
            add(metric)
        if entry.kind is Kind.SENT and entry.purpose is not None:
            add(f"{Metric.SENT}:{entry.purpose}")
        if entry.kind is Kind.RECEIVED and entry.reason is None:
            add(Metric.RECEIVED)
        if entry.counted:
            add(Metric.BLOCKED)
            add(f"{Metric.BLOCKED}:{entry.reason}")
        if entry.written is not None:
            add(Metric.CANNED, entry.written.canned)
            add(Metric.MODEL_REQUESTS, entry.written.requests)
            add(Metric.MODEL_TOKENS, entry.written.tokens_in + entry.written.tokens_out)
            add(Metric.MODEL_COST, entry.written.cost)
    return counts


def signs_of(entries: Iterable[Entry], rules: Rules) -> dict[tuple[str, Sign], int]:
    """How far the signs of each session's number move by ``entries``.

    Only what we started counts, and what came of it.
    """
    counts: dict[tuple[str, Sign], int] = {}
    for entry in entries:
        sign = _sign_of(entry)
        if sign is not None and entry.shop is not None:
            key = rules.shop(entry.shop).session, sign
            counts[key] = counts.get(key, 0) + 1
    return counts


_SIGNS = {
    Kind.SENT: Sign.SENT,
    Kind.FAILED: Sign.FAILED,
    Kind.RECEIVED: Sign.REPLIED,
    Kind.OPTED_OUT: Sign.OPTED_OUT,
}


def _sign_of(entry: Entry) -> Sign | None:
    if entry.purpose is None or not entry.purpose.proactive:
        return None
    if entry.kind is Kind.RECEIPT and entry.reason == Status.DELIVERED:
        return Sign.REACHED
    return _SIGNS.get(entry.kind)
