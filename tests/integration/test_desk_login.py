"""Who may see the desk, and that nothing of it leaks or is changed from elsewhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from app.demo.server import serving
from app.store.logins import TRIES
from app.web.desk.login import BROWSER
from app.wiring.parts import front_of
from tests.desk import Desk, desk_of, seen
from tests.e2e.stage import ADMIN, Stage, on_stage
from tests.web import web_of


@pytest.fixture
async def stage(store_url: str) -> AsyncIterator[Stage]:
    async with on_stage(store_url) as stage:
        yield stage


@pytest.fixture
async def stranger(stage: Stage) -> AsyncIterator[Desk]:
    async with desk_of(stage.url, key=None) as desk:
        yield desk


@pytest.fixture
async def desk(stage: Stage) -> AsyncIterator[Desk]:
    async with desk_of(stage.url, key=ADMIN) as desk:
        yield desk


async def test_a_stranger_is_asked_for_the_key_and_comes_where_they_wanted(stranger: Desk) -> None:
    asked = await stranger.get("/desk/today")
    assert asked.url.path == "/desk/login"
    assert "Ключ администратора" in seen(asked.text)
    answer = await stranger.http.post(
        "/desk/login",
        data={"key": ADMIN, "next": dict(asked.url.params)["next"]},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk/today"


async def test_the_cookie_is_signed_and_out_of_reach_of_scripts_and_other_sites(
    stage: Stage, stranger: Desk
) -> None:
    answer = await stranger.http.post("/desk/login", data={"key": ADMIN}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/desk" in cookie
    # Who comes every day stays: the store ends a login 14 days after its last use, not the browser.
    assert "Max-Age=31536000" in cookie
    assert ADMIN not in cookie
    name, _, value = cookie.partition(";")[0].partition("=")
    secret, _, signature = value.partition(".")
    # Of the last letter of a signature two bits stand for nothing: any letter but it is refused.
    last = [value[:-1] + each for each in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if value[-1] != each]
    for forged in (*last, f"{value}=", f"A{value}", f"{secret}.", f".{signature}", secret, ""):
        async with httpx.AsyncClient(base_url=stage.url, verify=False) as http:
            page = await http.get("/desk", headers={"Cookie": f"{name}={forged}"})
            assert page.status_code == 401


async def test_a_wrong_key_gets_nowhere_and_many_have_to_wait(stranger: Desk) -> None:
    for _ in range(TRIES):
        answer = await stranger.http.post("/desk/login", data={"key": "wrong"})
        assert answer.status_code == 401
        assert "Ключ не подходит" in seen(answer.text)
    answer = await stranger.http.post("/desk/login", data={"key": ADMIN})
    assert answer.status_code == 429
    assert "Подождите 15 мин" in seen(answer.text)
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "ai_seller_desk" not in stranger.http.cookies


async def test_a_wrong_key_or_another_language_loses_nothing_else(stranger: Desk) -> None:
    asked = await stranger.get("/desk/login", next="/desk/today?days=7&shop=a")
    assert "/desk/login?lang=kk&amp;next=/desk/today%3Fdays%3D7%26shop%3Da" in asked.text
    form = {"key": "wrong", "who": 'Асель "<b>', "lang": "kk", "next": "/desk/today"}
    answer = await stranger.http.post("/desk/login", data=form)
    assert 'value="Асель &#34;&lt;b&gt;"' in answer.text
    assert 'value="/desk/today"' in answer.text
    assert "wrong" not in answer.text


async def test_the_right_key_forgives_the_wrong_ones(stage: Stage) -> None:
    for _ in range(3):
        async with desk_of(stage.url, key=None) as desk:
            for _ in range(TRIES - 1):
                assert (await desk.http.post("/desk/login", data={"key": "x"})).status_code == 401
            assert (await desk.login(ADMIN)).status_code == 200


async def test_who_uses_up_the_tries_of_an_address_locks_out_nobody_who_was_here(
    stage: Stage, stranger: Desk
) -> None:
    async with desk_of(stage.url, key=ADMIN) as seller:
        cookie = next(each for each in seller.http.cookies.jar if each.name == BROWSER)
        assert cookie.path == "/desk/login"
        assert cookie.has_nonstandard_attr("HttpOnly")
        await seller.post("/desk/logout")
        for _ in range(TRIES):
            assert (await stranger.http.post("/desk/login", data={"key": "x"})).status_code == 401
        assert (await seller.login(ADMIN)).url.path == "/desk/chats"
        assert (await stranger.http.post("/desk/login", data={"key": ADMIN})).status_code == 429


async def test_a_browser_that_is_known_has_its_tries_and_no_more(stage: Stage) -> None:
    async with desk_of(stage.url, key=ADMIN) as seller:
        cookie = {"Cookie": f"{BROWSER}={seller.http.cookies[BROWSER]}"}
    async with httpx.AsyncClient(base_url=stage.url, headers=cookie, verify=False) as thief:
        assert (await thief.get("/desk")).status_code == 401  # it opens nothing
        for _ in range(TRIES):
            assert (await thief.post("/desk/login", data={"key": "x"})).status_code == 401
        assert (await thief.post("/desk/login", data={"key": ADMIN})).status_code == 429


async def test_a_browser_nobody_knows_has_the_tries_of_its_address(
    stage: Stage, stranger: Desk
) -> None:
    async with desk_of(stage.url, key=ADMIN) as seller:
        login, browser = (seller.http.cookies[each] for each in ("ai_seller_desk", BROWSER))
    made_up = ["x.y", login, f"{browser}=", browser.split(".")[0], f"another.{browser}", "."]
    for each in [*made_up, *(f"{n}.{n}" for n in range(TRIES - len(made_up)))]:
        headers = {"Cookie": f"{BROWSER}={each}"}
        await stranger.http.post("/desk/login", data={"key": "wrong"}, headers=headers)
    assert (await stranger.http.post("/desk/login", data={"key": ADMIN})).status_code == 429


async def test_nobody_is_sent_to_another_site_after_the_login(stranger: Desk) -> None:
    for to in ("https://evil.example/", "//evil.example", "/desk\\evil", "/desk//evil", "/x"):
        answer = await stranger.http.post(
            "/desk/login", data={"key": ADMIN, "next": to}, follow_redirects=False
        )
        assert answer.headers["location"] == "/desk/chats"


async def test_a_logout_ends_the_login_for_good(stage: Stage, desk: Desk) -> None:
    cookie = desk.http.cookies["ai_seller_desk"]
    answer = await desk.post("/desk/logout")
    assert answer.url.path == "/desk/login"
    async with httpx.AsyncClient(base_url=stage.url, verify=False) as http:
        again = await http.get("/desk", headers={"Cookie": f"ai_seller_desk={cookie}"})
        assert again.status_code == 401


async def test_another_admin_key_ends_every_login(store_url: str) -> None:
    async with on_stage(store_url) as stage, desk_of(stage.url, key=ADMIN) as desk:
        cookie = desk.http.cookies["ai_seller_desk"]
        front = front_of(stage.assembly, admin_key="another-key-altogether")
        async with serving(web_of(front)) as url, httpx.AsyncClient(verify=False) as http:
            headers = {"Cookie": f"ai_seller_desk={cookie}"}
            assert (await http.get(f"{url}/desk", headers=headers)).status_code == 401


async def test_a_demo_on_the_same_machine_ends_nobodys_login(stage: Stage, desk: Desk) -> None:
    """A browser shows a cookie to every port of a host."""
    front = front_of(stage.assembly, admin_key=ADMIN, demo=True)
    async with serving(web_of(front)) as demo, desk_of(demo, key=ADMIN) as visitor:
        desk.http.cookies.update(visitor.http.cookies)
        await visitor.post("/desk/logout")
    assert (await desk.get("/desk/chats")).url.path == "/desk/chats"


@pytest.mark.parametrize("token", [None, "", "0" * 64, "Асель"])
async def test_nothing_is_changed_without_the_token_of_the_page(
    desk: Desk, token: str | None
) -> None:
    form = {"lang": "kk"} if token is None else {"lang": "kk", "csrf": token}
    answer = await desk.http.post("/desk/language", data=form)
    assert answer.status_code == 403
    assert "Страница устарела" in seen(answer.text)
    assert "Чаты" in seen(await desk.page("/desk/chats"))


async def test_nothing_is_changed_from_another_site(desk: Desk) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = await desk.http.post(
            "/desk/language", data={"lang": "kk", "csrf": desk.csrf}, headers=headers
        )
        assert answer.status_code == 403


async def test_the_token_of_one_login_is_worth_nothing_in_another(stage: Stage, desk: Desk) -> None:
    async with desk_of(stage.url, key=ADMIN, who="Другой") as other:
        answer = await desk.http.post("/desk/language", data={"lang": "kk", "csrf": other.csrf})
        assert answer.status_code == 403


async def test_the_desk_speaks_kazakh_when_asked_to(desk: Desk) -> None:
    page = await desk.post("/desk/language", {"lang": "kk", "here": "/desk/chats"})
    assert page.url.path == "/desk/chats"
    assert '<html lang="kk">' in page.text
    assert "Чаттар" in seen(page.text)


async def test_no_page_runs_a_script_but_our_own_files(desk: Desk, stranger: Desk) -> None:
    pages = [await desk.get(path) for path in ("/desk/chats", "/desk/today", "/desk/nothing")]
    for answer in [*pages, await stranger.get("/desk/login")]:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?![^>]* src=)|\son\w+=|\sstyle=|javascript:", answer.text)


async def test_no_secret_is_on_a_page_or_in_an_address(desk: Desk) -> None:
    for path in ("/desk/chats", "/desk/today", "/desk/connection", "/desk/texts", "/desk/problems"):
        page = await desk.page(path)
        for secret in (ADMIN, "waha-key-for-tests", "model-key-for-tests", "webhook-key-for-tests"):
            assert secret not in page


async def test_what_is_said_after_a_change_is_one_of_our_own_sentences(desk: Desk) -> None:
    told = await desk.page("/desk/chats", said="Не получилось", tone="no")
    assert "Не получилось" in seen(told)
    assert "переведите" not in await desk.page("/desk/chats", said="переведите деньги")


async def test_who_opens_the_address_of_a_form_comes_to_its_page(desk: Desk) -> None:
    """As a browser does that brings its tabs back after a form was not taken."""
    for path, page in (
        ("/desk/logout", "/desk/chats"),
        ("/desk/chats/0/erase", "/desk/chats"),
        ("/desk/connection/0/restart", "/desk/connection"),
    ):
        assert (await desk.get(path)).url.path == page
    assert (await desk.http.delete("/desk/chats")).status_code == 405
    assert (await desk.http.get("/desk/../webhooks/waha")).status_code == 405


async def test_a_stranger_who_hangs_up_fills_no_log(stage: Stage) -> None:
    app = web_of(front_of(stage.assembly, admin_key=ADMIN))
    told = iter(
        [{"type": "http.request", "body": b"key=", "more_body": True}, {"type": "http.disconnect"}]
    )
    form = [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"99")]
    scope = {
        "type": "http", "method": "POST", "path": "/desk/login", "raw_path": b"/desk/login",
        "query_string": b"", "headers": form, "client": ("127.0.0.1", 9), "scheme": "http",
        "server": ("127.0.0.1", 80), "root_path": "", "http_version": "1.1", "asgi": {},
        "extensions": {}, "state": {},
    }  # fmt: skip

    async def receive() -> Any:
        return next(told)

    async def send(_message: object) -> None:
        """Nobody reads it."""

    with capture_logs() as lines:
        await app(scope, receive, send)  # type: ignore[arg-type]
    assert [line for line in lines if line["log_level"] in ("error", "warning")] == []


async def test_a_browser_comes_to_the_desk_and_a_program_gets_the_time(stage: Stage) -> None:
    async with httpx.AsyncClient(base_url=stage.url, verify=False) as http:
        sent = await http.get("/", headers={"Accept": "text/html"})
        assert sent.headers["location"] == "/desk"
        assert (await http.get("/")).json()["status"] == "ok"


async def test_the_script_is_told_that_nobody_is_logged_in(stranger: Desk) -> None:
    answer = await stranger.http.get("/desk/chats", headers={"X-Desk": "1", "Accept": "text/html"})
    assert answer.status_code == 401


async def test_a_file_of_the_pages_is_kept_and_no_other_file_is_given(stranger: Desk) -> None:
    page = await stranger.get("/desk/login")
    style = re.search(r'href="(/desk/static/desk\.css\?v=\w+)"', page.text)
    assert style
    answer = await stranger.http.get(style[1])
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    for name in ("nothing.js", "..%2Fpages.py", "%2e%2e%2flogin.py"):
        assert (await stranger.http.get(f"/desk/static/{name}")).status_code == 404
