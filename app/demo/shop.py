"""A whole shop for the demo: its WhatsApp, its Kaspi, its model, its buyers and its owner."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import httpx
import msgspec

from app.demo import demper
from app.demo.bell import Bell
from app.demo.clock import QUIET
from app.demo.kaspi import EmulatedKaspi, WrongStepError
from app.demo.kaspi_shapes import Moves
from app.demo.model import EmulatedModel
from app.demo.people import GOODS, Person, people
from app.demo.server import serving
from app.demo.ticks import Ticks
from app.demo.waha import EmulatedWaha
from app.demo.waha_shapes import Line, Shop
from app.demo.webhooks import RECOMMENDED_EVENTS
from app.domain.rules import Rules

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

    from app.demo.kaspi_shapes import Item, Order
    from app.demo.waha_phone import Phone
    from app.world import World

NAME = "Тёплый дом"
TIMEZONE = "Asia/Almaty"
BY_SHOP = "MERCHANT_OUT_OF_STOCK"
BY_BUYER = "BUYER_CANCELLATION_BY_MERCHANT"
"""Kaspi's words for who did not want the order any more."""

_HERE = Path(__file__).parent
_SESSION = "default"
_READY_BUYERS = 3
_ORDERED_DAYS_AGO = 3  # too long ago to be thanked for, so only its delivery is told
# An order goes its way without a click as well: a day on the clock, and it is there.
_MOVES = Moves(accepted=20, assembled=45, handed_over=2 * 3600, delivered=20 * 3600)
_READ_SECONDS = 5.0  # the product reads Kaspi every three seconds

MoveClock: TypeAlias = Callable[[timedelta], Awaitable[None]]
"""Puts the world's clock forward and has the product look at what is due then."""

Ruled: TypeAlias = Callable[[], Rules]
"""The rules of the product as they are now: its seller may change them at the desk."""


class NotTakenError(Exception):
    """The product did not take what it was told; the text says why."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A message written while WAHA was down: WhatsApp delivers it when WAHA is back."""

    phone: str
    line: Line


