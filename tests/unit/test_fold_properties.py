"""fold, whatever happens in whatever order: nothing twice, nothing lost, nothing taken back."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.domain.conversation import Conversation, Kind, Message, Status, given_up, with_message
from app.domain.decide import decide, next_wake
from app.domain.events import (
    Act,
    AnyEvent,
    CustomerCalled,
    CustomerEdited,
    CustomerReacted,
    CustomerWrote,
    OperatorActed,
    OrderChanged,
)
from app.domain.fold import fold, fold_all
from app.domain.merge import merged
from app.domain.policy import sent_in_window
from app.domain.rules import KEPT_FIRED, KEPT_ORDERS, KEPT_PROACTIVE, LONGEST_HEARD, Purpose, Rules
from app.domain.sending import KEPT_STRAYS, PAST, sending_of
from app.domain.tally import tally
from app.domain.wishes import Wish, wish_of
from tests.builders import NOON, RULES, after, ours, person, wrote
from tests.strategies import (
    LONG,
    PROVING,
    SHOPS,
    STARTS,
    STOPS,
    TALK,
    acts,
    facts,
    known,
    lefts,
    moments,
    order_changes,
    receipts,
    rules,
    wrotes,
)

TWO_SHOPS = Rules(shops=SHOPS)
REMEMBERED_BY_THE_MAILBOX = OperatorActed | CustomerReacted | CustomerCalled | OrderChanged


# --- a second time ----------------------------------------------------------------------------


@PROVING
@given(known(), facts, moments(), st.integers(1, 3 * 24 * 60))
def test_a_fact_told_twice_changes_a_conversation_once(
    talked: Conversation, fact: AnyEvent, now: datetime, minutes: int
) -> None:
    once, _ = fold(talked, fact, now=now, rules=TWO_SHOPS)
    twice, entries = fold(once, fact, now=now, rules=TWO_SHOPS)
    assert twice == once
    if not isinstance(fact, REMEMBERED_BY_THE_MAILBOX):
        assert [entry for entry in entries if entry.reason != "seen_twice"] == []
    if isinstance(fact, OperatorActed) and fact.act not in {Act.SAY, Act.REPLAY}:
        return  # what it means depends on when it is done; the mailbox knows its id
    assert tally(entries) == {}
    much_later = now + timedelta(minutes=minutes)
    assert fold(once, fact, now=much_later, rules=TWO_SHOPS)[0] == once


def test_a_very_long_edit_told_twice_is_one_edit() -> None:
    first = CustomerWrote(
        id="in", at=NOON, received_at=NOON, message="IN1", wire_id="w", session="default", text="а"
    )
    edit = CustomerEdited(
        id="edit", at=NOON, received_at=NOON, message="IN1", session="default", text=LONG
    )
    once, _ = fold_all(person(), (first, edit), now=NOON, rules=RULES)
    assert fold(once, edit, now=NOON, rules=RULES) == (once, ())


# --- nothing is lost --------------------------------------------------------------------------


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[tuple[CustomerWrote, ...], tuple[AnyEvent, ...]]:
    """What a customer wrote, and how it arrived: in any order, repeated, with all else between."""
    wrote = [draw(wrotes(place=place)) for place in range(draw(st.integers(1, 6)))]
    others = draw(st.lists(st.one_of(lefts(), receipts(), order_changes(), acts()), max_size=4))
    again = draw(st.lists(st.sampled_from(wrote), max_size=4))
    return tuple(wrote), tuple(draw(st.permutations([*wrote, *again, *others])))


@PROVING
@given(deliveries(), moments())
def test_every_message_is_kept_once_in_whatever_order_and_however_often_it_comes(
    told: tuple[tuple[CustomerWrote, ...], tuple[AnyEvent, ...]], now: datetime
) -> None:
    wrote, events = told
    talked, _ = fold_all(person(), events, now=now, rules=TWO_SHOPS)
    heard = Counter((m.message, m.text) for m in talked.messages if m.status is Status.RECEIVED)
    assert heard == Counter((each.message, each.text[:LONGEST_HEARD]) for each in wrote)
    assert [m.at for m in talked.messages] == sorted(m.at for m in talked.messages)


@PROVING
@given(deliveries(), st.data())
def test_what_is_heard_does_not_depend_on_the_order_it_comes_in(
    told: tuple[tuple[CustomerWrote, ...], tuple[AnyEvent, ...]], data: st.DataObject
) -> None:
    wrote, _ = told
    other = data.draw(st.permutations(wrote))
    one, _ = fold_all(person(), wrote, now=NOON, rules=TWO_SHOPS)
    two, _ = fold_all(person(), tuple(other), now=NOON, rules=TWO_SHOPS)
    assert {m.id: m for m in one.messages} == {m.id: m for m in two.messages}
    assert one.heard_at == two.heard_at


# --- statuses ---------------------------------------------------------------------------------

_ORDER = [Status.QUEUED, Status.UNCERTAIN, Status.SENT, Status.DELIVERED, Status.READ]


def went_back(before: Message, after: Message) -> bool:
    """Whether a message got less far than it was. One that failed or was left out is at its end."""
    if before.status is after.status:
        return False
    if before.status not in _ORDER:
        return True
    if after.status is Status.FAILED:
        return _ORDER.index(before.status) >= _ORDER.index(Status.DELIVERED)
    return _ORDER.index(after.status) < _ORDER.index(before.status)


@PROVING
@given(known(), st.lists(facts, max_size=8), moments())
def test_a_status_never_goes_back_but_by_a_replay(
    talked: Conversation, events: list[AnyEvent], now: datetime
) -> None:
    for event in events:
        after, _ = fold(talked, event, now=now, rules=TWO_SHOPS)
        for message in talked.messages:
            current = after.message(message.id)
            if current is None:
                assert message in talked.unsettled  # a stop took back what was not out yet
            elif went_back(message, current):
                assert isinstance(event, OperatorActed)
                assert event.act is Act.REPLAY
                assert given_up(message)
        talked = after


# --- stops ------------------------------------------------------------------------------------


def stopped_at(event: AnyEvent) -> datetime | None:
    """When a customer asked for silence, by the source's clock."""
    if not isinstance(event, CustomerWrote | CustomerEdited):
        return None
    return event.at if wish_of(event.text, RULES.opt_out_words) is Wish.STOP else None


