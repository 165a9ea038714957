"""Whatever the bot leaves unsaid has its line in the journal, with the reason."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from app.domain.conversation import Author, Conversation, Entry, Kind, NeedsPerson, OptOut, Status
from app.domain.events import CustomerReacted, Media, Stage
from app.domain.fold import fold
from app.domain.rules import LONGEST_EMOJI, SAME_WORDS, Purpose, Reason, Rules
from tests.builders import NOON, ordered, ours, person, wrote

CALLED = NeedsPerson(reason="wants_person", since=NOON, told=True)


def unsaid(entries: tuple[Entry, ...]) -> list[tuple[str | None, str | None]]:
    """What is told not to be said, and why."""
    return [(entry.purpose, entry.reason) for entry in entries if entry.kind is Kind.DROPPED]


def told_of(
    conversation: Conversation, text: str = "", *, media: Media | None = None, at: datetime = NOON
) -> tuple[Entry, ...]:
    """What the journal tells of one more message of theirs."""
    return fold(conversation, wrote(text, "LAST", at=at, media=media), now=NOON, rules=Rules())[1]


def test_a_purpose_that_is_off_is_told_once_an_order_and_counts_for_nothing() -> None:
    off = Rules(off=frozenset({Purpose.POST_PURCHASE}))
    known, entries = fold(person(), ordered(Stage.PAID), now=NOON, rules=off)
    assert unsaid(entries) == [(Purpose.POST_PURCHASE, Reason.DISABLED)]
    assert not any(entry.counted for entry in entries)
    _, again = fold(known, ordered(Stage.ACCEPTED), now=NOON, rules=off)
    assert unsaid(again) == []


def test_a_sticker_is_told_to_need_no_answer() -> None:
    assert unsaid(told_of(person(), media=Media.STICKER)) == [(Purpose.REPLY, "sticker")]


def test_a_picture_after_a_picture_is_told_to_have_been_answered() -> None:
    picture = wrote("", "A", media=Media.IMAGE)
    known = replace(fold(person(), picture, now=NOON, rules=Rules())[0], pending=())
    assert unsaid(told_of(known, media=Media.IMAGE)) == [(Purpose.REPLY, "media_told")]


def test_the_same_words_without_end_are_told_each_time_though_a_person_is_called_once() -> None:
    known: Conversation = person()
    told: list[tuple[Entry, ...]] = []
    for n in range(SAME_WORDS + 1):
        at = NOON + timedelta(minutes=n)
        known, entries = fold(
            known, wrote("Оператор ответит", f"M{n}", at=at), now=at, rules=Rules()
        )
        known = replace(known, pending=())
        told.append(entries)
    assert [entry.reason for entry in told[-2] if entry.kind is Kind.PERSON_CALLED] == ["loop"]
    assert unsaid(told[-1]) == [(Purpose.REPLY, "loop")]


def test_a_flood_is_told_where_a_person_was_called_before() -> None:
    replies = tuple(NOON - timedelta(seconds=n) for n in range(200))
    known = person(replies=replies, needs_person=CALLED)
    assert (Purpose.REPLY, "flood") in unsaid(told_of(known, "А размер?"))


def test_what_a_person_has_answered_meanwhile_is_told() -> None:
    said = replace(ours(Status.SENT), author=Author.PERSON, purpose=None, at=NOON)
    came: datetime = NOON - timedelta(hours=1)
    known = person(messages=(said,))
    assert unsaid(told_of(known, "Есть синяя?", at=came)) == [(Purpose.REPLY, "person_answered")]


def test_a_second_stop_is_told_not_to_be_confirmed_again() -> None:
    known = person(opt_out=OptOut(at=NOON, by=Author.CUSTOMER))
    assert unsaid(told_of(known, "стоп")) == [(Purpose.OPT_OUT_CONFIRMATION, Reason.DUPLICATE)]


def test_a_reaction_is_told_with_its_emoji_and_what_it_is_put_on() -> None:
    known = person(messages=(ours(Status.READ),))
    for emoji, kept in (("👍", "👍"), ("", ""), ("x" * 500, "x" * LONGEST_EMOJI)):
        put = CustomerReacted(
            id="r1", at=NOON, received_at=NOON, message="OUT1", session="default", emoji=emoji
        )
        entry = fold(known, put, now=NOON, rules=Rules())[1][0]
        assert (entry.reason, entry.emoji, entry.message) == (
            "reaction",
            kept,
            ours(Status.READ).id,
        )
