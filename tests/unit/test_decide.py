"""decide: one text at a time, the important one first; a wait is counted once."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from app.domain.brief import Draft
from app.domain.conversation import Author, Kind, OptOut, Status, Written
from app.domain.decide import Decision, decide, drop, next_wake, spoken, unspoken, wait
from app.domain.events import Language, Stage
from app.domain.policy import Deny
from app.domain.rules import Purpose, Reason
from tests.builders import NOON, RULES, after, order, ordered, person, spoke, waiting, wrote

HOUR = timedelta(hours=1)
WRITTEN = Written(prompt="post_purchase/v1", canned=False, model="m")


def draft(text: str | None = "Здравствуйте!", needs_person: str | None = None) -> Draft:
    return Draft(text=text, language=Language.RU, written=WRITTEN, needs_person=needs_person)


def test_what_is_due_and_allowed_is_written() -> None:
    decision = decide(after(ordered(Stage.PAID)), now=NOON, rules=RULES, sessions={})
    assert decision.write is not None
    assert decision.write.pending.purpose is Purpose.POST_PURCHASE
    assert decision.write.brief.customer_name == "Айгерим"
    assert [item.name for item in decision.write.brief.orders[0].items] == [
        "Куртка Alpin черная 48"
    ]


def test_the_more_important_purpose_goes_first() -> None:
    waits = (waiting(Purpose.REVIEW_REQUEST), waiting(Purpose.ORDER_DELIVERED))
    decision = decide(person(pending=waits), now=NOON, rules=RULES, sessions={})
    assert decision.write is not None
    assert decision.write.pending.purpose is Purpose.ORDER_DELIVERED


def test_an_answer_goes_before_everything_we_start() -> None:
    talked = after(ordered(Stage.PAID), wrote("Есть M?"))
    decision = decide(talked, now=NOON + RULES.debounce, rules=RULES, sessions={})
    assert decision.write is not None
    assert decision.write.pending.purpose is Purpose.REPLY
    assert decision.write.brief.messages_to_answer == ("Есть M?",)


def test_what_is_not_due_is_waited_for() -> None:
    later = NOON + 5 * HOUR
    talked = person(pending=(waiting(Purpose.REVIEW_REQUEST, due=later),))
    assert decide(talked, now=NOON, rules=RULES, sessions={}) == Decision(conversation=talked)


def test_a_no_with_an_end_waits_and_is_counted_once() -> None:
    talked = person(pending=(waiting(Purpose.POST_PURCHASE),), proactive=spoke(1))
    first = decide(talked, now=NOON, rules=RULES, sessions={})
    assert [(e.kind, e.reason, e.counted) for e in first.entries] == [
        (Kind.BLOCKED, Reason.COOLDOWN, True)
    ]
    assert next_wake(first.conversation) == NOON + 23 * HOUR
    spoke_again = replace(first.conversation, proactive=spoke(-22))
    second = decide(spoke_again, now=NOON + 23 * HOUR, rules=RULES, sessions={})
    assert not any(entry.counted for entry in second.entries)


def test_a_no_that_lasts_beyond_the_best_before_drops_it() -> None:
    talked = person(pending=(waiting(Purpose.POST_PURCHASE),), proactive=spoke(60, 40, 30))
    decision = decide(talked, now=NOON, rules=RULES, sessions={})
    assert decision.conversation.pending == ()
    assert [(e.kind, e.reason) for e in decision.entries] == [(Kind.DROPPED, Reason.CUSTOMER_CAP)]


def test_a_stop_drops_even_what_is_not_due() -> None:
    silent = person(
        pending=(waiting(Purpose.REVIEW_REQUEST, due=NOON + HOUR),),
        opt_out=OptOut(at=NOON, by=Author.CUSTOMER),
    )
    decision = decide(silent, now=NOON, rules=RULES, sessions={})
    assert decision.conversation.pending == ()
    assert next_wake(decision.conversation) is None


def test_a_return_drops_the_review_request() -> None:
    talked = person(
        pending=(waiting(Purpose.REVIEW_REQUEST, due=NOON + HOUR),), orders=(order(Stage.RETURNED),)
    )
    decision = decide(talked, now=NOON, rules=RULES, sessions={})
    assert [entry.reason for entry in decision.entries] == [Reason.ORDER_CHANGED]


def test_what_slept_too_long_is_expired() -> None:
    talked = person(pending=(waiting(Purpose.POST_PURCHASE),))
    decision = decide(talked, now=NOON + 49 * HOUR, rules=RULES, sessions={})
    assert [entry.reason for entry in decision.entries] == [Reason.EXPIRED]


def test_a_text_is_queued_and_counts_against_the_cap() -> None:
    pending = waiting(Purpose.POST_PURCHASE)
    talked, entries = spoken(person(pending=(pending,)), pending, draft(), now=NOON, rules=RULES)
    assert talked.pending == ()
    assert [(m.id, m.status) for m in talked.messages] == [(pending.id, Status.QUEUED)]
    assert [p.id for p in talked.proactive] == [pending.id]
    assert [entry.kind for entry in entries] == [Kind.WRITTEN]


def test_without_a_text_a_person_is_called() -> None:
    pending = waiting(Purpose.POST_PURCHASE)
    talked, entries = spoken(
        person(pending=(pending,)), pending, draft(None, "model_down"), now=NOON, rules=RULES
    )
    assert talked.messages == ()
    assert talked.proactive == ()
    assert talked.needs_person is not None
    assert [entry.kind for entry in entries] == [Kind.PERSON_CALLED]


def test_a_no_at_the_last_look_takes_the_text_back() -> None:
    pending = waiting(Purpose.POST_PURCHASE)
    talked, _ = spoken(person(pending=(pending,)), pending, draft(), now=NOON, rules=RULES)
    night = Deny(reason=Reason.QUIET_HOURS, until=NOON + 9 * HOUR)
    waits, _ = unspoken(talked, talked.messages[0], night, now=NOON)
    assert (waits.messages, waits.proactive) == ((), ())
    assert [(p.id, p.due) for p in waits.pending] == [(pending.id, NOON + 9 * HOUR)]
    stopped = Deny(reason=Reason.OPTED_OUT)
    gone, entries = unspoken(talked, talked.messages[0], stopped, now=NOON)
    assert (gone.messages, gone.pending) == ((), ())
    assert [entry.reason for entry in entries] == [Reason.OPTED_OUT]


def test_pacing_is_a_schedule_and_no_block() -> None:
    pending = waiting(Purpose.POST_PURCHASE)
    until = NOON + timedelta(seconds=45)
    _, entries = wait(
        person(pending=(pending,)), pending, Reason.PACE, until=until, now=NOON, slot=until
    )
    assert [(e.kind, e.counted) for e in entries] == [(Kind.SCHEDULED, False)]


def test_what_was_counted_as_blocked_is_not_counted_again_when_dropped() -> None:
    pending = replace(waiting(Purpose.POST_PURCHASE), counted=True)
    _, entries = drop(person(pending=(pending,)), pending, Reason.EXPIRED, now=NOON)
    assert not entries[0].counted


def test_the_model_sees_no_phone_and_no_ids() -> None:
    talked = after(ordered(Stage.PAID), wrote("Где заказ?"))
    decision = decide(talked, now=NOON + RULES.debounce, rules=RULES, sessions={})
    assert decision.write is not None
    assert "7705" not in repr(decision.write.brief)
