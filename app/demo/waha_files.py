"""The files an emulated WAHA keeps of what came with messages, and serves to who has its key."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TypeAlias

import msgspec
from litestar import Response
from litestar.response import Stream

from app.demo.faults import CutBefore, Slow, Status
from app.demo.server import cut, hold
from app.demo.waha_replies import Answer, Asked, answer, missing
from app.demo.waha_shapes import Body

_SUFFIXES = {"audio/ogg": "oga", "image/jpeg": "jpeg", "application/pdf": "pdf"}
_PIECE = bytes(65_536)


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file under the name WAHA gives it; `filename` is what its sender calls it."""

    name: str
    mimetype: str
    filename: str | None = None
    content: bytes


class Endless(msgspec.Struct, frozen=True):
    """Sends bytes without an end and without saying how many."""


FileFault: TypeAlias = Status | Slow | CutBefore | Endless
"""What may go wrong with a file: ``Status(404)`` is one that WAHA does not have yet."""


class Files:
    """What WAHA keeps. `told_at` is where it says to be found, wherever it really is.

    `faults` are what happens to the next files asked for; `sent` counts the bytes of endless ones.
    """

    def __init__(self) -> None:
        self.told_at = "http://localhost:3000"
        self.faults: deque[FileFault] = deque()
        self.kept: dict[str, File] = {}
        self.sent = 0

    def keep(self, file: File) -> Body:
        """Keep a file; `media` of its message."""
        path = f"/api/files/default/{file.name}"
        self.kept[path] = file
        return _media(file, url=self.told_at + path, error=None)

    def failed(self, file: File) -> Body:
        """`media` of a message whose file WhatsApp did not give out."""
        error = {"message": "Failed to fetch stream", "details": "Error: Failed to fetch stream"}
        return _media(file, url=None, error=error)

    async def serve(self, request: Asked) -> Answer:
        """GET /api/files/{session}/{name}."""
        fault = self.faults.popleft() if self.faults else None
        file = self.kept.get(request.url.path)
        match fault:
            case Status():
                return answer(fault.code, fault.body, fault.headers)
            case CutBefore():
                await cut(request.scope, request.receive)
            case Endless():
                return Stream(self._endless(), media_type="application/octet-stream")
            case Slow():
                await hold(request.receive, fault.seconds)
            case None:
                pass
        if file is None:
            return missing(f"File not found: {request.path_params['name']}")
        return Response(file.content, status_code=200, media_type=file.mimetype)

    async def _endless(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += len(_PIECE)
            yield _PIECE
            await asyncio.sleep(0)  # to hear that the client has left


def _media(file: File, *, url: str | None, error: Body | None) -> Body:
    told = {"url": url, "mimetype": file.mimetype, "filename": file.filename}
    return {**told, "error": error}


def suffix_of(mimetype: str) -> str:
    """What a file of this kind is called in the end; `bin` where nobody knows."""
    return _SUFFIXES.get(mimetype.partition(";")[0].strip(), "bin")
