"""What a person does with what waits and what failed: cancel, send now, dismiss."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Kind,
    Message,
    NeedsPerson,
    Owner,
    Pending,
    Proactive,
    Sending,
    Status,
    given_up,
    newly_buried,
    places_freed,
    with_message,
)
from app.domain.decide import Write, decide, overtaken, unspoken
from app.domain.events import Act, OperatorActed, Receipt, ReceiptCame, Stage
from app.domain.fold import fold
from app.domain.people_acts import DISMISSED, HURRIED, HeldBack, held_back, may_be_acted_on
from app.domain.policy import Allow, may_speak, sent_in_window
from app.domain.rules import Purpose, Reason, Rules
from app.domain.sending import due_texts, receipt_came
from app.domain.session import Session
from app.domain.tally import tally
from tests.builders import (
    NOON,
    RULES,
    after,
    ordered,
    ours,
    person,
    spoke,
    waiting,
    wrote,
)
from tests.strategies import PROVING, acts, known, moments

WORKS = {"default": Session(name="default", status="WORKING")}
DAY = timedelta(days=1)
NIGHT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
"""22:00 in Almaty."""
REVIEW = waiting(Purpose.REVIEW_REQUEST, due=NOON + 2 * DAY)


def done(
    act: Act, id_: str, conversation: Conversation, *, now: datetime = NOON, rules: Rules = RULES
) -> tuple[Conversation, tuple[Entry, ...]]:
    event = OperatorActed(id=f"op:{act}", at=now, received_at=now, act=act, message=id_)
    return fold(conversation, event, now=now, rules=rules)


def writes(conversation: Conversation, *, now: datetime = NOON) -> str | None:
    """What would be written now, by its id."""
    decision = decide(conversation, now=now, rules=RULES, sessions=WORKS)
    return decision.write.pending.id if decision.write else None


def queued(**sending: object) -> Message:
    """A text of ours that was written and not tried, good for a day."""
    known = {"not_before": NOON, "expires_at": NOON + DAY} | sending
    return replace(ours(Status.QUEUED, None), sending=Sending(**known))  # type: ignore[arg-type]


# --- cancel -----------------------------------------------------------------------------------


def test_what_is_cancelled_is_not_said_and_the_journal_says_why() -> None:
    talked, (entry,) = done(Act.CANCEL, REVIEW.id, person(pending=(REVIEW,)))
    assert talked.pending == ()
    assert (entry.kind, entry.reason) == (Kind.DROPPED, Reason.CANCELLED)
    assert (entry.purpose, entry.order_code) == (Purpose.REVIEW_REQUEST, "912000001")
    assert (entry.message, entry.counted) == (REVIEW.id, True)


def test_what_was_counted_as_blocked_is_not_counted_again() -> None:
    blocked = replace(REVIEW, blocked=Reason.COOLDOWN, counted=True)
    talked = person(pending=(blocked,), messages=(queued(counted=True),))
    for id_ in (REVIEW.id, "ours"):
        _, entries = done(Act.CANCEL, id_, talked)
        assert len(entries) == 1
        assert tally(entries) == {}


def test_what_is_cancelled_never_comes_again() -> None:
    bought = after(ordered(Stage.PAID))
    (thanks,) = bought.pending
    cancelled, _ = done(Act.CANCEL, thanks.id, bought)
    again = after(ordered(Stage.PAID), ordered(Stage.ACCEPTED), conversation=cancelled)
    assert cancelled.pending == again.pending == ()
    assert cancelled.fired == bought.fired


def test_only_what_was_meant_is_cancelled() -> None:
    delivered = after(ordered(Stage.DELIVERED))
    first, second = delivered.pending
    assert done(Act.CANCEL, second.id, delivered)[0].pending == (first,)
    assert done(Act.CANCEL, "nobody's", delivered) == (delivered, ())


def test_a_text_that_was_not_tried_is_cancelled_and_gives_its_places_back() -> None:
    text = queued()
    talked = person(messages=(text,), proactive=(Proactive(id=text.id, at=NOON),))
    cancelled, (entry,) = done(Act.CANCEL, text.id, talked)
    assert cancelled.messages == ()
    assert sent_in_window(cancelled, NOON, RULES) == 0
    assert places_freed(talked, cancelled) == {text.id}
    assert (entry.kind, entry.reason, entry.counted) == (Kind.DROPPED, Reason.CANCELLED, True)


def test_the_place_of_a_purpose_without_words_is_free_too() -> None:
    talked = person(pending=(REVIEW,))
    assert places_freed(talked, done(Act.CANCEL, REVIEW.id, talked)[0]) == {REVIEW.id}


def test_a_text_that_certainly_did_not_go_may_be_cancelled() -> None:
    text = queued(attempts=2, not_before=NOON + timedelta(minutes=5))
    assert done(Act.CANCEL, text.id, person(messages=(text,)))[0].messages == ()


def test_a_persons_own_words_may_be_cancelled_while_they_wait() -> None:
    text = replace(queued(blocked=Reason.SESSION_DOWN), author=Author.PERSON, purpose=None)
    cancelled, (entry,) = done(Act.CANCEL, text.id, person(messages=(text,)))
    assert cancelled.messages == ()
    assert entry.counted is False


@pytest.mark.parametrize(
    "message",
    [
        ours(Status.QUEUED),
        ours(Status.UNCERTAIN),
        replace(queued(), status=Status.UNCERTAIN),
        ours(Status.SENT),
        ours(Status.FAILED, None),
    ],
    ids=lambda message: message.status,
)
@pytest.mark.parametrize("act", [Act.CANCEL, Act.SEND_NOW])
def test_what_is_under_way_or_over_is_left_as_it_is(act: Act, message: Message) -> None:
    talked = person(messages=(message,), proactive=spoke(1))
    assert may_be_acted_on(talked, message.id) is False
    assert done(act, message.id, talked, now=NOON + DAY) == (talked, ())


def test_an_answer_that_is_being_written_is_thrown_away() -> None:
    asked = after(wrote("Где мой заказ?"))
    due = asked.pending[0].due
    decision = decide(asked, now=due, rules=RULES, sessions=WORKS)
    assert isinstance(decision.write, Write)
    cancelled, entries = done(Act.CANCEL, decision.write.pending.id, asked, now=due)
    write = decision.write
    assert overtaken(cancelled, write, now=due, rules=RULES, sessions=WORKS) is cancelled
    assert tally(entries) == {}


def test_when_the_notice_is_cancelled_the_customer_was_told_nothing() -> None:
    notice = waiting(Purpose.HANDOFF_NOTICE)
    called = person(pending=(notice,), needs_person=NeedsPerson(reason="x", since=NOON, told=True))
    cancelled, _ = done(Act.CANCEL, notice.id, called)
    assert cancelled.needs_person == NeedsPerson(reason="x", since=NOON, told=False)


# --- send now ---------------------------------------------------------------------------------


def test_what_was_for_later_goes_now_and_the_journal_says_that_a_person_wants_it() -> None:
    talked = person(pending=(REVIEW,))
    assert writes(talked) is None
    hurried, (entry,) = done(Act.SEND_NOW, REVIEW.id, talked)
    assert writes(hurried) == REVIEW.id
    assert (entry.kind, entry.reason, entry.until) == (Kind.SCHEDULED, HURRIED, NOON)
    assert hurried.pending[0].expires_at == REVIEW.expires_at
    assert tally([entry]) == {}


def test_at_night_it_waits_for_the_morning_and_says_so() -> None:
    hurried, (entry,) = done(Act.SEND_NOW, REVIEW.id, person(pending=(REVIEW,)), now=NIGHT)
    (waits,) = hurried.pending
    assert (entry.kind, entry.reason) == (Kind.BLOCKED, Reason.QUIET_HOURS)
    assert waits.blocked is Reason.QUIET_HOURS
    assert waits.due == entry.until
    assert NIGHT + timedelta(hours=11) <= waits.due <= NIGHT + timedelta(hours=12)
    assert tally([entry])["blocked:quiet_hours"] == 1


def test_in_the_morning_it_does_not_wait_for_its_place_in_the_spread() -> None:
    nine = NIGHT + timedelta(hours=11)
    waits = replace(
        REVIEW, due=nine + timedelta(minutes=39), blocked=Reason.QUIET_HOURS, counted=True
    )
    hurried, entries = done(Act.SEND_NOW, waits.id, person(pending=(waits,)), now=nine)
    assert writes(hurried, now=nine) == waits.id
    assert (hurried.pending[0].blocked, hurried.pending[0].counted) == (None, True)
    assert tally(entries) == {}


def test_the_day_between_two_messages_holds() -> None:
    talked = person(pending=(REVIEW,), proactive=spoke(1))
    hurried, (entry,) = done(Act.SEND_NOW, REVIEW.id, talked)
    assert hurried.pending[0].due == NOON + timedelta(hours=23)
    assert (entry.reason, entry.until) == (Reason.COOLDOWN, NOON + timedelta(hours=23))
    assert writes(hurried) is None


def test_it_never_waits_longer_for_having_been_hurried() -> None:
    soon = replace(REVIEW, due=NOON + timedelta(hours=2), expires_at=NOON + 3 * DAY)
    hurried, _ = done(Act.SEND_NOW, soon.id, person(pending=(soon,), proactive=spoke(1)))
    assert hurried.pending[0].due == soon.due


@pytest.mark.parametrize(
    ("about", "rules", "reason"),
    [
        ({"proactive": spoke(25, 26, 27)}, RULES, Reason.CUSTOMER_CAP),
        ({"needs_person": NeedsPerson(reason="refund", since=NOON)}, RULES, Reason.UPSET),
        ({"no_whatsapp": NOON}, RULES, Reason.NOT_ON_WHATSAPP),
        ({}, Rules(enabled=False), Reason.DISABLED),
        ({}, Rules(off=frozenset({Purpose.REVIEW_REQUEST})), Reason.DISABLED),
    ],
)
def test_what_would_be_dropped_for_the_hurry_keeps_its_time(
    about: dict[str, object], rules: Rules, reason: Reason
) -> None:
    talked = person(pending=(REVIEW,), **about)
    hurried, (entry,) = done(Act.SEND_NOW, REVIEW.id, talked, rules=rules)
    assert hurried == talked
    assert (entry.kind, entry.reason, entry.until) == (Kind.BLOCKED, reason, REVIEW.due)
    assert entry.counted is False


def test_people_who_own_the_chat_are_not_talked_over() -> None:
    talked = person(pending=(REVIEW,), owner=Owner.PEOPLE, person_at=NOON)
    hurried, (entry,) = done(Act.SEND_NOW, REVIEW.id, talked)
    assert entry.reason == Reason.PEOPLE_OWN_CHAT
    assert hurried.pending[0].due == NOON + RULES.handoff


def test_an_answer_does_not_wait_for_the_customer_to_finish() -> None:
    asked = after(wrote("Где мой заказ?"))
    (reply,) = asked.pending
    assert writes(asked) is None
    assert writes(done(Act.SEND_NOW, reply.id, asked)[0]) == reply.id


def test_a_place_in_the_pace_of_the_session_is_kept() -> None:
    slot = NOON + timedelta(minutes=10)
    paced = replace(waiting(Purpose.POST_PURCHASE, due=slot), blocked=Reason.PACE, slot=slot)
    hurried, _ = done(Act.SEND_NOW, paced.id, person(pending=(paced,)))
    assert (hurried.pending[0].due, hurried.pending[0].slot) == (NOON, slot)
    text = queued(not_before=slot, slot=slot)
    talked = person(messages=(text,))
    assert done(Act.SEND_NOW, text.id, talked) == (talked, ())


def test_a_text_that_waits_to_be_tried_again_is_tried_now() -> None:
    text = queued(not_before=NOON + timedelta(minutes=5), attempts=3)
    talked = person(messages=(text,))
    assert due_texts(talked, NOON) == ()
    hurried, (entry,) = done(Act.SEND_NOW, text.id, talked)
    assert [m.id for m in due_texts(hurried, NOON)] == [text.id]
    assert (entry.kind, entry.reason, entry.until) == (Kind.SCHEDULED, HURRIED, NOON)


@pytest.mark.parametrize(
    "text",
    [
        queued(),
        queued(not_before=NOON - timedelta(hours=1)),
        queued(blocked=Reason.SESSION_DOWN, not_before=NOON + timedelta(hours=1)),
    ],
)
def test_what_is_due_already_is_not_hurried(text: Message) -> None:
    held = replace(waiting(Purpose.POST_PURCHASE), blocked=Reason.SESSION_DOWN)
    talked = person(pending=(held,), messages=(text,))
    for id_ in (held.id, "ours"):
        assert done(Act.SEND_NOW, id_, talked) == (talked, ())


# --- dismiss ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNCERTAIN])
def test_a_message_that_was_dismissed_stays_as_it_is(status: Status) -> None:
    lost = replace(ours(status), sending=None, failure="unconfirmed")
    talked = with_message(person(), lost)
    seen, (entry,) = done(Act.DISMISS, lost.id, talked)
    assert seen == talked
    assert given_up(lost)
    assert newly_buried(talked, seen) == ()
    assert (entry.kind, entry.reason, entry.message) == (Kind.DROPPED, DISMISSED, lost.id)
    assert (entry.purpose, tally([entry])) == (Purpose.POST_PURCHASE, {})


def test_facts_that_were_dismissed_are_told_of_in_the_journal() -> None:
    seen, (entry,) = done(Act.DISMISS, "a grave", person())
    assert seen == person()
    assert (entry.kind, entry.reason, entry.message) == (Kind.DROPPED, DISMISSED, "a grave")


# --- whatever there is ------------------------------------------------------------------------

MINE = (Act.CANCEL, Act.SEND_NOW, Act.DISMISS)


@PROVING
@given(known(), acts(among=MINE), moments(), st.integers(1, 5000))
def test_what_a_person_does_with_one_message_is_done_to_it_alone_and_once(
    talked: Conversation, act: OperatorActed, now: datetime, minutes: int
) -> None:
    once, entries = fold(talked, act, now=now, rules=RULES)
    twice, more = fold(once, act, now=now, rules=RULES)
    assert twice == once
    assert tally(more) == {}
    assert {entry.message for entry in entries} <= {act.message}
    assert [m for m in once.messages if m.id != act.message] == [
        m for m in talked.messages if m.id != act.message
    ]
    assert [p for p in once.pending if p.id != act.message] == [
        p for p in talked.pending if p.id != act.message
    ]
    assert (once.fired, once.opt_out, once.owner) == (talked.fired, talked.opt_out, talked.owner)
    if act.act is Act.CANCEL:
        much_later = now + timedelta(minutes=minutes)
        assert fold(once, act, now=much_later, rules=RULES) == (once, ())


@PROVING
@given(known(), acts(among=(Act.SEND_NOW,)), moments())
def test_nothing_is_lost_and_nothing_comes_later_for_being_hurried(
    talked: Conversation, act: OperatorActed, now: datetime
) -> None:
    act = replace(act, at=now)
    hurried, _ = fold(talked, act, now=now, rules=RULES)
    assert {p.id for p in hurried.pending} == {p.id for p in talked.pending}
    assert {m.id for m in hurried.messages} == {m.id for m in talked.messages}
    before: dict[str, Pending] = {p.id: p for p in talked.pending}
    for pending in hurried.pending:
        assert pending.due <= before[pending.id].due
    for message in hurried.messages:
        known_as = talked.message(message.id)
        assert known_as is not None
        if message.sending is not None and known_as.sending is not None:
            assert message.sending.not_before <= known_as.sending.not_before


@PROVING
@given(known(), acts(among=MINE), moments())
def test_only_what_may_be_acted_on_is_changed(
    talked: Conversation, act: OperatorActed, now: datetime
) -> None:
    changed, _ = fold(talked, act, now=now, rules=RULES)
    if act.message is None or not may_be_acted_on(talked, act.message):
        assert changed == talked
    elif act.act is Act.CANCEL:
        assert not may_be_acted_on(changed, act.message)


# --- what failed, once more ---------------------------------------------------------------------

LOST = ours(Status.FAILED, None)
QUESTION = replace(LOST, purpose=Purpose.REPLY)
TAKEN = {"owner": Owner.PEOPLE, "person_at": NOON}


@pytest.mark.parametrize(
    ("message", "fields", "now", "reason", "for_good"),
    [
        (LOST, {}, NOON, None, False),
        (LOST, {"no_whatsapp": NOON}, NOON, None, False),  # they may have got it meanwhile
        (LOST, {}, NIGHT, Reason.QUIET_HOURS, False),
        (LOST, {"proactive": spoke(1)}, NOON, Reason.COOLDOWN, False),
        (LOST, {"proactive": (Proactive(id=LOST.id, at=NOON),)}, NOON, None, False),
        (LOST, {"proactive": spoke(30, 60, 90)}, NOON, Reason.CUSTOMER_CAP, True),
        (LOST, TAKEN, NOON, Reason.PEOPLE_OWN_CHAT, False),
        (QUESTION, TAKEN, NOON, Reason.PEOPLE_OWN_CHAT, True),
        (QUESTION, {}, NIGHT, None, False),
        (replace(LOST, purpose=None, author=Author.PERSON), TAKEN, NIGHT, None, False),
    ],
)
def test_what_failed_is_tried_again_only_where_it_may_go_some_day(
    message: Message, fields: dict[str, Any], now: datetime, reason: Reason | None, for_good: bool
) -> None:
    held = held_back(person(**fields), message, now=now, rules=RULES)
    assert held == (HeldBack(reason=reason, for_good=for_good) if reason else None)


@pytest.mark.parametrize("message", [LOST, QUESTION])
@pytest.mark.parametrize("rules", [replace(RULES, paused=True), replace(RULES, enabled=False)])
def test_a_bot_that_is_off_tries_nothing_again(message: Message, rules: Rules) -> None:
    held = held_back(person(), message, now=NOON, rules=rules)
    assert held == HeldBack(reason=Reason.DISABLED, for_good=True)


@given(conversation=known(), now=moments())
def test_what_is_tried_again_goes_or_waits_and_is_never_thrown_away(
    conversation: Conversation, now: datetime
) -> None:
    message = replace(LOST, at=now)
    conversation = with_message(conversation, message)
    held = held_back(conversation, message, now=now, rules=RULES)
    again, _ = done(Act.REPLAY, message.id, conversation, now=now)
    queued_ = again.message(message.id)
    assert queued_ is not None
    asked: dict[str, Any] = {
        "now": now,
        "rules": RULES,
        "order_code": message.order_code,
        "ignoring": message.id,
    }
    verdict = may_speak(again, Purpose.POST_PURCHASE, **asked)
    if held is None or held.for_good or isinstance(verdict, Allow):
        return
    conversation, _ = unspoken(again, queued_, verdict, now=now)
    assert [each.id for each in conversation.pending if each.id == message.id] == [message.id]


UNKNOWN = replace(ours(Status.UNCERTAIN, None), sending=None)
CALLED = NeedsPerson(since=NOON, reason="unconfirmed")


@pytest.mark.parametrize("act", [Act.REPLAY, Act.DISMISS])
def test_who_saw_to_what_may_have_gone_is_not_called_for_it_any_more(act: Act) -> None:
    known_ = person(messages=(UNKNOWN,), needs_person=CALLED)
    assert done(act, UNKNOWN.id, known_)[0].needs_person is None
    other = replace(UNKNOWN, id="another")
    both = replace(known_, messages=(UNKNOWN, other))
    assert done(act, UNKNOWN.id, both)[0].needs_person == CALLED
    asking = replace(known_, heard_at=NOON + DAY)
    assert done(act, UNKNOWN.id, asking, now=NOON + DAY)[0].needs_person == CALLED
    upset = replace(known_, needs_person=replace(CALLED, reason="refund"))
    assert done(act, UNKNOWN.id, upset)[0].needs_person is not None


@pytest.mark.parametrize("receipt", [Receipt.ACCEPTED, Receipt.READ])
def test_a_late_proof_that_it_went_calls_nobody_any_more(receipt: Receipt) -> None:
    known_ = person(messages=(replace(UNKNOWN, message="3EB0F0"),), needs_person=CALLED)
    proof = ReceiptCame(id="evt_9", at=NOON, received_at=NOON, message="3EB0F0", receipt=receipt)
    proved, _ = receipt_came(known_, proof, now=NOON)
    assert proved.needs_person is None
