"""The desk's chats over HTTP: what came in, what was said and why, and what a person may do."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec.structs import replace

from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Kind,
    Message,
    NeedsPerson,
    OptOut,
    Owner,
    Sending,
    Status,
    Written,
)
from app.domain.events import (
    Act,
    Address,
    Fact,
    Item,
    Language,
    Media,
    OperatorActed,
    Order,
    Stage,
)
from app.domain.rules import Purpose, Reason, Shop
from app.domain.rules import Rules as RulesOf
from app.store.claims import Settled
from app.web.desk.live import OF_ONE
from tests.builders import NOON, PHONE, order, person, waiting, wrote
from tests.desk import Desk, desk_of, seen
from tests.integration.test_doors import ADMIN, House, house

NIGHT = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)  # 22:30 in Almaty
OTHER = "77479998877"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
REPLY = Written(
    prompt="reply/v1",
    canned=False,
    model="gpt-5-mini",
    requests=1,
    tokens_in=900,
    tokens_out=60,
    cost=0.0004,
    evidence=("15990 ₸ ← order 912000001 total",),
    used=("order 912000001", "price 15990", "stage paid", "name"),
    checks=("price", "language"),
)


@pytest.fixture
async def doors(store_url: str) -> AsyncIterator[House]:
    async with house(store_url) as doors:
        yield doors


@pytest.fixture
async def desk(doors: House) -> AsyncIterator[Desk]:
    async with desk_of(str(doors.public.base_url), key=ADMIN) as desk:
        yield desk


async def knows(doors: House, conversation: Conversation, *told: Entry, **more: Any) -> str:
    """Have it in the store, as a turn leaves it; the chat's name in URLs."""
    claimed = await doors.front.mailbox.look(conversation.chat)
    wake = min((p.due for p in conversation.pending), default=None)
    settled = Settled(conversation=conversation, entries=told, wake=wake, **more)
    await doors.front.mailbox.commit(claimed, settled, now=NOON)
    return await doors.front.chats.ref(conversation.chat)


async def hears(doors: House, text: str, short_id: str = "NEW", *, chat: str = PHONE) -> None:
    """A message of the customer that no turn has taken in."""
    fact = Fact(person=Address(phone=chat), event=wrote(text, short_id, at=doors.front.world.now()))
    await doors.front.mailbox.accept([(chat, fact)], now=doors.front.world.now())


async def acts(doors: House, chat: str = PHONE) -> list[tuple[str, str]]:
    """What people did that no turn has taken in."""
    mail = await doors.mail(chat)
    return [(event.act, event.text) for event in mail if isinstance(event, OperatorActed)]


def theirs(text: str, *, id_: str = "in1", minutes: float = 0, **about: Any) -> Message:
    """A message of the customer, so long after noon."""
    known: dict[str, Any] = {"media": None, "session": "default", "shop": "default"} | about
    at = NOON + timedelta(minutes=minutes)
    return Message(
        id=id_, author=Author.CUSTOMER, text=text, at=at, status=Status.RECEIVED,
        message=id_, **known,
    )  # fmt: skip


def bots(text: str, *, id_: str = "out1", minutes: float = 1, **about: Any) -> Message:
    """A reply of the bot."""
    known: dict[str, Any] = {
        "status": Status.READ, "purpose": Purpose.REPLY, "written": REPLY, "message": id_,
    } | about  # fmt: skip
    at = NOON + timedelta(minutes=minutes)
    return Message(
        id=id_, author=Author.BOT, text=text, at=at, session="default", shop="default", **known
    )


