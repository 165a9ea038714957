"""The chats as the desk lists and finds them, in a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from msgspec.structs import replace

from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Kind,
    Message,
    NeedsPerson,
    OptOut,
    Status,
)
from app.domain.events import Address, Fact
from app.domain.findable import Shelf
from app.domain.meaning import Concern
from app.domain.merge import merged
from app.store import keys
from app.store.chats import Chats
from app.store.claims import Settled
from app.store.connection import connect
from app.store.contacts import Contacts
from app.store.counters import Counters
from app.store.index import Index
from app.store.journal import Journal, Unusable
from app.store.mailbox import Mailbox
from app.worker.loop import working
from app.world import World
from tests.builders import NOON, order, person, wrote
from tests.e2e.processes import until
from tests.e2e.stage import on_stage

PHONES = tuple(f"7705000000{n}" for n in range(8))
LID = "lid:211111111111111"
MINUTE = timedelta(minutes=1)


async def nobody(chats: dict[str, datetime]) -> None:
    """Runs no turns."""


class Desk:
    """A store and what the desk reads of it."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.mailbox = Mailbox(redis, nobody)
        self.contacts = Contacts(redis)
        self.chats = Chats(redis)
        self.index = Index(redis)

    async def settles(
        self, conversation: Conversation, *, now: datetime = NOON, **left: Any
    ) -> None:
        """A turn ends like that."""
        claimed = await self.mailbox.look(conversation.chat)
        settled = Settled(conversation=conversation, **left)
        await self.mailbox.commit(claimed, settled, now=now)

    async def knows(self, phone: str, *, minutes: int = 0, **about: Any) -> Conversation:
        """Somebody who last wrote so many minutes after noon."""
        known = person(chat=phone, phone=phone, messages=(said(NOON + minutes * MINUTE),), **about)
        await self.settles(known)
        return known

    async def pages(self, shelf: Shelf = Shelf.ALL, *, limit: int) -> list[str]:
        """All pages of a shelf, one after the other."""
        told: list[str] = []
        after = None
        while page := await self.chats.page(shelf, after=after, limit=limit):
            assert len(page) <= limit
            told += page
            [last] = await self.chats.many(page[-1:])
            assert last.conversation is not None
            after = await self.chats.bookmark(last.conversation)
        return told

    async def index_as_it_is(self) -> list[Any]:
        """All that the index holds."""
        shelves = [
            await self.redis.zrange(keys.shelf(each), 0, -1, withscores=True) for each in Shelf
        ]
        words = await self.redis.zrange(keys.words(), 0, -1)
        return [*shelves, words, await self.redis.hgetall(keys.refs())]

    async def forgets_the_index(self) -> None:
        """As a store of the last release is."""
        shelves = [keys.shelf(each) for each in Shelf]
        await self.redis.delete(*shelves, keys.words(), keys.refs(), keys.indexed())


def said(at: datetime, *, author: Author = Author.CUSTOMER) -> Message:
    return Message(
        id=f"said:{at.timestamp()}",
        author=author,
        text="Здравствуйте",
        at=at,
        status=Status.RECEIVED if author is Author.CUSTOMER else Status.SENT,
        session="default",
        shop="default",
    )


@pytest.fixture
async def desk(store_url: str) -> AsyncIterator[Desk]:
    client = connect(store_url)
    yield Desk(client)
    await client.aclose()


# --- shelves ----------------------------------------------------------------------------------


async def test_the_newest_chats_come_first_page_by_page(desk: Desk) -> None:
    for n, phone in enumerate(PHONES):
        await desk.knows(phone, minutes=n)
    assert await desk.pages(limit=3) == list(reversed(PHONES))
    assert await desk.chats.page(Shelf.ALL, limit=2) == [PHONES[7], PHONES[6]]


