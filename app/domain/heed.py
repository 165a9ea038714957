"""What a customer's words come to: a stop, a call for a person, or something to be answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from app.domain.asked import asked_about, mood_in
from app.domain.concerns import concern_of
from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Owner,
    Pending,
    Status,
    derive_id,
    noted,
    with_pending,
)
from app.domain.events import SPOKEN, Media
from app.domain.hand_over import (
    answers_with,
    call_person,
    called_for,
    due_after,
    hand_over,
    knows_already,
    reason_to_call,
    waiting_answer,
)
from app.domain.language import normalise
from app.domain.meaning import Concern, Mood, Topic
from app.domain.policy import owner_at
from app.domain.rules import (
    BEST_BEFORE,
    MEANWHILE,
    REPLIES_AN_HOUR,
    SAME_WORDS,
    Purpose,
    Rules,
)
from app.domain.silence import (
    HELP,
    agrees_to_stop,
    asked_about_stop,
    fixed,
    may_ask_about_stop,
    no_longer_answered,
    opted_in,
    opted_out,
    paused,
)
from app.domain.topics import topics_of
from app.domain.wishes import Wish, wish_of

_WORDLESS = {
    Media.VOICE: "voice",
    Media.AUDIO: "voice",
    Media.IMAGE: "picture",
    Media.VIDEO: "picture",
    Media.DOCUMENT: "file",
    Media.CONTACT: "file",
    Media.LOCATION: "location",
}
"""The fixed text that answers what came without words."""


_OF_OUR_MAIL = frozenset({Topic.DISCOUNT, Topic.REVIEW})
"""What a stop may speak of without asking for it: «не присылайте скидки»."""

_OF_BEING_WRITTEN_TO = frozenset({Concern.ANGER, Concern.COMPLAINT})
_ABOUT_US = 3
"""Words up to which anger that may be a stop is about being written to."""

_TOLD_OF_MEDIA = timedelta(hours=1)
"""How long one honest text stands for every picture that follows."""


def heed(
    conversation: Conversation, message: Message, *, late: bool, now: datetime, rules: Rules
) -> Folded:
    """A stop and a start are heeded at once, however late; the rest is to be answered."""
    wish = _wish(conversation, message, rules)
    if wish is Wish.STOP:
        return _stopped(conversation, message, late=late, now=now, rules=rules)
    if wish is Wish.START:
        since = conversation.opt_out.at if conversation.opt_out else message.at
        newer = not late and message.at >= since
        return opted_in(conversation, message, now=now) if newer else (conversation, ())
    entries: tuple[Entry, ...] = ()
    if wish is Wish.MAYBE_STOP:
        conversation, entries = paused(conversation, message, now=now)
    if message.media is Media.STICKER:
        return conversation, (*entries, _unanswered(message, reason="sticker", now=now))
    if late:
        reason = why_a_person(conversation, message, rules) or "late"
        conversation, called = called_for(conversation, reason, now=now)
        return conversation, (*entries, *called)
    conversation, answered = _answer(conversation, message, wish, now=now, rules=rules)
    return conversation, (*entries, *answered)


def _wish(conversation: Conversation, message: Message, rules: Rules) -> Wish | None:
    """What the message wishes; a yes to our question whether they want to be left alone is one.

    Who was not understood speaks of an answer, not of being written to.
    """
    wish = wish_of(message.text, rules.opt_out_words)
    if wish is None and agrees_to_stop(conversation, message):
        return Wish.STOP
    if wish is Wish.MAYBE_STOP and concern_of(message.text) is Concern.MISUNDERSTOOD:
        return None
    return wish


def _stopped(
    conversation: Conversation, message: Message, *, late: bool, now: datetime, rules: Rules
) -> Folded:
    """A stop that also complains calls a person, and one that also asks is answered: only what we
    start has ended.
    """
    words = rules.opt_out_words
    reason = why_a_person(conversation, message, rules)
    conversation, entries = opted_out(conversation, message, late=late, now=now, stop_words=words)
    if reason is not None:
        conversation, called = called_for(conversation, reason, now=now)
        return conversation, (*entries, *called)
    topics = set(topics_of(message.text)) - _OF_OUR_MAIL
    asks = topics if "?" in message.text else topics & {Topic.ORDER_STATUS}
    if late or not asks:
        return conversation, entries
    conversation, more = to_be_answered(conversation, message, now=now, rules=rules)
    return conversation, (*entries, *more)


def _answer(
    conversation: Conversation,
    message: Message,
    wish: Wish | None,
    *,
    now: datetime,
    rules: Rules,
) -> Folded:
    if wish is Wish.HELP and not _floods(conversation, now=now):
        conversation = no_longer_answered(conversation, message.id)
        return with_pending(conversation, fixed(message, Purpose.REPLY, now=now, canned=HELP)), ()
    if _answered_meanwhile(conversation, message, now=now):
        return conversation, (_unanswered(message, reason="person_answered", now=now),)
    reason = why_a_person(conversation, message, rules)
    if wish is Wish.MAYBE_STOP and reason in _OF_BEING_WRITTEN_TO and _is_of_us(message.text):
        reason = None
    called: tuple[Entry, ...] = ()
    if reason is not None:
        knew = knows_already(conversation, reason)
        conversation, called = hand_over(conversation, message, reason, now=now, rules=rules)
        if not knew:
            return conversation, called
    elif wish is Wish.MAYBE_STOP and not _asks(message.text):
        return _left_alone(conversation, message, now=now, rules=rules)
    if _goes_in_circles(conversation, message):
        return _left_to_people(conversation, message, reason="loop", now=now)
    if _floods(conversation, now=now):
        return _left_to_people(conversation, message, reason="flood", now=now)
    conversation, entries = to_be_answered(conversation, message, now=now, rules=rules)
    if wish is Wish.MAYBE_STOP and may_ask_about_stop(conversation, now):
        waiting = waiting_answer(conversation)
        asking = waiting.id if waiting is not None else None
        conversation = replace(conversation, asked_stop=now, stop_question=asking)
    return conversation, (*called, *entries)


def _left_to_people(
    conversation: Conversation, message: Message, *, reason: str, now: datetime
) -> Folded:
    """The bot says no more to this; who was called before is not called again."""
    conversation, called = call_person(conversation, reason, now=now)
    return conversation, called or (_unanswered(message, reason=reason, now=now),)


def _unanswered(message: Message, *, reason: str, now: datetime) -> Entry:
    """The journal's line for a message that the bot does not answer."""
    entry = noted(message, Kind.DROPPED, now=now, reason=reason)
    return replace(entry, purpose=Purpose.REPLY)


