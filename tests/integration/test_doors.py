"""The doors facts come in by, over real HTTP on a real store: who is let in, what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, cast

import httpx
import msgspec
import pytest

from app.demo.demper import order_webhook, sign_kaspi_webhook
from app.demo.server import serving
from app.demo.webhooks import signature
from app.domain.conversation import Conversation
from app.domain.events import CustomerWrote, OrderChanged, ReceiptCame, Stage
from app.domain.rules import Rules
from app.log import get_logger
from app.store.adjustments import Ruled, Ruling
from app.store.changes import Changes
from app.store.chats import Chats
from app.store.claims import Claimed, Settled
from app.store.connection import Redis, connect
from app.store.contacts import Contacts
from app.store.counters import Counters
from app.store.journal import Journal
from app.store.kaspi import Taken
from app.store.logins import Logins
from app.store.mailbox import Mailbox
from app.store.offers import Offers
from app.store.sessions import Sessions
from app.web.front import Front, Health, KaspiPart, NamedList, Part, PricesPart, Probe
from app.web.server import MAX_BODY, build
from app.worker.loop import make_docket, register_names, scheduler
from app.world import World
from tests.builders import NOON, PHONE
from tests.clock import Clock
from tests.web import web_of

ADMIN = "an-admin-key-of-the-tests"
TOKEN = "an-event-token-of-the-tests"
HMAC = "a-hmac-key-of-the-tests"
KASPI = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = (ADMIN, TOKEN, HMAC, KASPI)
LOOPBACK = (ip_network("127.0.0.0/8"),)
NOWHERE = "unix:///nonexistent/store.sock"
LID = "230000000000007"

OK = Part(state=Health.OK)
PRICES = NamedList(shop="default", kind="list", stored_as="default:list", name="prices.xml")

NO_PHONE = {
    "blocked": 1,
    "blocked:no_phone": 1,
    "shop:default:blocked": 1,
    "shop:default:blocked:no_phone": 1,
}
"""The counters when somebody could not be written to."""


async def all_is_well() -> Probe:
    return probed()


def probed(**parts: Any) -> Probe:
    """All parts as they are without Kaspi and price lists, but for these."""
    well = Probe(
        store=OK,
        waha=OK,
        model=OK,
        kaspi=KaspiPart(state=Health.OFF, detail="no token"),
        prices=PricesPart(state=Health.OFF),
    )
    return msgspec.structs.replace(well, **parts)


async def nothing_new(shop: str) -> Taken:
    return Taken(already_known=3)


@dataclass
class House:
    """The doors, served. ``public`` bears nothing, ``api`` the admin key."""

    front: Front
    redis: Redis
    clock: Clock
    public: httpx.AsyncClient
    api: httpx.AsyncClient

    async def mail(self, chat: str = PHONE) -> tuple[Any, ...]:
        """What lies unread in a chat's mailbox."""
        return (await self.front.mailbox.look(chat)).events

    async def knows(self, conversation: Conversation) -> None:
        """Have this conversation in the store, as a turn leaves it."""
        claimed = Claimed(chat=conversation.chat, version="", conversation=None)
        settled = Settled(
            conversation=conversation,
            wake=min((p.due for p in conversation.pending), default=None),
        )
        await self.front.mailbox.commit(claimed, settled, now=NOON)

    async def waha(self, body: bytes, **headers: str) -> httpx.Response:
        """A webhook signed as WAHA signs."""
        signed = {"X-Webhook-Hmac": signature(HMAC, body), **headers}
        return await self.public.post("/webhooks/waha", content=body, headers=signed)

    async def kaspi(self, body: bytes, **headers: str) -> httpx.Response:
        """A webhook signed by the standard."""
        signed = sign_kaspi_webhook(KASPI, body) | headers
        return await self.public.post("/webhooks/kaspi", content=body, headers=signed)

    async def push(self, stage: str = "POST_PURCHASE", **changes: Any) -> httpx.Response:
        """A demper's push."""
        return await self.public.post("/event_handler", json=pushed(stage, **changes))


