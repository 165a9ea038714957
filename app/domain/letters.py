"""Letters folded until two ways of writing one word look the same.

``visible`` is what the eye reads, ``fold`` its plain words, ``sound`` how a word is heard.
"""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef]"
)
TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of the words beside it."""

_STRUCK = re.compile("[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]")
"""Marks above, below and through letters, once those of й and ё are one with their letter."""

_MARKS = re.compile("[\u0300-\u036f]")

_FLAG_LETTERS = {0x1F1E6 + i: chr(ord("a") + i) for i in range(26)}
_FLAG_WORD = re.compile("[\U0001f1e6-\U0001f1ff](?:\\s*[\U0001f1e6-\U0001f1ff]){2,}")
"""Letters of flags, three and more: a word; two are a country."""

_GREEK = str.maketrans("αβεικμνοπρσςτυχ", "авеикмнопрсстух")
_LOOK_ALIKE = str.maketrans("aceopxykmtbhinu", "асеорхукмтвнипи")
_KAZAKH = str.maketrans("әғқңөұүһіїєґҫӧӑ", "агкноуухииегсоа")
_CYRILLIC = re.compile(r"[Ѐ-ԯ]")
_APOSTROPHES = re.compile(r"['’ʼ`´‘ʹ]")
_NOT_WORD = re.compile(r"[\W_]+")

_HEARD = str.maketrans("оеэыйящ", "аииииаш")
_SOFT_SIGNS = re.compile("[ьъ]")
_HISS = re.compile("[тд]с")
_VOICELESS = re.compile("в(?=[птсшкцч])")
_DOUBLE = re.compile(r"(.)\1+")


def without_invisible(text: str) -> str:
    """The text without the letters nobody sees, all others as they are."""
    return _INVISIBLE.sub("", text)


def visible(text: str) -> str:
    """The text as the eye reads it: one width, nothing invisible or struck through, small letters.

    >>> visible("С\u200bТО̶П!")
    'стоп!'
    """
    if text.isascii():
        return text.casefold()
    seen = without_invisible(unicodedata.normalize("NFKC", text))
    seen = _STRUCK.sub("", unicodedata.normalize("NFC", seen))
    seen = _FLAG_WORD.sub(lambda word: word[0].translate(_FLAG_LETTERS), seen)
    return unicodedata.normalize("NFKC", seen.casefold())


def fold(text: str) -> str:
    """Case, ё, width, apostrophes, punctuation, emoji, invisible and look-alike letters, and the
    letters Russian does not have, folded away: words with one space between.

    >>> fold("  CТОП!!! \U0001f64f")
    'стоп'
    """
    words = _NOT_WORD.sub(" ", _APOSTROPHES.sub("", visible(text))).split()
    return " ".join(map(plain, words))


def plain(word: str) -> str:
    """A visible word: Cyrillic where it has a Cyrillic letter, and without Kazakh letters, as
    people who lack them type.
    """
    if word.isascii():
        return word
    word = word.translate(_GREEK)
    if _CYRILLIC.search(word) is None:
        return _MARKS.sub("", unicodedata.normalize("NFKD", word)).replace("ı", "i")
    cyrillic = word.translate(_LOOK_ALIKE).translate(_KAZAKH)
    return cyrillic.replace("ё", "е").replace("й", "и")


def looks_like(word: str) -> str:
    """The Cyrillic word that a Latin one looks like («cton»)."""
    return word.translate(_LOOK_ALIKE)


def sound(word: str) -> str:
    """A folded word as it is heard: unstressed vowels, в before a voiceless letter, soft signs and
    doubled letters alike.

    >>> sound("нипишыте") == sound("непишите")
    True
    """
    heard = _HISS.sub("ц", _VOICELESS.sub("ф", _SOFT_SIGNS.sub("", word))).translate(_HEARD)
    return _DOUBLE.sub(r"\1", heard)
