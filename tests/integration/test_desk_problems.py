"""The desk's page of what failed: causes in plain words, replay, dismiss; and the waiting doors."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import msgspec
import pytest
from msgspec.structs import replace

from app.demo.faults import Status
from app.domain.conversation import Author, Conversation, OptOut
from app.domain.conversation import Status as State
from app.domain.events import Act, Language
from app.domain.rules import Purpose, Reason
from app.store import keys
from app.store.claims import Buried, Settled
from app.store.journal import UNUSABLE_KEPT, Unusable
from app.web.desk import causes, problems, waiting
from app.web.desk.catalogue import kazakh
from app.web.desk.causes import CAUSES, cause_of, without_phone
from tests.builders import NOON, PHONE, acted, ours, person, wrote
from tests.builders import waiting as pending
from tests.desk import Desk, desk_of, seen
from tests.e2e.stage import ADMIN as STAGE_KEY
from tests.e2e.stage import on_stage
from tests.integration.test_doors import ADMIN, House, house

LATER = NOON + timedelta(days=2)
NIGHT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
REVIEW = pending(Purpose.REVIEW_REQUEST, due=LATER)


@pytest.fixture
async def doors(store_url: str) -> AsyncIterator[House]:
    async with house(store_url) as doors:
        yield doors


@pytest.fixture
async def desk(doors: House) -> AsyncIterator[Desk]:
    async with desk_of(str(doors.public.base_url), key=ADMIN) as desk:
        yield desk


async def knows(doors: House, conversation: Conversation) -> None:
    claimed = await doors.front.mailbox.look(conversation.chat)
    settled = Settled(conversation=conversation, wake=LATER)
    await doors.front.mailbox.commit(claimed, settled, now=NOON)


async def buries(doors: House, id_: str, cause: str, *, hours: float = 0, **about: Any) -> Buried:
    known: dict[str, Any] = {"chat": PHONE, "at": NOON + timedelta(hours=hours)} | about
    one = Buried(id=id_, cause=cause, **known)
    await doors.front.journal.bury(one)
    return one


async def failed(doors: House, cause: str = "not_on_whatsapp", **about: Any) -> None:
    """A message of ours that failed, in the chat of Айгерим."""
    message = replace(ours(State.FAILED, None), failure=cause)
    await knows(doors, person(name="Айгерим", messages=(message,)))
    await buries(doors, message.id, cause, message=message.id, **about)


def cards(html: str) -> list[str]:
    """What each thing that failed says, in order."""
    return [seen(card) for card in re.findall(r"<article.*?</article>", html, re.DOTALL)]


# --- what is shown ----------------------------------------------------------------------------


async def test_when_nothing_failed_the_page_says_so(desk: Desk) -> None:
    text = seen(await desk.page("/desk/problems"))
    assert "Всё в порядке" in text
    assert "Таких заказов нет." in text
    assert "Повторить" not in text


async def test_what_failed_is_told_with_who_what_why_and_what_to_do(
    doors: House, desk: Desk
) -> None:
    await failed(doors)
    html = await desk.page("/desk/problems")
    (card,) = cards(html)
    for words in (
        "Айгерим", "Не отправлено", "Благодарность", "сегодня, 12:00", "Здравствуйте!",
        "Этого номера нет в WhatsApp.", "Позвоните покупателю", "Повторить", "Убрать",
    ):  # fmt: skip
        assert words in card
    assert f'href="/desk/chats/{await doors.front.chats.ref(PHONE)}"' in html
    assert PHONE not in html
    assert await problems.count(doors.front) == 1


async def test_who_has_no_name_is_known_by_a_masked_phone(doors: House, desk: Desk) -> None:
    await buries(doors, "dead", "ValueError", letters=("?",))
    await buries(doors, "lost", "ValueError", chat="lid:211111111111111", letters=("?",))
    html = await desk.page("/desk/problems")
    assert PHONE not in html
    assert "211111111111111" not in html
    assert "+7 705" in seen(html)
    assert "Номер скрыт" in seen(html)


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (1, "1 событие"), (2, "2 события"), (5, "5 событий"), (11, "11 событий"),
        (14, "14 событий"), (21, "21 событие"), (22, "22 события"), (111, "111 событий"),
    ],
)  # fmt: skip
async def test_facts_are_counted_as_people_count(
    doors: House, desk: Desk, n: int, said: str
) -> None:
    await buries(doors, "dead", "ValueError", letters=("?",) * n)
    (card,) = cards(await desk.page("/desk/problems"))
    assert f"{said} ·" in card


async def test_what_the_customer_wrote_is_read_before_it_is_thrown_away(
    doors: House, desk: Desk
) -> None:
    letter = msgspec.json.encode(wrote("Где <b>мой</b> заказ?")).decode()
    said = msgspec.json.encode(acted(Act.SAY, "Слова продавца")).decode()
    await buries(doors, "dead", "KeyError", letters=("не JSON", "[]", '{"kind": 7}', said, letter))
    html = await desk.page("/desk/problems")
    (card,) = cards(html)
    assert "Где <b>мой</b> заказ?" in card
    assert "<b>мой" not in html
    assert "Слова продавца" not in card
    assert "эти события пропадут навсегда" in html.lower()
    assert "KeyError" in card


async def test_the_newest_is_first_and_the_rest_is_a_page_further(doors: House, desk: Desk) -> None:
    for n in range(problems.A_PAGE + 2):
        await buries(doors, f"g{n:02}", "boom", hours=n, message=f"g{n:02}")
    first = await desk.page("/desk/problems")
    ids = re.findall(r"/desk/problems/(\w+)/replay", first)
    assert ids[:2] == ["g21", "g20"]
    assert len(ids) == problems.A_PAGE
    older = re.findall(r'href="(/desk/problems\?[^"]*after=\d+)"', first)
    second = await desk.page(older[0].replace("&amp;", "&"))
    assert re.findall(r"/desk/problems/(\w+)/replay", second) == ["g01", "g00"]
    assert "Показать более старые" not in seen(second)
    assert (await desk.get("/desk/problems", after="-1")).status_code == 400


async def test_what_is_shown_may_be_chosen(doors: House, desk: Desk) -> None:
    await buries(doors, "m", "bad_request", message="m")
    await buries(doors, "u", "unconfirmed", hours=1, message="u")
    await buries(doors, "f", "ValueError", hours=2, letters=("?",))
    chosen = {"": "fum", "message": "m", "uncertain": "u", "facts": "f", "?": "fum"}
    for only, shown in chosen.items():
        html = await desk.page("/desk/problems", only=only)
        assert "".join(re.findall(r"/desk/problems/(\w)/replay", html)) == shown
        assert 'name="only" value="' in html
    html = await desk.page("/desk/problems")
    counted = re.findall(r'href="/desk/problems[^"]*"[^>]*>([^<]+)<span class="muted">(\d+)<', html)
    assert [(title.strip(), n) for title, n in counted] == [
        ("Все", "3"), ("Не отправлены", "1"), ("Неизвестно, ушли ли", "1"), ("События", "1"),
    ]  # fmt: skip
    await doors.front.journal.unbury("u")
    empty = seen(await desk.page("/desk/problems", only="uncertain"))
    assert "Таких здесь нет." in empty
    assert "Всё в порядке" not in empty


async def test_a_message_that_lies_in_the_archive_is_shown_too(doors: House, desk: Desk) -> None:
    message = replace(ours(State.FAILED, None), text="Давно это было")
    claimed = await doors.front.mailbox.look(PHONE)
    settled = Settled(conversation=person(), archived=(message,))
    await doors.front.mailbox.commit(claimed, settled, now=NOON)
    await buries(doors, message.id, "bad_request", message=message.id)
    assert "Давно это было" in cards(await desk.page("/desk/problems"))[0]


async def test_the_words_of_a_person_are_called_so(doors: House, desk: Desk) -> None:
    message = replace(ours(State.FAILED, None), author=Author.PERSON, purpose=None)
    await knows(doors, person(messages=(message,)))
    await buries(doors, message.id, "bad_request", message=message.id)
    assert "Ответ человека" in cards(await desk.page("/desk/problems"))[0]


async def test_a_phone_in_a_name_is_masked(doors: House, desk: Desk) -> None:
    await knows(doors, person(name=f"Айгерим {PHONE}"))
    await buries(doors, "dead", "ValueError", letters=("?",))
    html = await desk.page("/desk/problems")
    assert "Айгерим" in html
    assert PHONE not in html


async def test_a_chat_that_is_only_put_off_loses_nothing(doors: House, desk: Desk) -> None:
    await buries(doors, "dead", "turns died on what was due")
    html = await desk.page("/desk/problems")
    assert "Ничего не пропадёт" in html
    assert "навсегда" not in html


async def test_a_strange_code_is_shown_and_no_phone_in_it(doors: House, desk: Desk) -> None:
    await buries(doors, "m", f"cannot send to {PHONE}@c.us <script>", message="m")
    html = await desk.page("/desk/problems")
    assert "cannot send to" in seen(html)
    assert PHONE not in html
    assert "<script>" not in html.split("<main")[1]
    assert "напишите покупателю сами" in seen(html)


# --- the words --------------------------------------------------------------------------------


def grave(cause: str, **about: Any) -> Buried:
    return Buried(id="g", chat=PHONE, cause=cause, at=NOON, **about)


@pytest.mark.parametrize("cause", ["restricted", "463", "no_address", "did_not_go", "expired"])
def test_a_known_cause_has_words_of_its_own(cause: str) -> None:
    assert cause_of(grave(cause, message="m")).what not in {"", "Не отправлено: {known}."}


def test_what_the_line_is_at_fault_for_leads_to_its_page() -> None:
    cause = cause_of(grave("server_error", message="m"), known="WAHA ответил ошибкой")
    assert cause.what == "Не отправлено: {known}."
    assert "«Связь»" in cause.do


def test_an_uncertain_message_is_looked_for_in_the_phone() -> None:
    assert "в телефоне магазина" in cause_of(grave("unconfirmed", message="m")).do


def test_facts_without_words_are_for_the_developer() -> None:
    assert "{code}" in cause_of(grave("RecursionError", letters=("?",))).do
    assert "{code}" not in cause_of(grave("turns died on what was due")).do


def test_an_order_without_a_phone_is_told_by_its_reason() -> None:
    assert without_phone("phone is masked") == "Kaspi скрыл телефон покупателя"
    assert without_phone("something new") == causes.NO_PHONE_OTHERWISE


def test_all_that_is_said_through_tables_is_known_in_kazakh() -> None:
    texts = {text for cause in CAUSES for text in (cause.what, cause.do)}
    texts |= {*problems.CODES, *problems.TEXTS, *waiting.TEXTS, *causes.NO_PHONES}
    assert sorted(texts - set(kazakh())) == []


async def test_the_page_speaks_kazakh(doors: House) -> None:
    await failed(doors)
    lang = Language.KK.value
    async with desk_of(str(doors.public.base_url), key=ADMIN, lang=lang) as desk:
        text = seen(await desk.page("/desk/problems"))
    assert "Бұл нөмір WhatsApp-та жоқ." in text
    assert "Қайталау" in text
    for russian in ("Повторить", "Заказы", "Не отправлено", "Все"):
        assert russian not in text.split()


# --- what can be done -------------------------------------------------------------------------


async def test_a_message_is_tried_again_from_the_page(doors: House, desk: Desk) -> None:
    await failed(doors)
    answer = await desk.post("/desk/problems/ours/replay", {"only": "message"})
    assert answer.url.path == "/desk/problems"
    assert "only=message" in str(answer.url)
    assert "Повторяем" in seen(answer.text)
    assert cards(answer.text) == []
    (message,) = (await doors.api.get(f"/api/contacts/{PHONE}/messages")).json()
    assert message["status"] == "queued"


async def test_what_was_dismissed_is_gone_and_its_chat_says_so(doors: House, desk: Desk) -> None:
    await failed(doors)
    answer = await desk.post("/desk/problems/ours/dismiss")
    assert "Убрано." in seen(answer.text)
    assert cards(answer.text) == []
    assert await problems.count(doors.front) == 0
    (line,) = (await doors.api.get(f"/api/contacts/{PHONE}/journal")).json()
    assert (line["kind"], line["reason"]) == ("dropped", "dismissed")


@pytest.mark.parametrize("what", ["replay", "dismiss"])
async def test_what_somebody_else_was_faster_with_is_told_and_is_no_error(
    doors: House, desk: Desk, what: str
) -> None:
    answer = await desk.post(f"/desk/problems/nobody/{what}", {"only": "//evil"})
    assert (answer.status_code, answer.url.path) == (200, "/desk/problems")
    assert "кто-то повторил или убрал" in seen(answer.text)
    assert "evil" not in str(answer.url)


async def test_a_message_that_went_meanwhile_is_not_tried_again(doors: House, desk: Desk) -> None:
    await knows(doors, person(messages=(ours(State.SENT),)))
    await buries(doors, "ours", "unconfirmed", message="ours")
    answer = await desk.post("/desk/problems/ours/replay")
    assert "Повторять нечего" in seen(answer.text)
    assert len(cards(answer.text)) == 1


async def test_what_is_tried_again_at_night_goes_in_the_morning(store_url: str) -> None:
    refused = Status(400, {"statusCode": 400, "message": "no"})
    async with on_stage(store_url) as stage, desk_of(stage.url, key=STAGE_KEY) as desk:
        stage.waha.faults.append(refused)
        await stage.ordered()
        await stage.advance(hours=9)
        (failed,) = (await stage.api.get("/api/buried")).json()
        answer = await desk.post(f"/desk/problems/{failed['id']}/replay")
        assert "Сейчас тихие часы: уйдёт, когда они кончатся." in seen(answer.text)
        await stage.settle()
        assert stage.texts == []
        await stage.advance(hours=14)
        assert len(stage.texts) == 1


async def test_what_nothing_allows_any_more_stays_and_the_reason_is_said(
    doors: House, desk: Desk
) -> None:
    message = replace(ours(State.FAILED, None), failure="bad_request")
    stopped = OptOut(at=NOON, by=Author.CUSTOMER)
    await knows(doors, person(messages=(message,), opt_out=stopped))
    await buries(doors, message.id, "bad_request", message=message.id)
    answer = await desk.post("/desk/problems/ours/replay")
    assert "Не повторили: покупатель просил не писать." in seen(answer.text)
    assert len(cards(answer.text)) == 1


@pytest.mark.parametrize("path", ["/desk/problems/ours/replay", "/desk/problems/ours/dismiss"])
async def test_nothing_is_done_without_the_token(doors: House, desk: Desk, path: str) -> None:
    await failed(doors)
    assert (await desk.http.post(path)).status_code == 403
    assert await problems.count(doors.front) == 1


# --- orders nobody can be written to about ----------------------------------------------------


async def test_orders_without_a_phone_are_counted_by_reason_and_listed(
    doors: House, desk: Desk
) -> None:
    details = ["phone is masked", "Kaspi shows no phone for this order", "phone is empty"]
    for n, detail in enumerate(details):
        await doors.front.journal.unusable(
            Unusable(at=NOON, reason=Reason.NO_PHONE, detail=detail, order_code=f"91200{n}")
        )
    text = seen(await desk.page("/desk/problems"))
    assert "Kaspi скрыл телефон покупателя: 2" in text
    assert "Телефон не указан: 1" in text
    assert text.index("912002") < text.index("912001") < text.index("912000")
    assert "Всё в порядке" in text


async def test_of_a_thousand_orders_without_a_phone_the_last_are_listed(
    doors: House, desk: Desk
) -> None:
    one = Unusable(at=NOON, reason=Reason.NO_PHONE, detail="phone is empty", order_code="<i>1")
    kept = [msgspec.json.encode(one)] * UNUSABLE_KEPT
    await doors.redis.rpush(keys.unusable(), *kept)
    html = await desk.page("/desk/problems")
    assert html.count("<td>") == 3 * 30
    assert "И ещё 970." in seen(html)
    assert "<i>1" not in html


# --- the doors beside what waits --------------------------------------------------------------


async def press(doors: House, desk: Desk, what: str, id_: str = REVIEW.id, **about: str) -> str:
    """Press the button beside what waits; what is said then."""
    ref = await doors.front.chats.ref(PHONE)
    to = await desk.http.post(
        f"/desk/waiting/{ref}/{id_}/{what}",
        data={"csrf": desk.csrf, **about},
        follow_redirects=False,
    )
    assert to.status_code == 303, to.text
    location = to.headers["location"]
    chat = about.get("to") == "chat"
    assert location.startswith(f"/desk/chats/{ref}?" if chat else "/desk/today?")
    said = dict(re.findall(r"(said|tone)=([^&]+)", location))
    return unquote_plus(said["said"])


async def test_what_waits_is_cancelled_by_its_button(doors: House, desk: Desk) -> None:
    await knows(doors, person(pending=(REVIEW,)))
    assert await press(doors, desk, "cancel") == waiting.CANCELLED
    assert (await doors.api.get("/api/outbox")).json() == []
    again = await press(doors, desk, "cancel", to="chat")
    assert again == "Уже отправляется или ушло: изменить нельзя."


async def test_what_waits_is_hurried_by_its_button(doors: House, desk: Desk) -> None:
    await knows(doors, person(pending=(REVIEW,)))
    assert await press(doors, desk, "now", to="chat") == waiting.HURRIED
    (item,) = (await doors.api.get("/api/outbox")).json()
    assert item["until"] == "2026-11-23T07:00:00Z"


async def test_at_night_the_button_says_what_it_waits_for(doors: House, desk: Desk) -> None:
    await knows(doors, person(pending=(REVIEW,)))
    doors.clock.set(NIGHT)
    assert await press(doors, desk, "now") == "Сейчас тихие часы: уйдёт, когда они кончатся."


async def test_what_keeps_its_time_says_so(doors: House, desk: Desk) -> None:
    await knows(doors, person(pending=(REVIEW,), no_whatsapp=NOON))
    assert await press(doors, desk, "now") == waiting.KEPT


async def test_what_waits_no_more_is_no_error(doors: House, desk: Desk) -> None:
    await knows(doors, person())
    for what in ("cancel", "now"):
        assert await press(doors, desk, what, "nobody") == "Этого сообщения уже нет в очереди."
    answer = await desk.http.post(
        f"/desk/waiting/{'0' * 20}/x/now",
        data={"csrf": desk.csrf, "to": "chat"},
        follow_redirects=False,
    )
    assert (answer.status_code, answer.headers["location"][:12]) == (303, "/desk/today?")
