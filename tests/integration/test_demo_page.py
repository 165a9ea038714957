"""The demo's shop and page over real HTTP; the product is a receiver that keeps what it is told."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
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
from app.demo.shop import DemoShop, NotTakenError, Ruled
from app.demo.webhooks import signature
from app.gateways.waha import EVENTS
from app.world import MovableWorld, World

MORNING = datetime(2030, 1, 1, 5, 0, tzinfo=UTC)
"""Ten o'clock in the shop."""


class Standing(MovableWorld):
    """A clock that goes only when it is moved."""

    def now(self) -> datetime:
        return MORNING + self.ahead


@dataclass
class Product:
    """What a product answers and has been told."""

    status: int = 200
    pushed: list[dict[str, Any]] = field(default_factory=list)
    hooked: list[dict[str, Any]] = field(default_factory=list)
    signatures: list[tuple[str, bytes]] = field(default_factory=list)

    def routes(self) -> list[HTTPRouteHandler]:
        post = HttpMethod.POST
        return [
            HTTPRouteHandler("/event_handler", http_method=post)(self.take_push),
            HTTPRouteHandler("/webhooks/waha", http_method=post)(self.take_hook),
        ]

    async def take_push(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        self.pushed.append(json.loads(await request.body()))
        return Response(b"{}", status_code=self.status)

    async def take_hook(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        body = await request.body()
        self.hooked.append(json.loads(body))
        self.signatures.append((request.headers["X-Webhook-Hmac"], body))
        return Response(b"", status_code=202)


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

    async def ordered(self, phone: str | None = None) -> str:
        """The code of an order placed now."""
        answer = await self.post("orders", phone=phone or self.phone, sku="101200501_1")
        code: str = answer.json()["code"]
        return code

    async def hint(self, phone: str | None = None) -> str | None:
        """What kind of hint is shown."""
        shown = (await self.state(phone=phone or self.phone))["hint"]
        return None if shown is None else str(shown["kind"])


async def pass_for(lang: str) -> page.Pass:
    return page.Pass(key="desk", value=lang, path="/desk", httponly=True)


@asynccontextmanager
async def running(rules: Ruled | None = None) -> AsyncIterator[Demo]:
    world, product = Standing(), Product()
    shop = DemoShop(world)

    async def move(by: timedelta) -> None:
        world.move(by)

    async with shop.open(), serving(_app(product.routes())) as product_url:
        shop.serves(product_url, move_clock=move, rules=rules)
        pages = page.routes(shop, welcome=pass_for)
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
        assert settings.ai_seller_quiet_hours == (time(21), time(9))
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


async def test_the_shops_session_tells_where_it_posts_so_that_the_desk_finds_nothing_amiss() -> (
    None
):
    async with running() as demo:
        env = demo.shop.environment()
        told = await demo.http.get(
            f"{env['WAHA_API_ENDPOINT']}/api/sessions/{env['WAHA_SESSION_ID']}",
            headers={"X-Api-Key": env["WAHA_API_KEY"]},
        )
        (hook,) = told.json()["config"]["webhooks"]
        assert hook["url"] == f"{demo.shop.ai_seller_url}/webhooks/waha"
        assert set(hook["events"]) == set(EVENTS)


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
        assert (await demo.state())["chat"]["lines"][0]["tick"] == "sent"
        assert demo.product.hooked == []
        await demo.post("switches", waha_down=False)
        await demo.shop.waha.delivered()
        assert [told["payload"]["body"] for told in demo.product.hooked] == ["Вы тут?"]
        assert (await demo.state())["chat"]["lines"][0]["tick"] == "delivered"
        assert (await demo.sends(demo.phone, "Здравствуйте!")).status_code == 201


async def test_switches_are_shown_and_leave_each_other_alone() -> None:
    async with running() as demo:
        await demo.post("switches", model_down=True)
        await demo.post("switches", waha_down=True)
        assert await _switched(demo) == {"model_down", "waha_down"}
        await demo.post("switches", model_down=False, kaspi_down=True)
        assert await _switched(demo) == {"waha_down", "kaspi_down"}
        assert demo.shop.kaspi.down


async def _switched(demo: Demo) -> set[str]:
    return {name for name, is_on in (await demo.state())["switches"].items() if is_on}


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
        await demo.post("switches", waha_down=True)
        assert (await demo.state(phone=phone))["chat"]["typing"] is False
        await demo.post("switches", waha_down=False)
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
        await demo.ordered(phone)
        await demo.sends(phone, "Спасибо за заказ")
        await demo.post("messages", phone=phone, text="Сколько стоит?")
        assert await done() == ["order", "message"]
        await demo.sends(phone, "9 450 ₸")
        await demo.post("clock", hours=1)
        assert await done() == ["order", "message", "answer", "clock"]
        await demo.post("messages", phone=phone, text="Больше мне не пишите, пожалуйста")
        assert await done() == ["order", "message", "answer", "clock", "stop"]


async def test_the_clock_counts_as_moved_for_whoever_was_written_to_before() -> None:
    async with running() as demo:
        await demo.post("clock", hours=1)
        await demo.ordered()
        await demo.sends(demo.phone, "Спасибо за заказ")
        assert (await demo.state())["steps"]["clock"] is False
        await demo.post("clock", hours=1)
        assert (await demo.state())["steps"]["clock"] is True


async def test_whoever_was_spoken_with_last_is_the_first_in_the_list() -> None:
    async with running() as demo:
        first, second, third = demo.shop.buyers
        await demo.post("messages", phone=second, text="Здравствуйте")
        await demo.post("clock", hours=1)
        await demo.sends(third, "Ваш заказ доставлен")
        state = await demo.state()
        assert [buyer["phone"] for buyer in state["buyers"]] == [third, second, first]
        assert state["selected"] == first


async def test_only_of_an_order_the_buyer_cancelled_the_bot_says_nothing() -> None:
    async with running() as demo:
        for by in ("shop", "buyer"):
            await demo.post("cancel", code=await demo.ordered(), by=by)
        orders = (await demo.state())["orders"]
        assert [order["by_buyer"] for order in orders] == [True, False]


async def test_a_message_of_the_buyer_is_ticked_once_more_when_the_shop_has_read_it() -> None:
    async with running() as demo:
        phone = demo.phone
        for text in ("Здравствуйте", "Когда приедет?", "Вы тут?"):
            await demo.post("messages", phone=phone, text=text)
        first, second, _ = demo.shop.waha.lines
        env = demo.shop.environment()
        seen = {"session": "default", "chatId": f"{phone}@c.us", "messageIds": [first.full_id]}

        async def ticks(asked: dict[str, Any]) -> list[str]:
            url = f"{env['WAHA_API_ENDPOINT']}/api/sendSeen"
            await demo.http.post(url, json=asked, headers={"X-Api-Key": env["WAHA_API_KEY"]})
            return [line["tick"] for line in (await demo.state())["chat"]["lines"]]

        assert await ticks(seen) == ["read", "delivered", "delivered"]
        assert await ticks(seen | {"messageIds": [second.full_id]}) == ["read", "read", "delivered"]
        everything = {"session": "default", "chatId": f"{phone}@c.us"}
        assert await ticks(everything) == ["read", "read", "read"]


async def test_an_order_is_shipped_delivered_or_cancelled_by_a_click() -> None:
    async with running() as demo:
        shipped, dropped, regretted = [await demo.ordered() for _ in range(3)]

        async def shown() -> dict[str, tuple[str, tuple[str, ...]]]:
            orders = (await demo.state())["orders"]
            return {o["code"]: (o["stage"], tuple(o["can"])) for o in orders}

        assert set((await shown()).values()) == {("paid", ("ship", "deliver", "cancel"))}
        await demo.post("ship", code=shipped)
        await demo.post("cancel", code=dropped, by="shop")
        await demo.post("cancel", code=regretted, by="buyer")
        assert await shown() == {
            shipped: ("on_its_way", ("deliver", "cancel")),
            dropped: ("cancelled", ()),
            regretted: ("cancelled", ()),
        }
        reasons = [demo.shop.kaspi.orders[c].cancellation_reason for c in (dropped, regretted)]
        assert reasons == ["MERCHANT_OUT_OF_STOCK", "BUYER_CANCELLATION_BY_MERCHANT"]
        assert (await demo.post("ship", code=dropped)).status_code == 409
        assert (await demo.post("deliver", code=shipped)).status_code == 200
        assert (await demo.post("cancel", code=shipped)).status_code == 409


async def test_the_list_of_chats_tells_the_last_line_and_who_writes() -> None:
    async with running() as demo:
        phone = demo.phone
        await demo.sends(phone, "Здравствуйте!")
        demo.shop.phone(phone).typing = True
        first, second, _ = (await demo.state())["buyers"]
        assert (first["last"]["text"], first["last"]["author"]) == ("Здравствуйте!", "bot")
        assert (first["typing"], first["unread"]) == (True, 1)
        assert (second["last"], second["typing"]) == (None, False)


# -- the clock


async def test_the_clock_goes_forward_for_the_shop_and_its_people() -> None:
    async with running() as demo:
        clock = (await demo.state())["clock"]
        assert (clock["time"], clock["date"]) == ("10:00", "вторник, 1 января")
        assert (clock["quiet"], clock["moved"], clock["minute"]) == (False, False, 600)
        await demo.post("messages", phone=demo.phone, text="Здравствуйте")
        assert (await demo.post("clock", hours=24)).status_code == 200
        await demo.post("messages", phone=demo.phone, text="А сегодня?")
        state = await demo.state(lang="kk")
        assert (state["clock"]["date"], state["clock"]["moved"]) == ("сәрсенбі, 2 қаңтар", True)
        assert [line["day"] for line in state["chat"]["lines"]] == ["Кеше", "Бүгін"]
        await demo.post("clock", hours=11)
        clock = (await demo.state())["clock"]
        assert (clock["time"], clock["quiet"]) == ("21:00", True)
        assert (clock["quiet_from"], clock["quiet_until"]) == ("21:00", "09:00")


@pytest.mark.parametrize("hours", [0, -1, 49, 1.5, "24"])
async def test_the_clock_goes_neither_back_nor_further_than_kaspi_may_be_away(hours: Any) -> None:
    async with running() as demo:
        assert (await demo.post("clock", hours=hours)).status_code == 400
        assert (await demo.state())["clock"]["moved"] is False


async def test_a_clock_nobody_can_move_says_so() -> None:
    async with running() as demo:
        assert demo.shop.ai_seller_url is not None
        demo.shop.serves(demo.shop.ai_seller_url)
        assert (await demo.post("clock", hours=1)).status_code == 502


# -- its stream


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
        ("ship", {"code": "1"}, 404),
        ("cancel", {"code": "1"}, 404),
        ("cancel", {"code": "1", "by": "nobody"}, 400),
        ("messages", {"phone": "77010000000", "text": "   "}, 400),
        ("messages", {"phone": "77010000000", "text": "я" * 4097}, 400),
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


# -- the desk beside it


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.example"}, False),
    ],
)
async def test_its_visitor_is_let_into_the_desk_unless_led_here_by_another_site(
    headers: dict[str, str], is_let_in: bool
) -> None:
    async with running() as demo:
        answer = await demo.http.get("/demo", headers=headers)
        assert answer.status_code == 200
        assert ("set-cookie" in answer.headers) == is_let_in
        answer = await demo.http.post("/demo/desk?lang=kk", json={}, headers=headers)
        assert (answer.status_code == 200) == is_let_in
        assert answer.headers.get("set-cookie", "").startswith("desk=kk; HttpOnly") == is_let_in


