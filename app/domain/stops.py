"""The words around a stop, each with the part it plays: Russian, Kazakh, English, mistyped, glued.

``read(text)`` is a message as a row of parts; what a row wishes is said in ``wishes.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from app.domain.keyboard import digits_as_letters, on_latin_keys, on_russian_keys, spelled_out
from app.domain.letters import looks_like, plain, sound, visible
from app.domain.stop_words import FIXED, PARTS

_FIXED = [
    (word, line.strip()) for word, said in FIXED.items() for line in said.strip().splitlines()
]
_FIXED_ANY = re.compile(
    rf"(?<!\w)(?:{'|'.join(f'({said})' for _, said in _FIXED)})(?!\w)".replace(" ", r"\s+")
)

_WORD = re.compile(r"[^\W_]+(?:['’ʼ`´‘][^\W_]+)*")
_APOSTROPHES = re.compile(r"['’ʼ`´‘]")
_EMOTICON = re.compile(r"(?<!\w)[:;=xх][-']?(?:[dpoзд]\b|[)(*]+)|(?<=!)[1!]+")
_SPACED = re.compile(r"(?<![^\W_])[^\W\d_](?:[\W_]{1,3}[^\W\d_](?![^\W_])){2,}")
_PHONE = re.compile(r"\+?\d(?:[\s()-]{0,2}\d){8,14}")
_QUOTED = re.compile(r"«[^»]{0,300}»|\"[^\"]{0,300}\"|“[^”]{0,300}”|„[^“”]{0,300}[“”]")
_TOKEN = re.compile(
    r"[^\W_]+(?:-[^\W_]+)*|(?P<end>[.!…\n\r]*\?[.!?…]*|[.!…\n\r]+)"
    r"|(?P<emoji>[🛑⛔✋🤚🖐🚫🙅🔕🔇📵🖕🤐🤫])|(?P<pause>[,;:()|/\\—–«»\"“”„-])"
)

LONGEST = 500
"""Letters that are read; of a longer text, what stands around the words a stop may hang on."""

_LOOKED_AT_CLOSELY = 300
"""Letters of a text whose mistyped words are guessed at too: beyond, only plain words are read."""

_NEAR = 70
_HEADS = re.compile(
    "пиш|писа|присыл|шлите|слать|беспок|тревож|спам|рассыл|реклам|удал|убер|убра|исключ|вычерк|"
    "отключ|прекра|перест|хватит|отпи|отст|отвя|отвал|отъеб|номер|сообщени|смс|покое|блок|жазба|"
    "жибер|жібер|мазал|тоқтат|токтат|өшір|ошир|нөмір|хабарлама|stop|messag|text|contact|remove|"
    "delete|unsub|pishi|prisyl|jazba|zhazba|spam"
)


def read(text: str) -> str:
    """The message as a row: ``edge``, a part for each word that says something, ``pause``,
    ``full`` or ``asked`` for what stands between, ``edge``; a space after each.
    """
    seen = visible(text)
    if len(seen) <= _LOOKED_AT_CLOSELY:
        return _row(_parts(_spelled(seen), parts_of))
    return _row(_parts(_spelled(_around(seen)), _parts_at_once))


def readings(text: str) -> Iterator[str]:
    """Rows of what else a text may be: keys of another keyboard, its letters pushed together."""
    if len(text) > _LOOKED_AT_CLOSELY:
        return
    seen = visible(text).strip(" \n.!")
    if _CYRILLIC.search(seen) is None and _LATIN.search(seen):
        yield _row(_parts(_spelled(on_russian_keys(seen)), parts_of))
    pieces = seen.split()
    if len(pieces) > 1 and len(seen) <= _SHORT and max(map(len, pieces)) <= _LONG_ENOUGH:
        known = parts_of(plain("".join(pieces)))
        if "x" not in known and any("x" in parts_of(plain(piece)) for piece in pieces):
            yield _row(known)


_CYRILLIC = re.compile(r"[Ѐ-ԯ]")
_LATIN = re.compile(r"[a-z]")
_NOT_LETTER = re.compile(r"[\W_]+")
_SHORT = 16
_OTHER = ("x",)


def _row(parts: Iterator[str] | tuple[str, ...]) -> str:
    return " ".join(("edge", *parts, "edge", ""))


def _around(seen: str) -> str:
    """Of a long text, what is around the words a stop hangs on, and its end."""
    if len(seen) <= LONGEST:
        return seen
    kept: list[str] = []
    begin, left = 0, LONGEST
    for head in _HEADS.finditer(seen):
        if head.start() < begin:
            continue
        begin = max(begin, seen.rfind(" ", 0, max(head.start() - _NEAR, 0)) + 1)
        end = seen.find(" ", head.end() + _NEAR)
        end = min(end if end > 0 else len(seen), head.end() + 2 * _NEAR)
        kept.append(seen[begin:end])
        begin, left = end, left - (end - begin)
        if left < 0:
            break
    return " … ".join(kept)


def _spelled(seen: str) -> str:
    """Plain words, fixed phrases as one word, quotations as something else."""
    text = _EMOTICON.sub(" ", seen)
    text = _WORD.sub(lambda word: plain(_APOSTROPHES.sub("", word[0])), text)
    text = _SPACED.sub(_pushed_together, _PHONE.sub(" номер ", text))
    if _NOT_LETTER.sub("", _QUOTED.sub("", text)):
        text = _QUOTED.sub(_quotation, text)
    return _FIXED_ANY.sub(lambda said: _FIXED_BY_GROUP[said.lastindex or 0], text)


_FIXED_BY_GROUP = {number: f"{word} " for number, (word, _) in enumerate(_FIXED, start=1)}
_SAID_BEFORE = re.compile(r"(?:сказал|говорил|писал|ответил|отправил|написал)а?\W{0,3}$")


def _pushed_together(letters: re.Match[str]) -> str:
    word = _NOT_LETTER.sub("", letters[0])
    return word if "x" not in parts_of(plain(word)) else letters[0]


def _quotation(quoted: re.Match[str]) -> str:
    """Somebody else's words say nothing; what the customer says to have said, counts."""
    said = _SAID_BEFORE.search(quoted.string, 0, quoted.start())
    return f" {quoted[0][1:-1]} " if said else " цитата "


