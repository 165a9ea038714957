"""A shop whose phone has just been disconnected, or whose customers nobody hears: what «Связь» says
then, and the click that mends it.
"""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, get
from litestar.params import FromPath

from app.demo.faults import Status
from app.demo.server import serving
from app.gateways.waha import EVENTS
from app.worker.poll import poll
from tests.desk import seen
from tests.e2e.stage import HMAC
from tests.integration.test_desk_connection import (
    HERE,
    PAGE,
    at_desk,
    posts,
    read_at_kaspi,
    shown,
)

OURS = "http://localhost:8080/webhooks/waha"
PERSONS = {"status": True, "groups": True, "channels": True, "broadcast": True}
BUTTON = f"{PAGE}/{HERE}/webhook"


def hooked(url: str = OURS, *events: str, key: str | None = HMAC) -> dict[str, Any]:
    """A session's configuration with one webhook."""
    hmac = {} if key is None else {"hmac": {"key": key}}
    return {"webhooks": [{"url": url, "events": list(events or EVENTS), **hmac}], "ignore": PERSONS}


async def test_every_page_says_that_the_phone_is_lost_and_looks_for_it_by_itself(
    store_url: str,
) -> None:
    """Nothing happens in the chats then, so that no news would bring the page up to date."""
    async with at_desk(store_url) as (stage, desk):
        assert "Связь 1 ждёт человека" not in seen(await desk.page("/desk/chats"))
        await stage.waha.session_becomes("SCAN_QR_CODE")
        await stage.watch()
        stage.clock.advance(seconds=1)
        page = await desk.page("/desk/chats")
        assert "Связь 1 ждёт человека" in seen(page)
        assert 'id="tabs" data-part data-every="60"' in page
        stage.waha.scan()
        await stage.watch()
        stage.clock.advance(seconds=1)
        assert "Связь 1 ждёт человека" not in seen(await desk.page("/desk/chats"))


WEBHOOKS = [
    (hooked(), "Приходят WAHA присылает их на", False),
    (hooked(OURS, "*"), "Приходят WAHA присылает их на", False),
    (hooked(OURS, "message.any"), "Приходят не все", True),
    (hooked(OURS, "message.any", "message.ack"), "Приходят не все", True),
    (hooked(OURS, "message"), "Не приходят", True),
    (hooked(key=None), "Не приходят", True),
    (hooked(key="another-key-than-ours"), "Не приходят", True),
    (hooked("http://10.0.0.9:8080/webhooks/waha"), "Не приходят", True),
    (hooked(f"{OURS}/"), "Не приходят", True),
    ({}, "Не приходят", True),
]


async def test_each_webhook_that_is_not_as_it_should_be_is_mended_by_one_click(
    store_url: str,
) -> None:
    async with at_desk(store_url) as (stage, desk):
        stage.waha.webhooks.clear()
        for config, word, mends in WEBHOOKS:
            stage.waha.sessions["default"].config = config
            page = await desk.page(PAGE)
            assert f"Ответы покупателей {word}" in seen(page), config
            assert (BUTTON in page) is mends, config
            stage.clock.advance(minutes=1)
            answer = await desk.post(BUTTON)
            told = "менять нечего" if config == hooked() else "WAHA будет присылать сюда"
            assert told in seen(answer.text), config
            assert "Приходят WAHA присылает их на" in seen(answer.text), config


