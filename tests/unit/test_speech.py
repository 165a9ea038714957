"""Which language a message is in, and which one it is answered in: a labelled corpus and laws."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from app.domain.events import Language, Speech
from app.domain.language import language_of, speech_of

CORPUS = Path(__file__).parents[1] / "data" / "languages.tsv"
LEAST = 0.97
"""The share that must be right: what is reached is 0.99 and more."""


class Line(Struct, frozen=True, kw_only=True):
    speech: Speech | None
    answer: Language | None
    previous: Language | None
    text: str


def lines() -> list[Line]:
    rows = [row for row in CORPUS.read_text("utf-8").splitlines() if not row.startswith("#")]
    return [labelled(*row.split("\t", 3)) for row in rows]


def labelled(speech: str, answer: str, previous: str, text: str) -> Line:
    return Line(
        speech=None if speech == "-" else Speech(speech),
        answer=None if answer == "-" else Language(answer),
        previous=None if previous == "-" else Language(previous),
        text=text,
    )


LINES = lines()
LANGUAGES = st.sampled_from([None, *Language])
KNOWN = st.sampled_from([line for line in LINES if line.speech is not None])


def test_the_corpus_is_wide() -> None:
    spoken = Counter(line.speech for line in LINES)
    assert len(LINES) >= 300
    assert min(spoken[speech] for speech in (*Speech, None)) >= 20
    assert sum(line.previous is not None for line in LINES) >= 100


def test_what_is_spoken_is_told() -> None:
    missed = [line for line in LINES if speech_of(line.text) is not line.speech]
    assert 1 - len(missed) / len(LINES) >= LEAST, missed


def test_the_answer_is_in_the_customers_language() -> None:
    missed = [line for line in LINES if language_of(line.text, line.previous) is not line.answer]
    assert 1 - len(missed) / len(LINES) >= LEAST, missed


@pytest.mark.parametrize(
    ("text", "speech"),
    [("Сәлеметсіз бе, менің тапсырысым қашан келеді?", Speech.KK), ("ок", None), ("👍", None),
     ("Заказ кашан келеди", Speech.KK), ("скидка барма", Speech.KK), ("iPhone 13 128GB", None),
     ("доставка тегинбе", Speech.KK), ("Здравствуйте, где мой заказ?", Speech.RU), ("42", None),
     ("Мен заказ бердім, но ещё не пришло", Speech.MIXED), ("skolko stoit", Speech.RU),
     ("salem, zakazym qashan keledi", Speech.KK), ("Hello, where is my order?", Speech.EN)],
)  # fmt: skip
def test_plain_messages_are_told(text: str, speech: Speech | None) -> None:
    assert speech_of(text) is speech


@pytest.mark.parametrize(
    ("text", "previous"),
    [("рахмет", Language.RU), ("Рақмет!", Language.RU), ("салам", Language.RU),
     ("спасибо", Language.KK), ("да", Language.KK), ("хорошо", Language.KK), ("ок", Language.KK),
     ("спс", Language.KK), ("размер", Language.KK), ("thanks", Language.RU), ("hi", Language.KK)],
)  # fmt: skip
def test_a_short_word_everybody_says_does_not_switch_a_chat(text: str, previous: Language) -> None:
    assert language_of(text, previous) is previous


@pytest.mark.parametrize(
    ("text", "previous", "answer"),
    [("Сәлеметсіз бе, бағасы қанша?", Language.RU, Language.KK),
     ("канша турады", Language.RU, Language.KK), ("где мой заказ", Language.KK, Language.RU),
     ("Where is my order?", Language.KK, Language.EN), ("цена?", Language.EN, Language.RU)],
)  # fmt: skip
def test_a_clear_message_switches_at_once(text: str, previous: Language, answer: Language) -> None:
    assert language_of(text, previous) is answer


@given(text=st.text(), previous=LANGUAGES)
def test_any_text_has_an_answer_or_none(text: str, previous: Language | None) -> None:
    answer = language_of(text, previous)
    assert answer is not None or (previous is None and speech_of(text) is None)


@given(line=KNOWN, around=st.sampled_from(["{}!!!", "{} 🙏🙏", "… {}", "{}\n", "  {}  ", "👋 {}?"]))
def test_signs_and_emoji_change_nothing(line: Line, around: str) -> None:
    text = around.format(line.text)
    assert speech_of(text) is speech_of(line.text)
    assert language_of(text, line.previous) is language_of(line.text, line.previous)


@given(line=KNOWN)
def test_a_message_in_capitals_is_in_the_same_language(line: Line) -> None:
    lower = line.text.lower()
    assert language_of(lower.upper(), line.previous) is language_of(lower, line.previous)


@given(text=st.sampled_from(["", "👍", "ок", "12 000", "+", "iPhone 15 Pro", "JBL Tune 510BT"]),
       previous=LANGUAGES)  # fmt: skip
def test_what_says_nothing_is_answered_as_before(text: str, previous: Language | None) -> None:
    assert speech_of(text) is None
    assert language_of(text, previous) is previous


@given(text=st.text(alphabet="«\"' .!аә@1ж", max_size=3000))
def test_hostile_texts_are_read_too(text: str) -> None:
    assert language_of(text, Language.KK) is not None
