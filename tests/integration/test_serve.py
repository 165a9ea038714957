"""The web server of a process stops when it is asked to, whenever that is."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Iterator

import pytest
from litestar import Litestar

from app.config import Settings
from app.errors import Refused
from app.wiring.serve import _bound, _web
from tests.e2e.processes import free_port

PATIENCE = 20.0


@pytest.fixture
def asked_while_it_starts() -> Iterator[None]:
    """SIGTERM comes while garbage is collected, as soon as the server hears signals."""
    ours = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(_phase: str, _info: dict[str, int]) -> None:
        if signal.getsignal(signal.SIGTERM) is not ours[signal.SIGTERM]:
            gc.callbacks.remove(ask)
            os.kill(os.getpid(), signal.SIGTERM)

    gc.callbacks.append(ask)
    yield
    assert ask not in gc.callbacks, "nobody asked"
    for number, handler in ours.items():
        signal.signal(number, handler)
    gc.unfreeze()


@pytest.mark.usefixtures("asked_while_it_starts")
async def test_a_process_that_is_asked_to_stop_while_it_starts_stops() -> None:
    left: list[bool] = []
    async with asyncio.timeout(PATIENCE):
        app = Litestar(openapi_config=None)
        async with _bound(Settings(port=free_port())) as listener:
            await _web(app, listener, leaving=lambda: left.append(True))
    assert left == [True]


async def test_an_address_that_somebody_has_is_told_before_anything_is_started() -> None:
    settings = Settings(port=free_port())
    async with _bound(settings) as listener:
        listener.listen()
        with pytest.raises(Refused, match="choose another PORT"):
            async with _bound(settings):
                pass
