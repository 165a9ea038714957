"""may_speak against its own words: every no, its reason and its end, for anybody at any time."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.domain.conversation import Author, Conversation, OptOut, Owner
from app.domain.events import Order, Stage
from app.domain.policy import (
    Allow,
    Deny,
    Verdict,
    may_speak,
    next_morning,
    quiet_until,
    sent_in_window,
)
from app.domain.rules import HEALTH_RECHECK, RELEASE_SPREAD, Purpose, Reason, Rules
from app.domain.session import DOWN, Grade, Health, Session
from tests.builders import NOON, person
from tests.strategies import CODES, PROVING, maybe, moments, proactives, rules, spans

ASKED = settings(PROVING, max_examples=120)
PURPOSES = st.sampled_from([*Purpose, *(p for p in Purpose if p.proactive)])
Named = tuple[Reason, datetime | None]


@st.composite
def people(draw: st.DrawFn) -> Conversation:
    """Somebody of whom we know what may make a no."""
    order = st.builds(Order, code=st.sampled_from(CODES[:2]), shop=st.just("default"),
                      stage=st.sampled_from(Stage))  # fmt: skip
    return person(
        opt_out=draw(
            st.sampled_from([None] * 4 + [OptOut(at=NOON, by=author) for author in Author])
        ),
        owner=draw(st.sampled_from([Owner.BOT, Owner.BOT, Owner.PEOPLE])),
        person_at=draw(maybe(moments(timedelta(days=1), timedelta(hours=1)))),
        orders=tuple(draw(st.lists(order, max_size=2, unique_by=lambda known: known.code))),
        proactive=draw(proactives),
        no_whatsapp=draw(st.none() | maybe(moments(timedelta(days=10), timedelta()))),
        heard_at=draw(maybe(st.just(NOON))),
    )


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """A session that works or does not, and what is held against its number."""
    return Session(
        name="default",
        status=draw(st.sampled_from([None, "WORKING", "WORKING", "INVENTED", *sorted(DOWN)])),
        restricted_until=draw(maybe(moments())),
        health=Health(grade=draw(st.sampled_from([Grade.GREEN, Grade.GREEN, *Grade]))),
    )


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """All that may be asked."""
    return {
        "purpose": draw(PURPOSES),
        "now": draw(moments(timedelta(days=1), timedelta(days=3))),
        "rules": draw(rules()),
        "order_code": draw(maybe(st.sampled_from(CODES[:2]))),
        "ignoring": draw(maybe(st.sampled_from([f"m{place}" for place in range(6)]))),
        "session": draw(maybe(sessions())),
    }


# --- the words --------------------------------------------------------------------------------


def named(talked: Conversation, question: dict[str, Any]) -> list[Named]:
    """Every no that holds, in the order of the promise: what time cannot mend first.

    A bot that is switched off says nothing. What answers the customer is held back by people who
    own the chat and by a session that is down, and by nothing else.
    """
    seller: Rules = question["rules"]
    now: datetime = question["now"]
    purpose: Purpose = question["purpose"]
    session: Session | None = question["session"]
    owned = owned_until(talked, seller)
    down = session is not None and session.status in DOWN
    nos: list[tuple[bool, Reason, datetime | None]] = [
        (not seller.enabled, Reason.DISABLED, None),
    ]
    if not purpose.proactive:
        nos += [
            (owned is not None and now < owned, Reason.PEOPLE_OWN_CHAT, None),
            (down, Reason.SESSION_DOWN, None),
        ]
    else:
        nos += [
            (talked.opt_out is not None, Reason.OPTED_OUT, None),
            (moved_on(talked, purpose, question["order_code"]), Reason.ORDER_CHANGED, None),
            (lately(talked.no_whatsapp, now, timedelta(days=7)), Reason.NOT_ON_WHATSAPP, None),
            (owned is not None and now < owned, Reason.PEOPLE_OWN_CHAT, owned),
            (down, Reason.SESSION_DOWN, None),
            *limits(talked, now=now, seller=seller, ignoring=question["ignoring"]),
            *number(talked, now=now, session=session),
        ]
    return [(reason, until) for holds, reason, until in nos if holds]


def lately(moment: datetime | None, now: datetime, span: timedelta) -> bool:
    return moment is not None and moment + span > now


def owned_until(talked: Conversation, seller: Rules) -> datetime | None:
    """A person's silence gives the chat back to the bot."""
    if talked.owner is Owner.PEOPLE and talked.person_at is not None:
        return talked.person_at + seller.handoff
    return None


