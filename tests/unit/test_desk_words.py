"""The desk's words: no code of the bot is left raw, and times read as people say them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from app.domain.conversation import Author, Entry, Kind, Owner, Status, Written
from app.domain.events import Delivery, Language, Media, Speech, Stage
from app.domain.meaning import Concern, Mood, Segment, Topic
from app.domain.rules import Purpose, Reason
from app.domain.view import Stand
from app.domain.wishes import Tier
from app.web.desk.words import Words
from app.writing import used

APP = Path(__file__).parents[2] / "app"
NOON = datetime(2030, 1, 1, 7, 0, tzinfo=UTC)
RAW = re.compile(r"(?<![A-Za-z])[a-z]+(?:_[a-z]+)*(?![A-Za-z])|\b\d{3}\b")
LISTED = """
    463 seen_on_whatsapp seen_twice did_not_go taken one_person unconfirmed interrupted no_lid
    model_asked model_unavailable text_rejected writing_failed budget_spent two_failed own
""".split()


def words(lang: str = "ru", *, now: datetime = NOON) -> Words:
    return Words(Language(lang), now=now, zone=ZoneInfo("Asia/Almaty"))


def raw(said: list[str]) -> list[str]:
    """Those that are empty, or in which a word of the code is left."""
    return [one for one in said if not one or RAW.search(one.replace("WhatsApp", ""))]


def spelled(paths: list[Path], keyword: str, *, called: str | None = None) -> Iterator[str]:
    """The constants given as ``keyword=``, or as the second argument of ``called``."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            calls = isinstance(node.func, ast.Name) and node.func.id == called
            given = [k.value for k in node.keywords if k.arg == keyword] + node.args[1:2] * calls
            for value in given:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value


def reasons() -> set[str]:
    inside = [*APP.glob("domain/*.py"), *APP.glob("worker/*.py")]
    codes = spelled(sorted(APP.glob("gateways/waha*.py")), "code")
    media = [f"media:{media}" for media in [*Media, "empty"]]
    said = spelled(inside, "reason", called="call_person")
    return {*Reason, *Concern, *Tier, *LISTED, *media, *codes, *said}


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_every_reason_is_told_in_plain_words(lang: str) -> None:
    assert {"written_over", "loop", "no_lid", "unreachable", "media:image"} <= reasons()
    told = words(lang)
    assert [r for r in sorted(reasons()) if raw([told.reason(r)])] == []
    assert [r for r in sorted(reasons()) if raw([told.concern(r)])] == []


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_every_closed_set_is_told_in_plain_words(lang: str) -> None:
    told = words(lang)
    said = [
        *map(told.purpose, Purpose),
        *map(told.status, [*Status, *Stand]),
        *map(told.stage, Stage),
        *map(told.kind, Kind),
        *map(told.media, Media),
        *map(told.segment, Segment),
        *map(told.language, [*Language, *Speech]),
        *map(told.author, Author),
        *map(told.owner, Owner),
    ]
    assert raw(said) == []


def test_the_purposes_have_names_of_their_own() -> None:
    assert len({words().purpose(p) for p in Purpose} | {words().purpose(None)}) == len(Purpose) + 1


def test_a_code_nobody_has_worded_is_shown_as_it_is() -> None:
    told = words("kk")
    assert told.reason("quantum_flux") == "quantum_flux"
    assert told.concern("Покупатель просит два чека") == "Покупатель просит два чека"
    assert told.stage("teleported") == told.kind("teleported") == "teleported"
    assert told.source("moon phase") == "moon phase"


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_every_fault_of_a_text_is_a_rejected_text_and_every_check_has_a_name(lang: str) -> None:
    told, writing = words(lang), sorted(APP.glob("writing/*.py"))
    codes = set(spelled(writing, "code")) - {"prompts"}
    assert {"price", "leak", "language", "promise"} <= codes
    rejected = told.why_canned("of a later release")
    for code in codes:
        assert told.why_canned(code) == f"{rejected} «{told.check(code)}»"
    assert raw([told.check(code) for code in codes]) == []


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_every_failure_of_the_model_is_told(lang: str) -> None:
    told = words(lang)
    codes = set(spelled(sorted(APP.glob("gateways/model*.py")), "code"))
    rejected = told.why_canned("of a later release")
    assert {"timeout", "config", "refused"} <= codes
    assert raw([told.why_canned(code) for code in codes]) == []
    assert not any(told.why_canned(code).startswith(rejected) for code in codes)