def _parts(spelled: str, known: Callable[[str], tuple[str, ...]]) -> Iterator[str]:
    for token in _TOKEN.finditer(spelled):
        if token["end"]:
            yield "asked" if "?" in token["end"] else "full"
        elif token["pause"]:
            yield "pause"
        elif token["emoji"]:
            yield _PLAIN[token[0]]
        else:
            yield from known(token[0])


def _listed() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Words as written, words as heard, and beginnings as heard."""
    written: dict[str, str] = {}
    heard: dict[str, str] = {}
    begun: dict[str, str] = {}
    for part, words in PARTS.items():
        for word in words.split():
            stem = plain(visible(word.rstrip("*")))
            if word.endswith("*"):
                begun.setdefault(sound(stem), part)
            written.setdefault(stem, part)
            if len(stem) >= _LONG_ENOUGH:
                heard.setdefault(sound(stem), part)
    return written, heard, begun


_SHORTEST, _LONG_ENOUGH = 2, 4
_PLAIN, _HEARD, _BEGUN = _listed()


@lru_cache(maxsize=4096)
def parts_of(word: str) -> tuple[str, ...]:
    """The parts a plain word plays: several when words are glued, none when it says nothing."""
    if len(word) > _LONGEST_WORD:
        word = _REPEATED.sub(r"\1", word)[: _LONGEST_WORD + 1]
    if "-" in word:
        return _compound(word)
    if word.isdigit():
        return ("num",)
    parts = _plainly(word)
    if parts is None and len(word) <= _LONGEST_WORD:
        parts = _guessed(word)
    return _unknown(word) if parts is None else parts


@lru_cache(maxsize=4096)
def _parts_at_once(word: str) -> tuple[str, ...]:
    """The same without guesses, for a word of a long text."""
    if "-" in word or len(word) > _LONGEST_WORD:
        return _OTHER
    parts = _plainly(word)
    if parts is None and word.isascii():
        parts = ("num",) if word.isdigit() else _plainly(spelled_out(word))
    return _unknown(word) if parts is None else parts


_LONGEST_WORD = 40
_REPEATED = re.compile(r"(.)\1+")


def _plainly(word: str) -> tuple[str, ...] | None:
    part = _known(word)
    if part is not None:
        return (part,) if part else ()
    if word.startswith(("не", "ни")):
        denied = _GLUABLE.get(sound(word)[2:])
        return ("not", denied) if denied else None
    return None


def _guessed(word: str) -> tuple[str, ...] | None:
    """What the word is when its letters, spaces or keys went wrong."""
    spellings = tuple(_spellings(word))
    for spelling in spellings:
        parts = _plainly(spelling)
        if parts is not None:
            return parts
    heard = [sound(spelling) for spelling in spellings]
    for each in heard:
        if glued := _glued(each):
            return glued
    near = next((part for each in heard if (part := _mistyped(each)) is not None), None)
    return None if near is None else (near,) if near else ()


def _unknown(word: str) -> tuple[str, ...]:
    """A verb of the past ends a thought; anything else is a thing."""
    if len(word) < _LONG_ENOUGH:
        return _OTHER
    return ("past",) if word.endswith(_PAST) else ("done",) if word.endswith(_DONE) else _OTHER


_PAST = tuple("л ла ли лся лась лись".split())
_DONE = tuple("дым дик дык тым тик тык дим тим".split())
_FOREIGN_KEYS = frozenset({"stop", "start", "help", "unsubscribe"})


def _compound(word: str) -> tuple[str, ...]:
    """«смс-рассылка» is both words, «стоп-сигнал» neither."""
    whole = parts_of(word.replace("-", ""))
    if whole != _OTHER:
        return whole
    each = [parts_of(part) for part in word.split("-") if part]
    return _OTHER if any({"x", "num"} & set(parts) for parts in each) else sum(each, ())


def _spellings(word: str) -> Iterator[str]:
    """The word, and what else its letters may stand for."""
    yield word
    yield from digits_as_letters(word)
    if word.isascii():
        yield spelled_out(word)
        if "j" in word:
            yield spelled_out(word.replace("j", "zh"))
        yield plain(looks_like(word))
        yield plain(on_russian_keys(word))
    else:
        if _LATIN.search(word):
            yield spelled_out(word)
        latin = on_latin_keys(word)
        if latin in _FOREIGN_KEYS:
            yield latin


_TOLD = ("ди", "ган", "гин", "иди", "ити", "ис", "им", "син", "сп")
_DENIED = ("ма", "ми", "па", "пи", "ба", "би")
_OTHERWISE = {
    **dict.fromkeys(("dont", "donot", "dontsend", "dontcall", "notdo"), _TOLD),
    **dict.fromkeys(("remove", "quit"), _DENIED),
}
"""How a Kazakh verb goes on, as heard, when it asks for nothing but tells, or asks the reverse."""


def _known(word: str) -> str | None:
    part = _PLAIN.get(word)
    if part is not None:
        return part
    heard = sound(word)
    if len(word) < _LONG_ENOUGH:
        return _PLAIN.get(heard) if len(set(word)) < len(word) else None
    part = _HEARD.get(heard)
    if part is not None:
        return part
    for length in range(len(heard), _SHORTEST, -1):
        part = _BEGUN.get(heard[:length])
        if part is not None and not heard.startswith(_OTHERWISE.get(part, ()), length):
            return part
    return None


_GLUE = frozenset(
    """not need want can write bother mail send call quit enough stop me tome my more nothing you
    dont donot dontsend message mailing number remove begone unsub list""".split()
)
_GLUABLE = {
    sound(word): part
    for word, part in _PLAIN.items()
    if (part in _GLUE and (len(word) > _SHORTEST or part == "not"))
    or word in ("пожалуиста", "спасибо", "please")
}


def _glued(heard: str) -> tuple[str, ...]:
    """The parts of words written without a space («непишитемне»), or none."""
    if len(heard) <= _LONG_ENOUGH:
        return ()
    reached: dict[int, tuple[str, ...]] = {0: ()}
    for begin in range(len(heard)):
        if begin not in reached:
            continue
        for end in range(begin + _SHORTEST, len(heard) + 1):
            part = _GLUABLE.get(heard[begin:end])
            if part is not None and end not in reached:
                reached[end] = (*reached[begin], part)
    return tuple(filter(None, reached.get(len(heard), ())))


_MISTYPED = frozenset("write bother mail quit unsub remove mailing message begone end".split())
_LONG = 7


def _shorter(heard: str) -> Iterator[str]:
    """The word without one of its letters but the first."""
    return (heard[:i] + heard[i + 1 :] for i in range(1, len(heard)))


def _near_misses() -> dict[str, str]:
    near: dict[str, str] = {}
    for heard, part in _HEARD.items():
        known = part in _MISTYPED or heard == sound("пожалуиста")
        if known and len(heard) >= _LONG and heard not in _BEGUN:
            near.setdefault(heard, part)
            for shorter in _shorter(heard):
                near.setdefault(shorter, part)
    return near


_NEAR_MISSES = _near_misses()
_TO_ONESELF = ("с", "са")


def _mistyped(heard: str) -> str | None:
    """The part of a long word with one letter wrong, missing or too many."""
    if len(heard) < _LONG - 1 or heard.endswith(_TO_ONESELF):
        return None
    if heard in _NEAR_MISSES:
        return _NEAR_MISSES[heard]
    return next((_NEAR_MISSES[s] for s in _shorter(heard) if s in _NEAR_MISSES), None)
