"""What the demo's page shows: the whole state of one look at it, as values."""

from typing import TYPE_CHECKING, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from app.demo.calendar import Calendar, Lang
from app.demo.clock import QUIET, is_quiet
from app.demo.hints import Around, Author, Down, Hint, Spoken, has_stopped, hint, was_answered
from app.demo.shop import BY_BUYER, TIMEZONE

if TYPE_CHECKING:
    from datetime import datetime, time

    from app.demo.kaspi_shapes import Order
    from app.demo.people import Person
    from app.demo.shop import DemoShop
    from app.demo.waha_shapes import Line

Stage: TypeAlias = Literal["paid", "on_its_way", "delivered", "cancelled"]
Step: TypeAlias = Literal["ship", "deliver", "cancel"]
Tick: TypeAlias = Literal["sent", "delivered", "read"]

_ZONE = ZoneInfo(TIMEZONE)
_MOST_LINES = 200
_NEXT: dict[Stage, tuple[Step, ...]] = {
    "paid": ("ship", "deliver", "cancel"),
    "on_its_way": ("deliver", "cancel"),
    "delivered": (),
    "cancelled": (),
}
"""What can be done to an order by a click."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the chat; `tick` of the buyer's own: sent and waiting for the shop's WhatsApp,
    delivered there, read.
    """

    id: str
    author: Author
    text: str
    at: str
    day: str
    tick: Tick | None = None


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """The selected buyer's chat with the shop."""

    phone: str
    name: str
    typing: bool
    unread: int
    lines: list[Said]


