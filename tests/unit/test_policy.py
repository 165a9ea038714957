"""may_speak: each no has one reason, and an end when time can mend it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.domain.conversation import Author, OptOut, Owner
from app.domain.events import Stage
from app.domain.policy import (
    Allow,
    Deny,
    Verdict,
    may_speak,
    next_morning,
    owner_at,
    quiet_until,
    sent_in_window,
)
from app.domain.rules import RELEASE_SPREAD, Purpose, Reason, Rules
from tests.builders import NOON, PHONE, RULES, order, person, spoke

DAY = timedelta(hours=24)


def ask(purpose: Purpose = Purpose.POST_PURCHASE, *, now: datetime = NOON, rules: Rules = RULES,
        **fields: Any) -> Verdict:  # fmt: skip
    return may_speak(person(**fields), purpose, now=now, rules=rules, order_code="912000001")


def test_a_stranger_at_noon_may_be_written_to() -> None:
    assert ask() == Allow()


@pytest.mark.parametrize("purpose", [p for p in Purpose if p.proactive])
def test_after_a_stop_nothing_is_started(purpose: Purpose) -> None:
    silent = OptOut(at=NOON, by=Author.CUSTOMER)
    assert ask(purpose, opt_out=silent) == Deny(reason=Reason.OPTED_OUT)


def test_after_a_stop_questions_are_still_answered() -> None:
    assert ask(Purpose.REPLY, opt_out=OptOut(at=NOON, by=Author.CUSTOMER)) == Allow()


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_bot_that_is_switched_off_says_nothing(purpose: Purpose) -> None:
    assert ask(purpose, rules=replace(RULES, enabled=False)) == Deny(reason=Reason.DISABLED)


def test_a_second_proactive_message_waits_for_the_cooldown() -> None:
    assert ask(proactive=spoke(1)) == Deny(reason=Reason.COOLDOWN, until=NOON + timedelta(hours=23))


def test_the_cooldown_ends_to_the_second() -> None:
    assert ask(proactive=spoke(24)) == Allow()


def test_a_fourth_message_in_the_window_waits_until_the_first_leaves_it() -> None:
    denied = ask(proactive=spoke(29 * 24, 20 * 24, 48))
    assert denied == Deny(reason=Reason.CUSTOMER_CAP, until=NOON + DAY)


def test_messages_outside_the_window_do_not_count() -> None:
    assert ask(proactive=spoke(31 * 24, 32 * 24, 48)) == Allow()


def test_a_window_for_ever_never_ends() -> None:
    for_ever = replace(RULES, messages_window=None)
    denied = ask(proactive=spoke(9000, 8000, 7000), rules=for_ever)
    assert denied == Deny(reason=Reason.CUSTOMER_CAP)


def test_a_cap_of_nothing_never_ends() -> None:
    assert ask(rules=replace(RULES, max_messages=0)) == Deny(reason=Reason.CUSTOMER_CAP)


def test_a_message_does_not_count_against_itself() -> None:
    talked = person(proactive=spoke(0))
    verdict = may_speak(talked, Purpose.POST_PURCHASE, now=NOON, rules=RULES, ignoring="p0")
    assert verdict == Allow()


@pytest.mark.parametrize(
    ("local", "quiet"),
    [("20:59", False), ("21:00", True), ("23:59", True), ("00:00", True), ("08:59", True),
     ("09:00", False)],
)  # fmt: skip
def test_the_night_is_quiet_in_the_shops_time(local: str, quiet: bool) -> None:
    at = datetime.combine(NOON.date(), time.fromisoformat(local), tzinfo=RULES.zone)
    assert (quiet_until(PHONE, at.astimezone(UTC), RULES) is not None) is quiet


def test_what_waits_for_the_morning_leaves_spread_out_and_always_at_the_same_time() -> None:
    night = NOON + timedelta(hours=11)
    opens = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    ends = {quiet_until(f"770512345{n:02}", night, RULES) for n in range(50)}
    assert len(ends) == 50
    assert all(end is not None and opens <= end < opens + RELEASE_SPREAD for end in ends)
    assert quiet_until(PHONE, night, RULES) == quiet_until(PHONE, night, RULES)


def test_no_quiet_hours_when_none_are_set() -> None:
    night = NOON + timedelta(hours=11)
    assert ask(now=night, rules=replace(RULES, quiet_hours=None)) == Allow()


def test_an_answer_is_given_at_night_and_within_the_cooldown_and_above_the_cap() -> None:
    night = NOON + timedelta(hours=11)
    assert ask(Purpose.REPLY, now=night, proactive=spoke(1, 2, 3)) == Allow()


def test_while_a_person_answers_the_bot_is_silent() -> None:
    owned: dict[str, Any] = {"owner": Owner.PEOPLE, "person_at": NOON - timedelta(hours=1)}
    assert ask(Purpose.REPLY, **owned) == Deny(reason=Reason.PEOPLE_OWN_CHAT)
    until = NOON + timedelta(hours=3)
    assert ask(**owned) == Deny(reason=Reason.PEOPLE_OWN_CHAT, until=until)


def test_a_persons_long_silence_gives_the_chat_back() -> None:
    talked = person(owner=Owner.PEOPLE, person_at=NOON - timedelta(hours=4))
    assert owner_at(talked, NOON, RULES) is Owner.BOT
    assert owner_at(talked, NOON - timedelta(seconds=1), RULES) is Owner.PEOPLE


@pytest.mark.parametrize(
    "stage", [Stage.CANCELLING, Stage.CANCELLED, Stage.RETURN_REQUESTED, Stage.RETURNED]
)
def test_nothing_is_said_about_an_order_that_is_off(stage: Stage) -> None:
    denied = ask(Purpose.REVIEW_REQUEST, orders=(order(stage),))
    assert denied == Deny(reason=Reason.ORDER_CHANGED)


def test_no_thanks_for_buying_what_is_delivered_already() -> None:
    denied = ask(Purpose.POST_PURCHASE, orders=(order(Stage.DELIVERED),))
    assert denied == Deny(reason=Reason.ORDER_CHANGED)


def test_a_full_day_reopens_tomorrow_after_the_quiet_hours() -> None:
    opens = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    assert opens <= next_morning(PHONE, NOON, RULES) < opens + RELEASE_SPREAD


def test_the_seller_is_told_how_many_count() -> None:
    assert sent_in_window(person(proactive=spoke(1, 30, 31 * 24)), NOON, RULES) == 2