def moved_on(talked: Conversation, purpose: Purpose, code: str | None) -> bool:
    """Off is off; what is delivered is neither thanked for nor on its way; and nobody is told of a
    cancellation that is none any more.
    """
    stages = {order.stage for order in talked.orders if order.code == code}
    if purpose is Purpose.ORDER_CANCELLED:
        return bool(stages - {Stage.CANCELLED})
    off = {Stage.CANCELLING, Stage.CANCELLED, Stage.RETURN_REQUESTED, Stage.RETURNED}
    if purpose in {Purpose.POST_PURCHASE, Purpose.HANDED_OVER, Purpose.READY_FOR_PICKUP}:
        off.add(Stage.DELIVERED)
    return bool(stages & off)


def limits(
    talked: Conversation, *, now: datetime, seller: Rules, ignoring: str | None
) -> list[tuple[bool, Reason, datetime | None]]:
    """So many in a window, one in a cooldown, none in the quiet hours."""
    others = sorted(p.at for p in talked.proactive if p.id != ignoring)
    window = seller.messages_window
    counted = [at for at in others if window is None or now - at < window]
    ends = None
    if window is not None and 0 < seller.max_messages <= len(counted):
        ends = counted[len(counted) - seller.max_messages] + window
    rested = others[-1] + seller.cooldown if others else now
    quiet = quiet_until(talked.chat, now, seller)
    return [
        (len(counted) >= seller.max_messages, Reason.CUSTOMER_CAP, ends),
        (now < rested, Reason.COOLDOWN, rested),
        (is_quiet(now, seller), Reason.QUIET_HOURS, quiet),
    ]


def is_quiet(now: datetime, seller: Rules) -> bool:
    """By the minutes of the shop's clock, counted from the start of the quiet hours."""
    if seller.quiet_hours is None:
        return False
    local = now.astimezone(seller.zone)
    day = timedelta(days=1)
    since_midnight = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
    start, end = (timedelta(hours=t.hour, minutes=t.minute) for t in seller.quiet_hours)
    return (since_midnight - start) % day < (end - start) % day


def number(
    talked: Conversation, *, now: datetime, session: Session | None
) -> list[tuple[bool, Reason, datetime | None]]:
    """A ban is on new contacts only; a number in danger starts nothing."""
    if session is None:
        return []
    banned, stranger = session.restricted_until, talked.heard_at is None
    red = session.health.grade is Grade.RED
    return [
        (banned is not None and now < banned and stranger, Reason.RESTRICTED, banned),
        (red, Reason.NUMBER_HEALTH, now + HEALTH_RECHECK),
    ]


def ask(talked: Conversation, question: dict[str, Any], **other: Any) -> Verdict:
    asked = question | other
    return may_speak(talked, asked.pop("purpose"), **asked)


@settings(ASKED, max_examples=200)
@given(people(), questions())
def test_the_first_no_that_holds_is_the_answer(
    talked: Conversation, question: dict[str, Any]
) -> None:
    nos = named(talked, question)
    expected = Deny(reason=nos[0][0], until=nos[0][1]) if nos else Allow()
    assert ask(talked, question) == expected


# --- the end of a no --------------------------------------------------------------------------


@ASKED
@given(people(), questions())
def test_a_no_ends_when_it_says(talked: Conversation, question: dict[str, Any]) -> None:
    verdict = ask(talked, question)
    if isinstance(verdict, Allow) or verdict.until is None:
        return
    assert verdict.until > question["now"]
    assert verdict.until.utcoffset() == question["now"].utcoffset()
    if verdict.reason is not Reason.NUMBER_HEALTH:
        then = ask(talked, question, now=verdict.until)
        assert isinstance(then, Allow) or then.reason is not verdict.reason


