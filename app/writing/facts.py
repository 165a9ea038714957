"""What a brief lets a text say: every figure in it, and which part of the brief it is from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta, timezone
from functools import cached_property, lru_cache

from msgspec import Struct

from app.domain.brief import Brief
from app.domain.conversation import Author
from app.domain.events import Delivery, Order, Stage
from app.domain.product import Product
from app.domain.rules import Purpose
from app.writing import money
from app.writing.clauses import simple
from app.writing.dates import Key, Said, days
from app.writing.links import links, long_numbers, plain, without_links, without_long_numbers
from app.writing.promises import Promise, allowed
from app.writing.units import amounts

HOURS = "hours"
HISTORY = "history"
NOW = "local time"

_LONGEST_KNOWN = 2000
"""Characters of one text that are searched for facts."""

_LONGEST_MESSAGE = 1000
"""Characters of one message of the customer's that are read."""

_LONGEST_ASKED = 3000
"""Characters of all of them."""

_GROUPS = re.compile(r"(?<=\d)[ '’](?=\d{3}(?!\d))")
_MIDNIGHT = 24
"""The last hour of a day: up to here a bare number may be a time."""

_SHORT_CODE = 9
"""Digits of an order's number from which it reads as a long number, not as a figure."""

_ON_ITS_WAY = frozenset(
    {
        Stage.WAITING_FOR_SIGNATURE, Stage.PAID, Stage.ACCEPTED, Stage.PACKED, Stage.HANDED_OVER,
        Stage.UNKNOWN,
    }
)  # fmt: skip
"""Stages in which an order is still to be delivered."""

_PROMISED: dict[Purpose, frozenset[Promise]] = {
    Purpose.HANDED_OVER: frozenset({Promise.DELIVERY}),
    Purpose.READY_FOR_PICKUP: frozenset(),
    Purpose.ORDER_CANCELLED: frozenset(),
}
"""What news of an order may promise at most, whatever was promised elsewhere."""

_PASSING = frozenset({"word", "weekday"})
"""Days that were true when they were said: «завтра» of last week is not ours to repeat."""


class Source(Struct, frozen=True, kw_only=True):
    """A text of the brief, plain, and what it is called in the evidence.

    ``trusted``: the shop's own words. A product's name is not: it may hold anything.
    """

    name: str
    text: str
    trusted: bool = True


