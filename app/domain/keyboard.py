"""Words typed with the wrong letters: Latin for Cyrillic, or keys of another keyboard."""

from __future__ import annotations

import re
from functools import partial

_LATIN_KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_RUSSIAN_KEYS = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_TO_RUSSIAN_KEYS = str.maketrans(_LATIN_KEYS, _RUSSIAN_KEYS)
_TO_LATIN_KEYS = str.maketrans(_RUSSIAN_KEYS, _LATIN_KEYS)

_KAZAKH_KEYS = str.maketrans("2345890", "аингуук")
_LEET = str.maketrans("03461", "озчби")
_BETWEEN = re.compile(r"(?<=[^\W\d_])\d(?=[^\W_])|(?<=[^\W_])\d(?=[^\W\d_])|^\d(?=[^\W\d_]{2})")

_LETTERS = {
    "shch": "щ", "sch": "щ", "zh": "ж", "kh": "х", "ch": "ч", "sh": "ш", "gh": "г", "ts": "ц",
    "yu": "ю", "ju": "ю", "iu": "ю", "ya": "я", "ja": "я", "ia": "я", "yo": "е", "jo": "е",
    "a": "а", "b": "б", "c": "ц", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и",
    "j": "ж", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р",
    "s": "с", "t": "т", "u": "у", "v": "в", "w": "ш", "x": "х", "y": "ы", "z": "з", "4": "ч",
    "6": "ш",
}  # fmt: skip
_SHORT_I = re.compile(r"(?<=[aeiouy])j(?![aeiouy])")
_FIRST_J = re.compile(r"^j(?=[aeiouy])")
_LATIN = re.compile("|".join(_LETTERS))


def spelled_out(word: str) -> str:
    """A Latin word read as Russian or Kazakh written with Latin letters.

    >>> spelled_out("pishite")
    'пишите'
    """
    word = _FIRST_J.sub("zh", _SHORT_I.sub("i", word))
    return _LATIN.sub(lambda letters: _LETTERS[letters[0]], word)


def on_russian_keys(text: str) -> str:
    """What the same keys write on the Russian layout.

    >>> on_russian_keys("cnjg")
    'стоп'
    """
    return text.translate(_TO_RUSSIAN_KEYS)


def on_latin_keys(text: str) -> str:
    """What the same keys write on the Latin layout.

    >>> on_latin_keys("ыещз")
    'stop'
    """
    return text.translate(_TO_LATIN_KEYS)


def digits_as_letters(word: str) -> tuple[str, ...]:
    """What a word with digits among its letters may be: digits that look like letters, and the
    keys that hold Kazakh letters.

    >>> digits_as_letters("ст0п")[0]
    'стоп'
    """
    if _BETWEEN.search(word) is None:
        return ()
    return tuple(_BETWEEN.sub(partial(_letter, table), word) for table in (_LEET, _KAZAKH_KEYS))


def _letter(table: dict[int, int], digit: re.Match[str]) -> str:
    return digit[0].translate(table)