def asks_to_be_written_to(event: AnyEvent, since: datetime) -> bool:
    """Whether a fact takes back a stop of that time."""
    if isinstance(event, OperatorActed):
        return event.act is Act.OPT_IN
    if not isinstance(event, CustomerWrote | CustomerEdited):
        return False
    return wish_of(event.text) is Wish.START and event.at >= since


@st.composite
def changes_of_mind(draw: st.DrawFn) -> tuple[AnyEvent, ...]:
    """Stops, starts and talk, written within an hour, some of it edited, delivered in any order."""
    words = st.sampled_from((*STOPS[:1], *STARTS[:1], *TALK[:2]))
    minutes = st.integers(0, 30).map(lambda number: NOON + timedelta(minutes=number))
    events: list[AnyEvent] = []
    for place in range(draw(st.integers(1, 5))):
        at = draw(minutes)
        first = wrote(draw(words), f"IN{place}", at=at)
        events.append(first)
        if draw(st.booleans()):
            at, text = max(at, draw(minutes)), draw(words)
            events.append(
                CustomerEdited(
                    id=f"edit{place}", at=at, received_at=at, message=first.message,
                    session="default", text=text,
                )
            )  # fmt: skip
    return tuple(draw(st.permutations(events)))


@settings(PROVING, max_examples=600)
@given(changes_of_mind())
def test_a_stop_is_taken_back_by_a_newer_word_only(events: tuple[AnyEvent, ...]) -> None:
    talked, newest = person(), None
    for event in events:
        before = talked
        talked, _ = fold(before, event, now=NOON + timedelta(hours=1), rules=RULES)
        if before.opt_out is not None and talked.opt_out is None:
            assert newest is not None
            assert asks_to_be_written_to(event, newest)
            newest = None
        stop = stopped_at(event)
        if stop is not None and talked != before:
            assert talked.opt_out is not None
            newest = max(stop, newest or stop)


