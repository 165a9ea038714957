"""What the demo's page shows: the whole state of one look at it, as values."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from app.demo.shop import TIMEZONE
from app.demo.words import Hint, Lang, Noted, Why, Words, noted

if TYPE_CHECKING:
    from app.demo.kaspi_shapes import Order
    from app.demo.people import Person
    from app.demo.shop import DemoShop
    from app.demo.waha_shapes import Line

Entries: TypeAlias = list[dict[str, Any]]
Explain: TypeAlias = Callable[[str], Awaitable[Entries]]
"""A buyer's phone -> the product's journal of that chat; raises ExplainError when it cannot."""

Author: TypeAlias = Literal["buyer", "bot", "owner"]
Stage: TypeAlias = Literal["paid", "on_its_way", "delivered", "cancelled"]
_MOST_LINES = 200


class ExplainError(Exception):
    """The product's journal cannot be read now."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the chat; `waits`: written, and not taken by WhatsApp yet."""

    id: str
    author: Author
    text: str
    at: str
    waits: bool = False


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """The selected buyer's chat with the shop."""

    phone: str
    name: str
    typing: bool
    unread: int
    lines: list[Said]


class Someone(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer in the list."""

    phone: str
    name: str
    unread: int


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """An order; `price` in tenge."""

    code: str
    product: str
    price: float
    stage: Stage


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """Something to order."""

    sku: str
    name: str
    price: float


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """How far the newcomer has come with this buyer."""

    order: bool
    message: bool
    answer: bool
    stop: bool


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page shows; `why` is None while the journal cannot be read."""

    shop: str
    lang: Lang
    products: list[Product]
    buyers: list[Someone]
    selected: str
    chat: Chat
    orders: list[Ordered]
    switches: dict[str, bool]
    steps: Steps
    why: list[Why] | None
    hint: Hint | None


async def look(shop: "DemoShop", explain: Explain, *, phone: str | None, lang: Lang) -> State:
    """The state with this buyer selected, or with the first one."""
    buyer = shop.buyers.get(phone or "") or next(iter(shop.buyers.values()))
    journal = await _journal(explain, buyer.phone)
    words = Words(lang, now=shop.world.now(), zone=ZoneInfo(TIMEZONE))
    chat, orders = _chat(shop, buyer, words), shop.orders_of(buyer.phone)
    return State(
        shop=shop.name,
        lang=lang,
        products=[Product(sku=i.sku, name=i.name, price=i.price) for i in shop.goods],
        buyers=[_someone(shop, person) for person in shop.buyers.values()],
        selected=buyer.phone,
        chat=chat,
        orders=[_ordered(order) for order in orders],
        switches={"model_down": shop.model.down, "waha_down": shop.waha_down},
        steps=_steps(chat, journal or [], ordered=bool(orders)),
        why=None if journal is None else words.journal(journal),
        hint=words.hint(journal or []),
    )


async def _journal(explain: Explain, phone: str) -> list[Noted] | None:
    try:
        return noted(await explain(phone))
    except ExplainError:
        return None


def _someone(shop: "DemoShop", person: "Person") -> Someone:
    unread = shop.phone(person.phone).unread
    return Someone(phone=person.phone, name=person.name, unread=unread)


def _chat(shop: "DemoShop", person: "Person", words: Words) -> Chat:
    phone = shop.phone(person.phone)
    both = {phone.peer.id, phone.peer.alt}
    there = [line for line in shop.waha.lines if line.chat.id in both]
    held = [each.line for each in shop.held if each.phone == person.phone]
    said = [_said(line, words) for line in there]
    said += [_said(line, words, waits=True) for line in held]
    return Chat(
        phone=person.phone,
        name=person.name,
        typing=phone.typing,
        unread=phone.unread,
        lines=said[-_MOST_LINES:],
    )


def _said(line: "Line", words: Words, *, waits: bool = False) -> Said:
    ours: Author = "bot" if line.source == "api" else "owner"
    return Said(
        id=line.id,
        author=ours if line.from_me else "buyer",
        text=line.text or "",
        at=words.clock(line.at),
        waits=waits,
    )


def _ordered(order: "Order") -> Ordered:
    names = ", ".join(item.name for item in order.items)
    return Ordered(code=order.code, product=names, price=order.total, stage=_stage(order))


def _stage(order: "Order") -> Stage:
    if order.state == "ARCHIVE":
        return "delivered" if order.status == "COMPLETED" else "cancelled"
    return "on_its_way" if order.handed_over else "paid"


def _steps(chat: Chat, journal: list[Noted], *, ordered: bool) -> Steps:
    authors = [line.author for line in chat.lines]
    asked = authors.index("buyer") if "buyer" in authors else None
    return Steps(
        order=ordered,
        message="bot" in authors,
        answer=asked is not None and "bot" in authors[asked:],
        stop=any(entry.kind == "opted_out" for entry in journal),
    )
