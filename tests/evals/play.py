"""Plays a dialogue on the real product: its doors, store and turns; only WhatsApp is emulated.

The model is whichever the environment names, else the emulated one.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

import app.demo
from app.demo.demper import order_webhook, sign_kaspi_webhook
from app.demo.waha_phone import Phone
from app.domain.events import Address, Fact, Item, Order, OrderChanged
from tests.e2e.stage import Stage, on_stage
from tests.evals.script import Dialogue, Ordered, Turn

DEMO = Path(app.demo.__file__).parent
PRICE_LIST = DEMO / "price_list.xml"
SHOP = {
    "SHOP_NAME": "Тёплый дом",
    "KASPI_PRICE_LIST": str(PRICE_LIST),
    "AI_SELLER_SHOP_FACTS_FILE": str(DEMO / "shop_facts.toml"),
}
"""The shop of every dialogue: the demo's."""

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_OUT_OF_STOCK = "MERCHANT_OUT_OF_STOCK"
"""Kaspi's word for an order that the shop could not fulfil."""

_ALMATY = ZoneInfo("Asia/Almaty")
_BETWEEN = 2.0
"""Seconds between two texts of a customer in a row."""
_MOST_ASKED = 40
"""Requests to the model that no dialogue comes near."""
_ANSWERED = 90.0
"""Seconds after which an answer is out: the customer's pause, and all the typing."""


class Played(Struct, frozen=True, kw_only=True):
    """What became of one turn. ``before`` and ``called``: why a person was, and is now called."""

    customer: tuple[str, ...]
    texts: tuple[str, ...]
    before: str | None
    called: str | None
    opted_out: bool
    paused: bool
    people_own: bool
    seller: str | None = None


class Transcript(Struct, frozen=True, kw_only=True):
    """A dialogue as it went: ``begun`` then by the shop's clock, and what was sent before its
    first turn, its ``opening``.
    """

    dialogue: Dialogue
    begun: datetime
    opening: tuple[str, ...]
    turns: tuple[Played, ...]
    requests: int = 0
    tokens: int = 0
    cost: float = 0.0
    canned: int = 0
    seconds: float = 0.0
    broke: str | None = None


class _State(Struct, frozen=True, kw_only=True):
    called: str | None = None
    opted_out: bool = False
    paused: bool = False
    people_own: bool = False