@pytest.mark.parametrize("limit", [1, 2, 3, 8, 9])
async def test_chats_of_one_moment_are_neither_skipped_nor_told_twice(
    desk: Desk, limit: int
) -> None:
    for n, phone in enumerate(PHONES):
        await desk.knows(phone, minutes=n // 4)
    told = await desk.pages(limit=limit)
    assert sorted(told) == sorted(PHONES)
    assert told == await desk.chats.page(Shelf.ALL, limit=100)


async def test_a_chat_that_moves_up_meanwhile_does_not_bring_the_first_page_again(
    desk: Desk,
) -> None:
    known = [await desk.knows(phone, minutes=n) for n, phone in enumerate(PHONES)]
    bookmark = await desk.chats.bookmark(known[4])
    await desk.knows(PHONES[4], minutes=60)
    assert await desk.chats.page(Shelf.ALL, after=bookmark, limit=2) == [PHONES[3], PHONES[2]]
    ref = await desk.chats.ref(PHONES[4])
    assert await desk.chats.page(Shelf.ALL, after=ref, limit=2) == [PHONES[7], PHONES[6]]
    await desk.contacts.erase(known[4], messages=(), asked_for=())
    assert await desk.chats.page(Shelf.ALL, after=bookmark, limit=2) == [PHONES[3], PHONES[2]]


@pytest.mark.parametrize("after", ["", "x", "-", "99", "f" * 20, "1-zz", "9" * 400, "\n"])
async def test_what_is_no_bookmark_begins_anew(desk: Desk, after: str) -> None:
    await desk.knows(PHONES[0])
    assert await desk.chats.page(Shelf.ALL, after=after, limit=5) == [PHONES[0]]


async def test_a_chat_stands_on_its_shelves_for_as_long_as_it_belongs_there(desk: Desk) -> None:
    call = NeedsPerson(reason=Concern.COMPLAINT, since=NOON)
    unhappy = await desk.knows(PHONES[0], needs_person=call)
    await desk.knows(PHONES[1], opt_out=OptOut(at=NOON, by=Author.CUSTOMER))
    counts = {Shelf.ALL: 2, Shelf.CALLED: 1, Shelf.UNHAPPY: 1, Shelf.OPTED_OUT: 1}
    assert await desk.chats.counts() == counts
    assert await desk.chats.page(Shelf.UNHAPPY, limit=5) == [PHONES[0]]
    assert await desk.chats.page(Shelf.OPTED_OUT, limit=5) == [PHONES[1]]
    await desk.settles(replace(unhappy, needs_person=None))
    assert await desk.chats.count(Shelf.CALLED) == 0
    assert await desk.chats.count(Shelf.UNHAPPY) == 0
    assert await desk.chats.count(Shelf.ALL) == 2


async def test_an_order_or_a_receipt_moves_no_chat(desk: Desk) -> None:
    first = await desk.knows(PHONES[0], minutes=1)
    await desk.knows(PHONES[1], minutes=2)
    await desk.settles(replace(first, orders=(order(),)), now=NOON + 60 * MINUTE)
    assert await desk.chats.page(Shelf.ALL, limit=5) == [PHONES[1], PHONES[0]]


async def test_many_chats_are_read_with_their_unread_mail(desk: Desk) -> None:
    await desk.knows(PHONES[0])
    event = wrote("Есть размер L?")
    fact = Fact(person=Address(phone=PHONES[0]), event=event)
    other = wrote("А S?", "IN2")
    facts = [(PHONES[0], fact), (PHONES[1], replace(fact, event=other))]
    await desk.mailbox.accept(facts, now=NOON)
    first, unknown, second = await desk.chats.many([PHONES[0], PHONES[5], PHONES[1]])
    assert first.conversation is not None
    assert first.events == (event,)
    assert (unknown.chat, unknown.conversation, unknown.events) == (PHONES[5], None, ())
    assert (second.conversation, second.events) == (None, (other,))
    assert await desk.chats.many([]) == []


# --- search -----------------------------------------------------------------------------------


async def test_people_are_found_by_all_words_the_newest_first(desk: Desk) -> None:
    await desk.knows(PHONES[0], minutes=1, name="Айгерим Сәрсенова", orders=(order(),))
    await desk.knows(PHONES[1], minutes=2, name="Айгерим Ким")
    await desk.knows(PHONES[2], minutes=3, name="Олег Ким")
    found = desk.chats.found
    assert await found("айгер", limit=9) == [PHONES[1], PHONES[0]]
    assert await found("ким айг", limit=9) == [PHONES[1]]
    assert await found("912000001", limit=9) == [PHONES[0]]
    assert await found("8 705 000 00 02", limit=9) == [PHONES[2]]
    assert await found("ким 0001", limit=9) == [PHONES[1]]
    assert await found("7705", limit=2) == [PHONES[2], PHONES[1]]
    for query in ("", "   ", "сидоров", "ким сидоров", "\x00", "[", "(", "+", "-"):
        assert await found(query, limit=9) == []


async def test_a_search_keeps_to_its_shelf(desk: Desk) -> None:
    await desk.knows(PHONES[0], name="Олег", opt_out=OptOut(at=NOON, by=Author.CUSTOMER))
    await desk.knows(PHONES[1], name="Олег")
    assert await desk.chats.found("олег", shelf=Shelf.OPTED_OUT, limit=9) == [PHONES[0]]
    assert await desk.chats.found("олег", shelf=Shelf.CALLED, limit=9) == []


async def test_a_word_that_is_no_longer_theirs_finds_nobody(desk: Desk) -> None:
    known = await desk.knows(PHONES[0], name="Айгерим")
    await desk.settles(replace(known, name="Динара"))
    assert await desk.chats.found("айгерим", limit=9) == []
    assert await desk.chats.found("динара", limit=9) == [PHONES[0]]
    assert await desk.redis.zlexcount(keys.words(), "[айгерим".encode(), "[айгеримя".encode()) == 0


async def test_what_only_the_index_says_is_not_found(desk: Desk) -> None:
    await desk.knows(PHONES[0], name="Айгерим")
    await desk.redis.zadd(keys.words(), {f"динара\x00{PHONES[0]}": 0, "динара\x00gone": 0})
    assert await desk.chats.found("динара", limit=9) == []


# --- names ------------------------------------------------------------------------------------


async def test_a_ref_tells_nobodys_phone_and_leads_back(desk: Desk) -> None:
    await desk.knows(PHONES[0])
    ref = await desk.chats.ref(PHONES[0])
    assert len(ref) == 20
    assert set(ref) <= set("0123456789abcdef")
    assert await Chats(desk.redis).ref(PHONES[0]) == ref
    assert await desk.chats.chat_of(ref) == PHONES[0]
    assert await desk.chats.chat_of("0" * 20) is None
    assert ref != await desk.chats.ref(PHONES[1])


# --- looked at --------------------------------------------------------------------------------


async def test_what_was_seen_stays_seen(desk: Desk) -> None:
    await desk.knows(PHONES[0])
    await desk.chats.looked(PHONES[0], NOON + MINUTE)
    await desk.chats.looked(PHONES[0], NOON)
    await desk.chats.looked(PHONES[1], NOON)
    assert await desk.chats.looked_at(PHONES[:2]) == {PHONES[0]: NOON + MINUTE}
    assert await desk.chats.looked_at([]) == {}


# --- one person, and nobody -------------------------------------------------------------------


async def test_two_chats_that_are_one_person_are_found_as_one(desk: Desk) -> None:
    hidden = person(
        chat=LID, phone=None, lid=LID[4:], name="Айгерим", messages=(said(NOON + MINUTE),),
        opt_out=OptOut(at=NOON, by=Author.CUSTOMER),
    )  # fmt: skip
    await desk.settles(hidden)
    known = await desk.knows(PHONES[0])
    await desk.chats.looked(LID, NOON + MINUTE)
    old = await desk.chats.ref(LID)
    left, kept = await desk.chats.many([LID, PHONES[0]])
    both = merged(known, hidden, now=NOON)
    assert await desk.contacts.merge(left, kept, both, now=NOON)
    assert await desk.chats.page(Shelf.ALL, limit=9) == [PHONES[0]]
    assert await desk.chats.page(Shelf.OPTED_OUT, limit=9) == [PHONES[0]]
    assert await desk.chats.found("айгерим", limit=9) == [PHONES[0]]
    assert await desk.chats.chat_of(old) == PHONES[0]
    assert await desk.chats.looked_at([PHONES[0], LID]) == {PHONES[0]: NOON + MINUTE}
    entries = await desk.redis.zrange(keys.words(), 0, -1)
    assert [each for each in entries if b"lid" in each] == []
    day = await desk.redis.hgetall(keys.figures(NOON.date()))
    assert float(day[b"opted_out"]) == 1


async def test_of_who_is_erased_the_desk_knows_nothing(desk: Desk) -> None:
    await desk.contacts.learn(LID[4:], PHONES[0], now=NOON)
    await desk.settles(person(chat=LID, phone=None, lid=LID[4:], name="Айгерим"))
    left, kept = await desk.chats.many([LID, PHONES[0]])
    assert left.conversation is not None
    both = merged(person(chat=PHONES[0], phone=PHONES[0]), left.conversation, now=NOON)
    assert await desk.contacts.merge(left, kept, both, now=NOON)
    await desk.chats.looked(PHONES[0], NOON)
    await desk.knows(PHONES[1], name="Айгерим")
    before = await desk.index_as_it_is()
    await desk.settles(replace(both[0], orders=(order(),)))
    await desk.contacts.erase(both[0], messages=(), asked_for=())
    after = await desk.index_as_it_is()
    assert before != after
    changes = await desk.redis.xrange(keys.changes())
    assert not any(name in str([after, changes]) for name in (PHONES[0], LID))
    assert changes[-1][1] == {b"chat": b""}
    assert await desk.redis.zcard(keys.looked()) == 0
    assert await desk.chats.page(Shelf.ALL, limit=9) == [PHONES[1]]
    assert await desk.chats.found("айгерим", limit=9) == [PHONES[1]]


class Interrupted:
    """A store in which something happens after what is known of all changes was read, once."""

    def __init__(self, redis: Any, then: Callable[[], Awaitable[None]]) -> None:
        self._redis = redis
        self._then: Callable[[], Awaitable[None]] | None = then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)

    async def xrange(self, *asked: Any, **also: Any) -> Any:
        found = await self._redis.xrange(*asked, **also)
        then, self._then = self._then, None
        if then is not None:
            await then()
        return found


