"""What a seller states of the shop: read as written, and every fault names its table."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

import pytest

import app.demo
from app.config.shop_facts import ShopFacts, read_shop_facts
from app.domain.events import Language
from app.domain.meaning import Topic
from app.domain.rules import Hours, Stated
from app.domain.working_hours import hours_in_words

SUNDAY, MONDAY = datetime(2026, 11, 22, 12, 0), datetime(2026, 11, 23, 12, 0)  # noqa: DTZ001 - local


def read(tmp_path: Path, text: str) -> ShopFacts:
    path = tmp_path / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return read_shop_facts(str(path))


def test_hours_and_statements_are_read(tmp_path: Path) -> None:
    text = """
        [hours]
        days = "mon-fri, sun"
        opens = "10:00"
        closes = 19:30:00
        [returns]
        ru = "Вернуть можно  14 дней."
        kk = "14 күн ішінде қайтаруға болады."
    """
    assert read(tmp_path, text) == ShopFacts(
        hours=Hours(opens=time(10), closes=time(19, 30), days=(0, 1, 2, 3, 4, 6)),
        stated=(
            Stated(
                topic=Topic.RETURNS,
                texts={
                    Language.RU: "Вернуть можно 14 дней.",
                    Language.KK: "14 күн ішінде қайтаруға болады.",
                },
            ),
        ),
    )


def test_a_time_with_a_zone_is_a_time_on_the_shops_wall(tmp_path: Path) -> None:
    facts = read(tmp_path, "[hours]\nopens = '10:00+05:00'\ncloses = '19:00'")
    assert facts.hours == Hours(opens=time(10), closes=time(19))


def test_the_demos_file_says_what_is_needed() -> None:
    facts = read_shop_facts(str(Path(app.demo.__file__).parent / "shop_facts.toml"))
    assert facts.hours is not None
    assert {stated.topic for stated in facts.stated} >= {Topic.RETURNS, Topic.DELIVERY}
    assert all(set(stated.texts) == set(Language) for stated in facts.stated)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[return]\nru = 'x'", "[return] is none of"),
        ("returns = 'x'", "write [returns]"),
        ("[returns]\nde = 'x'", "[returns] de: write one of ru, kk, en"),
        ("[returns]\nru = ''", "[returns] ru: write 1 to"),
        ("[returns]\nru = 7", "[returns] ru: write 1 to"),
        ("[returns]", "[returns] says nothing"),
        ("[hours]\nopens = '10'\ncloses = 'x'", "[hours] closes: write a time"),
        ("[hours]\nopens = '19:00'\ncloses = '10:00'", "opens must be earlier"),
        ("[hours]\nopens = '9:00'\ncloses = '10:00'", "[hours] opens: write a time"),
        ("[hours]\nopens = '09:00'\ncloses = '10:00'\ndays = 'пн'", "[hours] days: write"),
        ("[hours]\nopens = '09:00'\ncloses = '10:00'\ndays = 'sun-mon'", "runs backwards"),
        ("[hours]\nfrom = '09:00'", "[hours] from: write days, opens and closes"),
        ("[returns", "the file is no TOML"),
    ],
)
def test_a_fault_names_the_table_and_what_to_write(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as fault:
        read(tmp_path, text)
    assert says in str(fault.value)


def test_a_file_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_shop_facts("/nowhere/shop.toml")


def test_people_are_there_in_their_hours_only() -> None:
    hours = Hours(opens=time(10), closes=time(19), days=(0, 1, 2, 3, 4, 5))
    assert hours.are_open(MONDAY)
    assert not hours.are_open(SUNDAY)
    assert not hours.are_open(MONDAY.replace(hour=19))
    assert not hours.are_open(MONDAY.replace(hour=9, minute=59))


@pytest.mark.parametrize(
    ("days", "language", "words"),
    [
        ((0, 1, 2, 3, 4, 5, 6), Language.RU, "ежедневно 10:00–19:00"),
        ((0, 1, 2, 3, 4), Language.KK, "дс–жм 10:00–19:00"),
        ((0, 2, 3, 6), Language.EN, "Mon, Wed–Thu, Sun 10:00–19:00"),
    ],
)
def test_hours_are_told_in_words(days: tuple[int, ...], language: Language, words: str) -> None:
    hours = Hours(opens=time(10), closes=time(19), days=days)
    assert hours_in_words(hours, language) == words
