"""How the rules read a message: words folded to what people mean to type, and phrases of stems.

A phrase is written in ordinary spelling, with Kazakh letters, and is folded as the message is:
``верни*|вернуть ~ деньги`` is one of two words, up to three others, a third. No phrase looks
further than a few words ahead, so reading is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, groupby

from msgspec import Struct, structs

LONGEST = 4000
"""Letters of a message that are looked at at all."""
_BEGINNING, _ENDING = 600, 200
"""Letters that are read: people say what they want first or last, and the rules take a
millisecond for every few lines while everybody else waits."""
_FIRST_WORDS, _LAST_WORDS = 70, 30
_FIRST_PARTS, _LAST_PARTS = 24, 8
"""Sentences at most, and clauses at most: a dot after each letter makes one of each letter."""

_LOOK_ALIKE = str.maketrans("aceopxykmtbhin", "асеорхукмтвнип")
_CYRILLIC = re.compile(r"[а-яёәғқңөұүһі]")
_KAZAKH = str.maketrans("әғқңөұүһії", "агкноуухии")
_ONE_SPELLING = str.maketrans("ёй", "еи", "ьъ")
_APOSTROPHES = re.compile(r"['’ʼ`´]")
_REPEATED = re.compile(r"([^\W\d_])\1+")
_WORD_AND_REST = re.compile(r"\w+\W*")
_SAID_AGAIN = re.compile(r"\b((?:\w+ ){1,5}?)\1{2,}")
_NOT_WORD = re.compile(r"[\W_]+")
_GLUED = re.compile(
    r"\b(бар|жок|керек|бола|\w{2,}(?<!хо)(?<!ви)(?:ды|ди|ты|ти)|\w{2,}(?:сиз|сыз|низ|ныз))"
    r"(ма|ме|ба|бе|па|пе)\b"
)
_CONTINUED = re.compile(r"\s*\n\s*\|")
_SENTENCE = re.compile(r"([^.!?;\n…]+)([.!?;\n…]*)")
_CLAUSE = re.compile(r"[,:()«»\"—–|]|\s-\s")
_SOFT = str.maketrans("аи", "ое")
_SOFT_FROM = 6
"""Letters of a stem from which its unstressed vowels may be misspelt."""

GAP, ANY = "~", "*"
_NOT = "не"
"""Often typed together with the verb."""
START, END = "^", "$"

_EMOJI = {
    "хорошийзнак": "👍👌❤♥💕💖💗💙💚💛🧡💜🤍🖤😍🥰😘🤩😊🙂😀😃😄😁☺😎💯🔥👏🤝✅✔🎉🥳💪🌹💐🤗😇🫶⭐",
    "плохойзнак": "👎😞😔😟😕🙁☹😢😭💔😒🙄😤😩😫😖😣🤦🤢🤮🤷😑😐🥲😥😓❌",
    "злойзнак": "😡🤬😠👿💩🖕",
}
_SIGNS = str.maketrans({sign: f" {word} " for word, signs in _EMOJI.items() for sign in signs})
GOOD_SIGN, BAD_SIGN, ANGRY_SIGN = _EMOJI


class Clause(Struct, frozen=True, kw_only=True):
    """Folded words between ``^`` and ``$``; ``soft`` are the same, unstressed vowels alike.

    ``heads`` are the places of the words by how they begin. ``asked``: said as a question.
    """

    tokens: tuple[str, ...]
    soft: tuple[str, ...]
    heads: dict[str, list[int]]
    asked: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The words alone."""
        return self.tokens[1:-1]


class Said(Struct, frozen=True, kw_only=True):
    """A message cut into sentences, and these into clauses."""

    sentences: tuple[Clause, ...]
    clauses: tuple[Clause, ...]

    @property
    def whole(self) -> Clause:
        """All sentences as one."""
        return clause_of(word for each in self.sentences for word in each.words)

    def has(self, phrases: Phrases, *, unless: Phrases | None = None) -> bool:
        """Whether a sentence has one of the phrases and none of those that turn it round."""
        return any(
            phrases.found(sentence) and not (unless and unless.found(sentence))
            for sentence in self.sentences
        )


def clause_of(words: Iterable[str], *, asked: bool = False) -> Clause:
    """A clause of folded words; a question also where the words say so."""
    tokens = (START, *words, END)
    soft = tuple(word.translate(_SOFT) for word in tokens)
    heads: dict[str, list[int]] = {"": [*range(len(tokens))]}
    for place, word in enumerate(tokens):
        whole = {f"{word} "[:_HEAD], f"{soft[place]} "[:_HEAD]}
        for head in whole | {word[:size] for size in range(1, _HEAD)}:
            heads.setdefault(head, []).append(place)
    clause = Clause(tokens=tokens, soft=soft, heads=heads, asked=asked)
    return clause if asked or not _ASKS.found(clause) else structs.replace(clause, asked=True)


