"""What failed for good or nobody knows of, why, and what can be done; orders without a phone."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from msgspec import Struct

from app.domain.conversation import Message
from app.domain.rules import Reason
from app.errors import Refused
from app.store.claims import Buried
from app.store.contacts import lid_of
from app.store.journal import Sort, Unusable, sort_of
from app.web.desk.causes import cause_of, without_phone
from app.web.desk.masks import without_phones
from app.web.desk.rows import masked_phone, read_name
from app.web.desk.visit import FromVisit, Visit
from app.web.desk.waiting import BLOCKED
from app.web.front import Front
from app.web.queue_api import dismissed, replayed
from app.web.reading import Reading, look

HERE = "/desk/problems"
A_PAGE = 20
_MOST_LISTED = 30
"""Orders without a phone that are listed; the rest is counted."""
_MOST_QUOTED = 3
_LONGEST_QUOTE = 300

REPLAYED = "Повторяем. Если снова не получится, это появится здесь ещё раз."
DISMISSED = "Убрано."
_GONE = "Этого здесь уже нет: кто-то повторил или убрал."
_SETTLED = "Повторять нечего: сообщение уже ушло или его больше нет в чате. Его можно убрать."
_NOT_ALLOWED = "Не повторили: правила этого не разрешают. Напишите покупателю сами или уберите."
_FORBIDDEN: dict[str | None, str] = {
    Reason.OPTED_OUT: "Не повторили: покупатель просил не писать.",
    Reason.ORDER_CHANGED: "Не повторили: с заказом уже иначе, этот текст больше не верен.",
    Reason.UPSET: "Не повторили: покупатель недоволен. Сначала ответьте ему сами.",
    Reason.CUSTOMER_CAP: "Не повторили: этому покупателю уже написали сколько можно.",
    Reason.DISABLED: "Не повторили: выключено. Включите на странице «Тексты» и повторите.",
    Reason.PEOPLE_OWN_CHAT: "Не повторили: чат ведёт человек. Ответьте сами или верните чат боту.",
}
TEXTS = (REPLAYED, DISMISSED, _GONE, _SETTLED, _NOT_ALLOWED, *_FORBIDDEN.values())
"""What may be said after a button was pressed."""

_FILTERS: tuple[tuple[str, str], ...] = (
    ("", "Все"),
    (Sort.MESSAGE, "Не отправлены"),
    (Sort.UNCERTAIN, "Неизвестно, ушли ли"),
    (Sort.FACTS, "События"),
)
_SORTS = {
    Sort.MESSAGE: "Не отправлено",
    Sort.UNCERTAIN: "Неизвестно, ушло ли",
    Sort.FACTS: "Не обработано",
}
_LOSES = {
    Sort.MESSAGE: "Убрать? Сообщение останется в чате неотправленным, повторять его бот не будет.",
    Sort.UNCERTAIN: "Убрать? Сообщение останется в чате с пометкой «неизвестно, ушло ли», бот "
    "больше не будет его искать.",
    Sort.FACTS: "Убрать? Эти события пропадут навсегда: бот о них не узнает.",
}
_LOSES_NOTHING = "Убрать? Ничего не пропадёт: бот вернётся к этому чату сам."
_FORMS = ("{n} событие", "{n} события", "{n} событий")
CODES = (
    *(title for _, title in _FILTERS),
    *_SORTS.values(),
    *_LOSES.values(),
    _LOSES_NOTHING,
    *_FORMS,
)
"""What is said through tables, and must be in the catalogue."""


class Trouble(Struct, frozen=True, kw_only=True):
    """One thing that failed, as it is shown. ``ref`` is None where there is no chat to look at."""

    id: str
    ref: str | None
    name: str
    sort: Sort
    title: str
    what: str
    quotes: tuple[str, ...]
    at: datetime
    cause: str
    do: str
    loses: str


class NoPhone(Struct, frozen=True, kw_only=True):
    """Orders nobody can be written to about, for one reason."""

    why: str
    count: int


class _Letter(Struct, frozen=True, kw_only=True):
    """A fact as it lies in a grave, as far as it is shown."""

    kind: str = ""
    text: str = ""


_letters = msgspec.json.Decoder(_Letter)


async def count(front: Front) -> int:
    """How much failed for good and was neither replayed nor dismissed. Raises ``StoreDown``."""
    return await front.journal.count_buried()


@get("/problems")
async def problems(
    visit: FromVisit,
    only: FromQuery[str] = "",
    after: Annotated[int, QueryParameter(ge=0, le=10_000)] = 0,
) -> Response[str]:
    """Newest first, a page at a time; then the orders nobody can be written to about."""
    sort = Sort(only) if only in set(Sort) else None
    graves = await visit.front.journal.graves(limit=A_PAGE, offset=after, newest=True, sort=sort)
    matching = sum(n for each, n in graves.counts.items() if sort in {None, each})
    mute = await visit.front.journal.all_unusable()
    return visit.page(
        "problems.html",
        tab="problems",
        troubles=await _troubles(visit, graves.listed),
        filters=_filters(visit, graves.counts, sort),
        only=sort or "",
        total=sum(graves.counts.values()),
        after=after,
        more=after + A_PAGE if matching > after + A_PAGE else None,
        reasons=_reasons(visit, mute),
        mute=[(visit.t(without_phone(one.detail)), one) for one in reversed(mute[-_MOST_LISTED:])],
        unlisted=max(0, len(mute) - _MOST_LISTED),
    )


def _filters(
    visit: Visit, counts: dict[Sort, int], chosen: Sort | None
) -> list[tuple[str, str, int, bool]]:
    """Where each leads, what it is called, how much is there, whether it is chosen."""
    return [
        (
            f"{HERE}?only={value}" if value else HERE,
            visit.t(title),
            counts[Sort(value)] if value else sum(counts.values()),
            value == (chosen or ""),
        )
        for value, title in _FILTERS
    ]


def _reasons(visit: Visit, mute: list[Unusable]) -> list[NoPhone]:
    counted = Counter(without_phone(one.detail) for one in mute)
    return [NoPhone(why=visit.t(why), count=n) for why, n in counted.most_common()]


# --- one of them ------------------------------------------------------------------------------


async def _troubles(visit: Visit, graves: tuple[Buried, ...]) -> list[Trouble]:
    chats = list(dict.fromkeys(one.chat for one in graves))
    found = await asyncio.gather(*(look(visit.front, chat) for chat in chats))
    readings = dict(zip(chats, found, strict=True))
    return list(await asyncio.gather(*(_trouble(visit, g, readings[g.chat]) for g in graves)))


async def _trouble(visit: Visit, grave: Buried, reading: Reading | None) -> Trouble:
    sort, words = sort_of(grave), visit.words.reason(grave.cause)
    worded = words if words != grave.cause else None
    cause = cause_of(grave, known=worded)
    message = await _message(visit.front, grave, reading)
    return Trouble(
        id=grave.id,
        ref=await visit.front.chats.ref(grave.chat) if reading is not None else None,
        name=_name(visit, grave, reading),
        sort=sort,
        title=visit.t(_SORTS[sort]),
        what=_what(visit, grave, message),
        quotes=_quotes(grave, message),
        at=grave.at,
        cause=visit.t(cause.what, code=_shown(grave.cause), known=worded or ""),
        do=visit.t(cause.do, code=_shown(grave.cause)),
        loses=visit.t(_LOSES[sort] if grave.message or grave.letters else _LOSES_NOTHING),
    )


def _shown(code: str) -> str:
    """A code as it may be shown: somebody else's words may hold a phone, and be long."""
    return without_phones(code)[:_LONGEST_QUOTE]


