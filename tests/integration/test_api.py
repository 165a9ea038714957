"""The seller's doors, over real HTTP on a real store: what they tell and what they do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.domain.conversation import Author, Entry, Kind, Message, Owner, Status
from app.domain.events import Address, Fact, Language, OrderChanged, SessionChanged, Stage
from app.domain.rules import Purpose, Reason, Rules
from app.store import keys
from app.store.claims import Buried, Settled
from app.web.front import Health, Part, Probe
from tests.builders import NOON, PHONE, order, ordered, ours, person, spoke, waiting, wrote
from tests.integration.test_doors import ADMIN, SECRETS, House, house, is_problem, probed, pushed

LATER = NOON + timedelta(hours=3)


@pytest.fixture
async def doors(store_url: str) -> AsyncIterator[House]:
    async with house(store_url) as doors:
        yield doors


@pytest.fixture
async def storeless(store_url: str) -> AsyncIterator[House]:
    async with house(store_url, alive=False) as doors:
        yield doors


async def told(doors: House, *events: Any, phone: str = PHONE) -> None:
    """Have facts of this person lie in the mailbox."""
    facts = [Fact(person=Address(phone=phone), event=event) for event in events]
    await doors.front.mailbox.accept(await doors.front.contacts.chats_of(facts), now=NOON)


def grave(id_: str, cause: str = "turns died on it", **about: Any) -> Buried:
    """Something of this person that failed for good."""
    return Buried(id=id_, chat=PHONE, cause=cause, at=NOON, **about)


async def get(doors: House, path: str) -> Any:
    answer = await doors.api.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(doors: House, path: str, **request: Any) -> Any:
    answer = await doors.api.post(path, **request)
    assert answer.status_code in {200, 202}, answer.text
    return answer.json()


# --- who is let in ----------------------------------------------------------------------------

STATUS = "/ai-seller/status"
"""The only one that answers without a store: it tells its state."""

GUARDED = [
    ("GET", "/ai-seller/metrics"),
    ("POST", "/ai-seller/reset-metrics"),
    ("POST", "/ai-seller/trigger-delivered/1"),
    ("GET", STATUS),
    ("GET", "/kaspi/get_sells_info/default"),
    ("GET", f"/api/contacts/{PHONE}"),
    ("GET", f"/api/contacts/{PHONE}/messages"),
    ("POST", f"/api/contacts/{PHONE}/messages"),
    ("GET", f"/api/contacts/{PHONE}/journal"),
    ("GET", f"/api/contacts/{PHONE}/export"),
    ("POST", f"/api/contacts/{PHONE}/take-over"),
    ("POST", f"/api/contacts/{PHONE}/hand-back"),
    ("POST", f"/api/contacts/{PHONE}/opt-out"),
    ("POST", f"/api/contacts/{PHONE}/opt-in"),
    ("POST", f"/api/contacts/{PHONE}/erase"),
    ("GET", "/api/outbox"),
    ("GET", "/api/price-lists"),
    ("GET", "/api/buried"),
    ("POST", "/api/buried/x/replay"),
    ("POST", "/api/buried/x/dismiss"),
    ("POST", "/api/outbox/x/cancel"),
    ("POST", "/api/outbox/x/send-now"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("bears", [None, "Bearer wrong", f"Basic {ADMIN}", f"Bearer {ADMIN}x"])
async def test_a_door_of_the_admin_is_shut_without_the_key(
    doors: House, method: str, path: str, bears: str | None
) -> None:
    headers = {} if bears is None else {"Authorization": bears}
    answer = await doors.public.request(method, path, headers=headers)
    assert is_problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/metrics", "/schema", "/schema/openapi.json"])
async def test_figures_and_schema_are_for_trusted_networks_or_the_admin(
    store_url: str, path: str
) -> None:
    async with house(store_url, trusted=()) as far, house(store_url) as near:
        assert is_problem(await far.public.get(path), 401)
        assert (await far.api.get(path)).status_code == 200
        assert (await near.public.get(path)).status_code == 200


# --- health -----------------------------------------------------------------------------------


async def test_the_root_tells_a_program_the_time_and_sends_a_browser_home(store_url: str) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with house(store_url, home="/desk") as doors:
        program = await doors.public.get("/")
        sent = await doors.public.get("/", headers=browser)
    assert program.json() == {"status": "ok", "time": "2026-11-23T07:00:00Z"}
    assert (sent.status_code, sent.headers["location"]) == (303, "/desk")
    async with house(store_url) as homeless:
        assert (await homeless.public.get("/", headers=browser)).json()["status"] == "ok"


async def test_health_may_be_asked_for_the_head_alone(doors: House) -> None:
    for path in ("/", "/health/live", "/health/ready"):
        answer = await doors.public.head(path)
        assert (answer.status_code, answer.text) == (200, "")


async def store_is_down() -> Probe:
    down = Part(state=Health.DOWN, detail="no answer")
    return probed(store=down, waha=down)


async def waha_is_down() -> Probe:
    return probed(waha=Part(state=Health.DOWN))


async def test_without_its_store_it_is_alive_but_not_ready(store_url: str) -> None:
    async with house(store_url, alive=False, probe=store_is_down) as doors:
        live, ready = (
            await doors.public.get("/health/live"),
            await doors.public.get("/health/ready"),
        )
    assert live.status_code == 200
    assert ready.status_code == 503
    assert ready.json()["down"] == ["store", "waha"]


async def test_without_waha_it_still_takes_facts_and_says_what_is_down(store_url: str) -> None:
    async with house(store_url, probe=waha_is_down) as doors:
        ready = await doors.public.get("/health/ready")
    assert (ready.status_code, ready.json()["down"]) == (200, ["waha"])


# --- problems ---------------------------------------------------------------------------------


async def test_unknown_addresses_and_methods_are_problems_too(doors: House) -> None:
    assert is_problem(await doors.public.get("/nothing/here"), 404)
    wrong = await doors.public.delete("/health/live")
    assert is_problem(wrong, 405)
    assert "GET" in wrong.headers["allow"]


@pytest.mark.parametrize("method_and_path", [one for one in GUARDED if one[1] != STATUS])
async def test_a_store_that_is_down_is_told_with_when_to_come_again(
    storeless: House, method_and_path: tuple[str, str]
) -> None:
    method, path = method_and_path
    bodies = {"messages": {"text": "Здравствуйте"}, "outbox": {"phone": PHONE}}
    said = next((bodies[part] for part in path.split("/") if part in bodies), None)
    answer = await storeless.api.request(method, path, json=said if method == "POST" else None)
    assert is_problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0


async def broken_probe() -> Probe:
    raise RuntimeError(f"the key is {ADMIN}")


async def test_a_fault_of_ours_tells_nothing(store_url: str) -> None:
    async with house(store_url, probe=broken_probe) as doors:
        answer = await doors.public.get("/health/ready")
    assert is_problem(answer, 500)
    assert not any(word in answer.text for word in (*SECRETS, "Traceback", "RuntimeError"))


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/outbox?limit=0", "limit"),
        ("/api/outbox?limit=501", "limit"),
        ("/api/outbox?offset=-1", "offset"),
        ("/api/outbox?limit=many", "limit"),
        (f"/api/contacts/{PHONE}/messages?limit=0", "limit"),
        ("/kaspi/get_sells_info/default?days=0", "days"),
    ],
)
async def test_a_wrong_parameter_is_named(doors: House, path: str, field: str) -> None:
    answer = await doors.api.get(path)
    assert is_problem(answer, 400)
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_every_answer_forbids_guessing_framing_and_keeping(doors: House) -> None:
    for answer in (
        await doors.public.get("/"),
        await doors.public.get("/nothing"),
        await doors.api.get("/api/outbox"),
        await doors.public.post("/event_handler", json=pushed()),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"


async def test_the_schema_names_every_door_and_loads_nothing_from_elsewhere(doors: House) -> None:
    answer = await doors.api.get("/schema")
    assert answer.headers["content-type"].endswith("+json")
    paths = answer.json()["paths"]
    for _, path in GUARDED:
        shape = path.replace(PHONE, "{phone}").replace("/x/", "/{id}/")
        shape = shape.replace("delivered/1", "delivered/{order_id}").replace(
            "info/default", "info/{shop_id}"
        )
        assert shape in paths
    assert {"/webhooks/waha", "/webhooks/kaspi", "/event_handler", "/metrics"} <= paths.keys()
    assert "://" not in answer.text


# --- a contact --------------------------------------------------------------------------------


async def test_a_contact_is_shown_whole(doors: House) -> None:
    held = waiting(Purpose.REVIEW_REQUEST, due=LATER)
    await doors.knows(
        person(
            name="Айгерим",
            language=Language.KK,
            orders=(order(),),
            proactive=spoke(10, 31 * 24),
            pending=(held,),
        )
    )
    shown = await get(doors, f"/api/contacts/{PHONE}")
    assert (shown["phone"], shown["name"], shown["language"]) == (PHONE, "Айгерим", "kk")
    assert (shown["opted_out"], shown["owner"], shown["needs_person"]) == (False, "bot", None)
    assert shown["sent_in_window"] == 1, "what is older than the window does not count"
    assert shown["next"] == {
        "purpose": "review_request",
        "due": "2026-11-23T10:00:00Z",
        "blocked": None,
        "status": "scheduled",
    }
    assert shown["orders"][0]["code"] == "912000001"


@pytest.mark.parametrize(
    "written",
    [PHONE, f"+{PHONE}", "8 705 123-45-67", "7051234567", "%2B7%20(705)%20123-45-67"],
)
async def test_a_phone_may_be_written_in_any_way(doors: House, written: str) -> None:
    await doors.knows(person())
    assert (await get(doors, f"/api/contacts/{written}"))["phone"] == PHONE


async def test_a_foreign_number_and_a_hidden_id_are_contacts_too(doors: House) -> None:
    await doors.knows(person(chat="79991234567", phone="79991234567"))
    await doors.knows(person(chat="lid:123456", phone=None, lid="123456"))
    assert (await get(doors, "/api/contacts/+7 999 123-45-67"))["phone"] == "79991234567"
    hidden = await get(doors, "/api/contacts/lid:123456")
    assert (hidden["phone"], hidden["lid"]) == (None, "123456")


async def test_a_hidden_id_whose_phone_is_known_is_that_phones_contact(doors: House) -> None:
    await doors.knows(person())
    await doors.front.contacts.learn("123456", PHONE, now=NOON)
    assert (await get(doors, "/api/contacts/lid:123456"))["phone"] == PHONE


@pytest.mark.parametrize("who", [PHONE, "abc", "1", "lid:", "lid:abc", "0" * 30])
async def test_a_contact_nobody_has_heard_of_is_not_found(doors: House, who: str) -> None:
    for path in ("", "/messages", "/journal", "/export"):
        assert is_problem(await doors.api.get(f"/api/contacts/{who}{path}"), 404)
    for path in ("/take-over", "/hand-back", "/opt-in", "/erase"):
        assert is_problem(await doors.api.post(f"/api/contacts/{who}{path}"), 404)
    said = await doors.api.post(f"/api/contacts/{who}/messages", json={"text": "Здравствуйте"})
    assert is_problem(said, 404)
    assert await doors.front.contacts.count() == 0


async def test_facts_no_turn_has_read_yet_are_shown_already(doors: House) -> None:
    await told(doors, ordered())
    shown = await get(doors, f"/api/contacts/{PHONE}")
    assert shown["next"]["purpose"] == "post_purchase"
    kinds = [line["kind"] for line in await get(doors, f"/api/contacts/{PHONE}/journal")]
    assert kinds == ["order", "scheduled"]


async def test_messages_of_both_sides_come_oldest_first_the_archived_too(doors: House) -> None:
    at = NOON - timedelta(days=3)
    old = Message(
        id="old",
        author=Author.PERSON,
        text="Добрый день",
        at=at,
        status=Status.READ,
        session="default",
        shop="default",
    )
    claimed = await doors.front.mailbox.look(PHONE)
    sent = person(messages=(ours(Status.DELIVERED),))
    await doors.front.mailbox.commit(claimed, Settled(conversation=sent, archived=(old,)), now=NOON)
    await told(doors, wrote("Рахмет!", at=LATER))
    listed = await get(doors, f"/api/contacts/{PHONE}/messages")
    seen = [(m["direction"], m["author"], m["status"], m["purpose"]) for m in listed]
    assert seen == [
        ("out", "person", "read", None),
        ("out", "bot", "delivered", "post_purchase"),
        ("in", "customer", None, None),
    ]
    assert {"id", "text", "at"} <= listed[0].keys()
    newest = await get(doors, f"/api/contacts/{PHONE}/messages?limit=1")
    assert [m["text"] for m in newest] == ["Рахмет!"]


async def test_the_journal_tells_why_and_until_when(doors: House) -> None:
    entry = Entry(
        at=NOON,
        kind=Kind.BLOCKED,
        purpose=Purpose.POST_PURCHASE,
        reason=Reason.QUIET_HOURS,
        until=LATER,
        facts=("order:default:912000001:paid",),
        counted=True,
    )
    claimed = await doors.front.mailbox.look(PHONE)
    await doors.front.mailbox.commit(
        claimed, Settled(conversation=person(), entries=(entry,)), now=NOON
    )
    (line,) = await get(doors, f"/api/contacts/{PHONE}/journal")
    assert (line["kind"], line["reason"], line["purpose"]) == (
        "blocked", "quiet_hours", "post_purchase",
    )  # fmt: skip
    assert (line["until"], line["facts"]) == ("2026-11-23T10:00:00Z", list(entry.facts))


# --- acts -------------------------------------------------------------------------------------


async def test_taking_over_and_handing_back_is_seen_at_once(doors: House) -> None:
    await doors.knows(person())
    taken = await post(doors, f"/api/contacts/{PHONE}/take-over")
    assert (taken["owner"], taken["owned_until"]) == ("people", "2026-11-23T11:00:00Z")
    back = await post(doors, f"/api/contacts/{PHONE}/hand-back")
    assert (back["owner"], back["owned_until"]) == ("bot", None)


async def test_a_persons_silence_gives_the_chat_back_in_what_is_shown_too(doors: House) -> None:
    await doors.knows(person(owner=Owner.PEOPLE, person_at=NOON - timedelta(hours=5)))
    assert (await get(doors, f"/api/contacts/{PHONE}"))["owner"] == "bot"


async def test_a_persons_text_is_queued_and_the_chat_is_theirs(doors: House) -> None:
    await doors.knows(person())
    answer = await doors.api.post(
        f"/api/contacts/{PHONE}/messages", json={"text": "Сейчас проверю"}
    )
    assert answer.status_code == 202
    assert answer.json()["owner"] == "people"
    (message,) = await get(doors, f"/api/contacts/{PHONE}/messages")
    assert (message["author"], message["status"], message["text"]) == (
        "person", "queued", "Сейчас проверю",
    )  # fmt: skip


@pytest.mark.parametrize(
    "body", [{}, {"text": ""}, {"text": " \n"}, {"text": 1}, {"text": "x" * 4001}, [], None]
)
async def test_a_text_that_is_none_is_refused(doors: House, body: Any) -> None:
    await doors.knows(person())
    answer = await doors.api.post(f"/api/contacts/{PHONE}/messages", json=body)
    assert is_problem(answer, 400)
    assert await doors.mail() == ()


async def test_an_act_repeated_with_its_key_is_done_once(doors: House) -> None:
    await doors.knows(person())
    said: dict[str, Any] = {"json": {"text": "Одно"}, "headers": {"Idempotency-Key": "k1"}}
    await post(doors, f"/api/contacts/{PHONE}/messages", **said)
    await post(doors, f"/api/contacts/{PHONE}/messages", **said)
    assert len(await get(doors, f"/api/contacts/{PHONE}/messages")) == 1
    bad = await doors.api.post(
        f"/api/contacts/{PHONE}/take-over", headers={"Idempotency-Key": "x" * 201}
    )
    assert is_problem(bad, 400)


async def test_an_opt_out_drops_what_waits_and_an_opt_in_takes_it_back(doors: House) -> None:
    await doors.knows(person(pending=(waiting(Purpose.REVIEW_REQUEST, due=LATER),)))
    out = await post(doors, f"/api/contacts/{PHONE}/opt-out")
    assert (out["opted_out"], out["opted_out_by"], out["next"]) == (True, "person", None)
    back = await post(doors, f"/api/contacts/{PHONE}/opt-in")
    assert back["opted_out"] is False


async def test_a_phone_never_met_may_be_put_on_the_stop_list(doors: House) -> None:
    assert (await post(doors, "/api/contacts/87051234567/opt-out"))["opted_out"] is True
    assert (await get(doors, f"/api/contacts/{PHONE}"))["opted_out"] is True
    assert is_problem(await doors.api.post("/api/contacts/abc/opt-out"), 404)


async def test_everything_of_a_person_can_be_taken_along(doors: House) -> None:
    await told(doors, ordered(), wrote("Когда приедет?"))
    answer = await doors.api.get(f"/api/contacts/{PHONE}/export")
    assert "attachment" in answer.headers["content-disposition"]
    export = answer.json()
    assert export["contact"]["orders"][0]["code"] == "912000001"
    assert [m["text"] for m in export["messages"]] == ["Когда приедет?"]
    assert export["journal"]


async def test_a_person_is_forgotten_but_not_their_stop(doors: House) -> None:
    await doors.knows(person())
    await post(doors, f"/api/contacts/{PHONE}/opt-out")
    erased = await post(doors, f"/api/contacts/{PHONE}/erase")
    assert erased == {"erased": True, "opt_out_kept": True}
    assert is_problem(await doors.api.get(f"/api/contacts/{PHONE}"), 404)
    await told(doors, ordered())
    assert (await get(doors, f"/api/contacts/{PHONE}"))["opted_out"] is True


# --- what waits, what failed ------------------------------------------------------------------


async def test_the_outbox_lists_what_waits_soonest_first(doors: House) -> None:
    queued = person(chat="77010000001", phone="77010000001", messages=(ours(Status.QUEUED),))
    blocked = waiting(Purpose.REVIEW_REQUEST, due=NOON + timedelta(hours=9))
    await doors.knows(person(pending=(blocked, waiting(Purpose.ORDER_DELIVERED, due=LATER))))
    claimed = await doors.front.mailbox.look("77010000001")
    await doors.front.mailbox.commit(claimed, Settled(conversation=queued, wake=NOON), now=NOON)
    listed = await get(doors, "/api/outbox")
    assert [(i["phone"], i["purpose"], i["status"], i["until"]) for i in listed] == [
        ("77010000001", "post_purchase", "queued", "2026-11-23T07:00:00Z"),
        (PHONE, "order_delivered", "scheduled", "2026-11-23T10:00:00Z"),
        (PHONE, "review_request", "scheduled", "2026-11-23T16:00:00Z"),
    ]
    assert await get(doors, "/api/outbox?limit=1&offset=1") == listed[1:2]
    assert await get(doors, "/api/outbox?offset=3") == []


async def test_facts_that_were_buried_are_taken_in_again(doors: House) -> None:
    await told(doors, ordered())
    claimed = await doors.front.mailbox.claim(PHONE)
    dead = grave("dead", letters=tuple(letter.decode() for letter in claimed.letters))
    await doors.front.journal.bury(dead)
    await doors.front.mailbox.put_aside(claimed, now=NOON, wake=LATER)
    (listed,) = await get(doors, "/api/buried")
    assert (listed["id"], listed["kind"], listed["facts"]) == (dead.id, "facts", 1)
    assert await doors.mail() == ()
    answer = await doors.api.post(f"/api/buried/{dead.id}/replay")
    assert answer.status_code == 202
    assert [event.id for event in await doors.mail()] == [ordered().id]
    assert await get(doors, "/api/buried") == []
    assert is_problem(await doors.api.post(f"/api/buried/{dead.id}/replay"), 404)


async def test_a_chat_that_was_buried_without_mail_gets_another_turn(doors: House) -> None:
    await doors.knows(person())
    dead = grave("dead")
    await doors.front.journal.bury(dead)
    replayed = await post(doors, f"/api/buried/{dead.id}/replay")
    assert (replayed["facts"], replayed["message"]) == (0, None)
    assert await get(doors, "/api/buried") == []


async def test_a_message_that_failed_is_queued_again(doors: House) -> None:
    failed = ours(Status.FAILED, None)
    await doors.knows(person(messages=(failed,)))
    await doors.front.journal.bury(grave(failed.id, "not_on_whatsapp", message=failed.id))
    (listed,) = await get(doors, "/api/buried")
    assert (listed["kind"], listed["cause"]) == ("message", "not_on_whatsapp")
    await post(doors, f"/api/buried/{failed.id}/replay")
    (message,) = await get(doors, f"/api/contacts/{PHONE}/messages")
    assert message["status"] == "queued"
    assert await get(doors, "/api/buried") == []


async def test_a_message_that_went_meanwhile_is_not_queued_again(doors: House) -> None:
    sent = ours(Status.SENT)
    await doors.knows(person(messages=(sent,)))
    await doors.front.journal.bury(grave(sent.id, "timeout", message=sent.id))
    assert is_problem(await doors.api.post(f"/api/buried/{sent.id}/replay"), 409)


# --- the seller's figures ---------------------------------------------------------------------


async def counted(doors: House) -> None:
    for name, by in {
        "sent": 6, "sent:post_purchase": 5, "blocked": 2, "blocked:cooldown": 2, "errors": 2,
        "model_requests": 7, "model_tokens": 900, "model_cost": 0.0123,
    }.items():  # fmt: skip
        await doors.redis.hset(keys.counters(), name, str(by))


async def test_the_metrics_add_up(doors: House) -> None:
    await counted(doors)
    today = doors.front.rules.local(NOON).date()
    await doors.front.counters.reserve("default", today, "m1", cap=100)
    answer = await get(doors, "/ai-seller/metrics")
    assert answer["success"] is True
    assert answer["metrics"]["enabled"] is True
    figures = answer["metrics"]["ai_seller_metrics"]
    assert (figures["messages_sent"], figures["messages_blocked"], figures["errors"]) == (6, 2, 2)
    assert figures["success_rate"] == 0.6
    assert figures["blocked_by_reason"] == {"cooldown": 2}
    assert figures["model"]["requests"] == 7
    assert figures["model"]["cost"] == 0.0123
    limiter = figures["rate_limiter_stats"]
    assert (limiter["cooldown_hours"], limiter["max_messages_per_customer"]) == (24, 3)
    day = {"sent_today": 1, "daily_limit": 100, "daily_remaining": 99}
    assert limiter["shops"] == {"default": day}


async def test_before_anything_happened_nothing_succeeded(doors: House) -> None:
    figures = (await get(doors, "/ai-seller/metrics"))["metrics"]["ai_seller_metrics"]
    assert (figures["messages_sent"], figures["success_rate"]) == (0, 0)


async def test_who_was_written_to_of_late_is_active(doors: House) -> None:
    spoke_now = Entry(at=NOON, kind=Kind.SENT, purpose=Purpose.POST_PURCHASE)
    claimed = await doors.front.mailbox.look(PHONE)
    settled = Settled(conversation=person(), entries=(spoke_now,))
    await doors.front.mailbox.commit(claimed, settled, now=NOON)

    async def active() -> int:
        metrics = (await get(doors, "/ai-seller/metrics"))["metrics"]["ai_seller_metrics"]
        count: int = metrics["rate_limiter_stats"]["active_customers"]
        return count

    assert await active() == 1
    doors.clock.advance(hours=25)
    assert await active() == 0


async def test_a_reset_clears_the_counters_and_nothing_else(doors: House) -> None:
    await counted(doors)
    await doors.knows(person())
    await post(doors, f"/api/contacts/{PHONE}/opt-out")
    today = doors.front.rules.local(NOON).date()
    await doors.front.counters.reserve("default", today, "m1", cap=100)
    assert (await post(doors, "/ai-seller/reset-metrics"))["success"] is True
    figures = (await get(doors, "/ai-seller/metrics"))["metrics"]["ai_seller_metrics"]
    assert figures["messages_sent"] == figures["messages_blocked"] == 0
    assert figures["rate_limiter_stats"]["shops"]["default"]["sent_today"] == 1
    assert (await get(doors, f"/api/contacts/{PHONE}"))["opted_out"] is True


async def test_prometheus_reads_the_same_figures(doors: House) -> None:
    await counted(doors)
    answer = await doors.public.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'ai_seller_messages_sent_total{purpose="post_purchase"} 5.0' in lines
    assert 'ai_seller_messages_sent_total{purpose="person"} 1.0' in lines
    assert 'ai_seller_messages_blocked_total{reason="cooldown"} 2.0' in lines
    assert "ai_seller_errors_total 2.0" in lines
    assert "ai_seller_model_cost_usd_total 0.0123" in lines
    assert "ai_seller_queue_due 0.0" in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


# --- the state --------------------------------------------------------------------------------


async def test_the_status_tells_the_state_of_every_part(doors: House) -> None:
    working = SessionChanged(session="default", status="WORKING", at=NOON)
    await doors.front.sessions.told(working, day=NOON.date(), now=NOON)
    await told(doors, ordered())
    state = await get(doors, "/ai-seller/status")
    assert (state["success"], state["status"], state["enabled"]) == (True, "enabled", True)
    assert (state["waha"]["state"], state["waha"]["sessions"][0]["status"]) == ("ok", "WORKING")
    assert state["kaspi"] == {"state": "off", "detail": "no token", "shops": []}
    assert state["prices"] == {"state": "off", "detail": None, "lists": []}
    assert state["queue"]["due"] == 1


async def test_the_status_is_told_also_without_a_store(store_url: str) -> None:
    rules = Rules(enabled=False)
    async with house(store_url, alive=False, rules=rules, probe=store_is_down) as doors:
        state = await get(doors, "/ai-seller/status")
    assert (state["status"], state["store"]["state"], state["queue"]) == ("disabled", "down", None)


# --- an order said to be delivered ------------------------------------------------------------


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"content": b""}])
async def test_a_known_order_is_delivered_by_its_number(doors: House, body: Any) -> None:
    await told(doors, ordered())
    first = await post(doors, "/ai-seller/trigger-delivered/912000001", **body)
    assert (first["success"], first["decision"]) == (True, "accepted")
    again = await post(doors, "/ai-seller/trigger-delivered/912000001", **body)
    assert again["decision"] == "duplicate"
    purposes = [item["purpose"] for item in await get(doors, "/api/outbox")]
    assert sorted(purposes) == ["order_delivered", "post_purchase", "review_request"]


async def test_delivery_by_hand_and_by_the_demper_are_one_fact(doors: House) -> None:
    await told(doors, ordered())
    await post(doors, "/ai-seller/trigger-delivered/912000001")
    pushed_too = await doors.push("ORDER_DELIVERED")
    assert pushed_too.json()["action"] == "duplicate"
    delivered = [e for e in await doors.mail() if isinstance(e, OrderChanged)]
    assert [e.order.stage for e in delivered] == [Stage.PAID, Stage.DELIVERED]


async def test_an_unknown_order_is_delivered_with_its_body(doors: House) -> None:
    body = pushed()
    del body["waha_stage_id"]
    answer = await post(doors, "/ai-seller/trigger-delivered/912000001", json=body)
    assert answer["decision"] == "accepted"
    (event,) = await doors.mail()
    assert event.order.items[0].sku == "102529963_318274"
    assert event.id == "order:default:912000001:delivered"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 404),
        ({"shop_id": "elsewhere"}, 404),
        ({"customer": {"phone": "12"}, "order": {}}, 400),
        ({"order": {"sku": "1"}}, 400),
        ({"customer": {"phone": PHONE}, "order": {"order_id": "another"}}, 400),
        ({"customer": "Айгерим"}, 400),
    ],
)
async def test_a_delivery_of_nothing_is_refused(
    doors: House, body: dict[str, Any], status: int
) -> None:
    answer = await doors.api.post("/ai-seller/trigger-delivered/912000001", json=body)
    assert is_problem(answer, status)
    assert await doors.mail() == ()


# --- what was sold ----------------------------------------------------------------------------


async def test_sales_come_of_the_orders_we_know(doors: House) -> None:
    await told(doors, ordered(), ordered(code="912000002"))
    await told(doors, ordered(code="912000003"), phone="77010000001")
    await told(doors, ordered(Stage.CANCELLED, code="912000003"), phone="77010000001")
    answer = await get(doors, "/kaspi/get_sells_info/default")
    assert answer["data"] == {
        "orders": [{"date": "2026-11-23", "count": 2, "amount": 31980.0}],
        "top_products": [
            {
                "id": "102529963_318274",
                "name": "Куртка Alpin черная 48",
                "quantity": 2,
                "totalAmount": 31980.0,
                "averagePrice": 15990.0,
            }
        ],
        "metrics": {"totalSales": 31980.0, "totalOrders": 2, "avgOrderValue": 15990.0},
    }
    assert answer["ai_seller"] == {"new": 0, "delivered": 0, "already_known": 3, "skipped": 0}
    assert answer["ai_seller_enabled"] is True


async def test_a_shop_without_orders_sold_nothing_and_another_shop_is_not_ours(
    doors: House,
) -> None:
    data = (await get(doors, "/kaspi/get_sells_info/default"))["data"]
    assert data["metrics"] == {"totalSales": 0.0, "totalOrders": 0, "avgOrderValue": 0.0}
    assert is_problem(await doors.api.get("/kaspi/get_sells_info/elsewhere"), 404)
