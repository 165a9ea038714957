import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import httpx
import pytest
from litestar import Litestar, Request, Response
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from msgspec import structs
from standardwebhooks import Webhook as StandardWebhook

from app.demo import demper
from app.demo.faults import (
    CutAfterAccepting,
    CutBefore,
    Hang,
    LateAccept,
    Slow,
    Status,
    Timelock,
)
from app.demo.kaspi import JSON_API, EmulatedKaspi
from app.demo.kaspi_shapes import MASKED_PHONE, Buyer, Item
from app.demo.model import Cut, Empty, EmulatedModel, Raw, Refusal
from app.demo.server import serving
from app.demo.waha import EmulatedWaha
from app.demo.waha_files import Endless
from app.demo.waha_shapes import Engine
from app.demo.webhooks import Retries, signature
from app.domain.events import (
    Address,
    Attachment,
    CustomerWrote,
    Fact,
    LeftOurNumber,
    Media,
    Receipt,
    ReceiptCame,
)
from app.errors import Permanent, Transient
from app.gateways.waha import Waha
from app.gateways.waha_events import read_webhook
from app.world import World
from tests.clock import Clock

if TYPE_CHECKING:
    from litestar.types import ASGIApp

AIGERIM = "77051234567"
ENGINES: tuple[Engine, ...] = ("NOWEB", "GOWS", "WEBJS")
TEXT = {"session": "default", "chatId": f"{AIGERIM}@c.us", "text": "Здравствуйте!"}
READ_SOON = httpx.Timeout(10, read=0.5)
"""Long enough for a busy machine to hand the question in, and only the answer is not waited for."""


class HurriedWorld(World):
    def __init__(self) -> None:
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        await asyncio.sleep(0)


@dataclass
class Hook:
    """A webhook receiver: keeps what came, answers what it was told (202 when told nothing)."""

    answers: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def app(self) -> "ASGIApp":
        taking = HTTPRouteHandler("/{path:path}", http_method=[HttpMethod.POST, HttpMethod.GET])
        return Litestar([taking(self.take)], openapi_config=None, logging_config=None)

    async def take(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        self.taken.append((dict(request.headers), await request.body()))
        self.methods.append(request.method)
        self.paths.append(request.url.path)
        status, headers = self.answers.popleft() if self.answers else (202, {})
        return Response(b"", status_code=status, headers=headers)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.taken]

    def events(self) -> list[str]:
        return [body["event"] for body in self.bodies]

    def payload(self, event: str) -> dict[str, Any]:
        found: dict[str, Any] = next(b["payload"] for b in self.bodies if b["event"] == event)
        return found


@dataclass
class Stage:
    """A WAHA being served, a client with its key, and the hook its webhooks go to."""

    waha: EmulatedWaha
    http: httpx.AsyncClient
    hook: Hook
    world: HurriedWorld

    async def text(self, **changes: Any) -> httpx.Response:
        return await self.http.post("/api/sendText", json=TEXT | changes)


@asynccontextmanager
async def staged(
    engine: Engine = "NOWEB", version: str = "2026.7.1", **hooked: Any
) -> AsyncIterator[Stage]:
    hook, world = Hook(), HurriedWorld()
    waha = EmulatedWaha("key", world=world, engine=engine, version=version)
    async with serving(hook.app) as hook_url, client_of(waha.app, {"X-Api-Key": "key"}) as http:
        waha.hook(f"{hook_url}/webhooks/waha", **({"hmac_key": "secret"} | hooked))
        yield Stage(waha, http, hook, world)


@asynccontextmanager
async def client_of_ours(stage: Stage) -> AsyncIterator[Waha]:
    async with Waha(str(stage.http.base_url), "key") as ours:
        yield ours


@asynccontextmanager
async def client_of(app: "ASGIApp", headers: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app) as url, httpx.AsyncClient(base_url=url, headers=headers) as http:
        yield http


# -- the server


async def test_a_server_starts_on_a_free_port_and_may_start_again_on_the_same_one() -> None:
    waha = EmulatedWaha("key", world=World())
    async with serving(waha.app) as first, httpx.AsyncClient() as http:
        assert (await http.get(f"{first}/ping")).json() == {"message": "pong"}
    port = int(first.rsplit(":", 1)[1])
    async with serving(waha.app, port=port) as second, httpx.AsyncClient() as http:
        assert first == second
        assert (await http.get(f"{second}/ping")).status_code == 200


async def test_a_server_stops_at_once_even_while_somebody_waits_for_an_answer() -> None:
    model = EmulatedModel("key")
    model.delay = 60
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(headers={"Authorization": "Bearer key"}) as http:
        async with serving(model.app) as url:
            asking = asyncio.create_task(
                http.post(f"{url}/v1/chat/completions", json={"messages": []})
            )
            await model.wait_for_requests(1)
            began = loop.time()
        assert loop.time() - began < 0.3
        with pytest.raises(httpx.TransportError):
            await asking


async def test_a_port_that_is_taken_is_an_error() -> None:
    waha = EmulatedWaha("key", world=World())
    async with serving(waha.app) as url:
        with pytest.raises(OSError, match="in use"):
            async with serving(waha.app, port=int(url.rsplit(":", 1)[1])):
                pass


async def test_an_application_that_cannot_start_is_an_error() -> None:
    async def fails() -> None:
        raise LookupError("no store")

    app = Litestar([], on_startup=[fails], openapi_config=None, logging_config=None)
    with pytest.raises(RuntimeError, match="did not start"):
        async with serving(app):
            pass


# -- sending through WAHA


async def test_noweb_answers_with_the_short_id_under_key() -> None:
    async with staged("NOWEB") as stage:
        answer = await stage.text()
        body = answer.json()
        assert answer.status_code == 201
        assert list(body) == ["key", "message", "messageTimestamp", "status"]
        assert body["key"]["remoteJid"] == "77051234567@s.whatsapp.net"
        assert body["key"]["id"] == stage.waha.sent[0].id
        assert body["messageTimestamp"].isdigit()
        assert body["status"] == "PENDING"


async def test_gows_answers_with_the_full_id() -> None:
    async with staged("GOWS") as stage:
        body = (await stage.text()).json()
        assert body["id"] == f"true_77051234567@c.us_{stage.waha.sent[0].id}"


async def test_webjs_answers_with_an_id_object() -> None:
    async with staged("WEBJS") as stage:
        body = (await stage.text()).json()
        short = stage.waha.sent[0].id
        assert body["id"]["id"] == short
        assert body["id"]["_serialized"] == f"true_77051234567@c.us_{short}"
        assert body["ack"] == 0


@pytest.mark.parametrize(
    ("engine", "version", "taken"),
    [
        ("NOWEB", "2026.4.3", True),
        ("GOWS", "2026.7.1", True),
        ("NOWEB", "2026.2.1", False),
        ("WEBJS", "2026.7.1", False),
    ],
)
async def test_a_clients_own_message_id_is_used_where_the_engine_can(
    engine: Engine, version: str, *, taken: bool
) -> None:
    async with staged(engine, version) as stage:
        await stage.text(id="3EB0OWN")
        assert (stage.waha.sent[0].id == "3EB0OWN") is taken
        offered = await stage.http.get("/api/default/new-message-id")
        assert offered.status_code == (200 if taken else 501)