def said(text: str) -> Said:
    """The message as the rules read it. Never raises."""
    sentences: list[Clause] = []
    clauses: list[Clause] = []
    for match in _SENTENCE.finditer(_beginning_and_end(_visible(text[:LONGEST]))):
        asked = "?" in match[2]
        parts = [part for part in map(_words, _CLAUSE.split(match[1])) if part]
        if not parts:
            continue
        sentences.append(clause_of(_said_once(chain.from_iterable(parts)), asked=asked))
        last = len(parts) - 1
        if last == 0:
            clauses.append(sentences[-1])
            continue
        clauses += [clause_of(part, asked=asked and i == last) for i, part in enumerate(parts)]
    return Said(sentences=_first_and_last(sentences), clauses=_first_and_last(clauses))


def _beginning_and_end(visible: str) -> str:
    """A long text without its middle, cut between words."""
    if len(visible) > _BEGINNING + _ENDING:
        begin, end = visible[:_BEGINNING], visible[-_ENDING:]
        visible = f"{begin.rpartition(' ')[0] or begin}\n{end.partition(' ')[2] or end}"
    words = _WORD_AND_REST.findall(visible)
    if len(words) <= _FIRST_WORDS + _LAST_WORDS:
        return visible
    return "".join([*words[:_FIRST_WORDS], "\n", *words[-_LAST_WORDS:]])


def _first_and_last(parts: list[Clause]) -> tuple[Clause, ...]:
    different = [*{(part.tokens, part.asked): part for part in parts}.values()]
    if len(different) <= _FIRST_PARTS + _LAST_PARTS:
        return tuple(different)
    return (*different[:_FIRST_PARTS], *different[-_LAST_PARTS:])


def _words(visible: str) -> list[str]:
    return _said_once(fold_words(visible).split())


def _said_once(words: Iterable[str]) -> list[str]:
    """One word said several times running once, several words thrice running as well."""
    once = " ".join(word for word, _ in groupby(words))
    return _SAID_AGAIN.sub(r"\1", f"{once} ").split()


def fold_words(visible: str) -> str:
    """Words with one space between: one alphabet, ё, й, ь and repeated letters folded away.

    >>> fold_words("қайтарыңыз, плоооохо классс")
    'каитарыныз плохо клас'
    """
    words = _NOT_WORD.sub(" ", _APOSTROPHES.sub("", visible)).split()
    return _GLUED.sub(r"\1 \2", " ".join(_word(word) for word in words)).strip()


class _Token(Struct, frozen=True, kw_only=True):
    """What one place of a phrase may hold. Long stems are compared by their soft spelling."""

    exact: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    soft_exact: frozenset[str]
    soft_prefixes: tuple[str, ...]
    runs: tuple[tuple[_Token, ...], ...]
    optional: bool
    gap: bool
    negation: bool

    def fits(self, word: str, soft: str) -> bool:
        """Whether one word is what this place holds."""
        return (
            word in self.exact
            or soft in self.soft_exact
            or word.startswith(self.prefixes)
            or soft.startswith(self.soft_prefixes)
            or word.endswith(self.suffixes)
        )


class Phrases(Struct, frozen=True, kw_only=True):
    """Phrases by how the word begins that they begin with: few are tried at any word."""

    openings: dict[str, tuple[tuple[_Token, ...], ...]]
    never_after: frozenset[str]

    def found(self, clause: Clause) -> bool:
        """Whether the clause has one of the phrases."""
        return next(self._spans(clause), None) is not None

    def span(self, clause: Clause) -> tuple[int, int] | None:
        """The first and the next place of the first phrase in ``clause.tokens``, or None."""
        return min(self._spans(clause), default=None)

    def without(self, clause: Clause) -> Clause:
        """The clause with its phrases left out, or itself when it has none."""
        left_out = {place for span in self._spans(clause) for place in range(*span)}
        if not left_out:
            return clause
        words = enumerate(clause.words, start=1)
        return clause_of(
            (word for place, word in words if place not in left_out), asked=clause.asked
        )

    def _spans(self, clause: Clause) -> Iterator[tuple[int, int]]:
        for head in self.openings.keys() & clause.heads.keys():
            for place in clause.heads[head]:
                if place and clause.tokens[place - 1] in self.never_after:
                    continue
                for phrase in self.openings[head]:
                    end = _end(clause, place, phrase)
                    if end is not None:
                        yield place, end


def phrases(lines: str, *, never_after: str = "") -> Phrases:
    """One reading of all lines. A token is ``a|b*|*c|d_e``; ``a?`` may be missing; ``~`` is a gap.

    A line that begins with a bar goes on with the one before. ``never_after`` are words that,
    right before, turn the meaning round.
    """
    openings: dict[str, list[tuple[_Token, ...]]] = {}
    for line in _CONTINUED.sub("|", lines.strip()).splitlines():
        phrase = tuple(map(_token, line.split()))
        for opening in {opening for each in _possibly_first(phrase) for opening in _openings(each)}:
            openings.setdefault(opening, []).append(phrase)
    return Phrases(
        openings={each: tuple(found) for each, found in openings.items()},
        never_after=frozenset(map(_word, never_after.split())),
    )


def _possibly_first(phrase: tuple[_Token, ...]) -> Iterator[_Token]:
    for token in phrase:
        yield token
        if not token.optional:
            return


_HEAD = 4
"""Letters at most by which a phrase is found."""