def written(prompt: str = "reply/v1", *, canned: bool = False, why: str | None = None) -> Written:
    return Written(prompt=prompt, canned=canned, why_canned=why)


def test_how_a_text_came_about_is_one_clause() -> None:
    told = words()
    assert told.how(written()) == "написала модель, все проверки пройдены"
    timeout = written(canned=True, why="timeout")
    assert told.how(timeout) == "готовый текст: модель не ответила вовремя"
    rejected = written("facts/v1", canned=True, why="price")
    assert "из фактов" in told.how(rejected)
    assert told.how(rejected).endswith("ответ модели не прошёл проверку «цены верны»")
    assert told.how(written("own", why="own")) == "текст магазина, слово в слово"
    assert "уже написанный" in told.how(written("post_purchase/reused"))
    assert told.prompt("reply/v1") == "Ответ покупателю, v1"
    assert told.prompt("handoff/v1") == "передача человеку, v1"


def test_evidence_says_where_a_figure_is_from() -> None:
    told = words()
    assert told.evidence("15990 ₸ ← order 912 total") == "15990 ₸ — заказ 912: сумма"
    assert told.evidence("14 ← statement returns") == "14 — правило магазина: возврат"
    assert told.evidence("5 июня ← order 912 planned date") == "5 июня — заказ 912: дата доставки"
    assert told.evidence("a ← b ← history") == "a ← b — переписка с покупателем"
    assert raw([words("kk").source(f"statement {topic}") for topic in Topic]) == []


def test_facts_are_told_with_their_values() -> None:
    told = words()
    facts = ("order 912", "product {0} %s", "price 15990", "planned 2030-01-05", "stage paid",
             "rule returns", "mood bad", "delivery pickup", "name", "sold_out Чайник, 5 ₸",
             "moon full")  # fmt: skip
    assert [told.fact(fact) for fact in facts] == [
        "заказ 912", "товар «{0} %s»", "цена 15\u202f990 ₸", "привезут 5 января",
        "заказ оплачен", "правило магазина: возврат", "покупатель недоволен",
        "доставка: самовывоз", "имя покупателя", "закончилось: Чайник, 5 ₸", "moon full",
    ]  # fmt: skip


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_every_fact_a_text_rests_on_has_words(lang: str) -> None:
    codes = re.findall(r"``([a-z_]+)``", used.__doc__ or "")
    assert len(codes) == 18
    assert raw([words(lang).fact(f"{code} 7") for code in codes]) == []
    assert raw([words(lang).fact(f"delivery {how}") for how in Delivery]) == []
    assert raw([words(lang).fact(f"mood {mood}") for mood in Mood]) == []


# --- a line of the journal


def blocked(reason: str, *, hours: float | None = None, at: datetime = NOON) -> Entry:
    until = None if hours is None else at + timedelta(hours=hours)
    return Entry(at=at, kind=Kind.BLOCKED, reason=reason, until=until)


def test_quiet_hours_are_told_until_the_morning() -> None:
    night = datetime(2030, 1, 1, 17, 30, tzinfo=UTC)  # 22:30 in Almaty
    entry = blocked("quiet_hours", hours=10.5, at=night)
    later = words(now=night + timedelta(days=40))
    assert words(now=night).line(entry) == "не отправлено: тихие часы до 09:00"
    assert later.line(entry) == "не отправлено: тихие часы до 09:00"
    assert words("kk").line(entry) == "жіберілмеді: тыныш сағаттар 09:00-ге дейін"


