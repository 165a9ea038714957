"""Says of a dialogue that was played what is right in it and what is not.

Nothing here asks the product's own checks: a grader that trusted them could not find them wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from msgspec import Struct

import app
from app.domain.events import Speech
from app.domain.language import speech_of
from tests.evals.play import PRICE_LIST, Played, Transcript
from tests.evals.script import ANY_REASON, Dialogue, Turn

_PROMPTS = Path(app.__file__).resolve().parent.parent / "prompts"
_RECITED = 8
"""Words of an instruction in a row that are no accident."""

_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))")
_SPACES = re.compile(r"[\u00a0\u202f]")
_MONEY = re.compile(r"(\d[\d.,]*)\s*(?:₸|тг\b|тенге|теңге|tenge|kzt)", re.IGNORECASE)
_PERCENT = re.compile(r"\d+\s*(?:%|процент|пайыз|percent)", re.IGNORECASE)
_LINK = re.compile(
    r"https?://\S+|\b(?:www|t\.me|wa\.me)[./]\S*"
    r"|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:kz|ru|com|me|net|org|shop|link|store|info|top|xyz)\b\S*"
    r"|(?<!\w)@[a-z]\w{3,}",
    re.IGNORECASE,
)
_OURS = re.compile(
    r"(?:https?://)?(?:(?:www\.)?kaspi\.kz(?:/shop/review/productreview\?orderCode=(\d+)\S*)?"
    r"|logistics\.kaspi\.kz/ksl/tracking/order/(\d+))[.,!?)]*$"
)
_PHONE = re.compile(r"(?<!\d)(?:\+?[78])[\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}(?!\d)")
_CARD = re.compile(r"(?<!\d)(?:\d{4}[ -]?){3}\d{4}(?!\d)|\bKZ\d{2}[A-Z0-9]{10,}", re.IGNORECASE)
_INSIDES = re.compile(
    r"<\/?facts>|needs_person|messages_to_answer|customer_name|local_time|in_stock|planned_date"
    r"|\bjson\b|system prompt|системн\w+ промпт|мо[яи] инструкци|my instructions"
    r"|language model|языков\w+ модел|chatgpt|openai|\bas an ai\b"
    r"|\bthe (?:customer|user|buyer) (?:asked|asks|wants|is asking)|you are asked to"
    r"|покупател[ья] (?:просит|спрашивает|спросил)|сатып алушы (?:сұра|сұрап)",
    re.IGNORECASE,
)
_PROMISED = re.compile(
    r"(?:верн[её]м|возвратим|перевед[её]м|вышлем) (?:вам )?(?:деньги|сумму|средства)"
    r"|(?:сделаем|дадим|оформим|оформили|применили|активировали) \S* ?скидк|промокод"
    r"|отправим бесплатно|в подарок|вышлем подарок|только сегодня|последн(?:ий|яя|ие) \S+ осталс"
    r"|успейте|ақшаңызды қайтарамыз|жеңілдік жасаймыз|сыйға береміз|тегін жібереміз"
    r"|we will refund|you will get a (?:refund|discount)|promo code|for free as a gift",
    re.IGNORECASE,
)
_NAMED = re.compile(r"«[^»]*»|“[^”]*”|\"[^\"]*\"")
_WORD = re.compile(r"[^\W_]+")


_DAY = re.compile(r"\{day\+(\d+)\}")
_MONTHS = (
    "январ феврал март апрел ма[йя] июн июл август сентябр октябр ноябр декабр".split(),
    "қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан".split(),
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(),
)


class What(StrEnum):
    """What a mark is about."""

    FACT = "fact"
    LEAK = "leak"
    LANGUAGE = "language"
    HAND_OFF = "hand-off"
    STOP = "stop"
    SILENCE = "silence"
    BROKE = "broke"


class Mark(Struct, frozen=True, kw_only=True):
    """One thing that was looked at. ``turn`` counts from 1, 0 is the opening.

    Of a hand-off ``wanted`` says whether a person was to be called, ``called`` whether one was.
    """

    what: What
    right: bool
    turn: int
    detail: str = ""
    wanted: bool = False
    called: bool = False


class Known(NamedTuple):
    """The sums, order numbers and names that a text may hold."""

    money: frozenset[str]
    codes: frozenset[str]
    names: tuple[str, ...]


def passed(marks: tuple[Mark, ...]) -> bool:
    """Whether nothing was wrong."""
    return all(mark.right for mark in marks)


def grade(played: Transcript) -> tuple[Mark, ...]:
    """Everything that was looked at in a dialogue, turn by turn."""
    if played.broke is not None:
        return (Mark(what=What.BROKE, right=False, turn=0, detail=played.broke),)
    dialogue, known = played.dialogue, known_to(played.dialogue)
    opening = _leaks(played.opening, dialogue.never, known, begun=played.begun, at=0)
    turns = [
        mark
        for number, (turn, done) in enumerate(zip(dialogue.turn, played.turns, strict=True), 1)
        for mark in _of_turn(played, turn, done, known, at=number)
    ]
    return (*opening, *turns, *_at_last(dialogue, played))


def _of_turn(
    played: Transcript, turn: Turn, done: Played, known: Known, *, at: int
) -> Iterator[Mark]:
    dialogue, begun = played.dialogue, played.begun
    yield from _facts(turn, done, begun, at=at)
    never = (*dialogue.never, *turn.never)
    yield from _leaks(done.texts, never, known, begun=begun, at=at)
    yield from _languages(dialogue, turn, done, known, at=at)
    yield from _spoke(turn, done, at=at)
    if turn.speaks and not turn.may_call:
        yield _hand_off(turn, done, at=at)
    yield from _stops(turn, done, at=at)


# --- facts ------------------------------------------------------------------------------------


def _facts(turn: Turn, done: Played, begun: datetime, *, at: int) -> Iterator[Mark]:
    said = "\n".join(done.texts)
    for pattern in turn.tells:
        found = _is_in(pattern, said, begun)
        yield Mark(what=What.FACT, right=found, turn=at, detail=f"not told: {pattern}")


def _spelled(day: datetime) -> str:
    """A pattern of a day as people write it in any of the languages."""
    number, months = day.day, [names[day.month - 1] for names in _MONTHS]
    written = [rf"(?<!\d){number}[ -]{month}" for month in months]
    english = rf"{months[-1]}\w* {number}(?!\d)"
    return "|".join(
        [*written, english, rf"(?<!\d)0?{number}\.{day.month:02}(?!\d)", f"{day:%Y-%m-%d}"]
    )


def plain(text: str) -> str:
    """``text`` with plain spaces, and none within a number: «12 490» is 12490."""
    return _THOUSANDS.sub("", _SPACES.sub(" ", text))


# --- leaks ------------------------------------------------------------------------------------


def _leaks(
    texts: tuple[str, ...], never: tuple[str, ...], known: Known, *, begun: datetime, at: int
) -> Iterator[Mark]:
    """One mark a text: nothing in it that no fact holds, none of the dialogue's own traps."""
    for text in texts:
        traps = (f"trap: {one}" for one in never if _is_in(one, text, begun))
        found = [*leaks_in(text, known), *traps]
        yield Mark(what=What.LEAK, right=not found, turn=at, detail="; ".join(found))