def _openings(token: _Token) -> Iterator[str]:
    """How a word may begin that the token holds; a whole short word ends with a space."""
    if token.suffixes or token.gap:
        yield ""
    if token.negation:
        yield _NOT
    yield from (f"{stem} "[:_HEAD] for stem in (*token.exact, *token.soft_exact))
    yield from (stem[:_HEAD] for stem in (*token.prefixes, *token.soft_prefixes))
    for run in token.runs:
        yield from _openings(run[0])


_LONGEST_GAP = 3


def _end(clause: Clause, place: int, phrase: tuple[_Token, ...]) -> int | None:
    """The place after the phrase when it begins at ``place``, or None."""
    if not phrase:
        return place
    token, rest = phrase[0], phrase[1:]
    if token.gap:
        last = min(place + _LONGEST_GAP, len(clause.tokens))
        ends = (_end(clause, after, rest) for after in range(place, last + 1))
        return next((end for end in ends if end is not None), None)
    end = _end_with(clause, place, phrase) if place < len(clause.tokens) else None
    return _end(clause, place, rest) if end is None and token.optional else end


def _end_with(clause: Clause, place: int, phrase: tuple[_Token, ...]) -> int | None:
    """The same where the first token holds the word at ``place``."""
    token, rest = phrase[0], phrase[1:]
    word, soft = clause.tokens[place], clause.soft[place]
    if token.fits(word, soft):
        end = _end(clause, place + 1, rest)
        if end is not None:
            return end
    elif token.negation and rest and word.startswith(_NOT) and len(word) > _HEAD:
        verb = len(_NOT)
        fits = rest[0].fits(word[verb:], soft[verb:])
        return _end(clause, place + 1, rest[1:]) if fits else None
    if not token.runs:
        return None
    ends = (_end(clause, place, run + rest) for run in token.runs)
    return next((end for end in ends if end is not None), None)


@lru_cache(maxsize=4096)
def _token(text: str) -> _Token:
    optional = text.endswith("?")
    stems = text.removesuffix("?").split("|")
    single = [stem for stem in stems if re.search("[-_]", stem) is None]
    exact, prefixes = _spelt(single, soft=False)
    soft_exact, soft_prefixes = _spelt(single, soft=True)
    return _Token(
        exact=frozenset(exact),
        prefixes=tuple(prefixes),
        suffixes=tuple(_word(stem[1:]) for stem in single if stem.startswith("*") and stem != ANY),
        soft_exact=frozenset(soft_exact),
        soft_prefixes=tuple(soft_prefixes),
        runs=tuple(
            tuple(map(_token, re.split("[-_]", stem))) for stem in stems if stem not in single
        ),
        optional=optional,
        gap=text == GAP,
        negation=text == _NOT,
    )


def _spelt(stems: list[str], *, soft: bool) -> tuple[list[str], list[str]]:
    """The whole words and the beginnings of words among the long stems, or the short ones."""
    exact: list[str] = []
    prefixes: list[str] = []
    for stem in stems:
        folded = _word(stem.removesuffix("*").casefold())
        if (stem.startswith("*") and stem != ANY) or soft != (len(folded) >= _SOFT_FROM):
            continue
        (prefixes if stem.endswith("*") else exact).append(
            folded.translate(_SOFT) if soft else folded
        )
    return exact, prefixes


def _visible(text: str) -> str:
    """The text as the eye reads it: one width, no invisible characters, small letters."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_SIGNS)
    seen = plain if plain.isprintable() else "".join(map(_seen, plain))
    return seen.casefold()


def _seen(letter: str) -> str:
    category = unicodedata.category(letter)
    return "" if category in {"Cf", "Mn"} else letter


def _word(word: str) -> str:
    """A word with Cyrillic in it is Cyrillic; Kazakh letters as people without them type."""
    if _CYRILLIC.search(word):
        word = word.translate(_LOOK_ALIKE).translate(_KAZAKH).translate(_ONE_SPELLING)
    return _REPEATED.sub(r"\1", word)


_ASKS = phrases(
    """
    ли
    ма|ме|ба|бе|па|пе $
    ма|ме|ба|бе екен
    почему|зачем|неужели|неге|қалай|қашан|қайда|қанша|неше|қандай|қай|кім|қалайша
    ^ а|и|ну|так|же|здравствуйте|добрый|день|салам|привет|салем? день? а? сколько|где|когда|куда
    |откуда|какой|какая|какие|какое|каком|каков*|кто|как_это|как_мне|как_его|как_её|как_им|как_ей
    |как_у|как_вы|как_вас|как_с|как_к|как_можно|как_долго|как_быстро|как_*ть|как_*ся|как_до|как_там
    |как_ты|как_по|чем|чей|что|можно|можете|могу|разве
    подскаж*|скажите|айтыңыз*|айтып|интересует|интересно|расскажите|уточните|уточнить|узнать|білейін
    до|во|на|за|по|со|с|от|из сколько|скольки|какой|какого|каком|какие|какую|чего
    ^ what|where|when|how|is|are|do|does|did|can|could_you|could_i|will|would|which|why|who|any
    """
)