@asynccontextmanager
async def house(
    store_url: str, *, alive: bool = True, rules: Rules | None = None, **changes: Any
) -> AsyncIterator[House]:
    """The doors on an empty store, or on one that does not answer."""
    clock = Clock(NOON)
    redis = connect(store_url if alive else NOWHERE)
    async with make_docket(store_url) as docket:
        register_names(docket)
        known: dict[str, Any] = {
            "ruling": Ruling(rules or Rules(), Ruled(redis)),
            "world": clock,
            "mailbox": Mailbox(redis, scheduler(docket)),
            "contacts": Contacts(redis),
            "counters": Counters(redis),
            "journal": Journal(redis),
            "sessions": Sessions(redis),
            "logins": Logins(redis),
            "chats": Chats(redis),
            "changes": Changes(redis),
            "offers": Offers(redis),
            "lists": (PRICES,),
            "log": get_logger("door"),
            "probe": all_is_well,
            "pull": nothing_new,
            "admin_key": ADMIN,
            "event_token": TOKEN,
            "waha_hmac_key": HMAC,
            "kaspi_secret": KASPI,
            "trusted": LOOPBACK,
        }
        front = Front(**known | changes)
        bearer = {"Authorization": f"Bearer {ADMIN}"}
        async with (
            serving(web_of(front)) as url,
            httpx.AsyncClient(base_url=url) as public,
            httpx.AsyncClient(base_url=url, headers=bearer) as api,
        ):
            yield House(front=front, redis=redis, clock=clock, public=public, api=api)
    await front.changes.aclose()
    await redis.aclose()


@pytest.fixture
async def doors(store_url: str) -> AsyncIterator[House]:
    async with house(store_url) as doors:
        yield doors


@pytest.fixture
async def storeless(store_url: str) -> AsyncIterator[House]:
    async with house(store_url, alive=False) as doors:
        yield doors


def message(short: str = "3EB0A1", *, event: str = "message.any", text: str = "Сәлем") -> bytes:
    """What WAHA posts when a customer writes."""
    seconds = int(NOON.timestamp())
    return msgspec.json.encode(
        {
            "id": f"evt_{short}",
            "timestamp": seconds * 1000,
            "event": event,
            "session": "default",
            "me": {"id": "77770000001@c.us", "pushName": "Shop"},
            "payload": {
                "id": f"false_{PHONE}@c.us_{short}",
                "timestamp": seconds,
                "from": f"{PHONE}@c.us",
                "fromMe": False,
                "body": text,
                "hasMedia": False,
                "_data": {"pushName": "Айгерим"},
            },
            "engine": "NOWEB",
        }
    )


def waha_event(event: str, payload: dict[str, Any]) -> bytes:
    """Any other thing WAHA posts."""
    millis = int(NOON.timestamp()) * 1000
    return msgspec.json.encode(
        {
            "id": f"evt_{event}",
            "timestamp": millis,
            "event": event,
            "session": "default",
            "payload": payload,
            "engine": "NOWEB",
        }
    )


def pushed(stage: str = "POST_PURCHASE", **changes: Any) -> dict[str, Any]:
    """The body of a demper's push; ``phone`` and fields of the order may be others."""
    order = {
        "sku": "102529963_318274",
        "product_name": "Куртка Alpin черная 48",
        "quantity": 1,
        "total_amount": 15990.0,
        "order_id": "912000001",
    }
    phone = changes.pop("phone", f"+{PHONE}")
    return {
        "waha_stage_id": stage,
        "customer": {"phone": phone, "name": "Айгерим С"},
        "order": order | changes,
    }


def our_order(**changes: Any) -> bytes:
    """The body of our own order webhook."""
    order = {
        "code": "912000001",
        "stage": "paid",
        "phone": PHONE,
        "customer_name": "Айгерим",
        "items": [{"name": "Куртка", "sku": "102529963", "quantity": 1, "price": 15990.0}],
        "total": 15990.0,
    }
    return order_webhook("default", order | changes)


def is_problem(answer: httpx.Response, status: int) -> bool:
    """Whether it is a problem in our one shape."""
    told = answer.json()
    return (
        answer.status_code == status
        and answer.headers["content-type"] == "application/problem+json"
        and told["status"] == status
        and {"type", "title", "detail"} <= told.keys()
    )


# --- /webhooks/waha ---------------------------------------------------------------------------


