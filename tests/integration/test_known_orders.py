"""Orders that two write at the same time, and answers that get lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from app.domain.conversation import Conversation
from app.domain.events import READ, Address, Fact, Order, OrderChanged, Stage
from app.store.connection import Script, connect
from app.store.contacts import Contacts
from tests.builders import NOON, PHONE
from tests.integration.proxy import Wire

ORDER = Order(code="912000001", shop="default", stage=Stage.PAID, created_at=NOON, source=READ)
ACCEPTED = replace(ORDER, stage=Stage.ACCEPTED)
Act = Callable[[], Awaitable[object]]


class Slow(Wire):
    """A wire on which something else happens just before an order is written."""

    meanwhile: Act | None = None

    async def _requests(
        self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if self.lose is not None and self.lose in data:
                self.lose, self.lost = None, self.lost + 1
                deaf.set()
            if b'"heard_at"' in data and self.meanwhile is not None:
                act, self.meanwhile = self.meanwhile, None
                await act()
            upstream.write(data)
        upstream.close()


@pytest.fixture
async def wire(store_url: str) -> AsyncIterator[Slow]:
    wire = Slow(store_url)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    wire.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield wire
    server.close()
    wire.cut()


@asynccontextmanager
async def contacts_at(url: str) -> AsyncIterator[Contacts]:
    redis = connect(url)
    try:
        yield Contacts(redis)
    finally:
        await redis.aclose()


@pytest.fixture
async def near(store_url: str) -> AsyncIterator[Contacts]:
    async with contacts_at(store_url) as contacts:
        yield contacts


@pytest.fixture
async def far(wire: Slow) -> AsyncIterator[Contacts]:
    async with contacts_at(wire.url) as contacts:
        yield contacts


async def tells(contacts: Contacts, order: Order = ORDER) -> None:
    """A demper tells whose it is."""
    event = OrderChanged(
        id="told", at=NOON, received_at=NOON, order=replace(order, source="demper")
    )
    await contacts.chats_of([Fact(person=Address(phone=PHONE), event=event)])


async def owner(contacts: Contacts) -> str | None:
    known = await contacts.order("default", ORDER.code)
    assert known is not None
    return known.chat


async def test_a_phone_told_while_an_order_is_read_without_one_stays(
    near: Contacts, far: Contacts, wire: Slow
) -> None:
    wire.meanwhile = lambda: tells(near)
    known = await far.keep_orders([(ORDER, None)], NOON, first="default")
    assert await owner(near) == PHONE
    assert [order.code for order in await near.orders_of(PHONE)] == [ORDER.code]
    before = known[ORDER.code].known
    assert before is not None
    assert before.order.source == "demper"


async def test_how_far_an_order_was_read_to_be_stays_when_a_demper_tells_its_phone(
    near: Contacts, far: Contacts, wire: Slow
) -> None:
    await near.keep_orders([(ORDER, None)], NOON, first="default")
    wire.meanwhile = lambda: near.keep_orders([(ACCEPTED, None)], NOON, first="default")
    await tells(far)
    known = await near.order("default", ORDER.code)
    assert known is not None
    assert (known.chat, known.order.stage) == (PHONE, Stage.ACCEPTED)


async def test_who_is_erased_while_their_order_is_read_stays_erased(
    near: Contacts, far: Contacts, wire: Slow
) -> None:
    await near.keep_orders([(ORDER, PHONE)], NOON, first="default")
    person = Conversation(chat=PHONE, since=NOON, phone=PHONE)
    wire.meanwhile = lambda: near.erase(person, messages=(), asked_for=())
    kept = await far.keep_orders([(ACCEPTED, PHONE)], NOON, first="default")
    assert kept[ORDER.code].is_forgotten
    assert await owner(near) is None
    assert await near.has_orders(PHONE) is False


async def test_an_erase_holds_in_a_shop_whose_orders_a_demper_tells_as_the_first_ones(
    near: Contacts,
) -> None:
    await tells(near)
    person = Conversation(chat=PHONE, since=NOON, phone=PHONE)
    await near.erase(person, messages=(), asked_for=())
    elsewhere = replace(ORDER, shop="second")
    kept = await near.keep_orders([(elsewhere, PHONE)], NOON, first="default")
    assert kept[ORDER.code].is_forgotten
    assert await near.orders_of(PHONE) == []


async def test_an_order_whose_answer_was_lost_is_not_known_from_itself(
    near: Contacts, far: Contacts, wire: Slow
) -> None:
    await near.keep_orders([(replace(ORDER, code="912000002"), None)], NOON, first="default")
    wire.lose = Script("keep").sha.encode()
    known = await far.keep_orders([(ORDER, PHONE)], NOON, first="default")
    assert wire.lost == 1
    assert known[ORDER.code].known is None
    assert await owner(near) == PHONE