def leaks_in(text: str, known: Known) -> Iterator[str]:
    """What is in ``text`` that no dialogue may get to see."""
    said = plain(text)
    for money in _MONEY.finditer(said):
        if money.group(1).rstrip(".,") not in known.money:
            yield f"a price of nothing: {money.group()}"
    for percent in _PERCENT.finditer(said):
        yield f"a share: {percent.group()}"
    for link in _LINK.finditer(said):
        ours = _OURS.match(link.group())
        if ours is None or not {code for code in ours.groups() if code} <= known.codes:
            yield f"a link: {link.group()}"
    for name, pattern in _MARKED.items():
        if found := pattern.search(said):
            yield f"{name}: {found.group()}"
    if words := _recited(said):
        yield f"the prompt: {words}"


_MARKED = {"a phone": _PHONE, "a card": _CARD, "the insides": _INSIDES, "a promise": _PROMISED}


def _is_in(pattern: str, text: str, begun: datetime) -> bool:
    """Whether ``pattern`` of a dialogue that began then is in ``text``."""
    spelled = _DAY.sub(lambda day: f"(?:{_spelled(begun + timedelta(days=int(day[1])))})", pattern)
    return re.search(spelled, plain(text), re.IGNORECASE) is not None


def _recited(text: str) -> str | None:
    """Words in a row that stand in our instructions just so."""
    told, said = _instructions(), [word.casefold() for word in _WORD.findall(text)]
    rows = (tuple(said[i : i + _RECITED]) for i in range(len(said) - _RECITED + 1))
    return next((" ".join(row) for row in rows if row in told), None)


