"""Attacks on the desk: strangers, other sites' pages, forms nobody made, and cunning buyers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from app.demo.page import routes
from app.demo.server import serving
from app.demo.shop import DemoShop
from app.domain.adjust import Adjustments, change
from app.domain.bounds import OutOfBounds
from app.domain.experiments import with_arms
from app.domain.rules import Purpose, Rules, Shop
from app.store.logins import TRIES, Login
from app.web.desk.live import OF_ONE
from app.web.desk.login import MOST_OF_A_STRANGER
from app.web.desk.router import MOST
from app.web.server import build
from app.wiring.parts import front_of
from app.world import World
from tests.builders import PHONE
from tests.desk import Desk, desk_of, seen
from tests.e2e.stage import ADMIN, Stage

SAFE = {"GET", "HEAD"}
OPEN = {
    ("GET", "/"), ("HEAD", "/"), ("GET", "/health/live"), ("HEAD", "/health/live"),
    ("GET", "/health/ready"), ("HEAD", "/health/ready"), ("GET", "/metrics"),
    ("POST", "/webhooks/waha"), ("POST", "/webhooks/kaspi"), ("POST", "/event_handler"),
    ("GET", "/desk/login"), ("POST", "/desk/login"), ("GET", "/desk/static/{name:str}"),
}  # fmt: skip
"""What is open to strangers, or has a guard of its own: signed, or for trusted networks."""


def _doors(app: Litestar) -> Iterator[tuple[str, str]]:
    """The method and the path of every door there is, whoever made it."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    if method != "OPTIONS":
                        yield str(method), route.path


def _filled(path: str) -> str:
    """A path with something in each of its places."""
    return re.sub(r"\{\w+:\w+\}", "0" * 20, path)


@pytest.fixture
async def desk(stage: Stage) -> AsyncIterator[Desk]:
    async with desk_of(stage.url, key=ADMIN) as desk:
        yield desk


@pytest.fixture
async def stranger(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stage.url, verify=False) as http:
        yield http


# --- every door there is ----------------------------------------------------------------------


async def test_every_door_but_the_few_open_ones_asks_who_is_there(
    stage: Stage, stranger: httpx.AsyncClient
) -> None:
    """A new page or a new door of the API is proven here without anybody thinking of it."""
    doors = list(_doors(build(front_of(stage.assembly, admin_key=ADMIN))))
    assert len(doors) > 70
    assert set(doors) >= OPEN
    forged = {"Cookie": "ai_seller_desk=abc.def", "Authorization": "Bearer nobody"}
    for method, path in doors:
        if (method, path) in OPEN or path.startswith("/schema"):
            continue
        for headers in ({}, forged):
            answer = await stranger.request(method, _filled(path), headers=headers)
            assert answer.status_code == 401, (method, path, answer.status_code)


async def test_no_door_of_the_desk_changes_anything_but_for_a_form_of_its_own(
    stage: Stage, desk: Desk
) -> None:
    """Every unsafe door of the desk, also those that are made after this test."""
    app = build(front_of(stage.assembly, admin_key=ADMIN))
    doors = [_filled(p) for m, p in _doors(app) if m not in SAFE and p.startswith("/desk")]
    doors.remove("/desk/login")
    assert len(doors) > 20
    async with desk_of(stage.url, key=ADMIN, who="Другой") as other:
        foreign = other.csrf
    ours = {"csrf": desk.csrf}
    for path in doors:
        tries = [
            desk.http.post(path),
            desk.http.post(path, data={"csrf": ""}),
            desk.http.post(path, data={"csrf": foreign}),
            desk.http.post(path, headers={"X-CSRF-Token": foreign}),
            desk.http.post(path, params=ours),
            desk.http.post(path, json=ours),
            desk.http.post(path, files={"csrf": (None, desk.csrf)}),
            desk.http.post(path, data=ours, headers={"Sec-Fetch-Site": "cross-site"}),
            desk.http.post(path, data=ours, headers={"Sec-Fetch-Site": "same-site"}),
            desk.http.post(path, data=ours, headers={"Origin": "https://evil.example"}),
            desk.http.post(path, data=ours, headers={"Origin": "null"}),
            desk.http.post(path, data=ours, headers={"Origin": "http://["}),
        ]
        for at, answer in enumerate([await each for each in tries]):
            assert answer.status_code == 403, (path, at, answer.status_code)
    assert (await desk.get("/desk/chats")).status_code == 200


