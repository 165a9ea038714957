"""The commands as a seller runs them: killed and started again, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.demo.model import EmulatedModel
from app.demo.server import serving
from app.demo.waha import EmulatedWaha
from app.world import World
from tests.e2e.processes import answers, command, free_port, until
from tests.e2e.stage import ADMIN, HMAC, JACKET

PHONES = [f"770500000{n:02}" for n in range(20)]


class Outside:
    """WAHA and the model as real servers, and the settings that lead to them."""

    def __init__(self, waha: EmulatedWaha, model: EmulatedModel, environ: dict[str, str]) -> None:
        self.waha = waha
        self.model = model
        self.environ = environ
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def sent_to(self) -> Counter[str]:
        """How many texts each chat got."""
        return Counter(sent.chat_id.split("@")[0] for sent in self.waha.sent)


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    """The world around the product."""
    waha = EmulatedWaha("waha-key-for-tests", world=World())
    model = EmulatedModel("model-key-for-tests")
    async with serving(waha.app) as waha_url, serving(model.app) as model_url:
        environ = {
            "AI_SELLER_DATA_DIR": str(tmp_path / "data"),
            "ADMIN_API_KEY": ADMIN,
            "WAHA_API_ENDPOINT": waha_url,
            "WAHA_API_KEY": "waha-key-for-tests",
            "WAHA_WEBHOOK_HMAC_KEY": HMAC,
            "OPENAI_BASE_URL": f"{model_url}/v1",
            "OPENAI_API_KEY": "model-key-for-tests",
            "AI_SELLER_QUIET_HOURS": "",
            "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
            "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
            "AI_SELLER_DEBOUNCE_SECONDS": "0.1",
            "LOG_FORMAT": "json",
        }
        yield Outside(waha, model, environ)


async def order(client: httpx.AsyncClient, phone: str) -> httpx.Response:
    """A demper's push for this phone."""
    return await client.post(
        "/event_handler",
        json={
            "waha_stage_id": "POST_PURCHASE",
            "customer": {"phone": phone, "name": "Айгерим"},
            "order": {**JACKET, "order_id": f"91{phone[-7:]}"},
        },
    )


async def test_serve_takes_orders_and_webhooks_from_outside(
    outside: Outside, tmp_path: Path
) -> None:
    async with (
        command("serve", "--port", str(outside.port), folder=tmp_path, **outside.environ) as serve,
        httpx.AsyncClient(base_url=outside.url) as client,
    ):
        await answers(client)
        outside.waha.hook(f"{outside.url}/webhooks/waha", hmac_key=HMAC)
        phone = outside.waha.phone(PHONES[0], name="Айгерим")
        assert (await order(client, PHONES[0])).status_code == 200
        await outside.waha.wait_for_sent(1, timeout=20)
        await phone.writes("Сколько стоит?")
        await outside.waha.wait_for_sent(2, timeout=20)
        await phone.writes("стоп")
        await outside.waha.wait_for_sent(3, timeout=20)
        assert await serve.stop() == 0
    assert PHONES[0] not in serve.log.read_text()


async def test_what_was_accepted_is_said_after_a_kill_once(
    outside: Outside, tmp_path: Path
) -> None:
    environ = outside.environ
    outside.model.delay = 60
    async with httpx.AsyncClient(base_url=outside.url) as client:
        arguments = ("serve", "--port", str(outside.port))
        async with command(
            *arguments, folder=tmp_path, **environ, OPENAI_TIMEOUT_SECONDS="60"
        ) as first:
            await answers(client)
            for phone in PHONES:
                assert (await order(client, phone)).status_code == 200
            await outside.model.wait_for_requests(len(PHONES), timeout=20)
            await first.kill()
        assert outside.waha.sent == []
        outside.model.delay = 0
        async with command(*arguments, folder=tmp_path, **environ):
            await answers(client)
            await outside.waha.wait_for_sent(len(PHONES), timeout=60)
        assert outside.sent_to == Counter(PHONES)


