"""What a turn works with, handed around as one value."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.domain.rules import Rules
from app.errors import Transient
from app.gateways.kaspi_api import KaspiApi
from app.gateways.transcriber import Transcriber
from app.gateways.waha import Waha
from app.log import Logger
from app.store.adjustments import Ruling
from app.store.contacts import Contacts
from app.store.counters import Counters
from app.store.index import Index
from app.store.journal import Journal
from app.store.kaspi import KaspiOrders, Taken
from app.store.mailbox import Mailbox
from app.store.offers import Offers
from app.store.sessions import Sessions
from app.store.sheet import Customers
from app.worker.prices import PriceSource
from app.worker.shelves import Shelves
from app.world import World
from app.writing.writer import Writer

if TYPE_CHECKING:  # half a second of imports, for those who keep no sheet
    from app.gateways.google_sheets import GoogleSheet


@dataclass(frozen=True, kw_only=True)
class Bot:
    """The rules, the store, the writer and the way to WhatsApp. ``waha`` is None until set up.

    ``ruling`` has the rules that hold, which the seller may change at any moment.
    ``kaspi`` are the shops whose orders are read there, ``poll_seconds`` how often where the seller
    says so, ``orders`` what was read.
    ``prices`` are the price lists, ``offers`` what was read of them, ``shelves`` what each shop
    sells by them; ``sheet`` is where ``customers`` are shown, if anywhere. ``index`` is how
    the desk finds chats. ``transcriber`` is None where voice notes are not listened to.
    ``pulls`` are the readings of shops under way that somebody waits for.
    ``listened`` are the sessions whose history this process has read since it was started.
    """

    ruling: Ruling
    world: World
    mailbox: Mailbox
    contacts: Contacts
    counters: Counters
    journal: Journal
    sessions: Sessions
    writer: Writer
    waha: Waha | None
    orders: KaspiOrders
    offers: Offers
    shelves: Shelves
    customers: Customers
    index: Index
    prices: tuple[PriceSource, ...] = ()
    sheet: GoogleSheet | None = None
    kaspi: Mapping[str, KaspiApi] = field(default_factory=dict)
    poll_seconds: Mapping[str, float] = field(default_factory=dict)
    transcriber: Transcriber | None = None
    log: Logger = field(repr=False)
    listened: set[str] = field(default_factory=set)
    pulls: dict[str, asyncio.Task[Taken]] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def rules(self) -> Rules:
        """The rules that hold now."""
        return self.ruling.rules

    def as_of_now(self) -> Bot:
        """The same bot, whose rules stay as they are while a step is decided on."""
        return replace(self, ruling=Ruling(self.rules))

    async def pause(self, seconds: float) -> None:
        """Wait that long. Raises ``Transient`` when the process is asked to stop meanwhile."""
        sleep = asyncio.ensure_future(self.world.sleep(seconds))
        stop = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({sleep, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            stop.cancel()
        if self.stopping.is_set():
            raise Transient("the process is stopping", code="stopping")
