"""The demo's clock: forward only, kept when the demo is started anew, never begun in the night."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from app.demo.calendar import Calendar, Lang
from app.demo.clock import MOST_HOURS, QUIET, DemoClock, is_quiet, until
from app.demo.hints import Around, Author, Down, Spoken, hint, was_answered
from app.domain.rules import Rules
from app.world import MovableWorld, World

ALMATY = ZoneInfo("Asia/Almaty")
NOON = datetime(2030, 3, 5, 12, 0, tzinfo=ALMATY)
LANGS: tuple[Lang, ...] = ("ru", "kk")
AGO = NOON - timedelta(hours=2)
USUAL = Around(rules=Rules())


def at(hour: int, minute: int = 0) -> datetime:
    return NOON.replace(hour=hour, minute=minute)


class From(DemoClock):
    """A demo's clock beside a real one that stands still."""

    def __init__(self, file: Path, start: datetime) -> None:
        super().__init__(file)
        self.start = start

    def now(self) -> datetime:
        return self.start + self.ahead


# -- moving


def test_a_moved_world_is_ahead_of_the_real_one_by_what_it_was_moved() -> None:
    world = MovableWorld()
    before = World().now()
    world.move(timedelta(days=2))
    world.move(timedelta(hours=1))
    assert world.ahead == timedelta(days=2, hours=1)
    assert world.now() - before >= world.ahead
    assert world.real(before + world.ahead) == before


def test_an_unmoved_world_is_the_real_one() -> None:
    assert World().real(NOON) == MovableWorld().real(NOON) == NOON


def test_time_does_not_go_back() -> None:
    world = MovableWorld()
    with pytest.raises(ValueError, match="forward"):
        world.move(timedelta(seconds=-1))
    assert world.ahead == timedelta()


# -- kept


def test_a_clock_that_is_started_anew_goes_on_from_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "demo" / "clock"
    DemoClock(file).move(timedelta(hours=9))
    second = DemoClock(file)
    second.move(timedelta(days=1))
    assert DemoClock(file).ahead == timedelta(days=1, hours=9)


@pytest.mark.parametrize("kept", ["", "soon", "-5", "9" * 30, "1.5"])
def test_a_file_that_tells_no_time_is_the_real_time(tmp_path: Path, kept: str) -> None:
    (tmp_path / "clock").write_text(kept, "utf-8")
    assert DemoClock(tmp_path / "clock").ahead == timedelta()


@pytest.mark.parametrize(
    ("started", "goes_to"),
    [
        (at(9), at(9)),
        (at(12, 30), at(12, 30)),
        (at(18, 59), at(18, 59)),
        (at(19), at(10) + timedelta(days=1)),
        (at(23, 59), at(10) + timedelta(days=1)),
        (at(0), at(10)),
        (at(8, 59), at(10)),
    ],
)
def test_a_demo_begins_in_working_hours(
    tmp_path: Path, started: datetime, goes_to: datetime
) -> None:
    clock = From(tmp_path / "clock", started)
    clock.to_working_hours(ALMATY)
    assert clock.now() == goes_to


# -- days and hours


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [(at(20, 59), False), (at(21), True), (at(0), True), (at(8, 59), True), (at(9), False)],
)
def test_quiet_hours_go_over_midnight(moment: datetime, *, quiet: bool) -> None:
    assert is_quiet(moment) is quiet


def test_the_next_morning_comes_within_a_day() -> None:
    assert until(at(8, 30), time(9)) == timedelta(minutes=30)
    assert until(at(9), time(9)) == timedelta(days=1)
    assert until(at(21, 15), QUIET[1]) == timedelta(hours=11, minutes=45)


@pytest.mark.parametrize(
    ("moment", "russian", "kazakh"),
    [
        (at(0), "Сегодня", "Бүгін"),
        (at(23) - timedelta(days=1), "Вчера", "Кеше"),
        (at(12) - timedelta(days=2), "3 марта", "3 наурыз"),
        (at(12) + timedelta(days=1), "6 марта", "6 наурыз"),
    ],
)
def test_messages_are_parted_by_the_shops_days(moment: datetime, russian: str, kazakh: str) -> None:
    told = moment.astimezone(UTC)
    said = [Calendar(lang, now=NOON, zone=ALMATY).day(told) for lang in ("ru", "kk")]
    assert said == [russian, kazakh]


def test_today_has_its_name() -> None:
    assert Calendar("ru", now=NOON, zone=ALMATY).today() == "вторник, 5 марта"
    assert Calendar("kk", now=NOON, zone=ALMATY).today() == "сейсенбі, 5 наурыз"


# -- hints