async def test_a_turn_that_ends_while_somebody_is_erased_leaves_nothing_of_them(desk: Desk) -> None:
    known = await desk.knows(PHONES[0], name="Айгерим")

    async def turn_ends() -> None:
        await desk.settles(replace(known, name="Динара"))

    contacts = Contacts(Interrupted(desk.redis, turn_ends))
    await contacts.erase(known, messages=(), asked_for=())
    left = [await desk.index_as_it_is(), await desk.redis.xrange(keys.changes())]
    assert PHONES[0] not in str(left)


# --- a store of the release before ------------------------------------------------------------


async def test_chats_of_an_older_release_are_put_where_they_belong(desk: Desk) -> None:
    call = NeedsPerson(reason=Concern.COMPLAINT, since=NOON)
    for n in range(120):
        await desk.knows(f"770511{n:05}", minutes=n % 7, name=f"Имя{n}", needs_person=call)
    await desk.settles(person(chat=LID, phone=None, lid=LID[4:]))
    before = await desk.index_as_it_is()
    await desk.forgets_the_index()
    assert await desk.index.is_whole() is False
    assert await desk.index.make_whole() == 121
    assert await desk.index.is_whole() is True
    assert await desk.index_as_it_is() == before
    await desk.index.make_whole()
    assert await desk.index_as_it_is() == before


