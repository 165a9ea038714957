"""The block between ``<facts>`` and ``</facts>``: all that the model knows of a customer.

(What a text may say by the same brief is read in :mod:`app.writing.facts`.)
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from app.domain.brief import Brief, Statement
from app.domain.events import Item, Order
from app.domain.product import Product

_LONGEST_FACT = 2000
"""Characters of one text in the facts: a pasted novel costs money and tells nothing more."""

_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>\x7f\x85\u2028\u2029"}
"""What JSON leaves as it is and a reader may take for a tag or a new line."""


class _Line(Struct, frozen=True, kw_only=True):
    author: str
    text: str


class _Item(Struct, frozen=True, kw_only=True):
    name: str
    quantity: int
    price: float | None


class _Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    code: str
    items: list[_Item]
    total: float | None
    stage: str
    planned_date: str | None = None
    delivery: str | None = None


class _Product(Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    price: int | None
    in_stock: bool
    stock: int | None = None
    link: str | None = None


class _Statement(Struct, frozen=True, kw_only=True):
    topic: str
    text: str


class _Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has a default is left out where there is nothing to tell: every token is paid for."""

    purpose: str
    language: str
    speech: str | None = None
    shop: str
    customer_name: str | None
    orders: list[_Order]
    products: list[_Product] = []
    unknown_goods: bool = False
    statements: list[_Statement] = []
    hours: str | None = None
    mood: str | None = None
    person_called: bool = False
    messages_to_answer: list[str]
    history: list[_Line]
    local_time: str


def facts(brief: Brief) -> str:
    """The facts of a brief as one line of JSON, without articles and without the review's link.

    ``speech`` is told where it is not the language of the answer. A product's link is for one who
    has written to us: from a number that is not known it does not open.
    """
    block = _Facts(
        purpose=brief.purpose.value,
        language=brief.language.value,
        speech=_speech(brief),
        shop=brief.shop,
        customer_name=brief.customer_name,
        orders=[_order(order, brief) for order in brief.orders],
        products=[_product(product, brief) for product in brief.products],
        unknown_goods=brief.unknown_goods,
        statements=[_statement(statement) for statement in brief.stated],
        hours=brief.stated_hours,
        mood=brief.mood.value if brief.mood else None,
        person_called=brief.person_called,
        messages_to_answer=[cut(text) for text in brief.messages_to_answer],
        history=[_Line(author=line.author.value, text=cut(line.text)) for line in brief.history],
        local_time=f"{brief.local_time:%Y-%m-%d %H:%M}",
    )
    return as_json(block)


def as_json(value: Struct) -> str:
    """One line of JSON in which no customer's text can write a tag or end the line."""
    return msgspec.json.encode(value).decode().translate(_ESCAPES)


def cut(text: str) -> str:
    """``text``, or its beginning when it is a novel."""
    return text if len(text) <= _LONGEST_FACT else text[:_LONGEST_FACT] + "…"


def _speech(brief: Brief) -> str | None:
    spoken = brief.speech.value if brief.speech else brief.language.value
    return None if spoken == brief.language.value else spoken


def _order(order: Order, brief: Brief) -> _Order:
    planned = order.planned_at and order.planned_at.astimezone(brief.local_time.tzinfo)
    return _Order(
        code=order.code,
        items=[_item(item) for item in order.items],
        total=_tenge(order.total),
        stage=order.stage.value,
        planned_date=f"{planned:%Y-%m-%d}" if planned else None,
        delivery=order.delivery.value if order.delivery else None,
    )


def _item(item: Item) -> _Item:
    return _Item(name=cut(item.name), quantity=item.quantity, price=_tenge(item.price))


def _product(product: Product, brief: Brief) -> _Product:
    return _Product(
        name=cut(product.name),
        price=product.price,
        in_stock=product.in_stock,
        stock=product.stock,
        link=None if brief.purpose.proactive else product.link,
    )


def _statement(statement: Statement) -> _Statement:
    return _Statement(topic=statement.topic.value, text=cut(statement.text))


def _tenge(amount: float | None) -> float | None:
    """``15990`` rather than ``15990.0``: a model repeats what it reads."""
    return int(amount) if amount is not None and amount == int(amount) else amount
