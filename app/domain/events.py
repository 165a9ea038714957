"""Facts: everything that can happen to a conversation, as frozen values.

An event's ``id`` is the source's own id, so the same fact has the same id however often
and by whatever way it is told. ``at`` is when it happened by the source's clock,
``received_at`` when we heard of it (both aware UTC).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Language(StrEnum):
    """A language a customer is written to in."""

    RU = "ru"
    KK = "kk"
    EN = "en"


class Speech(StrEnum):
    """What language a message is in; ``MIXED`` is Russian and Kazakh in one."""

    RU = "ru"
    KK = "kk"
    EN = "en"
    MIXED = "mixed"


class Media(StrEnum):
    """What came with a message instead of, or beside, text."""

    IMAGE = "image"
    VIDEO = "video"
    VOICE = "voice"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT = "contact"
    OTHER = "other"


SPOKEN = frozenset({Media.VOICE, Media.AUDIO})
"""What has words in it that can be listened to."""


class Stage(StrEnum):
    """Where an order is. Decided on Kaspi's status and flags, never on its cabinet tab."""

    WAITING_FOR_SIGNATURE = "waiting_for_signature"
    PAID = "paid"
    ACCEPTED = "accepted"
    PACKED = "packed"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    RETURN_REQUESTED = "return_requested"
    RETURNED = "returned"
    UNKNOWN = "unknown"


class Delivery(StrEnum):
    """Who brings an order: Kaspi to the door or to a locker, the shop, or nobody."""

    KASPI = "kaspi"
    POSTOMAT = "postomat"
    OWN = "own"
    PICKUP = "pickup"


class Receipt(StrEnum):
    """How far a message of ours got. The order of the members is the order of progress."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


DEMPER = "demper"
"""The source of an order that a demper told of. It names no shop: the first one is taken."""

READ = "read"
"""The source of an order that was read at Kaspi: how it is, not what somebody tells of it."""


class Item(Struct, frozen=True, kw_only=True):
    """One line of an order. ``price`` is the line's total in tenge, ``card`` Kaspi's card code."""

    name: str
    sku: str | None = None
    quantity: int = 1
    price: float | None = None
    card: str | None = None


class Order(Struct, frozen=True, kw_only=True):
    """An order as its source told it. ``total`` is in tenge; ``code`` is Kaspi's order number.

    ``planned_at`` is when Kaspi plans to deliver it; ``preordered``: it is not in stock yet.
    ``cancelled_by_shop``: the shop could not fulfil it. ``before`` is the stage it had when the
    shop was connected: what that stage asks for was never ours to say.
    """

    code: str
    shop: str
    stage: Stage
    items: tuple[Item, ...] = ()
    total: float | None = None
    created_at: datetime | None = None
    source: str = DEMPER
    planned_at: datetime | None = None
    delivery: Delivery | None = None
    preordered: bool = False
    cancelled_by_shop: bool = False
    before: Stage | None = None


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that came with a message, as WAHA tells where to fetch it.

    ``path`` is the path and query of its address: the host is always WAHA's own.
    """

    path: str
    mimetype: str | None = None


class Address(Struct, frozen=True, kw_only=True):
    """How WhatsApp names a person: a phone (``77051234567``), a hidden id (lid digits), or both.

    Lid digits look like a phone and never are one.
    """

    phone: str | None = None
    lid: str | None = None


class Event(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What all facts share."""

    id: str
    at: datetime
    received_at: datetime


class CustomerWrote(Event, frozen=True, kw_only=True, tag="customer_wrote"):
    """A customer's message. ``message`` is WhatsApp's short id, ``wire_id`` WAHA's full one."""

    message: str
    wire_id: str
    session: str
    text: str = ""
    media: Media | None = None
    name: str | None = None
    quoted: str | None = None
    attachment: Attachment | None = None


class CustomerEdited(Event, frozen=True, kw_only=True, tag="customer_edited"):
    """A customer changed a message; ``message`` is the short id of the one changed."""

    message: str
    session: str
    text: str


class CustomerRevoked(Event, frozen=True, kw_only=True, tag="customer_revoked"):
    """A customer deleted a message for everyone."""

    message: str
    session: str


class CustomerReacted(Event, frozen=True, kw_only=True, tag="customer_reacted"):
    """A customer put an emoji on a message; an empty ``emoji`` takes it back."""

    message: str
    session: str
    emoji: str


class CustomerCalled(Event, frozen=True, kw_only=True, tag="customer_called"):
    """A customer rang the shop's WhatsApp number."""

    session: str


class LeftOurNumber(Event, frozen=True, kw_only=True, tag="left_our_number"):
    """A message went out from the shop's number: our own echo, or a person on the phone.

    ``by_api`` is WAHA's hint (its ``source`` field is wrong after a restart), never a proof.
    """

    message: str
    session: str
    text: str = ""
    by_api: bool = False


FORBIDDEN = "463"
"""WhatsApp's word for a number that may write to no new contacts: the reason of such a receipt."""


class ReceiptCame(Event, frozen=True, kw_only=True, tag="receipt_came"):
    """WhatsApp told how far a message of ours got; ``message`` is its short id."""

    message: str
    receipt: Receipt
    reason: str | None = None


class OrderChanged(Event, frozen=True, kw_only=True, tag="order_changed"):
    """An order appeared or moved."""

    order: Order
    customer_name: str | None = None


class Act(StrEnum):
    """What a person at the shop may do with a chat."""

    TAKE_OVER = "take_over"
    HAND_BACK = "hand_back"
    SAY = "say"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    REPLAY = "replay"
    CANCEL = "cancel"
    SEND_NOW = "send_now"
    DISMISS = "dismiss"


class OperatorActed(Event, frozen=True, kw_only=True, tag="operator_acted"):
    """A person at the shop did something through the desk or the API.

    ``text`` goes with ``SAY``, ``message`` (an id of ours) with what is done to one message:
    ``REPLAY``, ``CANCEL`` and ``SEND_NOW``, and ``DISMISS``, where it may be what was buried.
    """

    act: Act
    text: str = ""
    message: str | None = None


class RulesChanged(Event, frozen=True, kw_only=True, tag="rules_changed"):
    """The seller changed a rule that this chat may wait for: it is in this version of them."""

    version: int


AnyEvent = (
    CustomerWrote
    | CustomerEdited
    | CustomerRevoked
    | CustomerReacted
    | CustomerCalled
    | LeftOurNumber
    | ReceiptCame
    | OrderChanged
    | OperatorActed
    | RulesChanged
)


class Fact(Struct, frozen=True, kw_only=True):
    """An event and the person it concerns: what a door puts into the mailbox."""

    person: Address
    event: AnyEvent


class SessionChanged(Struct, frozen=True, kw_only=True):
    """News of WAHA's session. Concerns the shop's number, not a chat.

    ``status`` is WAHA's word (``WORKING``, ``FAILED`` …), None when nothing was said of it.
    ``restricted_until`` is the end of WhatsApp's ban on writing to new contacts: None when
    nothing was said of it, ``at`` itself when the ban is lifted; ``inferred`` when it was read from
    a refusal, and WAHA's own word on the session may not know of it.
    """

    session: str
    status: str | None
    at: datetime
    restricted_until: datetime | None = None
    inferred: bool = False
    our_phone: str | None = None
    our_lid: str | None = None
