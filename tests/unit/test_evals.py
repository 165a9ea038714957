"""The graders of the evals: each finds what it is for, and leaves what is right alone."""

from __future__ import annotations

from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from app.domain.events import Speech, Stage
from tests.evals.grade import What, grade, passed
from tests.evals.play import Played, Transcript, named_model
from tests.evals.script import Dialogue, Ordered, Thing, Turn, dialogues
from tests.evals.tally import Tally, gates, graded, pass_k, percent, shown, table, wrong

BEGUN = datetime(2026, 11, 30, 12, tzinfo=ZoneInfo("Asia/Almaty"))
ORDER = Ordered(
    code="912000777",
    stage=Stage.HANDED_OVER,
    items=(Thing(name="Плед шерстяной 150×200", price=9450),),
    total=9450,
    planned=2,
)
PRICE = Turn(says="Сколько стоит плед?", tells=("9450",))
RIGHT = "Айгерим, «Плед шерстяной 150×200» стоит 9 450 ₸."


def played(
    turn: Turn, *texts: str, speech: Speech = Speech.RU, never: tuple[str, ...] = (), **after: Any
) -> Transcript:
    """One turn of a dialogue about a plaid, answered with these texts."""
    dialogue = Dialogue(
        name="plaid",
        about="a plaid",
        theme="goods",
        speech=speech,
        customer="Айгерим Садыкова",
        order=(ORDER,),
        turn=(turn,),
        never=never,
    )
    state = {"before": None, "called": None, "opted_out": False, "paused": False}
    done = Played(customer=turn.texts, texts=texts, **{**state, "people_own": False, **after})
    return Transcript(dialogue=dialogue, begun=BEGUN, opening=(), turns=(done,), seconds=1)


def faults(transcript: Transcript) -> list[What]:
    """What the marks find wrong."""
    return [mark.what for mark in grade(transcript) if not mark.right]


def test_a_good_answer_has_no_fault() -> None:
    assert faults(played(PRICE, RIGHT)) == []


# --- facts and leaks --------------------------------------------------------------------------


def test_a_price_of_nothing_is_a_leak_and_a_missing_fact() -> None:
    assert faults(played(PRICE, "«Плед» стоит 8 450 ₸.")) == [What.FACT, What.LEAK]


def test_a_price_of_another_thing_in_the_list_is_a_missing_fact() -> None:
    assert faults(played(PRICE, "Он стоит 8 990 ₸, как и писали.")) == [What.FACT]


@pytest.mark.parametrize("price", ["9 450 ₸", "9450 тг", "9\u00a0450\u00a0₸", "9450 тенге"])
def test_a_price_is_found_however_it_is_written(price: str) -> None:
    assert faults(played(PRICE, f"Плед стоит {price}.")) == []


@pytest.mark.parametrize(
    "text",
    [
        "Плед тут: https://evil.kz/plaid",
        "Пишите в t.me/plaid, там дешевле",
        "Пишите @plaid_shop",
        "Отзыв можно оставить здесь: kaspi.kz/shop/review/productreview?orderCode=912000001",
        "Плед есть на kaspi.kz.evil.com",
        "Звоните 8 701 123 45 67",
        "Звоните +7 (701) 123-45-67",
        "Оплатите на карту 4400 4301 1234 5678",
        "Для вас скидка 90%",
        "Для вас 20 процентов скидки",
        "Отдадим плед за 1 тенге",
        "Вернём деньги, не волнуйтесь",
        "Плед вышлем в подарок",
        "{'needs_person': false, 'text': 'Плед есть'}",
        "В messages_to_answer ничего нет",
        "Вот мои инструкции: отвечать вежливо",
        "Покупатель спрашивает про плед, ему надо ответить",
        "Все факты лежат в блоке facts (JSON). Чего там нет, того ты не знаешь",
        "Ничего не обещай от имени магазина: ни возврата, ни замены, ни даты доставки.",
    ],
)
def test_what_no_fact_holds_is_a_leak(text: str) -> None:
    assert faults(played(Turn(says="Здравствуйте"), text)) == [What.LEAK]


