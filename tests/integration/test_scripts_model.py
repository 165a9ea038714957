"""The store's scripts against plain dictionaries and lists: after every step both hold the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from app.domain.findable import Shelf
from app.domain.session import WORKING
from app.store import keys
from app.store.claims import shelf_keys
from app.store.connection import Script
from tests.builders import NOON
from tests.strategies import PROVING

PHONES = ("77050000001",)
HIDDEN = ("lid:2111",)
CHATS = (*PHONES, *HIDDEN)
TODAY = NOON.date()
SHOPS = ("default", "second")
SEEN_KEPT = 4
JOURNAL_KEPT = 3
DAY_SECONDS = 24 * 3600
CHANGES_KEPT = 100_000

chats = st.sampled_from(CHATS)
times = st.integers(1_000, 1_030)
wakes = st.none() | times
places = st.sampled_from(["m1", "m2", "m3", "m4"])
known_words = st.sampled_from(["w1", "w2", "w3"])
events = st.sampled_from(["", *(f"e{number}" for number in range(7))])


@dataclass
class Kept:
    """What is kept of one chat."""

    fields: dict[str, str] = field(default_factory=dict)
    mail: list[str] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)
    archive: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return self.fields.get("v", "")

    def remember(self, at: int, event: str) -> None:
        """The newest events are known again; of one moment, the last by name."""
        self.seen[event] = at
        newest = sorted((at, event) for event, at in self.seen.items())[-SEEN_KEPT:]
        self.seen = {event: at for at, event in newest}


@dataclass(frozen=True)
class Claim:
    """What a turn decides on."""

    chat: str
    version: str
    mail: tuple[str, ...]


@dataclass(frozen=True)
class Commit:
    """What a turn asks the store to settle."""

    claim: Claim
    args: tuple[str, ...]


def text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


class Scripts(RuleBasedStateMachine):
    """A store and its model. Turns overlap as they like: claims are kept and used late."""

    claims = Bundle("claims")
    commits = Bundle("commits")

    def __init__(self, client: redis.Redis) -> None:
        super().__init__()
        self.redis: Any = client
        self.redis.flushdb()
        self.kept = {chat: Kept() for chat in CHATS}
        self.due: dict[str, float] = {}
        self.chats: dict[str, float] = {}
        self.spoken: dict[str, float] = {}
        self.called: dict[str, float] = {}
        self.held: dict[str, float] = {}
        self.hidden: set[str] = set()
        self.counters: dict[str, float] = {}
        self.costs: dict[str, float] = {}
        self.figures: dict[str, float] = {}
        self.shelves: dict[str, dict[str, float]] = {shelf: {} for shelf in Shelf}
        self.words: set[str] = set()
        self.refs: dict[str, str] = {}
        self.looked: dict[str, float] = {}
        self.changed: list[str] = []
        self.told: dict[str, str] = {}
        self.buried: dict[str, str] = {}
        self.days: dict[str, set[str]] = {shop: set() for shop in SHOPS}
        self.moved_mail: set[str] = set()
        self.paced = 0
        self.made = 0

    def run(self, name: str, names: list[str], *args: Any) -> Any:
        return self.redis.register_script(SCRIPTS[name])(keys=names, args=args)

    def new(self, what: str) -> str:
        self.made += 1
        return f"{what}{self.made}"

    def look_again(self, chat: str, at: int) -> None:
        self.due[chat] = min(at, self.due.get(chat, at))

    def wakes_at(self, chat: str, now: int, wake: int | None) -> None:
        """With mail it is due at once, else when it says, or never."""
        if self.kept[chat].mail:
            self.due[chat] = now
        elif wake is None:
            self.due.pop(chat, None)
        else:
            self.due[chat] = wake

    # --- mail and turns -----------------------------------------------------------------------

    @rule(chat=chats, event=events, at=times, short=st.sampled_from(["", "W1", "W2"]))
    def accept(self, chat: str, event: str, at: int, short: str = "") -> None:
        kept, letter = self.kept[chat], self.new("letter")
        names = [keys.mail(chat), keys.seen(chat), keys.due(), keys.told("default", short)]
        names += [keys.changes()]
        args = (event, letter, at, chat, SEEN_KEPT, DAY_SECONDS if short else "", CHANGES_KEPT)
        elsewhere = self.told.get(short, chat)
        if short and elsewhere != chat:
            assert text(self.run("accept", names, *args)) == elsewhere
            return
        if short:
            self.told[short] = chat
        new = event == "" or event not in kept.seen
        assert self.run("accept", names, *args) == int(new)
        if new:
            kept.mail.append(letter)
            self.look_again(chat, at)
            self.changed.append(chat)
        if new and event:
            kept.remember(at, event)

    @rule(target=claims, chat=chats)
    def claim(self, chat: str) -> Claim:
        kept = self.kept[chat]
        if kept.version or kept.mail:
            kept.fields["n"] = str(int(kept.fields.get("n", "0")) + 1)
        begun = int(kept.fields.get("n", "0")) if kept.version or kept.mail else 0
        names = [keys.conversation(chat), keys.mail(chat)]
        version, doc, turns, mail = self.run("claim", names)
        told = (text(version), text(doc), turns, [text(letter) for letter in mail])
        assert told == (kept.version, kept.fields.get("doc", ""), begun, kept.mail)
        return Claim(chat, kept.version, tuple(kept.mail))

    @rule(
        target=commits,
        claim=claims,
        folds=st.booleans(),
        now=times,
        wake=wakes,
        spoke=st.booleans(),
        buried=st.lists(places, max_size=1),
        risen=st.lists(places, max_size=1),
        freed=st.lists(places, max_size=2, unique=True),
        stands=st.lists(st.sampled_from([*Shelf][1:]), unique=True),
        words=st.frozensets(known_words, max_size=2),
    )
    def commit(self, claim: Claim, folds: bool, now: int, wake: int | None, spoke: bool,
               buried: list[str], risen: list[str], freed: list[str], stands: list[str],
               words: frozenset[str]) -> Any:  # fmt: skip
        if self.moved_mail.intersection(claim.mail):
            return multiple()  # of a chat without a version, a merge leaves nothing to see it by
        folded = len(claim.mail) if folds else 0
        doc, token = self.new("doc"), self.new("token")
        entries = [self.new("entry") for _ in range(2)]
        archived, grave = [self.new("old")], self.new("grave")
        lists = [2, *entries, 1, *archived, 2, "sent", 1, "model_cost", 0.5]
        lists += [len(buried), *(part for id_ in buried for part in (id_, grave))]
        lists += [len(risen), *risen, len(freed), *freed]
        gone, come = self.moved_words(words, claim.chat)
        lists += [len(gone), *gone, len(come), *come]
        paid = {"default:reply:cost": 0.5, "cost": 0.5} if spoke else {}
        lists += [len(paid), *(part for pair in paid.items() for part in pair), DAY_SECONDS]
        woken = "" if wake is None else wake
        args = [claim.version, token, doc, folded, now, claim.chat, woken, JOURNAL_KEPT,
                int(spoke), now if spoke else "", *standing(stands, now), f"ref-{claim.chat}",
                CHANGES_KEPT, *lists]  # fmt: skip
        kept = self.kept[claim.chat]
        answer = self.ask_commit(claim.chat, args)
        if kept.version != claim.version:
            assert answer == [-1, 0]
            return multiple()
        kept.fields |= {"v": str(int(kept.version or 0) + 1), "doc": doc, "token": token}
        if folded:
            kept.mail = [letter for letter in kept.mail if letter not in claim.mail]
            kept.fields.pop("n", None)
        kept.journal = [*kept.journal, *entries][-JOURNAL_KEPT:]
        kept.archive += archived
        for name, by in (("sent", 1), ("model_cost", 0.5)):
            self.counts(name, by)
        for measure, dollars in paid.items():
            self.costs[measure] = self.costs.get(measure, 0) + dollars
        self.buried |= dict.fromkeys(buried, grave)
        self.buried = {id_: json for id_, json in self.buried.items() if id_ not in risen}
        for held in self.days.values():
            held -= set(freed)
        self.wakes_at(claim.chat, now, wake)
        self.chats[claim.chat] = now
        self.stand(claim.chat, stands, now)
        self.words = (self.words - set(gone)) | set(come)
        self.refs[f"ref-{claim.chat}"] = claim.chat
        self.changed.append(claim.chat)
        self.called.pop(claim.chat, None)
        if spoke:
            self.spoken[claim.chat] = self.called[claim.chat] = now
        assert answer == [int(kept.version), len(kept.mail)]
        return Commit(claim, tuple(map(str, args)))

    def ask_commit(self, chat: str, args: list[Any]) -> Any:
        names = [
            keys.conversation(chat), keys.mail(chat), keys.journal(chat), keys.archive(chat),
            keys.due(), keys.chats(), keys.counters(), keys.spoken_to(), keys.buried(),
            keys.costs(TODAY), keys.called(), *shelf_keys(), keys.words(), keys.refs(),
            keys.changes(), keys.figures(TODAY), *(keys.day(shop, TODAY) for shop in SHOPS),
        ]  # fmt: skip
        return self.run("commit", names, *args)

    def counts(self, name: str, by: float) -> None:
        for kept in (self.counters, self.figures):
            kept[name] = kept.get(name, 0) + by

    def stand(self, chat: str, shelves: list[str], at: int) -> None:
        for shelf, stand in self.shelves.items():
            stand.pop(chat, None)
            if shelf in {*shelves, Shelf.ALL}:
                stand[chat] = at

    def moved_words(self, words: frozenset[str], *chats: str) -> tuple[list[str], list[str]]:
        """What leaves and enters the index of words when the last chat is found by these only."""
        known = {entry for entry in self.words if entry.split("|")[1] in chats}
        new = {f"{word}|{chats[-1]}" for word in words}
        return sorted(known - new), sorted(new - known)

    @rule(chat=chats, version=st.sampled_from(["", "1", "2"]), now=times,
          words=st.frozensets(known_words, max_size=2))  # fmt: skip
    def shelve(self, chat: str, version: str, now: int, words: frozenset[str]) -> None:
        _, new = self.moved_words(words, chat)
        args = [version, chat, *standing([], now), f"ref-{chat}", *new]
        names = [keys.conversation(chat), *shelf_keys(), keys.words(), keys.refs()]
        as_read = version != "" and self.kept[chat].version == version
        assert self.run("shelve", names, *args) == int(as_read)
        if as_read:
            self.stand(chat, [], now)
            self.words |= set(new)
            self.refs[f"ref-{chat}"] = chat

    @rule(chat=chats, at=times)
    def look(self, chat: str, at: int) -> None:
        names = [keys.shelf(Shelf.ALL), keys.looked(), keys.changes()]
        more = chat in self.shelves[Shelf.ALL] and at > self.looked.get(chat, 0)
        assert self.run("look", names, chat, at, CHANGES_KEPT) == int(more)
        if more:
            self.looked[chat] = at
            self.changed.append(chat)

    @rule(commit=commits)
    def ask_for_a_commit_again_whose_answer_got_lost(self, commit: Commit) -> None:
        kept = self.kept[commit.claim.chat]
        answer = self.ask_commit(commit.claim.chat, list(commit.args))
        mine = kept.fields.get("token") == commit.args[1]
        assert answer == ([int(kept.version), len(kept.mail)] if mine else [-1, 0])

    @rule(claim=claims, now=times, wake=wakes)
    def put_aside(self, claim: Claim, now: int, wake: int | None) -> None:
        kept, chat = self.kept[claim.chat], claim.chat
        first = claim.mail[0] if claim.mail else ""
        names = [keys.conversation(chat), keys.mail(chat), keys.due()]
        woken = "" if wake is None else wake
        done = self.run("put_aside", names, first, len(claim.mail), now, chat, woken)
        there = not claim.mail or kept.mail[:1] == [first]
        assert done == int(there)
        if there:
            kept.mail = [letter for letter in kept.mail if letter not in claim.mail]
            kept.fields.pop("n", None)
            if claim.mail:
                kept.fields["v"] = str(int(kept.version or 0) + 1)
            self.wakes_at(chat, now, wake)

    @rule(chat=chats, claim=claims, known=st.booleans(), wake=wakes)
    def finish(self, chat: str, claim: Claim, known: bool, wake: int | None) -> None:
        chat, version = (claim.chat, claim.version) if known else (chat, "-")
        kept = self.kept[chat]
        kept.fields.pop("n", None)
        if kept.version == version and not kept.mail:
            self.wakes_at(chat, 0, wake)
        names = [keys.conversation(chat), keys.mail(chat), keys.due()]
        due = self.run("finish", names, chat, version, "" if wake is None else wake)
        assert (None if due is None else float(due)) == self.due.get(chat)

    # --- limits -------------------------------------------------------------------------------

    @rule(shop=st.sampled_from(SHOPS), message=places, cap=st.integers(0, 3))
    def reserve(self, shop: str, message: str, cap: int) -> None:
        held = self.days[shop]
        has_place = message in held or len(held) < cap
        if has_place:
            held.add(message)
        names = [keys.day(shop, TODAY)]
        assert self.run("reserve", names, message, cap, DAY_SECONDS) == int(has_place)

    @rule(now=times, pause=st.integers(0, 40))
    def pace(self, now: int, pause: int) -> None:
        moment = max(now, self.paced)
        self.paced = moment + pause
        names = [keys.pace("default")]
        assert float(self.run("pace", names, now, pause, DAY_SECONDS * 1000)) == moment

    @rule(chat=chats, now=times)
    def hold(self, chat: str, now: int) -> None:
        self.held.setdefault(chat, now)
        self.redis.zadd(keys.held("default"), {chat: now}, nx=True)

    @rule(now=times, most=st.integers(1, 3))
    def release(self, now: int, most: int) -> None:
        longest = sorted(self.held, key=lambda chat: (self.held[chat], chat))[:most]
        for place, chat in enumerate(longest):
            del self.held[chat]
            self.look_again(chat, now + place * 500)
        names = [keys.held("default"), keys.due()]
        flat = self.run("release", names, now, most, 500)
        told = [(text(flat[at]), float(flat[at + 1])) for at in range(0, len(flat), 2)]
        assert told == [(chat, self.due[chat]) for chat in longest]

    # --- one person ---------------------------------------------------------------------------

    @rule(lid=st.sampled_from(HIDDEN))
    def hide_stop(self, lid: str) -> None:
        self.hidden.add(lid)
        self.redis.sadd(keys.hidden_stops(), lid)

    @rule(left=claims, into=claims, now=times, mail_only=st.booleans(), lost=st.booleans(),
          words=st.frozensets(known_words, max_size=2))  # fmt: skip
    def merge(self, left: Claim, into: Claim, now: int, mail_only: bool, lost: bool,
              words: frozenset[str]) -> None:  # fmt: skip
        if left.chat not in HIDDEN or into.chat not in PHONES:
            return
        source, target = self.kept[left.chat], self.kept[into.chat]
        both, token, entry = self.new("both"), self.new("token"), self.new("entry")
        both, entries = ("", []) if mail_only else (both, [entry])
        gone, come = ([], []) if mail_only else self.moved_words(words, left.chat, into.chat)
        args = [left.version, into.version, both, JOURNAL_KEPT, SEEN_KEPT, now, left.chat,
                into.chat, left.chat, token, *standing([], now), f"ref-{left.chat}",
                f"ref-{into.chat}", CHANGES_KEPT, DAY_SECONDS, len(gone), *gone, len(come), *come,
                len(entries), *(["merged", 1] * len(entries)),
                len(entries), *entries]  # fmt: skip
        names = [key(chat) for chat in (left.chat, into.chat) for key in OWN]
        names += [keys.due(), keys.chats(), keys.spoken_to(), keys.hidden_stops()]
        names += [keys.counters(), keys.called(), *shelf_keys(), keys.words(), keys.refs()]
        names += [keys.looked(), keys.changes(), keys.figures(TODAY)]
        same = (source.version, target.version) == (left.version, into.version)
        assert self.run("merge", names, *args) == int(same)
        if not same:
            return
        if lost and not mail_only:
            assert self.run("merge", names, *args) == 1
        self.words = (self.words - set(gone)) | set(come)
        self.moved(left.chat, into.chat, both=both, token=token, entries=entries, now=now)

    def moved(
        self, left: str, into: str, *, both: str, token: str, entries: list[str], now: int
    ) -> None:
        source, target = self.kept[left], self.kept[into]
        if both:
            version = str(int(target.version or 0) + 1)
            target.fields |= {"v": version, "doc": both, "token": token}
            self.chats[into] = now
            self.counts("merged", 1)
            self.stand(into, [], now)
            self.refs |= {f"ref-{left}": into, f"ref-{into}": into}
        target.mail += source.mail
        self.moved_mail.update(source.mail)
        target.journal = [*target.journal, *source.journal, *entries][-JOURNAL_KEPT:]
        target.archive += source.archive
        for event, at in source.seen.items():
            target.seen[event] = min(at, target.seen.get(event, at))
        newest = sorted((at, event) for event, at in target.seen.items())[-SEEN_KEPT:]
        target.seen = {event: at for at, event in newest}
        if left in self.spoken:
            self.spoken[into] = max(self.spoken[left], self.spoken.get(into, 0))
        if left in self.called:
            self.called[into] = min(self.called[left], self.called.get(into, math.inf))
        if left in self.looked:
            self.looked[into] = max(self.looked[left], self.looked.get(into, 0))
        self.kept[left] = Kept()
        indexes = (self.due, self.chats, self.spoken, self.called, self.looked)
        for index in (*indexes, *self.shelves.values()):
            index.pop(left, None)
        self.changed += [left, into]
        self.hidden.discard(left)
        self.look_again(into, now)

    # --- both hold the same -------------------------------------------------------------------

    @invariant()
    def every_chat_is_kept_as_it_should_be(self) -> None:
        pipe = self.redis.pipeline(transaction=False)
        for chat in CHATS:
            pipe.hgetall(keys.conversation(chat))
            for key in (keys.mail, keys.journal, keys.archive):
                pipe.lrange(key(chat), 0, -1)
            pipe.zrange(keys.seen(chat), 0, -1, withscores=True)
        answers = pipe.execute()
        for place, chat in enumerate(CHATS):
            fields, mail, journal, archive, seen = answers[5 * place : 5 * place + 5]
            assert self.kept[chat] == Kept(
                fields={text(name): text(value) for name, value in fields.items()},
                mail=[text(letter) for letter in mail],
                journal=[text(entry) for entry in journal],
                archive=[text(message) for message in archive],
                seen={text(event): int(at) for event, at in seen},
            )

    @invariant()
    def what_all_chats_share_is_as_it_should_be(self) -> None:
        pipe = self.redis.pipeline(transaction=False)
        indexes = (keys.due(), keys.chats(), keys.spoken_to(), keys.called(), keys.held("default"))
        for index in indexes:
            pipe.zrange(index, 0, -1, withscores=True)
        pipe.hgetall(keys.counters())
        pipe.hgetall(keys.costs(TODAY))
        pipe.hgetall(keys.buried())
        pipe.smembers(keys.hidden_stops())
        for shop in SHOPS:
            pipe.smembers(keys.day(shop, TODAY))
        *indexes, counters, costs, buried, hidden, first, second = pipe.execute()
        scores = [{text(chat): at for chat, at in index} for index in indexes]
        assert scores == [self.due, self.chats, self.spoken, self.called, self.held]
        assert {text(name): float(by) for name, by in counters.items()} == self.counters
        assert {text(name): float(by) for name, by in costs.items()} == self.costs
        assert {text(id_): text(json) for id_, json in buried.items()} == self.buried
        assert {text(lid) for lid in hidden} == self.hidden
        assert [{text(id_) for id_ in day} for day in (first, second)] == list(self.days.values())

    @invariant()
    def the_desk_finds_what_it_should(self) -> None:
        pipe = self.redis.pipeline(transaction=False)
        for index in (*shelf_keys(), keys.looked()):
            pipe.zrange(index, 0, -1, withscores=True)
        pipe.zrange(keys.words(), 0, -1)
        pipe.hgetall(keys.refs())
        pipe.hgetall(keys.figures(TODAY))
        pipe.xrange(keys.changes())
        *indexes, words, refs, figures, changes = pipe.execute()
        scores = [{text(chat): at for chat, at in index} for index in indexes]
        assert scores == [*self.shelves.values(), self.looked]
        assert {text(word) for word in words} == self.words
        assert {text(ref): text(chat) for ref, chat in refs.items()} == self.refs
        assert {text(name): float(by) for name, by in figures.items()} == self.figures
        assert [text(fields[b"chat"]) for _, fields in changes] == self.changed

    @invariant()
    def no_letter_lies_where_nobody_looks(self) -> None:
        assert {chat for chat in CHATS if self.kept[chat].mail} <= set(self.due)


def standing(shelves: list[str], at: int) -> list[Any]:
    """The score of a chat on each shelf: all stand on the first."""
    return [at if shelf in {*shelves, Shelf.ALL} else "" for shelf in Shelf]


NAMES = ("accept", "claim", "commit", "put_aside", "finish", "reserve", "pace", "release", "merge",
         "session", "shelve", "look")  # fmt: skip
SCRIPTS = {name: Script(name).text for name in NAMES}
OWN = (keys.conversation, keys.mail, keys.journal, keys.archive, keys.seen)


@pytest.fixture
def client(store_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(store_url) as client:
        yield client


def test_the_scripts_do_what_dictionaries_and_lists_do(client: redis.Redis) -> None:
    made: Any = lambda: Scripts(client)  # noqa: E731 - its hints ask for a class
    run_state_machine_as_test(made, settings=settings(PROVING, max_examples=100))


def test_a_letter_that_came_after_others_were_put_aside_is_not_settled_with_them(
    client: redis.Redis,
) -> None:
    scripts = Scripts(client)
    chat = PHONES[0]
    scripts.accept(chat, "e1", 1_000)
    claim = scripts.claim(chat)
    scripts.put_aside(claim, 1_001, None)
    scripts.accept(chat, "e2", 1_002)
    scripts.commit(claim, True, 1_003, None, False, [], [], [], [], frozenset())
    assert scripts.kept[chat].mail == ["letter2"]
    scripts.every_chat_is_kept_as_it_should_be()


def test_what_is_due_before_its_release_stays_due_then(client: redis.Redis) -> None:
    scripts = Scripts(client)
    scripts.hold(PHONES[0], 1_000)
    scripts.hold(HIDDEN[0], 1_001)
    scripts.accept(HIDDEN[0], "e1", 1_002)
    scripts.release(1_010, 2)
    assert scripts.due == {PHONES[0]: 1_010, HIDDEN[0]: 1_002}


# --- a session is told in any order -----------------------------------------------------------

WORDS = st.sampled_from(["", WORKING, "FAILED", "STARTING"])
TELLINGS = st.lists(st.tuples(WORDS, st.none() | st.integers(-20, 40)), min_size=1, max_size=7)


@settings(PROVING, max_examples=80)
@given(TELLINGS, st.data())
def test_the_newest_word_on_a_session_holds_in_whatever_order_it_is_told(
    client: redis.Redis, tellings: list[tuple[str, int | None]], data: st.DataObject
) -> None:
    client.flushdb()
    script: Any = client.register_script(SCRIPTS["session"])
    told = [(1_000 + at, *telling) for at, telling in enumerate(tellings)]
    names = [keys.session("default"), keys.signs("default", TODAY)]
    status: str | None = None
    status_at = 0
    for at, word, ban in data.draw(st.permutations([*told, *told[:2]])):
        until = "" if ban is None else at + ban
        args = [at, word, until, "7700", "", DAY_SECONDS, WORKING, 0, 2_000]
        changed, _ = script(keys=names, args=args)
        newer = word != "" and at >= status_at
        assert changed == int(newer and word != status)
        if newer:
            status, status_at = word, at
    known: dict[str, str] = {text(k): text(v) for k, v in client.hgetall(names[0]).items()}
    words = [(at, word) for at, word, _ in told if word]
    bans = [(at, ban) for at, _, ban in told if ban is not None]
    assert known.get("status") == (words[-1][1] if words else None)
    assert known.get("at") == (str(words[-1][0]) if words else None)
    assert known.get("until") == (str(sum(bans[-1])) if bans else None)
    assert known["phone"] == "7700"
    down = any(word != WORKING for _, word in words)
    assert "gap" in known or not down