async def test_one_message_id_of_ours_sent_twice_is_two_messages() -> None:
    async with staged() as stage:
        buyer = stage.waha.phone(AIGERIM)
        for _ in range(2):
            assert (await stage.text(id="3EB0OWN")).json()["key"]["id"] == "3EB0OWN"
        assert [line.id for line in await buyer.wait_for_received(2)] == ["3EB0OWN", "3EB0OWN"]
        assert len(stage.waha.sent) == 2


async def test_without_the_key_only_ping_is_answered() -> None:
    async with staged() as stage:
        wrong = await stage.http.get("/api/sessions", headers={"X-Api-Key": "other"})
        assert wrong.status_code == 401
        assert wrong.json() == {"message": "Unauthorized", "statusCode": 401}
        assert (await stage.http.get("/health", headers={"X-Api-Key": ""})).status_code == 401
        assert (await stage.http.get("/ping", headers={"X-Api-Key": ""})).status_code == 200


async def test_mistakes_in_a_request_get_wahas_own_answers() -> None:
    async with staged() as stage:
        nameless = await stage.text(session=None)
        assert nameless.status_code == 400
        assert nameless.json()["message"] == "Session name is required"
        broken = await stage.http.post("/api/sendText", content=b"{x")
        assert (broken.status_code, broken.json()["error"]) == (400, "Bad Request")
        textless = await stage.text(text=None)
        assert textless.status_code == 500
        assert list(textless.json()) == [
            "statusCode",
            "timestamp",
            "exception",
            "request",
            "version",
        ]
        assert textless.json()["exception"]["name"] == "TypeError"
        assert stage.waha.sent == []


async def test_a_session_that_is_unknown_or_not_working_is_422() -> None:
    async with staged() as stage:
        unknown = await stage.text(session="other")
        assert unknown.status_code == 422
        assert unknown.json() == {"error": 'Session "other" does not exist', "session": "other"}
        await stage.waha.session_becomes("FAILED")
        failed = await stage.text()
        assert failed.status_code == 422
        assert failed.json()["status"] == "FAILED"
        assert failed.json()["expected"] == ["WORKING"]
        assert stage.waha.sent == []


async def test_a_route_waha_does_not_have_is_404_and_remembered() -> None:
    async with staged() as stage:
        answer = await stage.http.post("/api/reaction", json={})
        assert answer.status_code == 404
        assert answer.json() == {
            "message": "Cannot POST /api/reaction",
            "error": "Not Found",
            "statusCode": 404,
        }
        assert (await stage.http.get("/api/sendText")).status_code == 404
        assert [seen.path for seen in stage.waha.unexpected] == ["/api/reaction", "/api/sendText"]


async def test_seen_and_typing_are_taken_and_recorded() -> None:
    async with staged() as stage:
        buyer = stage.waha.phone(AIGERIM)
        about = {"session": "default", "chatId": f"{AIGERIM}@c.us"}
        assert (await stage.http.post("/api/sendSeen", json=about)).status_code == 201
        for call in ("startTyping", "stopTyping"):
            answer = await stage.http.post(f"/api/{call}", json=about)
            assert (answer.status_code, answer.json()) == (201, {"result": True})
            assert buyer.typing is (call == "startTyping")
        assert [seen.path for seen in stage.waha.requests] == [
            "/api/sendSeen",
            "/api/startTyping",
            "/api/stopTyping",
        ]
        assert stage.waha.requests[0].json == about
        assert stage.waha.unexpected == []


# -- faults


async def test_a_connection_cut_before_accepting_sends_nothing() -> None:
    async with staged() as stage:
        stage.waha.faults.append(CutBefore())
        with pytest.raises(httpx.RemoteProtocolError):
            await stage.text()
        assert stage.waha.sent == []
        assert (await stage.text()).status_code == 201


async def test_a_connection_cut_after_accepting_has_sent_the_message() -> None:
    async with staged() as stage:
        buyer = stage.waha.phone(AIGERIM)
        stage.waha.faults.append(CutAfterAccepting())
        with pytest.raises(httpx.RemoteProtocolError):
            await stage.text()
        assert [line.text for line in await buyer.wait_for_received(1)] == ["Здравствуйте!"]


async def test_a_client_that_gives_up_on_a_slow_answer_was_still_served() -> None:
    async with staged() as stage:
        stage.waha.faults.append(Slow(60))
        with pytest.raises(httpx.ReadTimeout):
            await stage.http.post("/api/sendText", json=TEXT, timeout=READ_SOON)
        assert len(await stage.waha.wait_for_sent(1)) == 1


async def test_a_waha_that_hangs_neither_answers_nor_sends() -> None:
    async with staged() as stage:
        stage.waha.faults.append(Hang())
        with pytest.raises(httpx.ReadTimeout):
            await stage.http.post("/api/sendText", json=TEXT, timeout=READ_SOON)
        assert [seen.path for seen in stage.waha.requests] == ["/api/sendText"]
        assert (await stage.text()).status_code == 201
        assert len(stage.waha.sent) == 1


async def test_a_message_may_be_sent_long_after_the_connection_was_cut() -> None:
    clock = Clock(datetime(2026, 11, 18, 11, tzinfo=UTC))
    waha = EmulatedWaha("key", world=clock)
    buyer = waha.phone(AIGERIM)
    async with client_of(waha.app, {"X-Api-Key": "key"}) as http:
        path = f"/api/default/chats/{AIGERIM}@c.us/messages"
        waha.faults.extend([LateAccept(30), LateAccept(20)])
        for text in ("Первое", "Второе"):
            with pytest.raises(httpx.RemoteProtocolError):
                await http.post("/api/sendText", json=TEXT | {"text": text})
        assert (await http.get(path)).json() == []
        clock.advance(seconds=19)
        assert (await http.get(path)).json() == []
        clock.advance(seconds=11)
        assert len((await http.get(path)).json()) == 2
        assert [line.text for line in buyer.received] == ["Второе", "Первое"]


async def test_a_late_message_is_sent_by_itself_where_the_clock_goes() -> None:
    async with staged() as stage:
        stage.waha.faults.append(LateAccept(0.02))
        with pytest.raises(httpx.RemoteProtocolError):
            await stage.text()
        assert stage.waha.sent == []
        assert len(await stage.waha.wait_for_sent(1)) == 1
        await stage.waha.delivered()
        assert "message.any" in stage.hook.events()


async def test_a_waha_that_stops_forgets_what_it_would_have_sent() -> None:
    clock = Clock(datetime(2026, 11, 18, 11, tzinfo=UTC))
    waha = EmulatedWaha("key", world=clock)
    async with client_of(waha.app, {"X-Api-Key": "key"}) as http:
        waha.faults.append(LateAccept(1))
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post("/api/sendText", json=TEXT)
    clock.advance(seconds=2)
    await waha.delivered()
    assert waha.sent == []


async def test_what_waha_would_refuse_is_not_sent_late_either() -> None:
    async with staged() as stage:
        await stage.waha.session_becomes("FAILED")
        stage.waha.faults.append(LateAccept(0))
        with pytest.raises(httpx.RemoteProtocolError):
            await stage.text()
        await stage.waha.delivered()
        assert stage.waha.sent == []