async def test_a_killed_workers_turn_is_finished_by_another(
    outside: Outside, tmp_path: Path, store_url: str
) -> None:
    environ = {**outside.environ, "REDIS_URL": store_url, "OPENAI_TIMEOUT_SECONDS": "60"}
    outside.model.delay = 60
    async with (
        command("serve", "--no-worker", "--port", str(outside.port), folder=tmp_path, **environ),
        command("worker", folder=tmp_path, **environ) as doomed,
        httpx.AsyncClient(base_url=outside.url) as client,
    ):
        await answers(client)
        for phone in PHONES:
            await order(client, phone)
        await outside.model.wait_for_requests(len(PHONES), timeout=20)
        await doomed.kill()
        outside.model.delay = 0
        async with command("worker", folder=tmp_path, **environ):
            await outside.waha.wait_for_sent(len(PHONES), timeout=90)
        assert outside.sent_to == Counter(PHONES)


async def test_two_processes_on_one_data_dir_is_a_clear_error(
    outside: Outside, tmp_path: Path
) -> None:
    async with (
        command("serve", "--port", str(outside.port), folder=tmp_path, **outside.environ),
        httpx.AsyncClient(base_url=outside.url) as client,
    ):
        await answers(client)
        async with command("worker", folder=tmp_path, **outside.environ) as second:
            await until(lambda: not second.running, "the second process ends")
            assert await second.stop() == 1
        assert "is in use by process" in second.log.read_text()
        assert "REDIS_URL" in second.log.read_text()


async def test_a_setting_nobody_knows_is_an_error_that_suggests_the_nearest(
    outside: Outside, tmp_path: Path
) -> None:
    async with command(
        "serve", folder=tmp_path, **outside.environ, AI_SELLER_QUIET_HOUR="22:00-08:00"
    ) as wrong:
        await until(lambda: not wrong.running, "it does not start")
        assert await wrong.stop() == 2
    assert "AI_SELLER_QUIET_HOURS" in wrong.log.read_text()


async def test_check_says_what_works_and_fixes_the_webhook(
    outside: Outside, tmp_path: Path
) -> None:
    async def checked(*arguments: str, **environ: str) -> tuple[int, str]:
        async with command(
            "check", *arguments, folder=tmp_path, **{**outside.environ, **environ}
        ) as check:
            await until(lambda: not check.running, "it ends")
            return await check.stop(), check.log.read_text()

    status, said = await checked()
    assert status == 1
    assert "check --fix" in said
    status, said = await checked("--fix")
    assert status == 0, said
    assert (await checked())[0] == 0
    status, said = await checked(WAHA_API_KEY="wrong")
    assert status == 1
    assert "WAHA_API_KEY" in said
    assert "model-key-for-tests" not in said


async def test_check_looks_at_the_store_of_a_running_server(
    outside: Outside, tmp_path: Path
) -> None:
    async with (
        command("serve", "--port", str(outside.port), folder=tmp_path, **outside.environ),
        httpx.AsyncClient(base_url=outside.url) as client,
    ):
        await answers(client)
        async with command("check", "--fix", folder=tmp_path, **outside.environ) as check:
            await until(lambda: not check.running, "it ends")
            assert await check.stop() == 0, check.log.read_text()
        await answers(client, "/health/ready")


async def test_the_demo_runs_with_no_settings_at_all(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with (
        command("serve", "--port", str(port), folder=tmp_path) as demo,
        httpx.AsyncClient(base_url=url, headers={"Origin": url}) as client,
    ):
        await answers(client)
        assert "phone" in (await client.get("/demo")).text
        state = (await client.get("/demo/state")).json()
        buyer, product = state["buyers"][0]["phone"], state["products"][0]["sku"]
        placed = await client.post("/demo/orders", json={"phone": buyer, "sku": product})
        assert placed.status_code < 300, placed.text

        async def lines() -> list[str]:
            state = (await client.get("/demo/state", params={"phone": buyer})).json()
            return [line["text"] for line in state["chat"]["lines"]]

        async with asyncio.timeout(30):
            while not await lines():  # noqa: ASYNC110 - another process tells no event
                await asyncio.sleep(0.05)
        assert state["products"][0]["name"].split()[0] in (await lines())[0]
        assert demo.running
    assert (tmp_path / "data" / "demo" / "admin.key").stat().st_mode & 0o777 == 0o600
