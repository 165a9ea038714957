"""A store that restarts, fails over, is slow, full or read-only: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from docket import Worker
from structlog.testing import capture_logs

from app.demo.demper import order_webhook, sign_kaspi_webhook
from app.demo.faults import Slow
from app.demo.webhooks import signature
from app.store import connection
from app.worker.loop import LAST_TURNS, working
from app.world import World
from tests.builders import PHONE
from tests.e2e.processes import until
from tests.e2e.stage import HMAC, Stage, on_stage
from tests.integration.proxy import wire_to
from tests.integration.valkeys import Valkey, valkey

KASPI = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "77050000002"
THIRD = "77050000003"
SENT_WITHIN = 40.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Valkey]:
    async with valkey(tmp_path / "store") as store:
        yield store


SOON = timedelta(seconds=2)
"""What a fault leaves half done is taken up sooner than in the product."""


@asynccontextmanager
async def at_work(url: str, *, last_turns: float = LAST_TURNS) -> AsyncIterator[Stage]:
    """The product in real time, its worker running."""
    async with (
        on_stage(
            url,
            world=World(),
            AI_SELLER_QUIET_HOURS="",
            AI_SELLER_SEND_INTERVAL_SECONDS="0",
            AI_SELLER_TYPING_CHARS_PER_SECOND="0",
            AI_SELLER_DEBOUNCE_SECONDS="0",
            KASPI_WEBHOOK_SECRET=KASPI,
        ) as stage,
        working(stage.assembly.docket, stage.bot, redelivery=SOON, last_turns=last_turns),
    ):
        yield stage


async def ordered(stage: Stage) -> httpx.Response:
    """A demper's push, about a person of its own."""
    return await stage.ordered(phone=PHONE)


async def written(stage: Stage) -> httpx.Response:
    """A customer's message, as WAHA tells it."""
    seconds = int(datetime.now(UTC).timestamp())
    body = msgspec.json.encode(
        {
            "id": "evt_1",
            "timestamp": seconds * 1000,
            "event": "message.any",
            "session": "default",
            "payload": {
                "id": f"false_{OTHER}@c.us_3EB0A1",
                "timestamp": seconds,
                "from": f"{OTHER}@c.us",
                "fromMe": False,
                "body": "Где мой заказ?",
                "hasMedia": False,
            },
        }
    )
    headers = {"X-Webhook-Hmac": signature(HMAC, body)}
    return await stage.public.post("/webhooks/waha", content=body, headers=headers)


async def sold(stage: Stage) -> httpx.Response:
    """An order, as a signed webhook tells it."""
    item: dict[str, Any] = {"name": "Куртка", "sku": "1", "quantity": 1, "price": 15990.0}
    order = {
        "code": "912000003",
        "stage": "paid",
        "phone": THIRD,
        "customer_name": "Динара",
        "items": [item],
        "total": 15990.0,
    }
    body = order_webhook("default", order)
    headers = sign_kaspi_webhook(KASPI, body)
    return await stage.public.post("/webhooks/kaspi", content=body, headers=headers)


DOORS = (ordered, written, sold)


async def all_turned_away(stage: Stage) -> None:
    """Every door says 503, and when to come again."""
    answers = await asyncio.gather(*(door(stage) for door in DOORS))
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)


async def all_let_in(stage: Stage) -> None:
    """Every door takes its fact."""
    answers = await asyncio.gather(*(door(stage) for door in DOORS))
    assert [answer.status_code for answer in answers] == [200, 202, 202], answers


async def come_again(stage: Stage) -> None:
    """Whoever was turned away tells it once more, until the store takes it."""
    async with asyncio.timeout(SENT_WITHIN):
        for door in DOORS:
            while (await door(stage)).status_code == 503:  # noqa: ASYNC110 - it tells no event
                await asyncio.sleep(0.05)


def sent_to(stage: Stage) -> Counter[str]:
    """How many texts each person got."""
    return Counter(sent.chat_id.split("@")[0] for sent in stage.waha.sent)


async def each_answered_once(stage: Stage, *phones: str) -> None:
    """Wait until all have their text, and nobody a second one when all is quiet."""
    await until(lambda: set(phones) <= set(sent_to(stage)), "all are answered", seconds=SENT_WITHIN)
    await all_quiet(stage)
    assert sent_to(stage) == Counter(phones)