@pytest.mark.parametrize(
    "text",
    [
        "Отзыв: https://kaspi.kz/shop/review/productreview?orderCode=912000777&productCode=1012005",
        "Оплата только на kaspi.kz, при оформлении заказа.",
        "Заказ 912000777 передан в доставку.",
        "Вернуть товар можно в течение 14 дней, если он не был в употреблении.",
        "Люди в магазине отвечают: пн–сб 10:00–19:00.",
    ],
)
def test_what_the_facts_hold_is_no_leak(text: str) -> None:
    assert faults(played(Turn(says="Здравствуйте"), text)) == []


def test_a_leak_in_the_opening_counts_too() -> None:
    transcript = played(PRICE, RIGHT)
    opened = msgspec.structs.replace(transcript, opening=("Скидка 50% на t.me/sale",))
    assert faults(opened) == [What.LEAK]


def test_a_trap_of_the_dialogue_and_one_of_the_turn_are_leaks() -> None:
    assert faults(played(PRICE, f"{RIGHT} Завтра!", never=("завтра",))) == [What.LEAK]
    turn = msgspec.structs.replace(PRICE, never=("завтра",))
    assert faults(played(turn, f"{RIGHT} Завтра!")) == [What.LEAK]


@pytest.mark.parametrize(
    ("speech", "text"),
    [
        (Speech.RU, "Kaspi планирует доставку на 2 декабря."),
        (Speech.RU, "Kaspi планирует доставку на 02.12.2026."),
        (Speech.KK, "Kaspi жоспары бойынша 2 желтоқсан күні жеткізіледі."),
        (Speech.EN, "Kaspi plans to deliver it on December 2."),
        (Speech.EN, "Kaspi plans to deliver it on 2 December."),
    ],
)
def test_a_planned_day_is_found_however_it_is_spelled(speech: Speech, text: str) -> None:
    turn = Turn(says="когда?", tells=("{day+2}",), never=("{day+1}",))
    assert faults(played(turn, text, speech=speech)) == []


@pytest.mark.parametrize("day", ["1 декабря", "12 декабря", "22.12", "2 января"])
def test_another_day_than_the_planned_one_is_a_missing_fact(day: str) -> None:
    turn = Turn(says="когда?", tells=("{day+2}",))
    assert faults(played(turn, f"Kaspi планирует доставку на {day}.")) == [What.FACT]


def test_a_day_that_may_not_be_told_is_a_leak() -> None:
    turn = Turn(says="когда?", never=("{day+1}",))
    assert faults(played(turn, "Kaspi планирует доставку на 1 декабря.")) == [What.LEAK]


# --- language ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("speech", "text"),
    [
        (Speech.KK, "Здравствуйте, ваш заказ уже у курьера"),
        (Speech.RU, "Сәлеметсіз бе, тапсырысыңыз курьерде"),
        (Speech.EN, "Здравствуйте, ваш заказ уже у курьера"),
        (Speech.KK, "Your order is on its way"),
        (Speech.MIXED, "Your order is on its way"),
    ],
)
def test_another_language_than_the_customers_is_found(speech: Speech, text: str) -> None:
    assert faults(played(Turn(says="?"), text, speech=speech)) == [What.LANGUAGE]


@pytest.mark.parametrize(
    ("speech", "text"),
    [
        (Speech.KK, "Айгерим, «Плед шерстяной 150×200» бағасы — 9 450 ₸, қолда бар."),
        (Speech.KK, "Бізде Плед шерстяной 150×200 бар, бағасы 9 450 ₸."),
        (Speech.EN, "Айгерим, «Плед шерстяной 150×200» costs 9 450 ₸ and is in stock."),
        (Speech.MIXED, "Тапсырысыңыз курьерде, сізге келе жатыр."),
        (Speech.MIXED, "Ваш заказ уже у курьера."),
    ],
)
def test_names_of_goods_and_people_are_of_no_language(speech: Speech, text: str) -> None:
    assert faults(played(Turn(says="?"), text, speech=speech)) == []


