"""Which part of a conversation is looked at: the newest words, or a page of its archive."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from app.domain.conversation import Entry, Message
from app.web.desk.thread import Day, bubbles, by_day, notes
from app.web.front import Front
from app.web.reading import Reading, journal

OLDER = 50
"""Older messages of one page."""


class Stretch(Struct, frozen=True, kw_only=True):
    """What was said in a while. ``older`` and ``newer`` are the places of the pages beside it, None
    where there is none; beside the last page of the archive are the newest words.
    """

    days: tuple[Day, ...]
    older: int | None
    newer: int | None


class _Page(Struct, frozen=True, kw_only=True):
    """Messages, and the time they cover: from ``since`` on, before ``until``."""

    messages: tuple[Message, ...]
    since: datetime | None = None
    until: datetime | None = None
    older: int | None = None
    newer: int | None = None

    def covers(self, at: datetime) -> bool:
        """Whether what happened then is told on this page."""
        after = self.since is None or self.since <= at
        return after and (self.until is None or at < self.until)


async def stretch(front: Front, reading: Reading, *, before: int | None) -> Stretch:
    """The newest words, or those before a place of the archive. Raises ``StoreDown``."""
    page = await (_newest(front, reading) if before is None else _older(front, reading, before))
    told: list[Entry] = await journal(front, reading)
    quiet = [note for note in notes(told) if page.covers(note.at)]
    days = by_day([*bubbles(page.messages, told), *quiet], zone=front.rules.zone)
    return Stretch(days=days, older=page.older, newer=page.newer)


async def _newest(front: Front, reading: Reading) -> _Page:
    archived = await front.journal.count_archived(reading.chat)
    messages = reading.conversation.messages
    since = messages[0].at if archived and messages else None
    return _Page(messages=messages, since=since, older=archived or None)


async def _older(front: Front, reading: Reading, before: int) -> _Page:
    archived = await front.journal.count_archived(reading.chat)
    place, newest = min(before, archived), reading.conversation.messages
    # One more than is shown: where the next page begins.
    found = await front.journal.archived_before(reading.chat, place + 1, most=OLDER + 1)
    shown = min(place, OLDER)
    messages, following = tuple(found[:shown]), found[shown:] or list(newest)
    return _Page(
        messages=messages,
        since=messages[0].at if messages and place > OLDER else None,
        until=following[0].at if following else None,
        older=place - OLDER if place > OLDER else None,
        newer=min(place + OLDER, archived) if place < archived else None,
    )