def told(lines: list[Any], event: str) -> int:
    """How often our log says so."""
    return sum(line["event"] == event for line in lines)


async def lost_on_the_way(lines: list[Any]) -> None:
    """Wait until a turn has found that it can neither commit nor be scheduled again."""
    await until(lambda: told(lines, "store_lost"), "a turn met the outage", seconds=SENT_WITHIN)


async def all_quiet(stage: Stage) -> None:
    """Wait until no webhook is under way and no chat is due."""
    async with asyncio.timeout(SENT_WITHIN):
        await stage.waha.delivered(SENT_WITHIN)
        while await stage.bot.mailbox.count_due(datetime.now(UTC)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


# --- each kind of trouble ---------------------------------------------------------------------


async def test_a_full_store_turns_facts_away_and_takes_them_once_there_is_room(
    store: Valkey,
) -> None:
    async with at_work(store.url) as stage:
        await store.ask("CONFIG", "SET", "maxmemory", 1)
        await all_turned_away(stage)
        assert stage.texts == []
        await store.ask("CONFIG", "SET", "maxmemory", 0)
        await all_let_in(stage)
        await all_let_in(stage)
        await each_answered_once(stage, PHONE, OTHER, THIRD)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes another's limits")
async def test_a_store_with_a_full_disk_turns_facts_away_until_there_is_room(
    tmp_path: Path,
) -> None:
    async with (
        valkey(tmp_path / "small", disk=256 * 1024, appendfsync="everysec") as store,
        at_work(store.url) as stage,
    ):
        await store.ask("SET", "big", "x" * 512 * 1024)
        await store.until("persistence", "aof_last_write_status", "err")
        await all_turned_away(stage)
        store.make_room()
        await come_again(stage)
        await all_let_in(stage)
        await each_answered_once(stage, PHONE, OTHER, THIRD)


async def test_a_read_only_store_turns_facts_away_and_takes_them_when_it_is_a_primary_again(
    store: Valkey,
) -> None:
    async with at_work(store.url) as stage:
        await store.ask("REPLICAOF", "127.0.0.1", 1)
        await all_turned_away(stage)
        assert stage.texts == []
        await store.ask("REPLICAOF", "NO", "ONE")
        await all_let_in(stage)
        await all_let_in(stage)
        await each_answered_once(stage, PHONE, OTHER, THIRD)


async def test_a_store_that_is_started_again_has_all_that_was_accepted(store: Valkey) -> None:
    async with at_work(store.url) as stage:
        stage.model.delay = 1
        with capture_logs() as lines:
            await all_let_in(stage)
            await stage.model.wait_for_requests(3, timeout=SENT_WITHIN)
            await store.shut_down()
            await all_turned_away(stage)
            await lost_on_the_way(lines)
        assert stage.texts == []
        await store.start()
        await each_answered_once(stage, PHONE, OTHER, THIRD)


async def test_a_store_that_is_killed_has_all_that_was_accepted_when_it_is_back(
    store: Valkey,
) -> None:
    async with at_work(store.url) as stage:
        await all_let_in(stage)
        await store.kill()
        await all_turned_away(stage)
        await store.start()
        await each_answered_once(stage, PHONE, OTHER, THIRD)


async def test_a_store_that_hangs_turns_facts_away_and_nothing_is_lost(store: Valkey) -> None:
    async with at_work(store.url) as stage:
        hangs = 2 * connection.ANSWER_SECONDS + 1
        await store.ask("CLIENT", "PAUSE", round(hangs * 1000), "ALL")
        await all_turned_away(stage)
        await come_again(stage)
        await each_answered_once(stage, PHONE, OTHER, THIRD)


async def test_a_promoted_replica_has_all_that_was_accepted_and_the_turns_go_on_there(
    store: Valkey, tmp_path: Path
) -> None:
    async with (
        valkey(tmp_path / "replica") as replica,
        wire_to(store.url) as wire,
        at_work(wire.url) as stage,
    ):
        await replica.ask("REPLICAOF", "127.0.0.1", store.port)
        await replica.until("replication", "master_link_status", "up")
        stage.model.delay = 1
        with capture_logs() as lines:
            await all_let_in(stage)
            await stage.model.wait_for_requests(3, timeout=SENT_WITHIN)
            await all_copied(store, replica)
            await store.kill()
            await all_turned_away(stage)
            await lost_on_the_way(lines)
        await replica.ask("REPLICAOF", "NO", "ONE")
        wire.lead_to(replica.url)
        await come_again(stage)
        await each_answered_once(stage, PHONE, OTHER, THIRD)


# --- a turn under way -------------------------------------------------------------------------


async def test_what_could_not_be_committed_is_not_said(store: Valkey) -> None:
    async with at_work(store.url) as stage:
        stage.model.delay = 1
        with capture_logs() as lines:
            await ordered(stage)
            await stage.model.wait_for_requests(1, timeout=SENT_WITHIN)
            await store.ask("REPLICAOF", "127.0.0.1", 1)
            await lost_on_the_way(lines)
        assert stage.texts == []
        await store.ask("REPLICAOF", "NO", "ONE")
        await each_answered_once(stage, PHONE)


async def test_what_was_said_while_the_store_went_away_is_said_once_and_recorded(
    store: Valkey,
) -> None:
    async with at_work(store.url) as stage:
        stage.waha.faults.append(Slow(1))
        with capture_logs() as lines:
            await ordered(stage)
            await stage.waha.wait_for_sent(1, timeout=SENT_WITHIN)
            await store.ask("REPLICAOF", "127.0.0.1", 1)
            await until(lambda: told(lines, "not_recorded_yet") or told(lines, "store_lost"), "")
        await store.ask("REPLICAOF", "NO", "ONE")
        await each_answered_once(stage, PHONE)
        assert [message["status"] for message in await stage.messages()] == ["delivered"]


# --- the worker itself ------------------------------------------------------------------------


async def test_an_outage_is_told_once_and_so_is_its_end(
    store: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with at_work(store.url) as stage:
        stage.model.delay = 1
        with capture_logs() as lines, caplog.at_level(logging.WARNING, logger="docket"):
            await ordered(stage)
            await stage.model.wait_for_requests(1, timeout=SENT_WITHIN)
            await store.ask("REPLICAOF", "127.0.0.1", 1)
            await lost_on_the_way(lines)
            await store.shut_down()
            await all_turned_away(stage)
            await store.start()
            await until(lambda: told(lines, "store_back"), "the turn is scheduled again")
        assert (told(lines, "store_lost"), told(lines, "store_back")) == (1, 1)
        assert len([r for r in caplog.records if r.name.startswith("docket")]) == 1
        await each_answered_once(stage, PHONE)


async def test_a_worker_without_a_store_stops_when_asked(store: Valkey) -> None:
    async with asyncio.timeout(SENT_WITHIN):
        async with at_work(store.url) as stage:
            await all_let_in(stage)
            await store.kill()
            await all_turned_away(stage)
        assert stage.bot.stopping.is_set()


async def test_a_worker_stops_when_asked_though_the_store_hangs(store: Valkey) -> None:
    async with asyncio.timeout(SENT_WITHIN):
        async with at_work(store.url, last_turns=1) as stage:
            stage.model.delay = 2 * SENT_WITHIN
            await ordered(stage)
            await stage.model.wait_for_requests(1, timeout=SENT_WITHIN)
            await store.ask("CLIENT", "PAUSE", round(2 * SENT_WITHIN * 1000), "ALL")
        assert stage.bot.stopping.is_set()


async def test_a_worker_that_misses_a_cancel_stops_when_asked(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_forever = Worker.run_forever

    async def misses_one(worker: Worker) -> None:
        """As redis-py does now and then: ``asyncio.wait_for`` on 3.11 may swallow a cancel."""
        running = asyncio.ensure_future(run_forever(worker))
        with suppress(asyncio.CancelledError):
            await asyncio.wait({running})
        await running

    monkeypatch.setattr(Worker, "run_forever", misses_one)
    async with asyncio.timeout(SENT_WITHIN):
        async with at_work(store_url) as stage:
            await ordered(stage)
            await each_answered_once(stage, PHONE)


async def test_a_worker_that_dies_of_a_bug_takes_the_process_with_it(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(_worker: Worker) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(Worker, "run_forever", dies)
    with pytest.raises(ExceptionGroup) as died:
        async with at_work(store_url) as stage:
            await stage.bot.world.sleep(SENT_WITHIN)
    assert died.group_contains(ValueError, match="a bug")


async def all_copied(primary: Valkey, replica: Valkey) -> None:
    """Wait until the replica has all that was written until now."""
    written = (await primary.info("replication"))["master_repl_offset"]
    await replica.until("replication", "slave_repl_offset", at_least=written)
