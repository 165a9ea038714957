"""Words: which language they are in, and how a name is written."""

from __future__ import annotations

import re

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


def normalise(text: str) -> str:
    """Case, ё, apostrophes, punctuation and emoji folded away: words with one space between.

    >>> normalise("  Всё ОК!!! 🙏")
    'все ок'
    """
    folded = text.casefold().replace("ё", "е").replace("'", "").replace("’", "")
    return _NOT_WORD.sub(" ", folded).strip()


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


LONGEST_NAME = 30
"""Letters of a first name at most; what is longer is no name."""

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
    if match is None or len(match.group()) > LONGEST_NAME or match.group().casefold() in _NO_NAMES:
        return None
    return "-".join(part.capitalize() for part in match.group().split("-"))
