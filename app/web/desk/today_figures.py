"""The figures of some local days, as «Сегодня» shows them: tiles, tables and what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from urllib.parse import quote
from zlib import crc32

from msgspec import Struct

from app.domain.events import Language
from app.domain.findable import Shelf
from app.domain.rules import Purpose
from app.domain.tally import NONE, Metric, Spent
from app.store.counters import Cost
from app.web.desk.catalogue import said
from app.web.desk.charts import Chart, Series
from app.web.desk.pages import THIN, number, usd
from app.web.desk.words import Words
from app.web.figures import Counts
from app.web.front import Front

Said = Callable[..., str]
"""``visit.t``."""


class Voice:
    """Whom a page or a chart speaks to: their language, and what is said in it."""

    def __init__(self, lang: Language, words: Words) -> None:
        self.lang = lang
        self.words = words

    def t(self, text: str, **values: object) -> str:
        """``text`` in the language, its ``{names}`` filled in."""
        return said(text, self.lang, **values)


class Period(Struct, frozen=True, kw_only=True):
    """What was counted, and paid, on each of these local days, the oldest first.

    ``shop`` None is all shops.
    """

    days: tuple[date, ...]
    shop: str | None
    by_day: tuple[Counts, ...]
    costs: tuple[Cost, ...]

    def last(self, days: int) -> Period:
        """The newest of these days alone."""
        kept = self.days[-days:]
        return Period(
            days=kept,
            shop=self.shop,
            by_day=self.by_day[-days:],
            costs=tuple(cost for cost in self.costs if cost.day in kept),
        )

    @property
    def total(self) -> Counts:
        """All of these days together."""
        counts: dict[str, float] = {}
        for day in self.by_day:
            for name, value in day.counts.items():
                counts[name] = counts.get(name, 0) + value
        return Counts(counts=counts)

    @property
    def cost(self) -> float:
        """US dollars these days have cost."""
        return sum(cost.spent.cost for cost in self.costs)

    def cost_on(self, day: date) -> float:
        """US dollars one of these days has cost."""
        return sum(cost.spent.cost for cost in self.costs if cost.day == day)


async def period(front: Front, days: tuple[date, ...], shop: str | None) -> Period:
    """These days of a shop, or of all. Raises ``StoreDown``."""
    counted = await front.counters.figures(days)
    costs = await front.counters.costs(days)
    by_day = [Counts(counts=counted[day]) for day in days]
    return Period(
        days=days,
        shop=shop,
        by_day=tuple(each if shop is None else each.shop(shop) for each in by_day),
        costs=tuple(cost for cost in costs if shop in (None, cost.shop)),
    )


# --- tiles ------------------------------------------------------------------------------------


class Tile(Struct, frozen=True, kw_only=True):
    """One figure; ``note`` says what it is a share of, ``tone`` is empty where it is neutral.

    ``standing`` says how many chats are so now, ``where`` is the list of them.
    """

    name: str
    value: int
    note: str = ""
    tone: str = ""
    standing: str = ""
    where: str = ""


def tiles(counted: Counts, t: Said, *, standing: Mapping[Shelf, int]) -> list[Tile]:
    """The figures of a period, in the order in which a message goes its way.

    ``standing`` is how many chats are on each shelf now: empty where that is not of these shops.
    """
    sent = counted.by(Metric.SENT)
    written = sum(sent.values())
    started = sum(count for purpose, count in sent.items() if _is_proactive(purpose))
    note = t("из них написал первым: {n}", n=number(started))
    return [
        Tile(name=t("Бот отправил"), value=written, note=note),
        *_shares(counted, t, written=written, started=started),
        Tile(name=t("Покупатели написали"), value=counted.of(Metric.RECEIVED)),
        *_people(counted, t, standing),
        Tile(name=t("Новые заказы"), value=counted.of(Metric.ORDERS)),
        *_rare(counted, t),
    ]


def _shares(counted: Counts, t: Said, *, written: int, started: int) -> Iterator[Tile]:
    """What is told with its share of something else."""
    arrived, read = counted.of(Metric.DELIVERED), counted.of(Metric.READ)
    replied, canned = counted.of(Metric.REPLIED), counted.of(Metric.CANNED)
    share = _share(arrived, written)
    yield Tile(name=t("Доставлено"), value=arrived, note=share and t("{n} отправленных", n=share))
    share = _share(read, arrived)
    yield Tile(name=t("Прочитано"), value=read, note=share and t("{n} доставленных", n=share))
    share = _share(replied, started)
    yield Tile(name=t("Ответили боту"), value=replied, note=share and t("{n} его бесед", n=share))
    share = _share(canned, counted.of(Metric.WRITTEN))
    yield Tile(name=t("Готовым текстом"), value=canned, note=share and t("{n} текстов", n=share))


def _people(counted: Counts, t: Said, standing: Mapping[Shelf, int]) -> Iterator[Tile]:
    """How the customers are, and who of them needs a person.

    What they answered and how they stand now differ: who complains unasked has answered nothing.
    """
    happy, unhappy = counted.of(Metric.HAPPY), counted.of(Metric.UNHAPPY)
    asked = t("так ответили на вопрос бота")

    def now(shelf: Shelf) -> dict[str, str]:
        if not standing.get(shelf):
            return {}
        said = t("чатов сейчас: {n}", n=number(standing[shelf]))
        return {"standing": said, "where": f"/desk/chats?shelf={shelf}"}

    yield Tile(name=t("Довольны покупкой"), value=happy, note=asked, tone="ok" if happy else "")
    yield Tile(
        name=t("Недовольны покупкой"),
        value=unhappy,
        note=asked,
        tone="no" if unhappy else "",
        **now(Shelf.UNHAPPY),
    )
    out, called = counted.of(Metric.OPTED_OUT), counted.of(Metric.PERSON_CALLED)
    yield Tile(name=t("Отписались"), value=out, **now(Shelf.OPTED_OUT))
    yield Tile(name=t("Позван человек"), value=called, **now(Shelf.CALLED))


def _rare(counted: Counts, t: Said) -> Iterator[Tile]:
    """What is told only when there is something to tell."""
    checked = t("раз: WhatsApp не ответил, бот искал сообщение там сам")
    names = {
        Metric.DRY_RUN: (t("Не отправлено в пробном режиме"), "", ""),
        Metric.ERRORS: (t("Не ушло"), "no", ""),
        Metric.UNCERTAIN: (t("Проверял, ушло ли"), "", checked),
    }
    for metric, (name, tone, note) in names.items():
        if value := counted.of(metric):
            yield Tile(name=name, value=value, tone=tone, note=note)


def _is_proactive(purpose: str) -> bool:
    return purpose in set(Purpose) and Purpose(purpose).proactive


def _share(part: int, whole: int) -> str:
    """«75 %»; nothing where there is no whole, or a part of other days makes it more than all."""
    return f"{round(100 * part / whole)}{THIN}%" if 0 < whole >= part else ""


# --- tables -----------------------------------------------------------------------------------


def by_purpose(counted: Counts, words: Words, t: Said) -> list[tuple[str, int]]:
    """What was sent, the most first; what people at the shop wrote has no purpose."""
    sent = counted.by(Metric.SENT)
    people = counted.of(Metric.SENT) - sum(sent.values())
    rows = [(words.purpose(purpose), count) for purpose, count in sent.items()]
    rows += [(t("Написали люди магазина"), people)] if people > 0 else []
    return _most_first(rows)


def by_reason(counted: Counts, words: Words) -> list[tuple[str, int]]:
    """Why the bot held something back, the most frequent reason first."""
    blocked = counted.by(Metric.BLOCKED).items()
    return _most_first((words.reason(reason), count) for reason, count in blocked)


def _most_first(rows: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted((row for row in rows if row[1]), key=lambda row: (-row[1], row[0]))


def costs_by_purpose(costs: Iterable[Cost], words: Words, t: Said) -> list[tuple[str, Spent]]:
    """What each purpose cost, the dearest first."""
    spent: dict[str, Spent] = {}
    for cost in costs:
        spent[cost.purpose] = spent.get(cost.purpose, Spent()) + cost.spent
    named = ((t("Прочее") if p == NONE else words.purpose(p), paid) for p, paid in spent.items())
    return sorted(named, key=lambda row: (-row[1].cost, row[0]))


# --- what is drawn ----------------------------------------------------------------------------


class Drawing(Struct, frozen=True, kw_only=True):
    """A chart on the page: its address' query, its figures as a table, whether there are any."""

    name: str
    title: str
    days: str
    chart: Chart
    query: str
    first: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def drawing(name: str, shown: Period, voice: Voice) -> Drawing:
    """The chart called ``name`` of these days, and the same in a table."""
    title, chart = charts(shown, voice)[name]
    values = repr((chart.labels, [each.values for each in chart.series]))
    where = f"&shop={quote(shown.shop)}" if shown.shop is not None else ""
    query = f"days={len(shown.days)}{where}&lang={voice.lang}&v={crc32(values.encode()):08x}"
    rows = zip(chart.labels, *(each.values for each in chart.series), strict=True)
    return Drawing(
        name=name,
        title=title,
        days=_days(shown, voice.words),
        chart=chart,
        query=query,
        first=voice.t("Почему") if name == "blocked" else voice.t("День"),
        head=tuple(each.name for each in chart.series),
        rows=tuple((label, *map(chart.shown, values)) for label, *values in rows),
    )