class Facts:
    """One brief, read once."""

    def __init__(self, brief: Brief) -> None:
        self.brief = brief
        self.today: date = brief.local_time.date()
        self.sources = tuple(_sources(brief))
        self.own = "\n".join(source.text for source in self.sources if source.trusted)
        self.everything = "\n".join(source.text for source in self.sources)
        self.keys: dict[Key, list[str]] = {}
        self.sums: dict[float, str] = {}
        self.percents: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.digits: dict[str, str] = {}
        self.promises: set[Promise] = set()
        self.rules = frozenset(one.topic for one in brief.stated)
        self._figures: dict[str, list[Said]] = {}
        for source in self.sources:
            self._learn(source)
        for order in brief.orders:
            self._learn_order(order)
        for product in brief.products:
            self._learn_product(product)
        self.promises &= _PROMISED.get(brief.purpose, self.promises)
        self._learn_key(("day", self.today.toordinal()), NOW)
        self._learn_key(("year", float(self.today.year)), NOW)
        self._learn_key(("month", f"{self.today:%Y-%m}"), NOW)
        self._learn_key(("weekday", self.today.weekday()), NOW)
        self._learn_key(
            ("clock", brief.local_time.hour * 60 + brief.local_time.minute), "local time"
        )

    def figures(self, part: str) -> list[Said]:
        """The figures of a sentence of the text that is compared, read once."""
        if part not in self._figures:
            self._figures[part] = figures(part, today=self.today)
        return self._figures[part]

    def source_of(self, said: Said, *, but: frozenset[str] = frozenset()) -> str | None:
        """Where a figure is from, or None; ``but`` names sources that do not count here."""
        for key in said.keys:
            for source in self.keys.get(key, ()):
                if source not in but:
                    return source
            if key[0] == "number" and isinstance(key[1], float) and key[1] in self.sums:
                return self.sums[key[1]]
        return None

    def planned(self, said: Said) -> str | None:
        """The order that is planned to arrive when a span of time from today is over, if any."""
        for kind, value in said.keys:
            if kind == "hours" and isinstance(value, float):
                source = self.keys.get(("day", self.today.toordinal() + round(value / 24)), [""])[0]
                if source.endswith(" planned date"):
                    return source
        return None

    @cached_property
    def asked(self) -> str:
        """What the customer asked, plain: the newest messages, as much as is worth reading."""
        return plain("\n".join(_newest(self.brief.messages_to_answer)))

    @cached_property
    def told(self) -> set[Key]:
        """The figures in the customer's messages: no facts, but what an answer may be about."""
        before = _newest(line.text for line in self.brief.history if line.author is Author.CUSTOMER)
        read = self.asked + "\n" + plain("\n".join(before))
        return {key for said in figures(read, today=self.today) for key in said.keys}

    def reckon(self, text: str) -> None:
        """Learn the sums and differences of known prices, where ``text`` reckons with them."""
        for amount, source in money.reckoned(text, self.brief).items():
            self.sums.setdefault(amount, source)

    def _learn(self, source: Source) -> None:
        read = _read if source.name == HISTORY else _kept
        what = read(source.text, today=self.today)
        for said in what.figures:
            if source.trusted or said.kind in {"measure", "number"}:
                passing = source.name == HISTORY and said.kind in _PASSING
                for key in () if passing else _wider(said, source):
                    self._learn_key(key, source.name)
        if source.trusted or not what.promises & _GIVEN:
            for percent in what.percents:
                self.percents.setdefault(percent, source.name)
        if not source.trusted:
            return
        for amount in what.sums:
            self.sums.setdefault(amount, source.name)
        for link in what.links:
            self.links.setdefault(link, source.name)
        for number in what.digits:
            self.digits.setdefault(number, source.name)
        self.promises |= what.promises

    def _learn_order(self, order: Order) -> None:
        name = f"order {order.code}"
        self.digits.setdefault(order.code, f"{name} number")
        if order.code.isdecimal() and len(order.code) < _SHORT_CODE:
            self._learn_key(("number", float(order.code)), f"{name} number")
        self._learn_sum(order.total, f"{name} total")
        for item in order.items:
            self._learn_sum(item.price, f"{name} price")
            if item.price and item.quantity:
                self._learn_sum(item.price / item.quantity, f"{name} price")
            self._learn_key(("pieces", float(item.quantity)), f"{name} quantity")
            self._learn_key(("number", float(item.quantity)), f"{name} quantity")
        zone = self.brief.local_time.tzinfo or timezone(timedelta())
        for moment, what in ((order.planned_at, "planned date"), (order.created_at, "date")):
            if moment is not None:
                day = moment.astimezone(zone).date()
                self._learn_key(("day", day.toordinal()), f"{name} {what}")
                self._learn_key(("year", float(day.year)), f"{name} {what}")
                self._learn_key(("month", f"{day:%Y-%m}"), f"{name} {what}")
        if order.stage in _ON_ITS_WAY and order.delivery is not Delivery.PICKUP:
            self.promises.add(Promise.DELIVERY)
        if order.stage is Stage.RETURNED:
            self.promises.add(Promise.REFUND)

    def _learn_product(self, product: Product) -> None:
        name = f"product {product.sku}"
        self._learn_sum(product.price, f"{name} price")
        if product.link:
            for link in links(plain(product.link)):
                self.links.setdefault(link, f"{name} link")
        if product.stock is not None:
            self._learn_key(("pieces", float(product.stock)), f"{name} stock")
            self._learn_key(("number", float(product.stock)), f"{name} stock")

    def _learn_sum(self, amount: float | None, source: str) -> None:
        for known in money.rounded([amount]):
            self.sums.setdefault(known, source)

    def _learn_key(self, key: Key, source: str) -> None:
        self.keys.setdefault(key, []).append(source)