def test_a_note_says_what_was_not_sent_and_why() -> None:
    night = datetime(2030, 1, 1, 17, 30, tzinfo=UTC)
    entry = replace(blocked("quiet_hours", hours=10.5, at=night), purpose=Purpose.REVIEW_REQUEST)
    said = "Не отправлено: просьба об отзыве — тихие часы до 09:00"
    assert words().note(entry) == said
    again = replace(entry, kind=Kind.RETRYING, reason="unreachable", until=night)
    assert words(now=night).note(again).endswith("недоступен, ещё раз в 22:30")
    order = Entry(at=NOON, kind=Kind.ORDER, reason="delivered", order_code="912")
    assert words().note(order) == "Заказ 912: доставлен"
    assert words().note(Entry(at=NOON, kind=Kind.RECEIVED, reason="call")) == "Покупатель звонил"
    thumb = Entry(at=NOON, kind=Kind.RECEIVED, reason="reaction", mood=Mood.GOOD)
    assert words().note(thumb) == "Покупатель поставил реакцию: доволен"
    assert words().note(replace(thumb, emoji="👍")) == "Покупатель поставил 👍: доволен"
    assert words().note(replace(thumb, emoji="{}", mood=None)) == "Покупатель поставил {}"
    assert words().note(replace(thumb, emoji="", mood=None)) == "Покупатель убрал реакцию"
    called = Entry(at=NOON, kind=Kind.PERSON_CALLED, reason="wants_person")
    assert words().note(called) == "Нужен человек: покупатель просит человека"


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_no_note_leaves_a_code_raw(lang: str) -> None:
    told = words(lang)
    said = [told.note(Entry(at=NOON, kind=kind, purpose=Purpose.REPLY)) for kind in Kind]
    assert raw([one.replace("None", "") for one in said]) == []


def test_what_lasts_until_it_is_over_names_no_time_of_its_own() -> None:
    for reason in ("disabled", "number_health", "order_unread"):
        assert " до " not in words().line(blocked(reason, hours=0.2))
    due = NOON + timedelta(minutes=10)
    assert words().going(due, None) == "отправим в 12:10"
    assert words().going(due, Reason.QUIET_HOURS) == "отправим в 12:10 — тихие часы"
    assert words().going(NOON, None) == "отправляем"
    assert words().going(due, Reason.DISABLED) == "ждёт — выключено продавцом"
    assert words("kk").going(due, Reason.DISABLED) == "күтуде — сатушы өшірген"
    down = words().going(NOON, Reason.SESSION_DOWN)
    assert down == "ждёт — WhatsApp магазина не подключён"


def test_a_longer_wait_names_its_day() -> None:
    assert words().line(blocked("daily_cap", hours=45)).endswith("исчерпан до 3 января, 09:00")
    assert words().until(NOON + timedelta(hours=26)) == "до завтра, 14:00"
    assert words().until(NOON + timedelta(days=400)) == "до 5 февраля 2031, 12:00"


def test_a_plan_and_an_order_are_told_as_they_are() -> None:
    planned = Entry(at=NOON, kind=Kind.SCHEDULED, until=NOON + timedelta(hours=2))
    assert words().line(planned) == "запланировано: в 14:00"
    order = Entry(at=NOON, kind=Kind.ORDER, reason="delivered")
    assert words().line(order) == "новость о заказе: доставлен"
    assert words().line(Entry(at=NOON, kind=Kind.TAKEN_OVER)) == "чат ведёте вы, бот молчит"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "ге"), (3, "ке"), (5, "ке"), (6, "ға"), (9, "ға"), (10, "ға"), (40, "қа"), (50, "ге")],
)
def test_a_kazakh_time_takes_the_ending_it_is_said_with(minutes: int, said: str) -> None:
    at = NOON + timedelta(minutes=minutes)
    assert words("kk").until(at) == f"12:{minutes:02}-{said} дейін"


def test_days_are_called_as_people_call_them() -> None:
    told, day = words(), timedelta(days=1)
    said = [told.moment(NOON + n * day) for n in (-1, 0, 1, -3, -300)]
    assert said == [
        "вчера, 12:00", "сегодня, 12:00", "завтра, 12:00", "29 декабря 2029, 12:00",
        "7 марта 2029, 12:00",
    ]  # fmt: skip
    assert words("kk").day(NOON - 300 * day) == "2029 ж. 7 наурыз"
    assert told.clock(datetime(2030, 1, 1, 20, 5, tzinfo=UTC)) == "01:05"