async def test_webhooks_that_never_arrive_are_said_not_to(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        stage.waha.webhooks.clear()
        stage.waha.sessions["default"].config = hooked()
        stage.waha.deaf = True
        await stage.ordered()
        await stage.advance(minutes=4)
        page = await desk.page(PAGE)
        assert "Ответы покупателей Не доходят" in seen(page)
        assert "WAHA не может его открыть" in seen(page)
        assert "Требует внимания: 1" in seen(page)
        assert BUTTON in page
        stage.waha.deaf = False


async def test_webhooks_that_came_lately_and_come_no_more_are_not_said_to_come(
    store_url: str,
) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.phone().writes("Здравствуйте")
        await stage.settle()
        assert "в настройках самой WAHA" in await shown(desk)
        stage.waha.deaf = True
        stage.clock.advance(minutes=5)
        await stage.ordered()
        await stage.advance(minutes=4)
        text = await shown(desk)
        assert "Ответы покупателей Не приходят" in text
        assert "в настройках самой WAHA" not in text
        stage.waha.deaf = False


@pytest.mark.parametrize(
    "status", ["SCAN_QR_CODE", "PASSKEY_REQUIRED", "PASSKEY_CONFIRMATION_REQUIRED", "STARTING"]
)
async def test_a_session_that_is_stuck_can_be_restarted(store_url: str, status: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes(status)
        assert f"{PAGE}/{HERE}/restart" in await desk.page(PAGE)
        await desk.post(f"{PAGE}/{HERE}/restart")
        assert posts(stage) == ["/api/sessions/default/restart"]


async def test_a_qr_code_that_cannot_be_had_is_said_to_with_what_to_do(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes("SCAN_QR_CODE")
        stage.waha.sessions["default"].qr = "x" * 8000  # more than a QR code can hold
        page = await desk.page(PAGE)
        assert "Если за минуту не появился, перезапустите сессию" in seen(page)
        assert "qr.png" not in page


@get("/{rest:path}", media_type="text/html")
async def _anything(rest: FromPath[str]) -> str:
    return f"<h1>router</h1>{rest!r}"


async def test_a_page_that_answers_in_place_of_waha_is_not_taken_for_one(store_url: str) -> None:
    other = Litestar([_anything], openapi_config=None, logging_config=None)
    async with serving(other) as url, at_desk(store_url, WAHA_API_ENDPOINT=url) as (_, desk):
        text = await shown(desk)
        assert "По этому адресу не WAHA" in text
        assert "UNKNOWN" not in text


async def test_the_code_goes_from_sight_when_the_phone_is_linked(store_url: str) -> None:
    """By the style: the part before it is hidden then."""
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes("SCAN_QR_CODE")
        answer = await desk.post(f"{PAGE}/{HERE}/pairing-code", {"phone": "87770000001"})
        part, _, after = answer.text.partition(f'id="pair-{HERE}"')[2].partition("</section>")
        assert "hidden" not in part.partition(">")[0]
        assert after.lstrip().startswith(f'<div id="code-{HERE}" class="notice')


# --- orders that are not read -------------------------------------------------------------------


@pytest.mark.parametrize(("failures", "tone"), [(1, "wait"), (2, "wait"), (3, "no")])
async def test_a_failure_of_kaspi_or_two_are_no_alarm_and_three_are(
    store_url: str, failures: int, tone: str
) -> None:
    async with read_at_kaspi(store_url) as (stage, desk, kaspi):
        await poll(stage.bot, "default")
        for _ in range(failures):
            kaspi.fail(Status(500))
            stage.clock.advance(hours=1)
            await poll(stage.bot, "default")
        page = await desk.page(PAGE)
        assert f'<span class="pill {tone}">Kaspi не отвечает' in page
        assert "Следующая попытка" in seen(page)


async def test_orders_nobody_has_asked_for_in_a_long_time_are_not_said_to_be_read(
    store_url: str,
) -> None:
    async with read_at_kaspi(store_url) as (stage, desk, _):
        await poll(stage.bot, "default")
        stage.clock.advance(hours=2)
        assert "Заказы читаются" in await shown(desk)
        stage.clock.advance(hours=2)
        text = await shown(desk)
        assert "Давно не читались" in text
        assert "Последний ответ Kaspi сегодня, 12:00" in text


async def test_another_token_than_the_refused_one_is_not_said_to_be_refused(
    store_url: str,
) -> None:
    async with read_at_kaspi(store_url, token="an-old-token-2y=") as (stage, desk, _):
        await poll(stage.bot, "default")
        assert "Kaspi не принимает токен" in await shown(desk)
    async with read_at_kaspi(store_url) as (stage, desk, _):
        text = await shown(desk)
        assert "Скоро подключится" in text
        assert "не принимает" not in text
        await poll(stage.bot, "default")
    async with read_at_kaspi(store_url) as (_, desk, _):
        assert "Заказы читаются" in await shown(desk)