async def test_a_signed_message_is_stored_and_its_turn_scheduled(doors: House) -> None:
    answer = await doors.waha(message())
    assert (answer.status_code, answer.json()) == (
        202,
        {"status": "accepted", "facts": 1, "new": 1},
    )
    (event,) = await doors.mail()
    assert isinstance(event, CustomerWrote)
    assert (event.text, event.name) == ("Сәлем", "Айгерим")
    assert await doors.front.mailbox.next_due(PHONE) == NOON


async def test_a_message_told_twice_is_one_message(doors: House) -> None:
    await doors.waha(message())
    again = await doors.waha(message())
    other_name = await doors.waha(message(event="message"))
    assert again.status_code == other_name.status_code == 202
    assert again.json() == other_name.json() == {"status": "accepted", "facts": 1, "new": 0}
    assert len(await doors.mail()) == 1


async def test_messages_that_come_together_are_all_kept(doors: House) -> None:
    answers = await asyncio.gather(*(doors.waha(message(f"3EB0{n}")) for n in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len(await doors.mail()) == 50


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Webhook-Hmac": ""},
        {"X-Webhook-Hmac": "00" * 64},
        {"X-Webhook-Hmac": signature("another key", message())},
        {"X-Webhook-Hmac-Algorithm": "md5"},
    ],
)
async def test_a_webhook_without_a_good_signature_is_turned_away(
    doors: House, headers: dict[str, str]
) -> None:
    assert is_problem(await doors.waha(message(), **headers), 401)
    assert await doors.mail() == ()


async def test_a_signature_of_other_bytes_does_not_fit(doors: House) -> None:
    signed = signature(HMAC, message())
    answer = await doors.waha(message(text="стоп"), **{"X-Webhook-Hmac": signed})
    assert is_problem(answer, 401)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"\xff"', waha_event("presence.update", {"id": "x"})],
)
async def test_an_authentic_body_that_means_nothing_is_taken_and_ignored(
    doors: House, body: bytes
) -> None:
    answer = await doors.waha(body)
    assert answer.status_code == 202
    assert answer.json()["facts"] == 0
    assert answer.json()["ignored"]


async def test_what_a_session_tells_of_itself_is_kept(doors: House) -> None:
    answer = await doors.waha(waha_event("session.status", {"name": "default", "status": "FAILED"}))
    assert answer.status_code == 202
    kept = await doors.front.sessions.of("default")
    assert kept.status == "FAILED"


async def test_a_receipt_finds_the_chat_its_message_went_to(doors: House) -> None:
    await doors.front.contacts.remember_sent("3EB0OURS", PHONE)
    receipt = {"id": f"true_{LID}@lid_3EB0OURS", "from": f"{LID}@lid", "fromMe": True, "ack": 3}
    answer = await doors.waha(waha_event("message.ack", receipt))
    assert answer.status_code == 202
    (event,) = await doors.mail()
    assert isinstance(event, ReceiptCame)


async def test_without_a_hmac_key_the_door_is_closed_and_says_why(store_url: str) -> None:
    async with house(store_url, waha_hmac_key=None) as doors:
        answer = await doors.waha(message())
        assert is_problem(answer, 503)
        assert "WAHA_WEBHOOK_HMAC_KEY" in answer.json()["detail"]


# --- /webhooks/kaspi --------------------------------------------------------------------------


async def test_a_signed_order_is_stored(doors: House) -> None:
    answer = await doors.kaspi(our_order())
    assert (answer.status_code, answer.json()) == (
        202,
        {"status": "accepted", "facts": 1, "new": 1},
    )
    (event,) = await doors.mail()
    assert isinstance(event, OrderChanged)
    assert event.order.stage is Stage.PAID
    assert (await doors.kaspi(our_order())).json()["new"] == 0


async def test_kaspis_own_order_resource_is_understood(doors: House) -> None:
    attributes = {
        "code": "912000002",
        "status": "ACCEPTED_BY_MERCHANT",
        "totalPrice": 4990.0,
        "creationDate": int(NOON.timestamp() * 1000),
        "customer": {"cellPhone": "7051234567", "firstName": "Айгерим"},
    }
    body = msgspec.json.encode({"data": [{"type": "orders", "id": "x", "attributes": attributes}]})
    assert (await doors.kaspi(body)).json()["new"] == 1
    (event,) = await doors.mail()
    assert event.order.code == "912000002"


