"""What whoever takes a chat over is shown: the question as it stands, a summary, a suggestion."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from app.domain.brief import Brief, brief_for
from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Pending,
    Status,
    Written,
    derive_id,
)
from app.domain.rules import BEST_BEFORE, Purpose, Rules, Shop
from app.domain.shops import shop_spoken_with

_MOST_ASKED = 5
"""Messages of the customer that are summed up."""


def needs_summary(conversation: Conversation) -> bool:
    """Whether a person was called and has not been told yet what it is about."""
    person = conversation.needs_person
    return person is not None and person.summary is None


def brief_of_call(conversation: Conversation, *, now: datetime, rules: Rules) -> Brief:
    """What there is to answer: all that the customer wrote since a person last did."""
    theirs = [message.id for message in _since_a_person(conversation)]
    asked = Pending(
        id=derive_id("summary", conversation.chat),
        purpose=Purpose.REPLY,
        shop=shop_called(conversation, rules).id,
        due=now,
        expires_at=now + BEST_BEFORE[Purpose.REPLY],
        answers=tuple(reversed(theirs[:_MOST_ASKED])),
    )
    return brief_for(conversation, asked, now=now, rules=rules)


def shop_called(conversation: Conversation, rules: Rules) -> Shop:
    """The shop whose person is called: the one they wrote to, whichever has spoken since."""
    newest = next(iter(_since_a_person(conversation)), None)
    if newest is not None and newest.shop in {shop.id for shop in rules.shops}:
        return rules.shop(newest.shop)
    return shop_spoken_with(conversation, conversation.session, rules)


def _since_a_person(conversation: Conversation) -> list[Message]:
    """What they wrote since a person answered last, newest first."""
    theirs = []
    for message in reversed(conversation.messages):
        if message.author is Author.PERSON and message.status is not Status.FAILED:
            break
        if message.author is Author.CUSTOMER and not message.revoked:
            theirs.append(message)
    return theirs


def summed_up(
    conversation: Conversation,
    *,
    summary: str,
    suggestion: str | None,
    written: Written | None,
    shop: str,
    now: datetime,
) -> Folded:
    """The summary is kept with the call; what it cost is told."""
    person = conversation.needs_person
    if person is None or person.summary is not None:
        return conversation, ()
    known = replace(person, summary=summary, suggestion=suggestion, helped=True)
    entry = Entry(
        at=now,
        kind=Kind.SUMMED_UP,
        shop=shop,
        purpose=Purpose.HANDOFF_NOTICE,
        reason=person.reason,
        written=written,
    )
    return replace(conversation, needs_person=known), (entry,)
