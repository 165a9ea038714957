"""The demo's shop and page over real HTTP; the product is a receiver that keeps what it is told."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, Response
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from app.config import Settings
from app.demo import page
from app.demo.server import serving
from app.demo.shop import DemoShop, NotTakenError
from app.demo.webhooks import signature
from app.world import World

ADMIN_KEY = "the-admin-key"
PAUSE = [
    {"at": "2030-01-01T09:00:00Z", "kind": "order", "reason": "paid", "order_code": "913000001"},
    {
        "at": "2030-01-01T09:00:01Z",
        "kind": "written",
        "purpose": "post_purchase",
        "written": {"prompt": "post_purchase/v1", "canned": True, "why_canned": "breaker_open"},
    },
    {"at": "2030-01-01T09:00:02Z", "kind": "sent", "purpose": "post_purchase", "until": None},
    {
        "at": "2030-01-01T09:05:00Z",
        "kind": "blocked",
        "purpose": "order_delivered",
        "reason": "cooldown",
        "until": "2030-01-02T09:00:02Z",
    },
]


@dataclass
class Product:
    """What a product answers and has been told."""

    status: int = 200
    journal: Any = field(default_factory=list)
    journal_status: int = 200
    pushed: list[dict[str, Any]] = field(default_factory=list)
    hooked: list[dict[str, Any]] = field(default_factory=list)
    signatures: list[tuple[str, bytes]] = field(default_factory=list)

    def routes(self) -> list[HTTPRouteHandler]:
        post, get = HttpMethod.POST, HttpMethod.GET
        return [
            HTTPRouteHandler("/event_handler", http_method=post)(self.take_push),
            HTTPRouteHandler("/webhooks/waha", http_method=post)(self.take_hook),
            HTTPRouteHandler("/api/contacts/{phone:str}/journal", http_method=get)(self.tell),
        ]

    async def take_push(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        self.pushed.append(json.loads(await request.body()))
        return Response(b"{}", status_code=self.status)

    async def take_hook(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        body = await request.body()
        self.hooked.append(json.loads(body))
        self.signatures.append((request.headers["X-Webhook-Hmac"], body))
        return Response(b"", status_code=202)

    async def tell(self, request: Request[Any, Any, Any]) -> Response[Any]:
        if request.headers.get("Authorization") != f"Bearer {ADMIN_KEY}":
            return Response(b"", status_code=401)
        return Response(self.journal, status_code=self.journal_status)


@dataclass
class Demo:
    shop: DemoShop
    product: Product
    http: httpx.AsyncClient

    @property
    def phone(self) -> str:
        return next(iter(self.shop.buyers))

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/demo/{path}", json=body)

    async def state(self, **asked: str) -> dict[str, Any]:
        answer = await self.http.get("/demo/state", params=asked)
        assert answer.status_code == 200
        state: dict[str, Any] = answer.json()
        return state

    async def sends(self, phone: str, text: str) -> httpx.Response:
        """What the product does to say something."""
        env = self.shop.environment()
        body = {"session": "default", "chatId": f"{phone}@c.us", "text": text}
        url = f"{env['WAHA_API_ENDPOINT']}/api/sendText"
        return await self.http.post(url, json=body, headers={"X-Api-Key": env["WAHA_API_KEY"]})


@asynccontextmanager
async def running() -> AsyncIterator[Demo]:
    shop, product = DemoShop(World()), Product()
    async with shop.open(), serving(_app(product.routes())) as product_url:
        shop.serves(product_url)
        pages = page.routes(shop, api=product_url, admin_key=ADMIN_KEY)
        async with (
            serving(_app(pages)) as url,
            httpx.AsyncClient(base_url=url, timeout=5, trust_env=False) as http,
        ):
            yield Demo(shop, product, http)


def _app(routes: list[HTTPRouteHandler]) -> Litestar:
    return Litestar(routes, openapi_config=None, logging_config=None)


# -- the shop


async def test_the_environment_of_the_demo_is_settings_the_product_takes() -> None:
    async with running() as demo:
        settings = Settings.load(demo.shop.environment(), dotenv=None)
        assert settings.ai_seller_quiet_hours is None
        assert settings.ai_seller_send_interval_seconds == (0.0, 0.0)
        assert settings.shop_name == demo.shop.name
        bearer = {"Authorization": f"Bearer {demo.shop.model.api_key}"}
        models = await demo.http.get(f"{settings.openai_base_url}/models", headers=bearer)
        assert models.status_code == 200


async def test_an_order_is_placed_at_kaspi_and_pushed_by_the_demper() -> None:
    async with running() as demo:
        answer = await demo.post("orders", phone=demo.phone, sku="101200301_1")
        code = answer.json()["code"]
        assert demo.shop.kaspi.orders[code].total == 19_990
        push = demo.product.pushed[0]
        assert push["waha_stage_id"] == "POST_PURCHASE"
        assert push["customer"]["phone"] == demo.phone.removeprefix("7")
        assert push["order"]["product_name"] == "Наушники Sonar Air"
        await demo.post("deliver", code=code)
        assert demo.product.pushed[1]["waha_stage_id"] == "ORDER_DELIVERED"
        assert demo.product.pushed[1]["order"]["order_id"] == code
        orders = (await demo.state(phone=demo.phone))["orders"]
        assert [(order["code"], order["stage"]) for order in orders] == [(code, "delivered")]


async def test_one_ready_order_is_on_its_way_and_can_be_delivered() -> None:
    async with running() as demo:
        last = list(demo.shop.buyers)[-1]
        ready = (await demo.state(phone=last))["orders"][0]
        assert ready["stage"] == "on_its_way"
        assert (await demo.post("deliver", code=ready["code"])).status_code == 200


def test_another_run_has_other_phones_for_the_product_remembers_people() -> None:
    first, second = DemoShop(World()), DemoShop(World())
    assert set(first.buyers).isdisjoint(second.buyers)
    names = [[buyer.name for buyer in shop.buyers.values()] for shop in (first, second)]
    assert names[0] == names[1]


async def test_a_buyer_writes_and_the_product_hears_it_signed() -> None:
    async with running() as demo:
        await demo.post("messages", phone=demo.phone, text=" Где мой заказ? ")
        await demo.shop.waha.delivered()
        told = demo.product.hooked[0]
        assert (told["event"], told["payload"]["body"]) == ("message.any", "Где мой заказ?")
        given, body = demo.product.signatures[0]
        assert given == signature(demo.shop.environment()["WAHA_WEBHOOK_HMAC_KEY"], body)


async def test_the_owner_answers_from_the_phone() -> None:
    async with running() as demo:
        await demo.post("owner", phone=demo.phone, text="Здравствуйте, это продавец")
        await demo.shop.waha.delivered()
        assert demo.product.hooked[0]["payload"]["fromMe"] is True
        lines = (await demo.state())["chat"]["lines"]
        assert [(line["author"], line["text"]) for line in lines] == [
            ("owner", "Здравствуйте, это продавец")
        ]


async def test_while_waha_is_down_messages_wait_and_come_when_it_is_back() -> None:
    async with running() as demo:
        await demo.post("switches", waha_down=True)
        with pytest.raises(httpx.ConnectError):
            await demo.sends(demo.phone, "Здравствуйте!")
        await demo.post("messages", phone=demo.phone, text="Вы тут?")
        assert (await demo.state())["chat"]["lines"][0]["waits"] is True
        assert demo.product.hooked == []
        await demo.post("switches", waha_down=False)
        await demo.shop.waha.delivered()
        assert [told["payload"]["body"] for told in demo.product.hooked] == ["Вы тут?"]
        assert (await demo.state())["chat"]["lines"][0]["waits"] is False
        assert (await demo.sends(demo.phone, "Здравствуйте!")).status_code == 201


async def test_switches_are_shown_and_leave_each_other_alone() -> None:
    async with running() as demo:
        await demo.post("switches", model_down=True)
        await demo.post("switches", waha_down=True)
        assert (await demo.state())["switches"] == {"model_down": True, "waha_down": True}
        await demo.post("switches", model_down=False)
        assert (await demo.state())["switches"] == {"model_down": False, "waha_down": True}


async def test_nobody_serves_before_the_product_is_there() -> None:
    shop = DemoShop(World())
    async with shop.open():
        with pytest.raises(NotTakenError):
            await shop.order(next(iter(shop.buyers)), shop.goods[0])


# -- what the page shows


async def test_a_chat_shows_both_sides_typing_and_what_was_not_read() -> None:
    async with running() as demo:
        phone = demo.phone
        demo.shop.phone(phone).typing = True
        assert (await demo.state(phone=phone))["chat"]["typing"] is True
        assert (await demo.sends(phone, "Здравствуйте, Айгерим!")).status_code == 201
        state = await demo.state(phone=phone)
        assert [(line["author"], line["text"]) for line in state["chat"]["lines"]] == [
            ("bot", "Здравствуйте, Айгерим!")
        ]
        assert state["buyers"][0]["unread"] == 1
        await demo.post("reads", phone=phone)
        assert (await demo.state())["buyers"][0]["unread"] == 0
        await demo.shop.waha.delivered()
        acks = [t["payload"]["ack"] for t in demo.product.hooked if t["event"] == "message.ack"]
        assert 3 in acks


async def test_steps_follow_the_newcomer() -> None:
    async with running() as demo:
        phone = demo.phone

        async def done() -> list[str]:
            steps = (await demo.state(phone=phone))["steps"]
            return [name for name, is_done in steps.items() if is_done]

        assert await done() == []
        await demo.post("orders", phone=phone, sku="101200501_1")
        await demo.sends(phone, "Спасибо за заказ")
        await demo.post("messages", phone=phone, text="Сколько стоит?")
        assert await done() == ["order", "message"]
        await demo.sends(phone, "9 450 ₸")
        demo.product.journal = [{"at": "2030-01-01T09:00:00Z", "kind": "opted_out"}]
        assert await done() == ["order", "message", "answer", "stop"]


async def test_the_journal_is_told_in_plain_words_newest_first() -> None:
    async with running() as demo:
        demo.product.journal = PAUSE
        state = await demo.state()
        said = [f"{w['about']} — {w['status']}: {w['reason']}" for w in state["why"]]
        pause = "пауза 24 часа между сообщениями, до 02.01, 14:00"
        assert said == [
            f"Вопрос о доставленном заказе — не отправлено: {pause}",
            "Благодарность за заказ — отправлено: None",
            "Благодарность за заказ — текст готов: готовый текст: модель недоступна",
            "Заказ 913000001 — оплачен: None",
        ]
        assert [why["tone"] for why in state["why"]] == ["wait", "ok", "info", "info"]
        assert state["why"][0]["at"] == "14:05"
        assert (state["hint"]["kind"], state["hint"]["new_buyer"]) == ("cooldown", True)
        assert "24 часа" in state["hint"]["text"]


async def test_the_journal_is_told_in_kazakh_too() -> None:
    async with running() as demo:
        demo.product.journal = PAUSE
        why = (await demo.state(lang="kk"))["why"]
        assert why[1]["status"] == "жіберілді"


async def test_a_stop_is_explained_until_the_buyer_comes_back() -> None:
    async with running() as demo:
        stop = {"at": "2030-01-01T09:00:00Z", "kind": "opted_out"}
        demo.product.journal = [*PAUSE, stop | {"at": "2030-01-01T10:00:00Z"}]
        assert (await demo.state())["hint"]["kind"] == "opted_out"
        start = {"at": "2030-01-01T10:05:00Z", "kind": "opted_in"}
        sent = {"at": "2030-01-03T10:00:00Z", "kind": "sent", "purpose": "order_delivered"}
        demo.product.journal = [*demo.product.journal, start, sent]
        assert (await demo.state())["hint"] is None


async def test_a_journal_that_cannot_be_read_does_not_break_the_page() -> None:
    async with running() as demo:
        demo.product.journal_status = 503
        assert (await demo.state())["why"] is None
        demo.product.journal_status = 404
        assert (await demo.state())["why"] == []
        demo.product.journal_status, demo.product.journal = 200, {"not": "a list"}
        assert (await demo.state())["why"] is None
        demo.product.journal = [{"kind": "sent"}, *PAUSE]
        assert len((await demo.state())["why"]) == 4


async def test_events_bring_the_whole_state_on_each_change() -> None:
    async with running() as demo:
        asked = {"phone": demo.phone}
        async with demo.http.stream("GET", "/demo/events", params=asked) as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            states = _states(stream)
            assert (await anext(states))["chat"]["lines"] == []
            await demo.sends(demo.phone, "Здравствуйте!")
            async with asyncio.timeout(5):
                async for state in states:
                    if state["chat"]["lines"]:
                        break
            demo.shop.hang_up()
            async with asyncio.timeout(5):
                assert [state async for state in states] == []


async def test_events_end_when_the_product_no_longer_answers_for_it_may_be_stopping() -> None:
    async with running() as demo:
        demo.product.journal_status = 503
        async with asyncio.timeout(5), demo.http.stream("GET", "/demo/events") as stream:
            assert [state["why"] async for state in _states(stream)] == [None]


async def _states(stream: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in stream.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


# -- what it refuses


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("orders", {"phone": "77010000000", "sku": "101200501_1"}, 404),
        ("messages", {"phone": "77010000000", "text": "Привет"}, 404),
        ("owner", {"phone": "77010000000", "text": "Привет"}, 404),
        ("deliver", {"code": "1"}, 404),
        ("messages", {"phone": "77010000000", "text": "   "}, 400),
        ("messages", {"phone": "77010000000", "text": "я" * 1001}, 400),
        ("switches", {"wahadown": True}, 400),
        ("orders", {}, 400),
    ],
)
async def test_what_cannot_be_done_is_said(path: str, body: dict[str, Any], status: int) -> None:
    async with running() as demo:
        answer = await demo.post(path, **body)
        assert answer.status_code == status
        assert answer.json()["error"]
        broken = await demo.http.post(
            f"/demo/{path}", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert broken.status_code == 400


async def test_an_order_the_product_did_not_take_is_said() -> None:
    async with running() as demo:
        demo.product.status = 503
        answer = await demo.post("orders", phone=demo.phone, sku="101200501_1")
        assert answer.status_code == 502
        assert "HTTP 503" in answer.json()["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Host": "evil.example:8080"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "localhost:8080"}, 200),
        ({"Host": "[::1]:8080", "Origin": "http://[::1]:8080"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_only_its_own_page_may_post(headers: dict[str, str], status: int) -> None:
    async with running() as demo:
        before = len(demo.shop.buyers)
        sent = {"Content-Type": "application/json"} | headers
        answer = await demo.http.post("/demo/buyers", content=b"{}", headers=sent)
        assert answer.status_code == status
        assert len(demo.shop.buyers) == before + (status == 200)


async def test_a_page_of_another_name_is_not_served() -> None:
    async with running() as demo:
        for path in ("/demo", "/demo/state", "/demo/events", "/demo/static/page.js"):
            answer = await demo.http.get(path, headers={"Host": "evil.example"})
            assert answer.status_code == 403


# -- its files


async def test_the_page_needs_nothing_but_its_own_files() -> None:
    async with running() as demo:
        shown = await demo.http.get("/demo")
        assert shown.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = shown.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert not re.search(r"<style|\son\w+=|\sstyle=|<script(?! src)", shown.text)
        linked = re.findall(r'(?:src|href)="([^"]+)"', shown.text)
        assert len(linked) == 3
        for path in linked:
            assert path.startswith("/demo/static/")
            file = await demo.http.get(path)
            assert file.status_code == 200
            assert file.headers["X-Content-Type-Options"] == "nosniff"
        assert (await demo.http.get("/demo/static/page.py")).status_code == 404


def test_texts_are_put_in_as_text_and_every_word_exists_in_both_languages() -> None:
    here = Path(page.__file__).parent
    script, html = (here / "page.js").read_text(), (here / "page.html").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)
    russian, kazakh = script.split("  kk: {")[0], script.split("  kk: {")[1].split("\n};")[0]
    words = {name: set(re.findall(r"(\w+): [\"\[{]", text)) for name, text in
             (("ru", russian), ("kk", kazakh))}  # fmt: skip
    assert words["ru"] - {"ru", "stages"} == words["kk"] - {"stages"}
    used = set(re.findall(r'data-t(?:-label|-placeholder)?="(\w+)"', html))
    assert used <= words["ru"]