def test_an_answer_is_no_reason_for_a_pause() -> None:
    calendar = Calendar("ru", now=NOON, zone=ALMATY)
    ago = [NOON - timedelta(minutes=minutes) for minutes in range(4)]
    answered = [Spoken("buyer", "Есть плед?", ago[3]), Spoken("bot", "Да", ago[2])]
    assert hint(answered, news=ago[1], calendar=calendar, around=USUAL) is None
    thanked = [*answered, Spoken("bot", "Спасибо за заказ", ago[1])]
    assert hint(thanked, news=ago[2], calendar=calendar, around=USUAL) is None
    paused = hint(thanked, news=ago[0], calendar=calendar, around=USUAL)
    assert paused is not None
    assert (paused.kind, paused.hours) == ("cooldown", 24)


def test_what_comes_hours_after_a_question_is_no_answer_to_it() -> None:
    calendar = Calendar("ru", now=NOON, zone=ALMATY)
    ago = [NOON - timedelta(hours=hours) for hours in range(5)]
    late = [Spoken("buyer", "Когда приедет?", ago[4]), Spoken("bot", "Заказ у курьера", ago[1])]
    assert not was_answered(late)
    paused = hint(late, news=ago[0], calendar=calendar, around=USUAL)
    assert paused is not None
    assert (paused.kind, paused.hours) == ("cooldown", 23)


def test_a_stop_that_is_confirmed_is_no_question_that_was_answered() -> None:
    said = [Spoken("buyer", "стоп", NOON), Spoken("bot", "Больше не пишем", NOON)]
    assert not was_answered(said)
    assert was_answered([*said, Spoken("buyer", "Где заказ?", NOON), Spoken("bot", "У вас", NOON)])


@pytest.mark.parametrize(
    ("down", "news", "kind"),
    [("waha", None, "waha_down"), ("kaspi", NOON, "kaspi_down"), ("kaspi", None, None)],
)
def test_what_was_turned_off_is_told_to_who_waits_for_it(
    down: Down, news: datetime | None, kind: str | None
) -> None:
    for lang in LANGS:
        calendar = Calendar(lang, now=NOON, zone=ALMATY)
        told = hint([], news=news, calendar=calendar, around=replace(USUAL, down=down))
        assert (told and told.kind) == kind


def test_who_was_written_to_as_often_as_may_be_is_not_said_to_hear_more() -> None:
    months = timedelta(days=29), timedelta(days=31)
    for ago, kind in zip(months, ("enough", "cooldown"), strict=True):
        starts = [NOON - ago, NOON - timedelta(days=2), NOON - timedelta(hours=2)]
        spoken = [Spoken("bot", "О заказе", at) for at in starts]
        for lang in LANGS:
            calendar = Calendar(lang, now=NOON, zone=ALMATY)
            told = hint(spoken, news=NOON, calendar=calendar, around=USUAL)
            assert told is not None
            assert (told.kind, told.new_buyer) == (kind, True)
            assert ("3" in told.text) == (kind == "enough")


@pytest.mark.parametrize(
    ("rules", "author", "kind", "words", "hours"),
    [
        (Rules(max_messages=1), "bot", "enough", "сколько можно: 1.", None),
        (Rules(paused=True, max_messages=1), "bot", "paused", "выключен в пульте", None),
        (Rules(quiet_hours=(time(11), time(10))), "bot", "quiet_hours", "ночь", 23),
        (Rules(cooldown=timedelta(hours=12)), "bot", "cooldown", "раза в 12 ч", 10),
        (Rules(handoff=timedelta(hours=60)), "owner", "taken_over", "на 60 ч", MOST_HOURS),
    ],
)
def test_a_hint_goes_by_the_rules_as_the_seller_has_changed_them(
    *, rules: Rules, author: Author, kind: str, words: str, hours: int | None
) -> None:
    calendar, spoken = Calendar("ru", now=NOON, zone=ALMATY), Spoken(author, "О заказе", AGO)
    told = hint([spoken], news=NOON, calendar=calendar, around=Around(rules=rules))
    assert told is not None
    assert (told.kind, told.hours) == (kind, hours)
    assert words in told.text


def test_who_waited_for_kaspi_is_told_that_it_answers_again() -> None:
    calendar, minute = Calendar("ru", now=NOON, zone=ALMATY), timedelta(minutes=1)
    for back, kind in ((NOON - 9 * minute, "kaspi_back"), (NOON - 10 * minute, None)):
        around = replace(USUAL, kaspi_back=back)
        told = hint([], news=back - minute, calendar=calendar, around=around)
        assert (told and told.kind) == kind
        assert hint([], news=back + minute, calendar=calendar, around=around) is None