def named_model(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of the model that the environment names; none for the emulated one."""
    if not (environ.get("OPENAI_API_KEY") or environ.get("OPENAI_BASE_URL")):
        return {}
    named = {name: text for name, text in environ.items() if name.startswith("OPENAI_")}
    return {"OPENAI_BASE_URL": "", "OPENAI_API_KEY": ""} | named


def playable(dialogue: Dialogue, model: Mapping[str, str]) -> bool:
    """Whether this model can be played it."""
    return not (model and dialogue.emulated)


@asynccontextmanager
async def a_shop(store_url: str, model: Mapping[str, str]) -> AsyncIterator[Theatre]:
    """The product with the shop's facts and this model; ``store_url`` is its own alone."""
    ears = {} if model else {"OPENAI_TRANSCRIBE_MODEL": "emulated"}
    environ = SHOP | {"KASPI_WEBHOOK_SECRET": _SECRET} | ears | dict(model)
    async with on_stage(store_url, engine="NOWEB", world=None, **environ) as stage:
        yield Theatre(stage)


class Theatre:
    """Plays one dialogue after the other, each to a customer and in a week of its own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._first = stage.clock.now()
        self._played = 0

    async def play(self, dialogue: Dialogue, *, tempted: bool = False) -> Transcript:
        """The dialogue from its first order to its last turn, in an empty store.

        ``tempted``: the emulated model says nothing but what the dialogue ``tempts`` it to.
        """
        stage, begun = self._stage, time.monotonic()
        await stage.assembly.redis.flushdb()
        start = self._begins(dialogue)
        stage.clock.set(start)
        self._played += 1
        phone = stage.phone(f"7705{self._played:07}", name=None)
        stage.model.script.extend(dialogue.tempts * _MOST_ASKED if tempted else ())
        try:
            opening, turns = await _acts(stage, dialogue, phone)
        finally:
            stage.model.down = False
            stage.model.script.clear()
        model = (await stage.metrics())["model"]
        return Transcript(
            dialogue=dialogue,
            begun=start.astimezone(_ALMATY),
            opening=opening,
            turns=turns,
            requests=model["requests"],
            tokens=model["tokens"],
            cost=model["cost"],
            canned=model["canned"],
            seconds=time.monotonic() - begun,
        )

    def _begins(self, dialogue: Dialogue) -> datetime:
        """That time of a Monday that no dialogue has seen yet."""
        monday = (self._first + timedelta(weeks=self._played)).astimezone(_ALMATY).date()
        return datetime.combine(monday, dialogue.at, tzinfo=_ALMATY).astimezone(UTC)


async def _acts(
    stage: Stage, dialogue: Dialogue, phone: Phone
) -> tuple[tuple[str, ...], tuple[Played, ...]]:
    for order in dialogue.order:
        await _tell(stage, dialogue, order, phone.number)
    await stage.advance(seconds=_ANSWERED)
    opening = _sent(stage, phone)
    turns: list[Played] = []
    ids: dict[int, str] = {}
    state = await _state(stage, phone) if dialogue.order else _State()
    for number, turn in enumerate(dialogue.turn, 1):
        sent = len(_sent(stage, phone))
        await _befalls(stage, dialogue, turn, phone)
        written = await _writes(stage, turn, phone, ids.get(turn.replies_to or 0))
        if written is not None:
            ids[number] = written
        await stage.advance(seconds=_ANSWERED)
        before, state = state, await _state(stage, phone)
        turns.append(_played(turn, _sent(stage, phone)[sent:], before, state))
    return opening, tuple(turns)


def _played(turn: Turn, texts: tuple[str, ...], before: _State, after: _State) -> Played:
    heard = [f"[voice] {turn.voice}"] if turn.voice is not None else []
    seen = [f"[picture] {turn.picture}"] if turn.picture is not None else []
    return Played(
        customer=(*turn.texts, *heard, *seen),
        texts=texts,
        before=before.called,
        called=after.called,
        opted_out=after.opted_out,
        paused=after.paused,
        people_own=after.people_own,
        seller=turn.seller,
    )


async def _befalls(stage: Stage, dialogue: Dialogue, turn: Turn, phone: Phone) -> None:
    """What happens before the customer writes."""
    if turn.hours:
        await stage.advance(hours=turn.hours)
    if turn.seller is not None:
        await stage.waha.owner_writes(phone.number, turn.seller)
        await stage.advance(seconds=5)
    if turn.moves is not None:
        order = next(one for one in dialogue.order if one.code == turn.moves.code)
        await _by_webhook(
            stage,
            dialogue,
            order,
            phone.number,
            stage_now=turn.moves.stage,
            by_shop=turn.moves.by_shop,
        )
        await stage.advance(seconds=_ANSWERED)
    if turn.model_down is not None:
        stage.model.down = turn.model_down


async def _writes(stage: Stage, turn: Turn, phone: Phone, quoted: str | None) -> str | None:
    """Everything the customer sends in this turn; the id of the last of it."""
    await phone.reads()
    written = None
    for text in turn.texts:
        written = await phone.writes(text, reply_to=quoted)
        await stage.settle()
        stage.clock.advance(seconds=_BETWEEN)
    if turn.voice is not None:
        written = await phone.speaks(f"say:{turn.voice}".encode())
    if turn.picture is not None:
        written = await phone.sends_image(turn.picture or None)
    return written


async def _tell(stage: Stage, dialogue: Dialogue, order: Ordered, number: str) -> None:
    """An order as it stands when the dialogue begins.

    No door tells the day that Kaspi plans, so an order with one is laid into the mailbox.
    """
    if order.planned is None:
        await _by_webhook(stage, dialogue, order, number, stage_now=order.stage)
        return
    now = stage.clock.now()
    known = Order(
        code=order.code,
        shop="default",
        stage=order.stage,
        items=tuple(
            Item(name=one.name, sku=one.sku, quantity=one.quantity, price=one.price)
            for one in order.items
        ),
        total=order.total,
        created_at=now - timedelta(days=order.ordered_days_ago),
        planned_at=now + timedelta(days=order.planned),
        delivery=order.delivery,
    )
    changed = OrderChanged(
        id=f"order:default:{order.code}:{order.stage}",
        at=now,
        received_at=now,
        order=known,
        customer_name=dialogue.customer,
    )
    bot = stage.bot
    chats = await bot.contacts.chats_of((Fact(person=Address(phone=number), event=changed),))
    await bot.mailbox.accept(chats, now=now)


async def _by_webhook(
    stage: Stage,
    dialogue: Dialogue,
    order: Ordered,
    number: str,
    *,
    stage_now: str,
    by_shop: bool = False,
) -> None:
    """The signed order webhook."""
    created = stage.clock.now() - timedelta(days=order.ordered_days_ago)
    body = order_webhook(
        "default",
        {
            "code": order.code,
            "stage": stage_now,
            "phone": number,
            "customer_name": dialogue.customer,
            "items": [
                {"name": one.name, "sku": one.sku, "quantity": one.quantity, "price": one.price}
                for one in order.items
            ],
            "total": order.total,
            "created_at": created.isoformat(),
            "delivery": order.delivery,
            "cancellation_reason": _OUT_OF_STOCK if by_shop else None,
        },
    )
    headers = sign_kaspi_webhook(_SECRET, body)
    answer = await stage.public.post("/webhooks/kaspi", content=body, headers=headers)
    assert answer.status_code == 202, answer.text


async def _state(stage: Stage, phone: Phone) -> _State:
    about = await stage.contact(phone.number)
    person, until = about["needs_person"], about["paused_until"]
    return _State(
        called=person["reason"] if person else None,
        opted_out=about["opted_out"],
        paused=until is not None and datetime.fromisoformat(until) > stage.clock.now(),
        people_own=about["owner"] == "people",
    )


def _sent(stage: Stage, phone: Phone) -> tuple[str, ...]:
    """What WAHA was given for this customer, in order."""
    return tuple(one.text for one in stage.waha.sent if one.chat_id.startswith(phone.number))