def minutes_later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_a_start_from_between_two_stops_that_comes_last_takes_neither_back() -> None:
    talked = after(
        wrote("стоп", "A"),
        wrote("стоп", "C", at=minutes_later(2)),
        wrote("старт", "B", at=minutes_later(1)),
        now=minutes_later(3),
    )
    assert talked.opt_out is not None


def test_a_message_edited_into_a_stop_is_a_stop_of_that_moment() -> None:
    edit = CustomerEdited(
        id="edit", at=minutes_later(2), received_at=NOON, message="A", session="default",
        text="стоп",
    )  # fmt: skip
    start = wrote("старт", "B", at=minutes_later(1))
    talked = after(wrote("топ", "A"), edit, start, now=minutes_later(3))
    assert talked.opt_out is not None


def test_an_answer_of_which_nobody_knows_whether_it_went_has_answered_nothing() -> None:
    unsure = replace(ours(Status.UNCERTAIN), purpose=Purpose.REPLY)
    late = wrote("А синий есть?", "B", at=NOON - timedelta(minutes=3))
    talked = after(late, conversation=with_message(person(), unsure))
    assert [pending.purpose for pending in talked.pending] == [Purpose.REPLY]


@PROVING
@given(known(), facts, moments())
def test_a_stop_is_taken_back_by_a_start_or_a_person_only(
    talked: Conversation, event: AnyEvent, now: datetime
) -> None:
    after, _ = fold(talked, event, now=now, rules=TWO_SHOPS)
    if talked.opt_out is not None and after.opt_out is None:
        assert asks_to_be_written_to(event, talked.opt_out.at)


@PROVING
@given(known(), facts, moments())
def test_nothing_that_we_would_have_started_survives_a_stop(
    talked: Conversation, event: AnyEvent, now: datetime
) -> None:
    after, _ = fold(talked, event, now=now, rules=TWO_SHOPS)
    if after.opt_out is None:
        return
    if talked.opt_out is None:
        assert not any(pending.purpose.proactive for pending in after.pending)
        assert not any(
            message.purpose is not None and message.purpose.proactive
            for message in after.unsettled
            if sending_of(message).tried_at is None
        )
    decision = decide(after, now=now, rules=TWO_SHOPS, sessions={})
    assert not any(pending.purpose.proactive for pending in decision.conversation.pending)
    assert decision.write is None or not decision.write.pending.purpose.proactive


# --- bounds -----------------------------------------------------------------------------------


@PROVING
@given(st.lists(order_changes(), max_size=30), moments())
def test_an_order_asks_for_each_purpose_once(events: list[AnyEvent], now: datetime) -> None:
    _, entries = fold_all(person(), tuple(events), now=now, rules=TWO_SHOPS)
    asked = Counter(
        (entry.purpose, entry.order_code, entry.shop)
        for entry in entries
        if entry.kind is Kind.SCHEDULED
    )
    assert max(asked.values(), default=1) == 1


MANY = tuple(f"9120{number:05}" for number in range(60))


@settings(PROVING, max_examples=25)
@given(known(), st.lists(st.one_of(order_changes(codes=MANY), facts), min_size=40, max_size=80))
def test_what_is_kept_is_bounded(talked: Conversation, events: list[AnyEvent]) -> None:
    for event in events:
        before, (talked, _) = talked, fold(talked, event, now=NOON, rules=TWO_SHOPS)
        assert len(talked.orders) <= KEPT_ORDERS
        assert len(talked.fired) <= KEPT_FIRED
        assert len(talked.strays) <= KEPT_STRAYS
        assert len(talked.proactive) <= KEPT_PROACTIVE
        assert len(talked.messages) <= len(before.messages) + 1
        assert len({order.code for order in talked.orders}) == len(talked.orders)
        assert len({pending.id for pending in talked.pending}) == len(talked.pending)
        assert len({message.id for message in talked.messages}) == len(talked.messages)
        if before.needs_person is not None and talked.needs_person is not None:
            assert talked.needs_person.since == before.needs_person.since
            assert talked.needs_person.told >= before.needs_person.told


