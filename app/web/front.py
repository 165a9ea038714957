"""What the handlers work with, handed around as one value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from app.domain.rules import Rules
from app.domain.textbook import Preview, PreviewWish, TextBook
from app.errors import Refused
from app.log import Logger
from app.store.adjustments import Ruling
from app.store.changes import Changes
from app.store.chats import Chats
from app.store.contacts import Contacts
from app.store.counters import Counters
from app.store.journal import Journal
from app.store.kaspi import Taken
from app.store.logins import Logins
from app.store.mailbox import Mailbox
from app.store.offers import Offers
from app.store.sessions import Sessions
from app.web.phone_line import PhoneLine
from app.world import World

Network: TypeAlias = IPv4Network | IPv6Network


class Health(StrEnum):
    """How a part of the service is: ``OFF`` is not set up, which is nobody's fault."""

    OK = "ok"
    DOWN = "down"
    OFF = "off"


class Part(Struct, frozen=True, kw_only=True):
    """One part and, in a short sentence without secrets, what is wrong or noteworthy."""

    state: Health
    detail: str | None = None


class ShopReading(Part, frozen=True, kw_only=True):
    """How the reading of a shop's orders at Kaspi goes.

    ``connected_at`` is when its first reading began, ``seeded_at`` when all that was there before
    was known. Kaspi last answered at ``read_at``; until ``next_try_at`` it is not asked, null while
    nothing keeps it from being asked, and while nothing is asked at all. ``code`` names the last
    failure while there is one.
    """

    shop: str
    connected_at: datetime | None = None
    seeded_at: datetime | None = None
    read_at: datetime | None = None
    next_try_at: datetime | None = None
    code: str | None = None


class KaspiPart(Part, frozen=True, kw_only=True):
    """Kaspi, which is as bad as the worst of the shops that are read there."""

    shops: tuple[ShopReading, ...] = ()


class ListPart(Part, frozen=True, kw_only=True):
    """A price list of a shop, ``list`` or ``sheet``; ``name`` is what people call it.

    It was last looked for at ``asked_at``. ``offers`` are spoken by, those of ``good_at``;
    ``faults`` is how many rows, or parts of rows, could not be read then.
    """

    shop: str
    list: str
    name: str
    offers: int = 0
    faults: int = 0
    good_at: datetime | None = None
    asked_at: datetime | None = None


class PricesPart(Part, frozen=True, kw_only=True):
    """The price lists, which are as bad as the worst of them."""

    lists: tuple[ListPart, ...] = ()


class Probe(Struct, frozen=True, kw_only=True):
    """The state of all parts, as the composition root found them just now.

    ``model_name`` is what the model is called; None where none is set. ``durable``: whether the
    store writes down what it is told, None where it does not say.
    """

    store: Part
    waha: Part
    model: Part
    kaspi: KaspiPart
    prices: PricesPart
    model_name: str | None = None
    durable: bool | None = None


class NamedList(Struct, frozen=True, kw_only=True):
    """A price list: whose it is, ``list`` or ``sheet``, its name in the store and for people."""

    shop: str
    kind: str
    stored_as: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Front:
    """The rules, the store, the keys of the doors, and a look at the other parts.

    ``ruling`` has the rules that hold, which the seller may change at any moment.
    ``waha_hmac_key`` and ``kaspi_secret`` None close their doors (503); ``event_token`` None lets
    in the ``trusted`` networks only. ``shop_id`` is the shop of a push that names none. ``probe``
    answers within a few seconds and never raises. ``lists`` are the price lists there are, and
    ``offers`` what was read of them. ``pull`` reads a shop's orders at Kaspi now;
    it raises ``Transient`` or ``Permanent`` with what Kaspi says. ``home`` is where a browser is
    sent from ``/``. ``phone_line`` is None while no WAHA is set; ``url`` is where we are reached.
    ``texts`` are the prompts and fixed texts, ``preview`` shows one before it goes; it raises
    ``Refused`` for a shop or prompt that is not there, and ``StoreDown``.
    ``chats`` is what the desk lists, ``changes`` what it listens to.
    """

    ruling: Ruling
    world: World
    mailbox: Mailbox
    contacts: Contacts
    counters: Counters
    journal: Journal
    sessions: Sessions
    logins: Logins
    chats: Chats
    changes: Changes
    offers: Offers
    log: Logger = field(repr=False)
    probe: Callable[[], Awaitable[Probe]] = field(repr=False)
    pull: Callable[[str], Awaitable[Taken]] = field(repr=False)
    admin_key: str = field(repr=False)
    event_token: str | None = field(default=None, repr=False)
    waha_hmac_key: str | None = field(default=None, repr=False)
    kaspi_secret: str | None = field(default=None, repr=False)
    trusted: tuple[Network, ...] = ()
    shop_id: str = "default"
    lists: tuple[NamedList, ...] = ()
    demo: bool = False
    home: str | None = None
    phone_line: PhoneLine | None = field(default=None, repr=False)
    url: str = ""
    texts: Callable[[], TextBook] | None = field(default=None, repr=False)
    preview: Callable[[PreviewWish], Awaitable[Preview]] | None = field(default=None, repr=False)

    @property
    def rules(self) -> Rules:
        """The rules that hold now."""
        return self.ruling.rules


FromFront: TypeAlias = NamedDependency[SkipValidation[Front]]
"""A handler's parameter ``front``: handed over as it is, checked by nobody on every request."""


def known_shop(front: Front, shop_id: str | None, *, status: int = 404) -> str:
    """``shop_id``, or the shop of who names none. Raises Refused for one that is not set up."""
    if shop_id is None:
        return front.shop_id
    if shop_id not in {shop.id for shop in front.rules.shops}:
        raise Refused("no shop with this id is set up", code="unknown_shop", status=status)
    return shop_id


def front_of(connection: ASGIConnection) -> Front:  # type: ignore[type-arg]
    """The front of the application that serves ``connection``: for what has no dependencies."""
    front: Front = connection.app.state.front
    return front
