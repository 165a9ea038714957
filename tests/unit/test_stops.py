"""A stop however it is said, and what only looks like one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.letters import fold, sound, visible
from app.domain.stops import read
from app.domain.wishes import Tier, Wish, tier_of, wish_of
from tests.strategies import PROVING

CORPUS = Path(__file__).parents[1] / "data" / "stops.tsv"
LABELS: dict[str, Wish | None] = {
    "stop": Wish.STOP,
    "maybe": Wish.MAYBE_STOP,
    "start": Wish.START,
    "help": Wish.HELP,
    "none": None,
}


def labelled(label: str) -> list[str]:
    rows = (line.split("\t") for line in CORPUS.read_text("utf-8").splitlines())
    return [text for said, _, text in rows if said == label]


@pytest.mark.parametrize("label", LABELS)
def test_every_labelled_message_is_understood(label: str) -> None:
    texts = labelled(label)
    assert texts
    assert [text for text in texts if wish_of(text) is not LABELS[label]] == []


def test_the_corpus_is_wide() -> None:
    assert sum(len(labelled(label)) for label in LABELS) >= 400
    assert len(labelled("none")) >= 150


# --- tiers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tier"),
    [("стоп пожалуйста", Tier.WORD), ("Тоқтатыңыз", Tier.WORD), ("🛑", Tier.WORD),
     ("Куртка плохая. Больше не пишите мне", Tier.PHRASE), ("маған жазбаңыз", Tier.PHRASE),
     ("откуда у вас мой номер?", Tier.UNSURE), ("не пишите сегодня", Tier.UNSURE), ("старт", None),
     ("помощь", None), ("где мой заказ?", None)],
)  # fmt: skip
def test_the_journal_can_tell_how_a_stop_was_said(text: str, tier: Tier | None) -> None:
    assert tier_of(text) is tier


def test_a_word_of_the_sellers_own_stops_only_alone() -> None:
    own = ("баста карапузики", "🙈", "")
    assert wish_of("Баста, карапузики!", own) is None
    assert wish_of("Пожалуйста, баста карапузики", own) is Wish.STOP
    assert tier_of("баста карапузики", own) is Tier.WORD
    assert wish_of("баста карапузики или нет?", own) is None
    assert wish_of("баста карапузики, где заказ", own) is None


def test_a_clear_stop_deep_in_a_long_letter_is_found() -> None:
    talk = "Куртку привезли вовремя, размер подошел, цвет как на фото. " * 30
    assert wish_of(f"{talk} Но больше не пишите мне никогда. {talk}") is Wish.STOP
    assert wish_of(talk) is None


# --- properties -------------------------------------------------------------------------------

WORDS = ("стоп", "отписка", "хватит", "тоқтатыңыз", "stop", "unsubscribe")
ENDINGS = st.text(st.sampled_from("!.…) 🙏👍🛑😡❗️\n"), max_size=6)
SPACES = st.text(st.sampled_from(" \n\t\u200b\u00a0"), max_size=4)
LOOKS = {"о": "o", "с": "c", "т": "t", "п": "n", "а": "a", "х": "x"}


@PROVING
@given(st.sampled_from(WORDS), ENDINGS, SPACES, st.sampled_from((str.upper, str.title, str.lower)))
def test_a_stop_word_is_one_whatever_is_around_it(
    word: str, ending: str, space: str, case: Callable[[str], str]
) -> None:
    assert wish_of(f"{space}{case(word)}{space}{ending}") is Wish.STOP


@PROVING
@given(st.sampled_from(WORDS), st.integers(1, 30))
def test_a_stop_word_is_one_with_its_last_letter_held(word: str, times: int) -> None:
    assert wish_of(word + word[-1] * times) is Wish.STOP


@PROVING
@given(st.sampled_from(WORDS[:3]), st.data())
def test_a_stop_word_is_one_with_some_letters_of_another_alphabet(
    word: str, data: st.DataObject
) -> None:
    swapped = data.draw(st.lists(st.booleans(), min_size=len(word), max_size=len(word)))
    mixed = "".join(
        LOOKS.get(letter, letter) if swap else letter
        for letter, swap in zip(word, swapped, strict=True)
    )
    assert wish_of(mixed) is Wish.STOP


@PROVING
@given(st.sampled_from(WORDS), st.sampled_from((" ", ".", "-", " - ", "*")))
def test_a_stop_word_is_one_spelled_letter_by_letter(word: str, between: str) -> None:
    assert wish_of(between.join(word)) is Wish.STOP


@PROVING
@given(st.text(max_size=300))
def test_any_text_is_judged(text: str) -> None:
    wish_of(text, ("стоп", text))
    tier_of(text)


SHREDS = st.lists(
    st.sampled_from(
        "не|пишите|мне|больше|стоп|если|?|. |«|»|на|жазба|-|хочу|чтобы|🛑|1".split("|")
    ),
    max_size=400,
)


@PROVING
@given(SHREDS, st.sampled_from(("", " ")))
def test_any_heap_of_stop_words_is_judged(shreds: list[str], between: str) -> None:
    assert read(between.join(shreds)).startswith("edge ")
    wish_of(between.join(shreds))


@PROVING
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert visible(visible(text)) == visible(text)
    assert sound(sound(fold(text))) == sound(fold(text))