@settings(ASKED, max_examples=60)
@given(people(), questions())
def test_who_waits_as_told_is_let_through_in_the_end(
    talked: Conversation, question: dict[str, Any]
) -> None:
    now = question["now"]
    for _ in range(12):
        verdict = ask(talked, question, now=now)
        if isinstance(verdict, Allow) or verdict.until is None:
            return
        if verdict.reason is Reason.NUMBER_HEALTH:
            return
        now = verdict.until
    raise AssertionError("one no follows on the other for ever")


CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))


def open_for(hours: tuple[time, time]) -> timedelta:
    """How long a day is not quiet."""
    start, end = (timedelta(hours=clock.hour, minutes=clock.minute) for clock in hours)
    return (start - end) % timedelta(days=1)


HOURS = st.tuples(CLOCKS, CLOCKS).filter(lambda hours: open_for(hours) > RELEASE_SPREAD)
"""Quiet hours with more time between them than what waited takes to leave."""


@settings(ASKED, max_examples=150)
@given(
    HOURS,
    moments(),
    st.integers(0, 99),
    rules(),
)
def test_quiet_hours_end_soon_after_they_end(
    hours: tuple[time, time], now: datetime, chat: int, seller: Rules
) -> None:
    seller = replace(seller, quiet_hours=hours)
    until = quiet_until(f"7705123{chat}", now, seller)
    assert (until is not None) == is_quiet(now, seller)
    if until is not None:
        assert now < until
        assert not is_quiet(until, seller)
        over = datetime.combine(until.astimezone(seller.zone), hours[1], tzinfo=seller.zone)
        assert (until - over) % timedelta(days=1) <= RELEASE_SPREAD


@ASKED
@given(moments(), st.integers(0, 99), rules())
def test_a_new_day_begins_tomorrow_and_outside_of_the_quiet_hours(
    now: datetime, chat: int, seller: Rules
) -> None:
    morning = next_morning(f"7705123{chat}", now, seller)
    assert morning.astimezone(seller.zone).date() > now.astimezone(seller.zone).date()
    assert not is_quiet(morning, seller)


# --- what cannot make a yes a no --------------------------------------------------------------


@ASKED
@given(people(), questions(), st.integers(0, 3), spans())
def test_a_yes_stays_a_yes_when_less_is_forbidden(
    talked: Conversation, question: dict[str, Any], more: int, less: timedelta
) -> None:
    if isinstance(ask(talked, question), Deny):
        return
    seller: Rules = question["rules"]
    window = seller.messages_window
    freer = replace(
        seller,
        max_messages=seller.max_messages + more,
        messages_window=window and max(timedelta(minutes=1), window - less),
        cooldown=max(timedelta(), seller.cooldown - less),
        handoff=max(timedelta(), seller.handoff - less),
        quiet_hours=None,
    )
    fewer = replace(talked, proactive=talked.proactive[: len(talked.proactive) // 2])
    assert ask(talked, question, rules=freer) == Allow()
    assert ask(fewer, question) == Allow()
    assert ask(replace(talked, heard_at=NOON), question) == Allow()
    assert ask(replace(talked, owner=Owner.BOT), question) == Allow()
    assert ask(talked, question, session=None) == Allow()


@ASKED
@given(people(), questions())
def test_a_cap_counts_what_the_seller_is_told(
    talked: Conversation, question: dict[str, Any]
) -> None:
    verdict = ask(talked, question, ignoring=None)
    seller: Rules = question["rules"]
    counted = sent_in_window(talked, question["now"], seller)
    if isinstance(verdict, Deny) and verdict.reason is Reason.CUSTOMER_CAP:
        assert counted >= seller.max_messages
    if isinstance(verdict, Allow) and question["purpose"].proactive:
        assert counted < seller.max_messages
