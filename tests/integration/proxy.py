"""A wire to the store that can lose an answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit


class Wire:
    """TCP in front of the store's socket. ``lose`` names a request whose answer gets lost."""

    def __init__(self, store_url: str) -> None:
        self._path = unquote(urlsplit(store_url).path)
        self.url = ""
        self.lose: bytes | None = None
        self.lost = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side leaves."""
        up_reader, up_writer = await asyncio.open_unix_connection(self._path)
        deaf = asyncio.Event()

        async def requests() -> None:
            while data := await reader.read(65536):
                if self.lose is not None and self.lose in data:
                    self.lose = None
                    self.lost += 1
                    deaf.set()
                up_writer.write(data)
            up_writer.close()

        async def answers() -> None:
            while data := await up_reader.read(65536):
                if deaf.is_set():
                    break
                writer.write(data)
            writer.close()

        with contextlib.suppress(OSError):
            await asyncio.gather(requests(), answers())


@asynccontextmanager
async def wire_to(store_url: str) -> AsyncIterator[Wire]:
    """Such a wire, at ``wire.url``."""
    wire = Wire(store_url)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    wire.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
