"""The language model: Chat Completions with a JSON schema, over the ``openai`` package.

Any compatible server serves (OpenAI, vLLM, llama.cpp …). What they disagree on, the length
limit's name, the temperature and ``maxLength``, is learned from the first refusal and
remembered for the life of the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx
import msgspec
import openai
from msgspec import Struct

from app.domain.events import Language
from app.domain.meaning import Mood
from app.errors import Permanent, Transient
from app.gateways.model_failures import OPENAI_URL, kind_of
from app.gateways.tls import tls
from app.world import World

BREAKER_OPEN = "breaker_open"
"""Code of a call that was not made, because the last ones failed."""

TIMEOUT = 8.0
"""Seconds for one answer, everything included: a customer waits no longer for a machine."""

TEXT_LENGTH = 700
REASON_LENGTH = 200
"""Bounds of the strings in the schema. A small local model may otherwise never stop."""

UNKNOWN = "unknown"
"""The mood of a customer that nothing tells."""

_MOODS = {mood.value: mood for mood in Mood}

LANES = 50
"""Questions under way at once; few enough for httpx's pool, whose cost grows with their square."""

_CONNECTIONS = httpx.Limits(max_connections=LANES)

_NEGOTIABLE = ("max_completion_tokens", "temperature", "maxLength")
"""What servers disagree on. ``max_completion_tokens`` is tried first: today's OpenAI models
refuse ``max_tokens``, vLLM and llama.cpp take both; where it is refused, ``max_tokens`` is sent.
An old server that overlooks it unsaid is still bounded by ``maxLength`` and the timeout."""


class Price(Struct, frozen=True, kw_only=True):
    """US dollars for a million tokens."""

    tokens_in: float = 0.0
    tokens_out: float = 0.0


_FREE = Price()


class Completion(Struct, frozen=True, kw_only=True):
    """What the model answered. ``cost`` is US dollars, ``model`` the one that really answered.

    ``mood`` is how it takes the customer to be with their purchase, None where it cannot tell.
    """

    text: str
    language: Language
    needs_person: bool
    reason: str
    model: str
    tokens_in: int
    tokens_out: int
    cost: float
    mood: Mood | None = None


class _Answer(Struct, frozen=True):
    """The JSON we ask for; a small model may leave the mood out."""

    language: Language
    needs_person: bool
    reason: str
    text: str
    mood: str = UNKNOWN


