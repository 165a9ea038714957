"""What a turn reads of a chat and leaves behind, and how it lies in Redis."""

from __future__ import annotations

import math
import secrets
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from app.domain.conversation import Conversation, Entry, Kind, Message
from app.domain.events import AnyEvent
from app.domain.findable import Shelf, found_alike, last_said, shelves_of, words_of
from app.domain.tally import tally
from app.store import keys

JOURNAL_KEPT = 500
SEEN_KEPT = 1000

CHANGES_KEPT = 10_000
"""About as many changes are remembered: a browser that was away for less catches up."""

NUL = "\x00"
"""Ends a word in the index: no word and no chat's name has one."""

_events = msgspec.json.Decoder(AnyEvent)
_conversations = msgspec.json.Decoder(Conversation)
_encode = msgspec.json.Encoder().encode


class Claimed(Struct, frozen=True, kw_only=True):
    """What a turn decides on. ``version`` is '' and ``conversation`` None for a new person.

    ``letters`` are the facts as they lie in the mailbox, ``events`` those that can be read, and
    ``unreadable`` the rest (written by another version, say). ``begun`` counts the turns begun
    since one came to its end. ``unread``: other facts lay in the mailbox when it was settled.
    """

    chat: str
    version: str
    conversation: Conversation | None
    letters: tuple[bytes, ...] = ()
    events: tuple[AnyEvent, ...] = ()
    unreadable: tuple[bytes, ...] = ()
    begun: int = 0
    unread: bool = False


class Buried(Struct, frozen=True, kw_only=True):
    """What failed for good: ``letters`` no turn could take in, or a ``message`` of ours."""

    id: str
    chat: str
    cause: str
    at: datetime
    letters: tuple[str, ...] = ()
    message: str | None = None


class Settled(Struct, frozen=True, kw_only=True):
    """What a turn leaves behind. ``folded`` is how many of the claimed letters it took in.

    ``freed`` are ids that hold no place in any of the ``days``, the keys of this day's caps;
    ``risen`` ids of buried messages that are not given up any more.
    """

    conversation: Conversation
    folded: int = 0
    entries: tuple[Entry, ...] = ()
    archived: tuple[Message, ...] = ()
    buried: tuple[Buried, ...] = ()
    risen: frozenset[str] = frozenset()
    freed: frozenset[str] = frozenset()
    days: tuple[str, ...] = ()
    wake: datetime | None = None


def millis(when: datetime) -> int:
    """Milliseconds since 1970, rounded up: what is due by them is due by the time itself."""
    return math.ceil(when.timestamp() * 1000)


def moment(ms: float) -> datetime:
    """The time that many milliseconds after 1970, in UTC."""
    return datetime.fromtimestamp(float(ms) / 1000, UTC)


def read_claim(
    chat: str, stored: tuple[bytes | None, bytes | None], letters: list[bytes], *, begun: int = 0
) -> Claimed:
    """A chat as the scripts return it: its version and document, and its letters."""
    version, doc = stored
    events: list[AnyEvent] = []
    unreadable: list[bytes] = []
    for letter in letters:
        try:
            events.append(_events.decode(letter))
        except msgspec.DecodeError:
            unreadable.append(letter)
    return Claimed(
        chat=chat,
        version=(version or b"").decode(),
        conversation=_conversations.decode(doc) if doc else None,
        letters=tuple(letters),
        events=tuple(events),
        unreadable=tuple(unreadable),
        begun=begun,
    )


def commit_args(claimed: Claimed, settled: Settled, now: datetime, *, ref: str) -> list[Any]:
    """The arguments of ``commit.lua`` but for the costs, in the order its header tells."""
    counts, person = tally(settled.entries), settled.conversation.needs_person
    spoke = any(
        e.kind in (Kind.SENT, Kind.DRY_RUN) and e.purpose is not None and e.purpose.proactive
        for e in settled.entries
    )
    return [
        claimed.version,
        secrets.token_hex(8),
        _encode(settled.conversation),
        settled.folded,
        millis(now),
        claimed.chat,
        "" if settled.wake is None else millis(settled.wake),
        JOURNAL_KEPT,
        "1" if spoke else "0",
        "" if person is None else millis(person.since),
        *standing(settled.conversation),
        ref,
        CHANGES_KEPT,
        len(settled.entries),
        *(_encode(entry) for entry in settled.entries),
        len(settled.archived),
        *(_encode(message) for message in settled.archived),
        len(counts),
        *(part for pair in counts.items() for part in pair),
        len(settled.buried),
        *(part for buried in settled.buried for part in (buried.id, _encode(buried))),
        len(settled.risen),
        *sorted(settled.risen),
        len(settled.freed),
        *sorted(settled.freed),
        *moved_words(claimed.conversation, after=settled.conversation),
    ]


# --- where the desk finds it ------------------------------------------------------------------


def shelf_keys() -> list[str]:
    """The keys of all shelves, in the order of ``standing``."""
    return [keys.shelf(shelf) for shelf in Shelf]


def standing(conversation: Conversation) -> list[int | str]:
    """For each shelf the score of this chat there, '' where it does not stand."""
    at, here = millis(last_said(conversation)), shelves_of(conversation)
    return [at if shelf in here else "" for shelf in Shelf]


def word_entries(conversation: Conversation | None) -> frozenset[str]:
    """Its members in the index of words; nobody has none."""
    if conversation is None:
        return frozenset()
    return frozenset(f"{word}{NUL}{conversation.chat}" for word in words_of(conversation))


def moved_words(*before: Conversation | None, after: Conversation) -> list[str | int]:
    """Two lists for a script, each led by its length: members that go, and members that come."""
    if len(before) == 1 and before[0] is not None and found_alike(before[0], after):
        return [0, 0]
    old = frozenset[str]().union(*map(word_entries, before))
    new = word_entries(after)
    gone, come = sorted(old - new), sorted(new - old)
    return [len(gone), *gone, len(come), *come]