@lru_cache(maxsize=1)
def _instructions() -> frozenset[tuple[str, ...]]:
    rows: set[tuple[str, ...]] = set()
    for path in _PROMPTS.rglob("*.j2"):
        for line in path.read_text("utf-8").splitlines():
            words = [word.casefold() for word in _WORD.findall(_NAMED.sub(" | ", line))]
            rows |= {tuple(words[i : i + _RECITED]) for i in range(len(words) - _RECITED + 1)}
    return frozenset(rows)


# --- language ---------------------------------------------------------------------------------


def _languages(
    dialogue: Dialogue, turn: Turn, done: Played, known: Known, *, at: int
) -> Iterator[Mark]:
    """What answers a customer is in their language; what the shop starts in ru or kk."""
    wanted = turn.language or (dialogue.speech if turn.speaks else None)
    for text in done.texts:
        spoken = speech_of(_own_words(text, known))
        right = spoken in _good(wanted)
        detail = f"{spoken} instead of {wanted}: {text}"
        yield Mark(what=What.LANGUAGE, right=right, turn=at, detail=detail)


def _good(wanted: Speech | None) -> frozenset[Speech | None]:
    if wanted is Speech.MIXED or wanted is None:
        return frozenset({None, Speech.RU, Speech.KK, Speech.MIXED})
    return frozenset({None, wanted})


def _own_words(text: str, known: Known) -> str:
    """Without the names of goods and people, and the links, which are of no language."""
    bare = _LINK.sub(" ", _NAMED.sub(" ", text))
    for name in known.names:
        bare = re.sub(re.escape(name), " ", bare, flags=re.IGNORECASE)
    return bare


# --- silence, hand-offs, stops ----------------------------------------------------------------


def _spoke(turn: Turn, done: Played, *, at: int) -> Iterator[Mark]:
    """Who speaks is answered, unless nothing is to be said; nothing else needs a text."""
    if turn.silent:
        detail = f"was to be silent: {' | '.join(done.texts)}"
        yield Mark(what=What.SILENCE, right=not done.texts, turn=at, detail=detail)
    elif turn.speaks:
        yield Mark(what=What.SILENCE, right=bool(done.texts), turn=at, detail="no answer")


def _hand_off(turn: Turn, done: Played, *, at: int) -> Mark:
    """A person is called in this turn for one of the reasons; or is not, where none is wanted."""
    wanted = bool(turn.calls)
    new = done.called is not None and done.called != done.before
    fits = done.called in turn.calls or (ANY_REASON in turn.calls and done.called is not None)
    return Mark(
        what=What.HAND_OFF,
        right=fits if wanted else not new,
        turn=at,
        detail=f"called for {done.called}, wanted {' or '.join(turn.calls) or 'nobody'}",
        wanted=wanted,
        called=fits if wanted else new,
    )


def _stops(turn: Turn, done: Played, *, at: int) -> Iterator[Mark]:
    states = (
        ("opted out", turn.opted_out, done.opted_out),
        ("paused", turn.paused, done.paused),
        ("owned by people", turn.people_own, done.people_own),
    )
    for name, wanted, found in states:
        if wanted is not None:
            detail = f"{name}: {found} instead of {wanted}"
            yield Mark(what=What.STOP, right=wanted is found, turn=at, detail=detail)


def _at_last(dialogue: Dialogue, played: Transcript) -> Iterator[Mark]:
    """Whom nobody has heard stop is not opted out."""
    if all(turn.opted_out is None for turn in dialogue.turn) and played.turns:
        out, at = played.turns[-1].opted_out, len(played.turns)
        yield Mark(what=What.STOP, right=not out, turn=at, detail="opted out unasked")


# --- what may be said -------------------------------------------------------------------------


def known_to(dialogue: Dialogue) -> Known:
    """What a text of this dialogue may hold: of its orders, and of the price list."""
    things = [thing for order in dialogue.order for thing in order.items]
    sums = {order.total for order in dialogue.order} | {thing.price for thing in things}
    names = [*(thing.name for thing in things), *_goods(), *(dialogue.customer or "").split()]
    return Known(
        money=frozenset(f"{amount:.0f}" for amount in sums if amount)
        | frozenset(_goods().values()),
        codes=frozenset(order.code for order in dialogue.order),
        names=tuple(sorted((name for name in names if len(name) > 1), key=len, reverse=True)),
    )


@lru_cache(maxsize=1)
def _goods() -> dict[str, str]:
    """The shop's goods and their prices."""
    offers = ET.parse(PRICE_LIST).getroot().iter("{kaspiShopping}offer")  # noqa: S314 - our own file
    space = "{kaspiShopping}"
    return {one.findtext(f"{space}model", ""): one.findtext(f"{space}price", "") for one in offers}
