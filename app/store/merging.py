"""Two chats of one person become one, with all that is kept of either."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from app.domain.conversation import Conversation, Entry, Folded
from app.domain.tally import tally
from app.store import keys
from app.store.claims import (
    CHANGES_KEPT,
    JOURNAL_KEPT,
    SEEN_KEPT,
    Claimed,
    millis,
    moved_words,
    shelf_keys,
    standing,
)
from app.store.connection import Redis, Script
from app.store.counters import COSTS_KEPT

_merge = Script("merge")
_encode = msgspec.json.Encoder().encode


async def merge_chats(
    redis: Redis,
    chats: tuple[Claimed, Claimed],
    both: Folded | None,
    *,
    lid: str,
    refs: tuple[str, str],
    day: date,
    now: datetime,
) -> bool:
    """Move the first of ``chats`` into the second; ``both`` is the two as one, None when only mail
    moves. False when either has changed since it was read.

    ``refs`` are their names for URLs, ``lid`` the hidden id of the one that is left, ``day`` the
    local one on which it is counted. Raises redis' own errors.
    """
    left, kept = chats
    conversation, entries = both or (None, ())
    args = [
        left.version,
        kept.version,
        "" if conversation is None else _encode(conversation),
        JOURNAL_KEPT,
        SEEN_KEPT,
        millis(now),
        left.chat,
        kept.chat,
        lid,
        secrets.token_hex(8),
        *(standing(conversation) if conversation else [""] * len(shelf_keys())),
        *refs,
        CHANGES_KEPT,
        int(COSTS_KEPT.total_seconds()),
        *_words(left, kept, conversation),
        *_told(entries),
    ]
    return bool(await _merge.run(redis, _names(left.chat, kept.chat, day), args))


def _told(entries: Sequence[Entry]) -> list[Any]:
    """The counters that move, and what the journal is told."""
    counts = tally(entries)
    moved = [part for pair in counts.items() for part in pair]
    return [len(counts), *moved, len(entries), *map(_encode, entries)]


def _words(left: Claimed, kept: Claimed, both: Conversation | None) -> list[Any]:
    if both is None:
        return [0, 0]
    return moved_words(left.conversation, kept.conversation, after=both)


def _names(left: str, kept: str, day: date) -> list[str]:
    own = (keys.conversation, keys.mail, keys.journal, keys.archive, keys.seen)
    return [
        *(key(chat) for chat in (left, kept) for key in own),
        keys.due(),
        keys.chats(),
        keys.spoken_to(),
        keys.hidden_stops(),
        keys.counters(),
        keys.called(),
        *shelf_keys(),
        keys.words(),
        keys.refs(),
        keys.looked(),
        keys.changes(),
        keys.figures(day),
    ]
