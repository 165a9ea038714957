"""Words: which language they are in, and how a name is written.

A message is told by its grammar, not by its nouns: «скидка барма» is Kazakh, whoever the noun was
borrowed from. Thanks, greetings and lone nouns are everybody's, so the chat's language outlives
them.
"""

from __future__ import annotations

import re
from collections import Counter

from app.domain.events import Language, Speech
from app.domain.vocabulary import (
    AS_WELL_ENGLISH,
    KAZAKH_LETTERS,
    LANGUAGE_NAMES,
    Mark,
    bare,
    english,
    guessed,
    in_cyrillic,
    is_borrowed_verb,
    known,
    known_in_latin,
)

__all__ = ["KAZAKH_LETTERS", "first_name", "language_of", "normalise", "speech_of"]

_NOT_WORD = re.compile(r"[\W_]+")
_QUOTED = re.compile(r"«[^»]*»|“[^”]*”|\"[^\"]*\"")
_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|@\w+|\w*\d\w*")
_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ`][^\W\d_]+)*")
_LATIN_WORD = re.compile(r"[a-zäáğǵıíñńóöşúüūýç']+")
_LOOK_ALIKE = str.maketrans("aceopxyktmhbi", "асеорхуктмнві")
_BORROWED_PHRASE = re.compile(r"\bв (?=наличии|рассрочку|кредит|подарок)", re.IGNORECASE)
_THANK_YOU = re.compile(r"\bthank (?:you|u)\b(?: (?:very|so) much| a lot)?", re.IGNORECASE)
_GAP = re.compile(r"[\W_]*$")
_SENTENCE_END = re.compile(r"[^ ,;:«»“”\"'()*_~–—-]")
"""A sign, a new line or an emoji after which a word with a capital may be any word."""


_ASKS = re.compile(
    r"по|на|в|мне|со|мной|а|и|можно|можете|можем|давайте|лучше|пожалуйста|пжл|здравствуйте|извините"
    r"|язык\w*|пиш\w+|напиш\w+|говор\w+|общ\w+|отве\w+|маган|бола|болады|болама|ма|ме|тил\w*"
    r"|жаз\w*|сойле\w*|жауап|берин\w*|in|please|pls|can|you|we|speak|write|hello|hi|салем\w*|бе"
)
"""What stands beside the name of a language that is asked for."""

_GREETS = frozenset({"бе", "ба"})
_OK = frozenset({"ok", "okay", "okey", "stop", "start"})
"""Latin words of every language."""

_READ = 1000
"""Letters of a message that tell its language, however long it is."""

_LOOK_BACK = 12
"""Signs before a word among which the end of a sentence is looked for."""

_ENOUGH_SHARE = 6
"""A side with less than a sixth of the other's grammar is a slip, not a second language."""

_CLEARLY_MORE = 2
"""Times the other side's grammar that make one side lead."""

_SENTENCE = 2
"""Grammar words of English that are a sentence and no name of goods."""

_PART_OF_NAME = 3
"""Letters of a lone word that may be a part of a name: «pro», «bar», «men»."""

_WEAK_SENTENCE = 4
"""Words without grammar that are clear all the same."""


def normalise(text: str) -> str:
    """Case, ё, apostrophes, punctuation and emoji folded away: words with one space between.

    >>> normalise("  Всё ОК!!! 🙏")
    'все ок'
    """
    folded = text.casefold().replace("ё", "е").replace("'", "").replace("’", "")
    return _NOT_WORD.sub(" ", folded).strip()


def speech_of(text: str) -> Speech | None:
    """What ``text`` is in. None when nothing tells: «ок», «👍», a number, names of goods."""
    return _speech(_marks(text))


def language_of(text: str, previous: Language | None = None) -> Language | None:
    """The language to answer ``text`` in.

    A clear message decides at once; thanks, greetings and lone nouns leave ``previous`` as it is,
    unless that is English: who types «цена?» after «hello» reads Russian. Of two languages in one
    message the one with clearly more grammar, then ``previous``, then Kazakh. None when nothing
    tells and there is no previous language.
    """
    if asked := _asked_for(text):
        return asked
    marks = _marks(text)
    speech = _speech(marks)
    if speech is None:
        return previous
    if speech is Speech.MIXED:
        return _leading(marks, previous)
    spoken = Language(speech.value)
    clear = previous in (None, Language.EN) or _is_clear(marks, spoken)
    return spoken if clear else previous


def _asked_for(text: str) -> Language | None:
    """The language a customer asks for, whatever it is asked in: «орысша жазыңызшы»."""
    words = normalise(text[:_READ]).split()
    named = {language for word in words if (language := LANGUAGE_NAMES.get(bare(word)))}
    asks = len(named) == 1 and all(
        bare(word) in LANGUAGE_NAMES or _ASKS.fullmatch(bare(word)) for word in words
    )
    return Language(named.pop()) if asks else None


def _speech(marks: Counter[Mark]) -> Speech | None:
    kazakh, russian = _grammar(marks, Language.KK), marks[Mark.RU]
    if marks[Mark.EN] > 2 * (kazakh + russian):
        return Speech.EN
    if kazakh and russian:
        if min(kazakh, russian) * _ENOUGH_SHARE >= max(kazakh, russian):
            return Speech.MIXED
        return Speech.KK if kazakh > russian else Speech.RU
    if kazakh or russian:
        return Speech.KK if kazakh else Speech.RU
    return _speech_without_grammar(marks)


def _speech_without_grammar(marks: Counter[Mark]) -> Speech | None:
    kazakh = marks[Mark.KK_GOODS] + marks[Mark.KK_MANNERS]
    russian = marks[Mark.RU_GOODS] + marks[Mark.CYRILLIC]
    if kazakh and marks[Mark.RU_MANNERS]:
        return Speech.MIXED
    if kazakh and (marks[Mark.KK_GOODS] or kazakh >= russian):
        return Speech.KK
    if russian + marks[Mark.RU_MANNERS]:
        return Speech.RU
    return Speech.EN if marks[Mark.EN_GOODS] + marks[Mark.EN_MANNERS] else None


def _grammar(marks: Counter[Mark], language: Language) -> int:
    """Words only its speakers say. In a Russian sentence a word with Kazakh letters may be a name,
    and «сәлеметсіз бе» is a greeting.
    """
    match language:
        case Language.KK:
            unsure = 0 if marks[Mark.RU] else marks[Mark.KK_LETTERS] + marks[Mark.KK_GREETING]
            return marks[Mark.KK] + unsure
        case Language.RU:
            return marks[Mark.RU]
        case Language.EN:
            return marks[Mark.EN]


def _leading(marks: Counter[Mark], previous: Language | None) -> Language:
    """The side of a mixed message that an answer is given to: where none clearly leads, the one
    the chat was in.
    """
    kazakh, russian = _grammar(marks, Language.KK), marks[Mark.RU]
    leads = max(kazakh, russian) >= max(1, _CLEARLY_MORE * min(kazakh, russian))
    if previous in (Language.KK, Language.RU) and not leads:
        return previous
    return Language.RU if russian > kazakh else Language.KK


def _is_clear(marks: Counter[Mark], spoken: Language) -> bool:
    """Whether a chat in another language has switched."""
    if _grammar(marks, spoken):
        return True
    match spoken:
        case Language.KK:
            own, borrowed = marks[Mark.KK_GOODS], marks[Mark.RU_GOODS]
            return own + marks[Mark.KK_MANNERS] > 1 and own > borrowed
        case Language.RU:
            return marks[Mark.RU_GOODS] + marks[Mark.RU_MANNERS] >= _WEAK_SENTENCE
        case Language.EN:
            return marks[Mark.EN_GOODS] > 1


def _marks(text: str) -> Counter[Mark]:
    """What each word of ``text`` tells."""
    text = _BORROWED_PHRASE.sub("", _NO_WORDS.sub(" ", _unquoted(text[:_READ])))
    text = _THANK_YOU.sub("thanks", text)
    shouted = text.isupper()
    marks: Counter[Mark] = Counter()
    latin: list[str] = []
    before, said = "", Mark.NOTHING
    for found in _WORD.finditer(text):
        word = found.group().casefold().replace("ё", "е")
        if _LATIN_WORD.fullmatch(word.replace("’", "'")):
            latin.append(word.replace("’", "").replace("'", ""))
            continue
        capital = found.group()[0].isupper() and not shouted
        first = capital and _begins(text[max(0, found.start() - _LOOK_BACK) : found.start()])
        word = word.translate(_LOOK_ALIKE)
        if word in _GREETS and known(before) is Mark.KK_GREETING:
            continue
        if said is Mark.RU and is_borrowed_verb(before, word):
            marks[said] -= 1
        before, said = word, _cyrillic_mark(word, capital=capital, first=first)
        marks[said] += 1
    marks.update(_latin_marks(latin))
    return marks


def _begins(before: str) -> bool:
    """Whether a sentence begins after what stands right before a word."""
    gap = _GAP.search(before)
    return gap is None or gap.start() == 0 or _SENTENCE_END.search(gap.group()) is not None


def _unquoted(text: str) -> str:
    """Without titles in quotes, where something else is left."""
    own = _QUOTED.sub(" ", text)
    return own if _WORD.search(own) else text


def _cyrillic_mark(word: str, *, capital: bool, first: bool) -> Mark:
    """What a word tells; one with a capital amid a sentence that no list has is a name."""
    if mark := known(word):
        return mark
    if capital and not first:
        return Mark.NOTHING
    mark = guessed(word)
    return Mark.KK if mark is Mark.KK_LETTERS and not first else mark


def _latin_marks(words: list[str]) -> Counter[Mark]:
    """English, or Kazakh or Russian in Latin letters, or names of goods, which tell nothing."""
    own = Counter(mark for word in words if (mark := english(word)))
    typed = Counter(mark for word in words if (mark := _typed_in_latin(word)))
    if typed.total() >= own.total() and _is_typed(words, typed):
        return typed + _unlisted(words, typed)
    unknown = sum(english(word) is None and word not in _OK for word in words)
    grammar, listed = own[Mark.EN], own.total()
    alone = listed > _CLEARLY_MORE * unknown
    told = alone or grammar >= _SENTENCE or (grammar > 0 and listed >= unknown)
    return own if told else Counter()


def _typed_in_latin(word: str) -> Mark | None:
    if english(word) and word not in AS_WELL_ENGLISH:
        return None
    return known_in_latin(word)


def _is_typed(words: list[str], typed: Counter[Mark]) -> bool:
    """Whether it is a language in Latin letters: one short word is a part of a name."""
    return (
        typed.total() > 1
        or typed.total() == len(words)
        or any(len(word) > _PART_OF_NAME and _typed_in_latin(word) for word in words)
    )


def _unlisted(words: list[str], typed: Counter[Mark]) -> Counter[Mark]:
    """Endings of unknown Latin words count for the language the known ones are in."""
    speech = _speech(typed)
    unlisted = [in_cyrillic(word) for word in words if known_in_latin(word) is None]
    marks = Counter(guessed(word) for word in unlisted)
    wanted = {Speech.KK: Mark.KK, Speech.RU: Mark.RU}
    return Counter({mark: n for mark, n in marks.items() if speech and wanted.get(speech) is mark})


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