async def test_a_status_is_answered_once_with_its_headers() -> None:
    async with staged() as stage:
        stage.waha.faults.append(Status(503, {"error": "busy"}, {"Retry-After": "7"}))
        answer = await stage.text()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
        assert (await stage.text()).status_code == 201


async def test_a_timelock_is_a_500_in_gows_and_an_ack_of_minus_one_in_noweb() -> None:
    async with staged("GOWS") as stage:
        stage.waha.faults.append(Timelock())
        answer = await stage.text()
        assert answer.status_code == 500
        assert answer.json()["exception"]["details"] == "server returned error 463"
        assert stage.waha.sent == []
    async with staged("NOWEB") as stage:
        stage.waha.acks = False
        stage.waha.faults.append(Timelock())
        assert (await stage.text()).status_code == 201
        await stage.waha.delivered()
        refused = stage.hook.payload("message.ack")
        assert (refused["ack"], refused["error"]["code"]) == (-1, "463")


async def test_a_message_refused_for_a_timelock_is_a_receipt_and_news_of_the_session() -> None:
    async with staged() as stage:
        buyer = stage.waha.phone(AIGERIM)
        await stage.waha.timelock(days=2)
        stage.waha.faults.append(Timelock())
        short = (await stage.text()).json()["key"]["id"]
        await stage.waha.delivered()
        acks = [body for _, body in stage.hook.taken if b'"message.ack"' in body]
        assert len(acks) == 1
        assert buyer.received == []
        now = stage.world.now()
        reading = read_webhook(acks[0], now)
        receipt = reading.facts[0].event
        assert isinstance(receipt, ReceiptCame)
        assert (receipt.message, receipt.receipt) == (short, Receipt.FAILED)
        assert receipt.reason == "463"
        (news,) = reading.sessions
        assert news.status is None
        assert news.restricted_until is not None
        assert timedelta(days=1, hours=23) < news.restricted_until - now < timedelta(days=2)


async def test_a_waha_that_is_deaf_tells_nothing_and_remembers_everything() -> None:
    async with staged() as stage, client_of_ours(stage) as ours:
        began = stage.world.now()
        stage.waha.deaf = True
        await stage.waha.session_becomes("WORKING")
        buyer = stage.waha.phone(AIGERIM)
        await buyer.writes("Где заказ?")
        await buyer.writes("Алло", at=began - timedelta(hours=1))
        await buyer.sends_image("Вот фото")
        assert (await stage.text()).status_code == 201
        await stage.waha.owner_writes(AIGERIM, "Отвечу сама")
        await buyer.reads()
        await stage.waha.delivered()
        assert stage.hook.taken == []
        facts = await _history(ours, stage, since=began - timedelta(hours=2))
        assert sorted(_said(fact) for fact in facts[1:]) == [
            "in Вот фото",
            "in Где заказ?",
            "out Здравствуйте!",
            "out Отвечу сама",
        ]
        assert _said(facts[0]) == "in Алло"
        recent = await _history(ours, stage, since=began)
        assert [fact.event.id for fact in recent] == [fact.event.id for fact in facts[1:]]
        stage.waha.deaf = False
        await buyer.writes("Ау")
        await stage.waha.delivered()
        assert stage.hook.events() == ["message.any"]


async def test_a_waha_that_is_down_cuts_every_connection() -> None:
    async with staged() as stage:
        stage.waha.down = True
        with pytest.raises(httpx.TransportError):
            await stage.http.get("/ping")
        stage.waha.down = False
        assert (await stage.http.get("/ping")).status_code == 200


# -- who is who, sessions, history


async def test_a_lid_and_a_phone_lead_to_each_other() -> None:
    async with staged() as stage:
        stage.waha.phone(AIGERIM, lid="211111111111111")
        pair = {"lid": "211111111111111@lid", "pn": "77051234567@c.us"}
        for path in ("", "/211111111111111", "/211111111111111%40lid", f"/pn/{AIGERIM}"):
            answer = (await stage.http.get(f"/api/default/lids{path}")).json()
            assert answer == (pair if path else [pair])
        unknown = (await stage.http.get("/api/default/lids/999@lid")).json()
        assert unknown == {"lid": "999@lid", "pn": None}
        assert (await stage.http.get("/api/default/lids/7@c.us")).status_code == 422


async def test_a_number_without_whatsapp_does_not_exist() -> None:
    async with staged() as stage:
        stage.waha.not_on_whatsapp.add("77010000000")
        for phone, there in ((AIGERIM, True), ("77010000000", False)):
            answer = await stage.http.get("/api/contacts/check-exists", params={"phone": phone})
            assert answer.json()["numberExists"] is there


async def test_a_session_is_made_configured_scanned_and_works() -> None:
    async with staged() as stage:
        made = await stage.http.post("/api/sessions", json={"name": "shop2"})
        assert (made.status_code, made.json()["status"]) == (201, "SCAN_QR_CODE")
        assert made.json()["me"] is None
        qr = await stage.http.get("/api/shop2/auth/qr", params={"format": "raw"})
        assert qr.json()["value"].startswith("2@")
        picture = await stage.http.get("/api/shop2/auth/qr", headers={"Accept": "application/json"})
        assert picture.json()["mimetype"] == "image/png"
        await stage.waha.session_becomes("WORKING", session="shop2")
        shown = (await stage.http.get("/api/sessions/shop2")).json()
        assert shown["status"] == "WORKING"
        assert shown["me"]["id"] == "77770000001@c.us"
        assert (await stage.http.post("/api/sessions/shop2/start")).status_code == 422
        await stage.http.post("/api/sessions/shop2/stop")
        listed = [s["name"] for s in (await stage.http.get("/api/sessions")).json()]
        assert listed == ["default"]


async def test_a_webhook_registered_in_the_session_gets_its_events() -> None:
    async with staged() as stage:
        url = stage.waha.webhooks.pop().url
        hook = {"url": url, "events": ["message"], "hmac": {"key": "k2"}, "retries": None}
        config = {"metadata": {"tenant": "t1"}, "webhooks": [hook]}
        put = await stage.http.put("/api/sessions/default", json={"config": config})
        assert put.json()["config"] == config
        await stage.waha.phone(AIGERIM).writes("Сәлем")
        await stage.waha.delivered()
        headers, body = stage.hook.taken[-1]
        assert stage.hook.events() == ["message"]
        assert stage.hook.bodies[-1]["metadata"] == {"tenant": "t1"}
        assert headers["x-webhook-hmac"] == signature("k2", body)


async def test_a_session_that_was_never_set_up_gets_its_store_and_is_started() -> None:
    emulated = EmulatedWaha("waha-key-for-tests", world=World())
    emulated.new_session("default", {}, logged_in=False)  # as WAHA Core shows it at first
    async with serving(emulated.app) as url, Waha(url, "waha-key-for-tests") as waha:
        hook = "http://127.0.0.1:1/webhooks/waha"
        assert await waha.register_webhook("default", url=hook, hmac_key="k")
        session = emulated.sessions["default"]
        assert session.config["noweb"] == {"store": {"enabled": True}}
        assert session.status == "SCAN_QR_CODE"
        assert not await waha.register_webhook("default", url=hook, hmac_key="k")


