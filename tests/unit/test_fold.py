"""fold: what each fact makes of a conversation, and that a second time makes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from app.domain.conversation import Author, Conversation, Kind, Owner, Status, with_message
from app.domain.events import (
    Act,
    AnyEvent,
    CustomerCalled,
    CustomerEdited,
    CustomerReacted,
    CustomerRevoked,
    Language,
    Media,
    Receipt,
    Stage,
)
from app.domain.fold import fold
from app.domain.rules import REPLIES_AN_HOUR, Purpose, Rules
from tests.builders import (
    NOON,
    RULES,
    acted,
    after,
    left,
    order,
    ordered,
    ours,
    person,
    receipt,
    wrote,
)

HOUR = timedelta(hours=1)


def purposes(conversation: Conversation) -> list[Purpose]:
    return [pending.purpose for pending in conversation.pending]


def edited(text: str, of: str = "IN1") -> CustomerEdited:
    return CustomerEdited(
        id=f"edit:{of}:{text}", at=NOON, received_at=NOON, message=of, session="default", text=text
    )


def revoked(of: str = "IN1") -> CustomerRevoked:
    return CustomerRevoked(
        id=f"revoke:{of}", at=NOON, received_at=NOON, message=of, session="default"
    )


def test_a_purchase_makes_a_thank_you_due() -> None:
    talked = after(ordered(Stage.PAID))
    assert purposes(talked) == [Purpose.POST_PURCHASE]
    assert talked.pending[0].due == NOON
    assert talked.name == "Айгерим С"


def test_a_shop_that_accepts_at_once_is_a_purchase_too() -> None:
    assert purposes(after(ordered(Stage.ACCEPTED))) == [Purpose.POST_PURCHASE]


def test_a_purchase_told_again_in_a_later_stage_thanks_once() -> None:
    talked = after(ordered(Stage.PAID), ordered(Stage.ACCEPTED), ordered(Stage.PACKED))
    assert purposes(talked) == [Purpose.POST_PURCHASE]


def test_a_delivery_asks_now_and_for_a_review_two_days_later() -> None:
    talked = after(ordered(Stage.DELIVERED))
    assert [(p.purpose, p.due - NOON) for p in talked.pending] == [
        (Purpose.ORDER_DELIVERED, timedelta(0)),
        (Purpose.REVIEW_REQUEST, timedelta(hours=48)),
    ]


def test_orders_that_are_not_signed_or_off_ask_for_nothing() -> None:
    for stage in (Stage.WAITING_FOR_SIGNATURE, Stage.CANCELLED, Stage.RETURNED, Stage.UNKNOWN):
        assert after(ordered(stage)).pending == ()


def test_an_order_never_goes_back() -> None:
    talked = after(ordered(Stage.DELIVERED), ordered(Stage.PAID))
    assert [o.stage for o in talked.orders] == [Stage.DELIVERED]


def test_a_later_word_keeps_what_it_leaves_out() -> None:
    bare = replace(ordered(Stage.CANCELLED), order=replace(order(Stage.CANCELLED), items=()))
    talked = after(ordered(Stage.PAID), bare)
    assert talked.orders[0].items == order().items


def test_a_question_is_answered_after_a_pause() -> None:
    talked = after(wrote("Какой размер?"))
    assert [(p.purpose, p.due) for p in talked.pending] == [(Purpose.REPLY, NOON + RULES.debounce)]
    assert talked.messages[0].status is Status.RECEIVED


def test_messages_in_a_row_are_answered_together_but_not_put_off_for_ever() -> None:
    talked = person()
    for second in range(0, 30, 3):
        now = NOON + timedelta(seconds=second)
        talked = after(wrote("?", f"IN{second}", at=now), conversation=talked, now=now)
    assert len(talked.pending) == 1
    assert len(talked.pending[0].answers) == 10
    assert talked.pending[0].due == NOON + timedelta(seconds=27)
    capped = after(wrote("?", "A"), conversation=person())
    capped = after(
        wrote("!", "B", at=NOON + timedelta(seconds=10)),
        conversation=capped,
        now=NOON + timedelta(seconds=10),
    )
    assert capped.pending[0].due == NOON + RULES.debounce_max


def test_the_same_message_under_another_envelope_is_one_message() -> None:
    once = after(wrote("Привет"))
    again = replace(wrote("Привет"), id="waha:default:in:other", wire_id="false_2111@lid_IN1")
    assert after(again, conversation=once) == once


def test_the_answer_follows_the_customers_language() -> None:
    assert after(wrote("Сәлеметсіз бе, тапсырысым қайда?")).language is Language.KK


def test_a_stop_silences_at_once_and_is_confirmed_once() -> None:
    talked = after(ordered(Stage.DELIVERED), wrote("СТОП!"))
    assert talked.opt_out is not None
    assert talked.opt_out.by is Author.CUSTOMER
    assert purposes(talked) == [Purpose.OPT_OUT_CONFIRMATION]
    assert talked.pending[0].due == NOON


def test_a_second_stop_gets_no_second_text() -> None:
    talked = after(wrote("стоп", "A"))
    talked = replace(talked, pending=())
    assert after(wrote("стоп", "B"), conversation=talked).pending == ()


def test_the_question_before_a_stop_is_still_answered() -> None:
    talked = after(wrote("Где мой заказ?", "A"), wrote("стоп", "B"))
    assert sorted(purposes(talked)) == [Purpose.OPT_OUT_CONFIRMATION, Purpose.REPLY]


def test_a_start_takes_the_stop_back() -> None:
    talked = after(wrote("стоп", "A"), wrote("старт", "B"))
    assert talked.opt_out is None
    assert "opt_in_confirmation" in [pending.canned for pending in talked.pending]


def test_a_late_stop_holds_but_a_late_question_is_not_answered() -> None:
    late = NOON - 7 * HOUR
    talked = after(wrote("Вы тут?", "A", at=late), wrote("стоп", "B", at=late))
    assert talked.opt_out is not None
    assert talked.pending == ()
    assert [m.text for m in talked.messages] == ["Вы тут?", "стоп"]


def test_an_edit_changes_the_words_and_may_become_a_stop() -> None:
    assert after(wrote("привет"), edited("прувет")).messages[0].text == "прувет"
    stopped = after(wrote("топ"), edited("стоп"))
    assert stopped.opt_out is not None
    assert purposes(stopped) == [Purpose.OPT_OUT_CONFIRMATION]


def test_an_edit_of_a_message_never_seen_is_a_message() -> None:
    assert [m.text for m in after(edited("Есть размер M?")).messages] == ["Есть размер M?"]


def test_a_deleted_message_is_forgotten_and_not_answered() -> None:
    talked = after(wrote("ой"), revoked())
    assert talked.messages[0].revoked
    assert talked.messages[0].text == ""
    assert talked.pending == ()


def test_a_voice_note_gets_an_honest_text_and_a_person() -> None:
    talked = after(wrote("", media=Media.VOICE))
    assert talked.needs_person is not None
    assert talked.pending[0].canned == "voice"


def test_a_picture_with_words_is_answered_as_words() -> None:
    talked = after(wrote("Такая подойдёт?", media=Media.IMAGE))
    assert talked.pending[0].canned is None


def test_a_sticker_needs_no_answer() -> None:
    assert after(wrote("", media=Media.STICKER)).pending == ()


def test_a_call_gets_one_text_a_day_and_asks_for_a_person() -> None:
    calls = [
        CustomerCalled(id=f"call:{n}", at=NOON, received_at=NOON, session="default")
        for n in range(2)
    ]
    talked = after(*calls)
    assert talked.needs_person is not None
    assert [pending.canned for pending in talked.pending] == ["call"]


def test_a_reaction_is_only_noted() -> None:
    reaction = CustomerReacted(
        id="r1", at=NOON, received_at=NOON, message="OUT1", session="default", emoji="👍"
    )
    talked, entries = fold(person(), reaction, now=NOON, rules=RULES)
    assert talked == person()
    assert [entry.reason for entry in entries] == ["reaction"]


def test_our_own_echo_changes_nothing() -> None:
    said = with_message(person(), ours(Status.SENT))
    assert after(left("Здравствуйте!"), conversation=said) == said


@pytest.mark.parametrize("status", [Status.UNCERTAIN, Status.QUEUED])
def test_the_echo_of_a_message_we_are_unsure_of_proves_that_it_went(status: Status) -> None:
    said = with_message(person(), ours(status, None))
    talked = after(left("Здравствуйте!", "3EB0"), conversation=said)
    assert (talked.messages[0].status, talked.messages[0].message) == (Status.SENT, "3EB0")
    assert talked.owner is Owner.BOT


def test_a_person_on_the_phone_takes_the_chat_over() -> None:
    talked = after(wrote("Есть скидка?"), left("Здравствуйте, это Ерлан"))
    assert talked.owner is Owner.PEOPLE
    assert talked.pending == ()
    assert talked.messages[-1].author is Author.PERSON


def test_what_a_person_said_yesterday_does_not_take_over_today() -> None:
    talked = after(left("Вчера", at=NOON - 20 * HOUR))
    assert talked.owner is Owner.BOT


@pytest.mark.parametrize(
    ("receipts", "status"),
    [
        ([Receipt.DELIVERED, Receipt.ACCEPTED], Status.DELIVERED),
        ([Receipt.READ, Receipt.DELIVERED], Status.READ),
        ([Receipt.FAILED], Status.FAILED),
        ([Receipt.DELIVERED, Receipt.FAILED], Status.DELIVERED),
    ],
)
def test_receipts_only_go_forward(receipts: list[Receipt], status: Status) -> None:
    said = with_message(person(), ours(Status.SENT))
    talked = after(*(receipt(kind) for kind in receipts), conversation=said)
    assert talked.messages[0].status is status


def test_a_receipt_of_a_message_nobody_knows_changes_nothing() -> None:
    assert after(receipt(Receipt.READ, "WHAT")) == person()


def test_a_person_may_say_something_through_the_desk() -> None:
    talked = after(acted(Act.SAY, "Сейчас проверю"))
    assert talked.owner is Owner.PEOPLE
    assert [(m.author, m.text) for m in talked.unsettled] == [(Author.PERSON, "Сейчас проверю")]


def test_a_person_may_opt_someone_out_and_in() -> None:
    silent = after(ordered(Stage.PAID), acted(Act.OPT_OUT))
    assert silent.opt_out is not None
    assert silent.pending == ()
    assert after(acted(Act.OPT_IN, id_="op2"), conversation=silent).opt_out is None


def test_a_failed_message_can_be_queued_again_under_its_own_id() -> None:
    failed = with_message(person(), ours(Status.FAILED))
    talked = after(acted(Act.REPLAY, message="ours"), conversation=failed)
    assert [m.id for m in talked.unsettled] == ["ours"]


EVERYTHING: list[AnyEvent] = [
    ordered(Stage.PAID),
    wrote("Где заказ?", "A"),
    edited("Где мой заказ?", "A"),
    left("Я отвечу", "OUT9"),
    acted(Act.SAY, "Через час"),
    ordered(Stage.DELIVERED),
    wrote("стоп", "B"),
    revoked("B"),
]


def test_folding_everything_twice_is_folding_it_once() -> None:
    once = after(*EVERYTHING)
    again = after(*EVERYTHING, conversation=once)
    assert again.messages == once.messages
    assert again.pending == once.pending
    assert again.orders == once.orders


def test_every_fact_leaves_a_line_in_the_journal() -> None:
    talked = person()
    for event in EVERYTHING:
        talked, entries = fold(talked, event, now=NOON, rules=RULES)
        assert entries, event
        assert all(entry.kind in Kind for entry in entries)


def test_help_is_no_way_around_the_cap_of_an_hour() -> None:
    talked = replace(after(wrote("привет")), pending=(), replies=(NOON,) * REPLIES_AN_HOUR)
    asked, _ = fold(talked, wrote("помощь", "HELP1"), now=NOON, rules=Rules())
    assert asked.pending == ()
    assert asked.needs_person is not None
    assert asked.needs_person.reason == "flood"