async def _message(front: Front, grave: Buried, reading: Reading | None) -> Message | None:
    """What could not be sent, from the chat or its archive."""
    if grave.message is None or reading is None:
        return None
    known = reading.conversation.message(grave.message)
    if known is not None:
        return known
    archived = await front.journal.archived(grave.chat)
    return next((m for m in archived if m.id == grave.message), None)


def _name(visit: Visit, grave: Buried, reading: Reading | None) -> str:
    name = reading.conversation.name if reading is not None else None
    if name:
        return read_name(name)
    return visit.t("Номер скрыт") if lid_of(grave.chat) else masked_phone(grave.chat)


def _what(visit: Visit, grave: Buried, message: Message | None) -> str:
    if message is not None:
        purpose = message.purpose
        return visit.words.purpose(purpose) if purpose else visit.t("Ответ человека")
    if grave.message is not None:
        return visit.t("Текста больше нет")
    n = len(grave.letters)
    return visit.t(_FORMS[_form(n)], n=n) if n else visit.t("То, что пора было сделать в чате")


def _form(n: int) -> int:
    """Which Russian form goes with ``n``: 1 событие, 2 события, 5 событий."""
    if n % 10 == 1 and n % 100 != 11:  # noqa: PLR2004 - Russian
        return 0
    return 1 if n % 10 in {2, 3, 4} and n % 100 not in {12, 13, 14} else 2


def _quotes(grave: Buried, message: Message | None) -> tuple[str, ...]:
    """Our text, or what the customer wrote in the facts that would be lost."""
    if message is not None:
        return (message.text,) if message.text else ()
    told = (text for letter in grave.letters if (text := _text_of(letter)))
    return tuple(text[:_LONGEST_QUOTE] for text, _ in zip(told, range(_MOST_QUOTED), strict=False))


def _text_of(letter: str) -> str:
    """What a customer wrote, where the fact is that and can be read."""
    try:
        fact = _letters.decode(letter)
    except msgspec.DecodeError:
        return ""
    return fact.text if fact.kind == "customer_wrote" else ""


# --- what can be done -------------------------------------------------------------------------


class _From(Struct, frozen=True, kw_only=True):
    """Which of them are shown where the button is."""

    only: str = ""


@post("/problems/{id:str}/replay")
async def replay(visit: FromVisit, id: FromPath[str]) -> Redirect:  # noqa: A002
    """Try it again."""
    to = await _came_from(visit)
    try:
        done = await replayed(visit.front, id)
    except Refused as refusal:
        return visit.back(to, said=_why_not(refusal), tone="no")
    if done.blocked is not None:
        return visit.back(to, said=BLOCKED.get(done.blocked, REPLAYED), tone="wait")
    return visit.back(to, said=REPLAYED)


def _why_not(refusal: Refused) -> str:
    if refusal.code == "not_allowed":
        return _FORBIDDEN.get(refusal.about, _NOT_ALLOWED)
    return _SETTLED if refusal.code == "settled" else _GONE


@post("/problems/{id:str}/dismiss")
async def dismiss(visit: FromVisit, id: FromPath[str]) -> Redirect:  # noqa: A002
    """Nothing more is to be done about it."""
    to = await _came_from(visit)
    try:
        await dismissed(visit.front, id, who=visit.who)
    except Refused:
        return visit.back(to, said=_GONE, tone="no")
    return visit.back(to, said=DISMISSED)


async def _came_from(visit: Visit) -> str:
    only = (await visit.form(_From)).only
    return f"{HERE}?only={only}" if only in set(Sort) else HERE


ROUTES = [problems, replay, dismiss]
