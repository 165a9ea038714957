"""«Сегодня»: what came of the day, what is to be said next, how the number and the money fare."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct
from msgspec.structs import replace

from app.domain.budget import Budget, next_day
from app.domain.rules import WARM_UP
from app.domain.session import HEALTH_WINDOW, Sign, daily_cap
from app.domain.view import Stand
from app.errors import Refused
from app.web.desk import charts
from app.web.desk.rows import masked_phone, read_name
from app.web.desk.today_alerts import (
    Notice,
    because_of,
    budget_notices,
    grade_told,
    session_notices,
)
from app.web.desk.today_figures import (
    Voice,
    by_purpose,
    by_reason,
    costs_by_purpose,
    drawing,
    period,
    tiles,
)
from app.web.desk.today_figures import charts as charts_of
from app.web.desk.visit import LANGUAGES, FromVisit, Visit
from app.web.desk.words import Words
from app.web.figures import Line, ShopDay, lines, queue, shop_days
from app.web.front import Front
from app.web.queue_api import upcoming
from app.web.views import Item

PERIODS = (1, 7, 30)
"""Local days a visitor may choose from; today is the last of them."""

_DRAWN = 14
"""Days of a chart where a shorter period was chosen: a day alone is no line."""

_MOST_DAYS = 90
"""Days a chart may have; more could not be told apart on a phone."""

_DIGITS = 5
"""Digits from which a number of days is none."""

PLANS = (10, 50, 200)
"""How many of what waits are shown: at first, and when one asks for more."""

_SEARCHED = 6
"""How many times as many are looked at for those of one shop."""


class Choice(Struct, frozen=True, kw_only=True):
    """What the visitor wants to see: a shop (None: all), how many days, how much of the plan."""

    shop: str | None
    days: int
    plan: int = PLANS[0]

    @property
    def more(self) -> int | None:
        """How much of the plan is shown next; None where that is all the page can show."""
        return next((plan for plan in PLANS if plan > self.plan), None)


def _choice(visit: Visit) -> Choice:
    """What the address asks for; what makes no sense is left out, and there are days enough."""
    query = visit.request.query_params
    shop, days = query.get("shop"), query.get("days", "")
    known = {each.id for each in visit.front.rules.shops}
    wanted = int(days) if days.isascii() and days.isdecimal() and len(days) < _DIGITS else 1
    return Choice(
        shop=shop if shop in known else None,
        days=min(max(wanted, 1), _MOST_DAYS),
        plan=next((plan for plan in PLANS if query.get("plan") == str(plan)), PLANS[0]),
    )


def _days(visit: Visit, count: int) -> tuple[date, ...]:
    """That many local days, today the last of them."""
    today = visit.front.rules.local(visit.now).date()
    return tuple(today - timedelta(days=back) for back in reversed(range(count)))


@get("/today")
async def today(visit: FromVisit) -> Response[str]:
    """The figures of a period, and how things are now."""
    choice = _choice(visit)
    if choice.days not in PERIODS:
        choice = replace(choice, days=1)
    drawn = max(choice.days, _DRAWN)
    long = await period(visit.front, _days(visit, drawn), choice.shop)
    shown = long.last(choice.days)
    total = shown.total
    sessions = await _sessions(visit.front, choice.shop)
    budget = await visit.front.counters.budget(_days(visit, 1)[0])
    voice = Voice(visit.lang, visit.words)
    standing = {} if choice.shop else await visit.front.chats.counts()
    waiting = await _waiting(visit, choice)
    return visit.page(
        "today.html",
        tab="today",
        choice=choice,
        periods=PERIODS,
        shops=visit.front.rules.shops,
        tiles=tiles(total, visit.t, standing=standing),
        purposes=by_purpose(total, visit.words, visit.t),
        reasons=by_reason(total, visit.words),
        cost=shown.cost,
        window=HEALTH_WINDOW,
        costs=costs_by_purpose(shown.costs, visit.words, visit.t),
        budget=budget,
        notices=await _notices(visit, sessions, budget),
        waiting=waiting[: choice.plan],
        more=len(waiting) > choice.plan,
        numbers=[await _number(visit, line) for line in sessions],
        caps=await _caps(visit.front, choice.shop),
        drawings=[
            drawing("messages", long, voice),
            drawing("blocked", shown, voice),
            drawing("cost", long, voice),
        ],
    )


@get("/charts/{name:str}")
async def chart(visit: FromVisit, name: FromPath[str]) -> Response[bytes]:
    """A chart as an SVG document. Raises Refused (404) where there is none of this name."""
    draw = _CHARTS.get(name)
    if draw is None:
        raise Refused("there is no such chart", code="unknown_chart", status=404)
    query = visit.request.query_params
    choice = _choice(visit)
    shown = await period(visit.front, _days(visit, choice.days), choice.shop)
    _, drawn = charts_of(shown, _voice(visit, query.get("lang")))[name.removesuffix(".svg")]
    theme = charts.Theme.DARK if query.get("theme") == charts.Theme.DARK else charts.Theme.LIGHT
    headers = {"Content-Security-Policy": charts.CSP, "Cache-Control": "no-store"}
    return Response(draw(drawn, theme), media_type="image/svg+xml", headers=headers)


def _voice(visit: Visit, lang: str | None) -> Voice:
    """The language asked for, where the desk speaks it; else the visitor's own."""
    spoken = next((each for each in LANGUAGES if each == lang), visit.lang)
    return Voice(spoken, Words(spoken, now=visit.now, zone=visit.front.rules.zone))


