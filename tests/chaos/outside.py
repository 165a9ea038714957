"""WAHA and the model as real servers, which fail as the seed wants it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any, cast

import httpx
import msgspec
from msgspec import Struct

from app.demo import faults
from app.demo.assistant import facts_of
from app.demo.faults import CutAfterAccepting, CutBefore, SendFault, Slow, Status
from app.demo.model import Cut, Empty, EmulatedModel, Raw, Refusal, Reply
from app.demo.server import serving
from app.demo.waha import EmulatedWaha
from app.demo.webhooks import Retries, Webhook, WebhookSender
from app.world import World
from tests.chaos.plan import Size

if TYPE_CHECKING:
    from app.demo.webhooks import _Delivery

WAHA_KEY = "waha-key-for-chaos"
MODEL_KEY = "model-key-for-chaos"
HMAC = "a-webhook-key-for-chaos"
ADMIN = "an-admin-key-for-chaos"
RETRIES = Retries(policy="constant", delay_seconds=0.4, attempts=400)
"""Soon and for long: an event WAHA gives up is lost by WAHA, not by us."""

FORGETS = 0.2
"""Share of our texts of which WAHA tells nothing but that they were read."""

READ = 3
MODEL_TIMEOUT = 2.0
HANGS = 50.0
"""Seconds without an answer after which every client has gone away."""

_OPENINGS = (
    "Здравствуйте, рады помочь!",
    "Спасибо за вопрос.",
    "Добрый день, сейчас расскажу.",
    "Да, конечно.",
    "Понимаю, давайте разберёмся.",
)
_ENDINGS = (
    "хорошего вам дня!",
    "напишите, если появятся ещё вопросы.",
    "мы всегда на связи в этом чате.",
    "и продавец с радостью всё уточнит.",
    "обычно с этим всё бывает в порядке.",
    "а подробности видны в приложении.",
    "так что волноваться не о чем.",
)


class Attempt(Struct, frozen=True, kw_only=True):
    """A sendText as it arrived at WAHA, and what was done to it."""

    chat_id: str
    text: str
    at: float
    fault: str | None


class Trouble(deque[SendFault]):
    """WAHA's faults, drawn of the seed, the text and which time it is tried; endless while on."""

    def __init__(self, waha: EmulatedWaha, *, seed: int, size: Size) -> None:
        super().__init__()
        self.on = False
        self.attempts: list[Attempt] = []
        self._waha = waha
        self._seed = seed
        self._size = size
        self._tried: Counter[tuple[str, str]] = Counter()

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> SendFault:
        """What happens to the sendText that has just arrived."""
        asked = self._asked()
        chat_id, text = str(asked.get("chatId")), str(asked.get("text"))
        self._tried[chat_id, text] += 1
        fault = self._fault(text, self._tried[chat_id, text])
        name = type(fault).__name__ if fault else None
        name = f"Status {fault.code}" if isinstance(fault, Status) else name
        self.attempts.append(Attempt(chat_id=chat_id, text=text, at=time.time(), fault=name))
        return fault or Slow(0)

    def _asked(self) -> dict[str, Any]:
        """The request in hand: nothing else runs between its arrival and this."""
        for seen in reversed(self._waha.requests):
            if seen.path == "/api/sendText" and isinstance(seen.json, dict):
                return seen.json
        raise AssertionError("a send that nobody asked for")

    def _fault(self, text: str, tried: int) -> SendFault | None:
        dice = Random(f"send {self._seed} {text} {tried}")
        if not self.on or tried > self._size.tries or dice.random() > self._size.share:
            return None
        if dice.random() < self._size.hangs:
            return _hang()
        return dice.choice(SEND_FAULTS)(dice, self._size.slowest)


def _late_faults() -> list[Callable[[Random, float], SendFault]]:
    """Those that a WAHA knows which is newer than this file."""
    accepts_late = getattr(faults, "LateAccept", None)
    if accepts_late is None:
        return []
    return [lambda dice, most: cast("SendFault", accepts_late(dice.uniform(0.5, most)))] * 2


def _hang() -> SendFault:
    """WAHA never answers, or not for long where it knows no such fault."""
    hang = getattr(faults, "Hang", None)
    return Slow(HANGS) if hang is None else cast("SendFault", hang())


SEND_FAULTS: tuple[Callable[[Random, float], SendFault], ...] = (
    lambda dice, most: Slow(dice.uniform(0.2, most)),
    lambda dice, most: Slow(dice.uniform(0.2, most)),
    lambda dice, _: Status(dice.choice((500, 502, 503))),
    lambda dice, _: Status(429, headers={"Retry-After": str(dice.randint(1, 3))}),
    lambda *_: CutBefore(),
    lambda *_: CutAfterAccepting(),
    lambda *_: CutAfterAccepting(),
    *_late_faults(),
)


