"""The buttons beside what waits: not to be said, or to be said now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from litestar import post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from app.domain.rules import Reason
from app.errors import Refused
from app.web.desk.visit import FromVisit, Visit
from app.web.front import Front
from app.web.queue_api import cancelled, hurried
from app.web.views import Item

CANCELLED = "Отменено: это сообщение не уйдёт."
HURRIED = "Уйдёт сейчас, как только позволит пауза между сообщениями."
KEPT = "Сейчас нельзя, поэтому уйдёт в своё время. Причина в истории чата."
_GONE = "Этого сообщения уже нет в очереди."
_UNDER_WAY = "Уже отправляется или ушло: изменить нельзя."
BLOCKED: dict[Reason, str] = {
    Reason.QUIET_HOURS: "Сейчас тихие часы: уйдёт, когда они кончатся.",
    Reason.COOLDOWN: "Этому покупателю недавно писали: уйдёт после паузы.",
    Reason.CUSTOMER_CAP: "Этому покупателю уже написали сколько можно: уйдёт, когда срок пройдёт.",
    Reason.DAILY_CAP: "Дневной предел исчерпан: уйдёт завтра.",
    Reason.PEOPLE_OWN_CHAT: "Чат ведёт человек: уйдёт, когда чат вернётся боту.",
    Reason.PAUSED: "Покупатель, похоже, просил не писать: уйдёт после паузы.",
    Reason.DISABLED: "Бот выключен: уйдёт, когда его включат.",
    Reason.SESSION_DOWN: "WhatsApp не подключён: уйдёт, когда связь вернётся.",
    Reason.RESTRICTED: "WhatsApp ограничил номер: уйдёт, когда запрет снимут.",
    Reason.NUMBER_HEALTH: "Номер магазина бережём: уйдёт, когда станет безопасно.",
    Reason.PACE: HURRIED,
}
"""What holds back what is to go now."""

TEXTS = (CANCELLED, HURRIED, KEPT, _GONE, _UNDER_WAY, *BLOCKED.values())
"""What may be said after a button was pressed."""


class _From(Struct, frozen=True, kw_only=True):
    """Where the button is: ``chat`` for the page of the chat, else the page of the day."""

    to: str = ""


@post("/waiting/{ref:str}/{id:str}/cancel")
async def cancel(visit: FromVisit, ref: FromPath[str], id: FromPath[str]) -> Redirect:  # noqa: A002
    """It will not be said."""

    async def done(front: Front, chat: str) -> str:
        await cancelled(front, chat, id)
        return CANCELLED

    return await _done(visit, ref, done)


@post("/waiting/{ref:str}/{id:str}/now")
async def now(visit: FromVisit, ref: FromPath[str], id: FromPath[str]) -> Redirect:  # noqa: A002
    """It goes as soon as the rules allow; what holds it back is said."""

    async def done(front: Front, chat: str) -> str:
        return _of(await hurried(front, chat, id), visit)

    return await _done(visit, ref, done)


async def _done(visit: Visit, ref: str, act: Callable[[Front, str], Awaitable[str]]) -> Redirect:
    """Act on the chat of this name, and go back to where the button is."""
    came = await visit.form(_From)
    chat = await visit.front.chats.chat_of(ref)
    to = f"/desk/chats/{ref}" if came.to == "chat" and chat is not None else "/desk/today"
    if chat is None:
        return visit.back(to, said=_GONE, tone="no")
    try:
        said = await act(visit.front, chat)
    except Refused as refusal:
        return visit.back(to, said=_GONE if refusal.status == 404 else _UNDER_WAY, tone="no")  # noqa: PLR2004 - HTTP's
    return visit.back(to, said=said, tone="ok" if said in {CANCELLED, HURRIED} else "wait")


def _of(item: Item, visit: Visit) -> str:
    if item.until <= visit.now:
        return HURRIED if item.blocked is None else BLOCKED.get(item.blocked, HURRIED)
    return KEPT if item.blocked is None else BLOCKED.get(item.blocked, KEPT)


ROUTES = [cancel, now]
