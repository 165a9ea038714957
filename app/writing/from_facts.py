"""Answers made of facts alone, without a model: where an order is, what a thing costs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.domain.brief import Brief
from app.domain.events import Language, Order
from app.domain.hand_over import APOLOGY, HAND_OFF
from app.domain.meaning import Mood, Topic
from app.domain.product import Product
from app.domain.speaking import in_cyrillic_letters
from app.domain.tracking import SETTLED, order_meant
from app.writing.canned import STATUSES, called
from app.writing.prompts import Prompts

MOST_PARTS = 2
"""Topics answered in one text; who asked more is answered by a person or the model."""

_GOODS = (Topic.STOCK, Topic.PRICE)

_MONTHS = {
    Language.RU: (
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"
    ).split(),
    Language.KK: (
        "қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан"
    ).split(),
    Language.EN: (
        "January February March April May June July August September October November December"
    ).split(),
}


class FromFacts:
    """What can be said about a brief for certain. ``variant`` in [0, 1) chooses the wording."""

    def __init__(self, prompts: Prompts, brief: Brief, variant: float) -> None:
        self._prompts = prompts
        self._brief = brief
        self._variant = variant

    def notice(self) -> str | None:
        """The one honest notice that a person will answer, and when; None for another brief."""
        brief = self._brief
        if brief.canned not in (APOLOGY, HAND_OFF):
            return None
        if brief.open_now or brief.hours is None:
            return self._say("apology" if brief.canned == APOLOGY else "handoff_open")
        closed = self._say("handoff_closed", hours=brief.hours)
        return f"{self._say('sorry')} {closed}" if brief.canned == APOLOGY else closed

    def hand_off(self) -> str:
        """The same notice for a text that a model has written."""
        brief = self._brief
        if brief.open_now or brief.hours is None:
            return self._say("handoff_open")
        return self._say("handoff_closed", hours=brief.hours)

    def review_line(self) -> str:
        """Where to leave a review: the link, or in words where none is known."""
        link = self._brief.review_link
        return self._say("review_line", link=link) if link else self._say("review_line_plain")

    def tracking_line(self) -> str | None:
        """Where to follow the order, if that is to be said here."""
        link = self._brief.tracking_link
        return self._say("tracking_line", link=link) if link else None

    def stop_question(self) -> str:
        """Whether they want to be left alone, and how to say so."""
        return self._say("maybe_stop")

    def answer(self) -> str | None:
        """The answer to all that was asked, or None when the facts do not hold it."""
        brief = self._brief
        if brief.mood is Mood.BAD:
            return self._say("apology")
        topics = [topic for topic in brief.topics if topic is not Topic.REVIEW]
        if not topics and brief.mood is Mood.GOOD and not brief.person_called:
            return self._say("thanks")
        if not topics:
            return self._goods(brief.products) if brief.products else None
        parts = [self._part(topic) for topic in _merged(topics)[:MOST_PARTS]]
        told = [part for part in parts if part is not None]
        return "\n".join(dict.fromkeys(told)) if told and len(told) == len(parts) else None

    def _part(self, topic: Topic) -> str | None:
        brief = self._brief
        if topic is Topic.ORDER_STATUS:
            return self._status()
        stated = next((s.text for s in brief.statements if s.topic is topic), None)
        if stated is not None:
            return self._say("statement", text=stated)
        if topic is Topic.HOURS and brief.hours is not None:
            return self._say("hours", hours=brief.hours)
        if topic in _GOODS and brief.unknown_goods:
            return self._say("nothing_found")
        if topic in _GOODS:
            return self._goods(brief.products)
        if topic is Topic.ACCESSORIES and brief.products:
            return self._say("found", products=self._list(brief.products))
        if topic is Topic.DELIVERY and any(o.stage not in SETTLED for o in brief.orders):
            return self._status()
        return None

    def _status(self) -> str:
        """Where the order is that they mean."""
        brief = self._brief
        order = order_meant(brief.orders, in_cyrillic_letters("\n".join(brief.messages_to_answer)))
        if order is None:
            return self._say("status_none")
        product = next((called(item.name) for item in order.items), None)
        planned = self._planned(order)
        return self._say(
            STATUSES[order.stage], code=order.code, product=product or "", date=planned or ""
        )

    def _planned(self, order: Order) -> str | None:
        """The planned day, while it lies ahead."""
        local = self._brief.local_time
        if order.planned_at is None or order.stage in SETTLED:
            return None
        day = order.planned_at.astimezone(local.tzinfo)
        return _day(day, self._brief.language) if day.date() >= local.date() else None

    def _goods(self, products: tuple[Product, ...]) -> str | None:
        """The thing asked about: its price and whether it is there, or what there is instead."""
        if not products:
            return None
        first, others = products[0], products[1:]
        name = called(first.name)
        if name is None:
            return None
        if not first.in_stock:
            sold_out = self._say("out_of_stock", product=name)
            there = [product for product in others if product.in_stock]
            if not there:
                return sold_out
            return f"{sold_out} {self._say('alternatives', products=self._list(there))}"
        if others and Topic.PRICE not in self._brief.topics:
            return self._say("found", products=self._list(p for p in products if p.in_stock))
        if first.price is None:
            return self._say("in_stock", product=name)
        return self._say("in_stock", product=name, price=tenge(first.price))

    def _list(self, products: Iterable[Product]) -> str:
        names = ((called(product.name), product.price) for product in products)
        return "; ".join(
            name if price is None else f"«{name}» — {tenge(price)}"
            for name, price in names
            if name is not None
        )

    def _say(self, key: str, **fields: str) -> str:
        brief = self._brief
        known = {"shop": brief.shop} | fields
        allowed = {name: text for name, text in known.items() if text}
        return self._prompts.fixed(key, brief.language, fields=allowed, variant=self._variant)


def tenge(amount: float) -> str:
    """A sum as it is written in Kazakhstan («15 990 ₸»), held together by no-break spaces."""
    return f"{amount:,.0f}\N{NO-BREAK SPACE}₸".replace(",", "\N{NO-BREAK SPACE}")


def _day(day: datetime, language: Language) -> str:
    month = _MONTHS[language][day.month - 1]
    return f"{day.day}\N{NO-BREAK SPACE}{month}"


def _merged(topics: Iterable[Topic]) -> list[Topic]:
    """Price and stock are one question."""
    return list(dict.fromkeys(Topic.PRICE if topic in _GOODS else topic for topic in topics))