async def test_an_order_whose_phone_kaspi_hid_is_recorded_and_counted(doors: House) -> None:
    answer = await doors.kaspi(our_order(phone="+0(000)-000-00-00"))
    assert answer.status_code == 202
    assert answer.json() == {"status": "accepted", "facts": 0, "new": 0, "without_phone": 1}
    (fact,) = await doors.front.journal.all_unusable()
    assert (fact.reason, fact.order_code) == ("no_phone", "912000001")
    counted = await doors.front.counters.all()
    assert counted == NO_PHONE


async def test_an_order_known_with_its_phone_needs_none_later(doors: House) -> None:
    await doors.kaspi(our_order())
    answer = await doors.kaspi(our_order(phone=None, stage="delivered"))
    assert answer.json() == {"status": "accepted", "facts": 1, "new": 1}
    _, delivered = await doors.mail()
    assert delivered.order.stage is Stage.DELIVERED


async def test_a_kaspi_webhook_without_a_good_signature_is_turned_away(doors: House) -> None:
    unsigned = await doors.public.post("/webhooks/kaspi", content=our_order())
    forged = await doors.kaspi(our_order(), **{"webhook-signature": "v1,Zm9yZ2Vk"})
    stale = await doors.kaspi(our_order(), **{"webhook-timestamp": "1700000000"})
    for answer in (unsigned, forged, stale):
        assert is_problem(answer, 401)
    assert await doors.mail() == ()


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "JSON"),
        (b'{"type":"order.status"}', "order"),
        (b'{"hello":1}', "order.status"),
        (our_order(stage="eaten"), "order.stage"),
    ],
)
async def test_an_authentic_order_that_is_wrong_is_told_what_is_wrong(
    doors: House, body: bytes, word: str
) -> None:
    answer = await doors.kaspi(body)
    assert is_problem(answer, 400)
    assert word in answer.json()["detail"]


async def test_without_a_secret_kaspis_door_is_closed(store_url: str) -> None:
    async with house(store_url, kaspi_secret=None) as doors:
        answer = await doors.kaspi(our_order())
        assert is_problem(answer, 503)
        assert "KASPI_WEBHOOK_SECRET" in answer.json()["detail"]


# --- /event_handler ---------------------------------------------------------------------------


async def test_a_dempers_push_is_accepted_once(doors: House) -> None:
    first, second = await doors.push(), await doors.push()
    told = {"status": "success", "action": "accepted", "order_id": "912000001"}
    assert (first.status_code, first.json()) == (200, told)
    assert (second.status_code, second.json()) == (200, told | {"action": "duplicate"})
    (event,) = await doors.mail()
    assert event.id == "order:default:912000001:paid"


async def test_another_stage_of_the_same_order_is_another_fact(doors: House) -> None:
    await doors.push()
    assert (await doors.push("ORDER_DELIVERED")).json()["action"] == "accepted"
    assert len(await doors.mail()) == 2


async def test_a_product_sku_is_read_where_the_sku_is_missing(doors: House) -> None:
    await doors.push(sku=None, product_sku="555")
    (event,) = await doors.mail()
    assert event.order.items[0].sku == "555"


async def test_a_stage_we_do_not_serve_is_information(doors: House) -> None:
    answer = await doors.push("NURTURING")
    assert answer.status_code == 200
    assert answer.json()["status"] == "info"
    assert "Этап 'NURTURING'" in answer.text, "Cyrillic is written as it is, not escaped"
    assert await doors.mail() == ()


async def test_a_disabled_seller_still_records_the_fact(store_url: str) -> None:
    async with house(store_url, rules=Rules(enabled=False)) as doors:
        answer = await doors.push()
        assert answer.status_code == 200
        assert answer.json()["status"] == "info"
        assert answer.json()["action"] == "accepted"
        assert len(await doors.mail()) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "Invalid JSON"),
        (b"", "Invalid JSON"),
        (b"[1]", "Invalid body"),
        (b"{}", "waha_stage_id is missing"),
    ],
)
async def test_a_push_that_says_nothing_is_refused_with_what_is_wrong(
    doors: House, body: bytes, said: str
) -> None:
    answer = await doors.public.post("/event_handler", content=body)
    assert answer.status_code == 400
    assert answer.json()["status"] == "error"
    assert answer.json()["message"].startswith(said)