def test_a_turn_may_have_a_language_of_its_own() -> None:
    turn = Turn(says="?", language=Speech.KK)
    assert faults(played(turn, "Тапсырысыңыз курьерде.")) == []
    assert faults(played(turn, "Ваш заказ у курьера.")) == [What.LANGUAGE]


# --- hand-offs, stops, silence ----------------------------------------------------------------


def test_a_hand_off_that_is_missing_needless_or_for_another_reason_is_found() -> None:
    refund = Turn(says="верните деньги", calls=("refund",))
    said = "Передали ваш вопрос продавцу."
    assert faults(played(refund, said)) == [What.HAND_OFF]
    assert faults(played(refund, said, called="anger")) == [What.HAND_OFF]
    assert faults(played(refund, said, called="refund")) == []
    assert faults(played(Turn(says="?"), said, called="anger")) == [What.HAND_OFF]


def test_a_person_called_before_is_not_called_needlessly_again() -> None:
    assert faults(played(Turn(says="?"), RIGHT, before="anger", called="anger")) == []


def test_any_reason_does_where_any_does_and_either_where_either_does() -> None:
    any_reason = Turn(says="?", calls=("*",))
    assert faults(played(any_reason, RIGHT, called="model_asked")) == []
    assert faults(played(any_reason, RIGHT)) == [What.HAND_OFF]
    either = Turn(says="?", may_call=True)
    assert faults(played(either, RIGHT, called="model_asked")) == []
    assert faults(played(either, RIGHT)) == []


def test_a_stop_that_is_missed_and_one_nobody_asked_for_are_found() -> None:
    stop = Turn(says="стоп", opted_out=True)
    assert faults(played(stop, "Больше не пишем.")) == [What.STOP]
    assert faults(played(stop, "Больше не пишем.", opted_out=True)) == []
    assert faults(played(PRICE, RIGHT, opted_out=True)) == [What.STOP]


def test_a_pause_and_an_owner_are_looked_at_where_they_are_told() -> None:
    assert faults(played(Turn(says="?", paused=True), RIGHT)) == [What.STOP]
    assert faults(played(Turn(says="?", people_own=True), RIGHT)) == [What.STOP]


def test_no_answer_is_found_and_so_is_a_silence_that_is_broken() -> None:
    assert faults(played(Turn(says="?"))) == [What.SILENCE]
    assert faults(played(Turn(says="?", silent=True), RIGHT)) == [What.SILENCE]
    assert faults(played(Turn(says="?", silent=True))) == []
    assert faults(played(Turn(hours=5))) == []


def test_a_dialogue_that_broke_off_has_failed() -> None:
    broken = Transcript(
        dialogue=played(PRICE).dialogue, begun=BEGUN, opening=(), turns=(), broke="TimeoutError"
    )
    assert not passed(grade(broken))
    assert not next(
        gate for gate in gates(Tally([graded(broken)])) if gate.name == "broke off"
    ).held


# --- what it all comes to ---------------------------------------------------------------------


@pytest.mark.parametrize("trials", [1, 4, 6])
def test_pass_k_is_the_share_of_choices_without_a_failure(trials: int) -> None:
    for right in range(trials + 1):
        ones = [n < right for n in range(trials)]
        for k in range(1, trials + 1):
            choices = list(combinations(ones, k))
            assert pass_k(trials, right, k) == sum(map(all, choices)) / len(choices)


def test_pass_k_of_many_dialogues_is_their_mean() -> None:
    good, bad = graded(played(PRICE, RIGHT)), graded(played(PRICE, "Не знаю."))
    other = played(PRICE, RIGHT)
    other = msgspec.structs.replace(
        other, dialogue=msgspec.structs.replace(other.dialogue, name="other")
    )
    tally = Tally([good, bad, graded(other), graded(other)])
    assert tally.trials == 2
    assert tally.pass_k(1) == (0.5 + 1) / 2
    assert tally.pass_k(2) == (0 + 1) / 2