async def test_an_unknown_event_in_a_config_is_refused() -> None:
    async with staged() as stage:
        config = {"webhooks": [{"url": "http://a.example", "events": ["nonsense"]}]}
        answer = await stage.http.put("/api/sessions/default", json={"config": config})
        assert answer.status_code == 400
        assert "each value in events must be one of" in answer.json()["message"][0]


async def test_a_chats_history_holds_both_sides_newest_first() -> None:
    async with staged() as stage:
        buyer = stage.waha.phone(AIGERIM, address="lid")
        yesterday = stage.world.now() - timedelta(days=1)
        asked = await buyer.writes("Где заказ?", at=yesterday)
        answered = (await stage.text()).json()["key"]["id"]
        path = f"/api/default/chats/{AIGERIM}@c.us/messages"
        found = (await stage.http.get(path)).json()
        assert [message["fromMe"] for message in found] == [True, False]
        one = await stage.http.get(f"{path}/true_{AIGERIM}@c.us_{answered}")
        assert one.json()["body"] == "Здравствуйте!"
        assert (await stage.http.get(f"{path}/{asked}")).json()["fromMe"] is False
        lost = await stage.http.get(f"{path}/3EB0NONE")
        assert (lost.status_code, lost.json()["message"]) == (404, "Message not found")