@pytest.mark.parametrize(
    ("phone", "said"),
    [
        (None, "customer.phone is missing"),
        ("", "customer.phone is missing"),
        ("12", "customer.phone: "),
        ("+0(000)-000-00-00", "customer.phone: "),
    ],
)
async def test_a_push_without_a_usable_phone_is_refused_recorded_and_counted(
    doors: House, phone: str | None, said: str
) -> None:
    answer = await doors.push(phone=phone)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(said)
    (fact,) = await doors.front.journal.all_unusable()
    assert (fact.reason, fact.detail) == ("no_phone", answer.json()["message"])
    assert await doors.front.counters.all() == NO_PHONE


async def test_a_stranger_needs_the_token(store_url: str) -> None:
    async with house(store_url, trusted=(ip_network("10.0.0.0/8"),)) as doors:
        without = await doors.push()
        wrong = await doors.public.post(
            "/event_handler", json=pushed(), headers={"Authorization": f"Bearer {ADMIN}"}
        )
        right = await doors.public.post(
            "/event_handler", json=pushed(), headers={"Authorization": f"bearer {TOKEN}"}
        )
    assert without.status_code == wrong.status_code == 401
    assert without.json()["status"] == "error"
    assert without.headers["www-authenticate"].startswith("Bearer")
    assert right.status_code == 200


async def test_without_a_token_set_only_trusted_networks_come_in(store_url: str) -> None:
    async with house(store_url, trusted=(), event_token=None) as doors:
        answer = await doors.public.post(
            "/event_handler", json=pushed(), headers={"Authorization": "Bearer"}
        )
        assert answer.status_code == 401


# --- all doors --------------------------------------------------------------------------------


async def test_more_than_a_mebibyte_is_too_much_for_every_door(doors: House) -> None:
    large = b'"' + b"x" * MAX_BODY + b'"'

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    assert is_problem(await doors.waha(large), 413)
    assert is_problem(await doors.kaspi(large), 413)
    push = await doors.public.post("/event_handler", content=large)
    assert (push.status_code, push.json()["status"]) == (413, "error")
    unannounced = await doors.public.post("/webhooks/waha", content=in_pieces())
    assert is_problem(unannounced, 413)


async def test_a_store_that_is_down_asks_to_come_again(storeless: House) -> None:
    waha, kaspi = await storeless.waha(message()), await storeless.kaspi(our_order())
    push = await storeless.push()
    assert is_problem(waha, 503)
    assert is_problem(kaspi, 503)
    assert (push.status_code, push.json()["status"]) == (503, "error")
    for answer in (waha, kaspi, push):
        assert int(answer.headers["retry-after"]) > 0


class Broken(World):
    """A world in which asking the time fails, and the reason must not be told."""

    def now(self) -> Any:
        raise RuntimeError(f"the key is {ADMIN}")


async def test_a_fault_of_ours_is_told_without_any_detail(store_url: str) -> None:
    async with house(store_url, world=Broken()) as doors:
        waha, push = await doors.waha(message()), await doors.push()
    assert is_problem(waha, 500)
    assert (push.status_code, push.json()["status"]) == (500, "error")
    for answer in (waha, push):
        assert ADMIN not in answer.text
        assert "Traceback" not in answer.text
        assert "RuntimeError" not in answer.text


async def test_no_answer_tells_a_secret(doors: House) -> None:
    answers = [
        await doors.waha(message()),
        await doors.waha(message(), **{"X-Webhook-Hmac": "00"}),
        await doors.kaspi(b"{"),
        await doors.push("NURTURING"),
        await doors.push(phone="1"),
        await doors.public.get("/api/outbox"),
        await doors.api.get("/ai-seller/status"),
        await doors.api.get("/schema"),
    ]
    for answer in answers:
        whole = answer.text + str(answer.headers)
        assert not any(secret in whole for secret in SECRETS)


async def test_a_mapped_address_is_an_ipv4_one_and_a_socket_without_address_is_nobody(
    doors: House,
) -> None:
    app = build(doors.front)

    async def pushes_from(host: str) -> int:
        transport = httpx.ASGITransport(cast("Any", app), client=(host, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://doors") as client:
            return (await client.post("/event_handler", json=pushed())).status_code

    assert await pushes_from("::ffff:127.0.0.1") == 200
    assert await pushes_from("unix:") == 401
