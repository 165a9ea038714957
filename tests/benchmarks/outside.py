"""An instant WAHA and an instant model on one port: they read a request and answer from memory."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import msgspec
from msgspec import Struct

SEND, MODEL = "/api/sendText", "/v1/chat/completions"

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_END_OF_HEAD = b"\r\n\r\n"

# Every answer of the model is another one, or the writer would ask it to say it in other words.
_OPENINGS = (
    "Здравствуйте, рады помочь!",
    "Спасибо за вопрос.",
    "Добрый день, сейчас расскажу.",
    "Да, конечно.",
    "Понимаю, давайте разберёмся.",
)
_MIDDLES = (
    "Заказ уже собран и передан в доставку,",
    "Курьер предупредит о приезде заранее,",
    "Эта куртка идёт размер в размер,",
    "Примерить вещь можно прямо в пункте выдачи,",
    "Вернуть покупку можно в приложении Kaspi,",
    "Точный срок виден в самом заказе,",
    "По синему цвету спросим на складе,",
)
_ENDINGS = (
    "и статус там обновляется сам.",
    "если удобно другое время, просто напишите.",
    "а я подскажу, если что-то пойдёт не так.",
    "хорошего вам дня!",
    "так что волноваться не о чем.",
    "напишите, если появятся ещё вопросы.",
    "мы всегда на связи в этом чате.",
    "останется только забрать посылку.",
    "и продавец ответит вам сегодня же.",
)


class Sent(Struct, frozen=True, kw_only=True):
    """A text that was posted to WAHA; ``at`` is this process' clock."""

    chat: int
    short: str
    text: str
    at: float


class _Text(Struct):
    """What we need of a sendText."""

    chatId: str  # noqa: N815 - WAHA's word
    text: str


_texts = msgspec.json.Decoder(_Text)


class Outside:
    """What was asked of it, and by which path. ``heard`` is called for every text sent."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.sent: list[Sent] = []
        self.heard: Callable[[Sent], None] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """Count from nothing again."""
        self.calls.clear()
        self.sent.clear()

    def answer(self, path: str, body: bytes) -> bytes:
        """What is answered to a POST."""
        self.calls[path] += 1
        if path == SEND:
            return self._taken(_texts.decode(body))
        if path == MODEL:
            return _http(200, _completion(self.calls[path]))
        return _http(201, b'{"success":true}')

    def _taken(self, text: _Text) -> bytes:
        number = text.chatId.partition("@")[0]
        sent = Sent(
            chat=int(number) % 1_000_000,
            short=f"3EB0{len(self.sent):018X}",
            text=text.text,
            at=time.perf_counter(),
        )
        self.sent.append(sent)
        if self.heard is not None:
            self.heard(sent)
        key = {"remoteJid": f"{number}@s.whatsapp.net", "fromMe": True, "id": sent.short}
        message = {"extendedTextMessage": {"text": text.text}}
        return _http(
            201, msgspec.json.encode({"key": key, "message": message, "status": "PENDING"})
        )


class _Line(asyncio.Protocol):
    """One keep-alive connection of the product's."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._read = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head = self._read.find(_END_OF_HEAD)
        if head < 0:
            return
        length = _LENGTH.search(self._read, 0, head)
        end = head + len(_END_OF_HEAD) + (int(length[1]) if length else 0)
        if len(self._read) < end:
            return
        path = self._read.split(b" ", 2)[1].decode()
        body, self._read = self._read[head + len(_END_OF_HEAD) : end], self._read[end:]
        assert self._transport is not None
        self._transport.write(self._outside.answer(path, body))


def _http(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + _END_OF_HEAD + body


def _completion(number: int) -> bytes:
    parts = (_OPENINGS, _MIDDLES, _ENDINGS)
    text = " ".join(texts[number % len(texts)] for texts in parts)
    said = {"language": "ru", "needs_person": False, "reason": "", "text": text}
    message = {"role": "assistant", "content": msgspec.json.encode(said).decode(), "refusal": None}
    answer = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": "instant",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 60, "total_tokens": 960},
    }
    return msgspec.json.encode(answer)


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Both, listening while inside."""
    world = Outside()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Line(world), "127.0.0.1", 0, backlog=1024)
    world.port = server.sockets[0].getsockname()[1]
    try:
        yield world
    finally:
        server.close()