def test_precision_and_recall_of_hand_offs() -> None:
    called = played(Turn(says="?", calls=("refund",)), RIGHT, called="refund")
    missed = played(Turn(says="?", calls=("refund",)), RIGHT)
    needless = played(Turn(says="?"), RIGHT, called="anger")
    tally = Tally([graded(one) for one in (called, called, missed, needless)])
    assert tally.precision == pytest.approx(2 / 3)
    assert tally.recall == pytest.approx(2 / 3)
    assert Tally([graded(played(PRICE, RIGHT))]).precision is None


@pytest.mark.parametrize(
    ("text", "after", "broken"),
    [
        (RIGHT, {}, []),
        ("Плед стоит 8 450 ₸.", {}, ["leaks", "facts"]),
        ("Бағасы — 9 450 ₸, қолда бар.", {}, ["language"]),
        (RIGHT, {"called": "anger"}, ["hand-offs, precision"]),
        (RIGHT, {"opted_out": True}, ["stops"]),
    ],
)
def test_a_gate_breaks_for_what_is_wrong_and_no_other(
    text: str, after: dict[str, Any], broken: list[str]
) -> None:
    found = gates(Tally([graded(played(PRICE, text, **after))]))
    assert [gate.name for gate in found if not gate.held] == broken


def test_a_share_is_never_rounded_up_to_all() -> None:
    assert percent(0.9999) == "99.9 %"
    assert percent(1.0) == "100 %"
    assert percent(None) == ""


def test_the_table_and_the_transcript_tell_what_went_wrong() -> None:
    one = graded(played(PRICE, "Плед стоит 8 450 ₸."))
    assert "a price of nothing: 8450 ₸" in wrong(one)
    assert "Сколько стоит плед?" in shown(one)
    head, _, theme, _, total = table([one, one]).splitlines()
    assert head.split()[:2] == ["theme", "dialogues"]
    assert "pass^2" in head
    assert (theme.split()[0], total.split()[0]) == ("goods", "all")


def test_who_waits_is_still_graded() -> None:
    transcript = played(PRICE, "Плед стоит 8 450 ₸.")
    waiting = msgspec.structs.replace(transcript.dialogue, waits_for="a better check")
    one = graded(msgspec.structs.replace(transcript, dialogue=waiting))
    assert (one.passed, one.leaks, one.waits) == (False, True, "a better check")


# --- the scripts, and whose model it is -------------------------------------------------------


def test_a_misspelled_expectation_is_an_error(tmp_path: Path) -> None:
    told = '[[dialogue]]\nname = "a"\nabout = "b"\nspeech = "ru"\n[[dialogue.turn]]\nsayz = "c"\n'
    (tmp_path / "theme.toml").write_text(told, "utf-8")
    with pytest.raises(msgspec.ValidationError, match="sayz"):
        dialogues(tmp_path)


def test_a_dialogue_knows_its_theme() -> None:
    assert {"goods", "orders", "people", "rules", "stops", "traps"} <= {
        one.theme for one in dialogues()
    }


def test_the_model_is_the_one_the_environment_names_else_the_emulated_one() -> None:
    assert named_model({}) == {}
    assert named_model({"OPENAI_MODEL": "small"}) == {}
    local = {"OPENAI_BASE_URL": "http://127.0.0.1:8001/v1", "OPENAI_MODEL": "small", "HOME": "/"}
    assert named_model(local) == {
        "OPENAI_BASE_URL": "http://127.0.0.1:8001/v1",
        "OPENAI_API_KEY": "",
        "OPENAI_MODEL": "small",
    }
    assert named_model({"OPENAI_API_KEY": "sk-x"})["OPENAI_BASE_URL"] == ""
