"""When a person at the shop should answer, and how the customer is told so, once."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from app.domain.concerns import concern_of
from app.domain.conversation import (
    OFF_STAGES,
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    NeedsPerson,
    Pending,
    Status,
    derive_id,
    dropped_entry,
    given_up,
    with_pending,
    without_pending,
)
from app.domain.language import normalise
from app.domain.meaning import Concern
from app.domain.rules import (
    ASKING,
    BEST_BEFORE,
    FAILED_AMONG,
    FAILED_ANSWERS,
    Purpose,
    Reason,
    Rules,
)
from app.domain.speaking import in_cyrillic_letters

GRAVE = frozenset({Concern.REFUND, Concern.COMPLAINT, Concern.LEGAL, Concern.HEALTH, Concern.ANGER})
"""What upsets a customer: nothing is asked of them until a person has dealt with it."""

TWO_FAILED = "two_failed"
"""Why a person is called when the bot did not understand twice."""

UNCONFIRMED = "unconfirmed"
"""Why a person is called when nobody knows whether a message went."""

APOLOGY, HAND_OFF = "apology", "handoff"
"""The fixed texts of a notice: sorry and a person, or a person."""

ANSWERS = frozenset({Purpose.REPLY, Purpose.HANDOFF_NOTICE})
"""Purposes that answer what the customer has written."""

_TELLING_WORDS = 2
"""Words from which the same message again is a question that was not answered."""


def call_person(
    conversation: Conversation, reason: str, *, now: datetime, told: bool = False
) -> Folded:
    """Somebody at the shop should look here; the first reason stays, unless a graver one comes.

    Of that the customer has not been ``told`` by what was said of the first.
    """
    known = conversation.needs_person
    if known is not None and not (reason in GRAVE and known.reason not in GRAVE):
        return replace(conversation, needs_person=replace(known, told=known.told or told)), ()
    person = NeedsPerson(reason=reason, since=known.since if known else now, told=told)
    conversation = replace(conversation, needs_person=person)
    shop = conversation.messages[-1].shop if conversation.messages else None
    return conversation, (Entry(at=now, kind=Kind.PERSON_CALLED, shop=shop, reason=reason),)


def not_told(conversation: Conversation) -> Conversation:
    """The notice did not go after all: the next one is due again."""
    person = conversation.needs_person
    if person is None:
        return conversation
    return replace(conversation, needs_person=replace(person, told=False))


def looked_into(conversation: Conversation, id_: str | None) -> Conversation:
    """It is known what became of what may have gone: no person is needed for it, unless there is
    more of it, or the customer wrote since, and the call stands for that too.
    """
    called, heard_at = conversation.needs_person, conversation.heard_at
    others = (m for m in conversation.messages if m.id != id_ and m.status is Status.UNCERTAIN)
    if called is None or called.reason != UNCONFIRMED or any(map(given_up, others)):
        return conversation
    if heard_at is not None and heard_at > called.since:
        return conversation
    return replace(conversation, needs_person=None)


def knows_already(conversation: Conversation, reason: str) -> bool:
    """Whether the customer was told that a person will answer, and of nothing less grave."""
    person = conversation.needs_person
    return person is not None and person.told and (person.reason in GRAVE or reason not in GRAVE)


def is_upset(conversation: Conversation) -> bool:
    """Whether a person was called because of something grave, and has not been here yet."""
    person = conversation.needs_person
    return person is not None and person.reason in GRAVE


def reason_to_call(
    conversation: Conversation, message: Message, *, unhappy: bool, stated: bool
) -> str | None:
    """Why a person should answer ``message``, or None. ``unhappy``: so they said when asked.

    Anger alone calls nobody where nothing was bought, nor does a question about returns where the
    shop has ``stated`` its rule, and one misunderstanding is no failure yet.
    """
    concern = concern_of(in_cyrillic_letters(message.text))
    bought = any(order.stage not in OFF_STAGES for order in conversation.orders)
    if concern is Concern.ANGER and not bought:
        concern = None
    if concern is Concern.REFUND and not bought and stated and "?" in message.text:
        concern = None
    if concern not in (None, Concern.MISUNDERSTOOD):
        return concern
    if unhappy:
        return Concern.COMPLAINT
    return TWO_FAILED if _failed_twice(conversation, message) else None


def hand_over(
    conversation: Conversation, message: Message, reason: str, *, now: datetime, rules: Rules
) -> Folded:
    """A person is called and the customer told so, together with what else waits for an answer.

    Who knows already is not told again: a second notice would be noise.
    """
    told = knows_already(conversation, reason)
    conversation, entries = called_for(conversation, reason, now=now, told=True)
    if not told:
        conversation = with_pending(
            conversation, _notice(conversation, message, reason, now=now, rules=rules)
        )
    return conversation, entries


def called_for(
    conversation: Conversation, reason: str, *, now: datetime, told: bool = False
) -> Folded:
    """A person is called, and what would ask something of an upset customer is dropped."""
    conversation, entries = call_person(conversation, reason, now=now, told=told)
    if reason not in GRAVE:
        return conversation, entries
    conversation, dropped = _asked_no_more(conversation, now=now)
    return conversation, (*entries, *dropped)


def waiting_answer(conversation: Conversation) -> Pending | None:
    """What waits to be said to the customer's last words, if it does."""
    return next((p for p in conversation.pending if p.since and p.purpose in ANSWERS), None)


