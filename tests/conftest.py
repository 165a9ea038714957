"""What all tests share: one real store for the whole run, emptied before each test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
import redis

from app.store.embedded import EmbeddedStore


@pytest.fixture(scope="session")
def running_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the bundled server, run by an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="store", daemon=True)
    thread.start()
    store = EmbeddedStore(tmp_path_factory.mktemp("store"))
    url = asyncio.run_coroutine_threadsafe(store.__aenter__(), loop).result(30)
    yield url
    asyncio.run_coroutine_threadsafe(store.__aexit__(None, None, None), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def store_url(running_store: str) -> str:
    """The address of an empty store."""
    with redis.Redis.from_url(running_store) as client:
        client.flushall()
    return running_store