async def test_nothing_else_lets_anybody_into_the_desk() -> None:
    async with running() as demo:
        for path in ("/demo/state", "/demo/static/page.js", "/demo/static/none.js"):
            assert "set-cookie" not in (await demo.http.get(path)).headers
        assert "set-cookie" not in (await demo.post("buyers")).headers
        stranger = await demo.http.get("/demo", headers={"Host": "evil.example"})
        assert (stranger.status_code, "set-cookie" in stranger.headers) == (403, False)


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
        assert linked.pop() == "/desk"
        assert len(linked) == 3
        assert "frame-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        imported = [name for script in SCRIPTS for name in _imports(script)]
        for path in [*linked, *imported]:
            assert path.startswith("/demo/static/")
            file = await demo.http.get(path)
            assert file.status_code == 200
            assert file.headers["X-Content-Type-Options"] == "nosniff"
        assert (await demo.http.get("/demo/static/page.py")).status_code == 404


HERE = Path(page.__file__).parent
SCRIPTS = sorted(HERE.glob("page*.js"))


def _imports(script: Path) -> set[str]:
    found = re.findall(r'from "\./(\w+\.js)"', script.read_text("utf-8"))
    return {f"/demo/static/{name}" for name in found}


def test_texts_are_put_in_as_text() -> None:
    as_markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|srcdoc"
    assert len(SCRIPTS) == 5
    assert [p.name for p in SCRIPTS if re.search(as_markup, p.read_text("utf-8"))] == []


def test_every_word_of_the_page_exists_in_both_languages() -> None:
    text = (HERE / "page_words.js").read_text("utf-8")
    russian, kazakh = text.split("\n  kk: {")
    said = [re.findall(r"\b(\w+): [\"\[{]", each) for each in (russian, kazakh)]
    assert said[0][1:] == said[1]
    html = (HERE / "page.html").read_text("utf-8")
    used = set(re.findall(r'data-t(?:-\w+)?="(\w+)"', html))
    for script in SCRIPTS:
        used |= set(re.findall(r'say\("(\w+)"\)', script.read_text("utf-8")))
    assert used - set(said[0]) == set()
    shown = dict(re.findall(r'\b(\w+): "([^"]+)"', russian))
    told = re.findall(r'data-t="(\w+)"[^>]*>([^<]*)<', html)
    assert [(name, text) for name, text in told if shown.get(name) != text] == []


def test_the_shops_quiet_hours_are_on_the_page_in_no_words_of_its_own() -> None:
    assert not re.search(r"21:00|09:00", (HERE / "page_words.js").read_text("utf-8"))