class DemoShop:
    """The outside world of one product: open it, start the product on `environment()`,
    then tell it `serves(url)`.

    `changes` counts what happened here, and `changed` waits for more; `closing` is set when
    whoever watches should leave. `moved` counts how often the clock was put forward, `moved_at`
    is when it last was, `news` says when something last happened to a buyer's orders of which the
    product may tell, `kaspi_back` when Kaspi was last turned on again.
    """

    def __init__(self, world: "World") -> None:
        self.world = world
        self.name = NAME
        self.goods = GOODS
        self.changes = 0
        self.closing = False
        self.ai_seller_url: str | None = None
        self.moved = 0
        self.news: dict[str, datetime] = {}
        self.rules: Ruled = lambda: Rules(quiet_hours=QUIET, timezone=TIMEZONE)
        self._move_clock: MoveClock | None = None
        self.moved_at: datetime | None = None
        self.kaspi_back: datetime | None = None
        self.waha_url = self.kaspi_url = self.model_url = ""
        self._hmac_key = secrets.token_urlsafe(24)
        self.waha = EmulatedWaha(secrets.token_urlsafe(24), world=world, shop=Shop(name=NAME))
        self.ticks = Ticks(self.waha)
        self.kaspi = EmulatedKaspi(secrets.token_urlsafe(24), "30000001", world)
        self.kaspi.moves = _MOVES
        self.model = EmulatedModel(f"sk-{secrets.token_urlsafe(24)}")
        self.buyers: dict[str, Person] = {}
        self.held: list[Held] = []
        self._waha_server: AsyncExitStack | None = None
        self._switching = asyncio.Lock()
        self._moving = asyncio.Lock()
        self._bell = Bell()
        self._new_people = people()
        self._next_code = 900_000_000 + int(world.now().timestamp()) % 99_000_000
        for _ in range(_READY_BUYERS):
            self.new_buyer()
        self._order_on_its_way(list(self.buyers)[-1])

    # -- its servers

    @asynccontextmanager
    async def open(self) -> AsyncIterator["DemoShop"]:
        """Serve WAHA, Kaspi and the model on free loopback ports until the block is left.

        Opened once in its life.
        """
        async with AsyncExitStack() as stack:
            for_kaspi, for_model = (
                serving(self._noting_moves()),
                serving(self._noting(self.model.app)),
            )
            self.kaspi_url = await stack.enter_async_context(for_kaspi)
            self.model_url = await stack.enter_async_context(for_model)
            stack.push_async_callback(self._stop_waha)
            await self._start_waha()
            stack.callback(self.hang_up)
            yield self

    def hang_up(self) -> None:
        """End the event streams of all open pages, so that the server they hang on can stop."""
        self.closing = True
        self._note()

    def environment(self) -> dict[str, str]:
        """The settings with which a product works for this shop; only while it is open."""
        return {
            "WAHA_API_ENDPOINT": self.waha_url,
            "WAHA_API_KEY": self.waha.api_key,
            "WAHA_SESSION_ID": _SESSION,
            "WAHA_WEBHOOK_HMAC_KEY": self._hmac_key,
            "OPENAI_BASE_URL": f"{self.model_url}/v1",
            "OPENAI_API_KEY": self.model.api_key,
            "KASPI_API_TOKEN": self.kaspi.token,
            "KASPI_MERCHANT_UID": self.kaspi.merchant_uid,
            "KASPI_API_BASE_URL": self.kaspi_url,
            "KASPI_POLL_SECONDS": "3",
            "KASPI_PRICE_LIST": str(_HERE / "price_list.xml"),
            "SHOP_NAME": NAME,
            "AI_SELLER_SHOP_FACTS_FILE": str(_HERE / "shop_facts.toml"),
            "OPENAI_TRANSCRIBE_MODEL": "emulated",
            "AI_SELLER_TIMEZONE": TIMEZONE,
            "AI_SELLER_QUIET_HOURS": "-".join(f"{hour:%H:%M}" for hour in QUIET),
            # A newcomer does not wait for what a buyer would.
            "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
            "AI_SELLER_TYPING_CHARS_PER_SECOND": "60",
            "AI_SELLER_DEBOUNCE_SECONDS": "1",
            "AI_SELLER_DEBOUNCE_MAX_SECONDS": "3",
        }

    def serves(
        self, ai_seller_url: str, *, move_clock: MoveClock | None = None, rules: Ruled | None = None
    ) -> None:
        """The product is there: WAHA's webhooks and the demper's pushes go to it from now on.

        Its clock stands as the world's, which `move_clock` puts forward for both; `rules` are its
        own, or for ever those of `environment()`.
        """
        self.ai_seller_url = ai_seller_url.rstrip("/")
        self._move_clock = move_clock
        self.rules = rules or self.rules
        url, key = f"{self.ai_seller_url}/webhooks/waha", self._hmac_key
        hook = {"url": url, "events": list(RECOMMENDED_EVENTS), "hmac": {"key": key}}
        self.waha.sessions[_SESSION].config = {"webhooks": [hook]}

    async def _start_waha(self) -> None:
        """On its own port again, if it has had one."""
        port = urlsplit(self.waha_url).port or 0
        server = AsyncExitStack()
        app = self._noting(self.waha.app)
        self.waha_url = await server.enter_async_context(serving(app, port=port))
        self._waha_server = server

    async def _stop_waha(self) -> None:
        server, self._waha_server = self._waha_server, None
        if server is not None:
            await server.aclose()

    def _noting(self, inner: "ASGIApp") -> "ASGIApp":
        """The application `inner`, each request to which may have changed something."""

        async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
            try:
                await inner(scope, receive, send)
            finally:
                self._note()

        return app

    def _noting_moves(self) -> "ASGIApp":
        """Kaspi, of which only an order that went on by itself is worth noting: it is polled."""
        inner = self.kaspi.app

        async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
            before = self.kaspi.changes
            try:
                await inner(scope, receive, send)
            finally:
                if self.kaspi.changes != before:
                    self._note()
                self._bell.ring()

        return app

    # -- what happens

    def _note(self) -> None:
        self.changes += 1
        self._bell.ring()

    async def changed(self, after: int, within: float) -> None:
        """Return when `changes` is past `after`, or after so many real seconds."""
        with suppress(TimeoutError):
            await self._bell.until(lambda: self.changes > after, "a change", within)

    # -- buyers and orders

    def new_buyer(self) -> Person:
        """Somebody the shop has never seen."""
        person = next(self._new_people)
        self.buyers[person.phone] = person
        self.waha.phone(person.phone, name=person.first_name)
        self._note()
        return person

    async def order(self, phone: str, product: "Item") -> "Order":
        """A paid order at Kaspi, of which the demper tells the product.

        Raises KeyError for an unknown phone, NotTakenError when the product did not take it.
        """
        order = self._place(phone, product)
        self._tells(order)
        await self._push("POST_PURCHASE", order)
        return order

    async def deliver(self, code: str) -> None:
        """The buyer has got it, and the demper tells so; raises as `order` does.

        NotTakenError too for an order that was cancelled.
        """
        try:
            order = self.kaspi.complete(code)
        except WrongStepError:
            raise NotTakenError("the order was cancelled") from None
        self._tells(order)
        await self._push("ORDER_DELIVERED", order)

    def ship(self, code: str) -> None:
        """The courier has it, of which a demper tells nothing; for an order that is not over.

        Raises KeyError for an unknown code, WrongStepError for an order that was cancelled.
        """
        self._tells(self.kaspi.hand_over(code))

    def cancel(self, code: str, reason: str = BY_SHOP) -> None:
        """The shop takes the order back, or its buyer does; raises as `ship` does, and for a
        received order too.
        """
        order = self.kaspi.cancel(code, reason)
        if reason == BY_SHOP:
            self._tells(order)
        self._note()

    def _tells(self, order: "Order") -> None:
        """Something has happened of which the product may tell the buyer."""
        self.news[f"7{order.buyer.phone}"] = self.world.now()
        self._note()

    def orders_of(self, phone: str) -> list["Order"]:
        """A buyer's orders, newest first."""
        theirs = self.buyers[phone].buyer.phone
        return [o for o in reversed(self.kaspi.orders.values()) if o.buyer.phone == theirs]

    def _order_on_its_way(self, phone: str) -> None:
        ago = self.world.now() - timedelta(days=_ORDERED_DAYS_AGO)
        order = self._place(phone, GOODS[0], created=int(ago.timestamp() * 1000))
        self.kaspi.hand_over(order.code)
        self.kaspi.let_move(order.code, Moves())  # it waits for the newcomer

    def _place(self, phone: str, product: "Item", created: int | None = None) -> "Order":
        # Never the number of an earlier run: the product would rightly call it a duplicate.
        self._next_code += 1
        buyer = self.buyers[phone].buyer
        order = self.kaspi.place([product], buyer, code=str(self._next_code), created=created)
        self._note()
        return order

    async def _push(self, stage: str, order: "Order") -> None:
        if self.ai_seller_url is None:
            raise NotTakenError("nobody serves")
        try:
            answer = await demper.push(self.ai_seller_url, stage, order, order.buyer)
        except httpx.HTTPError as error:
            raise NotTakenError(type(error).__name__) from None
        if not answer.is_success:
            raise NotTakenError(f"HTTP {answer.status_code}")

    # -- talking

    def phone(self, number: str) -> "Phone":
        """A buyer's WhatsApp; raises KeyError for an unknown number."""
        return self.waha.phone(self.buyers[number].phone)

    async def write(self, phone: str, text: str) -> None:
        """A buyer writes to the shop; KeyError for an unknown phone."""
        writer = self.phone(phone)
        if self.waha_down:
            self.held.append(Held(phone=phone, line=self._written_now(writer, text)))
        else:
            await writer.writes(text)
        self._note()

    async def reads(self, phone: str) -> None:
        """A buyer looks at the chat; KeyError for an unknown phone."""
        await self.phone(phone).reads()
        self._note()

    async def owner_writes(self, phone: str, text: str) -> None:
        """The shop's owner answers from the phone itself; KeyError for an unknown buyer."""
        await self.waha.owner_writes(self.buyers[phone].phone, text)
        self._note()

    def _written_now(self, writer: "Phone", text: str) -> Line:
        message_id = self.waha.new_message_id()
        return Line(id=message_id, chat=writer.peer, text=text, at=self.world.now())

    # -- the time

    async def move(self, by: timedelta) -> None:
        """The clock goes forward at once, for the shop, the product and everybody around them.

        Raises NotTakenError where nobody can move it, ValueError for a way back.
        """
        async with self._moving:
            if self._move_clock is None:
                raise NotTakenError("the clock cannot be moved")
            await self._orders_are_read()
            await self._move_clock(by)
            self.moved += 1
            self.moved_at = self.world.now()
        self.waha.later.catch_up()
        self._note()

    async def _orders_are_read(self) -> None:
        """The product has read Kaspi since the last move: what it misses for days is no news."""
        asked, last = self.kaspi.requests, self.moved_at
        if not asked or last is None or self.kaspi.down:
            return
        with suppress(TimeoutError):
            await self._bell.until(lambda: asked[-1].at >= last, "a poll", _READ_SECONDS)

    # -- what may break

    async def switch(
        self,
        *,
        model_down: bool | None = None,
        waha_down: bool | None = None,
        kaspi_down: bool | None = None,
    ) -> None:
        """Turn the model, WAHA or Kaspi off or on; None leaves it as it is.

        WAHA refuses connections then: one cut off in the middle of a send would rightly never be
        tried again, since nobody could know whether the message went.
        """
        async with self._switching:
            if model_down is not None:
                self.model.down = model_down
            if kaspi_down is not None:
                if self.kaspi.down and not kaspi_down:
                    self.kaspi_back = self.world.now()
                self.kaspi.down = kaspi_down
            if waha_down is not None and waha_down != self.waha_down:
                await (self._stop_waha() if waha_down else self._start_waha())
            if not self.waha_down:
                await self._deliver_held()
        self._note()

    @property
    def waha_down(self) -> bool:
        """Whether nobody listens at WAHA's address."""
        return self._waha_server is None

    async def _deliver_held(self) -> None:
        held, self.held = self.held, []
        for each in held:
            line = each.line
            await self.phone(each.phone).writes(line.text or "", id=line.id, at=line.at)
