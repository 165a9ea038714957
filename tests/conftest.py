"""What all tests of a process share: one real store, emptied before each test, and the dice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
import redis
from hypothesis import settings

from app.store.embedded import EmbeddedStore

# The same examples in every run, and none fails for being slow where several tests run at once.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")


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


@pytest.fixture(scope="session")
def store_client(running_store: str) -> Iterator[redis.Redis]:
    """One way to the store for all tests: a connection is made once."""
    with redis.Redis.from_url(running_store) as client:
        yield client


@pytest.fixture
def store_url(running_store: str, store_client: redis.Redis) -> str:
    """The address of an empty store."""
    store_client.flushall()
    return running_store
