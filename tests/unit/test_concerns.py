"""Which messages call a person, and which only look alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.concerns import concern_of
from app.domain.meaning import Concern
from tests.benchmarks.quality_meaning import NONE, corpus, misses, read_concern


def test_the_whole_corpus_is_read_right() -> None:
    assert misses("concerns", read_concern) == []


def test_the_corpus_is_wide() -> None:
    lines = corpus("concerns")
    assert len(lines) >= 250
    assert sum(one.label == NONE for one in lines) >= 100
    assert {one.label for one in lines} == {NONE, *Concern}
    assert {one.language for one in lines} == {"ru", "kk", "en", "mixed"}


@pytest.mark.parametrize(
    ("text", "gravest"),
    [
        ("верните деньги или я подам в суд", Concern.LEGAL),
        ("у ребёнка аллергия, подам в суд", Concern.HEALTH),
        ("вы издеваетесь, позовите менеджера", Concern.WANTS_PERSON),
        ("чайник не работает, верните деньги", Concern.REFUND),
        ("вы издеваетесь, он сломан", Concern.COMPLAINT),
        ("сколько можно, вы меня не поняли", Concern.ANGER),
    ],
)
def test_the_gravest_concern_is_named(text: str, gravest: Concern) -> None:
    assert concern_of(text) is gravest


@pytest.mark.parametrize("one", corpus("concerns")[::7], ids=lambda one: one.text)
def test_capitals_and_punctuation_change_no_concern(one: object) -> None:
    text = getattr(one, "text", "")
    expected = concern_of(text)
    assert concern_of(text.upper()) == expected
    assert concern_of(f"  {text} 🙏🏽 ") == expected
    assert concern_of(text.replace("ё", "е").replace(" ", "   ")) == expected


def test_kazakh_letters_may_be_missing() -> None:
    plain = str.maketrans("әғқңөұүһі", "агкноуухи")
    kazakh = [one for one in corpus("concerns") if one.language == "kk"]
    assert [
        one.text for one in kazakh if read_concern(one.text.translate(plain)) != one.label
    ] == []


def test_a_shout_is_anger_and_a_shout_for_joy_is_not() -> None:
    assert concern_of("ГДЕ МОЙ ЗАКАЗ!!!") is Concern.ANGER
    assert concern_of("где мой заказ!!!") is None
    assert concern_of("СПАСИБО ВАМ ОГРОМНОЕ!!!") is None


ENDLESS = ["а", "а.", "а, ", "« а «а", "не мне ", "не пишите мне, но ", "верните если ", "нет! ",
           "http://a.b/", "Куртка пришла, но я хотел спросить про размер и цвет. "]  # fmt: skip


@pytest.mark.parametrize("piece", ENDLESS)
def test_a_text_as_long_as_can_be_sent_is_read_to_the_end(piece: str) -> None:
    text = (piece * 4000)[:4000]
    assert concern_of(text) in {None, *Concern}


@pytest.mark.parametrize("trouble", ["чайник сломался", "у ребёнка ожог", "позовите оператора"])
def test_trouble_is_heard_first_and_last_in_a_long_message(trouble: str) -> None:
    story = "Мы выбирали подарок бабушке, ходили по базару и смотрели разное. " * 50
    expected = concern_of(trouble)
    assert expected is not None
    assert concern_of(f"{trouble}. {story}") is expected
    assert concern_of(f"{story} {trouble}") is expected


@pytest.mark.parametrize(
    ("rules", "own"),
    [("как вернуть товар?", "не подошло, как вернуть товар?"),
     ("қалай қайтаруға болады?", "сынып қалды, қалай қайтарамын?"),
     ("how do I return it?", "it is broken, how do I return it?")],
)  # fmt: skip
def test_how_to_return_is_a_question_until_something_is_wrong(rules: str, own: str) -> None:
    assert concern_of(rules) is None
    assert concern_of(own) is Concern.REFUND


@given(st.text(max_size=4100))
def test_no_text_breaks_the_rules(text: str) -> None:
    assert concern_of(text) in {None, *Concern}
