"""What a person has to look at now, in plain words and with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct

from app.domain.budget import Budget, BudgetState
from app.domain.session import MISSING, UNAUTHORIZED, UNREACHABLE, Alarm, Alert, Grade
from app.web.desk.pages import usd
from app.web.desk.visit import Visit
from app.web.figures import Line

CONNECTION = "/desk/connection"

Said = Callable[..., str]
"""``visit.t``."""


class Notice(Struct, frozen=True, kw_only=True):
    """What is the matter, since when or until when, what to do, and where (None: not here)."""

    tone: str
    says: str
    todo: str
    when: str = ""
    where: str | None = None


def session_notices(line: Line, visit: Visit) -> list[Notice]:
    """What is wrong with a session."""
    return [_of_alert(alert, line, visit) for alert in line.alerts]


def _of_alert(alert: Alert, line: Line, visit: Visit) -> Notice:
    tone, says, todo = _told(alert.kind, line, visit.t)
    when = ""
    if alert.until is not None:
        when = visit.words.until(alert.until)
    elif alert.since is not None:
        since = visit.words.moment(alert.since)
        when = visit.t("с момента: {when}", when=since)
    shops = visit.front.rules.shops
    if len({shop.session for shop in shops}) > 1:
        whose = ", ".join(shop.name for shop in shops if shop.session == line.session.name)
        says = f"{whose}: {says}"
    return Notice(tone=tone, says=says, todo=todo, when=when, where=CONNECTION)


def _told(kind: Alarm, line: Line, t: Said) -> tuple[str, str, str]:
    """How grave it is, what it is, what to do."""
    match kind:
        case Alarm.NEEDS_LOGIN:
            return (
                "no",
                t("Телефон магазина не привязан к WhatsApp."),
                t("Откройте «Связь» и отсканируйте код телефоном магазина."),
            )
        case Alarm.SESSION_DOWN:
            return "no", t("WhatsApp магазина не на связи: сообщения ждут."), _todo(line, t)
        case Alarm.DEAF:
            return (
                "no",
                t("Сообщения уходят, но ответы покупателей до бота не доходят."),
                t("Откройте «Связь» и проверьте вебхук."),
            )
        case Alarm.RESTRICTED:
            return (
                "wait",
                t("WhatsApp запретил номеру писать новым людям."),
                t("Не перезапускайте ничего, дождитесь конца. Кто пишет сам, тому бот ответит."),
            )
        case Alarm.NUMBER_HEALTH:
            because = "; ".join(because_of(line, t))
            return (
                "no",
                t("Номер под угрозой блокировки: {because}.", because=because),
                t("Бот пока не начинает бесед, только отвечает. Проверьте тексты и пишите реже."),
            )


def _todo(line: Line, t: Said) -> str:
    """What brings a session back that is down."""
    known = {
        UNREACHABLE: t("WAHA не отвечает: проверьте, запущена ли она и верен ли её адрес."),
        UNAUTHORIZED: t("WAHA не принимает ключ: исправьте его в настройках."),
        MISSING: t("В WAHA нет такой сессии: создайте её на странице «Связь»."),
        "STOPPED": t("Сессия остановлена: запустите её на странице «Связь»."),
    }
    otherwise = t("Проверьте интернет там, где работает WAHA, и откройте «Связь».")
    return known.get(line.session.status or "", otherwise)


def budget_notices(budget: Budget, visit: Visit, *, until: datetime) -> Iterator[Notice]:
    """What a person has to know of the day's money."""
    t = visit.t
    gone = {"spent": usd(budget.spent_today), "daily": usd(budget.daily or 0)}
    when = visit.words.until(until)
    if budget.state is BudgetState.WARNING:
        yield Notice(
            tone="wait",
            says=t("Дневной бюджет модели почти исчерпан: {spent} из {daily}.", **gone),
            todo=t("Когда он кончится, отвечать будут готовые тексты и люди."),
        )
    if budget.state is BudgetState.SPENT:
        yield Notice(
            tone="no",
            says=t("Дневной бюджет модели исчерпан: {spent} из {daily}.", **gone),
            todo=t(
                "Сейчас отвечают готовые тексты и люди. Бюджет задаёт AI_SELLER_DAILY_BUDGET_USD."
            ),
            when=when,
        )


# --- how a number fares -----------------------------------------------------------------------

_REFUSED = "of the messages were refused"
_STOPPED = "of those written to said stop"
_LOST = "of the messages did not arrive"
_SILENT = "of the messages were not answered"
_SHARE = re.compile(r"(\d+)% (.+)")
_BANNED = re.compile(r"WhatsApp forbade writing to new contacts(?: (\d+) times)?")
_FLAPPED = re.compile(r"the connection was lost (\d+) times")


def because_of(line: Line, t: Said) -> list[str]:
    """What speaks for the grade of a number; what nobody has worded stays as it is."""
    return [_because(each, t) for each in line.session.health.because]


def _because(said: str, t: Said) -> str:
    if share := _SHARE.fullmatch(said):
        shares = {
            _REFUSED: t("WhatsApp не принял {n} % сообщений", n=share[1]),
            _STOPPED: t("попросили не писать {n} % покупателей", n=share[1]),
            _LOST: t("не дошло {n} % сообщений", n=share[1]),
            _SILENT: t("без ответа осталось {n} % сообщений", n=share[1]),
        }
        return shares.get(share[2], said)
    if banned := _BANNED.fullmatch(said):
        return t("WhatsApp запрещал писать новым людям, раз: {n}", n=banned[1] or 1)
    if flapped := _FLAPPED.fullmatch(said):
        return t("связь терялась, раз: {n}", n=flapped[1])
    return said


def grade_told(grade: Grade, t: Said) -> tuple[str, str, str]:
    """The tone of a number's grade, the grade in words, what it means."""
    match grade:
        case Grade.GREEN:
            return "ok", t("всё хорошо"), t("Бот пишет как обычно.")
        case Grade.AMBER:
            return (
                "wait",
                t("осторожно"),
                t("Бот ещё пишет первым, но признаки тревожные: проверьте тексты, пишите реже."),
            )
        case Grade.RED:
            return (
                "no",
                t("под угрозой"),
                t("Бот не начинает бесед, чтобы номер не заблокировали; на вопросы он отвечает."),
            )