_GIVEN = frozenset({Promise.DISCOUNT, Promise.BONUS, Promise.COUPON, Promise.GIFT, Promise.FREE})


def _newest(texts: Iterable[str]) -> list[str]:
    """The last of ``texts`` that fit, each cut to what is read of a message."""
    left, kept = _LONGEST_ASKED, list[str]()
    for text in reversed(list(texts)):
        kept.append(text[: min(left, _LONGEST_MESSAGE)])
        left -= len(kept[-1])
        if left <= 0:
            break
    return kept[::-1]


class _Read(Struct, frozen=True, kw_only=True):
    """What one text of the facts holds."""

    figures: tuple[Said, ...]
    sums: frozenset[float]
    percents: frozenset[str]
    links: frozenset[str]
    digits: frozenset[str]
    promises: frozenset[Promise]


def _read(text: str, *, today: date) -> _Read:
    return _Read(
        figures=tuple(figures(text, today=today)),
        sums=frozenset(money.sums(text)),
        percents=frozenset(money.percents(text)),
        links=frozenset(links(text)),
        digits=frozenset(long_numbers(text)),
        promises=frozenset(allowed(text)),
    )


_kept = lru_cache(maxsize=512)(_read)
"""The shop's rules and goods are the same for every chat; what was said in a chat is not kept."""


def figures(text: str, *, today: date) -> list[Said]:
    """Every day, time, measure and number of a plain text but its sums, links and long numbers."""
    rest = money.without_sums(without_long_numbers(without_links(text)))
    rest = simple(_GROUPS.sub("", money.without_percents(rest)))
    found = list(days(rest, today=today))
    for said in found:
        rest = rest[: said.start] + "#" * (said.end - said.start) + rest[said.end :]
    return found + list(amounts(rest))


def _wider(said: Said, source: Source) -> Iterator[Key]:
    """The keys of a figure of the facts, and those a text may make of them."""
    for kind, value in said.keys:
        if kind == "day" and said.kind in _PASSING and source.name != HOURS:
            continue  # «завтра» in a rule is a word, not the day it is today
        yield kind, value
        if isinstance(value, str):
            continue
        if kind == "clock":
            yield "number", float(value // 60)
            yield "number", float(value % 60)
        if kind == "number" and 0 <= value <= _MIDNIGHT:
            yield "clock", value * 60
    if said.kind in {"measure", "number"}:
        for number in re.findall(r"\d+(?:[.,]\d+)?", said.said):
            yield "number", float(number.replace(",", "."))


def _sources(brief: Brief) -> Iterator[Source]:
    said = [line.text for line in brief.history if line.author is not Author.CUSTOMER]
    items = [(f"order {one.code} item", item.name) for one in brief.orders for item in one.items]
    offers = [(f"product {one.sku} name", _called(one)) for one in brief.products]
    goods = [Source(name=name, text=text, trusted=False) for name, text in [*items, *offers]]
    rules = [
        Source(name="shop", text=brief.shop),
        *(Source(name=f"statement {one.topic.value}", text=one.text) for one in brief.stated),
        Source(name=HOURS, text=brief.stated_hours or ""),
        Source(name="review link", text=brief.review_link or ""),
        Source(name="tracking link", text=brief.tracking_link or ""),
        *(Source(name=HISTORY, text=text) for text in said),
    ]
    for source in [*goods, *rules]:
        if source.text:
            text = plain(source.text[:_LONGEST_KNOWN])
            yield Source(name=source.name, text=text, trusted=source.trusted)


def _called(product: Product) -> str:
    return " ".join(filter(None, (product.name, product.brand, product.category)))
