"""Arms: who gets which prompt, what the seller switches, how each does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.domain.brief import brief_for
from app.domain.conversation import Author, Entry, Kind, Message, Status, Written
from app.domain.events import Language
from app.domain.experiments import FIRST, arm_of, arms_on, with_arms
from app.domain.fold import fold_all
from app.domain.rules import Purpose, Rules, Shop
from app.domain.sending import went
from app.domain.tally import tally
from app.errors import Permanent
from app.writing.checks import check
from app.writing.prompts import WRITTEN, Prompts
from app.writing.reuse import kind_of
from app.writing.writer import Writer
from tests.builders import NOON, PHONE, RULES, order, ours, person, waiting, wrote

ROOT = Path(__file__).parents[2] / "prompts"
BOTH = ("v1", "v2")
ON = with_arms(Rules(arms_off=frozenset()), {Purpose.POST_PURCHASE: BOTH})
PEOPLE = [f"7705{number:07d}" for number in range(10_000)]
THANKS = waiting(Purpose.POST_PURCHASE)


@pytest.mark.parametrize("purpose", [Purpose.POST_PURCHASE, Purpose.REPLY, Purpose.CAMPAIGN])
def test_each_arm_gets_its_half_of_ten_thousand_people(purpose: Purpose) -> None:
    second = sum(arm_of(one, purpose, arms=BOTH) == "v2" for one in PEOPLE)
    assert 4500 < second < 5500


def test_three_arms_get_a_third_each() -> None:
    arms = ("v1", "v2", "v3")
    drawn = [arm_of(one, Purpose.REMINDER, arms=arms) for one in PEOPLE]
    assert all(3000 < drawn.count(arm) < 3700 for arm in arms)


def test_a_person_stays_in_an_arm_whatever_the_order_of_the_arms() -> None:
    for one in PEOPLE[:500]:
        arm = arm_of(one, Purpose.POST_PURCHASE, arms=BOTH)
        assert arm == arm_of(one, Purpose.POST_PURCHASE, arms=BOTH[::-1])


def test_only_people_of_an_arm_that_is_switched_off_move() -> None:
    arms = ("v1", "v2", "v3")
    for one in PEOPLE[:2000]:
        before = arm_of(one, Purpose.POST_PURCHASE, arms=arms)
        if before != "v3":
            assert arm_of(one, Purpose.POST_PURCHASE, arms=BOTH) == before


def test_an_arm_for_one_purpose_says_nothing_of_another() -> None:
    alike = sum(
        arm_of(one, Purpose.POST_PURCHASE, arms=BOTH) == arm_of(one, Purpose.REMINDER, arms=BOTH)
        for one in PEOPLE
    )
    assert 4500 < alike < 5500


def test_the_second_thank_you_is_off_until_the_seller_switches_it_on() -> None:
    rules = with_arms(RULES, Prompts.load().arms)
    assert rules.arms[Purpose.POST_PURCHASE] == BOTH
    assert arms_on(Purpose.POST_PURCHASE, rules) == ("v1",)
    on = replace(rules, arms_off=frozenset())
    assert arms_on(Purpose.POST_PURCHASE, on) == BOTH


@pytest.mark.parametrize("purpose", Purpose)
def test_when_all_arms_are_off_the_first_is_on(purpose: Purpose) -> None:
    off = frozenset(f"{purpose}/{arm}" for arm in BOTH)
    assert arms_on(purpose, replace(ON, arms_off=off)) == (FIRST,)


def test_the_first_arm_can_be_switched_off() -> None:
    rules = replace(ON, arms_off=frozenset({"post_purchase/v1"}))
    assert arms_on(Purpose.POST_PURCHASE, rules) == ("v2",)


def test_a_shop_with_rules_of_its_own_knows_the_arms_too() -> None:
    shops = (Shop(id="a", name="A", session="a"), Shop(id="b", name="B", session="b"))
    rules = Rules(shops=shops, by_shop={"b": Rules(shops=shops, max_messages=1)})
    known = with_arms(rules, {Purpose.REPLY: BOTH})
    assert arms_on(Purpose.REPLY, known.of("b")) == arms_on(Purpose.REPLY, known.of("a")) == BOTH


def test_a_brief_carries_the_arm_of_its_person() -> None:
    briefs = [
        brief_for(person(chat=one, orders=(order(),)), THANKS, now=NOON, rules=ON)
        for one in PEOPLE[:50]
    ]
    arms = [arm_of(one, Purpose.POST_PURCHASE, arms=BOTH) for one in PEOPLE[:50]]
    assert [brief.arm for brief in briefs] == arms
    assert set(arms) == set(BOTH)


def test_texts_of_two_arms_are_not_shared() -> None:
    brief = brief_for(person(orders=(order(),)), THANKS, now=NOON, rules=RULES)
    assert kind_of(replace(brief, arm="v2")) != kind_of(brief)
    assert kind_of(replace(brief, arm="v3")) != kind_of(replace(brief, arm="v2"))


# --- the files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
def test_the_prompt_of_the_arm_is_used_and_named(language: Language) -> None:
    prompts = Prompts.load()
    brief = brief_for(person(language=language, orders=(order(),)), THANKS, now=NOON, rules=RULES)
    first, second = (prompts.render(replace(brief, arm=arm)) for arm in BOTH)
    assert (first.name, second.name) == ("post_purchase/v1", "post_purchase/v2")
    assert first.system != second.system
    assert first.user == second.user
    assert prompts.repair(replace(brief, arm="v2"), "x", ()).name == "post_purchase/v2"


@pytest.mark.parametrize("purpose", [one for one in WRITTEN if one is not Purpose.POST_PURCHASE])
def test_every_other_purpose_has_one_arm(purpose: Purpose) -> None:
    assert Prompts.load().arms[purpose] == (FIRST,)


async def test_a_language_an_arm_lacks_falls_back_to_the_first(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "prompts"))
    (root / "post_purchase/v2.kk.j2").unlink()
    (root / "reply/v10.ru.j2").write_text("десять", encoding="utf-8")
    (root / "reply/v2.ru.j2").write_text("два", encoding="utf-8")
    prompts = Prompts.load(root)
    kazakh = person(language=Language.KK, orders=(order(),))
    brief = replace(brief_for(kazakh, THANKS, now=NOON, rules=RULES), arm="v2")

    assert prompts.render(brief).name == "post_purchase/v1"
    draft = await Writer(model=None, prompts=prompts).write(brief)
    assert draft.written.prompt == "post_purchase/v1"
    assert prompts.arms[Purpose.REPLY] == ("v1", "v2", "v10")
    assert prompts.arms[Purpose.POST_PURCHASE] == BOTH


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("reply/v2.rus.j2", "named as no prompt"),
        ("reply/second.ru.j2", "named as no prompt"),
        ("reply/v0.ru.j2", "named as no prompt"),
        ("suggestion/v2.ru.j2", "no arms"),
    ],
)
def test_a_file_that_is_no_arm_is_told(tmp_path: Path, *, file: str, told: str) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "prompts"))
    (root / file).write_text("текст", encoding="utf-8")
    with pytest.raises(Permanent, match=told):
        Prompts.load(root)


# --- how they do -------------------------------------------------------------------------------


def said(written: Written | None, status: Status = Status.QUEUED) -> Message:
    return replace(ours(status), purpose=Purpose.POST_PURCHASE, written=written)


V2 = Written(prompt="post_purchase/v2", canned=False, arm="v2")


def test_what_went_and_what_was_answered_is_counted_by_arm() -> None:
    message = said(V2)
    known = person(messages=(message,))
    after, sent = went(known, message, now=NOON)
    assert tally(sent)["arm:post_purchase/v2:sent"] == 1
    assert tally(sent)["shop:default:arm:post_purchase/v2:sent"] == 1

    after, heard = fold_all(after, (wrote("Спасибо!"),), now=NOON, rules=RULES)
    assert tally(heard)["arm:post_purchase/v2:answered"] == 1
    again = fold_all(after, (wrote("И ещё", "IN2"),), now=NOON, rules=RULES)[1]
    assert "arm:post_purchase/v2:answered" not in tally(again), "one message is answered once"


@pytest.mark.parametrize("written", [None, Written(prompt="post_purchase/v2", canned=True)])
def test_what_no_model_wrote_is_no_arms_work(written: Written | None) -> None:
    message = said(written)
    _, sent = went(person(messages=(message,)), message, now=NOON)
    assert not [name for name in tally(sent) if "arm:" in name]


def test_a_question_out_of_the_blue_answers_no_arm() -> None:
    heard = fold_all(person(), (wrote("Где заказ?"),), now=NOON, rules=RULES)[1]
    assert not [name for name in tally(heard) if "arm:" in name]


def test_an_entry_written_before_there_were_arms_counts_as_it_did() -> None:
    entry = Entry(at=NOON, kind=Kind.SENT, shop="default", purpose=Purpose.POST_PURCHASE)
    assert {"sent", "sent:post_purchase"} <= tally([entry]).keys()
    assert Message(id="m", author=Author.CUSTOMER, text=PHONE, at=NOON, status=Status.RECEIVED,
                   session="s", shop="d").arm is None  # fmt: skip


# --- the second thank-you ----------------------------------------------------------------------

THANK_YOUS = {
    "ru": """
        Здравствуйте, Айгерим! Это Kaspi магазин. Спасибо за заказ: куртка Alpin!
        Если захотите что-то уточнить, просто напишите сюда.
        Остались ли у вас вопросы об этой куртке?""",
    "kk": """
        Сәлеметсіз бе, Айгерим! Бұл — Kaspi магазин. Alpin куртка тапсырысыңызға рахмет!
        Тапсырыс бойынша осында жаза аласыз. Осы тауар туралы сұрағыңыз бар ма?""",
    "en": """
        Hello, Айгерим! This is Kaspi магазин. Thank you for ordering the куртка Alpin!
        Feel free to ask here. Is there anything you would like to check?""",
}


@pytest.mark.parametrize("language", Language)
def test_what_the_second_prompt_asks_for_passes_the_checks(language: Language) -> None:
    text = " ".join(THANK_YOUS[language].split())
    known = person(language=language, name="Айгерим С", orders=(order(),))
    rules = replace(RULES, languages=(language,))
    brief = replace(brief_for(known, THANKS, now=NOON, rules=rules), arm="v2")
    system = Prompts.load().render(brief).system
    assert brief.language is language
    assert check(text, brief, secrets=(system,)) == ()


@pytest.mark.parametrize("language", Language)
def test_both_thank_yous_follow_the_same_rules_of_the_house(language: Language) -> None:
    brief = brief_for(person(orders=(order(),)), THANKS, now=NOON, rules=RULES)
    first, second = (
        Prompts.load().render(replace(brief, language=language, arm=arm)).system.split("\n\n")
        for arm in BOTH
    )
    same = set(first) & set(second)
    assert len(same) == len(first) - 1 == len(second) - 1


async def test_an_arm_nobody_has_is_written_as_the_first() -> None:
    brief = replace(brief_for(person(orders=(order(),)), THANKS, now=NOON, rules=RULES), arm="v7")
    draft = await Writer(model=None, prompts=Prompts.load()).write(brief)
    assert draft.written.prompt == "post_purchase/v1"