@pytest.mark.parametrize("address", ["pn", "lid"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_the_history_tells_the_same_facts_as_the_webhooks(
    engine: Engine, address: Literal["pn", "lid"]
) -> None:
    async with staged(engine) as stage, client_of_ours(stage) as ours:
        began = stage.world.now()
        buyer = stage.waha.phone(AIGERIM, name="Айгерим", address=address)
        await buyer.writes("Где заказ?")
        await buyer.sends_voice()
        await stage.text()
        await stage.waha.owner_writes(AIGERIM, "Отвечу сама")
        await stage.waha.group_message("Всем привет", author=AIGERIM)
        await stage.waha.delivered()
        now = stage.world.now()
        told = [read_webhook(body, now).facts for _, body in stage.hook.taken]
        messages = {
            fact
            for facts in told
            for fact in facts
            if isinstance(fact.event, CustomerWrote | LeftOurNumber)
        }
        assert len(messages) == 4
        messages = {_without_file(fact) for fact in messages}  # a history is asked for without
        person = Address(phone=buyer.number, lid=buyer.lid)
        found = await ours.history("default", person, since=began, received_at=now, engine=engine)
        assert set(found) == messages
        assert list(found) == sorted(found, key=lambda fact: (fact.event.at, fact.event.id))
        by_lid = Address(lid=buyer.lid)
        assert found == await ours.history(
            "default", by_lid, since=began, received_at=now, engine=engine
        )


@pytest.mark.parametrize("engine", ENGINES)
async def test_only_noweb_tells_of_all_chats_at_once(engine: Engine) -> None:
    async with staged(engine) as stage, client_of_ours(stage) as ours:
        began = stage.world.now()
        for number in (AIGERIM, "77017654321"):
            await stage.waha.phone(number).writes("Да")
        answer = await stage.http.get("/api/default/chats/all/messages")
        asking = ours.history("default", None, since=began, received_at=stage.world.now())
        if engine == "NOWEB":
            assert len(answer.json()) == 2
            assert {fact.person.phone for fact in await asking} == {AIGERIM, "77017654321"}
        else:
            assert answer.status_code == (501 if engine == "GOWS" else 500)
            with pytest.raises(Permanent) as error:
                await asking
            assert error.value.code == "no_history"


async def test_a_long_history_is_read_page_by_page() -> None:
    async with staged() as stage, client_of_ours(stage) as ours:
        began = stage.world.now()
        buyer = stage.waha.phone(AIGERIM)
        ids = [await buyer.writes(str(n), at=began - timedelta(hours=n)) for n in range(7)]
        facts = await _history(ours, stage, since=began - timedelta(hours=8), limit=3)
        told = [fact.event.id.removeprefix("waha:default:in:") for fact in facts]
        assert told == ids[::-1]
        newest = await _history(ours, stage, since=began - timedelta(hours=8), limit=1)
        assert [fact.event.id for fact in newest] == [fact.event.id for fact in facts[2:]]
        pages = [seen.query["offset"] for seen in stage.waha.requests]
        assert pages == ["0", "3", "6", "0", "1", "2", "3", "4"]


async def test_noweb_without_its_store_knows_neither_history_nor_lids() -> None:
    async with staged() as stage, client_of_ours(stage) as ours:
        buyer = stage.waha.phone(AIGERIM)
        assert await ours.lid_of_phone("default", AIGERIM) == buyer.lid
        assert await ours.phone_of_lid("default", buyer.lid) == AIGERIM
        stage.waha.store = False
        for path in ("lids", f"lids/{buyer.lid}", f"lids/pn/{AIGERIM}", "chats/all/messages"):
            answer = await stage.http.get(f"/api/default/{path}")
            assert answer.status_code == 400
            assert answer.json()["message"].startswith("Enable NOWEB store")
        assert await ours.lid_of_phone("default", AIGERIM) is None
        assert await ours.phone_of_lid("default", buyer.lid) is None
        with pytest.raises(Permanent) as error:
            await _history(ours, stage, since=stage.world.now())
        assert error.value.code == "no_history"
        assert (await stage.text()).status_code == 201


@pytest.mark.parametrize("engine", ["GOWS", "WEBJS"])
async def test_the_store_is_nowebs_alone(engine: Engine) -> None:
    async with staged(engine) as stage, client_of_ours(stage) as ours:
        stage.waha.store = False
        buyer, began = stage.waha.phone(AIGERIM), stage.world.now()
        await buyer.writes("Да")
        assert await ours.lid_of_phone("default", AIGERIM) == buyer.lid
        assert len(await _history(ours, stage, since=began)) == 1


async def test_a_session_that_does_not_work_tells_nothing_either() -> None:
    async with staged() as stage, client_of_ours(stage) as ours:
        await stage.waha.session_becomes("FAILED")
        for asking in (
            ours.lid_of_phone("default", AIGERIM),
            ours.phone_of_lid("default", "211111111111111"),
            ours.number_exists("default", AIGERIM),
            _history(ours, stage, since=stage.world.now()),
        ):
            with pytest.raises(Transient) as error:
                await asking
            assert error.value.code == "session_down"


async def test_we_learn_whether_a_number_is_on_whatsapp() -> None:
    async with staged() as stage, client_of_ours(stage) as ours:
        stage.waha.not_on_whatsapp.add("77010000000")
        assert await ours.number_exists("default", AIGERIM) is True
        assert await ours.number_exists("default", "77010000000") is False
        assert stage.waha.unexpected == []


@pytest.mark.parametrize(("version", "shown"), [("2026.7.2", True), ("2026.7.1", False)])
async def test_a_session_shows_its_timelock_in_versions_that_know_of_it(
    version: str, *, shown: bool
) -> None:
    async with staged(version=version) as stage, client_of_ours(stage) as ours:

        async def known() -> tuple[datetime | None, bool]:
            session = await ours.session("default")
            assert session is not None
            return session.restricted_until, session.restriction_known

        assert await known() == (None, shown)
        me = (await stage.http.get("/api/sessions/default/me")).json()
        assert ("reachoutTimelock" in me) is shown
        began = stage.world.now()
        await stage.waha.timelock(days=3)
        until, told = await known()
        assert told is shown
        assert (until is not None and until > began + timedelta(days=2)) is shown
        await stage.waha.timelock(active=False)
        assert await known() == (None, shown)
        await stage.waha.delivered()
        assert all("reachoutTimelock" not in body["me"] for body in stage.hook.bodies)


async def _history(
    ours: Waha, stage: Stage, *, since: datetime, limit: int = 100
) -> tuple[Fact, ...]:
    """Aigerim's chat."""
    address, now = Address(phone=AIGERIM), stage.world.now()
    return await ours.history("default", address, since=since, received_at=now, limit=limit)


def _without_file(fact: Fact) -> Fact:
    if not isinstance(fact.event, CustomerWrote):
        return fact
    return structs.replace(fact, event=structs.replace(fact.event, attachment=None))


def _said(fact: Fact) -> str:
    match fact.event:
        case CustomerWrote() as wrote:
            return f"in {wrote.text}"
        case LeftOurNumber() as left:
            return f"out {left.text}"
        case other:
            raise AssertionError(f"{other} is no message")


# -- webhooks


def test_the_signature_is_that_of_wahas_own_example() -> None:
    made = signature("my-secret-key", b'{"event":"message","session":"default","engine":"WEBJS"}')
    assert made.startswith("208f8a55")
    assert made.endswith("76153fa89")
    assert len(made) == 128


async def test_a_webhook_carries_wahas_headers_over_compact_utf8() -> None:
    async with staged() as stage:
        await stage.waha.phone(AIGERIM, name="Айгерим").writes("Где мой заказ?")
        await stage.waha.delivered()
        headers, body = stage.hook.taken[0]
        envelope = json.loads(body)
        assert body == json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
        assert headers["user-agent"] == "WAHA/2026.7.1"
        assert headers["x-webhook-timestamp"] == str(envelope["timestamp"])
        assert headers["x-webhook-hmac"] == signature("secret", body)
        assert headers["x-webhook-hmac-algorithm"] == "sha512"
        assert headers["content-type"] == "application/json"
        assert stage.hook.paths == ["/webhooks/waha"]


async def test_without_a_key_nothing_is_signed() -> None:
    async with staged(hmac_key=None) as stage:
        await stage.waha.phone(AIGERIM).writes("Да")
        await stage.waha.delivered()
        assert "x-webhook-hmac" not in stage.hook.taken[0][0]


async def test_every_refusal_is_tried_again_with_the_same_bytes_and_headers() -> None:
    async with staged(retries=Retries(delay_seconds=2, attempts=3)) as stage:
        stage.hook.answers.extend([(401, {}), (503, {"Retry-After": "9"}), (400, {})])
        await stage.waha.phone(AIGERIM).writes("Да")
        await stage.waha.delivered()
        assert len(stage.hook.taken) == 4
        assert len({body for _, body in stage.hook.taken}) == 1
        assert len({tuple(headers.items()) for headers, _ in stage.hook.taken}) == 1
        assert stage.world.naps == [2, 9, 2]


async def test_an_event_refused_to_the_last_try_is_lost() -> None:
    async with staged(retries=Retries(attempts=1, policy="exponential")) as stage:
        stage.hook.answers.extend([(500, {})] * 2)
        await stage.waha.phone(AIGERIM).writes("Да")
        await stage.waha.delivered()
        assert len(stage.waha.sender.lost) == 1
        assert 4 <= stage.world.naps[0] <= 4.8


async def test_an_unreachable_receiver_is_tried_again_too() -> None:
    world = HurriedWorld()
    waha = EmulatedWaha("key", world=world, webhook_url="http://127.0.0.1:9/", retries=Retries())
    await waha.phone(AIGERIM).writes("Да")
    await waha.delivered()
    await waha.sender.stop()
    assert [attempt.status for attempt in waha.sender.attempts] == [None] * 16
    assert sum(world.naps) == 30


async def test_a_redirect_is_followed_as_get_and_counts_as_delivered() -> None:
    async with staged() as stage:
        stage.hook.answers.append((302, {"location": "/elsewhere"}))
        await stage.waha.phone(AIGERIM).writes("Да")
        await stage.waha.delivered()
        assert stage.hook.methods == ["POST", "GET"]
        assert stage.hook.taken[1][1] == b""


@pytest.mark.parametrize("engine", ENGINES)
async def test_envelopes_have_the_keys_of_their_engine_in_order(engine: Engine) -> None:
    async with staged(engine) as stage:
        await stage.waha.phone(AIGERIM, name="Айгерим").writes("Да")
        await stage.waha.delivered()
        envelope = stage.hook.bodies[0]
        top = [] if engine == "GOWS" else ["engine"]
        first = ["id", "timestamp", "event", "session", "me", "payload"]
        assert list(envelope) == [*first, *top, "environment"]
        assert envelope["environment"]["engine"] == engine
        assert envelope["id"].startswith("evt_")
        assert len(envelope["id"]) == 30
        assert ("jid" in envelope["me"]) is (engine == "GOWS")


async def test_noweb_hides_the_phone_of_a_lid_in_its_key_and_leaves_out_what_is_undefined() -> None:
    async with staged("NOWEB") as stage:
        buyer = stage.waha.phone(AIGERIM, name="Айгерим", lid="211111111111111", address="lid")
        short = await buyer.writes("СТОП")
        await stage.waha.delivered()
        payload = stage.hook.payload("message.any")
        assert payload["id"] == f"false_211111111111111@lid_{short}"
        assert payload["from"] == "211111111111111@lid"
        assert payload["_data"]["key"]["remoteJidAlt"] == "77051234567@s.whatsapp.net"
        assert payload["_data"]["pushName"] == "Айгерим"
        assert "to" not in payload
        assert "participant" not in payload


async def test_gows_hides_the_phone_of_a_lid_in_its_info_and_sends_nulls() -> None:
    async with staged("GOWS") as stage:
        await stage.waha.phone(AIGERIM, lid="211111111111111", address="lid").writes("СТОП")
        await stage.waha.delivered()
        payload = stage.hook.payload("message.any")
        assert payload["_data"]["Info"]["SenderAlt"] == "77051234567@s.whatsapp.net"
        assert payload["to"] is None
        assert payload["participant"] is None


async def test_webjs_says_to_whom_and_nothing_of_the_other_address() -> None:
    async with staged("WEBJS") as stage:
        buyer = stage.waha.phone(AIGERIM, lid="211111111111111", address="lid")
        short = await buyer.writes("СТОП")
        await stage.waha.delivered()
        payload = stage.hook.payload("message.any")
        assert payload["to"] == "77770000001@c.us"
        assert payload["_data"]["id"]["id"] == short
        assert AIGERIM not in json.dumps(payload)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_sent_message_is_echoed_and_acknowledged(engine: Engine) -> None:
    async with staged(engine) as stage:
        buyer = stage.waha.phone(AIGERIM)
        await stage.text()
        await buyer.reads()
        await buyer.reads()
        await stage.waha.delivered()
        echo = stage.hook.payload("message.any")
        short = stage.waha.sent[0].id
        assert echo["id"] == f"true_77051234567@c.us_{short}"
        assert (echo["fromMe"], echo["source"]) == (True, "api")
        assert echo["from"] == ("77770000001@c.us" if engine == "WEBJS" else "77051234567@c.us")
        acks = sorted(b["payload"]["ack"] for b in stage.hook.bodies if b["event"] == "message.ack")
        assert acks == ([2, 3] if engine == "GOWS" else [1, 2, 3])


async def test_echo_and_acks_can_be_switched_off() -> None:
    async with staged() as stage:
        stage.waha.echo = stage.waha.acks = False
        await stage.text()
        await stage.waha.delivered()
        assert stage.hook.taken == []


async def test_the_owners_own_message_comes_from_the_app_with_an_id_we_never_made() -> None:
    async with staged() as stage:
        short = await stage.waha.owner_writes(AIGERIM, "Отвечу сама")
        await stage.waha.delivered()
        payload = stage.hook.payload("message.any")
        assert payload["id"] == f"true_77051234567@c.us_{short}"
        assert (payload["fromMe"], payload["source"]) == (True, "app")


@pytest.mark.parametrize(("engine", "ids"), [("NOWEB", 1), ("GOWS", 1), ("WEBJS", 2)])
async def test_twice_sends_both_events_under_the_ids_of_the_engine(
    engine: Engine, ids: int
) -> None:
    async with staged(engine) as stage:
        stage.waha.twice = True
        await stage.waha.phone(AIGERIM).writes("Да")
        await stage.waha.delivered()
        assert sorted(stage.hook.events()) == ["message", "message.any"]
        assert len({body["id"] for body in stage.hook.bodies}) == ids
        assert len({body["payload"]["id"] for body in stage.hook.bodies}) == 1


@pytest.mark.parametrize("engine", ENGINES)
async def test_edits_revokes_reactions_and_calls_name_what_they_are_about(engine: Engine) -> None:
    async with staged(engine) as stage:
        buyer = stage.waha.phone(AIGERIM)
        short = await buyer.writes("Спасибо")
        await buyer.edits(short, "Стоп")
        await buyer.revokes(short)
        await buyer.reacts(short, "👍")
        await buyer.calls()
        await stage.waha.delivered()
        edited = stage.hook.payload("message.edited")
        assert (edited["editedMessageId"], edited["body"]) == (short, "Стоп")
        assert edited["id"].endswith(short) is (engine == "WEBJS")
        revoked = stage.hook.payload("message.revoked")
        assert revoked["revokedMessageId"] == short
        assert revoked["after"]["body"] is None
        reaction = stage.hook.payload("message.reaction")["reaction"]
        assert reaction == {"text": "👍", "messageId": f"false_77051234567@c.us_{short}"}
        assert stage.hook.payload("call.received")["from"] == "77051234567@c.us"


async def test_media_groups_channels_and_statuses_are_told_apart_by_their_chat() -> None:
    async with staged() as stage:
        buyer = stage.waha.phone(AIGERIM)
        voice, image = await buyer.sends_voice(), await buyer.sends_image("Вот фото")
        group = await stage.waha.group_message("Всем привет")
        status = await stage.waha.status_broadcast("Новинка")
        news = await stage.waha.newsletter("Скидки")
        await stage.waha.delivered()
        by_id = {b["payload"]["id"].split("_")[2]: b["payload"] for b in stage.hook.bodies}
        assert by_id[voice]["hasMedia"] is True
        assert by_id[voice]["body"] is None
        assert by_id[image]["media"]["mimetype"] == "image/jpeg"
        assert by_id[image]["body"] == "Вот фото"
        assert by_id[group]["participant"] == "77017654321@c.us"
        assert by_id[group]["id"].count("_") == 3
        assert by_id[status]["from"] == "status@broadcast"
        assert by_id[news]["from"].endswith("@newsletter")


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_a_buyer_sends_is_read_from_every_engine_and_fetched(engine: Engine) -> None:
    async with staged(engine) as stage, client_of_ours(stage) as ours:
        buyer = stage.waha.phone(AIGERIM)
        sent = {
            await buyer.speaks(b"say:\xd0\x94\xd0\xb0"): (Media.VOICE, "", b"say:\xd0\x94\xd0\xb0"),
            await buyer.shows(b"jpeg", "Вот фото"): (Media.IMAGE, "Вот фото", b"jpeg"),
            await buyer.hands(b"%PDF", "Чек"): (Media.DOCUMENT, "Чек", b"%PDF"),
            await buyer.is_at(43.238, 76.889, "Дом"): (Media.LOCATION, "Дом", None),
            await buyer.speaks(b"lost", failed=True): (Media.VOICE, "", None),
        }
        found = {wrote.message: wrote for wrote in await _wrote(stage)}
        for short, (media, text, content) in sent.items():
            wrote = found[short]
            assert (wrote.media, wrote.text) == (media, text)
            assert (wrote.attachment is None) is (content is None)
            if wrote.attachment is not None:
                assert await ours.file(wrote.attachment, most=100) == content
        assert stage.waha.unexpected == []


async def test_files_are_served_with_the_key_only_and_wherever_waha_says_they_are() -> None:
    async with staged() as stage, client_of_ours(stage) as ours:
        stage.waha.files.told_at = "https://evil.test:8443"
        short = await stage.waha.phone(AIGERIM).speaks(b"say:Hi")
        (wrote,) = await _wrote(stage)
        path = f"/api/files/default/{short}.oga"
        assert wrote.attachment == Attachment(path=path, mimetype="audio/ogg; codecs=opus")
        assert stage.hook.payload("message.any")["media"]["url"] == f"https://evil.test:8443{path}"
        assert (await stage.http.get(path, headers={"X-Api-Key": "no"})).status_code == 401
        assert (await stage.http.get(path)).content == b"say:Hi"
        assert await ours.file(wrote.attachment, most=100) == b"say:Hi"
        lost = await stage.http.get("/api/files/default/other.oga")
        assert lost.json()["message"] == "File not found: other.oga"


async def test_fetching_a_file_goes_wrong_as_told() -> None:
    async with staged() as stage, client_of_ours(stage) as ours:
        await stage.waha.phone(AIGERIM).speaks(b"say:Hi")
        (wrote,) = await _wrote(stage)
        assert wrote.attachment is not None
        elsewhere = Status(302, headers={"Location": "/api/sessions"})
        stage.waha.files.faults.extend([Status(404), elsewhere, Endless(), CutBefore()])
        codes = []
        for _ in range(4):
            with pytest.raises((Transient, Permanent)) as error:
                await ours.file(wrote.attachment, most=100)
            codes.append(error.value.code)
        assert codes == ["not_yet", "redirect", "too_large", "unreachable"]
        stage.waha.files.faults.append(Slow(60))
        with pytest.raises(Transient):
            await ours.file(wrote.attachment, most=100, within=0.5)
        assert await ours.file(wrote.attachment, most=100) == b"say:Hi"


async def _wrote(stage: Stage) -> list[CustomerWrote]:
    """What the webhooks told that buyers wrote."""
    await stage.waha.delivered()
    read = [read_webhook(body, stage.world.now()).facts for _, body in stage.hook.taken]
    events = [fact.event for facts in read for fact in facts]
    return [event for event in events if isinstance(event, CustomerWrote)]


async def test_an_ignored_kind_of_chat_is_dropped_at_the_source() -> None:
    async with staged() as stage:
        stage.waha.sessions["default"].config["ignore"] = {"groups": True, "status": True}
        await stage.waha.group_message("Всем привет")
        await stage.waha.status_broadcast("Новинка")
        await stage.waha.newsletter("Скидки")
        await stage.waha.delivered()
        assert len(stage.hook.taken) == 1


async def test_a_session_tells_its_status_and_a_timelock() -> None:
    async with staged("GOWS") as stage:
        await stage.waha.session_becomes("FAILED")
        await stage.waha.timelock()
        await stage.waha.delivered()
        by_status = {body["payload"]["status"]: body["payload"] for body in stage.hook.bodies}
        names = [status["status"] for status in by_status["FAILED"]["statuses"]]
        assert names == ["STARTING", "WORKING", "FAILED"]
        assert by_status["FAILED"]["data"] is None
        assert by_status["WORKING"]["data"]["reachoutTimelock"]["isActive"] is True


# -- Kaspi

KASPI_HEADERS = {
    "X-Auth-Token": "token",
    "X-Merchant-Uid": "30000001",
    "Accept": JSON_API,
    "User-Agent": "Mozilla/5.0 (compatible; ai-seller/1)",
}
JACKET = Item(sku="102529963_318274", name="Куртка CL 101", price=12990.0)
SOCKS = Item(sku="SOCKS-3PK", name="Носки", price=1500.0, quantity=2, card="138957097")
NURBEK = Buyer(phone="7051234567", first_name="НУРБЕК", last_name="О")


@asynccontextmanager
async def shop() -> AsyncIterator[tuple[EmulatedKaspi, httpx.AsyncClient]]:
    kaspi = EmulatedKaspi("token", "30000001", World())
    async with client_of(kaspi.app, KASPI_HEADERS) as http:
        yield kaspi, http


def window(kaspi: EmulatedKaspi, *, days: float = 13, **more: str) -> dict[str, str]:
    since = int((kaspi.world.now() - timedelta(days=days)).timestamp() * 1000)
    return {
        "page[number]": "0",
        "page[size]": "100",
        "filter[orders][state]": "NEW",
        "filter[orders][creationDate][$ge]": str(since),
    } | more


async def test_kaspi_pages_from_zero_and_counts_pages() -> None:
    async with shop() as (kaspi, http):
        for _ in range(5):
            kaspi.place([JACKET], NURBEK)
        codes: list[str] = []
        for page in range(3):
            asked = window(kaspi) | {"page[number]": str(page), "page[size]": "2"}
            body = (await http.get("/orders", params=asked)).json()
            assert body["meta"] == {"pageCount": 3, "totalCount": 5}
            codes += [order["attributes"]["code"] for order in body["data"]]
        assert sorted(codes) == sorted(kaspi.orders)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("page[number]", "page[number]"),
        ("page[size]", "page[size]"),
        ("filter[orders][creationDate][$ge]", "[orders][creationDate][$ge] is empty"),
        ("filter[orders][state]", "[orders][state] is empty"),
    ],
)
async def test_kaspi_names_a_missing_filter(missing: str, said: str) -> None:
    async with shop() as (kaspi, http):
        asked = window(kaspi)
        del asked[missing]
        answer = await http.get("/orders", params=asked)
        assert answer.status_code == 400
        assert said in answer.json()["errors"][0]["title"]


