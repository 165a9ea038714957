"""Words: which language, which words mean «stop» and «start», how a name is written."""

from __future__ import annotations

import re
from enum import StrEnum

from app.domain.events import Language

KAZAKH_LETTERS = frozenset("әғқңөұүһі")
"""Letters Russian does not have."""

KAZAKH_WORDS = frozenset(
    """салем салеметсиз салеметсизбе сәлем рахмет ракмет жаксы жоқ жок иә иа ия қалай калай
    қанша канша қашан кашан қайда кайда керек бар ма ме ба бе болады болама болмайды маған маган
    сіз сиз мен тапсырыс тапсырысым бағасы багасы бага келді келди жақсы тоқта токта""".split()
)
"""Short everyday Kazakh words, as typed with and without Kazakh letters."""

RUSSIAN_WORDS = frozenset(
    """да нет спасибо здравствуйте привет добрый день где мой моя заказ когда сколько стоит цена
    хорошо можно нужно есть ли как что это не пришел пришла пришло доставка куртка размер понял
    почему очень все всё подошло подошла вопрос здесь буду если""".split()
)

_TELLING_LETTERS = 4
"""Cyrillic letters without a known word that are still taken for Russian."""

_WORD = re.compile(r"[^\W\d_]+")
_NOT_WORD = re.compile(r"[\W_]+")

_POLITE = frozenset(
    """пожалуйста пжл пж плз please спасибо рахмет өтінемін отинемин мне нам нас меня больше уже
    бот боту все всё the вас прошу и сразу құрметті""".split()
)
"""Words that change nothing around a stop or a start."""

_STOP = frozenset(
    """стоп стопте stop стап отписка отпишите отпишите отписаться отписываюсь отпиши
    unsubscribe хватит тоқта токта тоқтат токтат тоқтатыңыз токтатыныз тоқтаңыз токтаныз
    quit отстаньте отвяжитесь""".split()
)

_STOP_PHRASES = frozenset(
    _phrase.strip()
    for _phrase in """
    не пишите
    не пиши
    не пишите сюда
    не надо писать
    не нужно писать
    не надо мне писать
    не присылайте
    не присылайте сообщения
    не присылайте рекламу
    хватит писать
    перестаньте писать
    прекратите писать
    прекратите рассылку
    отключите рассылку
    отписаться от рассылки
    отпишите от рассылки
    уберите из рассылки
    жазбаңыз
    жазбаныз
    жазбаңыздар
    жазбаныздар
    маған жазбаңыз
    маған жазбаңыздар
    маган жазбаныз
    енді жазбаңыз
    ендi жазбаңыз
    енди жазбаныз
    маған енді жазбаңыз
    хабарлама жібермеңіз
    хабарлама жибермениз
    жазуды тоқтатыңыз
    dont write
    dont write to me
    dont message
    dont message me
    do not write
    do not write to me
    do not message
    do not message me
    stop messaging
    stop messaging me
    stop writing
    stop writing to me
    """.splitlines()
    if _phrase.strip()
)

_START = frozenset("старт start баста бастау".split())


class Wish(StrEnum):
    """What a message says about being written to at all."""

    STOP = "stop"
    START = "start"


def normalise(text: str) -> str:
    """Case, ё, apostrophes, punctuation and emoji folded away: words with one space between.

    >>> normalise("  СТОП!!! 🙏")
    'стоп'
    """
    folded = text.casefold().replace("ё", "е").replace("'", "").replace("’", "")
    return _NOT_WORD.sub(" ", folded).strip()


def wish_of(text: str, extra_stops: tuple[str, ...] = ()) -> Wish | None:
    """Whether the whole message asks to be left alone, or to be written to again.

    A stop word alone, repeated, or with polite words around it counts; a message that says
    something else too («стоп, а цена?») does not. ``extra_stops`` are the seller's own words.
    """
    words = normalise(text).split()
    if not words:
        return None
    plain = normalise(text)
    if plain in _STOP_PHRASES or plain in {normalise(word) for word in extra_stops}:
        return Wish.STOP
    core = [word for word in words if word not in _POLITE]
    if not core:
        return None
    if _all_stops(core, extra_stops):
        return Wish.STOP
    return Wish.START if all(word in _START for word in core) else None


def _all_stops(core: list[str], extra_stops: tuple[str, ...]) -> bool:
    phrase = " ".join(core)
    extra = {" ".join(_without_politeness(normalise(stop))) for stop in extra_stops} - {""}
    phrases = {" ".join(_without_politeness(known)) for known in _STOP_PHRASES} | extra
    return phrase in phrases or all(word in _STOP or word in extra for word in core)


def _without_politeness(plain: str) -> list[str]:
    return [word for word in plain.split() if word not in _POLITE]


def language_of(text: str, previous: Language | None = None) -> Language | None:
    """The language of ``text``: Kazakh letters, then known words, then what the chat spoke.

    None when nothing tells («ок», «👍», a number) and there is no previous language.
    """
    folded = text.casefold()
    words = [word.replace("ё", "е") for word in _WORD.findall(folded)]
    if any(letter in KAZAKH_LETTERS for letter in folded):
        return Language.KK
    kazakh = sum(word in KAZAKH_WORDS for word in words)
    russian = sum(word in RUSSIAN_WORDS for word in words)
    if kazakh != russian:
        return Language.KK if kazakh > russian else Language.RU
    if previous is not None:
        return previous
    cyrillic = sum("а" <= letter <= "я" for letter in folded)
    return Language.RU if cyrillic >= _TELLING_LETTERS else None


_NAME = re.compile(r"[^\W\d_]{2,}(?:-[^\W\d_]{2,})*")
_NO_NAMES = frozenset({"none", "null", "nan", "undefined", "клиент", "покупатель", "test", "имя"})


def first_name(name: str | None) -> str | None:
    """The first name to address by, title-cased, or None when there is none to trust.

    >>> first_name("НУРБЕК О")
    'Нурбек'
    >>> first_name("None") is None
    True
    """
    if not name:
        return None
    parts = name.split()
    if not parts:
        return None
    match = _NAME.fullmatch(parts[0].strip(".,!"))
    if match is None or match.group().casefold() in _NO_NAMES:
        return None
    return "-".join(part.capitalize() for part in match.group().split("-"))
