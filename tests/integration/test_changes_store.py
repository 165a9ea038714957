"""What changes is told to everybody who listens, whatever the store does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.store import keys
from app.store.changes import MOST_TOLD, Batch, Changes, Listening
from app.store.connection import connect
from tests.integration.proxy import Wire, wire_to
from tests.integration.valkeys import valkey

PATIENCE = 20.0


@pytest.fixture
async def redis(store_url: str) -> AsyncIterator[Any]:
    redis = connect(store_url)
    yield redis
    await redis.aclose()


@pytest.fixture
async def changes(redis: Any) -> Changes:
    return Changes(redis)


async def changed(redis: Any, *chats: str) -> str:
    """As the scripts tell it; the cursor of the last."""
    ids = [await redis.xadd(keys.changes(), {"chat": chat}) for chat in chats]
    return str(ids[-1].decode())


async def following(listening: Listening) -> AsyncIterator[Batch]:
    async for batch in listening:
        yield batch


async def told(batches: AsyncIterator[Batch], *chats: str) -> Batch:
    """The batch with which all of these chats have been told."""
    left = set(chats)
    async with asyncio.timeout(PATIENCE):
        async for batch in batches:
            assert not batch.missed
            left -= batch.chats
            if not left:
                return batch
    raise AssertionError("no more batches")


async def missing(batches: AsyncIterator[Batch]) -> Batch:
    """The first batch that says that something was missed."""
    async with asyncio.timeout(PATIENCE):
        async for batch in batches:
            if batch.missed:
                return batch
    raise AssertionError("no more batches")


async def test_who_listens_is_told_of_what_changes_from_now_on(
    changes: Changes, redis: Any
) -> None:
    before = await changed(redis, "old")
    async with changes.listen() as listening:
        batches = following(listening)
        assert await anext(batches) == Batch(cursor=before)
        last = await changed(redis, "a", "b", "a")
        assert (await told(batches, "a", "b")).cursor <= last


async def test_nothing_has_changed_in_an_empty_store(changes: Changes, redis: Any) -> None:
    async with changes.listen() as listening:
        batches = following(listening)
        assert await anext(batches) == Batch(cursor="0-0")
        last = await changed(redis, "a")
        assert await anext(batches) == Batch(cursor=last, chats=frozenset({"a"}))


async def test_who_was_away_is_told_of_what_changed_meanwhile(changes: Changes, redis: Any) -> None:
    cursor = await changed(redis, "old")
    last = await changed(redis, "a", "b")
    async with changes.listen(cursor) as listening:
        batches = following(listening)
        assert await anext(batches) == Batch(cursor=last, chats=frozenset({"a", "b"}))
    async with changes.listen(last) as listening:
        assert await anext(following(listening)) == Batch(cursor=last)


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", "0-0", "1-1", "9" * 18 + "-0", "9" * 99, "-", "1-1-1", "$", ">"]
)
async def test_who_comes_with_a_cursor_that_nobody_knows_is_told_to_read_everything(
    changes: Changes, redis: Any, cursor: str
) -> None:
    last = await changed(redis, "a")
    async with changes.listen(cursor) as listening:
        batches = following(listening)
        assert await anext(batches) == Batch(cursor=last, missed=True)
        last = await changed(redis, "b")
        assert await anext(batches) == Batch(cursor=last, chats=frozenset({"b"}))


async def test_who_was_away_for_longer_than_is_remembered_is_told_so(
    changes: Changes, redis: Any
) -> None:
    cursor = await changed(redis, "old", "a")
    last = await changed(redis, "b")
    await redis.xtrim(keys.changes(), maxlen=1, approximate=False)
    async with changes.listen(cursor) as listening:
        assert await anext(following(listening)) == Batch(cursor=last, missed=True)


async def test_where_a_chat_is_gone_everything_is_read_again(changes: Changes, redis: Any) -> None:
    cursor = await changed(redis, "a")
    async with changes.listen(cursor) as listening:
        batches = following(listening)
        await anext(batches)
        last = await changed(redis, "")
        assert await anext(batches) == Batch(cursor=last, missed=True)


async def test_all_who_listen_are_told_by_one_reader(changes: Changes, redis: Any) -> None:
    async with changes.listen() as one, changes.listen() as other:
        batches = [following(one), following(other)]
        firsts = [await anext(each) for each in batches]
        assert firsts == [Batch(cursor="0-0")] * 2
        reading = [task for task in asyncio.all_tasks() if task.get_name() == "changes"]
        assert len(reading) == 1
        last = await changed(redis, "a")
        for each in batches:
            assert await anext(each) == Batch(cursor=last, chats=frozenset({"a"}))
    assert [task for task in asyncio.all_tasks() if task.get_name() == "changes"] == []


async def test_who_comes_after_all_have_left_is_told_again(changes: Changes, redis: Any) -> None:
    for chat in ("a", "b"):
        async with changes.listen() as listening:
            batches = following(listening)
            await anext(batches)
            await changed(redis, chat)
            await told(batches, chat)


async def test_who_is_slow_is_told_all_at_once(changes: Changes, redis: Any) -> None:
    async with changes.listen() as quick, changes.listen() as slow:
        ahead, behind = following(quick), following(slow)
        await anext(ahead)
        await anext(behind)
        last = ""
        for chat in ("a", "b", "c"):
            last = await changed(redis, chat)
            await told(ahead, chat)
        assert await anext(behind) == Batch(cursor=last, chats=frozenset({"a", "b", "c"}))


async def test_who_is_too_slow_is_told_to_read_everything(changes: Changes, redis: Any) -> None:
    async with changes.listen() as quick, changes.listen() as slow:
        ahead, behind = following(quick), following(slow)
        await anext(ahead)
        await anext(behind)
        async with redis.pipeline(transaction=True) as pipe:
            for n in range(MOST_TOLD + 1):
                pipe.xadd(keys.changes(), {"chat": f"c{n}"})
            await pipe.execute()
        last = await changed(redis, "last")
        while (await anext(ahead)).cursor != last:
            pass
        assert await anext(behind) == Batch(cursor=last, missed=True)


async def test_when_nothing_happens_that_is_told_too(redis: Any) -> None:
    changes = Changes(redis, heartbeat=0.0)
    async with changes.listen() as listening:
        batches = following(listening)
        assert [await anext(batches) for _ in range(3)] == [Batch(cursor="0-0")] * 3


async def test_nobody_is_told_more_when_the_process_stops(changes: Changes) -> None:
    async with changes.listen() as listening:
        batches = following(listening)
        await anext(batches)
        changes.close()
        assert [batch async for batch in batches] == []
    async with changes.listen() as late:
        assert len([batch async for batch in late]) == 1


# --- trouble ----------------------------------------------------------------------------------


async def test_after_a_connection_was_cut_nothing_is_missing(store_url: str, redis: Any) -> None:
    async with wire_to(store_url) as wire, listening_at(wire) as batches:
        await anext(batches)
        wire.cut()
        heard = False
        async with asyncio.timeout(PATIENCE):
            while not heard:  # over the cut, or told that something may be missing
                await changed(redis, "after")
                batch = await anext(batches)
                heard = batch.missed or "after" in batch.chats


async def test_a_store_that_comes_back_is_read_again(tmp_path: Path) -> None:
    async with valkey(tmp_path / "store") as store:
        far = connect(store.url)
        near = connect(store.url)
        changes = Changes(far, pause=0.01, heartbeat=0.05)
        async with changes.listen() as listening:
            batches = following(listening)
            await anext(batches)
            await store.kill()
            assert (await anext(batches)).chats == frozenset()
            async with changes.listen("1-1") as other:
                assert await anext(following(other)) == Batch(cursor="", missed=True)
            await store.start()
            await missing(batches)
            await changed(near, "b")
            await told(batches, "b")
        await far.aclose()
        await near.aclose()


class listening_at:  # noqa: N801 - reads as a function
    """Batches through a wire that is cut."""

    def __init__(self, wire: Wire) -> None:
        self._redis = connect(wire.url)
        self._changes = Changes(self._redis, pause=0.01)
        self._listen = self._changes.listen()

    async def __aenter__(self) -> AsyncIterator[Batch]:
        return following(await self._listen.__aenter__())

    async def __aexit__(self, *error: object) -> None:
        await self._listen.__aexit__(None, None, None)
        await self._redis.aclose()