async def test_kaspi_takes_no_window_over_14_days_and_no_page_over_100() -> None:
    async with shop() as (kaspi, http):
        assert (await http.get("/orders", params=window(kaspi, days=15))).status_code == 400
        asked = window(kaspi) | {"page[size]": "101"}
        assert (await http.get("/orders", params=asked)).status_code == 400


async def test_kaspi_finds_an_order_by_code_without_dates() -> None:
    async with shop() as (kaspi, http):
        kaspi.place([JACKET, SOCKS], NURBEK, code="912000001")
        asked = {"filter[orders][code]": "912000001", "include[orders]": "entries"}
        body = (await http.get("/orders", params=asked)).json()
        assert body["data"][0]["id"] == "OTEyMDAwMDAx"
        assert body["data"][0]["attributes"]["totalPrice"] == 15990.0
        assert [entry["id"] for entry in body["included"]] == [
            "OTEyMDAwMDAxIyMw",
            "OTEyMDAwMDAxIyMx",
        ]
        entries = (await http.get("/orders/OTEyMDAwMDAx/entries")).json()["data"]
        assert entries == body["included"]
        product = (await http.get("/orderentries/OTEyMDAwMDAxIyMw/product")).json()["data"]
        assert product["attributes"]["code"] == "102529963"
        assert kaspi.unexpected == []