# --- what is stored, and when it wakes --------------------------------------------------------


@PROVING
@given(known())
def test_a_conversation_is_read_as_it_was_written(talked: Conversation) -> None:
    assert msgspec.json.decode(msgspec.json.encode(talked), type=Conversation) == talked


@PROVING
@given(known())
def test_a_conversation_wakes_when_something_waits_and_before_it_is_too_late(
    talked: Conversation,
) -> None:
    wake = next_wake(talked)
    assert (wake is None) == (not talked.pending and not talked.unsettled)
    for pending in talked.pending:
        assert wake is not None
        assert wake <= max(pending.due, pending.expires_at + PAST)
    if talked.unsettled:
        sending = sending_of(talked.unsettled[0])
        assert wake is not None
        assert wake <= max(sending.not_before, sending.expires_at + PAST)


# --- two that are one -------------------------------------------------------------------------


@PROVING
@given(known(), known(), moments(), rules())
def test_one_person_made_of_two_keeps_all_and_is_as_silent_as_either(
    one: Conversation, other: Conversation, now: datetime, seller: Rules
) -> None:
    both, _ = merged(one, other, now=now)
    assert (both.opt_out is None) == (one.opt_out is None and other.opt_out is None)
    kept = {m.id for m in both.messages} | {m.message for m in both.messages}
    for message in (*one.messages, *other.messages):
        assert {message.id, message.message} & kept or message in (*one.unsettled, *other.unsettled)
    assert {m.id for m in one.messages if m not in one.unsettled} <= {m.id for m in both.messages}
    assert set(both.fired) == {*one.fired, *other.fired}
    assert max(len(one.orders), len(other.orders)) <= len(both.orders) <= KEPT_ORDERS
    if both.opt_out in {one.opt_out, None}:
        counts = [sent_in_window(each, now, seller) for each in (one, other, both)]
        assert counts[2] >= max(counts[:2])
        assert {*one.proactive, *other.proactive} <= set(both.proactive)


@PROVING
@given(known(), known(), moments())
def test_one_person_made_of_two_twice_is_made_once(
    one: Conversation, other: Conversation, now: datetime
) -> None:
    both, entries = merged(one, other, now=now)
    if all(entry.kind is not Kind.DROPPED for entry in entries):
        assert merged(both, other, now=now)[0] == both


def test_a_question_told_under_both_addresses_keeps_what_was_asked_after_it() -> None:
    first = after(wrote("Где заказ?", "A"))
    second = after(wrote("Где заказ?", "A"), wrote("И когда?", "B"))
    both, _ = merged(first, second, now=NOON)
    assert [len(pending.answers) for pending in both.pending] == [2]


def answers_of(talked: Conversation) -> set[str]:
    """Messages that wait to be answered."""
    return {
        answer
        for pending in talked.pending
        if pending.purpose is Purpose.REPLY
        for answer in pending.answers
    }


@PROVING
@given(deliveries(), deliveries(), moments())
def test_questions_under_two_addresses_are_answered_or_a_person_is_called(
    one: tuple[object, tuple[AnyEvent, ...]],
    other: tuple[object, tuple[AnyEvent, ...]],
    now: datetime,
) -> None:
    first, _ = fold_all(person(), one[1], now=now, rules=TWO_SHOPS)
    second, _ = fold_all(person(chat="lid:2111"), other[1], now=now, rules=TWO_SHOPS)
    both, _ = merged(first, second, now=now)
    asked = answers_of(first) | answers_of(second)
    assert asked <= answers_of(both) or both.needs_person is not None
