"""Shops that share a WhatsApp number: who writes there is answered by the one they talk to."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from msgspec.structs import replace

from app.domain.called import brief_of_call, shop_called, summed_up
from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Message,
    NeedsPerson,
    Sending,
    Status,
)
from app.domain.decide import decide
from app.domain.events import Act, AnyEvent, CustomerCalled, CustomerEdited, Language, Order
from app.domain.fold import fold_all
from app.domain.meaning import Topic
from app.domain.rules import Hours, Purpose, Rules, Shop, Stated
from app.domain.shops import shop_spoken_with
from app.domain.view import overview
from tests.builders import NOON, acted, after, left, order, person, spoke, waiting, wrote

SHOPS = tuple(
    Shop(
        id=id_,
        name=id_.title(),
        session=session,
        hours=Hours(opens=time(opens), closes=time(19)),
        stated=(Stated(topic=Topic.ADDRESS, texts={Language.RU: f"Мы на улице {id_}."}),),
    )
    for id_, session, opens in (
        ("first", "default", 9),
        ("second", "default", 10),
        ("third", "default", 11),
        ("apart", "other", 12),
    )
)
BOTH = Rules(shops=SHOPS, debounce=timedelta(0), debounce_max=timedelta(0))
EARLIER = NOON - timedelta(hours=2)


def said(
    shop: str,
    *,
    at: datetime = EARLIER,
    session: str = "default",
    status: Status = Status.SENT,
    author: Author = Author.BOT,
    sending: Sending | None = None,
) -> Message:
    """What went to the customer for a shop."""
    return Message(
        id=f"{shop}-{at}-{session}-{status}",
        author=author,
        text="Здравствуйте!",
        at=at,
        status=status,
        session=session,
        shop=shop,
        purpose=Purpose.POST_PURCHASE if author is Author.BOT else None,
        sending=sending,
    )


def bought(*shops: str) -> tuple[Order, ...]:
    """Orders at these shops, the newest last."""
    return tuple(replace(order(code=f"91200000{n}"), shop=shop) for n, shop in enumerate(shops))


def told(talked: Conversation, *events: AnyEvent) -> tuple[Conversation, tuple[Entry, ...]]:
    return fold_all(talked, events, now=NOON, rules=BOTH)


# --- who is spoken with -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "orders", "session", "shop"),
    [
        ((), (), "default", "first"),
        ((), (), "other", "apart"),
        ((), (), "nobodys", "first"),
        ((), ("second",), "default", "second"),
        ((), ("second", "third"), "default", "third"),
        ((), ("second", "apart"), "default", "second"),
        ((), ("apart",), "default", "first"),
        ((), ("gone",), "default", "first"),
        ((said("second"),), (), "default", "second"),
        ((said("second"),), ("first",), "default", "second"),
        ((said("third"), said("second")), (), "default", "second"),
        ((said("second"), said("apart", session="other")), (), "default", "second"),
        ((said("second"),), (), "other", "apart"),
        ((said("second"), said("gone")), (), "default", "second"),
        ((said("apart"),), (), "default", "first"),
        ((said("second", author=Author.PERSON),), ("first",), "default", "second"),
        ((said("second", author=Author.CUSTOMER),), (), "default", "first"),
    ],
)
def test_the_shop_of_our_last_word_then_of_the_newest_order_then_the_first(
    messages: tuple[Message, ...], orders: tuple[str, ...], session: str, shop: str
) -> None:
    talked = person(messages=messages, orders=bought(*orders))
    assert shop_spoken_with(talked, session, BOTH).id == shop


@pytest.mark.parametrize(
    ("status", "shop"),
    [
        (Status.SENT, "second"),
        (Status.READ, "second"),
        (Status.UNCERTAIN, "second"),
        (Status.DRY_RUN, "second"),
        (Status.QUEUED, "first"),
        (Status.FAILED, "first"),
    ],
)
def test_what_did_not_go_is_no_word_of_ours(status: Status, shop: str) -> None:
    talked = person(messages=(said("second", status=status),))
    assert shop_spoken_with(talked, "default", BOTH).id == shop


def test_what_was_tried_may_have_been_seen() -> None:
    sending = Sending(not_before=EARLIER, expires_at=NOON, tried_at=EARLIER)
    talked = person(messages=(said("second", status=Status.QUEUED, sending=sending),))
    assert shop_spoken_with(talked, "default", BOTH).id == "second"


def test_a_message_that_comes_late_answers_what_was_said_before_it() -> None:
    talked = person(messages=(said("second"), said("third", at=NOON)))
    asked = EARLIER + timedelta(minutes=30)
    assert shop_spoken_with(talked, "default", BOTH, at=asked).id == "second"
    assert shop_spoken_with(talked, "default", BOTH, at=NOON - timedelta(seconds=5)).id == "third"


def test_who_never_wrote_is_spoken_to_by_the_shop_that_wrote_or_sold() -> None:
    assert shop_spoken_with(person(orders=bought("apart")), None, BOTH).id == "apart"
    talked = person(messages=(said("apart", session="other"),), orders=bought("second"))
    assert shop_spoken_with(talked, None, BOTH).id == "apart"


# --- what it is used for ----------------------------------------------------------------------


def test_a_question_is_answered_by_the_shop_with_its_hours_and_statements() -> None:
    talked, entries = told(person(messages=(said("second"),)), wrote("Какой у вас адрес?"))
    write = decide(talked, now=NOON, rules=BOTH, sessions={}).write
    assert write is not None
    assert (write.brief.shop, write.pending.shop) == ("Second", "second")
    assert [stated.text for stated in write.brief.statements] == ["Мы на улице second."]
    assert "10" in (write.brief.hours or "")
    assert {entry.shop for entry in entries} == {"second"}


@pytest.mark.parametrize("text", ["стоп", "Верните деньги, товар сломан!", "/help", "надоели"])
def test_whatever_is_said_is_said_to_the_shop(text: str) -> None:
    talked, _ = told(person(messages=(said("second"),), orders=bought("first")), wrote(text))
    assert {pending.shop for pending in talked.pending} == {"second"}
    assert talked.messages[-1].shop == "second"


def test_an_edit_is_still_to_the_shop_it_was_written_to() -> None:
    question = wrote("Добрый день")
    edit = CustomerEdited(
        id="edit", at=NOON, received_at=NOON, message="IN1", session="default", text="Где заказ?"
    )
    talked, _ = told(person(messages=(said("third"),)), question, edit)
    assert talked.messages[-1].shop == "third"
    lost, _ = told(person(messages=(said("third"),)), edit)
    assert lost.messages[-1].shop == "third"


def test_who_rings_hears_the_shop() -> None:
    rang = CustomerCalled(id="call", at=NOON, received_at=NOON, session="default")
    talked, _ = told(person(messages=(said("second"),)), rang)
    assert [pending.shop for pending in talked.pending] == ["second"]


def test_a_person_who_answers_from_the_phone_answers_for_the_shop() -> None:
    talked, entries = told(person(messages=(said("second"),)), left("Сейчас посмотрю"))
    assert talked.messages[-1].author is Author.PERSON
    assert talked.messages[-1].shop == entries[0].shop == "second"


def test_what_a_person_writes_goes_out_for_the_shop_and_by_its_session() -> None:
    talked, _ = told(person(messages=(said("second"),), session="default"), acted(Act.SAY, "Да"))
    assert (talked.messages[-1].shop, talked.messages[-1].session) == ("second", "default")


def test_who_never_wrote_is_written_to_by_a_person_from_the_number_of_their_shop() -> None:
    talked, _ = told(person(orders=bought("apart")), acted(Act.SAY, "Курьер будет в 5"))
    assert (talked.messages[-1].shop, talked.messages[-1].session) == ("apart", "other")


def test_a_call_is_summed_up_for_the_shop() -> None:
    talked, _ = told(person(messages=(said("second"),)), wrote("Верните деньги, он сломан!"))
    assert shop_called(talked, BOTH).id == "second"
    assert brief_of_call(talked, now=NOON, rules=BOTH).shop == "Second"
    settled, [entry] = summed_up(
        talked, summary="x", suggestion=None, written=None,
        shop=shop_called(talked, BOTH).id, now=NOON,
    )  # fmt: skip
    assert settled.needs_person is not None
    assert entry.shop == "second"


def test_a_complaint_stays_with_its_shop_when_another_speaks_after_it() -> None:
    talked, _ = told(person(messages=(said("second"),)), wrote("Верните деньги, он сломан!"))
    since = replace(talked, messages=(*talked.messages, said("first", at=NOON)))
    assert shop_called(since, BOTH).id == "second"
    assert brief_of_call(since, now=NOON, rules=BOTH).shop == "Second"


def test_a_call_without_a_word_of_theirs_is_summed_up_for_who_wrote_to_them() -> None:
    lost = person(
        messages=(said("apart", session="other", status=Status.UNCERTAIN),),
        needs_person=NeedsPerson(reason="lost", since=NOON),
    )
    assert shop_called(lost, BOTH).id == "apart"


def test_one_shop_is_spoken_with_whatever_its_history_says() -> None:
    talked = after(wrote("Сколько стоит?"), conversation=person(messages=(said("renamed"),)))
    assert {pending.shop for pending in talked.pending} == {"default"}


# --- what people see --------------------------------------------------------------------------


def test_the_cap_that_is_shown_is_the_one_of_the_shop_that_speaks_next() -> None:
    week = replace(BOTH, messages_window=timedelta(days=7))
    rules = replace(BOTH, by_shop={"second": week})
    talked = person(proactive=spoke(1, 10 * 24))
    due = replace(waiting(Purpose.REVIEW_REQUEST), shop="second")

    assert overview(talked, NOON, rules).sent_in_window == 2
    assert overview(replace(talked, pending=(due,)), NOON, rules).sent_in_window == 1
    assert overview(replace(talked, messages=(said("second"),)), NOON, rules).sent_in_window == 1