def charts(shown: Period, voice: Voice) -> dict[str, tuple[str, Chart]]:
    """Every chart there is, by its name, with its title."""
    t = voice.t
    return {
        "messages": (t("Сообщения по дням"), _messages(shown, voice)),
        "blocked": (t("Почему бот промолчал"), _blocked(shown, voice)),
        "cost": (t("Расходы на модель по дням"), _cost(shown, voice)),
    }


def _messages(shown: Period, voice: Voice) -> Chart:
    t, total = voice.t, shown.total
    return Chart(
        says=t(
            "{days}: бот отправил сообщений — {sent}, прочитано — {read}, ответов — {replied}.",
            days=_days(shown, voice.words),
            sent=number(sum(total.by(Metric.SENT).values())),
            read=number(total.of(Metric.READ)),
            replied=number(total.of(Metric.REPLIED)),
        ),
        empty=t("За эти дни бот никому не писал"),
        labels=_labels(shown),
        shown=number,
        series=(
            Series(
                name=t("отправлено"),
                values=tuple(sum(day.by(Metric.SENT).values()) for day in shown.by_day),
            ),
            _series(shown, Metric.READ, name=t("прочитано")),
            _series(shown, Metric.REPLIED, name=t("ответили")),
        ),
    )


def _blocked(shown: Period, voice: Voice) -> Chart:
    t, rows = voice.t, by_reason(shown.total, voice.words)
    says = t("{days}: бот ничего не придержал.", days=_days(shown, voice.words))
    if rows:
        says = t(
            "{days}: бот промолчал раз — {n}, чаще всего: {reason} ({most}).",
            days=_days(shown, voice.words),
            n=number(sum(count for _, count in rows)),
            reason=rows[0][0],
            most=number(rows[0][1]),
        )
    return Chart(
        says=says,
        empty=t("За эти дни бот ничего не придержал"),
        labels=tuple(reason for reason, _ in rows),
        shown=number,
        series=(Series(name=t("раз"), values=tuple(count for _, count in rows)),),
    )


def _cost(shown: Period, voice: Voice) -> Chart:
    paid = tuple(shown.cost_on(day) for day in shown.days)
    return Chart(
        says=voice.t(
            "{days}: модель стоила {cost}, самый дорогой день — {most}.",
            days=_days(shown, voice.words),
            cost=usd(shown.cost),
            most=usd(max(paid)),
        ),
        empty=voice.t("За эти дни модель ничего не стоила"),
        labels=_labels(shown),
        shown=lambda dollars: usd(dollars) if dollars else "$0",
        marked=lambda dollars: f"${dollars:.6f}".rstrip("0").rstrip("."),
        series=(Series(name=voice.t("доллары США"), values=paid),),
    )


def _series(shown: Period, metric: Metric, *, name: str) -> Series:
    return Series(name=name, values=tuple(day.of(metric) for day in shown.by_day))


def _labels(shown: Period) -> tuple[str, ...]:
    return tuple(f"{day:%d.%m}" for day in shown.days)


def _days(shown: Period, words: Words) -> str:
    """«10 ноября – 23 ноября»."""
    first, last = shown.days[0], shown.days[-1]
    return words.date(last) if first == last else f"{words.date(first)} – {words.date(last)}"
