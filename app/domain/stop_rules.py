"""What rows of parts wish, as patterns over them: one rule a line, the data of ``wishes.py``.

A rule names parts («more ~ not ~ call»); ``~`` is whatever changes nothing there: me, you, more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

_NAME = re.compile(r"[a-z]+")
_GROUP = re.compile(r"\([^()]*\)[*?+]?")
_SIDE = "(me|tome|my|more|you|nothing|i)*"


class Rule(Struct, frozen=True, kw_only=True):
    """A pattern of parts, and the parts without which it need not be tried."""

    pattern: re.Pattern[str]
    needed: tuple[str, ...]

    def found(self, row: str) -> Iterator[re.Match[str]]:
        """Where the pattern is in the row."""
        if all(f" {part} " in row for part in self.needed):
            yield from self.pattern.finditer(row)


def found(rules: tuple[Rule, ...], row: str) -> Iterator[re.Match[str]]:
    """Where any of the rules is in the row."""
    for rule in rules:
        yield from rule.found(row)


def _rule(line: str) -> Rule:
    outside = line
    while (inner := _GROUP.sub(" ", outside)) != outside:
        outside = inner
    parts = _NAME.sub(r"(?:\g<0>_)", line.replace("~", _SIDE)).replace(" ", "").replace("_", " ")
    needed = tuple(_NAME.findall(outside))
    return Rule(pattern=re.compile(rf"(?<!\S)(?:{parts})"), needed=needed)


def _rules(lines: str) -> tuple[Rule, ...]:
    return tuple(_rule(line) for line in lines.strip().splitlines())


LEAVE_US = _rules(
    """
    not ~ (can ~)? ((need|want) ~ (sothat ~)?)? (write|bother|mail|writes)
    (write|bother|mail) ~ (not ~ need | need aint)
    (sothat ~ not | not ~ want ~ sothat) ~ wrote
    (quit|enough) ~ (them ~)? (sothat ~)? (call ~ and ~)? ((write|bother|mail|writes)|wrote|call)
    stop ~ (write|bother|mail)
    (write|bother|mail) ~ (quit|enough|drop)
    not ~ (need ~)? call ~ and ~ (not ~)? (need)? (write|bother|mail)
    (write|mail|bother) ~ gonot
    fine ~ (write|bother|mail)
    (undone drop | drop write)
    (write|mail|bother) ~ notdo
    (dont|donot|dontsend|note|dontcall)
    """
)
"""«Не пишите», and what means the same; what it aims at is looked at around it."""

CLEAR = _rules(
    """
    (more|nothing) ~ not ~ call
    not ~ call ~ more
    not ~ ((need|want) ~)? send ~ (message|mailing|rubbish)
    (message|mailing) ~ not ~ send
    (quit|enough|stop|end) ~ send ~ (message|mailing|rubbish)
    not ~ want ~ (get ~)? (nomore ~)? (message|mailing|rubbish)
    (writes|write|message) (asked|pause|full) quit (edge|pause|full)
    (block|complain) ~ if ~ (writes|dowrite|write|call)
    quit ~ x ~ (message|mailing)
    (more ~ not|not ~ more) ~ get ~ (message|mailing)
    not ~ want ~ x ~ at ~ (mailing|list)
    message ~ and ~ (blacklist|block|complain)
    edge ~ (more ~ not ~ send|not ~ send ~ more) ~ edge
    not ~ (need ~)? send (you|more)* (me|tome) ~ nothing
    plenty ~ (message|mailing|rubbish|write|mail|bother)
    (more ~ notone|notone ~ more) ~ (message|mailing)
    notone ~ (message|mailing) ~ more
    hinder ~ (get ~)? (often ~)? (message|mailing|rubbish)
    (quit|end|not) ~ use ~ number (x ~ (mailing|message))?
    sothat (more|you)* (me|tome) ~ not ~ came (edge|full|pause)
    not ~ want ~ (get (me|tome|my)* (you|more|nothing) | (you|more|nothing) ~ get)
    message ~ comenot
    not ~ want ~ sothat ~ (came|got) ~ (message|mailing)
    (number|mailing) (asked|pause|full) remove (them)? (asked|pause|full|edge)
    if ~ (x)? ~ (writes|dowrite) ~ (pause|i|x)* (complain|block)
    against ~ (message|mailing)
    not mailing me
    (message|mailing) ~ get ~ wishnot
    not ~ need ~ (get ~)? (nomore ~)? (message|mailing|rubbish)
    not ~ (message|mailing) ~ (need|want)
    (nomore|not more) ~ (message|mailing)
    (enough|quit|end|stop) ~ (message|mailing)
    refuse ~ (get ~)? (message|mailing|consent)
    (message|mailing|list) ~ refuse
    not ~ grant ~ consent
    sothat ~ (not ~ (came|got) ~ | i ~ not ~ (got|get) ~) (message|mailing)
    sothat ~ (message|mailing) ~ not ~ came
    (unsub|tellus) ~ (mailing|list|message)
    (want|how) (i)? ~ (can ~)? unsub
    not ~ can ~ unsub
    can ~ unsub
    unsub ~ (can|need|want)
    (end|quit) (you|more)* me
    sothat ~ ceased ~ (write|bother|mail|writes)
    not ~ ceased ~ (write|bother|mail|writes)
    unsubbed ~ (mailing|message|list)
    not ~ undid ~ (number|mailing)
    (more|my|me) (and)? not ~ undid
    not undid (more)* me
    annoyed ~ (message|mailing|rubbish)
    annoyed ~ (write|bother|mail)
    (blacklist|list) ~ (block)
    said ~ (i|that)* ~ stop
    leave (you|more|tome)* me (you|more)* (edge|full|pause|asked|i)
    (edge|full|pause) ((can|want) ~)* without ~ (message|mailing) (edge|full|pause|asked)
    if ~ (x)? ~ not ~ (quit|begone|stop|enough)
    complain (x|tome|you|about|at|pause|and)* (message|mailing)
    """
)
"""What leaves no doubt wherever it stands, said of nothing else."""

CLEAR_ALONE = _rules(
    """
    (message|mailing) ~ (not ~ (need|want) | need aint)
    (message|mailing) ~ (annoyed|enough|quit|end)
    mailing ~ remove
    need aint ~ (message|mailing)
    (message|mailing) ~ (hinder|bored|bother)
    fine ~ (message|mailing)
    (message|mailing|write|mail) ~ willnot
    mailing ~ not ~ interest
    mailing ~ (drop|notdo)
    block
    """
)
"""As clear, but only where no other thing stands just before («чек и смс не нужны»)."""

TAKEN_OFF = _rules(
    """
    remove (you|more|tome)* me
    (me|my me) (you|more|tome)* remove
    (unsub|tellus) (you|more)* me
    me (you|more)* unsub
    remove ~ number
    number ~ remove
    number num remove
    remove (you|me|tome)* my phone
    my phone ~ remove
    remove ~ (mailing|list)
    list ~ remove
    leave ~ (at)? peace
    """
)
"""«Уберите меня», «удалите мой номер», and the other way round."""

DISMISSED = _rules(
    """
    begone
    refuse ~ consent
    you (often ~)? (message|mailing) ~ (hinder|annoyed)
    annoyed you (often ~)? (message|mailing)
    """
)
"""«Отстаньте», and less polite; and what is meant whatever it is said of."""

UNSURE = _rules(
    """
    why ~ (writes|bother)
    why ~ write ~
    (who|whence) ~ (got|get|take|give|past|x)? ~ (number|phone)
    whence ~ my
    (number|phone) ~ (whence|who)
    who ~ (signed|said|give) ~ (write|bother|mail)
    again ~ (writes|you|write|message|mailing|wrote)
    (you) again
    many ~ (message|mailing|writes|write|bother|mail)
    many can ~ (write|bother|mail)
    less ~ (write|message|mailing|mail)
    (write|message|mailing|mail) ~ less
    often ~ (writes|write|message|mailing|mail|bother)
    (writes|message|mailing) (x)? ~ often
    not ~ signed
    not ~ give ~ (number|consent)
    consent (at mailing)? ~ not ~ give
    number ~ not ~ give
    how ~ (get|past|x) ~ my (number|phone)
    bored
    not ~ interest
    interest aint
    annoyed you (pause|full|edge|asked)
    you annoyed (pause|full|edge|asked)
    why ~ got ~ (message|mailing)
    (not)? mistaken number (pause|full|edge|asked)
    you tome (x|num|often)* writes
    that you need (me|tome)? (asked|full|edge)
    not annoyed ~ (write|bother|mail)
    (edge|pause|full) you tome wrote
    (nothing ~ not need | not nothing need) (pause|full|edge)
    """
)
"""Asks less, or wonders about being written to; anywhere in the message."""

UNSURE_ALONE = _rules(
    """
    not interest (tome|me|you)*
    interest aint
    not when
    (not)? (when)* busy (when|at)*
    when aint
    when (when)*
    when not can
    not know
    while (not need)?
    undone hold
    when undone hold
    bored
    (when)* busy aint
    when aint (when)*
    mistaken
    not mistaken
    not mistaken (number|writes)
    need aint
    refuse
    unsubbed
    (annoyed)+
    hush
    list
    not signed
    not at mistaken
    many can
    mailing
    spammer
    (again)+
    less
    when dowrite
    dowrite when
    not (many|often)
    """
)
"""The same, but only as a clause of its own."""
