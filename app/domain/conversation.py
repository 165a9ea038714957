"""What we know of one person. Only ``fold`` and the ``with_…`` functions make a new one."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from app.domain.events import Attachment, Language, Media, Order, ReceiptCame, Speech, Stage
from app.domain.meaning import Mood
from app.domain.rules import LIVE_MESSAGES, Purpose, Reason


class Author(StrEnum):
    """Who said it."""

    CUSTOMER = "customer"
    BOT = "bot"
    PERSON = "person"


class Status(StrEnum):
    """How far a message of ours got; ``RECEIVED`` is for the customer's own."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    DRY_RUN = "dry_run"


OPEN = frozenset({Status.QUEUED, Status.UNCERTAIN})
"""Statuses of which something new may yet be learned by sending, or by asking."""


class Owner(StrEnum):
    """Who answers this chat."""

    BOT = "bot"
    PEOPLE = "people"


class Written(Struct, frozen=True, kw_only=True):
    """How a bot's text came about.

    ``prompt`` is ``purpose/version``, ``requests`` the calls to the model, ``cost`` US dollars.
    ``evidence`` tells of each figure in the text where it is from, ``used`` what the brief held
    that it may rest on, ``checks`` which checks its words passed. ``arm`` is the version of the
    prompt whose words they are, None for what no model wrote.
    """

    prompt: str
    canned: bool
    model: str | None = None
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    why_canned: str | None = None
    evidence: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    arm: str | None = None