def _is_of_us(text: str) -> bool:
    """«Надоели», «вы ошиблись номером»: about being written to rather than about a purchase."""
    short = len(normalise(text).split()) <= _ABOUT_US
    return not _asks(text) and (short or "номер" in normalise(text))


def _asks(text: str) -> bool:
    """Whether a text that may be a stop also wants an answer."""
    return "?" in text or bool(set(topics_of(text)) - _OF_OUR_MAIL)


def _left_alone(
    conversation: Conversation, message: Message, *, now: datetime, rules: Rules
) -> Folded:
    """They may want to be left alone and ask nothing: they are asked about it once, or left."""
    bots = owner_at(conversation, now, rules) is Owner.BOT
    if bots and may_ask_about_stop(conversation, now):
        return asked_about_stop(conversation, message, now=now)
    return no_longer_answered(conversation, message.id), ()


def why_a_person(conversation: Conversation, message: Message, rules: Rules) -> str | None:
    """Why a person should answer ``message``; None where the bot does."""
    asked = asked_about(conversation, at=message.at)
    unhappy = mood_in(message.text, asked) is Mood.BAD
    stated = any(stated.topic is Topic.RETURNS for stated in rules.shop(message.shop).stated)
    return reason_to_call(conversation, message, unhappy=unhappy, stated=stated)


def _answered_meanwhile(conversation: Conversation, message: Message, *, now: datetime) -> bool:
    """Whether it was on the way so long that a later word of ours has answered it."""
    return now - message.at > MEANWHILE and any(
        m.at > message.at
        and m.author is Author.PERSON  # an answer of ours answers what we knew of
        and m.status not in (Status.QUEUED, Status.UNCERTAIN, Status.FAILED)
        for m in conversation.messages
    )


def _goes_in_circles(conversation: Conversation, message: Message) -> bool:
    """Whether another machine answers ours: the same words again and again."""
    theirs = [m for m in conversation.messages if m.author is Author.CUSTOMER][-SAME_WORDS:]
    words = normalise(message.text)
    return (
        bool(words)
        and len(theirs) == SAME_WORDS
        and all(normalise(m.text) == words for m in theirs)
    )


def _floods(conversation: Conversation, *, now: datetime) -> bool:
    """Whether so much was answered lately that a person should look before more is."""
    lately = [at for at in conversation.replies if now - at < timedelta(hours=1)]
    return len(lately) >= REPLIES_AN_HOUR


def to_be_answered(
    conversation: Conversation, message: Message, *, now: datetime, rules: Rules
) -> Folded:
    """Into the answer that already waits, or into a new one: both are answered together."""
    waiting = waiting_answer(conversation)
    silent = not message.text.strip() and message.attachment is None
    wordless = silent and (waiting is None or waiting.canned is not None)
    if silent and waiting is None and _was_told_of_media(conversation, now):
        return conversation, (_unanswered(message, reason="media_told", now=now),)
    notice = waiting is not None and waiting.purpose is Purpose.HANDOFF_NOTICE
    canned = _WORDLESS.get(message.media, "reply") if wordless and message.media else None
    pending = Pending(
        id=waiting.id if waiting else derive_id("reply", message.id),
        purpose=waiting.purpose if waiting else Purpose.REPLY,
        shop=message.shop,
        due=due_after(waiting, now=now, rules=rules),
        expires_at=now + BEST_BEFORE[waiting.purpose if waiting else Purpose.REPLY],
        answers=answers_with(waiting, message),
        since=waiting.since if waiting else now,
        canned=waiting.canned if waiting and notice else canned or ("reply" if wordless else None),
        counted=waiting.counted if waiting else False,
        rewrites=waiting.rewrites if waiting else 0,
    )
    conversation = with_pending(conversation, pending)
    unseen = message.media is not None and message.media not in SPOKEN
    if not (silent or unseen):
        return conversation, ()
    told = not message.text.strip()
    return call_person(conversation, f"media:{message.media or 'empty'}", now=now, told=told)


def _was_told_of_media(conversation: Conversation, now: datetime) -> bool:
    """Whether they know since a while that a person looks at what the bot cannot."""
    person = conversation.needs_person
    known = person is not None and person.told and person.reason.startswith("media:")
    return known and person is not None and now - person.since < _TOLD_OF_MEDIA
