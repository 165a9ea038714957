"""Whether a message asks to be left alone, or to be written to again. Rules, no model.

A message is cut into clauses; polite and empty words are dropped; what is left must be a stop and
nothing else. So «стоп, пожалуйста, больше не пишите» is a stop and «стоп, а цена?» is not.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache


class Wish(StrEnum):
    """What a message says about being written to at all."""

    STOP = "stop"
    START = "start"


_LOOK_ALIKE = str.maketrans("aceopxykmtbhin", "асеорхукмтвнип")
_KAZAKH = str.maketrans("әғқңөұүһі", "агкноуухи")
_CYRILLIC = re.compile(r"[а-яёәғқңөұүһі]")
_APOSTROPHES = re.compile(r"['’ʼ`´]")
_CLAUSES = re.compile(r"[.,;:!…\n\r()«»\"—–|]+")
_NOT_WORD = re.compile(r"[\W_]+")

_EMPTY = frozenset(
    """пожалуйста пожалуиста пжл пж плз please спасибо рахмет отинемин мне нам нас меня мени маган
    бизге больше уже бот боту все всем совсем никогда сюда прошу просто хочу хотим хотел хотела бы
    и а ну да нет ок окей ладно хорошо сразу вообще вы вас ваш ваши ваших мой наш этот эти этой
    здравствуите добрыи день утро вечер привет салем салеметсиз салеметсизбе бе извините извиняюсь
    простите кеширинз кешириниз курметти енди будан былаи ары ешкашан the me us it all to anymore
    again ever hi hello hey sorry thanks thank you my from now on ok yes no just бул номирге
    номериме""".split()
)
"""Words that change nothing around a stop or a start (as ``fold`` leaves them)."""

_HERE = re.compile(r"\b(?:на|в) (?:этот|мои|данныи) (?:номер|чат|ватсап|вацап|whatsapp)\b")

_WRITE = (
    r"(?:писать|пишите|пиши|присылаите|присылать|присылаи|шлите|слать|шли|беспокоите|беспокоить"
    r"|беспокои|тревожьте|спамьте|спамить|спамь|надоедаите)"
)
_MAIL = r"(?:сообщени\w*|смс\w*|реклам\w*|рассылк\w*|спам\w*|подписк\w*|писем|письма)"
_NO_MORE = r"(?:не|не надо|не нужно|незачем|хватит|перестан\w*|прекрат\w*|прекращаи\w*)"
_WORDS = (
    "стоп стопте стап stop quit unsubscribe отписка отпишите отпиши отписать отписаться "
    "отписываюсь отстаньте отстань отвяжитесь хватит"
)
_TAKE_OFF = (
    "отключите отключить остановите прекратите уберите убрать удалите исключите отпишите "
    "отписаться отписать стоп stop"
)
_ENGLISH = (
    "text texting message messages messaging msg write writing contact contacting spam spamming "
    "sending send"
)
_POLITE_ENDING = "(?:шы|ши)?"


def _any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


_STOPS = (
    _any(_WORDS),
    rf"{_NO_MORE} {_WRITE}(?: {_MAIL})?",
    rf"{_NO_MORE} (?:отправлять|отправляите|отправляи) {_MAIL}",
    rf"{_any(_TAKE_OFF)}(?: от| из)? {_MAIL}",
    r"(?:удалите|уберите|сотрите)(?: мои)? номер",
    rf"(?:хабарлама\w* |смс )?жазба(?:ныз(?:дар)?)?{_POLITE_ENDING}",
    rf"(?:хабарлама\w* |смс )?жиберме(?:низ(?:дер)?)?{_POLITE_ENDING}",
    rf"мазалама(?:ныз)?{_POLITE_ENDING}",
    rf"(?:жазуды |хабарламаны )?токтат?(?:ыныз|ыниз|ныз)?(?:дар)?{_POLITE_ENDING}",
    rf"(?:dont|do not|never|stop|no more) {_any(_ENGLISH)}(?: messages| texts)?",
)
_STOP = re.compile(f"(?:{'|'.join(f'(?:{each})' for each in _STOPS)})")
_START = re.compile(r"(?:старт|start|бастау|бастаныз|возобновить|возобновите)")
_ENOUGH_FOR = re.compile(r"(?:мне|нам|нас|меня) хватит|хватит (?:мне|нам|нас|меня)$")


def fold(text: str) -> str:
    """Case, ё, width, apostrophes, punctuation, emoji, invisible and look-alike letters, and the
    letters Russian does not have, folded away: words with one space between.

    >>> fold("  CТОП!!! \U0001f64f")
    'стоп'
    """
    words = _NOT_WORD.sub(" ", _APOSTROPHES.sub("", _visible(text))).split()
    return " ".join(_one_script(word) for word in words)


def wish_of(text: str, extra_stops: tuple[str, ...] = ()) -> Wish | None:
    """What the whole message wishes, or None. ``extra_stops`` are the seller's own words.

    A question is never a stop.
    """
    own = frozenset(filter(None, (_core(fold(stop)) for stop in extra_stops)))
    wishes = {_wish_of_clause(clause, own) for clause in _clauses(text)} - {""}
    if len(wishes) != 1:
        return None
    only = wishes.pop()
    return Wish(only) if only in (Wish.STOP, Wish.START) else None


def _clauses(text: str) -> list[str]:
    """The folded clauses; a question counts as one that says something else."""
    visible = _visible(text)
    if "?" in visible:
        return ["?"]
    folded = [fold(clause) for clause in _CLAUSES.split(visible)]
    return [clause for clause in folded if clause]


def _wish_of_clause(clause: str, own: frozenset[str]) -> str:
    """``stop``, ``start``, "" for a clause of empty words, or the clause itself."""
    if clause == "?" or _ENOUGH_FOR.search(clause):
        return clause
    core = _core(clause)
    if not core:
        return ""
    if core in own or _repeats(_STOP, core):
        return Wish.STOP
    return Wish.START if _repeats(_START, core) else core


def _core(clause: str) -> str:
    """The words of a folded clause that say something."""
    here = _HERE.sub(" ", clause)
    return " ".join(word for word in here.split() if word not in _EMPTY)


def _repeats(pattern: re.Pattern[str], core: str) -> bool:
    """Whether the words are the pattern, once or several times, and nothing else."""
    return _whole(pattern.pattern).fullmatch(core) is not None


@lru_cache(maxsize=8)
def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{pattern}(?: {pattern})*")


def _visible(text: str) -> str:
    """The text as the eye reads it: one width, no invisible characters, small letters."""
    plain = unicodedata.normalize("NFKC", text)
    seen = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    return seen.casefold()


def _one_script(word: str) -> str:
    """A word with Cyrillic in it is Cyrillic; Kazakh letters as people without them type."""
    if _CYRILLIC.search(word) is None:
        return word
    cyrillic = word.translate(_LOOK_ALIKE).translate(_KAZAKH)
    return cyrillic.replace("ё", "е").replace("й", "и")
