"""«Сегодня» over HTTP: what came of the day, what waits, and charts that are only drawings."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from msgspec.structs import replace

from app.demo.faults import Status
from app.domain.conversation import Entry, Kind, Written
from app.domain.events import SessionChanged
from app.domain.meaning import Mood
from app.domain.rules import Purpose, Reason
from app.domain.session import _LIMITS, Grade, Health
from app.store.claims import Settled
from app.web.desk.catalogue import kazakh
from app.web.desk.charts import _LETTERS
from tests.builders import NOON, PHONE, person, waiting
from tests.desk import Desk, desk_of, seen
from tests.e2e.stage import ADMIN, Stage, on_stage

DESK = Path(__file__).parents[2] / "app" / "web" / "desk"
CENT = Written(
    prompt="post_purchase/v1", canned=False, requests=1, tokens_in=1000, tokens_out=100, cost=0.01
)
SHOPS = """
[[shops]]
id = "sport"
name = "Спорт"
session = "default"

[[shops]]
id = "kids"
name = "Дети & Ко"
session = "two"
"""


@pytest.fixture
async def stage(store_url: str) -> AsyncIterator[Stage]:
    async with on_stage(store_url, AI_SELLER_DAILY_BUDGET_USD="0.1") as stage:
        yield stage


@pytest.fixture
async def desk(stage: Stage) -> AsyncIterator[Desk]:
    async with desk_of(stage.url, key=ADMIN) as desk:
        yield desk


def entry(kind: Kind = Kind.SENT, **fields: Any) -> Entry:
    known: dict[str, Any] = {"shop": "default", "purpose": Purpose.POST_PURCHASE}
    return Entry(at=NOON, kind=kind, **known | fields)


def held(reason: Reason, **fields: Any) -> Entry:
    return entry(Kind.BLOCKED, reason=reason, counted=True, **fields)


async def happened(stage: Stage, *entries: Entry, days_ago: int = 0) -> None:
    """A turn of somebody ended with these lines in its journal."""
    now, chat = NOON - timedelta(days=days_ago), "77010000001"
    claimed = await stage.bot.mailbox.look(chat)
    settled = Settled(conversation=person(chat=chat, phone=chat), entries=entries)
    await stage.bot.mailbox.commit(claimed, settled, now=now)


def tiles(html: str) -> dict[str, str]:
    """What each tile shows, by its name."""
    found = re.findall(r"<span>([^<]+)</span>\s*<b>([^<]+)</b>", html)
    return dict(found)


def part(html: str, id_: str) -> str:
    """The text of one part of the page."""
    (found,) = re.findall(rf'<section id="{id_}".*?</section>', html, re.DOTALL)
    return seen(found)


# --- figures ----------------------------------------------------------------------------------


async def test_the_figures_of_the_day_are_those_of_the_journal(stage: Stage, desk: Desk) -> None:
    await happened(
        stage,
        *[entry(), entry(purpose=Purpose.REPLY), entry(), entry(purpose=None)],
        *[entry(Kind.RECEIPT, reason="delivered")] * 2,
        entry(Kind.RECEIPT, reason="read"),
        entry(Kind.RECEIVED, mood=Mood.GOOD),
        entry(Kind.HEARD, mood=Mood.BAD),
        entry(Kind.OPTED_OUT),
        *[entry(Kind.PERSON_CALLED)] * 3,
        entry(Kind.ORDER, new=True),
        entry(Kind.WRITTEN, written=CENT),
        *[held(Reason.QUIET_HOURS)] * 2,
        held(Reason.COOLDOWN),
    )
    html = await desk.page("/desk/today")
    assert tiles(html) == {
        "Бот отправил": "3",
        "Доставлено": "2",
        "Прочитано": "1",
        "Ответили боту": "1",
        "Готовым текстом": "0",
        "Покупатели написали": "1",
        "Довольны покупкой": "1",
        "Недовольны покупкой": "1",
        "Отписались": "1",
        "Позван человек": "3",
        "Новые заказы": "1",
        "Модель стоила": "$0.01",
    }
    figures = part(html, "figures")
    for share in ("67\u202f% отправленных", "50\u202f% доставленных", "50\u202f% его бесед"):
        assert " ".join(share.split()) in figures
    assert "сегодня $0.01 из $0.10" in figures
    assert part(html, "purposes").endswith(
        "Благодарность за заказ 2 Написали люди магазина 1 Ответ покупателю 1"
    )
    assert part(html, "reasons").endswith(
        "тихие часы 2 недавно ему уже писали: пауза между сообщениями 1"
    )
    assert part(html, "money").endswith("Благодарность за заказ 1 $0.01")


async def test_a_buyer_who_says_that_all_is_well_is_counted_as_happy(
    stage: Stage, desk: Desk
) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.settle()
    buyer = stage.phone()
    await buyer.writes("Всё отлично, спасибо!")
    await buyer.writes("Очень довольны")
    await stage.settle()
    shown = tiles(await desk.page("/desk/today"))
    told = ("Ответили боту", "Покупатели написали", "Довольны покупкой", "Недовольны покупкой")
    assert [shown[name] for name in told] == ["1", "2", "1", "0"]


async def test_a_message_that_was_looked_for_six_times_is_not_six_of_unknown_fate(
    stage: Stage, desk: Desk
) -> None:
    stage.waha.faults.extend([Status(500)] * 6)
    await stage.ordered()
    await stage.advance(hours=3)
    html = await desk.page("/desk/today")
    shown = tiles(html)
    assert (shown["Не ушло"], shown["Проверял, ушло ли"]) == ("1", "6")
    assert "Неизвестно" not in part(html, "figures")


async def test_who_is_unhappy_now_is_told_beside_what_was_answered(
    stage: Stage, desk: Desk
) -> None:
    """Who complains unasked has answered no question: the figure is 0, the list has one."""
    await stage.ordered(name="АЙГЕРИМ С")
    await stage.settle()
    await stage.phone().writes("Товар сломан, верните деньги!")
    await stage.settle()
    html = await desk.page("/desk/today")
    assert tiles(html)["Недовольны покупкой"] == "0"
    links = dict(re.findall(r'<a class="small standing" href="([^"]+)">(.*?)</a>', html))
    assert {where: seen(said) for where, said in links.items()} == {
        "/desk/chats?shelf=unhappy": "Недовольны покупкой: чатов сейчас: 1",
        "/desk/chats?shelf=called": "Позван человек: чатов сейчас: 1",
    }


async def test_the_reset_of_the_counters_leaves_the_days_as_they_were(
    stage: Stage, desk: Desk
) -> None:
    await happened(stage, entry())
    await stage.api.post("/ai-seller/reset-metrics")
    assert tiles(await desk.page("/desk/today"))["Бот отправил"] == "1"


async def test_a_period_is_as_long_as_one_chooses_and_nonsense_is_today(
    stage: Stage, desk: Desk
) -> None:
    for days_ago in (0, 6, 7, 29, 30):
        await happened(stage, entry(), days_ago=days_ago)
    chosen = {
        "1": "1",
        "7": "2",
        "30": "4",
        "8": "1",
        "-1": "1",
        "x": "1",
        "9" * 400: "1",
        "²": "1",
    }
    for days, sent in chosen.items():
        html = await desk.page("/desk/today", days=days)
        assert tiles(html)["Бот отправил"] == sent, days


async def test_a_day_begins_at_midnight_where_the_shop_is(stage: Stage, desk: Desk) -> None:
    await happened(stage, entry())
    stage.clock.set(NOON + timedelta(hours=11, minutes=59))
    assert tiles(await desk.page("/desk/today"))["Бот отправил"] == "1"
    stage.clock.set(NOON + timedelta(hours=12))
    assert tiles(await desk.page("/desk/today"))["Бот отправил"] == "0"


async def test_nothing_at_all_is_told_kindly(desk: Desk) -> None:
    html = await desk.page("/desk/today")
    assert "<img" not in html
    assert "За эти дни бот никому не писал" in seen(html)
    assert "Сейчас ничего не ждёт отправки" in seen(html)
    assert "с\u202f% отправленных" not in html


async def test_one_shop_can_be_looked_at_alone(store_url: str, tmp_path: Path) -> None:
    path = tmp_path / "shops.toml"
    path.write_text(SHOPS, "utf-8")
    async with on_stage(store_url, AI_SELLER_SHOPS_FILE=str(path)) as stage:
        await happened(stage, entry(shop="sport"), entry(shop="kids"), entry(shop="kids"))
        async with desk_of(stage.url, key=ADMIN) as desk:
            shown = {
                shop: await desk.page("/desk/today", shop=shop)
                for shop in ("", "sport", "kids", "unknown")
            }
    assert {shop: tiles(html)["Бот отправил"] for shop, html in shown.items()} == {
        "": "3", "sport": "1", "kids": "2", "unknown": "3",
    }  # fmt: skip
    assert "Спорт" not in part(shown["kids"], "caps")
    assert part(shown[""], "numbers").count("Номер WhatsApp") == 2
    assert part(shown["kids"], "numbers").count("Номер WhatsApp: Дети & Ко") == 1
    assert "/desk/charts/messages.svg?days=14&amp;shop=kids" in shown["kids"]


# --- what waits -------------------------------------------------------------------------------


async def test_what_waits_is_shown_with_its_reason_and_buttons(stage: Stage, desk: Desk) -> None:
    await stage.ordered()
    await stage.settle()
    await stage.ordered("ORDER_DELIVERED")
    await stage.settle()
    html = await desk.page("/desk/today")
    plan = part(html, "waiting")
    assert (
        "Айгерим С Вопрос о доставленном заказе отправим завтра в 12:00 — недавно ему уже писали"
        in plan
    )
    assert "Просьба об отзыве отправим 25 ноября в 12:00" in plan
    doors = re.findall(r'action="/desk/waiting/([0-9a-f]{20})/(\w+)/(\w+)"', html)
    assert len({ref for ref, _, _ in doors}) == 1
    assert [act for _, _, act in doors] == ["now", "cancel"] * 2
    assert f'href="/desk/chats/{doors[0][0]}"' in html
    assert PHONE not in html


async def test_of_much_that_waits_the_soonest_are_shown_and_more_when_asked(
    stage: Stage, desk: Desk
) -> None:
    for n in range(12):
        review = waiting(Purpose.REVIEW_REQUEST, due=NOON + timedelta(hours=n + 1))
        chat = f"770500000{n:02}"
        claimed = await stage.bot.mailbox.look(chat)
        known = person(chat=chat, phone=chat, pending=(review,))
        await stage.bot.mailbox.commit(
            claimed, Settled(conversation=known, wake=review.due), now=NOON
        )
    first = await desk.page("/desk/today", days="7")
    assert part(first, "waiting").count("Просьба об отзыве") == 10
    assert "Показаны ближайшие 10, ждут и другие. Показать больше" in part(first, "waiting")
    assert "/desk/today?days=7&amp;plan=50#waiting" in first
    second = part(await desk.page("/desk/today", days="7", plan="50"), "waiting")
    assert second.count("Просьба об отзыве") == 12
    assert "Показаны ближайшие" not in second
    for nonsense in ("-1", "x", "9" * 400, "11"):
        shown = part(await desk.page("/desk/today", plan=nonsense), "waiting")
        assert shown.count("Просьба об отзыве") == 10


async def test_a_name_with_markup_in_it_is_only_a_name(stage: Stage, desk: Desk) -> None:
    name = "<img src=x onerror=alert(1)>"
    await stage.phone(name=name).writes("Здравствуйте! Где мой заказ?")
    await stage.waha.delivered()
    html = await desk.page("/desk/today")
    assert name in part(html, "waiting")
    assert name not in html


# --- numbers and alerts -----------------------------------------------------------------------


async def test_what_is_wrong_is_told_on_top_with_what_to_do(stage: Stage, desk: Desk) -> None:
    await stage.bot.sessions.told(
        SessionChanged(session="default", status="SCAN_QR_CODE", at=NOON),
        day=NOON.date(),
        now=NOON,
    )
    red = Health(grade=Grade.RED, because=("30% of the messages were refused",))
    await stage.bot.sessions.assess("default", red, [])
    await happened(
        stage, entry(Kind.WRITTEN, written=CENT), *[entry(Kind.WRITTEN, written=CENT)] * 9
    )
    notices = part(await desk.page("/desk/today"), "notices")
    assert "Телефон магазина не привязан к WhatsApp" in notices
    assert "отсканируйте код" in notices
    assert "Номер под угрозой блокировки: WhatsApp не принял 30 % сообщений" in notices
    assert "Дневной бюджет модели исчерпан: $0.10 из $0.10" in notices
    assert "no WhatsApp" not in notices


def test_every_sign_of_a_number_in_danger_has_plain_words() -> None:
    source = (DESK / "today_alerts.py").read_text("utf-8")
    assert [limit.says for limit in _LIMITS if f'"{limit.says}"' not in source] == []


async def test_a_number_that_warms_up_shows_how_far_it_is(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_WARM_UP="true") as stage:
        await stage.ordered()
        await stage.settle()
        async with desk_of(stage.url, key=ADMIN) as desk:
            shown = part(await desk.page("/desk/today"), "numbers")
    assert "Номер разогревается: день 1, сегодня он написал первым 1 из 10." in shown


# --- charts -----------------------------------------------------------------------------------


async def test_a_chart_is_a_picture_in_a_sentence_and_in_a_table(stage: Stage, desk: Desk) -> None:
    await happened(stage, *[entry(Kind.WRITTEN, written=CENT), entry()] * 2, days_ago=1)
    await happened(stage, entry(), held(Reason.QUIET_HOURS))
    html = await desk.page("/desk/today", days="7")
    alts = [unescape(alt) for alt in re.findall(r'<img [^>]*alt="([^"]*)"', html)]
    assert alts[0].endswith("бот отправил сообщений — 3, прочитано — 0, ответов — 0.")
    assert alts[1].endswith("бот промолчал раз — 1, чаще всего: тихие часы (1).")
    assert alts[2].endswith("модель стоила $0.02, самый дорогой день — $0.02.")
    assert "22.11 2 0 0 23.11 1 0 0" in part(html, "charts")
    for address in re.findall(r'(?:src|srcset)="(/desk/charts/[^"]+)"', html):
        answer = await desk.get(unescape(address))
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert fromstring(answer.text).get("role") == "img"
        assert "script" not in answer.text


async def test_a_picture_has_another_address_when_its_figures_change(
    stage: Stage, desk: Desk
) -> None:
    addresses = []
    for _ in range(2):
        await happened(stage, entry())
        html = await desk.page("/desk/today")
        addresses.append(re.findall(r'src="(/desk/charts/messages[^"]+)"', html))
    assert addresses[0] != addresses[1]


async def test_columns_of_a_month_do_not_touch(stage: Stage, desk: Desk) -> None:
    for days_ago in (0, 1):
        await happened(stage, entry(Kind.WRITTEN, written=CENT), days_ago=days_ago)
    answer = await desk.get("/desk/charts/cost.svg", days="30")
    bars = [each for each in fromstring(answer.text).iter() if "rx" in each.attrib]
    left, right = sorted(bars, key=lambda bar: float(bar.attrib["x"]))[-2:]
    gap = float(right.attrib["x"]) - float(left.attrib["x"]) - float(left.attrib["width"])
    assert gap > float(left.attrib["width"]) / 4


@pytest.mark.parametrize("cost", [0.000003, 0.012, 0.1, 899])
async def test_no_two_marks_of_money_read_the_same(stage: Stage, desk: Desk, cost: float) -> None:
    paid = entry(Kind.WRITTEN, written=replace(CENT, cost=cost))
    await happened(stage, paid)
    drawn = fromstring((await desk.get("/desk/charts/cost.svg", days="7")).text)
    said = [each.text or "" for each in drawn.iter() if each.tag.endswith("text")]
    marks = [text for text in said if text.startswith("$")]
    assert len(marks) >= 3
    assert len(set(marks)) == len(marks)


async def test_the_names_of_the_lines_do_not_run_into_one_another(stage: Stage, desk: Desk) -> None:
    await happened(stage, entry())
    drawn = fromstring((await desk.get("/desk/charts/messages.svg", days="30")).text)
    names = [text for group in drawn.iter() if "legend" in group.get("class", "").split()
             for text in group if text.tag.endswith("text")]  # fmt: skip
    first, second, third = ((float(name.attrib["x"]), float(name.attrib["y"])) for name in names)
    assert second[0] - first[0] > 19 + _LETTERS * 0.65 * len("отправлено")
    (named,) = (each for each in drawn.iter() if each.get("class") == "legends")
    down = float(re.findall(r"[\d.]+", named.attrib["transform"])[1])
    assert first[1] < third[1] < float(drawn.attrib["viewBox"].split()[3]) - down - 5


@pytest.mark.parametrize("name", ["secrets.svg", "messages", "messages.png", "..%2Ftoday.svg"])
async def test_a_chart_nobody_knows_is_not_there(desk: Desk, name: str) -> None:
    assert (await desk.get(f"/desk/charts/{name}")).status_code == 404


@pytest.mark.parametrize("days", ["0", "-5", "100000", "x", "1e9"])
async def test_a_chart_of_any_days_and_language_is_drawn(
    stage: Stage, desk: Desk, days: str
) -> None:
    await happened(stage, entry())
    for lang in ("kk", "ru", "xx"):
        answer = await desk.get("/desk/charts/messages.svg", days=days, lang=lang, theme="?")
        assert answer.status_code == 200
        words = "жіберілді" if lang == "kk" else "отправлено"
        assert words in answer.text


async def test_a_stranger_sees_no_chart(stage: Stage) -> None:
    async with desk_of(stage.url, key=None) as stranger:
        answer = await stranger.get("/desk/charts/messages.svg")
    assert answer.url.path == "/desk/login"


# --- both languages ---------------------------------------------------------------------------


def test_everything_said_here_is_said_in_kazakh_too() -> None:
    sources = [*DESK.glob("today*.py"), *DESK.glob("templates/today*.html")]
    said = {
        text
        for path in sources
        for text in re.findall(r'\bt\(\s*"([^"]+)"', path.read_text("utf-8"))
    }
    assert len(said) > 50
    assert said - set(kazakh()) == set()
    names = re.compile(r"\{\w+\}")
    assert {t for t in said if set(names.findall(t)) != set(names.findall(kazakh()[t]))} == set()


async def test_the_page_is_there_in_kazakh(stage: Stage) -> None:
    await happened(stage, entry(), held(Reason.QUIET_HOURS))
    async with desk_of(stage.url, key=ADMIN, lang="kk") as desk:
        shown = seen(await desk.page("/desk/today", days="30"))
    assert "30 күнде" in shown
    assert "Бот жіберді 1" in shown
    assert "Доставлено" not in shown
