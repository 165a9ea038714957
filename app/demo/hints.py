"""What a newcomer should know now: why the bot is silent, and what to press to see it go on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from typing import Literal, TypeAlias

import msgspec

from app.demo.calendar import Calendar, Pair
from app.demo.clock import MOST_HOURS, QUIET, is_quiet, until
from app.domain.rules import RELEASE_SPREAD, Rules
from app.domain.wishes import Wish, wish_of

Author: TypeAlias = Literal["buyer", "bot", "owner"]
Down: TypeAlias = Literal["waha", "kaspi"]
"""What was turned off, so that the bot waits for it."""

_HOUR = timedelta(hours=1)
_KASPI_AGAIN = timedelta(minutes=10)  # so soon the bot asks Kaspi again for an order it must read
_ANSWERED_WITHIN = timedelta(minutes=10)  # what comes later than this is no answer


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Something to know; `kind` is its name, `new_buyer` offers another buyer, `hours` a move of
    the clock towards its end.
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
        "Ответил сам продавец, и бот уступил ему этот чат на {hours} ч. Вернуть чат боту можно "
        "в пульте. Или переведите часы."
    ),
    (
        "Сатушы өзі жауап берді, бот бұл чатты оған {hours} сағатқа берді. Чатты ботқа пультте "
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
        "Бот не надоедает: одному человеку он пишет первым не чаще раза в {hours} ч. Новость "
        "о заказе ждёт. Переведите часы, и она придёт, или возьмите нового покупателя."
    ),
    (
        "Бот мазаламайды: бір адамға {hours} сағатта бір реттен артық бірінші жазбайды. Тапсырыс "
        "туралы жаңалық күтуде. Сағатты жылжытсаңыз, ол келеді. Немесе жаңа сатып алушыны алыңыз."
    ),
)
_ENOUGH: Pair = (
    (
        "Бот уже писал этому покупателю первым столько раз, сколько можно: {times}. О заказе он "
        "промолчит, хотя на вопросы ответит. Возьмите нового покупателя. Предел меняется "
        "в пульте: «Тексты», «Правила»."
    ),
    (
        "Бот бұл сатып алушыға бірінші болып рұқсат етілгенінше жазды: {times} рет. Тапсырыс "
        "туралы үндемейді, бірақ сұраққа жауап береді. Жаңа сатып алушыны алыңыз. Шек пультте "
        "өзгертіледі: «Мәтіндер», «Ережелер»."
    ),
)
_PAUSED: Pair = (
    ("Бот выключен в пульте. Новость о заказе ждёт, пока его не включат: «Тексты», «Правила»."),
    (
        "Бот пультте өшірілген. Тапсырыс туралы жаңалық ол қосылғанша күтеді: «Мәтіндер», "
        "«Ережелер»."
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
        "Включите Kaspi ниже: бот проверит ещё раз в течение 10 минут."
    ),
    (
        "Kaspi өшірулі: бот тапсырыстың қазіргі күйін тексере алмайды, сондықтан әзірге үндемейді. "
        "Төменде Kaspi-ді қосыңыз: бот 10 минут ішінде тағы тексереді."
    ),
)
_KASPI_BACK: Pair = (
    (
        "Kaspi снова отвечает. Бот проверит заказ ещё раз в течение 10 минут и напишет. Подождите "
        "или переведите часы."
    ),
    (
        "Kaspi қайтадан жауап беріп тұр. Бот 10 минут ішінде тапсырысты тағы тексеріп, жазады. "
        "Күтіңіз немесе сағатты жылжытыңыз."
    ),
)


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What is so for every buyer: the rules of the shop, what is down, when Kaspi came back."""

    rules: Rules
    down: Down | None = None
    kaspi_back: datetime | None = None


def hint(
    spoken: Sequence[Spoken], *, news: datetime | None, calendar: Calendar, around: Around
) -> Hint | None:
    """The most important thing to know about this buyer, if there is one.

    `news` is when something last happened to the buyer's orders.
    """
    if around.down == "waha":
        return Hint(kind="waha_down", text=calendar.say(_NO_WHATSAPP))
    if has_stopped(spoken):
        return Hint(kind="opted_out", text=calendar.say(_STOPPED), new_buyer=True)
    owner, handoff = _last(spoken, "owner"), around.rules.handoff
    if owner is not None and calendar.now < owner.at + handoff:
        text = calendar.say(_OWNER).format(hours=_hours(handoff))
        left = _move(owner.at + handoff - calendar.now)
        return Hint(kind="taken_over", text=text, hours=left)
    starts = _starts(spoken)
    if news is None or (starts and starts[-1] > news):
        return None
    return _of_news(starts, news=news, calendar=calendar, around=around)


def _of_news(
    starts: list[datetime], *, news: datetime, calendar: Calendar, around: Around
) -> Hint | None:
    """Why the bot has not told it yet."""
    now, rules = calendar.now, around.rules
    quiet, window = rules.quiet_hours or QUIET, rules.messages_window
    if rules.paused:
        return Hint(kind="paused", text=calendar.say(_PAUSED))
    if around.down == "kaspi":
        return Hint(kind="kaspi_down", text=calendar.say(_NO_KASPI))
    if sum(window is None or now - start < window for start in starts) >= rules.max_messages:
        text = calendar.say(_ENOUGH).format(times=rules.max_messages)
        return Hint(kind="enough", text=text, new_buyer=True)
    if is_quiet(now, quiet):
        to_morning = _move(until(now, quiet[1]) + RELEASE_SPREAD)
        return Hint(kind="quiet_hours", text=calendar.say(_NIGHT), hours=to_morning)
    if starts and now < starts[-1] + rules.cooldown:
        text = calendar.say(_PAUSE).format(hours=_hours(rules.cooldown))
        left = _move(starts[-1] + rules.cooldown - now)
        return Hint(kind="cooldown", text=text, new_buyer=True, hours=left)
    back = around.kaspi_back
    if back is not None and news <= back and now < back + _KASPI_AGAIN:
        return Hint(kind="kaspi_back", text=calendar.say(_KASPI_BACK), hours=1)
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


def _starts(spoken: Sequence[Spoken]) -> list[datetime]:
    """When the bot wrote without being asked."""
    pairs = zip([None, *spoken], spoken, strict=False)
    return [
        said.at
        for before, said in pairs
        if said.author == "bot" and not (before is not None and _answers(said, before))
    ]


def _answers(said: Spoken, before: Spoken) -> bool:
    return before.author == "buyer" and said.at - before.at < _ANSWERED_WITHIN


def _last(spoken: Sequence[Spoken], author: Author) -> Spoken | None:
    return next((said for said in reversed(spoken) if said.author == author), None)


def _move(time: timedelta) -> int:
    """So many hours on, or as many as the clock goes at once."""
    return min(_hours(time), MOST_HOURS)


def _hours(time: timedelta) -> int:
    """So many whole hours that the time is over."""
    return max(ceil(time / _HOUR), 1)
