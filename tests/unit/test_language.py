"""Stops, starts, languages and names."""

from __future__ import annotations

import pytest

from app.domain.events import Language
from app.domain.language import first_name, language_of
from app.domain.wishes import Wish, wish_of


@pytest.mark.parametrize(
    "text",
    ["стоп", "СТОП", "Стоп!", "стоп.", "«стоп»", " стоп пожалуйста ", "Пожалуйста, стоп", "stop",
     "STOP", "Stop please", "стоп стоп стоп", "стоп 🙏", "отписка", "Отпишите меня", "не пишите",
     "Не пишите мне больше", "больше не пишите мне, пожалуйста", "unsubscribe",
     "don't message me", "Don’t write to me", "маған жазбаңыз", "Жазбаңыз!", "тоқта", "Тоқтатыңыз",
     "жазбаныз", "отписаться", "не пишите, спасибо", "СТОП, БОЛЬШЕ НЕ ПИШИТЕ МНЕ!",
     "Здравствуйте! Не пишите мне больше", "извините, стоп", "прошу не писать", "жазбаңызшы",
     "маған жазба", "unsubscribe me", "stop texting me", "don't text me", "ｓｔｏｐ", "cтоп",
     "стoп", "с\u200bтоп", "нет, не пишите", "хочу отписаться", "не пишите на этот номер",
     "стоп рассылка",
     "уберите меня из рассылки", "удалите мой номер", "мені мазаламаңыз", "stop all",
     "Стоп.\nНе пишите."],
)  # fmt: skip
def test_plain_words_for_stop_are_understood(text: str) -> None:
    assert wish_of(text) is Wish.STOP


@pytest.mark.parametrize(
    "text",
    ["отмените заказ", "стоп-сигнал", "стопка", "нон-стоп", "не пишите адрес на коробке",
     "хватит ли двух?", "не присылайте курьера сегодня", "стоп, а цена?",
     "отпишитесь как отправите", "ручка не пишет", "маған жазыңыз", "где мой заказ?", "спасибо",
     "ок", "", "👍", "12", "не приходит смс, пишите сюда", "отпишитесь", "хватит?", "мне хватит",
     "нас хватит", "Баста!", "не пишет", "стоп?", "не отправляйте", "не отправляйте заказ",
     "удалите заказ", "не надо", "больше не надо", "стоп. где мой заказ", "текст сообщения",
     "не пишите «подарок» на коробке", "жаз", "do not send the blue one", "stop it from leaking",
     "уберите один товар", "не беспокойтесь"],
)  # fmt: skip
def test_other_messages_are_no_stop(text: str) -> None:
    assert wish_of(text) is None


@pytest.mark.parametrize("text", ["старт", "START", "Старт, пожалуйста!", "бастау"])
def test_a_start_is_understood(text: str) -> None:
    assert wish_of(text) is Wish.START


def test_the_sellers_own_words_stop_too() -> None:
    assert wish_of("Баста карапузики!", ("баста карапузики",)) is Wish.STOP
    assert wish_of("баста карапузики мне больше", ("баста карапузики",)) is Wish.STOP


@pytest.mark.parametrize(
    ("text", "language"),
    [("Сәлеметсіз бе", Language.KK), ("рахмет", Language.KK), ("Где мой заказ?", Language.RU),
     ("калай болады", Language.KK), ("размер подошёл", Language.RU), ("спасибо", Language.RU)],
)  # fmt: skip
def test_a_language_is_known_by_letters_and_words(text: str, language: Language) -> None:
    assert language_of(text) is language


@pytest.mark.parametrize("text", ["👍", "ok", "42", ""])
def test_what_says_nothing_keeps_the_chats_language(text: str) -> None:
    assert language_of(text, Language.KK) is Language.KK
    assert language_of(text) is None


@pytest.mark.parametrize(
    ("name", "first"),
    [("Айгерим С", "Айгерим"), ("НУРБЕК", "Нурбек"), ("анна-мария к.", "Анна-Мария"),
     ("Әлия", "Әлия"), (None, None), ("", None), ("None", None), ("С", None), ("77051234567", None),
     ("✨", None), ("  ", None), ("null", None)],
)  # fmt: skip
def test_people_are_called_by_a_first_name_they_have(name: str | None, first: str | None) -> None:
    assert first_name(name) == first