async def test_an_order_lives_from_paid_to_returned_and_loses_its_phone_when_done() -> None:
    async with shop() as (kaspi, http):
        code = kaspi.place([JACKET], NURBEK).code

        async def seen() -> dict[str, Any]:
            answer = await http.get("/orders", params={"filter[orders][code]": code})
            attributes: dict[str, Any] = answer.json()["data"][0]["attributes"]
            return attributes

        assert (await seen())["status"] == "APPROVED_BY_BANK"
        kaspi.accept(code)
        assert (await seen())["customer"]["cellPhone"] == "7051234567"
        kaspi.hand_over(code)
        assert (await seen())["kaspiDelivery"]["courierTransmissionDate"] is not None
        kaspi.complete(code)
        done = await seen()
        assert (done["state"], done["status"]) == ("ARCHIVE", "COMPLETED")
        assert done["customer"]["cellPhone"] == MASKED_PHONE
        kaspi.return_(code)
        assert (await seen())["status"] == "RETURNED"


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"X-Auth-Token": "old"}, 401), ({"Accept": "*/*"}, 404), ({"X-Merchant-Uid": ""}, 404)],
)
async def test_kaspi_refuses_wrong_headers(changed: dict[str, str], status: int) -> None:
    async with shop() as (kaspi, http):
        answer = await http.get("/orders", params=window(kaspi), headers=changed)
        assert answer.status_code == status
        assert answer.text.startswith("<html>") is ("Accept" in changed)


async def test_kaspi_never_answers_a_client_without_a_user_agent() -> None:
    async with shop() as (kaspi, http):
        with pytest.raises(httpx.ReadTimeout):
            await http.get("/orders", headers={"User-Agent": ""}, timeout=READ_SOON)
        kaspi.silent_without_user_agent = False
        answer = await http.get("/orders", params=window(kaspi), headers={"User-Agent": ""})
        assert answer.status_code == 200


async def test_a_demper_pushes_the_first_product_of_an_order() -> None:
    hook, kaspi = Hook(), EmulatedKaspi("token", "30000001", World())
    order = kaspi.place([JACKET, SOCKS], NURBEK, code="912000001")
    async with serving(hook.app) as url:
        await demper.push(url, "POST_PURCHASE", order, NURBEK)
    assert hook.paths == ["/event_handler"]
    assert hook.bodies[0] == {
        "waha_stage_id": "POST_PURCHASE",
        "customer": {"phone": "7051234567", "name": "НУРБЕК О"},
        "order": {
            "sku": "102529963_318274",
            "product_name": "Куртка CL 101",
            "quantity": 1,
            "total_amount": 15990.0,
            "order_id": "912000001",
        },
    }


