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
Down: TypeAlias = Literal["waha", "kaspi"]
"""What was turned off, so that the bot waits for it."""

_RULES = Rules()
_HOUR = timedelta(hours=1)
_ANSWERED_WITHIN = timedelta(minutes=10)  # what comes later than this is no answer


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

_NO_WHATSAPP: Pair = (
    (
        "WhatsApp магазина выключен. Ни одно сообщение не потеряется: всё дойдёт, когда вы "
        "включите его ниже. В пульте это видно на странице «Связь»."
    ),
    (
        "Дүкеннің WhatsApp-ы өшірулі. Бірде-бір хабарлама жоғалмайды: төменде қайта қоссаңыз, "
        "бәрі жетеді. Пультте бұл «Байланыс» бетінде көрінеді."
    ),
)
_NO_KASPI: Pair = (
    (
        "Kaspi выключен: бот не может проверить, что с заказом сейчас, и потому пока молчит. "
        "Включите Kaspi ниже, и новость о заказе придёт."
    ),
    (
        "Kaspi өшірулі: бот тапсырыстың қазіргі күйін тексере алмайды, сондықтан әзірге үндемейді. "
        "Төменде Kaspi-ді қоссаңыз, тапсырыс туралы жаңалық келеді."
    ),
)


def hint(
    spoken: Sequence[Spoken],
    *,
    news: datetime | None,
    calendar: Calendar,
    down: Down | None = None,
) -> Hint | None:
    """The most important thing to know about this buyer, if there is one.

    `news` is when something last happened to the buyer's orders.
    """
    if down == "waha":
        return Hint(kind="waha_down", text=calendar.say(_NO_WHATSAPP))
    if has_stopped(spoken):
        return Hint(kind="opted_out", text=calendar.say(_STOPPED), new_buyer=True)
    owner = _last(spoken, "owner")
    if owner is not None and calendar.now < owner.at + _RULES.handoff:
        left = _hours(owner.at + _RULES.handoff - calendar.now)
        return Hint(kind="taken_over", text=calendar.say(_OWNER), hours=left)
    first = _first_words(spoken)
    if news is None or (first is not None and first > news):
        return None
    if down == "kaspi":
        return Hint(kind="kaspi_down", text=calendar.say(_NO_KASPI))
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


def was_answered(spoken: Sequence[Spoken]) -> bool:
    """Whether the bot has answered something else than a stop or a start."""
    asked = None
    for said in spoken:
        if said.author == "bot" and asked is not None and said.at - asked < _ANSWERED_WITHIN:
            return True
        if said.author == "buyer":
            asked = None if _wish(said.text) in {Wish.STOP, Wish.START} else said.at
    return False


_wish = lru_cache(maxsize=1000)(wish_of)


def _first_words(spoken: Sequence[Spoken]) -> datetime | None:
    """When the bot last wrote without being asked."""
    before: Spoken | None = None
    last = None
    for said in spoken:
        if said.author == "bot" and not (before is not None and _answers(said, before)):
            last = said.at
        before = said
    return last


def _answers(said: Spoken, before: Spoken) -> bool:
    return before.author == "buyer" and said.at - before.at < _ANSWERED_WITHIN


def _last(spoken: Sequence[Spoken], author: Author) -> Spoken | None:
    return next((said for said in reversed(spoken) if said.author == author), None)


def _hours(time: timedelta) -> int:
    """So many whole hours that the time is over."""
    return max(ceil(time / _HOUR), 1)
