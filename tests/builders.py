"""Values for tests: an invented shop, its people and what happens to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.domain.conversation import (
    Author,
    Conversation,
    Message,
    Pending,
    Proactive,
    Sending,
    Status,
)
from app.domain.events import (
    Act,
    AnyEvent,
    CustomerWrote,
    Item,
    LeftOurNumber,
    Media,
    OperatorActed,
    Order,
    OrderChanged,
    Receipt,
    ReceiptCame,
    Stage,
)
from app.domain.fold import fold_all
from app.domain.rules import Purpose, Rules

NOON = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
"""Monday, 12:00 in Almaty."""

PHONE = "77051234567"
RULES = Rules()


def order(stage: Stage = Stage.PAID, code: str = "912000001") -> Order:
    """An order of one jacket."""
    return Order(
        code=code,
        shop="default",
        stage=stage,
        items=(Item(name="Куртка Alpin черная 48", sku="102529963_318274", price=15990.0),),
        total=15990.0,
    )


def ordered(
    stage: Stage = Stage.PAID, code: str = "912000001", *, name: str | None = "Айгерим С"
) -> OrderChanged:
    """The fact that it is in that stage."""
    return OrderChanged(
        id=f"order:default:{code}:{stage}",
        at=NOON,
        received_at=NOON,
        order=order(stage, code),
        customer_name=name,
    )


def wrote(
    text: str, short_id: str = "IN1", *, at: datetime = NOON, media: Media | None = None
) -> CustomerWrote:
    """A message of the customer."""
    return CustomerWrote(
        id=f"waha:default:in:{short_id}",
        at=at,
        received_at=at,
        message=short_id,
        wire_id=f"false_{PHONE}@c.us_{short_id}",
        session="default",
        text=text,
        media=media,
    )


def left(text: str, short_id: str = "OUT1", *, at: datetime = NOON) -> LeftOurNumber:
    """A message that left the shop's number."""
    return LeftOurNumber(
        id=f"waha:default:out:{short_id}",
        at=at,
        received_at=at,
        message=short_id,
        session="default",
        text=text,
    )


def receipt(kind: Receipt, short_id: str = "OUT1", reason: str | None = None) -> ReceiptCame:
    """WhatsApp's word on a message of ours."""
    return ReceiptCame(
        id=f"waha:default:ack:{short_id}:{kind}",
        at=NOON,
        received_at=NOON,
        message=short_id,
        receipt=kind,
        reason=reason,
    )


def acted(
    act: Act,
    text: str = "",
    *,
    id_: str = "op1",
    message: str | None = None,
    at: datetime = NOON,
) -> OperatorActed:
    """Something a person at the shop did."""
    return OperatorActed(id=id_, at=at, received_at=at, act=act, text=text, message=message)


def person(**fields: object) -> Conversation:
    """Somebody we know by phone."""
    known: dict[str, object] = {"chat": PHONE, "phone": PHONE, "since": NOON} | fields
    return Conversation(**known)  # type: ignore[arg-type]


def after(
    *events: AnyEvent,
    conversation: Conversation | None = None,
    now: datetime = NOON,
    rules: Rules = RULES,
) -> Conversation:
    """The conversation after these facts."""
    return fold_all(conversation or person(), events, now=now, rules=rules)[0]


def spoke(*hours_ago: float, now: datetime = NOON) -> tuple[Proactive, ...]:
    """Proactive messages that long ago."""
    return tuple(
        Proactive(id=f"p{i}", at=now - timedelta(hours=hours)) for i, hours in enumerate(hours_ago)
    )


def waiting(purpose: Purpose, *, due: datetime = NOON, order_code: str = "912000001") -> Pending:
    """A purpose that is due, good for two days."""
    return Pending(
        id=f"pending-{purpose}",
        purpose=purpose,
        shop="default",
        order_code=order_code,
        due=due,
        expires_at=due + timedelta(days=2),
    )


def ours(status: Status, short_id: str | None = "OUT1", *, text: str = "Здравствуйте!") -> Message:
    """A message of the bot in that status."""
    tried = status in (Status.QUEUED, Status.UNCERTAIN)
    return Message(
        id="ours",
        author=Author.BOT,
        text=text,
        at=NOON,
        status=status,
        session="default",
        shop="default",
        message=short_id,
        purpose=Purpose.POST_PURCHASE,
        sending=Sending(not_before=NOON, expires_at=NOON + timedelta(days=1), tried_at=NOON)
        if tried
        else None,
    )
