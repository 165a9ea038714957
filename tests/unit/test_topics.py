"""What a message asks about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.meaning import Topic
from app.domain.topics import topics_of
from tests.benchmarks.quality_meaning import NONE, corpus, misses, read_topics


def test_the_whole_corpus_is_read_right() -> None:
    assert misses("topics", read_topics) == []


def test_the_corpus_is_wide() -> None:
    lines = corpus("topics")
    assert len(lines) >= 200
    named = {topic for one in lines for topic in one.label.split(",")}
    assert named == {NONE, *Topic}
    for topic in Topic:
        assert {one.language for one in lines if one.label == topic} >= {"ru", "kk", "en"}


def test_several_questions_are_several_topics_in_their_order() -> None:
    assert topics_of("Сколько стоит? А доставка в Актау есть?") == (Topic.PRICE, Topic.DELIVERY)


def test_the_price_of_a_delivery_is_no_price_of_a_product() -> None:
    assert topics_of("сколько стоит доставка?") == (Topic.DELIVERY,)


@pytest.mark.parametrize("text", ["спасибо за доставку", "доставили вчера, всё хорошо", "рахмет"])
def test_thanks_ask_about_nothing(text: str) -> None:
    assert topics_of(text) == ()


def test_capitals_and_emoji_change_no_topic() -> None:
    lines = corpus("topics")
    assert [one.text for one in lines if read_topics(f" {one.text.upper()} 🙏") != one.label] == []


ENDLESS = ["а", "а.", "а, ", "« а «а", "не мне ", "не пишите мне, но ", "верните если ", "нет! ",
           "http://a.b/", "Куртка пришла, но я хотел спросить про размер и цвет. "]  # fmt: skip


@pytest.mark.parametrize("piece", ENDLESS)
def test_a_text_as_long_as_can_be_sent_is_read_to_the_end(piece: str) -> None:
    text = (piece * 4000)[:4000]
    assert set(topics_of(text)) <= {*Topic}


@given(st.text(max_size=4100))
def test_no_text_breaks_the_rules_and_no_topic_is_named_twice(text: str) -> None:
    found = topics_of(text)
    assert len(found) == len(set(found))
