"""An emulated language model: an OpenAI-compatible server with a scripted shop assistant inside."""

import functools
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from litestar import Litestar, Response
from litestar.datastructures import UploadFile
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from app.demo.assistant import facts_of, say
from app.demo.bell import Bell
from app.demo.faults import Slow, Status
from app.demo.schema import filled
from app.demo.server import Answer, Asked, Json, cut, cut_while, door, hold, twin

if TYPE_CHECKING:
    from litestar.types import ASGIApp

Body: TypeAlias = dict[str, Any]

_CHARS_PER_TOKEN = 3  # Cyrillic in today's tokenizers, about
_SAY = b"say:"
_KINDS = {401: "invalid_request_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


class Raw(msgspec.Struct, frozen=True):
    """This content as it is: nonsense, half a JSON, anything."""

    content: str


class Refusal(msgspec.Struct, frozen=True):
    """The model refuses, with these words in `message.refusal`."""

    text: str


class Empty(msgspec.Struct, frozen=True):
    """An answer without content."""


class Cut(msgspec.Struct, frozen=True):
    """The connection ends without an answer."""


Reply: TypeAlias = str | Raw | Refusal | Empty | Status | Slow | Cut
Hearing: TypeAlias = str | Status | Slow | Cut


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One sound as it came, and what was asked for besides its text."""

    sound: bytes
    filename: str
    mimetype: str
    asked: dict[str, str]


class EmulatedModel:
    """Answers every chat completion with what its schema asks for, and every sound with a text.

    `script` holds what to do with the next requests, a str being the text to say; with an empty
    one the shop assistant speaks. `delay`: real seconds before each answer; `down`: every
    connection is cut. `requests` are the bodies of the chat completions asked for.

    `transcripts` is the script for sounds, which are kept in `heard`; with an empty one a sound
    that begins with `say:` says the rest of itself, any other is silence. `seconds` is how long
    each of them is.
    """

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key
        self.script: deque[Reply] = deque()
        self.requests: list[Body] = []
        self.transcripts: deque[Hearing] = deque()
        self.heard: list[Heard] = []
        self.seconds = 3.0
        self.delay = 0.0
        self.down = False
        self._bell = Bell()
        self.app: ASGIApp = cut_while(lambda: self.down, twin(_doors(), owner=self))

    async def wait_for_requests(self, n: int, timeout: float = 5.0) -> list[Body]:  # noqa: ASYNC109 - for tests
        """Return the requests once there are at least `n`; TimeoutError otherwise."""
        await self._bell.until(lambda: len(self.requests) >= n, f"asking {n} times", timeout)
        return self.requests

    async def wait_for_sounds(self, n: int, timeout: float = 5.0) -> list[Heard]:  # noqa: ASYNC109 - for tests
        """Return what was heard once there are at least `n` sounds; TimeoutError otherwise."""
        await self._bell.until(lambda: len(self.heard) >= n, f"hearing {n} sounds", timeout)
        return self.heard

    async def admit(self, request: Asked) -> Answer | None:
        """Only with the key."""
        given = request.headers.get("Authorization", "")
        if secrets.compare_digest(given.encode(), f"Bearer {self.api_key}".encode()):
            return None
        return _error(401, "Incorrect API key provided.")

    async def list_models(self, _request: Asked) -> Answer:
        """GET /v1/models."""
        model = {"id": "emulated", "object": "model", "created": 0, "owned_by": "demo"}
        return _answer({"object": "list", "data": [model]})

    async def complete(self, request: Asked) -> Answer:
        """POST /v1/chat/completions."""
        body: Body = msgspec.json.decode(await request.body())
        self.requests.append(body)
        self._bell.ring()
        reply = self.script.popleft() if self.script else None
        await hold(request.receive, self.delay)
        match reply:
            case Status():
                return _failed(reply)
            case Cut():
                await cut(request.scope, request.receive)
            case Refusal():
                return _completion(body, None, refusal=reply.text)
            case Empty():
                return _completion(body, "")
            case Raw():
                return _completion(body, reply.content)
            case Slow():
                await hold(request.receive, reply.seconds)
            case str() | None:
                pass
        return _completion(body, _content(body, reply if isinstance(reply, str) else None))

    async def transcribe(self, request: Asked) -> Answer:
        """POST /v1/audio/transcriptions, a form with a file and a model."""
        form = await request.form()
        file = form.get("file")
        asked = {name: value for name, value in form.items() if isinstance(value, str)}
        if not isinstance(file, UploadFile) or not asked.get("model"):
            return _error(400, "A file and a model are required.")
        sound, kind = await file.read(), file.content_type
        self.heard.append(Heard(sound=sound, filename=file.filename, mimetype=kind, asked=asked))
        self._bell.ring()
        reply = self.transcripts.popleft() if self.transcripts else None
        await hold(request.receive, self.delay)
        match reply:
            case Status():
                return _failed(reply)
            case Cut():
                await cut(request.scope, request.receive)
            case Slow():
                await hold(request.receive, reply.seconds)
            case str() | None:
                pass
        text = reply if isinstance(reply, str) else _said_in(sound)
        return _transcription(text, asked.get("response_format", "json"), self.seconds)


@functools.cache
def _doors() -> Litestar:
    """Its routes, built once for all models of a process."""
    complete, transcribe = door(EmulatedModel.complete), door(EmulatedModel.transcribe)
    list_models = door(EmulatedModel.list_models)
    return Litestar(
        [
            HTTPRouteHandler("/v1/chat/completions", http_method=HttpMethod.POST)(complete),
            HTTPRouteHandler("/v1/audio/transcriptions", http_method=HttpMethod.POST)(transcribe),
            HTTPRouteHandler("/v1/models", http_method=HttpMethod.GET)(list_models),
        ],
        before_request=door(EmulatedModel.admit),
        openapi_config=None,
        logging_config=None,
    )


def _said_in(sound: bytes) -> str:
    return sound.removeprefix(_SAY).decode() if sound.startswith(_SAY) else ""


def _transcription(text: str, form: str, seconds: float) -> Answer:
    usage = {"type": "duration", "seconds": seconds}
    if form != "verbose_json":
        return _answer({"text": text, "usage": usage})
    about = {"task": "transcribe", "language": "russian", "duration": seconds}
    return _answer({**about, "text": text, "segments": [], "usage": usage})


def _content(body: Body, text: str | None) -> str:
    """What is said, in the form that was asked for."""
    said = say(facts_of(body["messages"]))
    known: Body = {"text": said.text, "language": said.language}
    known |= {"needs_person": said.needs_person, "mood": said.mood}
    if text is not None:
        known |= {"text": text, "needs_person": False, "mood": "unknown"}
    wanted = body.get("response_format") or {}
    match wanted.get("type"):
        case "json_schema":
            value = filled(wanted["json_schema"]["schema"], known)
            return msgspec.json.encode(value).decode()
        case "json_object":
            return msgspec.json.encode(known).decode()
        case _:
            return str(known["text"])


def _completion(body: Body, content: str | None, refusal: str | None = None) -> Answer:
    asked = sum(len(str(message.get("content") or "")) for message in body["messages"])
    prompt, written = (
        asked // _CHARS_PER_TOKEN + 8,
        len(content or refusal or "") // _CHARS_PER_TOKEN + 1,
    )
    message: Body = {"role": "assistant", "content": content, "refusal": refusal, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
    }
    return _answer(
        {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "object": "chat.completion",
            "created": 0,
            "model": body.get("model", "emulated"),
            "choices": [choice],
            "usage": usage,
        }
    )


def _failed(fault: Status) -> Answer:
    if fault.body is None:
        message = f"The server answered with {fault.code}."
        return _error(fault.code, message, fault.headers)
    return _answer(fault.body, fault.code, fault.headers)


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    kind, code = _KINDS.get(status, "server_error"), _CODES.get(status)
    error = {"message": message, "type": kind, "param": None, "code": code}
    return _answer({"error": error}, status, headers)


def _answer(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    content = msgspec.json.encode(body)
    return Response(content, status_code=status, headers=headers, media_type="application/json")