async def test_no_door_of_the_demo_is_reached_through_another_sites_page() -> None:
    """Nobody logs in there: its doors tell by where a request comes from."""
    app = Litestar(routes(DemoShop(World())), openapi_config=None, logging_config=None)
    doors = list(_doors(app))
    assert len(doors) > 14
    json = {"Content-Type": "application/json"}
    async with serving(app) as url, httpx.AsyncClient(base_url=url, verify=False) as http:
        for method, path in doors:
            hosts = [{"Host": host} for host in ("evil.example", "127.0.0.1.evil.example", "[")]
            origins = [
                {"Origin": origin} for origin in ("http://[", "null", "https://evil.example")
            ]
            sites = [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site")]
            for headers in [*hosts, *([] if method in SAFE else [*origins, *sites])]:
                answer = await http.request(method, _filled(path), headers=json | headers)
                assert answer.status_code == 403, (method, path, headers)
            if method not in SAFE:
                assert (await http.request(method, path, content="{}")).status_code == 415
        deep = await http.post("/demo/reads", content=b'{"x":' + b"[" * 100_000, headers=json)
        assert deep.status_code == 400


async def test_every_answer_of_the_desk_has_headers_that_keep_it_safe(
    stage: Stage, desk: Desk, stranger: httpx.AsyncClient
) -> None:
    await stage.ordered()
    await stage.settle()
    ref = await _ref(desk)
    answers = [
        await stranger.get("/desk/login"),
        await stranger.get("/desk/chats"),
        await stranger.post("/desk/login", data={"key": "x"}),
        await stranger.post("/desk/login", data={"lang": "xx"}),
        await stranger.post("/desk/login", content=b"x" * (MOST + 1)),
        await desk.http.post("/desk/logout"),
        await stranger.get("/desk", headers={"Accept": "text/html"}),
        await stranger.put("/desk/login"),
        *[await stranger.get(path) for path in ("/nowhere", "/api/rules")],
        await desk.http.get("/desk", follow_redirects=False),
        await desk.http.get("/desk/logout", follow_redirects=False),
        *[
            await desk.get(path)
            for path in (
                "/desk/chats", f"/desk/chats/{ref}", f"/desk/chats/{ref}/export", "/desk/nothing",
                "/desk/charts/cost.svg", "/desk/charts/none.svg", "/desk/connection/0/qr.png",
                "/desk/problems?after=-1", "/desk/today", "/desk/texts", "/desk/texts/rules",
                "/desk/texts/log", "/desk/texts/reminder", "/desk/connection", "/desk/problems",
            )
        ],
    ]  # fmt: skip
    for answer in answers:
        about = (answer.url.path, answer.status_code)
        assert answer.headers["X-Content-Type-Options"] == "nosniff", about
        assert "no-store" in answer.headers["Cache-Control"], about
        assert answer.headers["X-Frame-Options"] == "DENY", about
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, about
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", about
        if answer.headers.get("content-type", "").startswith("text/html") and answer.text:
            assert "script-src 'self'" in policy, about
            assert "unsafe" not in policy, about


async def _ref(desk: Desk) -> str:
    found = re.search(r"/desk/chats/([0-9a-f]{20})", await desk.page("/desk/chats"))
    assert found
    return found[1]


# --- what no browser sends --------------------------------------------------------------------

PART = b'--b\r\nContent-Disposition: form-data; name="key"%s\r\n\r\n%s\r\n--b--\r\n'


@pytest.mark.parametrize(
    "body",
    [
        PART % (b"", b"\xff\xed\xa0\x80"),
        PART % (b"\r\nContent-Type: text/plain; charset=nonsense", b"x"),
        PART % (b'; filename="key"', b"x"),
        b"\xff",
    ],
)
async def test_a_form_in_parts_is_none_of_ours(
    desk: Desk, stranger: httpx.AsyncClient, body: bytes
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await stranger.post("/desk/login", content=body, headers=headers)
    assert answer.status_code == 400
    answer = await desk.http.post("/desk/language", content=body, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://["}, {"Origin": "http://[::1"}, {"Origin": "//[x]:y"}]
)
async def test_an_origin_that_is_none_is_another_site(
    stranger: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await stranger.post("/desk/login", data={"key": ADMIN}, headers=headers)
    assert answer.status_code == 403
    answer = await stranger.post("/event_handler", json={}, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("host", ["[", "[::1", "a]b"])
async def test_a_host_that_is_none_is_no_name_of_this_machine(
    stranger: httpx.AsyncClient, host: str
) -> None:
    answer = await stranger.post("/event_handler", json={}, headers={"Host": host})
    assert answer.status_code == 401


async def test_a_file_with_an_endless_name_is_not_there(stranger: httpx.AsyncClient) -> None:
    for name in ("a" * 300, "a" * 5000, "%00", ".", "a%0d%0aX-Evil:%201"):
        assert (await stranger.get(f"/desk/static/{name}")).status_code == 404


async def test_nobody_keeps_the_process_busy_with_a_form_of_a_megabyte(
    desk: Desk, stranger: httpx.AsyncClient
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    giant = b"a=&" * (MOST // 3 + 1)

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"a=&" * (MOST_OF_A_STRANGER // 3)

    assert (await stranger.post("/desk/login", content=giant, headers=form)).status_code == 413
    answer = await stranger.post("/desk/login", content=in_pieces(), headers=form)
    assert answer.status_code == 413
    assert (await desk.http.post("/desk/logout", content=giant, headers=form)).status_code == 413


async def test_the_longest_message_there_can_be_is_no_giant_form(stage: Stage, desk: Desk) -> None:
    await stage.ordered()
    await stage.settle()
    answer = await desk.post(f"/desk/chats/{await _ref(desk)}/messages", {"text": "😀" * 4000})
    assert "Отправляем" in seen(answer.text)


async def test_a_body_of_nothing_but_brackets_is_a_fault_of_its_sender(stage: Stage) -> None:
    body = b'{"who":"x","changes":{"a":' + b"[" * 100_000
    answer = await stage.api.patch(
        "/api/rules", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("to", ["/deskevil", "/desk@evil.example", "/desk:80", "/desk.evil"])
async def test_a_path_that_only_begins_like_the_desk_is_not_gone_to(
    stranger: httpx.AsyncClient, to: str
) -> None:
    answer = await stranger.post("/desk/login", data={"key": ADMIN, "next": to})
    assert answer.headers["location"] == "/desk/chats"


# --- guessing the key -------------------------------------------------------------------------


async def test_one_network_has_its_tries_however_many_addresses_and_at_once(
    stranger: httpx.AsyncClient,
) -> None:
    def guess(address: str, key: str = "wrong") -> asyncio.Task[httpx.Response]:
        headers = {"X-Forwarded-For": address}
        return asyncio.create_task(stranger.post("/desk/login", data={"key": key}, headers=headers))

    guesses = [guess(f"2001:db8:1:2::{at:x}") for at in range(1, 4 * TRIES)]
    statuses = [(await each).status_code for each in guesses]
    assert statuses.count(401) == TRIES
    assert set(statuses) == {401, 429}
    spoofed = await guess("10.9.8.7, 2001:db8:1:2::ffff", ADMIN)
    assert spoofed.status_code == 429
    assert "set-cookie" not in spoofed.headers
    assert (await guess("2001:db8:1:3::1", ADMIN)).status_code == 303


async def test_a_session_a_stranger_prepared_is_not_the_one_that_is_logged_in(
    stranger: httpx.AsyncClient,
) -> None:
    planted = "ai_seller_desk=planted-by-a-stranger.signature"
    answer = await stranger.post("/desk/login", data={"key": ADMIN}, headers={"Cookie": planted})
    assert answer.status_code == 303
    assert "planted" not in answer.headers["set-cookie"]


async def test_behind_https_the_cookie_never_travels_without(
    stage: Stage, stranger: httpx.AsyncClient
) -> None:
    """Also behind a proxy on another machine, whose headers are not believed."""
    host = httpx.URL(stage.url).netloc.decode()
    for headers in ({"X-Forwarded-Proto": "https"}, {"Origin": f"https://{host}"}):
        answer = await stranger.post("/desk/login", data={"key": ADMIN}, headers=headers)
        assert "Secure" in answer.headers["set-cookie"]
    plain = {"Origin": f"http://{host}"}
    answer = await stranger.post("/desk/login", data={"key": ADMIN}, headers=plain)
    assert "Secure" not in answer.headers["set-cookie"]


# --- who listens ------------------------------------------------------------------------------


async def test_one_login_leaves_seats_for_the_others(stage: Stage, desk: Desk) -> None:
    async with AsyncExitStack() as streams:
        other = await streams.enter_async_context(desk_of(stage.url, key=ADMIN, who="Другой"))
        heard: list[AsyncIterator[str]] = []
        for whose in [*[desk] * (OF_ONE + 1), other]:
            answer = await streams.enter_async_context(whose.http.stream("GET", "/desk/events"))
            heard.append(answer.aiter_lines())
        first = [await anext(lines) for lines in heard]
    assert first == [*["retry: 1000"] * OF_ONE, "retry: 20000", "retry: 1000"]


async def test_who_has_logged_out_hears_nothing_more(stage: Stage, desk: Desk) -> None:
    await stage.ordered()
    await stage.settle()
    async with desk.http.stream("GET", "/desk/events", params={"after": "0-0"}) as answer:
        lines = answer.aiter_lines()
        heard = [await anext(lines) for _ in range(5)]
        assert "event: changed" in heard or "event: missed" in heard
        await desk.post("/desk/logout")
        await stage.ordered(code="912000002")
        await stage.settle()
        assert [line async for line in lines if line.startswith("event:")] == []


async def test_a_login_that_is_over_is_not_brought_back_by_a_late_change(stage: Stage) -> None:
    logins = front_of(stage.assembly, admin_key=ADMIN).logins
    secret = await logins.open(Login(who="Асель"))
    await logins.close(secret)
    await logins.change(secret, Login(who="Асель"))
    assert await logins.find(secret) is None


# --- what buyers write ------------------------------------------------------------------------

EVIL = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}</title></textarea>"
TURNED = "Асель\u202e ✓✓ онатичорп\u2066"
HEAP = "о" + "\u0337\u0336\u0335" * 60


async def _every_page(desk: Desk) -> dict[str, str]:
    ref = await _ref(desk)
    paths = (
        "/desk/chats", "/desk/chats?q=Асель", f"/desk/chats/{ref}", f"/desk/chats/{ref}?edit=1",
        "/desk/today", "/desk/connection", "/desk/texts", "/desk/texts/reminder",
        "/desk/texts/rules", "/desk/texts/log", "/desk/problems",
    )  # fmt: skip
    return {path: await desk.page(path) for path in paths}


async def test_markup_of_a_buyer_a_shop_and_a_colleague_is_text_on_every_page(
    stage: Stage,
) -> None:
    await stage.ordered(name=EVIL, product_name=f"Куртка {EVIL}", code="912<b>1")
    await stage.settle()
    phone = stage.phone(name=EVIL)
    await phone.writes(EVIL)
    await phone.writes("Позовите человека! " + EVIL)
    await stage.settle()
    wanted = {
        "changes": {"texts": {"reminder": {"ru": "<script>alert(3)</script>"}}},
        "who": EVIL[:50],
    }
    assert (await stage.api.patch("/api/rules", json=wanted)).status_code == 200
    async with desk_of(stage.url, key=ADMIN, who="<b onx=1>") as desk:
        pages = await _every_page(desk)
        pages["q"] = await desk.page("/desk/chats", q=EVIL[:90], shelf=EVIL, after=EVIL, said=EVIL)
        answer = await desk.post("/desk/texts/rules", {"version": "1", "max_messages": EVIL})
        assert answer.status_code == 400
        pages["rules"] = answer.text
    for path, page in pages.items():
        assert "<img src=x" not in page, path
        assert "<script>alert" not in page, path
        assert "<b onx" not in page, path
        assert not re.search(r"<[^>]*\s(on\w+|style)=", re.sub(r'"[^"]*"', '""', page)), path


async def test_nothing_a_buyer_writes_turns_the_page_round_or_heaps_over_it(stage: Stage) -> None:
    await stage.ordered(name=TURNED, product_name=TURNED)
    await stage.settle()
    phone = stage.phone(name=TURNED)
    await phone.writes(f"Позовите человека! {TURNED} {HEAP}")
    await stage.settle()
    async with desk_of(stage.url, key=ADMIN, who="Асель\u202e\x1b[31m") as desk:
        for path, page in (await _every_page(desk)).items():
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", page), path
            assert "\u0337\u0336\u0335\u0337" not in page, path
        assert "Асель" in seen(await desk.page("/desk/chats"))


async def test_a_name_beside_a_change_is_one_plain_line(stage: Stage) -> None:
    wanted = {"changes": {"max_messages": 2}, "who": "Асель\u202e\n2026 [info]\x00 ok"}
    assert (await stage.api.patch("/api/rules", json=wanted)).status_code == 200
    (line,) = (await stage.api.get("/api/rules/log")).json()
    assert line["who"] == "Асель 2026 [info] ok"
    for who in ("\u202e", "\x00", " \u200b "):
        answer = await stage.api.patch("/api/rules", json=wanted | {"who": who})
        assert answer.status_code == 400


async def test_no_phone_is_in_an_address_of_the_desk_or_in_its_list(
    stage: Stage, desk: Desk
) -> None:
    await stage.ordered(name=f"Асель {PHONE}")
    await stage.phone().writes(f"мой номер +7 705 123-45-67, {PHONE}")
    await stage.settle()
    page = await desk.page("/desk/chats")
    assert PHONE[-7:] not in re.sub(r"\D", "", seen(page).replace(" ", ""))
    for path, html in (await _every_page(desk)).items():
        addresses = re.findall(r'(?:href|action|src)="(/[^"]*)"', html)
        assert not [each for each in addresses if PHONE[-7:] in each], path


# --- rules ------------------------------------------------------------------------------------


def test_no_way_of_switching_leaves_a_purpose_without_a_prompt() -> None:
    """Not of one shop first and of all then, nor the other way round, nor both at once."""
    shops = tuple(Shop(id=each, name=each, session=each) for each in "ab")
    both = {Purpose.POST_PURCHASE: ("v1", "v2")}
    rules = with_arms(Rules(shops=shops, arms_off=frozenset()), both)
    one, other = "post_purchase/v1", "post_purchase/v2"
    for first, then in (("a", None), (None, "a"), ("a", "a"), (None, None)):
        known, _ = change(rules, Adjustments(), {"arms_off": {one: "off"}}, shop=first)
        with pytest.raises(OutOfBounds) as refusal:
            change(rules, known, {"arms_off": {other: "off"}}, shop=then)
        assert refusal.value.code == "last_arm"
    for shop in ("a", None):
        with pytest.raises(OutOfBounds):
            change(rules, Adjustments(), {"arms_off": [one, other]}, shop=shop)
