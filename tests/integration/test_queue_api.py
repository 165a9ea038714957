"""What a person does by the API with what waits and what failed, on a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from app.domain.conversation import Author, Conversation, Message, OptOut, Status
from app.domain.events import Stage
from app.domain.rules import Purpose
from app.store import keys
from app.store.claims import Buried, Settled
from app.store.journal import Sort
from tests.builders import NOON, PHONE, order, ours, person, spoke, waiting
from tests.integration.test_doors import House, house, is_problem

LATER = NOON + timedelta(days=2)
NIGHT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
REVIEW = waiting(Purpose.REVIEW_REQUEST, due=LATER)
LID = "211111111111111"


@pytest.fixture
async def doors(store_url: str) -> AsyncIterator[House]:
    async with house(store_url) as doors:
        yield doors


async def knows(doors: House, conversation: Conversation) -> None:
    claimed = await doors.front.mailbox.look(conversation.chat)
    settled = Settled(conversation=conversation, wake=LATER)
    await doors.front.mailbox.commit(claimed, settled, now=NOON)


async def do(doors: House, what: str, id_: str = REVIEW.id, **about: Any) -> Any:
    """Ask for it, of the usual person unless told."""
    about = about or {"json": {"phone": PHONE}}
    return await doors.api.post(f"/api/outbox/{id_}/{what}", **about)


async def journal(doors: House, phone: str = PHONE) -> list[tuple[str, str | None, str | None]]:
    answer = await doors.api.get(f"/api/contacts/{phone}/journal")
    return [(line["kind"], line["reason"], line["message"]) for line in answer.json()]


async def outbox(doors: House) -> list[str]:
    return [item["id"] for item in (await doors.api.get("/api/outbox")).json()]


# --- cancel -----------------------------------------------------------------------------------


async def test_what_is_cancelled_waits_no_more_and_the_journal_says_why(doors: House) -> None:
    await knows(doors, person(pending=(REVIEW, waiting(Purpose.ORDER_DELIVERED, due=LATER))))
    answer = await do(doors, "cancel")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["status"]) == (REVIEW.id, "cancelled")
    assert answer.json()["phone"] == PHONE
    assert await outbox(doors) == ["pending-order_delivered"]
    assert await journal(doors) == [("dropped", "cancelled", REVIEW.id)]


@pytest.mark.parametrize("what", ["cancel", "send-now"])
async def test_what_waits_is_known_by_its_id_and_its_chat(doors: House, what: str) -> None:
    await knows(doors, person(pending=(REVIEW,)))
    await knows(doors, person(chat="77010000001", phone="77010000001"))
    assert is_problem(await do(doors, what, "nobody's"), 404)
    assert is_problem(await do(doors, what, json={"phone": "77010000001"}), 404)
    assert is_problem(await do(doors, what, json={"phone": "77010000009"}), 404)
    assert is_problem(await do(doors, what, json={"phone": "no phone"}), 404)
    assert is_problem(await do(doors, what, json=None), 400)
    assert is_problem(await do(doors, what, json={}), 400)
    assert await outbox(doors) == [REVIEW.id]
    assert (await do(doors, what, params={"phone": "8 (705) 123-45-67"})).status_code == 200


@pytest.mark.parametrize("what", ["cancel", "send-now"])
async def test_somebody_without_a_phone_is_named_by_their_lid(doors: House, what: str) -> None:
    hidden = person(chat=f"lid:{LID}", phone=None, lid=LID, pending=(REVIEW,))
    await knows(doors, hidden)
    (item,) = (await doors.api.get("/api/outbox")).json()
    answer = await do(doors, what, json={"phone": item["chat"]})
    assert (answer.status_code, answer.json()["chat"]) == (200, f"lid:{LID}")


@pytest.mark.parametrize("what", ["cancel", "send-now"])
@pytest.mark.parametrize("status", [Status.QUEUED, Status.UNCERTAIN, Status.SENT, Status.FAILED])
async def test_what_is_under_way_or_over_is_told_so(
    doors: House, what: str, status: Status
) -> None:
    await knows(doors, person(messages=(ours(status),)))
    assert is_problem(await do(doors, what, "ours"), 409)
    assert await doors.mail() == ()


async def test_what_was_cancelled_before_is_told_so(doors: House) -> None:
    await knows(doors, person(pending=(REVIEW,)))
    await do(doors, "cancel")
    assert is_problem(await do(doors, "cancel"), 409)
    assert is_problem(await do(doors, "send-now"), 409)
    assert len(await doors.mail()) == 1


async def test_a_customers_own_message_is_nothing_that_waits(doors: House) -> None:
    theirs = Message(
        id="in", author=Author.CUSTOMER, text="Где?", at=NOON, status=Status.RECEIVED,
        session="default", shop="default",
    )  # fmt: skip
    await knows(doors, person(messages=(theirs,)))
    assert is_problem(await do(doors, "cancel", "in"), 409)


# --- send now ---------------------------------------------------------------------------------


async def test_what_is_to_go_now_is_due_now(doors: House) -> None:
    await knows(doors, person(pending=(REVIEW,)))
    answer = (await do(doors, "send-now")).json()
    assert (answer["until"], answer["blocked"]) == ("2026-11-23T07:00:00Z", None)
    assert answer["expires_at"] == "2026-11-27T07:00:00Z"
    assert await journal(doors) == [("scheduled", "hurried", REVIEW.id)]
    assert await doors.front.mailbox.all_due(NOON) == [PHONE]


async def test_what_holds_it_back_is_told_at_once(doors: House) -> None:
    await knows(doors, person(pending=(REVIEW,)))
    doors.clock.set(NIGHT)
    answer = (await do(doors, "send-now")).json()
    assert answer["blocked"] == "quiet_hours"
    assert "2026-11-24T04:00" <= answer["until"] < "2026-11-24T04:40"
    assert await journal(doors) == [("blocked", "quiet_hours", REVIEW.id)]


async def test_what_would_be_dropped_for_the_hurry_keeps_its_time(doors: House) -> None:
    await knows(doors, person(pending=(REVIEW,), proactive=spoke(25, 26, 27)))
    answer = (await do(doors, "send-now")).json()
    assert (answer["until"], answer["blocked"]) == ("2026-11-25T07:00:00Z", None)
    assert await journal(doors) == [("blocked", "customer_cap", REVIEW.id)]


# --- what failed ------------------------------------------------------------------------------


def grave(id_: str, *, hours: float = 0, cause: str = "turns died on it", **about: Any) -> Buried:
    return Buried(id=id_, chat=PHONE, cause=cause, at=NOON + timedelta(hours=hours), **about)


async def buried(doors: House, query: str = "") -> list[str]:
    return [one["id"] for one in (await doors.api.get(f"/api/buried{query}")).json()]


@pytest.mark.parametrize("body", [{}, {"json": {"who": "Асель"}}, {"json": {}}])
async def test_a_message_that_was_dismissed_is_listed_no_more_and_stays_failed(
    doors: House, body: dict[str, Any]
) -> None:
    failed = ours(Status.FAILED, None)
    await knows(doors, person(messages=(failed,)))
    await doors.front.journal.bury(grave(failed.id, cause="bad_request", message=failed.id))
    answer = await doors.api.post(f"/api/buried/{failed.id}/dismiss", **body)
    assert answer.json() == {
        "id": failed.id, "status": "dismissed", "facts_lost": 0, "message": failed.id,
    }  # fmt: skip
    assert await buried(doors) == []
    assert await journal(doors) == [("dropped", "dismissed", failed.id)]
    (message,) = (await doors.api.get(f"/api/contacts/{PHONE}/messages")).json()
    assert message["status"] == "failed"
    assert is_problem(await doors.api.post(f"/api/buried/{failed.id}/dismiss"), 404)


async def test_facts_that_were_dismissed_are_lost_and_the_answer_says_so(doors: House) -> None:
    await knows(doors, person())
    await doors.front.journal.bury(grave("dead", letters=("{}", "?")))
    answer = await doors.api.post("/api/buried/dead/dismiss")
    assert answer.json()["facts_lost"] == 2
    assert await journal(doors) == [("dropped", "dismissed", "dead")]
    assert is_problem(await doors.api.post("/api/buried/dead/replay"), 404)
    assert is_problem(await doors.api.post("/api/buried/none/dismiss"), 404)


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("opted_out", {"opt_out": OptOut(at=NOON, by=Author.CUSTOMER)}),
    ("order_changed", {"orders": (order(Stage.CANCELLED),)}),
    ("customer_cap", {"proactive": spoke(200, 300, 400)}),
]


@pytest.mark.parametrize(("reason", "fields"), REFUSED)
async def test_what_the_rules_would_throw_away_is_not_tried_again_and_stays_listed(
    doors: House, reason: str, fields: dict[str, Any]
) -> None:
    """Else it would vanish from the list and from the chat, and nobody would be told."""
    failed = replace(ours(Status.FAILED, None), order_code="912000001")
    await knows(doors, person(messages=(failed,), **fields))
    await doors.front.journal.bury(grave(failed.id, cause="bad_request", message=failed.id))
    answer = await doors.api.post(f"/api/buried/{failed.id}/replay")
    assert is_problem(answer, 409)
    assert (answer.json()["code"], reason in answer.json()["detail"]) == ("not_allowed", True)
    assert await buried(doors) == [failed.id]
    (message,) = (await doors.api.get(f"/api/contacts/{PHONE}/messages")).json()
    assert message["status"] == "failed"


async def test_what_may_have_gone_is_looked_for_whatever_the_rules_say(doors: House) -> None:
    unknown = ours(Status.UNCERTAIN, None)
    stop = OptOut(at=NOON, by=Author.CUSTOMER)
    await knows(doors, person(messages=(replace(unknown, sending=None),), opt_out=stop))
    await doors.front.journal.bury(grave(unknown.id, cause="unconfirmed", message=unknown.id))
    answer = await doors.api.post(f"/api/buried/{unknown.id}/replay")
    assert (answer.status_code, answer.json()["blocked"]) == (202, None)


async def test_a_replay_that_waits_for_a_rule_says_for_which(doors: House) -> None:
    failed = ours(Status.FAILED, None)
    await knows(doors, person(messages=(failed,)))
    await doors.front.journal.bury(grave(failed.id, cause="bad_request", message=failed.id))
    doors.clock.set(NIGHT)
    answer = await doors.api.post(f"/api/buried/{failed.id}/replay")
    assert (answer.status_code, answer.json()["blocked"]) == (202, "quiet_hours")


async def test_who_dismisses_has_a_short_name(doors: House) -> None:
    await doors.front.journal.bury(grave("dead"))
    answer = await doors.api.post("/api/buried/dead/dismiss", json={"who": "x" * 101})
    assert is_problem(answer, 400)
    assert await buried(doors) == ["dead"]


async def test_what_is_buried_comes_a_page_at_a_time(doors: House) -> None:
    for hours in (3, 0, 2, 1):
        await doors.front.journal.bury(grave(f"g{hours}", hours=hours))
    assert await buried(doors) == ["g0", "g1", "g2", "g3"]
    assert await buried(doors, "?limit=2") == ["g0", "g1"]
    assert await buried(doors, "?limit=2&offset=1") == ["g1", "g2"]
    assert await buried(doors, "?offset=4") == []


async def test_of_many_thousands_the_newest_of_a_sort_are_found(doors: House) -> None:
    kept = {
        str(n): replace(
            grave(f"g{n}", hours=n, cause="unconfirmed" if n % 3 else "bad_request"),
            message=None if n % 5 == 0 else f"g{n}",
        )
        for n in range(3000)
    }
    await doors.redis.hset(keys.buried(), mapping={id_: encoded(one) for id_, one in kept.items()})
    graves = doors.front.journal.graves
    found = await graves(limit=3, offset=1, newest=True, sort=Sort.UNCERTAIN)
    assert [one.id for one in found.listed] == ["g2998", "g2996", "g2993"]
    assert found.counts == {Sort.MESSAGE: 800, Sort.UNCERTAIN: 1600, Sort.FACTS: 600}
    oldest = await graves(limit=2, sort=Sort.FACTS)
    assert [one.id for one in oldest.listed] == ["g0", "g5"]


def encoded(one: Buried) -> bytes:
    return msgspec.json.encode(one)
