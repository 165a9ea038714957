"""The machinery of the turns: lost answers, dead turns, lost schedules, many chats at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from app.domain.conversation import Status, with_message
from app.domain.decide import next_wake
from app.domain.events import Act, Address, AnyEvent, Fact
from app.domain.sending import due_texts
from app.errors import Conflict
from app.store import keys
from app.store.claims import Settled
from app.store.connection import Script, connect
from app.store.mailbox import Mailbox
from app.wiring.serve import ruled
from app.worker.loop import run_guarded, sweep_overdue, working
from app.worker.react import BURIED_PAUSE, MOST_BEGUN
from app.world import World
from tests.builders import NOON, PHONE, acted, ours, person, wrote
from tests.e2e.stage import Stage, on_stage
from tests.integration.proxy import Wire, wire_to

HOUR = timedelta(hours=1)


def facts(*events: AnyEvent, chat: str = PHONE) -> list[tuple[str, Fact]]:
    return [(chat, Fact(person=Address(phone=chat), event=event)) for event in events]


async def nobody(_chats: dict[str, datetime]) -> None:
    """A schedule that was lost."""


@asynccontextmanager
async def mailbox(url: str) -> AsyncIterator[Mailbox]:
    redis = connect(url)
    try:
        yield Mailbox(redis, nobody)
    finally:
        await redis.aclose()


@pytest.fixture
async def wire(store_url: str) -> AsyncIterator[Wire]:
    async with wire_to(store_url) as wire:
        yield wire


async def texts_in(box: Mailbox, chat: str = PHONE) -> list[str]:
    return [getattr(event, "text", "") for event in (await box.look(chat)).events]


async def test_a_commit_whose_answer_got_lost_has_happened_once(wire: Wire) -> None:
    async with mailbox(wire.url) as box:
        await box.accept(facts(wrote("привет", "A")), now=NOON)
        claimed = await box.claim(PHONE)
        wire.lose = Script("commit").sha.encode()
        settled = Settled(conversation=person(), folded=1)
        with contextlib.suppress(Conflict):
            await box.commit(await box.claim("77059999999"), settled, now=NOON)  # loads the script
        wire.lose = Script("commit").sha.encode()
        after = await box.commit(claimed, settled, now=NOON)
        assert wire.lost == 2
        assert after.version == "1"
        assert await texts_in(box) == []


async def test_who_settles_a_turn_is_told_of_mail_it_has_not_read(store_url: str) -> None:
    async with mailbox(store_url) as box:
        await box.accept(facts(wrote("раз", "A")), now=NOON)
        claimed = await box.claim(PHONE)
        read = await box.commit(claimed, Settled(conversation=person(), folded=1), now=NOON)
        assert not read.unread
        await box.accept(facts(wrote("два", "B")), now=NOON)
        assert (await box.commit(read, Settled(conversation=person()), now=NOON)).unread


@pytest.mark.parametrize("what", ["cancelled", "стоп"])
async def test_what_is_taken_back_in_the_moment_it_is_to_go_does_not_go(
    wire: Wire, what: str
) -> None:
    async with on_stage(wire.url) as stage:
        await stage.ordered()
        wire.hold = b'"tried_at"'
        turn = asyncio.create_task(run_guarded(stage.bot, PHONE))
        await wire.is_held.wait()
        if what == "cancelled":
            [item] = (await stage.api.get("/api/outbox")).json()
            url = f"/api/outbox/{item['id']}/cancel"
            answer = await stage.api.post(url, json={"phone": PHONE})
            assert (answer.status_code, answer.json()["status"]) == (200, what)
        else:
            await stage.phone().writes(what)
            await stage.waha.delivered()
        wire.may_go.set()
        await turn
        assert "Спасибо за покупку" not in "".join(stage.texts)
        assert {m["purpose"] for m in await stage.messages()} <= {None, "opt_out_confirmation"}


async def test_a_commit_on_an_old_version_is_a_conflict(store_url: str) -> None:
    async with mailbox(store_url) as box:
        first = await box.claim(PHONE)
        second = await box.claim(PHONE)
        await box.commit(first, Settled(conversation=person()), now=NOON)
        with pytest.raises(Conflict):
            await box.commit(second, Settled(conversation=person()), now=NOON)


async def test_letters_put_aside_twice_take_no_others_with_them(wire: Wire) -> None:
    async with mailbox(wire.url) as box:
        await box.accept(facts(wrote("раз", "A")), now=NOON)
        claimed = await box.claim(PHONE)
        await box.accept(facts(wrote("стоп", "B")), now=NOON)
        await box.put_aside(claimed, now=NOON, wake=None)
        await box.put_aside(claimed, now=NOON, wake=None)
        assert await texts_in(box) == ["стоп"]
        assert await box.next_due(PHONE) is not None


async def test_a_known_fact_is_stored_once_and_scheduled_again(store_url: str) -> None:
    scheduled: list[Sequence[str]] = []

    async def note(chats: dict[str, datetime]) -> None:
        scheduled.append(list(chats))

    redis = connect(store_url)
    box = Mailbox(redis, note)
    told = [await box.accept(facts(wrote("привет", "A")), now=NOON) for _ in range(2)]
    assert told == [[True], [False]]
    assert scheduled == [[PHONE], [PHONE]]
    assert await texts_in(box) == ["привет"]
    await redis.aclose()


async def test_a_fact_is_due_when_it_came_however_busy_the_door_is(store_url: str) -> None:
    async with mailbox(store_url) as box:
        later = NOON + HOUR
        await asyncio.gather(
            box.accept(facts(wrote("раз", "A"), chat="77050000001"), now=NOON),
            box.accept(facts(wrote("два", "B"), chat="77050000002"), now=later),
        )
        assert await box.next_due("77050000002") == later


async def test_five_hundred_turns_find_a_connection(store_url: str) -> None:
    async with mailbox(store_url) as box:
        claims = await asyncio.gather(*(box.claim(f"7705{i:07}") for i in range(500)))
    assert len(claims) == 500


async def test_a_letter_nobody_can_read_is_set_aside_and_the_rest_is_done(
    store_url: str,
) -> None:
    async with on_stage(store_url) as stage:
        await stage.assembly.redis.rpush(keys.mail(PHONE), b'{"kind":"customer_sang","id":"x"}')
        await stage.ordered()
        assert (await stage.contact())["name"] == "Айгерим С"
        await stage.settle()
        assert len(stage.texts) == 1
        [grave] = (await stage.api.get("/api/buried")).json()
        assert grave["facts"] == 1
        await stage.api.post(f"/api/buried/{grave['id']}/replay")
        await stage.settle()
        assert len((await stage.api.get("/api/buried")).json()) == 1


async def died(stage: Stage, times: int) -> None:
    """Turns that began and never ended, as killed workers leave them."""
    for _ in range(times):
        await stage.bot.mailbox.claim(PHONE)


async def test_a_chat_whose_turns_keep_dying_is_put_off_but_a_stop_in_it_holds(
    store_url: str,
) -> None:
    async with on_stage(store_url) as stage:
        await stage.ordered()
        await stage.phone().writes("стоп")
        await stage.waha.delivered()
        await died(stage, MOST_BEGUN)
        await run_guarded(stage.bot, PHONE)
        assert (await stage.contact())["opted_out"] is True
        assert stage.texts == []
        assert len((await stage.api.get("/api/buried")).json()) == 1
        due = await stage.bot.mailbox.next_due(PHONE)
        assert due is not None
        assert due - stage.clock.now() >= BURIED_PAUSE - timedelta(seconds=1)
        await stage.advance(hours=1.1)
        assert len(stage.texts) == 1


async def test_mail_that_kills_whoever_folds_it_is_buried_and_can_be_replayed(
    store_url: str,
) -> None:
    async with on_stage(store_url) as stage:
        await stage.phone().writes("Где мой заказ?")
        await stage.waha.delivered()
        await died(stage, 2 * MOST_BEGUN)
        await run_guarded(stage.bot, PHONE)
        await stage.advance(hours=2)
        assert stage.texts == []
        [grave] = (await stage.api.get("/api/buried")).json()
        await stage.api.post(f"/api/buried/{grave['id']}/replay")
        await stage.settle()
        assert [m["text"] for m in await stage.messages()] == ["Где мой заказ?"]


async def test_a_few_dead_turns_cost_nothing(store_url: str) -> None:
    async with on_stage(store_url) as stage:
        await stage.ordered()
        await died(stage, MOST_BEGUN - 1)
        await stage.settle()
        assert len(stage.texts) == 1
        assert (await stage.api.get("/api/buried")).json() == []


async def test_a_send_that_was_cut_off_by_a_crash_is_uncertain_and_not_repeated(
    store_url: str,
) -> None:
    async with on_stage(store_url, AI_SELLER_TEST_MODE="true") as stage:
        await stage.ordered()
        await stage.settle()
        claimed = await stage.bot.mailbox.look(PHONE)
        assert claimed.conversation is not None
        said = claimed.conversation.messages[0]
        crashed = replace(ours(Status.QUEUED, None), id=said.id, text=said.text)
        conversation = with_message(claimed.conversation, crashed)
        settled = Settled(conversation=conversation, wake=stage.clock.now())
        await stage.bot.mailbox.commit(claimed, settled, now=stage.clock.now())
        await stage.settle()
        assert [m["status"] for m in await stage.messages()] == ["uncertain"]


async def test_a_lost_schedule_is_found_by_the_sweep(store_url: str) -> None:
    async with on_stage(
        store_url,
        world=World(),
        AI_SELLER_QUIET_HOURS="",
        AI_SELLER_TYPING_CHARS_PER_SECOND="0",
        AI_SELLER_DEBOUNCE_SECONDS="0",
    ) as stage:
        now = datetime.now(UTC)
        lost = Mailbox(stage.assembly.redis, nobody)
        await lost.accept(facts(wrote("Где мой заказ?", "A", at=now)), now=now)
        async with working(stage.assembly.docket, stage.bot):
            assert await sweep_overdue(stage.bot, overdue=timedelta()) == 1
            await stage.waha.wait_for_sent(1, timeout=20)


async def test_hundreds_of_chats_at_once_are_all_answered_once(store_url: str) -> None:
    async with on_stage(
        store_url,
        world=World(),
        AI_SELLER_TYPING_CHARS_PER_SECOND="0",
        AI_SELLER_DEBOUNCE_SECONDS="0",
    ) as stage:
        now = datetime.now(UTC)
        chats = [f"7705{i:07}" for i in range(200)]
        mail = [
            fact
            for chat in chats
            for fact in facts(wrote("Где мой заказ?", f"IN{chat}", at=now), chat=chat)
        ]
        async with working(stage.assembly.docket, stage.bot):
            await stage.bot.mailbox.accept(mail, now=now)
            await stage.waha.wait_for_sent(len(chats), timeout=60)
        assert sorted(sent.chat_id for sent in stage.waha.sent) == [f"{c}@c.us" for c in chats]


def test_a_text_that_has_to_wait_its_turn_wakes_nobody() -> None:
    head = replace(ours(Status.QUEUED), id="head", purpose=None)
    assert head.sending is not None
    head = replace(head, sending=replace(head.sending, not_before=NOON + HOUR))
    behind = replace(ours(Status.QUEUED), id="behind", at=NOON + timedelta(seconds=1))
    talked = with_message(with_message(person(), head), behind)
    assert due_texts(talked, NOON) == ()
    assert next_wake(talked) == NOON + HOUR


async def test_a_persons_words_to_a_bot_that_is_switched_off_fail_and_say_so(
    store_url: str,
) -> None:
    async with on_stage(store_url, AI_SELLER_ENABLED="false") as stage:
        await stage.bot.mailbox.accept(facts(acted(Act.SAY, "Здравствуйте")), now=stage.clock.now())
        await stage.settle()
        assert [(m["status"], m["failure"]) for m in await stage.messages()] == [
            ("failed", "disabled")
        ]


async def test_the_cooldown_counts_from_the_sending(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_QUIET_HOURS="") as stage:
        stage.waha.status_wait = 0
        await stage.waha.session_becomes("FAILED")
        await stage.ordered(code="912000001")
        await stage.advance(hours=2)
        await stage.waha.session_becomes("WORKING")
        await stage.advance(hours=1)
        [sent] = stage.waha.sent
        await stage.ordered(code="912000002")
        await stage.advance(hours=30)
        assert stage.waha.sent[1].at - sent.at >= timedelta(hours=24)


async def test_after_an_outage_the_pauses_are_kept(store_url: str) -> None:
    async with on_stage(store_url) as stage:
        for i in range(6):
            await stage.ordered(phone=f"7705000000{i}", code=f"91200010{i}")
        await stage.settle()
        stage.clock.advance(hours=1)
        await stage.advance(minutes=20)
        times = [sent.at for sent in stage.waha.sent]
        assert len(times) == 6
        gaps = [later - earlier for earlier, later in pairwise(times[1:])]
        assert all(gap >= timedelta(seconds=25) for gap in gaps), gaps


async def test_a_stop_under_a_hidden_id_holds_once_its_phone_is_known(store_url: str) -> None:
    async with on_stage(store_url) as stage:
        phone = stage.phone(PHONE, lid="211111111111111", address="lid")
        phone.shows_other_address = False
        stage.waha.down = True  # so that WAHA cannot be asked whose id it is
        await phone.writes("стоп")
        await stage.settle()
        assert (await stage.api.get("/api/contacts/lid:211111111111111")).json()["opted_out"]
        stage.waha.down = False
        phone.shows_other_address = True
        await phone.writes("спасибо")
        await stage.advance(minutes=1)
        await stage.ordered()
        await stage.advance(minutes=5)
        assert (await stage.contact())["opted_out"] is True
        assert "post_purchase" not in [m["purpose"] for m in await stage.messages()]


# --- leaving ----------------------------------------------------------------------------------


class HardOfHearing(World):
    """A sleep here swallows the first wish to end it, as redis-py may while it sends."""

    def __init__(self) -> None:
        self._asked: set[asyncio.Task[object] | None] = set()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        try:
            await super().sleep(seconds)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task in self._asked:
                raise
            self._asked.add(task)


async def test_a_worker_that_is_asked_to_stop_does(store_url: str) -> None:
    async with on_stage(store_url, world=HardOfHearing()) as stage:
        async with asyncio.timeout(20), working(stage.assembly.docket, stage.bot):
            await asyncio.sleep(0)
        async with asyncio.timeout(20), ruled(stage.assembly):
            await asyncio.sleep(0)
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert not names & {"rules", "shelves", "outages", "worker"}
