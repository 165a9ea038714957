"""What will happen in a run, worked out of its seed before anything is started."""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import TypeAlias

from msgspec import Struct

MOST_IN_A_CHAT = 12
"""Facts of one chat, about; few enough for the journal of the API to hold all of them."""

FEWEST_CHATS = 8

_SYLLABLES = ("ба", "ве", "ги", "до", "жу", "за", "ке", "ли", "мо", "ну")
_GOODS = ("Плед", "Термос", "Чайник", "Рюкзак", "Светильник")
_QUESTIONS = (
    "Подскажите, пожалуйста, что у вас есть из «{}»?",
    "А что насчёт «{}»? Хотелось бы узнать подробнее.",
    "Здравствуйте! Интересует «{}», можете рассказать?",
    "Ещё вопрос: как быть с «{}»?",
    "И напоследок про «{}», пожалуйста, ответьте.",
)
_STOPS = ("стоп", "Не пишите мне больше", "СТОП!")


class Kind(StrEnum):
    """What is special about a customer."""

    PLAIN = "plain"
    HASTY = "hasty"
    """Writes on without waiting until WAHA has told of the message before."""
    STOPS = "stops"
    """Wants no more of our own messages at some point, and goes on asking and buying."""
    OWNED = "owned"
    """The shop's owner answers from the phone at some point, and the bot is silent from then."""
    HIDDEN = "hidden"
    """WhatsApp shows a hidden id instead of the phone now and then."""


KINDS = (
    Kind.PLAIN, Kind.HASTY, Kind.HIDDEN, Kind.PLAIN, Kind.OWNED, Kind.STOPS,
    Kind.PLAIN, Kind.HASTY, Kind.HIDDEN, Kind.PLAIN, Kind.PLAIN, Kind.PLAIN,
)  # fmt: skip
"""Who comes after whom. Few stop: where one in ten does, a number rightly falls silent."""


class Buys(Struct, frozen=True, kw_only=True):
    """A demper's push of an order with one thing in it; ``again``: told of once more."""

    code: str
    word: str
    item: str
    again: bool


class Asks(Struct, frozen=True, kw_only=True):
    """A customer's question; ``again``: WAHA tells of it under two events."""

    word: str
    text: str
    again: bool


class Stops(Struct, frozen=True, kw_only=True):
    """A customer's stop."""

    text: str


class OwnerWrites(Struct, frozen=True, kw_only=True):
    """A person answers from the shop's phone."""

    text: str


class Reads(Struct, frozen=True):
    """The customer opens the chat."""


Deed: TypeAlias = Buys | Asks | Stops | OwnerWrites | Reads


class Step(Struct, frozen=True, kw_only=True):
    """A deed and the seconds after the beginning of the feeding before which it is not done."""

    at: float
    deed: Deed


class Chat(Struct, frozen=True, kw_only=True):
    """One customer and all they will do."""

    index: int
    phone: str
    kind: Kind
    steps: tuple[Step, ...]


class Blow(StrEnum):
    """What is done to the system."""

    KILL_WORKER = "kill -9 of a worker"
    KILL_WEB = "kill -9 of the web"
    KILL_STORE = "kill -9 of the store"
    FREEZE_STORE = "the store stands still, then kill -9"
    SESSION_STARTING = "session STARTING"
    SESSION_FAILED = "session FAILED"
    WAHA_AWAY = "WAHA away"


class Strike(Struct, frozen=True, kw_only=True):
    """A blow, when it falls, and how long the thing is away (a frozen store: stands still)."""

    at: float
    blow: Blow
    lasts: float


class Size(Struct, frozen=True, kw_only=True):
    """How much and for how long.

    ``feed`` seconds of feeding, ``settle`` seconds at most until the system is quiet after
    that; ``every`` seconds between two strikes of a kind; ``share`` of the requests to WAHA and
    the model goes wrong, ``hangs`` of the former without any answer; only the first ``tries`` of
    a text are made to fail, and nothing is slower than ``slowest`` seconds otherwise.
    """

    facts: int
    workers: int
    feed: float
    settle: float
    every: dict[Blow, float]
    share: float = 0.12
    tries: int = 2
    slowest: float = 2.0
    hangs: float = 0.0


class Plan(Struct, frozen=True, kw_only=True):
    """A whole run."""

    seed: int
    size: Size
    chats: tuple[Chat, ...]
    strikes: tuple[Strike, ...]

    @property
    def facts(self) -> int:
        """Facts that will be fed, each counted once."""
        return sum(len(chat.steps) for chat in self.chats)


def plan(seed: int, size: Size) -> Plan:
    """The run of this seed: the same seed and size, the same run."""
    dice = Random(f"plan {seed}")
    number = max(FEWEST_CHATS, size.facts // MOST_IN_A_CHAT)
    words = _Words(dice)
    shares = [size.facts // number + (index < size.facts % number) for index in range(number)]
    chats = tuple(_chat(i, share, size, dice, words) for i, share in enumerate(shares))
    return Plan(seed=seed, size=size, chats=chats, strikes=_strikes(size, dice))


class _Words:
    """Words that never come twice in a run, so that a text tells what it is about."""

    def __init__(self, dice: Random) -> None:
        self._numbers = iter(dice.sample(range(10_000, 100_000), 80_000))

    def next(self) -> tuple[int, str]:
        number = next(self._numbers)
        return number, "".join(_SYLLABLES[int(digit)] for digit in str(number))


def _chat(index: int, facts: int, size: Size, dice: Random, words: _Words) -> Chat:
    kind = KINDS[index % len(KINDS)]
    moments = sorted(dice.uniform(0, size.feed) for _ in range(facts))
    deeds = [_deed(dice, words) for _ in moments]
    middle = dice.randint(len(deeds) // 3, max(len(deeds) // 3, 2 * len(deeds) // 3))
    if kind is Kind.STOPS and deeds:
        deeds[middle] = Stops(text=dice.choice(_STOPS))
        # An order right before the stop, and one right after it: the two that matter.
        deeds[max(middle - 1, 0)] = _bought(dice, words) if middle else deeds[middle]
        deeds[min(middle + 1, len(deeds) - 1)] = _bought(dice, words)
    if kind is Kind.OWNED and deeds:
        deeds[middle] = OwnerWrites(text=f"Отвечу сам про «{words.next()[1]}», минуту.")
    steps = tuple(Step(at=at, deed=deed) for at, deed in zip(moments, deeds, strict=True))
    return Chat(index=index, phone=f"7705{2_000_000 + index:07d}", kind=kind, steps=steps)


def _deed(dice: Random, words: _Words) -> Deed:
    drawn = dice.random()
    if drawn < 0.4:
        return _bought(dice, words)
    if drawn < 0.9:
        _, word = words.next()
        text = dice.choice(_QUESTIONS).format(word)
        return Asks(word=word, text=text, again=dice.random() < 0.15)
    return Reads()


def _bought(dice: Random, words: _Words) -> Buys:
    number, word = words.next()
    item = f"{dice.choice(_GOODS)} {word}"
    return Buys(code=f"9100{number}", word=word, item=item, again=dice.random() < 0.2)


def _strikes(size: Size, dice: Random) -> tuple[Strike, ...]:
    """Blows of every kind, spread over the feeding with a little irregularity."""
    strikes = []
    for blow, every in size.every.items():
        at = every * dice.uniform(0.3, 0.9)
        while at < size.feed:
            strikes.append(Strike(at=at, blow=blow, lasts=dice.uniform(0.1, size.slowest)))
            at += every * dice.uniform(0.6, 1.4)
    return tuple(sorted(strikes, key=lambda strike: strike.at))
