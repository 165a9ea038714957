"""What the journal adds to the counters. Every figure a seller sees is counted here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

from app.domain.conversation import Entry, Kind, Status
from app.domain.meaning import Mood
from app.domain.rules import Rules
from app.domain.session import Sign


class Metric(StrEnum):
    """A counter's name; ``BLOCKED`` and ``SENT`` also come with ``:reason`` and ``:purpose``.

    All of them come a second time for the shop they are of, see :func:`of_shop`. ``DELIVERED`` and
    ``READ`` are of what the bot wrote, ``REPLIED`` of what it started; ``HAPPY`` and ``UNHAPPY``
    are answers to our question whether all is well, ``ORDERS`` those nobody had heard of before.
    """

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
    DELIVERED = "delivered"
    READ = "read"
    REPLIED = "replied"
    HAPPY = "happy"
    UNHAPPY = "unhappy"
    ORDERS = "orders"


_BY_KIND = {
    Kind.SENT: Metric.SENT,
    Kind.DRY_RUN: Metric.DRY_RUN,
    Kind.FAILED: Metric.ERRORS,
    Kind.UNCERTAIN: Metric.UNCERTAIN,
    Kind.OPTED_OUT: Metric.OPTED_OUT,
    Kind.PERSON_CALLED: Metric.PERSON_CALLED,
    Kind.WRITTEN: Metric.WRITTEN,
}

_BY_RECEIPT: dict[str, Metric] = {
    Status.DELIVERED: Metric.DELIVERED,
    Status.READ: Metric.READ,
}
_BY_MOOD = {Mood.GOOD: Metric.HAPPY, Mood.BAD: Metric.UNHAPPY}


_OF_ARM = {Kind.SENT: "sent", Kind.RECEIVED: "answered"}
"""How a prompt does: ``arm:post_purchase/v2:sent`` texts went, so many were answered."""


def of_shop(shop: str, name: str) -> str:
    """The counter ``name`` (with its reason or purpose, if any) of one shop alone."""
    return f"shop:{shop}:{name}"


def tally(entries: Iterable[Entry]) -> dict[str, float]:
    """How far each counter moves by ``entries``, that of the entry's shop too. Money is US dollars.

    What is of no shop, as a stop told to a person, is in no shop's counters.
    """
    counts: dict[str, float] = {}
    for entry in entries:
        for name, by in _moved(entry).items():
            counts[name] = counts.get(name, 0) + by
            if entry.shop is not None:
                own = of_shop(entry.shop, name)
                counts[own] = counts.get(own, 0) + by
    return counts


def _moved(entry: Entry) -> dict[str, float]:
    """How far each counter of all shops moves by one entry."""
    moved: dict[str, float] = {}
    metric = _BY_KIND.get(entry.kind)
    if metric is not None:
        moved[metric] = 1
    if entry.kind is Kind.SENT and entry.purpose is not None:
        moved[f"{Metric.SENT}:{entry.purpose}"] = 1
    if entry.kind is Kind.RECEIVED and entry.reason is None:
        moved[Metric.RECEIVED] = 1
    moved.update(dict.fromkeys(_came_of(entry), 1))
    if entry.arm is not None and entry.kind in _OF_ARM:
        moved[f"arm:{entry.arm}:{_OF_ARM[entry.kind]}"] = 1
    if entry.counted:
        moved[Metric.BLOCKED] = 1
        moved[f"{Metric.BLOCKED}:{entry.reason}"] = 1
    if entry.written is not None:
        moved[Metric.CANNED] = entry.written.canned
        moved[Metric.MODEL_REQUESTS] = entry.written.requests
        moved[Metric.MODEL_TOKENS] = entry.written.tokens_in + entry.written.tokens_out
        moved[Metric.MODEL_COST] = entry.written.cost
    return {name: by for name, by in moved.items() if by}


def _came_of(entry: Entry) -> Iterator[Metric]:
    """What one entry tells of a customer: that they got it, read it, answered it, how they are."""
    purpose = entry.purpose
    if entry.kind is Kind.RECEIPT and purpose is not None and entry.reason in _BY_RECEIPT:
        yield _BY_RECEIPT[entry.reason]
    if entry.kind is Kind.RECEIVED and purpose is not None and purpose.proactive:
        yield Metric.REPLIED
    if entry.mood is not None:
        yield _BY_MOOD[entry.mood]
    if entry.kind is Kind.ORDER and entry.new:
        yield Metric.ORDERS


NONE = "-"
"""Stands for the shop, or the purpose, of what has none: a voice note that was listened to, say."""


class Spent(Struct, frozen=True, kw_only=True):
    """Requests to the model, the tokens it read and wrote, and US dollars for them."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            requests=self.requests + other.requests,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            cost=self.cost + other.cost,
        )


def spending(entries: Iterable[Entry]) -> dict[tuple[str, str], Spent]:
    """What ``entries`` cost, by shop and purpose; a draft that was thrown away was paid, too."""
    spent: dict[tuple[str, str], Spent] = {}
    for entry in entries:
        written = entry.written
        if written is None:
            continue
        paid = Spent(
            requests=written.requests,
            tokens_in=written.tokens_in,
            tokens_out=written.tokens_out,
            cost=written.cost,
        )
        if paid != Spent():
            whose = entry.shop or NONE, entry.purpose or NONE
            spent[whose] = spent.get(whose, Spent()) + paid
    return spent


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