class _Message(Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class _Choice(Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _Usage(Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Reply(Struct, frozen=True):
    """A ``chat.completion`` object, as far as it matters here."""

    choices: list[_Choice]
    model: str | None = None
    usage: _Usage | None = None


class Breaker:
    """Keeps a dead model from costing every message a timeout.

    Closed: calls pass. It opens at once on a timeout or a failed connection, otherwise after
    three passing failures in a row, for 30 s growing to 5 min (longer than its turn when the
    server names a time). After that one probe is let through: it closes or opens again.
    Results of calls that began before the last change are old news and change nothing.
    """

    FAILURES = 3
    FIRST_PAUSE = 30.0
    LONGEST_PAUSE = 300.0
    DEAD = frozenset({"timeout", "connection"})

    def __init__(self, world: World) -> None:
        self._world = world
        self._failures = 0
        self._pause = 0.0
        self._until = 0.0
        self._era = 0
        self._probing = False
        self._failing_since: float | None = None

    @property
    def failing_for(self) -> float:
        """Seconds since the first failure after which nothing was answered; 0 while it answers."""
        since = self._failing_since
        return 0.0 if since is None else self._world.monotonic() - since

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """``half_open``: the pause is over and nothing has answered since."""
        if not self._pause:
            return "closed"
        return "open" if self._world.monotonic() < self._until else "half_open"

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Let one call through and learn from its end, or raise ``Transient("breaker_open")``."""
        era = self._admit()
        try:
            yield
        except Transient as failure:
            self._failed(era, failure)
            raise
        except Permanent:
            self._answered(era)
            raise
        except BaseException:
            self._probing = self._probing and era != self._era
            raise
        self._answered(era)

    def _admit(self) -> int:
        if self.state == "closed":
            return self._era
        left = self._until - self._world.monotonic()
        if left > 0 or self._probing:
            raise Transient(
                "the model is down and is left alone for a while",
                code=BREAKER_OPEN,
                retry_after=max(left, 1.0),
            )
        self._probing = True
        self._era += 1
        return self._era

    def _answered(self, era: int) -> None:
        if era == self._era:
            self._failures, self._pause, self._probing = 0, 0.0, False
            self._failing_since = None

    def _failed(self, era: int, failure: Transient) -> None:
        if era != self._era:
            return
        if self._failing_since is None:
            self._failing_since = self._world.monotonic()
        self._failures += 1
        if self._probing or failure.code in self.DEAD or self._failures >= self.FAILURES:
            self._open(failure.retry_after or 0.0)

    def _open(self, asked: float) -> None:
        self._pause = min(max(self._pause * 2, self.FIRST_PAUSE), self.LONGEST_PAUSE)
        self._until = self._world.monotonic() + min(max(self._pause, asked), self.LONGEST_PAUSE)
        self._failures, self._probing = 0, False
        self._era += 1


class Model:
    """One model on one server. Opens its own HTTP client; ``close`` it.

    ``base_url`` is None for OpenAI; ``key`` may be empty for a local server; ``timeout`` is
    seconds for a whole answer.
    """

    def __init__(
        self,
        *,
        model: str,
        key: str,
        world: World,
        base_url: str | None = None,
        temperature: float = 0.7,
        max_tokens: int = 500,
        price: Price = _FREE,
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = model
        self.breaker = Breaker(world)
        self._lanes = asyncio.Semaphore(LANES)
        self._world = world
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._price = price
        self._timeout = timeout
        self._refused: frozenset[str] = frozenset()
        self._client = openai.AsyncOpenAI(
            api_key=key.strip() or "none",
            base_url=base_url or OPENAI_URL,
            timeout=timeout,
            max_retries=0,
            # Ours, not the package's httpx2: one HTTP library in the house, seen by the tests.
            http_client=httpx.AsyncClient(  # type: ignore[arg-type]
                timeout=timeout, limits=_CONNECTIONS, verify=tls()
            ),
        )

    async def complete(self, system: str, user: str) -> Completion:
        """The model's answer to ``system`` and ``user``.

        Raises ``Transient`` (``timeout``, ``connection``, ``server``, ``rate_limit``,
        ``breaker_open``) or ``Permanent`` (``config``, ``refused``, ``nonsense``).
        """
        async with self._lanes:  # who waited here is told first when the model has died meanwhile
            with self.breaker.guard():
                return await self._ask(system, user)

    async def check(self) -> str:
        """The name of the model that answers; raises like ``complete``, past the breaker."""
        completion = await self._ask(
            'Answer with JSON: language "ru", needs_person false, reason "", text "ok".', "ok?"
        )
        return completion.model

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ask(self, system: str, user: str) -> Completion:
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._negotiate(system, user)
        except TimeoutError:
            raise Transient(
                f"the model did not answer within {self._timeout:g} s", code="timeout"
            ) from None
        except openai.OpenAIError as error:
            raise kind_of(error, self._world.now(), who="the model") from None
        return self._completion(body)

    async def _negotiate(self, system: str, user: str) -> bytes:
        """The body of the answer, asked again without what the server says it cannot take."""
        refused = self._refused
        while True:
            try:
                response = await self._client.chat.completions.with_raw_response.create(
                    **self._request(system, user, refused)
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                culprit = _culprit(error, refused)
                if culprit is None:
                    raise
                refused |= {culprit}
            else:
                self._refused = refused
                body: bytes = response.content
                return body

    def _request(self, system: str, user: str, refused: frozenset[str]) -> dict[str, Any]:
        limit = "max_tokens" if "max_completion_tokens" in refused else "max_completion_tokens"
        request: dict[str, Any] = {
            "model": self.name,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
            ],
            "response_format": _response_format(bounded="maxLength" not in refused),
            limit: self._max_tokens,
        }
        if "temperature" not in refused:
            request["temperature"] = self._temperature
        return request

    def _completion(self, body: bytes) -> Completion:
        try:
            reply = msgspec.json.decode(body, type=_Reply)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Permanent("the answer is no chat completion", code="nonsense") from None
        answer = _answer_of(reply, self._max_tokens)
        usage = reply.usage or _Usage()
        dollars = (
            usage.prompt_tokens * self._price.tokens_in
            + usage.completion_tokens * self._price.tokens_out
        )
        return Completion(
            text=answer.text,
            language=answer.language,
            needs_person=answer.needs_person,
            reason=answer.reason[:REASON_LENGTH],
            model=reply.model or self.name,
            tokens_in=usage.prompt_tokens,
            tokens_out=usage.completion_tokens,
            cost=dollars / 1_000_000,
            mood=_MOODS.get(answer.mood),
        )


def _response_format(*, bounded: bool) -> dict[str, Any]:
    """The schema. The decision comes before the text, so that the text follows from it."""
    properties: dict[str, dict[str, Any]] = {
        "language": {"type": "string", "enum": [language.value for language in Language]},
        "needs_person": {"type": "boolean"},
        "reason": {"type": "string"},
        "mood": {"type": "string", "enum": [*(mood.value for mood in Mood), UNKNOWN]},
        "text": {"type": "string"},
    }
    if bounded:
        properties["reason"]["maxLength"] = REASON_LENGTH
        properties["text"]["maxLength"] = TEXT_LENGTH
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {
        "type": "json_schema",
        "json_schema": {"name": "message", "strict": True, "schema": schema},
    }


def _culprit(error: openai.APIStatusError, refused: frozenset[str]) -> str | None:
    """What the server's complaint names of the negotiable, its ``param`` before its words."""
    left = [name for name in _NEGOTIABLE if name not in refused]
    if error.param in left:
        return error.param
    return next((name for name in left if name in error.response.text), None)


def _answer_of(reply: _Reply, max_tokens: int) -> _Answer:
    if not reply.choices:
        raise Permanent("the answer holds no choice", code="nonsense")
    choice = reply.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise Permanent("the model refused to answer", code="refused")
    if choice.finish_reason == "length":
        raise Permanent(f"the answer was cut off at {max_tokens} tokens", code="nonsense")
    try:
        return msgspec.json.decode(choice.message.content or "", type=_Answer)
    except msgspec.DecodeError:
        raise Permanent("the answer is not the JSON asked for", code="nonsense") from None
