"""How the customer is with what was bought."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.meaning import Mood
from app.domain.moods import mood_of
from tests.benchmarks.quality_meaning import NONE, corpus, misses, read_mood


def test_the_whole_corpus_is_read_right() -> None:
    assert misses("moods", read_mood) == []


def test_the_corpus_is_wide() -> None:
    lines = corpus("moods")
    assert len(lines) >= 200
    assert {one.label for one in lines} == {NONE, *Mood}
    assert {one.language for one in lines} == {"ru", "kk", "en", "mixed"}


@pytest.mark.parametrize(
    "trouble",
    [", но экран треснул", ", только не включается", ", но коробка мятая", " но маломерит",
     ". Но не работает", ", жаль что с царапиной"],
)  # fmt: skip
@pytest.mark.parametrize("praise", ["всё хорошо", "супер", "да, спасибо", "в целом отлично"])
def test_a_problem_is_never_thanked_away(praise: str, trouble: str) -> None:
    assert mood_of(praise + trouble) is Mood.BAD


@pytest.mark.parametrize(
    ("text", "mood"),
    [("5", Mood.GOOD), ("4 из 5", Mood.GOOD), ("3 из 5", Mood.BAD), ("9/10", Mood.GOOD),
     ("1 звезда", Mood.BAD), ("+", Mood.GOOD), ("-", Mood.BAD), ("👍🏽", Mood.GOOD),
     ("👎", Mood.BAD)],
)  # fmt: skip
def test_marks_and_signs_say_it_too(text: str, mood: Mood) -> None:
    assert mood_of(text) is mood


@pytest.mark.parametrize("text", ["нет, всё хорошо", "проблем нет", "не жалею", "неплохо"])
def test_a_denied_problem_is_praise(text: str) -> None:
    assert mood_of(text) is Mood.GOOD


def test_capitals_and_spaces_change_no_mood() -> None:
    lines = corpus("moods")
    assert [one.text for one in lines if read_mood(f"  {one.text.upper()} ") != one.label] == []


ENDLESS = ["а", "а.", "а, ", "« а «а", "не мне ", "не пишите мне, но ", "верните если ", "нет! ",
           "http://a.b/", "Куртка пришла, но я хотел спросить про размер и цвет. "]  # fmt: skip


@pytest.mark.parametrize("piece", ENDLESS)
def test_a_text_as_long_as_can_be_sent_is_read_to_the_end(piece: str) -> None:
    text = (piece * 4000)[:4000]
    assert mood_of(text) in {None, *Mood}


@pytest.mark.parametrize(
    "text",
    ["лучше бы не покупала", "отлично, просто отлично. Вторую неделю жду", "спасибо, удружили",
     "да уж", "да, но", "хорошо, а как вернуть если не подойдёт?", "ок жду", "спасибо жду"],
)  # fmt: skip
def test_polite_words_are_not_taken_for_praise(text: str) -> None:
    assert mood_of(text) is not Mood.GOOD


@given(st.text(max_size=4100))
def test_no_text_breaks_the_rules(text: str) -> None:
    assert mood_of(text) in {None, *Mood}
