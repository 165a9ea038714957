"""Which language a finished text is in, where names of goods and people do not count."""

from __future__ import annotations

import re

from app.domain.events import Language
from app.domain.language import KAZAKH_LETTERS

_TELLING_LETTERS = 25
"""Letters a text needs before the lack of Kazakh ones says something."""

_FEW_LETTERS = 8
"""Letters from which the script alone tells: «OK» and «Kaspi» are nobody's language."""

_KAZAKH_SHARE = 0.03
"""Real Kazakh has about a fifth of its letters from outside Russian."""

_TELLING_ENDINGS = 2
"""Words with a Kazakh ending from which a text is Kazakh, mistyped."""

_SHARE = 0.5
_FOREIGN_RUN = 4
"""Words in a row in another script that make a sentence of another language."""

_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
_RUSSIAN = frozenset(
    """и в не на что это как вы ваш ваша ваше ваши вам вас мы нам нас он она они по за из от до
    при для или если уже есть нет да спасибо пожалуйста здравствуйте заказ можно будет был была
    было все всё так только когда где какой какая сейчас здесь ответит продавец напишите хорошо
    рады к у с о об""".split()
)
_ENGLISH = frozenset(
    """the a an is are was will be to of in on for and or not you your we our it this that have
    has can if please thank thanks with hello hi yes no at here any there ok okay welcome glad
    sorry order""".split()
)
_KAZAKH_ENDING = re.compile(
    r"(?<!\w)\w{2,40}(?:ыныз|иниз|амыз|емиз|ймыз|ймиз|ылды|илди|айды|ейди|ингиз|ынгыз"
    r"|сыз ба|кизил\w+|дыныз|диниз|ганда|генде)(?!\w)"
    r"|(?<!\w)(?:рахмет|ракмет|саламатсыз ба|тапсырыс\w*|сатушы\w*|жауап"
    r"|тауар\w* бар|болады|кашан|бага\w{2,})(?!\w)"
)


def is_in(text: str, language: Language, *, mixed: bool = False) -> bool:
    """Whether ``text`` (without names) reads as ``language``.

    ``mixed``: both Russian and Kazakh do, in any share.
    """
    folded = text.casefold()
    words = _WORD.findall(folded)
    letters = [letter for word in words for letter in word if letter.isalpha()]
    if language is Language.EN:
        return _is_english(words, letters)
    if _is_foreign(folded, letters):
        return False
    if mixed:
        return True
    kazakh = sum(letter in KAZAKH_LETTERS for letter in letters)
    if language is Language.RU:
        return not kazakh and len(_KAZAKH_ENDING.findall(folded)) < _TELLING_ENDINGS
    if not kazakh and any(word in _RUSSIAN for word in words) and not _KAZAKH_ENDING.search(folded):
        return False
    return len(letters) <= _TELLING_LETTERS or kazakh >= len(letters) * _KAZAKH_SHARE


def _is_english(words: list[str], letters: list[str]) -> bool:
    latin = sum(letter.isascii() for letter in letters)
    if latin < len(letters) * 0.9 and len(letters) > _FEW_LETTERS:
        return False
    if any("\u0400" <= letter <= "\u04ff" for letter in letters) and _run(words, cyrillic=True) > 1:
        return False
    known = sum(word in _ENGLISH for word in words)
    return len(letters) <= _TELLING_LETTERS or known >= max(1, len(words) * 0.1)


def _is_foreign(folded: str, letters: list[str]) -> bool:
    """Whether a text that should be Cyrillic is not, in whole or in one sentence."""
    cyrillic = sum("\u0400" <= letter <= "\u04ff" for letter in letters)
    if len(letters) > _FEW_LETTERS and cyrillic < len(letters) * _SHARE:
        return True
    return any(
        _run(_WORD.findall(sentence), cyrillic=False) >= _FOREIGN_RUN
        for sentence in re.split(r"[.!?\n]", folded)
    )


def _run(words: list[str], *, cyrillic: bool) -> int:
    """The most words in a row of one script."""
    longest = now = 0
    for word in words:
        now = now + 1 if ("\u0400" <= word[0] <= "\u04ff") == cyrillic else 0
        longest = max(longest, now)
    return longest