def answers_with(waiting: Pending | None, message: Message) -> tuple[str, ...]:
    """The ids of what is answered together, each once."""
    return tuple(dict.fromkeys((*(waiting.answers if waiting else ()), message.id)))


def due_after(waiting: Pending | None, *, now: datetime, rules: Rules) -> datetime:
    """When the customer has probably finished."""
    since = waiting.since if waiting and waiting.since else now
    return max(now, min(now + rules.debounce, since + rules.debounce_max))


def _notice(
    conversation: Conversation, message: Message, reason: str, *, now: datetime, rules: Rules
) -> Pending:
    waiting = waiting_answer(conversation)
    return Pending(
        id=waiting.id if waiting else derive_id("reply", message.id),
        purpose=Purpose.HANDOFF_NOTICE,
        shop=message.shop,
        due=due_after(waiting, now=now, rules=rules),
        expires_at=now + BEST_BEFORE[Purpose.HANDOFF_NOTICE],
        answers=answers_with(waiting, message),
        since=waiting.since if waiting else now,
        canned=APOLOGY if reason in GRAVE - {Concern.LEGAL} else HAND_OFF,
        counted=waiting.counted if waiting else False,
    )


def _asked_no_more(conversation: Conversation, *, now: datetime) -> Folded:
    """What would ask an upset customer for a review, or to buy again, is dropped."""
    entries: list[Entry] = []
    for pending in conversation.pending:
        if pending.purpose in ASKING:
            conversation = without_pending(conversation, pending.id)
            entries.append(
                dropped_entry(pending, Reason.UPSET, now=now, counted=not pending.counted)
            )
    return conversation, tuple(entries)


def _failed_twice(conversation: Conversation, message: Message) -> bool:
    """Whether this message, and another one lately, say that an answer did not help."""
    back = conversation.handed_back
    lately = [m for m in conversation.messages if back is None or m.at > back]
    theirs = [m for m in lately if m.author is Author.CUSTOMER][-FAILED_AMONG:]
    failed = [m.id for m in theirs if _was_failed(m, lately)]
    return message.id in failed and len(failed) >= FAILED_ANSWERS


def _was_failed(message: Message, lately: list[Message]) -> bool:
    """They say that they were not understood, or ask once more what the bot has answered."""
    if not any(m.author is Author.BOT and m.at < message.at for m in lately):
        return False
    if concern_of(in_cyrillic_letters(message.text)) is Concern.MISUNDERSTOOD:
        return True
    words = normalise(message.text)
    if len(words.split()) < _TELLING_WORDS:
        return False
    before = [m for m in lately if m.at < message.at - timedelta(seconds=1)]
    same = (m for m in before if m.author is Author.CUSTOMER and normalise(m.text) == words)
    asked = next(same, None)
    return asked is not None and any(
        m.author is Author.BOT and m.purpose is Purpose.REPLY and asked.at < m.at for m in before
    )
