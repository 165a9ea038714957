"""The texts as the seller may read them: prompts, fixed texts, and a look at one before it goes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import (
    Author,
    Conversation,
    Message,
    Pending,
    Status,
    Written,
    derive_id,
)
from app.domain.events import Delivery, Language, Order, Stage
from app.domain.hand_over import HAND_OFF
from app.domain.rules import BEST_BEFORE, Purpose, Rules


class PromptText(Struct, frozen=True, kw_only=True):
    """What the model is told for one purpose: ``source`` as it reads it by ``arm``."""

    arm: str
    language: Language
    source: str


class CannedText(Struct, frozen=True, kw_only=True):
    """The wordings of a fixed text; ``name`` is their kind: ``plain``, ``planned``, ``priced`` …

    ``{fields}`` stand where a name, a product or a day is put in.
    """

    language: Language
    name: str
    texts: tuple[str, ...]


class PurposeTexts(Struct, frozen=True, kw_only=True):
    """All texts of one purpose. ``arms`` are its prompts, ``v1`` first; none is no model's work."""

    purpose: Purpose
    prompts: tuple[PromptText, ...]
    canned: tuple[CannedText, ...]
    arms: tuple[str, ...]


class TextBook(Struct, frozen=True, kw_only=True):
    """The texts of every purpose there is, in the order of :class:`Purpose`."""

    purposes: tuple[PurposeTexts, ...]


class PreviewWish(Struct, frozen=True, kw_only=True):
    """A text somebody would like to see before any customer does.

    ``shop`` is an id. ``arm`` None is the first of those that are on. ``ask_model`` False is free:
    the fixed text, and what the model would be told. An order in a stage in which nobody speaks of
    ``purpose`` is taken as if it stood where one does.
    """

    shop: str
    purpose: Purpose
    language: Language
    order: Order
    customer_name: str | None = None
    arm: str | None = None
    ask_model: bool = False


class Preview(Struct, frozen=True, kw_only=True):
    """The text as a customer who knows us not yet would read it, None where a person has to write.

    ``faults`` are the codes of the checks that refused what the model wrote. ``system`` and
    ``user`` are what the model is told, None where it writes nothing.
    """

    text: str | None
    written: Written | None
    faults: tuple[str, ...] = ()
    system: str | None = None
    user: str | None = None


_STAGES: dict[Purpose, tuple[Stage, ...]] = {
    Purpose.POST_PURCHASE: (Stage.PAID, Stage.ACCEPTED, Stage.PACKED, Stage.HANDED_OVER),
    Purpose.ORDER_DELIVERED: (Stage.DELIVERED,),
    Purpose.REVIEW_REQUEST: (Stage.DELIVERED,),
    Purpose.REMINDER: (Stage.DELIVERED,),
    Purpose.CAMPAIGN: (Stage.DELIVERED,),
    Purpose.HANDED_OVER: (Stage.HANDED_OVER,),
    Purpose.READY_FOR_PICKUP: (Stage.ACCEPTED, Stage.PACKED),
    Purpose.ORDER_CANCELLED: (Stage.CANCELLED,),
}
"""Where an order stands when a purpose is spoken of it; the first is taken for any other."""

_ASKED = {
    Language.RU: "Здравствуйте! Где мой заказ?",
    Language.KK: "Сәлеметсіз бе! Тапсырысым қайда?",
    Language.EN: "Hello! Where is my order?",
}
"""What most customers ask, for the preview of an answer."""


def imagined(
    wish: PreviewWish, *, now: datetime, rules: Rules
) -> tuple[Conversation, Pending, Rules]:
    """A customer nobody has written to yet, what is to be said to them, and the rules for it.

    The rules are the shop's own, but for the language and the arm that are wished.
    """
    own = rules.of(wish.shop)
    order = _staged(replace(wish.order, shop=wish.shop), wish.purpose)
    asked = _question(wish, now=now, session=own.shop(wish.shop).session)
    known = Conversation(
        chat=derive_id("preview", wish.shop, order.code),
        since=now,
        name=wish.customer_name,
        language=wish.language,
        orders=(order,),
        messages=asked,
    )
    pending = Pending(
        id=derive_id("preview", wish.purpose, order.code),
        purpose=wish.purpose,
        shop=wish.shop,
        due=now,
        expires_at=now + BEST_BEFORE[wish.purpose],
        order_code=order.code,
        answers=tuple(message.id for message in asked),
        canned=HAND_OFF if wish.purpose is Purpose.HANDOFF_NOTICE else None,
    )
    return known, pending, replace(own, languages=(wish.language,), by_shop={})


def _staged(order: Order, purpose: Purpose) -> Order:
    stages = _STAGES.get(purpose, (order.stage,))
    stage = order.stage if order.stage in stages else stages[0]
    delivery = Delivery.PICKUP if purpose is Purpose.READY_FOR_PICKUP else order.delivery
    by_shop = order.cancelled_by_shop or purpose is Purpose.ORDER_CANCELLED
    return replace(order, stage=stage, delivery=delivery, cancelled_by_shop=by_shop)


def _question(wish: PreviewWish, *, now: datetime, session: str) -> tuple[Message, ...]:
    """What the customer asks, where an answer is wished."""
    if wish.purpose is not Purpose.REPLY:
        return ()
    asked = Message(
        id=derive_id("preview", "question"),
        author=Author.CUSTOMER,
        text=_ASKED[wish.language],
        at=now,
        status=Status.RECEIVED,
        session=session,
        shop=wish.shop,
    )
    return (asked,)
