"""What a newcomer should know now: why the bot is silent, and what to press to see it go on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from typing import Literal, TypeAlias

import msgspec

from app.demo.calendar import Calendar, Pair
from app.demo.clock import QUIET, is_quiet, until
from app.domain.rules import RELEASE_SPREAD, Rules
from app.domain.wishes import Wish, wish_of

Author: TypeAlias = Literal["buyer", "bot", "owner"]

_RULES = Rules()
_HOUR = timedelta(hours=1)


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Something to know; `kind` is its name, `new_buyer` offers another buyer, `hours` a move of
    the clock after which it is over.
    """

    kind: str
    text: str
    new_buyer: bool = False
    hours: int | None = None


class Spoken(msgspec.Struct, frozen=True):
    """A message of the chat, as far as hints are drawn from it."""

    author: Author
    text: str
    at: datetime


_STOPPED: Pair = (
    (
        "Покупатель отписался: бот больше не напишет ему первым, хотя на вопросы ответит. "
        "Напишите «старт», чтобы вернуть, или возьмите нового покупателя."
    ),
    (
        "Сатып алушы бас тартты: бот енді оған бірінші жазбайды, бірақ сұраққа жауап береді. "
        "Қайтару үшін «старт» деп жазыңыз немесе жаңа сатып алушыны алыңыз."
    ),
)
_OWNER: Pair = (
    (
        "Ответил сам продавец, и бот уступил ему этот чат на 4 часа. Вернуть чат боту можно "
        "в пульте. Или переведите часы."
    ),
    (
        "Сатушы өзі жауап берді, бот бұл чатты оған 4 сағатқа берді. Чатты ботқа пультте "
        "қайтаруға болады. Немесе сағатты жылжытыңыз."
    ),
)
_NIGHT: Pair = (
    (
        "В магазине ночь. В тихие часы бот не пишет первым, хотя на вопросы отвечает. "
        "Новость о заказе ждёт утра."
    ),
    (
        "Дүкенде түн. Тыныш сағаттарда бот бірінші жазбайды, бірақ сұраққа жауап береді. "
        "Тапсырыс туралы жаңалық таңды күтуде."
    ),
)
_PAUSE: Pair = (
    (
        "Бот не надоедает: одному человеку он пишет первым не чаще раза в 24 часа. Новость "
        "о заказе ждёт. Переведите часы, и она придёт, или возьмите нового покупателя."
    ),
    (
        "Бот мазаламайды: бір адамға 24 сағатта бір реттен артық бірінші жазбайды. Тапсырыс "
        "туралы жаңалық күтуде. Сағатты жылжытсаңыз, ол келеді. Немесе жаңа сатып алушыны алыңыз."
    ),
)


def hint(spoken: Sequence[Spoken], *, news: datetime | None, calendar: Calendar) -> Hint | None:
    """The most important thing to know about this buyer, if there is one.

    `news` is when something last happened to the buyer's orders.
    """
    if has_stopped(spoken):
        return Hint(kind="opted_out", text=calendar.say(_STOPPED), new_buyer=True)
    owner = _last(spoken, "owner")
    if owner is not None and calendar.now < owner.at + _RULES.handoff:
        left = _hours(owner.at + _RULES.handoff - calendar.now)
        return Hint(kind="taken_over", text=calendar.say(_OWNER), hours=left)
    first = _first_words(spoken)
    if news is None or (first is not None and first > news):
        return None
    if is_quiet(calendar.now):
        to_morning = _hours(until(calendar.now, QUIET[1]) + RELEASE_SPREAD)
        return Hint(kind="quiet_hours", text=calendar.say(_NIGHT), hours=to_morning)
    if first is not None and calendar.now < first + _RULES.cooldown:
        left = _hours(first + _RULES.cooldown - calendar.now)
        return Hint(kind="cooldown", text=calendar.say(_PAUSE), new_buyer=True, hours=left)
    return None


def has_stopped(spoken: Sequence[Spoken]) -> bool:
    """Whether the buyer's last word on being written to is a stop."""
    wishes = (_wish(said.text) for said in reversed(spoken) if said.author == "buyer")
    return next((w for w in wishes if w in {Wish.STOP, Wish.START}), None) is Wish.STOP


_wish = lru_cache(maxsize=1000)(wish_of)


def _first_words(spoken: Sequence[Spoken]) -> datetime | None:
    """When the bot last wrote without being asked."""
    before: Author | None = None
    last = None
    for said in spoken:
        if said.author == "bot" and before != "buyer":
            last = said.at
        before = said.author
    return last


def _last(spoken: Sequence[Spoken], author: Author) -> Spoken | None:
    return next((said for said in reversed(spoken) if said.author == author), None)


def _hours(time: timedelta) -> int:
    """So many whole hours that the time is over."""
    return max(ceil(time / _HOUR), 1)