class Tags(HTMLParser):
    """The names of all tags of a page, and of all their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)

    @classmethod
    def of(cls, html: str) -> Tags:
        found = cls()
        found.feed(html)
        return found


def part(html: str, id_: str) -> str:
    """The HTML of the part with this id."""
    start = html.index(f'id="{id_}"')
    follows = re.search(r"\bdata-part\b", html[start + 200 :])
    return html[start : start + 200 + follows.start()] if follows else html[start:]


def rows(html: str) -> list[str]:
    """What each row of the list says."""
    return [seen(row) for row in re.findall(r'<a class="chat.*?</a>', html, re.DOTALL)]


# --- the list ---------------------------------------------------------------------------------


async def test_an_empty_list_says_so(desk: Desk) -> None:
    assert "Пока никто не писал" in seen(await desk.page("/desk/chats"))


async def test_a_row_tells_who_what_and_how_it_stands(doors: House, desk: Desk) -> None:
    asked = person(
        name="Айгерим С",
        language=Language.KK,
        orders=(order(Stage.DELIVERED),),
        messages=(bots("Всё ли хорошо с курткой?"), theirs("Иә, рахмет!", minutes=5)),
    )
    await knows(doors, asked)
    (row,) = rows(await desk.page("/desk/chats"))
    for said in ("Айгерим С", "+7 705 ••• •• 67", "Иә, рахмет!", "сегодня, 12:05", "доставлен",
                 "казахский", "ведёт бот"):  # fmt: skip
        assert said in row
    assert "Бот:" not in row


async def test_a_row_tells_that_the_last_word_did_not_go(doors: House, desk: Desk) -> None:
    said = bots("Здравствуйте!", status=Status.FAILED, failure="not_on_whatsapp")
    await knows(doors, person(messages=(said,)))
    assert "Бот не отправлено Здравствуйте!" in rows(await desk.page("/desk/chats"))[0]


async def test_a_name_that_kaspi_shouts_is_read_as_a_name_everywhere(
    doors: House, desk: Desk
) -> None:
    ref = await knows(doors, person(name="ӘЛИЯ-ГҮЛНАР О'КОННОР С", messages=(theirs("Где?"),)))
    await knows(doors, Conversation(chat=OTHER, phone=OTHER, since=NOON, name="ИП МАРАТ 🌸"))
    said = [*rows(await desk.page("/desk/chats")), seen(await desk.page(f"/desk/chats/{ref}"))]
    assert ["Әлия-Гүлнар О'Коннор С" in each for each in said].count(True) == 2
    assert any("ИП Марат 🌸" in each for each in said)
    assert "ӘЛИЯ" not in await desk.page(f"/desk/chats/{ref}")


async def test_no_full_phone_is_anywhere_in_the_list(doors: House, desk: Desk) -> None:
    told = theirs(f"Мой номер +7 705 123-45-67, запишите: {PHONE}")
    await knows(doors, person(name="8 705 123 45 67", messages=(told,)))
    html = await desk.page("/desk/chats")
    digits = re.sub(r"[\s()-]", "", html)
    assert "7051234567" not in digits
    assert "1234567" not in digits
    assert "Мой номер" in seen(html)


async def test_what_no_turn_has_taken_in_shows_at_once(doors: House, desk: Desk) -> None:
    ref = await knows(doors, person(name="Айгерим", messages=(bots("Здравствуйте!", minutes=-5),)))
    await hears(doors, "А где мой заказ?")
    (row,) = rows(await desk.page("/desk/chats"))
    assert "А где мой заказ?" in row
    assert "непрочитанных: 1" in row
    assert "А где мой заказ?" in seen(await desk.page(f"/desk/chats/{ref}"))


async def test_unread_is_what_came_after_a_look_or_a_persons_word(doors: House, desk: Desk) -> None:
    first = person(messages=(theirs("Раз", id_="a"), theirs("Два", id_="b", minutes=1)))
    ref = await knows(doors, first)
    assert "непрочитанных: 2" in rows(await desk.page("/desk/chats"))[0]
    await desk.http.get(f"/desk/chats/{ref}", headers={"X-Desk": "1"})
    assert "непрочитанных: 2" in rows(await desk.page("/desk/chats"))[0]
    await desk.page(f"/desk/chats/{ref}")
    assert "непрочитанных" not in rows(await desk.page("/desk/chats"))[0]
    await knows(doors, replace(first, messages=(*first.messages, theirs("Три", minutes=9))))
    assert "непрочитанных: 1" in rows(await desk.page("/desk/chats"))[0]
    assert (await desk.post(f"/desk/chats/{ref}/seen")).status_code == 204
    assert "непрочитанных" not in rows(await desk.page("/desk/chats"))[0]


async def test_a_persons_own_word_counts_as_having_looked(doors: House, desk: Desk) -> None:
    said = replace(bots("Отвечаю сам", minutes=3), author=Author.PERSON, purpose=None)
    after = theirs("Спасибо", id_="c", minutes=4)
    await knows(doors, person(messages=(theirs("Раз"), said, after)))
    assert "непрочитанных: 1" in rows(await desk.page("/desk/chats"))[0]


async def test_filters_show_their_chats_and_how_many(doors: House, desk: Desk) -> None:
    upset = NeedsPerson(reason="complaint", since=NOON)
    asks = NeedsPerson(reason="wants_person", since=NOON)
    await knows(doors, person(name="Недоволен", needs_person=upset))
    await knows(doors, person(chat=OTHER, phone=OTHER, name="Зовёт", needs_person=asks))
    gone = OptOut(at=NOON, by=Author.CUSTOMER)
    await knows(doors, person(chat="77001112233", phone="77001112233", name="Ушёл", opt_out=gone))
    page = seen(await desk.page("/desk/chats"))
    assert "Все 3" in page
    assert "Нужен человек 2" in page
    assert "Недовольны 1" in page
    assert "Отписаны 1" in page
    called = rows(await desk.page("/desk/chats", shelf="called"))
    assert ["нужен человек" in row for row in called] == [True, True]
    (unhappy,) = rows(await desk.page("/desk/chats", shelf="unhappy"))
    assert "Недоволен" in unhappy
    (opted_out,) = rows(await desk.page("/desk/chats", shelf="opted_out"))
    assert "отписан" in opted_out
    assert len(rows(await desk.page("/desk/chats", shelf="nonsense"))) == 3


@pytest.mark.parametrize(
    "query", ["айгер", "4567", "8 705 123", "912000001", "куртка", "АЙГЕРИМ С"]
)
async def test_a_chat_is_found_by_name_phone_order_or_thing(
    doors: House, desk: Desk, query: str
) -> None:
    await knows(doors, person(name="Айгерим С", orders=(order(),)))
    await knows(doors, person(chat=OTHER, phone=OTHER, name="Данияр"))
    (row,) = rows(await desk.page("/desk/chats", q=query))
    assert "Айгерим" in row


async def test_a_search_that_finds_nobody_says_what_to_try(doors: House, desk: Desk) -> None:
    await knows(doors, person(name="Айгерим"))
    html = await desk.page("/desk/chats", q='<b>"кто-то" \\ %')
    assert "Никого не нашли" in seen(html)
    assert "<b>" not in re.sub(r"</?b>(?=[\d ])|<b>[\d\s]", "", html.split('id="rows"')[0])


async def test_a_long_list_goes_on_page_by_page_and_skips_nobody(doors: House, desk: Desk) -> None:
    for n in range(53):
        chat = f"7705000{n:04}"
        said = theirs("Привет", minutes=n // 3)
        await knows(doors, person(chat=chat, phone=chat, name=f"Имя{n:02}", messages=(said,)))
    first = await desk.page("/desk/chats")
    more = re.search(r'<p class="more"><a class="btn" href="([^"]+)"', first)
    assert more is not None
    second = await desk.page(more[1].replace("&amp;", "&"))
    names = [re.search(r"Имя\d\d", row) for row in (*rows(first), *rows(second))]
    assert len(rows(first)) == 50
    assert len({name[0] for name in names if name}) == 53
    assert 'class="more"' not in second


# --- one conversation -------------------------------------------------------------------------


async def test_a_conversation_tells_what_was_said_by_whom_and_why(doors: House, desk: Desk) -> None:
    asked, answer = theirs("Сколько стоит куртка?"), bots("Куртка стоит 15 990 ₸.")
    own = replace(bots("Это Асель, звоните", id_="p", minutes=9), author=Author.PERSON,
                  purpose=None, written=None, status=Status.DELIVERED)  # fmt: skip
    wrote_it = Entry(at=NOON, kind=Kind.WRITTEN, purpose=Purpose.REPLY, message="out1",
                     facts=("in1",), written=REPLY)  # fmt: skip
    read = Entry(at=NOON + timedelta(minutes=2), kind=Kind.RECEIPT, message="out1", reason="read")
    known = person(name="Айгерим", orders=(order(),), messages=(asked, answer, own))
    ref = await knows(doors, known, wrote_it, read)
    html = await desk.page(f"/desk/chats/{ref}")
    page = seen(html)
    for said in (
        "Сколько стоит куртка?", "Покупатель", "Куртка стоит 15 990 ₸.", "Бот", "Человек",
        "Это Асель, звоните", "✓✓ прочитано", "✓✓ доставлено", "почему", "Ответ покупателю, v1",
        "«Сколько стоит куртка?»", "написала модель, все проверки пройдены", "gpt-5-mini",
        "$0.0004", "15990 ₸ — заказ 912000001: сумма", "цены верны; язык покупателя",
        "заказ 912000001; цена 15 990 ₸; заказ оплачен; имя покупателя",
        "№ 912000001", "Куртка Alpin черная 48", "оплачен", "+7 705 123 45 67",
    ):  # fmt: skip
        assert said in page, said
    assert 'class="said customer"' in html
    assert 'class="said person"' in html


async def test_a_silence_is_told_at_its_time_the_newest_of_the_same_only(
    doors: House, desk: Desk
) -> None:
    review = waiting(Purpose.REVIEW_REQUEST, due=NIGHT + timedelta(hours=10.5))
    quiet = Entry(
        at=NIGHT, kind=Kind.BLOCKED, purpose=Purpose.REVIEW_REQUEST, message=review.id,
        reason=Reason.QUIET_HOURS, until=NIGHT + timedelta(hours=10.5),
    )  # fmt: skip
    before = replace(quiet, at=NIGHT - timedelta(minutes=20))
    pace = replace(quiet, reason=Reason.PACE)
    called = Entry(at=NIGHT, kind=Kind.PERSON_CALLED, reason="wants_person")
    moved = Entry(at=NIGHT, kind=Kind.ORDER, order_code="912000001", reason="delivered")
    known = person(pending=(replace(review, blocked=Reason.QUIET_HOURS),))
    ref = await knows(doors, known, before, quiet, pace, called, moved)
    doors.clock.set(NIGHT)
    page = seen(await desk.page(f"/desk/chats/{ref}"))
    assert page.count("Не отправлено: просьба об отзыве — тихие часы до 09:00") == 1
    assert "22:30 · Не отправлено" in page
    assert "Нужен человек: покупатель просит человека" in page
    assert "Заказ 912000001: доставлен" in page
    assert "пауза перед следующей" not in page
    assert "Ждёт своего часа" in page
    assert "отправим в 09:00 — тихие часы" in page


async def test_statuses_media_and_what_was_taken_back_are_told_in_words(
    doors: House, desk: Desk
) -> None:
    sending = Sending(not_before=NOON, expires_at=NOON + timedelta(hours=6),
                      blocked=Reason.SESSION_DOWN)  # fmt: skip
    known = person(messages=(
        theirs("", id_="v", media=Media.VOICE),
        theirs("где заказ", id_="w", minutes=1, media=Media.VOICE),
        theirs("", id_="r", minutes=2, revoked=True),
        theirs("исправленное", id_="e", minutes=3),
        bots("раз", id_="q", minutes=4, status=Status.QUEUED, sending=sending),
        bots("два", id_="f", minutes=5, status=Status.FAILED, failure="not_on_whatsapp"),
        bots("три", id_="u", minutes=6, status=Status.UNCERTAIN, failure="unconfirmed"),
        bots("четыре", id_="d", minutes=7, status=Status.DRY_RUN, written=None),
    ))  # fmt: skip
    edited = Entry(at=NOON, kind=Kind.RECEIVED, message="e", reason="edited")
    late = Entry(at=NOON, kind=Kind.RECEIVED, message="w", reason="late")
    ref = await knows(doors, known, edited, late)
    page = seen(await desk.page(f"/desk/chats/{ref}"))
    for said in (
        "Голосовое сообщение · без расшифровки", "расшифровка: где заказ", "Сообщение удалено",
        "исправлено", "◷ ждёт отправки", "WhatsApp магазина не подключён", "! не отправлено",
        "этого номера нет в WhatsApp", "? неизвестно, ушло ли", "пробный режим",
        "журнал этого уже не помнит", "12:01 пришло слишком поздно, бот на это не отвечает",
    ):  # fmt: skip
        assert said in page, said


async def test_what_was_answered_is_told_though_it_had_no_words_and_a_reaction_with_its_emoji(
    doors: House, desk: Desk
) -> None:
    known = person(messages=(
        theirs("", id_="v", media=Media.VOICE),
        theirs("", id_="r", minutes=1, revoked=True),
        bots("Голосовое у нас", minutes=2),
    ))  # fmt: skip
    ref = await knows(
        doors, known,
        Entry(at=NOON, kind=Kind.WRITTEN, message="out1", facts=("v", "r", "gone")),
        Entry(at=NOON + timedelta(minutes=3), kind=Kind.RECEIVED, message="out1",
              reason="reaction", emoji="<👍>"),
    )  # fmt: skip
    doors.clock.set(NOON + timedelta(minutes=5))
    html = await desk.page(f"/desk/chats/{ref}")
    page = seen(html)
    assert "Отвечает на Голосовое сообщение Сообщение удалено Как" in page
    assert "12:03 · Покупатель поставил <👍>" in page
    assert "<👍> реакция покупателя" in page
    took = Entry(at=NOON + timedelta(minutes=4), kind=Kind.RECEIVED, message="out1",
                 reason="reaction", emoji="")  # fmt: skip
    await knows(doors, known, took)
    page = seen(await desk.page(f"/desk/chats/{ref}"))
    assert "Покупатель убрал реакцию" in page
    assert "реакция покупателя" not in page


async def test_scripts_in_names_words_goods_and_searches_stay_text(
    doors: House, desk: Desk
) -> None:
    goods = Order(code="1'\"<b>", shop="default", stage=Stage.PAID, items=(Item(name=EVIL),))
    wants = NeedsPerson(reason=EVIL, since=NOON, summary=EVIL, suggestion=f'"{EVIL}')
    odd = replace(REPLY, model=EVIL, evidence=(EVIL,), checks=(EVIL,), used=(EVIL,))
    known = person(
        name=EVIL, orders=(goods,), needs_person=wants,
        messages=(theirs(EVIL), bots(EVIL, written=odd, failure=EVIL)),
    )  # fmt: skip
    ref = await knows(doors, known, Entry(at=NOON, kind=Kind.DROPPED, reason=EVIL))
    for html in (
        await desk.page("/desk/chats"),
        await desk.page("/desk/chats", q=EVIL),
        await desk.page(f"/desk/chats/{ref}", edit="1", q=EVIL),
    ):
        tags = Tags.of(html)
        assert "img" not in tags.names
        assert [name for name in tags.attributes if name.startswith("on") or name == "style"] == []
        assert "<script>alert" not in html
        assert EVIL[:20] in seen(html)


async def test_a_strange_name_or_place_is_no_fault_of_ours(doors: House, desk: Desk) -> None:
    ref = await knows(doors, person(messages=(theirs("Привет"),)))
    assert (await desk.get("/desk/chats/0123456789abcdef0123")).status_code == 404
    assert (await desk.get(f"/desk/chats/{PHONE}")).status_code == 404
    for before in ("0", "-1", "x", "99999999999", "٣", "7"):
        assert "Привет" in seen(await desk.page(f"/desk/chats/{ref}", before=before)), before
    assert (await desk.get("/desk/chats", after="x' OR 1", q="\x00")).status_code == 200


async def test_older_messages_come_page_by_page_with_what_was_not_said_then(
    doors: House, desk: Desk
) -> None:
    old = tuple(theirs(f"старое {n:03}", id_=f"o{n}", minutes=n) for n in range(120))
    live = theirs("новое", id_="live", minutes=500)
    quiet = Entry(at=NOON + timedelta(minutes=10), kind=Kind.DROPPED, reason=Reason.UPSET)
    late = replace(quiet, at=NOON + timedelta(minutes=119.5), reason=Reason.EXPIRED)
    ref = await knows(doors, person(messages=(live,)), quiet, late, archived=old)
    doors.clock.set(NOON + timedelta(minutes=600))
    found: list[str] = []
    silences = 0
    address = f"/desk/chats/{ref}"
    for _ in range(4):
        html = await desk.page(address)
        log = seen(part(html, "thread"))
        found[:0] = re.findall(r"старое \d{3}|новое", log)
        silences += log.count("покупатель недоволен: сначала") + log.count("уже поздно")
        older = re.search(r'href="([^"]+)#log">Показать раньше', html)
        if older is None:
            break
        address = older[1].replace("&amp;", "&")
    assert found == [*(f"старое {n:03}" for n in range(120)), "новое"]
    assert silences == 2
    middle = await desk.page(f"/desk/chats/{ref}", before="70")
    assert "before=120#log" in middle
    assert "К последним сообщениям" in seen(middle)


async def test_who_is_known_under_a_hidden_id_only_can_be_opened(doors: House, desk: Desk) -> None:
    hidden = Conversation(chat="lid:123", lid="123", since=NOON, messages=(theirs("Привет"),))
    ref = await knows(doors, hidden)
    assert "номер скрыт WhatsApp" in rows(await desk.page("/desk/chats"))[0]
    assert "номер скрыт WhatsApp" in seen(await desk.page(f"/desk/chats/{ref}"))


async def test_the_page_reads_in_kazakh(doors: House) -> None:
    known = person(
        needs_person=NeedsPerson(reason="refund", since=NOON, suggestion="Сәлем"),
        orders=(order(),), messages=(theirs("Сәлем"), bots("Сәлеметсіз бе")),
    )  # fmt: skip
    ref = await knows(doors, known)
    async with desk_of(str(doors.public.base_url), key=ADMIN, lang="kk") as desk:
        page = seen(await desk.page(f"/desk/chats/{ref}"))
    assert "Адам керек: қайтару, айырбастау не бас тарту" in page
    assert "Осы жауапты жіберу" in page
    russian = re.compile(r"\b(?:Чаты|почему|Заказы|Отправить|Нужен|Писали|Зачем|заказ)\b")
    assert russian.findall(page) == []


async def test_until_when_people_have_a_chat_is_one_kazakh_sentence(doors: House) -> None:
    ref = await knows(doors, person(owner=Owner.PEOPLE, person_at=NOON))
    async with desk_of(str(doors.public.base_url), key=ADMIN, lang="kk") as desk:
        who = seen(part(await desk.page(f"/desk/chats/{ref}"), "who"))
    assert "Чатты 16:00-ге дейін өзіңіз жүргізесіз: бот үнсіз." in who


async def test_what_waits_is_called_off_in_a_chat_only_after_a_question(
    doors: House, desk: Desk
) -> None:
    ref = await knows(doors, person(pending=(waiting(Purpose.REVIEW_REQUEST),)))
    thread = part(await desk.page(f"/desk/chats/{ref}"), "thread")
    cancel = next(form for form in thread.split("<form")[1:] if "/cancel" in form)
    assert 'data-confirm="Отменить это сообщение? Покупатель его не получит."' in cancel


async def test_shops_are_named_where_there_are_several(store_url: str) -> None:
    shops = (Shop(id="default", name="Тёплый дом", session="default"),
             Shop(id="two", name="Спорт", session="two"))  # fmt: skip
    async with (
        house(store_url, rules=RulesOf(shops=shops)) as doors,
        desk_of(str(doors.public.base_url), key=ADMIN) as desk,
    ):
        ref = await knows(doors, person(orders=(replace(order(), shop="two"),)))
        assert "Спорт" in seen(part(await desk.page(f"/desk/chats/{ref}"), "about"))


# --- acts -------------------------------------------------------------------------------------


async def test_an_answer_is_sent_once_however_often_it_is_pressed(doors: House, desk: Desk) -> None:
    ref = await knows(doors, person(name="Айгерим", messages=(theirs("Привет"),)))
    html = await desk.page(f"/desk/chats/{ref}")
    nonce = re.search(r'name="nonce" value="([0-9a-f]+)">\s*<label [^>]*for="text"', html)
    assert nonce is not None
    assert "бот молчит до 16:00" in seen(html)
    form = {"text": "Здравствуйте!\r\nЭто Асель.", "nonce": nonce[1]}
    await desk.post(f"/desk/chats/{ref}/messages", form)
    answer = await desk.post(f"/desk/chats/{ref}/messages", form)
    assert "Чат теперь ведёте вы" in seen(answer.text)
    assert "Чат ведёте вы до 16:00" in seen(answer.text)
    assert "◷ ждёт отправки" in seen(answer.text)
    assert await acts(doors) == [(Act.SAY, "Здравствуйте!\nЭто Асель.")]


@pytest.mark.parametrize(("text", "said"), [("  \r\n ", "пустое"), ("а" * 4001, "Слишком длинно")])
async def test_a_blank_or_endless_answer_is_not_sent(
    doors: House, desk: Desk, text: str, said: str
) -> None:
    ref = await knows(doors, person(messages=(theirs("Привет"),)))
    answer = await desk.post(f"/desk/chats/{ref}/messages", {"text": text})
    assert said in seen(answer.text)
    assert await acts(doors) == []


async def test_a_suggested_reply_is_sent_or_changed_first(doors: House, desk: Desk) -> None:
    wants = NeedsPerson(reason="refund", since=NOON, told=True, summary="Куртка мала.",
                        suggestion='Обменяем «размер в размер» & "быстро".')  # fmt: skip
    ref = await knows(doors, person(needs_person=wants, messages=(theirs("Мала"),)))
    page = await desk.page(f"/desk/chats/{ref}")
    assert "Нужен человек: возврат, обмен или отмена" in seen(page)
    assert "Куртка мала." in seen(page)
    editing = await desk.page(f"/desk/chats/{ref}", edit="1")
    assert re.search(
        r"<textarea[^>]*>Обменяем «размер в размер» &amp; &#34;быстро&#34;\.</", editing
    )
    nonce = re.search(r'name="nonce" value="(\w+)">\s*<input type="hidden" name="text"', page)
    assert nonce is not None
    form = {"text": wants.suggestion or "", "nonce": nonce[1]}
    await desk.post(f"/desk/chats/{ref}/messages", form)
    answer = await desk.post(f"/desk/chats/{ref}/messages", form)
    assert await acts(doors) == [(Act.SAY, wants.suggestion)]
    assert "Можно ответить так" not in seen(answer.text)


async def test_a_chat_is_taken_over_and_handed_back(doors: House, desk: Desk) -> None:
    ref = await knows(doors, person(messages=(theirs("Привет"),)))
    taken = seen((await desk.post(f"/desk/chats/{ref}/take-over")).text)
    assert "Чат ведёте вы до 16:00" in taken
    assert "ведёт человек" in rows(await desk.page("/desk/chats"))[0]
    back = seen((await desk.post(f"/desk/chats/{ref}/hand-back")).text)
    assert "Отвечает бот." in back
    assert "Чат снова ведёт бот" in back


async def test_opting_out_and_in_ask_first_without_a_script_too(doors: House, desk: Desk) -> None:
    ref = await knows(doors, person(messages=(theirs("Привет"),)))
    for act in ("opt-out", "opt-in"):
        about = part(await desk.page(f"/desk/chats/{ref}"), "about")
        asks = re.search(rf'<details class="sure" id="{act}">.+?</details>', about, re.DOTALL)
        assert asks is not None
        assert f'action="/desk/chats/{ref}/{act}"' in asks[0]
        assert "?" in seen(asks[0])
        await desk.post(f"/desk/chats/{ref}/{act}")


async def test_a_person_is_opted_out_and_in(doors: House, desk: Desk) -> None:
    ref = await knows(doors, person(messages=(theirs("Привет"),)))
    out = seen((await desk.post(f"/desk/chats/{ref}/opt-out")).text)
    assert "Отписан сегодня, 12:00" in out
    assert "Снова писать первыми" in out
    back = seen((await desk.post(f"/desk/chats/{ref}/opt-in")).text)
    assert "Не писать первыми" in back
    assert [act for act, _ in await acts(doors)] == [Act.OPT_OUT, Act.OPT_IN]


async def test_erasing_wants_the_word_typed_and_then_leaves_nothing(
    doors: House, desk: Desk
) -> None:
    ref = await knows(doors, person(name="Айгерим", messages=(theirs("Привет"),)))
    refused = await desk.post(f"/desk/chats/{ref}/erase", {"sure": "да"})
    assert "Ничего не стёрто" in seen(refused.text)
    assert "Привет" in seen(refused.text)
    erased = await desk.post(f"/desk/chats/{ref}/erase", {"sure": " Стереть "})
    assert "Стёрто всё" in seen(erased.text)
    assert rows(erased.text) == []
    assert (await desk.get(f"/desk/chats/{ref}")).status_code == 404
    assert (await doors.api.get(f"/api/contacts/{PHONE}")).status_code == 404


async def test_all_that_is_kept_comes_as_a_file(doors: House, desk: Desk) -> None:
    ref = await knows(doors, person(name="Айгерим", messages=(theirs("Привет"),)))
    answer = await desk.get(f"/desk/chats/{ref}/export")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["content-type"].startswith("application/json")
    kept = json.loads(answer.text)
    assert kept["contact"]["phone"] == PHONE
    assert [one["text"] for one in kept["messages"]] == ["Привет"]
    api = (await doors.api.get(f"/api/contacts/{PHONE}/export")).json()
    assert {**kept, "exported_at": ""} == {**api, "exported_at": ""}


@pytest.mark.parametrize(
    "act", ["messages", "take-over", "hand-back", "opt-out", "opt-in", "erase", "seen"]
)
async def test_nothing_is_done_for_a_stranger_or_without_the_forms_token(
    doors: House, desk: Desk, act: str
) -> None:
    ref = await knows(doors, person(messages=(theirs("Привет"),)))
    stranger = await doors.public.post(f"/desk/chats/{ref}/{act}", data={"sure": "стереть"})
    assert stranger.status_code in (303, 401)
    desk.csrf = "forged"
    forged = await desk.post(f"/desk/chats/{ref}/{act}", {"text": "x", "sure": "стереть"})
    assert forged.status_code == 403
    assert await acts(doors) == []
    assert (await doors.api.get(f"/api/contacts/{PHONE}")).status_code == 200


# --- live -------------------------------------------------------------------------------------


async def test_the_desk_hears_of_a_change_and_catches_up(doors: House, desk: Desk) -> None:
    ref = await knows(doors, person(messages=(theirs("Привет"),)))
    async with desk.http.stream("GET", "/desk/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        place = ""
        async for line in lines:
            if line.startswith("id: "):
                place = line.removeprefix("id: ")
                break
        await knows(doors, person(messages=(theirs("Ещё"),)))
        told = [line async for line in _until(lines, 'data: {"refs"')]
    assert "event: changed" in told
    assert json.loads(told[-1].removeprefix("data: ")) == {"refs": [ref]}
    await knows(doors, person(chat=OTHER, phone=OTHER))
    missed = await doors.front.chats.ref(OTHER)
    async with desk.http.stream("GET", "/desk/events", headers={"Last-Event-ID": place}) as stream:
        told = [line async for line in _until(stream.aiter_lines(), "data: {")]
    assert json.loads(told[-1].removeprefix("data: ")) == {"refs": sorted([ref, missed])}
    assert PHONE not in "".join(told)


async def _until(lines: AsyncIterator[str], start: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith(start):
            return


async def test_who_names_no_place_or_one_long_gone_reads_all_again(
    doors: House, desk: Desk
) -> None:
    await knows(doors, person())
    for headers in ({}, {"Last-Event-ID": "nonsense"}, {"Last-Event-ID": "0-1"}):
        async with desk.http.stream("GET", "/desk/events", headers=headers) as stream:
            told = [line async for line in _until(stream.aiter_lines(), "event: ")]
        assert told[-1] == "event: missed"


async def test_who_finds_no_seat_is_told_to_look_again_and_a_seat_is_free_once_left(
    doors: House, desk: Desk
) -> None:
    heard: list[AsyncIterator[str]] = []
    async with AsyncExitStack() as others:
        for _ in range(OF_ONE):
            stream = await others.enter_async_context(desk.http.stream("GET", "/desk/events"))
            heard.append(stream.aiter_lines())
            assert await anext(heard[-1]) == "retry: 1000"
        late = await desk.get("/desk/events")
        assert late.text == "retry: 20000\nevent: missed\ndata: {}\n\n"
    async with desk.http.stream("GET", "/desk/events") as stream:
        assert [line async for line in _until(stream.aiter_lines(), "retry")] == ["retry: 1000"]


async def test_a_stranger_hears_nothing(doors: House) -> None:
    assert (await doors.public.get("/desk/events")).status_code == 401
