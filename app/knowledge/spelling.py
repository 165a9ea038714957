"""One spelling for words however they are typed: Kazakh letters, Latin letters, Kazakh endings."""

from __future__ import annotations

import re

_PLAIN = str.maketrans("әғқңөұүһіё", "агкноуухие")
_LATIN = re.compile(r"[a-z]")

_TOGETHER = {
    "shch": "щ", "sch": "ш", "tch": "ч", "kh": "х", "zh": "ж", "sh": "ш", "ch": "ч", "ph": "ф",
    "th": "т", "ts": "ц", "ck": "к", "qu": "кв", "oo": "у", "ee": "и", "ya": "я", "yu": "ю",
    "yo": "е", "ay": "ай", "oy": "ой", "ey": "ей", "uy": "уй", "wh": "в", "ai": "ай",
}  # fmt: skip
_ALONE = dict(zip("abcdefghiklmnopqrstuvwyz", "абкдефгхиклмнопкрстуввиз", strict=True)) | {
    "j": "дж",
    "x": "кс",
}
_SOUNDS = re.compile("|".join([*sorted(_TOGETHER, key=len, reverse=True), r"c(?=[eiy])", "[a-z]"]))
_SAME_SOUND = str.maketrans(
    {"э": "е", "й": "и", "ы": "и", "ь": None, "ъ": None, "ю": "у", "щ": "ш"}
)
_TWICE = re.compile(r"(.)\1+")
_CODE = str.maketrans(
    "абвгдезиклмнопрстуфхцэыйcqh",
    "abvgdeziklmnoprstufxseiiskx",
)
"""The alphabet of models: letters that are typed for one another are one."""


def plain(word: str) -> str:
    """``word`` without Kazakh letters and ё, in the letters people type instead.

    >>> plain("құлаққап")
    'кулаккап'
    """
    return word.translate(_PLAIN)


def is_latin(word: str) -> bool:
    """Whether it holds a Latin letter."""
    return _LATIN.search(word) is not None


def cyrillic(word: str) -> str:
    """A word in Latin letters as it is said in Russian.

    >>> cyrillic("samsung"), cyrillic("kurtka")
    ('самсунг', 'куртка')
    """
    return _SOUNDS.sub(_letter, word)


def _letter(match: re.Match[str]) -> str:
    letters = match.group()
    if letters == "c":
        return "с" if match.string[match.end() : match.end() + 1] in {"e", "i", "y"} else "к"
    return _TOGETHER.get(letters) or _ALONE[letters]


def sound(word: str) -> str:
    """What ``word`` sounds like, the same for Latin and Cyrillic letters.

    >>> sound("sonar") == sound("сонар")
    True
    """
    return _TWICE.sub(r"\1", cyrillic(plain(word)).translate(_SAME_SOUND))


def code(word: str) -> str:
    """A model's name in one alphabet, without what stands between its parts.

    >>> code("GT-3".casefold()) == code("гт3")
    True
    """
    return "".join(filter(str.isalnum, word)).translate(_CODE)


_MOST_ENDINGS = 3
_SHORTEST_ROOT = 3
_QUESTION = ("ма", "ме", "ба", "бе")
_CASES = (
    "нын", "нин", "дын", "дин", "тын", "тин", "дан", "ден", "тан", "тен", "нан", "нен", "мен",
    "бен", "пен", "ны", "ни", "ды", "ди", "ты", "ти", "га", "ге", "ка", "ке", "на", "не", "да",
    "де", "та", "те",
)  # fmt: skip
_MANY = ("лар", "лер", "дар", "дер", "тар", "тер")
_OWNERS = (
    "ыныз", "иниз", "ныз", "низ", "мыз", "миз", "ымыз", "имиз", "ым", "им", "ын", "ин",
    "сы", "си", "лы", "ли", "ы", "и", "м", "н",
)  # fmt: skip
_ENDINGS = (*_QUESTION, *_MANY, *_CASES, *_OWNERS)
_HARDENED = {"г": "к", "б": "п"}
GIVEN_TO = ("га", "ге", "ка", "ке", "на", "не")
"""Endings of what something is for: «айфонға чехол»."""


def kazakh_stems(word: str, *, shortest: int = 4) -> tuple[str, ...]:
    """A Kazakh word (plain letters) with ever fewer of its endings, itself first; ``shortest``
    letters are left at least.

    Which of them is the word only a vocabulary can tell: what looks like an ending may be none.

    >>> kazakh_stems("койлектер")
    ('койлектер', 'койлек')
    """
    stems, last = [word], [word]
    for _ in range(_MOST_ENDINGS):
        last = [stem for longer in last for stem in _shorter(longer, shortest) if stem not in stems]
        stems += dict.fromkeys(last)
    return tuple(stems)


def _shorter(word: str, shortest: int) -> list[str]:
    """``word`` without each of the endings it may have."""
    if not word.endswith(_ENDINGS):
        return []
    found = []
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            stem = word[: -len(ending)]
            if ending[0] in "ыи":
                stem = stem[:-1] + _HARDENED.get(stem[-1], stem[-1])
            found.append(stem)
    return found


_SMALL = (
    ("ичек", "ик"), ("очек", "ок"), ("ечек", "ек"), ("очка", "ка"), ("очка", "а"), ("ечка", "ка"),
    ("ечка", "а"), ("енька", "а"), ("онька", "а"), ("ушка", "а"), ("ька", "я"), ("ица", "а"),
    ("ице", "е"), ("чик", ""), ("ик", ""), ("ок", ""), ("ка", "а"), ("ка", ""),
)  # fmt: skip


def full_sized(word: str) -> tuple[str, ...]:
    """What a fond Russian name for a small thing may be the name of.

    >>> "тарелка" in full_sized("тарелочка"), "кастрюля" in full_sized("кастрюлька")
    (True, True)
    """
    return tuple(
        word.removesuffix(small) + full
        for small, full in _SMALL
        if word.endswith(small) and len(word) - len(small) >= _SHORTEST_ROOT
    )