class Sending(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message needs until it is known to be out.

    ``tried_at`` is set just before the POST; ``slot`` is its place in the pacing of the session;
    ``counted`` says that it was counted as blocked, ``blocked`` why it is held now. ``answers``
    and ``rewrites`` are those of the reply it was written for. ``looks`` counts how often WhatsApp
    was asked whether it went, ``taken`` says that WAHA took it and only its id is unknown.
    """

    not_before: datetime
    expires_at: datetime
    attempts: int = 0
    tried_at: datetime | None = None
    slot: datetime | None = None
    counted: bool = False
    blocked: Reason | None = None
    answers: tuple[str, ...] = ()
    rewrites: int = 0
    looks: int = 0
    taken: bool = False


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of either side. ``message`` is WhatsApp's short id, once there is one.

    ``speech`` is the language of what a customer wrote. ``attachment`` is a voice note nobody has
    listened to yet; its words become the ``text``.
    """

    id: str
    author: Author
    text: str
    at: datetime
    status: Status
    session: str
    shop: str
    message: str | None = None
    wire_id: str | None = None
    media: Media | None = None
    purpose: Purpose | None = None
    order_code: str | None = None
    written: Written | None = None
    sending: Sending | None = None
    revoked: bool = False
    failure: str | None = None
    speech: Speech | None = None
    attachment: Attachment | None = None

    @property
    def arm(self) -> str | None:
        """The prompt whose words these are, as ``purpose/arm``; None for what no model wrote."""
        arm = self.written.arm if self.written is not None else None
        return f"{self.purpose}/{arm}" if arm and self.purpose is not None else None


class Pending(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A purpose that waits to be spoken: no text yet, that is written when it goes out.

    ``answers`` are ids of the messages a reply answers, ``rewrites`` counts the drafts of it that
    were thrown away because the customer wrote on; ``blocked`` says why it waits now;
    ``counted`` that this wait was counted as blocked; ``slot`` is its place in the pacing of
    the session; ``canned`` names a fixed text to use instead of the model's.
    """

    id: str
    purpose: Purpose
    shop: str
    due: datetime
    expires_at: datetime
    order_code: str | None = None
    answers: tuple[str, ...] = ()
    since: datetime | None = None
    canned: str | None = None
    blocked: Reason | None = None
    counted: bool = False
    slot: datetime | None = None
    rewrites: int = 0


class Proactive(Struct, frozen=True, kw_only=True):
    """A proactive message that counts against the customer's cap."""

    id: str
    at: datetime


class OptOut(Struct, frozen=True, kw_only=True):
    """When and by whom the bot was told to be silent."""

    at: datetime
    by: Author


class NeedsPerson(Struct, frozen=True, kw_only=True):
    """Somebody at the shop should look here.

    ``told`` says that the customer knows it. ``summary`` is what happened, for whoever looks, and
    ``suggestion`` what might be answered; both come a moment later, and again when the customer
    writes on. ``helped``: a suggestion was made once.
    """

    reason: str
    since: datetime
    told: bool = False
    summary: str | None = None
    suggestion: str | None = None
    helped: bool = False


class Conversation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything the bot decides on for one person, over all shops of the seller.

    ``handed_back`` is when people last gave the chat back, ``stopped`` the id of what of ours a
    stop was last counted against, ``replies`` the times of the last hour's answers. ``heard_at`` is
    when they last wrote, ``no_whatsapp`` when their number was found to have none. ``strays`` are
    receipts of messages whose id we may yet learn. ``speech`` is the language of their last telling
    message, ``language`` the one we answer in. Nothing is started before ``paused_until``;
    ``asked_stop`` is when they were asked whether they want to be left alone, ``stop_question`` the
    id of the message that asks it. ``linked`` are orders whose review link was given. ``mood`` is
    how they are with what was bought, as the answer to our question with that id.
    """

    chat: str
    since: datetime
    phone: str | None = None
    lid: str | None = None
    name: str | None = None
    language: Language | None = None
    opt_out: OptOut | None = None
    owner: Owner = Owner.BOT
    person_at: datetime | None = None
    needs_person: NeedsPerson | None = None
    session: str | None = None
    orders: tuple[Order, ...] = ()
    messages: tuple[Message, ...] = ()
    pending: tuple[Pending, ...] = ()
    proactive: tuple[Proactive, ...] = ()
    fired: tuple[str, ...] = ()
    handed_back: datetime | None = None
    stopped: str | None = None
    replies: tuple[datetime, ...] = ()
    heard_at: datetime | None = None
    no_whatsapp: datetime | None = None
    strays: tuple[ReceiptCame, ...] = ()
    speech: Speech | None = None
    paused_until: datetime | None = None
    asked_stop: datetime | None = None
    stop_question: str | None = None
    linked: tuple[str, ...] = ()
    mood: tuple[str, Mood] | None = None

    def order(self, code: str | None) -> Order | None:
        """The order with this number, when we know it."""
        return next((order for order in self.orders if order.code == code), None)

    def message(self, id_: str) -> Message | None:
        """Our message with this id of ours."""
        return next((m for m in self.messages if m.id == id_), None)

    def theirs(self, short_id: str) -> Message | None:
        """The customer's message with this WhatsApp short id; the sender chooses it."""
        return next(
            (m for m in self.messages if m.message == short_id and m.author is Author.CUSTOMER),
            None,
        )

    def ours(self, short_id: str) -> Message | None:
        """The message from our number with this WhatsApp short id."""
        return next(
            (m for m in self.messages if m.message == short_id and m.author is not Author.CUSTOMER),
            None,
        )

    @property
    def unsettled(self) -> tuple[Message, ...]:
        """Texts that are written and not known to be out, in order."""
        return tuple(m for m in self.messages if m.sending is not None and m.status in OPEN)

    @property
    def answered(self) -> bool:
        """Whether they ever wrote to us: until then WhatsApp takes them for a new contact."""
        return self.heard_at is not None or any(m.author is Author.CUSTOMER for m in self.messages)


class Kind(StrEnum):
    """What a journal entry tells."""

    RECEIVED = "received"
    SCHEDULED = "scheduled"
    BLOCKED = "blocked"
    DROPPED = "dropped"
    WRITTEN = "written"
    SENT = "sent"
    DRY_RUN = "dry_run"
    UNCERTAIN = "uncertain"
    RETRYING = "retrying"
    FAILED = "failed"
    RECEIPT = "receipt"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    TAKEN_OVER = "taken_over"
    HANDED_BACK = "handed_back"
    PERSON_CALLED = "person_called"
    PERSON_SAID = "person_said"
    PAUSED = "paused"
    HEARD = "heard"
    SUMMED_UP = "summed_up"
    MERGED = "merged"
    ORDER = "order"


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the journal: what was decided or happened, why, until when, from what.

    ``counted`` says that it counts as blocked, ``mood`` what the customer told when asked, and
    ``new`` that the order was not heard of before. ``arm`` is the prompt, as ``purpose/arm``, whose
    words were sent, or are answered. ``emoji`` is what they put on ``message``, '' once they took
    it off.
    """

    at: datetime
    kind: Kind
    shop: str | None = None
    purpose: Purpose | None = None
    reason: str | None = None
    until: datetime | None = None
    message: str | None = None
    order_code: str | None = None
    facts: tuple[str, ...] = ()
    written: Written | None = None
    counted: bool = False
    mood: Mood | None = None
    new: bool = False
    arm: str | None = None
    emoji: str | None = None


def noted(message: Message, kind: Kind, *, now: datetime, reason: str | None = None) -> Entry:
    """The journal's line for what became of a message."""
    return Entry(
        at=now,
        kind=kind,
        shop=message.shop,
        purpose=message.purpose,
        message=message.id,
        order_code=message.order_code,
        reason=reason,
        arm=message.arm if kind is Kind.SENT else None,
    )


def dropped_entry(pending: Pending, reason: Reason, *, now: datetime, counted: bool) -> Entry:
    """The journal's line for a purpose that will not be spoken."""
    return Entry(
        at=now,
        kind=Kind.DROPPED,
        shop=pending.shop,
        purpose=pending.purpose,
        reason=reason,
        message=pending.id,
        order_code=pending.order_code,
        counted=counted,
    )


Folded = tuple[Conversation, tuple[Entry, ...]]
"""A conversation after a fact, and what the journal says about it."""


def derive_id(*cause: str) -> str:
    """An id that is a hash of its cause, so that a replay makes the same one."""
    return blake2b("\x1f".join(cause).encode(), digest_size=10).hexdigest()


def share(*cause: str) -> float:
    """A number in [0, 1) that is a hash of its cause: jitter without a draw."""
    digest = blake2b("\x1f".join(cause).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def with_message(conversation: Conversation, message: Message) -> Conversation:
    """``message`` added, or put in the place of the one with its id; kept in order of time.

    Of those of one moment, the first to be written stays the first.
    """
    known = {m.id: m for m in conversation.messages} | {message.id: message}
    return replace(conversation, messages=tuple(sorted(known.values(), key=lambda m: m.at)))


def without_message(conversation: Conversation, id_: str) -> Conversation:
    """``id_`` taken out: it was written, not sent, and is no longer true."""
    return replace(conversation, messages=tuple(m for m in conversation.messages if m.id != id_))


def with_pending(conversation: Conversation, pending: Pending) -> Conversation:
    """``pending`` added, or put in the place of the one with its id."""
    others = tuple(p for p in conversation.pending if p.id != pending.id)
    return replace(conversation, pending=(*others, pending))


def with_reply(conversation: Conversation, moment: datetime) -> Conversation:
    """An answer was written at ``moment``; those of the hour before are kept in mind."""
    lately = tuple(at for at in conversation.replies if moment - at < timedelta(hours=1))
    return replace(conversation, replies=(*lately, moment))


def without_pending(conversation: Conversation, id_: str) -> Conversation:
    """``id_`` no longer waits."""
    return replace(conversation, pending=tuple(p for p in conversation.pending if p.id != id_))


def without_proactive(conversation: Conversation, id_: str) -> Conversation:
    """The message ``id_`` certainly did not go: it does not count against the customer's cap."""
    return replace(conversation, proactive=tuple(p for p in conversation.proactive if p.id != id_))


def with_proactive_at(conversation: Conversation, id_: str, moment: datetime) -> Conversation:
    """The message ``id_`` went at ``moment``: the customer's cooldown counts from there."""
    return replace(
        conversation,
        proactive=tuple(
            Proactive(id=id_, at=moment) if p.id == id_ else p for p in conversation.proactive
        ),
    )


def places_freed(before: Conversation, after: Conversation) -> frozenset[str]:
    """Ids that hold no place under a shop's daily cap after a change.

    Only a proactive text that is written and has not failed holds one: not a purpose that
    waits, nor one that was dropped, nor a text that was thrown away or failed.
    """
    ids = {p.id for c in (before, after) for p in c.pending if p.purpose.proactive}
    ids |= {m.id for m in before.messages if m.purpose is not None and m.purpose.proactive}
    return frozenset(ids - {m.id for m in after.messages if m.status is not Status.FAILED})


def given_up(message: Message) -> bool:
    """Whether nothing more will be done about it unless a person asks for it."""
    unknown = message.status is Status.UNCERTAIN and message.sending is None
    return message.status is Status.FAILED or unknown


def newly_buried(before: Conversation, after: Conversation) -> tuple[Message, ...]:
    """Messages of ours that were given up with this change."""
    known = {m.id for m in before.messages if given_up(m)}
    return tuple(m for m in after.messages if given_up(m) and m.id not in known)


def newly_risen(before: Conversation, after: Conversation) -> frozenset[str]:
    """Ids of messages of ours that had been given up, and are no longer."""
    known = {m.id for m in before.messages if given_up(m)}
    return frozenset(m.id for m in after.messages if m.id in known and not given_up(m))


def newly_named(before: Conversation, after: Conversation) -> frozenset[str]:
    """Short ids of messages from our number that were not known before this change."""
    known = {m.message for m in before.messages}
    named = {m.message for m in after.messages if m.author is not Author.CUSTOMER}
    return frozenset(name for name in named - known if name is not None)


def split_archive(conversation: Conversation) -> tuple[Conversation, tuple[Message, ...]]:
    """The conversation with its newest messages, and the settled older ones to be archived."""
    surplus = len(conversation.messages) - LIVE_MESSAGES
    if surplus <= 0:
        return conversation, ()
    old, live = conversation.messages[:surplus], conversation.messages[surplus:]
    unsettled = conversation.unsettled
    kept = tuple(m for m in old if m in unsettled)
    archived = tuple(m for m in old if m not in unsettled)
    return replace(conversation, messages=(*kept, *live)), archived


OFF_STAGES = frozenset({Stage.CANCELLING, Stage.CANCELLED, Stage.RETURN_REQUESTED, Stage.RETURNED})
"""Stages in which nothing proactive is said about an order."""