class Script(deque[Reply]):
    """What the model says: an answer that names what was asked about, or something is wrong."""

    def __init__(self, model: EmulatedModel, *, seed: int, size: Size) -> None:
        super().__init__()
        self.on = False
        self.failed: Counter[str] = Counter()
        self._model = model
        self._seed = seed
        self._size = size

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> Reply:
        """What becomes of the request that has just arrived."""
        facts = facts_of(self._model.requests[-1]["messages"])
        about = " ".join([*facts.messages_to_answer, *(order.code for order in facts.orders)])
        dice = Random(f"model {self._seed} {about} {len(self._model.requests)}")
        if self.on and dice.random() < self._size.share:
            fault = _model_fault(dice)
            self.failed[type(fault).__name__] += 1
            return fault
        if facts.purpose != "reply":
            return Slow(0)  # the assistant of the demo names the order's thing
        words = ", ".join(f"«{word}»" for word in map(_topic, facts.messages_to_answer) if word)
        return f"{dice.choice(_OPENINGS)} Про {words} всё узнали, {dice.choice(_ENDINGS)}"


def _topic(question: str) -> str:
    return question.partition("«")[2].partition("»")[0]


def _model_fault(dice: Random) -> Reply:
    """Mostly what costs one text; seldom what makes the breaker open for all."""
    if dice.random() < 0.02:
        return dice.choice((Cut(), Slow(MODEL_TIMEOUT + 1)))
    kinds: tuple[Reply, ...] = (
        Slow(dice.uniform(0.1, MODEL_TIMEOUT / 2)),
        Slow(dice.uniform(0.1, MODEL_TIMEOUT / 2)),
        Status(500),
        Status(429, headers={"Retry-After": "1"}),
        Raw('{"text": "half a'),
        Raw("Купите слона! https://example.com/slon"),
        Empty(),
        Refusal("I cannot help with that."),
    )
    return dice.choice(kinds)


class Courier(WebhookSender):
    """WAHA's webhook sender, which notes what was taken.

    Now and then an answer is lost, and the event comes again; ``forgets``: now and then WAHA
    loses the echo of a text of ours and its receipts but the last, so that for long only its
    history tells that it went.
    """

    def __init__(self, *, seed: int) -> None:
        super().__init__(world=World(), user_agent="WAHA/2026.7.1")
        self.on = self.forgets = False
        self.forgotten: set[str] = set()
        self.taken: dict[str, float] = {}
        self.posted: dict[str, float] = {}
        self.answers_lost = 0
        self._dice = Random(f"courier {seed}")
        self._waiting: dict[str, asyncio.Event] = {}

    def send(self, webhook: Webhook, *, event: str, body: bytes, timestamp: int) -> None:
        """Deliver one envelope, or forget it."""
        if not self._forgets(event, body):
            super().send(webhook, event=event, body=body, timestamp=timestamp)

    def _forgets(self, event: str, body: bytes) -> bool:
        if event == "message.ack":
            told = msgspec.json.decode(body)["payload"]
            return told["ack"] < READ and str(told["id"]).split("_")[2] in self.forgotten
        ours = event == "message.any" and b'"source":"api"' in body
        if ours and self.on and self.forgets and self._dice.random() < FORGETS:
            self.forgotten.add(str(msgspec.json.decode(body)["payload"]["id"]).split("_")[2])
            return True
        return False

    @property
    def under_way(self) -> int:
        """Deliveries that were neither taken nor given up."""
        return len(self._tasks)

    async def until_taken(self, short: str) -> float:
        """When the customer's (or owner's) message was first answered with 2xx."""
        if short not in self.taken:
            await self._waiting.setdefault(short, asyncio.Event()).wait()
        return self.taken[short]

    async def _post(self, delivery: _Delivery) -> httpx.Response | None:
        short = _short_id(delivery)
        if short is not None:
            self.posted.setdefault(short, time.time())
        response = await super()._post(delivery)
        if response is None or not response.is_success:
            return response
        if short is not None:
            self.taken.setdefault(short, time.time())
            if short in self._waiting:
                self._waiting.pop(short).set()
        if self.on and self._dice.random() < 0.03:
            self.answers_lost += 1
            return None
        return response


def _short_id(delivery: _Delivery) -> str | None:
    """The message a delivery tells of, if it tells of one that was written."""
    if delivery.event not in ("message", "message.any"):
        return None
    told = msgspec.json.decode(delivery.body)
    return str(told["payload"]["id"]).split("_")[2]


class Outside:
    """Everything around the product, and the switch of its faults.

    ``settles``: the product looks in WAHA's history for what it was not told.
    """

    def __init__(self, *, seed: int, size: Size, settles: bool) -> None:
        self.waha = EmulatedWaha(WAHA_KEY, world=World())
        self.waha.status_wait = 0.3
        self.model = EmulatedModel(MODEL_KEY)
        self.courier = Courier(seed=seed)
        self.courier.forgets = settles
        self.waha.sender = self.courier
        self.trouble = Trouble(self.waha, seed=seed, size=size)
        self.waha.faults = self.trouble
        self.script = Script(self.model, seed=seed, size=size)
        self.model.script = self.script
        self.waha_url = self.model_url = ""

    def fail(self, *, on: bool) -> None:
        """Let things go wrong, or not any more."""
        self.trouble.on = self.script.on = self.courier.on = on

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Both, answering."""
        async with serving(self.waha.app) as waha_url, serving(self.model.app) as model_url:
            self.waha_url, self.model_url = waha_url, model_url
            try:
                yield
            finally:
                await self.courier.stop()