class Someone(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer in the list, and what was said last."""

    phone: str
    name: str
    unread: int
    typing: bool
    last: Said | None


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """An order; `price` in tenge, `can` what may be done to it, `by_buyer` who cancelled it."""

    code: str
    product: str
    price: float
    stage: Stage
    can: tuple[Step, ...]
    by_buyer: bool


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """Something to order."""

    sku: str
    name: str
    price: float


class ShownClock(msgspec.Struct, frozen=True, kw_only=True):
    """The shop's local time. `minute` of the day; `quiet` while the bot starts no conversation,
    which is from `quiet_from` until `quiet_until`; `moved` whether it was put forward by hand.
    """

    time: str
    date: str
    minute: int
    quiet: bool
    quiet_from: str
    quiet_until: str
    moved: bool


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """How far the newcomer has come with this buyer."""

    order: bool
    message: bool
    answer: bool
    clock: bool
    stop: bool


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page shows; of the buyers those first with whom was spoken last."""

    shop: str
    lang: Lang
    clock: ShownClock
    products: list[Product]
    buyers: list[Someone]
    selected: str
    chat: Chat
    orders: list[Ordered]
    switches: dict[str, bool]
    steps: Steps
    hint: Hint | None


def look(shop: "DemoShop", *, phone: str | None, lang: Lang) -> State:
    """The state with this buyer selected, or with the first one."""
    buyer = shop.buyers.get(phone or "") or next(iter(shop.buyers.values()))
    calendar, rules = Calendar(lang, now=shop.world.now(), zone=_ZONE), shop.rules()
    chats = {p.phone: _chat(shop, p, calendar) for p in _as_spoken(shop)}
    spoken = _spoken(shop, buyer)
    orders = shop.orders_of(buyer.phone)
    return State(
        shop=shop.name,
        lang=lang,
        clock=_clock(calendar, quiet=rules.quiet_hours or QUIET, moved=shop.moved > 0),
        products=[Product(sku=i.sku, name=i.name, price=i.price) for i in shop.goods],
        buyers=[_someone(chat) for chat in chats.values()],
        selected=buyer.phone,
        chat=chats[buyer.phone],
        orders=[_ordered(order) for order in orders],
        switches={
            "waha_down": shop.waha_down,
            "model_down": shop.model.down,
            "kaspi_down": shop.kaspi.down,
        },
        steps=_steps(spoken, ordered=bool(orders), moved_at=shop.moved_at),
        hint=hint(
            spoken,
            news=shop.news.get(buyer.phone),
            calendar=calendar,
            around=Around(rules=rules, down=_down(shop), kaspi_back=shop.kaspi_back),
        ),
    )


def _clock(calendar: Calendar, *, quiet: tuple["time", "time"], moved: bool) -> ShownClock:
    begins, ends = quiet
    return ShownClock(
        time=calendar.time(calendar.now),
        date=calendar.today(),
        minute=calendar.now.hour * 60 + calendar.now.minute,
        quiet=is_quiet(calendar.now, quiet),
        quiet_from=f"{begins:%H:%M}",
        quiet_until=f"{ends:%H:%M}",
        moved=moved,
    )


def _someone(chat: Chat) -> Someone:
    last = chat.lines[-1] if chat.lines else None
    return Someone(
        phone=chat.phone, name=chat.name, unread=chat.unread, typing=chat.typing, last=last
    )


def _as_spoken(shop: "DemoShop") -> list["Person"]:
    """The buyers, as a messenger lists them: whoever said or heard something last is the first."""
    by_chat = {line.chat.id: line.at for line in shop.waha.lines}
    by_phone = {each.phone: each.line.at for each in shop.held}

    def last(person: "Person") -> float:
        peer = shop.phone(person.phone).peer
        there = (by_chat.get(peer.id), by_chat.get(peer.alt or ""), by_phone.get(person.phone))
        return max((at.timestamp() for at in there if at is not None), default=0)

    return sorted(shop.buyers.values(), key=last, reverse=True)


def _down(shop: "DemoShop") -> Down | None:
    """What the bot has to wait for; of two, that without which nothing goes out."""
    if shop.waha_down:
        return "waha"
    return "kaspi" if shop.kaspi.down else None


def _lines(shop: "DemoShop", person: "Person") -> list["Line"]:
    phone = shop.phone(person.phone)
    both = {phone.peer.id, phone.peer.alt}
    return [line for line in shop.waha.lines if line.chat.id in both]


def _chat(shop: "DemoShop", person: "Person", calendar: Calendar) -> Chat:
    phone = shop.phone(person.phone)
    held = [each.line for each in shop.held if each.phone == person.phone]
    there = _lines(shop, person)[-_MOST_LINES:]
    said = [_said(line, calendar, tick=_tick(shop, line)) for line in there]
    said += [_said(line, calendar, tick="sent") for line in held]
    return Chat(
        phone=person.phone,
        name=person.name,
        typing=phone.typing and not shop.waha_down,
        unread=phone.unread,
        lines=said,
    )


def _said(line: "Line", calendar: Calendar, *, tick: Tick | None) -> Said:
    return Said(
        id=line.id,
        author=_author(line),
        text=line.text or "",
        at=calendar.time(line.at),
        day=calendar.day(line.at),
        tick=tick,
    )


def _tick(shop: "DemoShop", line: "Line") -> Tick | None:
    if line.from_me:
        return None
    return "read" if shop.ticks.is_read(line.id) else "delivered"


def _author(line: "Line") -> Author:
    if not line.from_me:
        return "buyer"
    return "bot" if line.source == "api" else "owner"


def _spoken(shop: "DemoShop", person: "Person") -> list[Spoken]:
    return [Spoken(_author(n), n.text or "", n.at) for n in _lines(shop, person)]


def _ordered(order: "Order") -> Ordered:
    names = ", ".join(item.name for item in order.items)
    stage = _stage(order)
    return Ordered(
        code=order.code,
        product=names,
        price=order.total,
        stage=stage,
        can=_NEXT[stage],
        by_buyer=stage == "cancelled" and order.cancellation_reason == BY_BUYER,
    )


def _stage(order: "Order") -> Stage:
    if order.state == "ARCHIVE":
        return "delivered" if order.status == "COMPLETED" else "cancelled"
    return "on_its_way" if order.handed_over else "paid"


def _steps(spoken: list[Spoken], *, ordered: bool, moved_at: "datetime | None") -> Steps:
    wrote = [said.at for said in spoken if said.author == "bot"]
    return Steps(
        order=ordered,
        message=bool(wrote),
        answer=was_answered(spoken),
        clock=bool(wrote) and moved_at is not None and moved_at > wrote[0],
        stop=has_stopped(spoken),
    )
