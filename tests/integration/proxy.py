"""A wire to the store: loses an answer, holds a request, is cut, leads to another store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit


class Wire:
    """TCP in front of a store. ``lose`` names a request whose answer gets lost, ``hold`` one that
    is held from when it ``is_held`` until it ``may_go``.
    """

    def __init__(self, store_url: str) -> None:
        self._store_url = store_url
        self._open: set[asyncio.StreamWriter] = set()
        self.url = ""
        self.lose: bytes | None = None
        self.lost = 0
        self.hold: bytes | None = None
        self.is_held = asyncio.Event()
        self.may_go = asyncio.Event()

    def lead_to(self, store_url: str) -> None:
        """New connections go there; those open end at once, as in a fail-over."""
        self._store_url = store_url
        self.cut()

    def cut(self) -> None:
        """Cut every connection that is open."""
        for writer in self._open:
            writer.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side leaves."""
        try:
            up_reader, up_writer = await self._upstream()
        except OSError:
            writer.transport.abort()
            return
        both = {writer, up_writer}
        self._open |= both
        try:
            with contextlib.suppress(OSError):
                await asyncio.gather(
                    self._requests(reader, up_writer, deaf := asyncio.Event()),
                    self._answers(up_reader, writer, deaf),
                )
        finally:
            self._open -= both
            for each in both:
                each.close()

    async def _upstream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        store = urlsplit(self._store_url)
        if store.scheme == "unix":
            return await asyncio.open_unix_connection(unquote(store.path))
        return await asyncio.open_connection(store.hostname, store.port)

    async def _requests(
        self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if self.lose is not None and self.lose in data:
                self.lose = None
                self.lost += 1
                deaf.set()
            if self.hold is not None and self.hold in data:
                self.hold = None
                self.is_held.set()
                await self.may_go.wait()
            upstream.write(data)
        upstream.close()

    async def _answers(
        self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        while data := await upstream.read(65536):
            if deaf.is_set():
                break
            writer.write(data)
        writer.close()


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
        wire.cut()