def test_a_kaspi_webhook_is_signed_by_the_standard() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = demper.order_webhook("default", {"code": "912000001", "status": "COMPLETED"})
    headers = demper.sign_kaspi_webhook(secret, body)
    assert StandardWebhook(secret).verify(body, headers)["type"] == "order.status"


# -- the model

FACTS: dict[str, Any] = {
    "purpose": "post_purchase",
    "language": "ru",
    "shop": "Тёплый дом",
    "customer_name": "Айгерим",
    "orders": [
        {
            "code": "912000001",
            "items": [{"name": "Куртка CL 101", "quantity": 1, "price": 12990.0}],
            "total": 12990.0,
            "stage": "handed_over",
        }
    ],
    "messages_to_answer": [],
    "history": [{"author": "customer", "text": "Здравствуйте"}],
}
SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "maxLength": 300},
        "needs_person": {"type": "boolean"},
        "language": {"type": "string", "enum": ["ru", "kk"]},
        "mood": {"type": "string", "enum": ["calm", "angry"]},
        "score": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "product": {"anyOf": [{"$ref": "#/$defs/Product"}, {"type": "null"}]},
        "shown": {"$ref": "#/$defs/Product"},
    },
    "$defs": {"Product": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    "additionalProperties": False,
}


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[EmulatedModel, "Ask"]]:
    model = EmulatedModel("key")
    async with client_of(model.app, {"Authorization": "Bearer key"}) as http:
        yield model, Ask(http)


@dataclass
class Ask:
    http: httpx.AsyncClient

    async def __call__(self, **facts: Any) -> httpx.Response:
        block = f"<facts>\n{json.dumps(FACTS | facts, ensure_ascii=False)}\n</facts>"
        wanted = {"name": "answer", "strict": True, "schema": SCHEMA}
        body = {
            "model": "small",
            "messages": [{"role": "system", "content": f"Ты помощник.\n{block}"}],
            "response_format": {"type": "json_schema", "json_schema": wanted},
        }
        return await self.http.post("/v1/chat/completions", json=body, timeout=1)

    async def said(self, **facts: Any) -> dict[str, Any]:
        answer = (await self(**facts)).json()
        content: dict[str, Any] = json.loads(answer["choices"][0]["message"]["content"])
        return content


@pytest.mark.parametrize("language", ["ru", "kk"])
@pytest.mark.parametrize("purpose", ["post_purchase", "order_delivered", "review_request"])
async def test_the_model_greets_by_name_and_names_the_product(purpose: str, language: str) -> None:
    async with talking() as (_, ask):
        said = await ask.said(purpose=purpose, language=language)
        assert "Айгерим" in said["text"]
        assert "Куртка CL 101" in said["text"]
        assert len(said["text"]) <= 300
        assert said["language"] == language
        nameless = await ask.said(purpose=purpose, language=language, customer_name=None)
        assert "None" not in nameless["text"]


async def test_the_model_fills_any_schema() -> None:
    async with talking() as (_, ask):
        said = await ask.said()
        assert said | {"text": ""} == {
            "text": "",
            "needs_person": False,
            "language": "ru",
            "mood": "calm",
            "score": 0,
            "tags": [],
            "product": None,
            "shown": {"sku": ""},
        }


@pytest.mark.parametrize(
    ("asked", "words", "person"),
    [
        ("Сколько стоит куртка?", "12 990", False),
        ("Бағасы қанша?", "12 990", False),
        ("Где мой заказ?", "курьера", False),
        ("Позовите оператора", "продавцу", True),
        ("Пришла с браком", "жаль", True),
        ("Спасибо большое!", "спасибо вам", False),
        ("Привет", "Здравствуйте", False),
        ("А из чего подкладка?", "уточню у продавца", True),
    ],
)
async def test_the_model_answers_what_buyers_ask(asked: str, words: str, *, person: bool) -> None:
    async with talking() as (_, ask):
        said = await ask.said(purpose="reply", messages_to_answer=[asked])
        assert words in said["text"]
        assert said["needs_person"] is person


async def test_the_model_says_what_a_test_scripts() -> None:
    async with talking() as (model, ask):
        model.script.extend(["Привет!", Raw("{oops"), Refusal("Не могу"), Empty()])
        assert (await ask.said())["text"] == "Привет!"
        messages = [(await ask()).json()["choices"][0]["message"] for _ in range(3)]
        assert messages[0]["content"] == "{oops"
        assert (messages[1]["content"], messages[1]["refusal"]) == (None, "Не могу")
        assert messages[2]["content"] == ""
        assert len(model.requests) == 4


async def test_the_model_fails_as_told_and_then_works_again() -> None:
    async with talking() as (model, ask):
        model.script.extend([Status(429, headers={"Retry-After": "3"}), Cut(), Slow(60)])
        limited = await ask()
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "3")
        assert limited.json()["error"]["code"] == "rate_limit_exceeded"
        with pytest.raises(httpx.RemoteProtocolError):
            await ask()
        with pytest.raises(httpx.ReadTimeout):
            await ask.http.post("/v1/chat/completions", json={"messages": []}, timeout=READ_SOON)
        model.down = True
        with pytest.raises(httpx.TransportError):
            await ask()
        model.down = False
        usage = (await ask()).json()["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


async def test_the_model_wants_its_key() -> None:
    async with talking() as (_, ask):
        wrong = {"Authorization": "Bearer other"}
        answer = await ask.http.get("/v1/models", headers=wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert (await ask.http.get("/v1/models")).status_code == 200


VOICE = ("voice.ogg", "say:Қайда?".encode(), "audio/ogg")


async def test_the_model_hears_what_a_sound_says_or_a_test_scripts() -> None:
    async with talking() as (model, ask):
        asked = {"model": "whisper-1", "language": "kk"}
        url = "/v1/audio/transcriptions"
        said = await ask.http.post(url, files={"file": VOICE}, data=asked)
        assert said.json() == {"text": "Қайда?", "usage": {"type": "duration", "seconds": 3.0}}
        model.transcripts.append("Сәлем")
        asked["response_format"] = "verbose_json"
        scripted = (await ask.http.post(url, files={"file": VOICE}, data=asked)).json()
        assert (scripted["text"], scripted["duration"]) == ("Сәлем", 3.0)
        noise = ("voice.ogg", b"OggS", "audio/ogg")
        assert (await ask.http.post(url, files={"file": noise}, data=asked)).json()["text"] == ""
        heard = (await model.wait_for_sounds(3))[1]
        assert (heard.filename, heard.sound, heard.mimetype) == VOICE
        assert heard.asked == asked


async def test_the_model_hears_only_a_form_with_a_file_and_a_model_and_with_its_key() -> None:
    async with talking() as (model, ask):
        url, asked = "/v1/audio/transcriptions", {"model": "whisper-1"}
        assert (await ask.http.post(url, data=asked)).status_code == 400
        assert (await ask.http.post(url, files={"file": VOICE})).status_code == 400
        assert (await ask.http.post(url, json=asked)).status_code == 400
        wrong = {"Authorization": "Bearer other"}
        answer = await ask.http.post(url, files={"file": VOICE}, data=asked, headers=wrong)
        assert answer.status_code == 401
        model.transcripts.append(Status(503))
        failed = await ask.http.post(url, files={"file": VOICE}, data=asked)
        assert failed.status_code == 503
        assert len(model.heard) == 1
