"""What a customer tells when asked whether all is well is counted once for each question."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from app.domain.brief import Draft
from app.domain.conversation import Author, Conversation, Entry, Kind, Message, Status, Written
from app.domain.decide import spoken
from app.domain.events import (
    AnyEvent,
    CustomerCalled,
    CustomerEdited,
    CustomerReacted,
    Language,
    Media,
    Stage,
)
from app.domain.fold import fold_all
from app.domain.meaning import Mood
from app.domain.merge import merged
from app.domain.rules import Purpose
from app.domain.tally import tally
from app.domain.voice import heard
from tests.builders import NOON, RULES, order, ordered, ours, person, wrote

ASKED = NOON - timedelta(hours=2)
FINE, TORN = "Всё отлично, спасибо!", "Порвалась на второй день"
UNTELLING = "Подскажите, а где чек?"


def question(
    id_: str = "asked", *, at: datetime = ASKED, purpose: Purpose = Purpose.ORDER_DELIVERED
) -> Message:
    """Our question whether all is well with the order."""
    message = ours(Status.READ, f"OUT-{id_}", text="Всё ли в порядке с заказом?")
    return replace(message, id=id_, at=at, purpose=purpose, order_code="912000001")


def asked(*questions: Message) -> Conversation:
    """Somebody who got the order and was asked about it."""
    return person(orders=(order(Stage.DELIVERED),), messages=questions or (question(),))


def told(
    *events: AnyEvent, conversation: Conversation | None = None
) -> tuple[Conversation, list[Mood]]:
    """The conversation after these facts, and the moods its journal tells."""
    known, entries = fold_all(conversation or asked(), events, now=NOON, rules=RULES)
    return known, moods(entries)


def moods(entries: tuple[Entry, ...]) -> list[Mood]:
    return [entry.mood for entry in entries if entry.mood is not None]


def reacted(emoji: str, to: str = "OUT-asked") -> CustomerReacted:
    return CustomerReacted(
        id=f"reaction:{to}:{emoji}",
        at=NOON,
        received_at=NOON,
        message=to,
        session="default",
        emoji=emoji,
    )


def edited(text: str) -> CustomerEdited:
    return CustomerEdited(
        id=f"edit:{text}", at=NOON, received_at=NOON, message="IN1", session="default", text=text
    )


@pytest.mark.parametrize(("text", "mood"), [(FINE, Mood.GOOD), (TORN, Mood.BAD)])
def test_an_answer_to_our_question_tells_how_they_are(text: str, mood: Mood) -> None:
    known, found = told(wrote(text))
    assert found == [mood]
    assert known.mood == ("asked", mood)


@pytest.mark.parametrize("text", [FINE, TORN])
def test_who_was_not_asked_answers_nothing(text: str) -> None:
    known, found = told(wrote(text), conversation=person())
    assert (known.mood, found) == (None, [])


def test_what_tells_nothing_leaves_the_question_open() -> None:
    assert told(wrote(UNTELLING, "IN1"), wrote(TORN, "IN2"))[1] == [Mood.BAD]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((FINE, "Супер, очень довольны"), [Mood.GOOD]),
        ((TORN, "Ужасное качество"), [Mood.BAD]),
        ((FINE, TORN), [Mood.GOOD, Mood.BAD]),
        ((TORN, FINE), [Mood.BAD]),
        ((FINE, TORN, FINE, TORN), [Mood.GOOD, Mood.BAD]),
    ],
)
def test_a_question_is_answered_once_and_trouble_after_praise_is_news(
    texts: tuple[str, ...], expected: list[Mood]
) -> None:
    assert told(*(wrote(text, f"IN{n}") for n, text in enumerate(texts)))[1] == expected


def test_a_question_in_between_does_not_open_ours_again() -> None:
    words = (FINE, UNTELLING, "Супер, очень довольны")
    assert told(*(wrote(text, f"IN{n}") for n, text in enumerate(words)))[1] == [Mood.GOOD]


def test_the_next_question_is_answered_anew() -> None:
    known, first = told(wrote(FINE, "IN1", at=NOON - timedelta(hours=1)))
    later = question("again", at=NOON, purpose=Purpose.REVIEW_REQUEST)
    conversation = replace(known, messages=(*known.messages, later))
    after = wrote("Да, очень понравилось, всем советую", "IN2", at=NOON + timedelta(minutes=1))
    assert (first, told(after, conversation=conversation)[1]) == ([Mood.GOOD], [Mood.GOOD])


def test_the_same_message_told_again_changes_nothing() -> None:
    assert told(wrote(FINE), wrote(FINE))[1] == [Mood.GOOD]


@pytest.mark.parametrize(("emoji", "mood"), [("👍", Mood.GOOD), ("👎", Mood.BAD)])
def test_an_emoji_on_our_question_is_an_answer_and_words_after_it_are_none(
    emoji: str, mood: Mood
) -> None:
    words = FINE if mood is Mood.GOOD else TORN
    assert told(reacted(emoji), reacted(emoji), wrote(words))[1] == [mood]


def test_an_emoji_counts_for_the_shop_whose_question_it_is_on() -> None:
    _, entries = fold_all(asked(), (reacted("👍"),), now=NOON, rules=RULES)
    assert tally(entries) == {"happy": 1, "shop:default:happy": 1}


@pytest.mark.parametrize("emoji", ["👍", "👎", ""])
def test_an_emoji_on_what_asks_nothing_tells_nothing(emoji: str) -> None:
    other = question("other", purpose=Purpose.POST_PURCHASE)
    assert told(reacted(emoji, "OUT-other"), conversation=asked(other))[1] == []
    assert told(reacted(emoji, "OUT-unknown"), conversation=asked(other))[1] == []


def test_an_emoji_taken_back_tells_nothing() -> None:
    assert told(reacted(""))[1] == []


def test_a_message_that_is_changed_into_a_complaint_is_news() -> None:
    assert told(wrote(FINE), edited(TORN))[1] == [Mood.GOOD, Mood.BAD]
    assert told(wrote(FINE), edited("Всё супер, спасибо!"))[1] == [Mood.GOOD]


@pytest.mark.parametrize(("words", "expected"), [(TORN, [Mood.BAD]), ("", [])])
def test_the_words_of_a_voice_note_are_an_answer(words: str, expected: list[Mood]) -> None:
    known, silent = told(wrote("", media=Media.VOICE))
    note = known.messages[-1]
    written = Written(prompt="voice/1", canned=False)
    _, entries = heard(known, note, words, written=written, now=NOON, rules=RULES)
    assert (silent, moods(entries)) == ([], expected)


# --- what only the model could read -----------------------------------------------------------


def read(mood: Mood | None) -> Draft:
    """An answer of the model, which read this mood in what it answers."""
    written = Written(prompt="reply/v1", canned=False)
    return Draft(text="Спасибо!", language=Language.RU, written=written, mood=mood)


def answered(
    text: str, mood: Mood | None, *, conversation: Conversation | None = None
) -> list[Mood]:
    """The moods of the journal when the model answers ``text`` and read this mood in it."""
    known, found = told(wrote(text), conversation=conversation)
    pending = known.pending[-1]
    draft = read(mood)
    after, entries = spoken(known, pending, draft, now=NOON, rules=RULES)
    assert spoken(after, pending, draft, now=NOON, rules=RULES)[1][0].mood is None
    return [*found, *moods(entries)]


@pytest.mark.parametrize("mood", Mood)
def test_where_the_rules_cannot_tell_the_models_reading_counts(mood: Mood) -> None:
    assert answered(UNTELLING, mood) == [mood]


def test_what_the_rules_have_read_is_not_counted_again() -> None:
    assert answered(FINE, Mood.GOOD) == [Mood.GOOD]


def test_a_model_that_read_nothing_tells_nothing() -> None:
    assert answered(UNTELLING, None) == []


def test_the_newest_of_what_is_answered_together_is_the_answer_to_our_question() -> None:
    before = wrote("Здравствуйте", "IN0", at=ASKED - timedelta(minutes=5))
    known, _ = told(before, wrote(UNTELLING, "IN1"))
    assert len(known.pending[-1].answers) == 2
    assert moods(spoken(known, known.pending[-1], read(Mood.BAD), now=NOON, rules=RULES)[1]) == [
        Mood.BAD
    ]


def test_the_models_reading_of_who_was_not_asked_counts_nothing() -> None:
    assert answered(UNTELLING, Mood.GOOD, conversation=person()) == []


# --- beside it --------------------------------------------------------------------------------


def test_two_chats_of_one_person_have_answered_what_either_has() -> None:
    known, _ = told(wrote(FINE))
    one, _ = merged(person(chat="lid:1", messages=known.messages), known, now=NOON)
    assert told(wrote("Супер, очень довольны", "IN2"), conversation=one)[1] == []


def test_an_order_is_new_once() -> None:
    events = (ordered(), ordered(Stage.DELIVERED), ordered(code="912000002"))
    _, entries = fold_all(person(), events, now=NOON, rules=RULES)
    assert tally(entries)["orders"] == 2


def test_an_order_that_was_there_before_the_shop_is_no_news() -> None:
    event = ordered(Stage.DELIVERED)
    old = replace(event, order=replace(event.order, before=Stage.DELIVERED))
    _, entries = fold_all(person(), (old,), now=NOON, rules=RULES)
    assert "orders" not in tally(entries)


def test_a_person_is_called_for_the_shop_that_was_spoken_with() -> None:
    second = replace(question(), shop="kids", author=Author.BOT)
    rang = CustomerCalled(id="rang", at=NOON, received_at=NOON, session="default")
    for messages, shop in (((second,), "kids"), ((), None)):
        _, entries = fold_all(person(messages=messages), (rang,), now=NOON, rules=RULES)
        assert [e.shop for e in entries if e.kind is Kind.PERSON_CALLED] == [shop]