async def test_who_is_gone_when_they_are_put_where_they_belong_stays_gone(desk: Desk) -> None:
    await desk.redis.zadd(keys.chats(), {PHONES[0]: 1})
    assert await desk.index.make_whole() == 0
    assert await desk.chats.count(Shelf.ALL) == 0


async def test_one_chat_that_cannot_be_read_keeps_no_other_from_the_desk(desk: Desk) -> None:
    for phone in PHONES[:3]:
        await desk.knows(phone, name="Айгерим")
    await desk.redis.hset(keys.conversation(PHONES[1]), "doc", b'{"chat":"x","phone":1}')
    await desk.redis.delete(keys.words())
    assert await desk.index.make_whole() == 2
    assert await desk.index.is_whole()
    assert set(await desk.chats.found("айгерим", limit=9)) == {PHONES[0], PHONES[2]}
    read = await desk.chats.many(PHONES[:3])
    assert [one.conversation is None for one in read] == [False, True, False]


async def test_a_worker_puts_them_there_by_itself(
    store_url: str, store_client: redis.Redis
) -> None:
    async with on_stage(store_url, world=World()) as stage:
        desk = Desk(stage.assembly.redis)
        await desk.knows(PHONES[0], name="Айгерим")
        await desk.forgets_the_index()
        async with working(stage.assembly.docket, stage.bot):
            await until(lambda: store_client.get(keys.indexed()), "every chat is found")
        assert await desk.chats.found("айгерим", limit=9) == [PHONES[0]]


# --- figures ----------------------------------------------------------------------------------


async def test_what_a_turn_counts_is_counted_on_its_day_too(desk: Desk) -> None:
    sent = Entry(at=NOON, kind=Kind.SENT, shop="default")
    late = NOON + timedelta(hours=13)
    await desk.settles(person(), entries=(sent, sent))
    await desk.settles(person(), entries=(sent,), now=late)
    today, tomorrow = NOON.date(), NOON.date() + timedelta(days=1)
    first = await desk.redis.hgetall(keys.figures(today))
    assert first == {b"sent": b"2", b"shop:default:sent": b"2"}
    assert await desk.redis.hget(keys.figures(tomorrow), "sent") == b"1"
    assert 0 < await desk.redis.ttl(keys.figures(today)) <= 400 * 24 * 3600


async def test_what_nobody_could_be_told_of_is_counted_on_its_day_too(desk: Desk) -> None:
    late = NOON + timedelta(hours=13)
    fact = Unusable(at=late, reason="no_phone", detail="no phone", shop="default")
    await Journal(desk.redis).unusable(fact)
    tomorrow = NOON.date() + timedelta(days=1)
    counters = Counters(desk.redis)
    assert (await counters.figures([tomorrow]))[tomorrow] == await counters.all()
    assert (await counters.all())["shop:default:blocked:no_phone"] == 1
    assert 0 < await desk.redis.ttl(keys.figures(tomorrow)) <= 400 * 24 * 3600