_CHARTS = {
    "messages.svg": charts.lines,
    "blocked.svg": charts.bars,
    "cost.svg": charts.columns,
}


# --- what needs a look ------------------------------------------------------------------------


async def _sessions(front: Front, shop: str | None) -> list[Line]:
    """The WhatsApp sessions of the shop, or of all."""
    found = await lines(front)
    if shop is None:
        return found
    return [line for line in found if line.session.name == front.rules.shop(shop).session]


async def _notices(visit: Visit, sessions: list[Line], budget: Budget) -> list[Notice]:
    """What a person has to look at now: numbers, money, people, failures."""
    front, t = visit.front, visit.t
    found = [notice for line in sessions for notice in session_notices(line, visit)]
    found += budget_notices(budget, visit, until=next_day(visit.now, front.rules.zone))
    if called := await front.mailbox.count_called():
        found.append(
            Notice(
                tone="wait",
                says=t("Ждут ответа человека, чатов: {n}.", n=called),
                todo=t("Откройте «Чаты» и ответьте."),
                where="/desk/chats?shelf=called",
            )
        )
    if buried := (await queue(front)).buried:
        found.append(
            Notice(
                tone="wait",
                says=t("Бот не справился сам, решать вам: {n}.", n=buried),
                todo=t("Посмотрите на странице «Проблемы», что с ними делать."),
                where="/desk/problems",
            )
        )
    return found


# --- what is to be said next ------------------------------------------------------------------


class Next(Struct, frozen=True, kw_only=True):
    """Something that waits: whose it is, what for, when it goes and why not yet.

    ``item.text`` stays in the chat. ``may_change``: it can still be called off, or be sent at once.
    """

    item: Item
    ref: str
    name: str
    purpose: str
    goes: str
    may_change: bool


async def _waiting(visit: Visit, choice: Choice) -> list[Next]:
    """What is said next, soonest first; one more than is shown, where there is more."""
    wanted = choice.plan + 1 if choice.shop is None else choice.plan * _SEARCHED
    found = await upcoming(visit.front, wanted)
    mine = [item for item in found if choice.shop in (None, item.shop)][: choice.plan + 1]
    return list(await asyncio.gather(*(_next(visit, item) for item in mine)))


async def _next(visit: Visit, item: Item) -> Next:
    words = visit.words
    unknown = item.status is Stand.UNCERTAIN
    return Next(
        item=item,
        ref=await visit.front.chats.ref(item.chat),
        name=read_name(item.name) if item.name else _unnamed(item, visit),
        purpose=words.purpose(item.purpose) if item.purpose else visit.t("Ответ человека"),
        goes=words.status(item.status) if unknown else words.going(item.until, item.blocked),
        may_change=item.status in (Stand.SCHEDULED, Stand.QUEUED),
    )


def _unnamed(item: Item, visit: Visit) -> str:
    return masked_phone(item.phone) if item.phone else visit.t("Покупатель без имени")


# --- numbers and caps -------------------------------------------------------------------------


class Number(Struct, frozen=True, kw_only=True):
    """How a WhatsApp number fares: its shops, its grade, the signs of the last days.

    ``cap`` is what it may send today while it warms up, ``day`` which day of that it is.
    """

    name: str
    shops: str
    works: bool
    tone: str
    grade: str
    means: str
    because: list[str]
    signs: list[tuple[str, int]]
    held: int
    day: int | None = None
    used: int = 0
    cap: int = 0


async def _number(visit: Visit, line: Line) -> Number:
    front, t, session = visit.front, visit.t, line.session
    tone, grade, means = grade_told(session.health.grade, t)
    today = _days(visit, 1)[0]
    signs = await front.sessions.signs(session.name, today)
    told = Number(
        name=session.name,
        shops=", ".join(s.name for s in front.rules.shops if s.session == session.name),
        works=session.works,
        tone=tone,
        grade=grade,
        means=means,
        because=because_of(line, t),
        signs=[
            (t("написал первым"), signs.get(Sign.SENT, 0)),
            (t("ответили"), signs.get(Sign.REPLIED, 0)),
            (t("не принято"), signs.get(Sign.FAILED, 0)),
            (t("отписались"), signs.get(Sign.OPTED_OUT, 0)),
        ],
        held=line.held,
    )
    return await _warming(front, told, number=session.number, today=today)


async def _warming(front: Front, told: Number, *, number: str, today: date) -> Number:
    """What the number may send today, where it warms up still."""
    shops = [shop for shop in front.rules.shops if shop.session == told.name]
    rules = next((r for r in map(front.rules.of, (s.id for s in shops)) if r.warm_up), None)
    if rules is None:
        return told
    before = await front.counters.days_before(number, today)
    if before >= len(WARM_UP):
        return told
    used = await front.counters.used_by_number(number, today)
    return replace(told, day=before + 1, used=used, cap=daily_cap(rules, before))


class Cap(Struct, frozen=True, kw_only=True):
    """How much of a shop's day is used up."""

    shop: str
    day: ShopDay


async def _caps(front: Front, shop: str | None) -> list[Cap]:
    """The caps of the shop, or of all."""
    days = await shop_days(front)
    return [
        Cap(shop=each.name, day=days[each.id])
        for each in front.rules.shops
        if shop in (None, each.id)
    ]


ROUTES = [today, chart]
