"""The checks: what may not leave, and what must not be held back."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from app.domain.brief import Brief, Line, Statement
from app.domain.conversation import Author
from app.domain.events import Item, Language, Order, Stage
from app.domain.meaning import Topic
from app.domain.rules import Purpose
from app.writing.checks import check, has_stop_hint, tidy
from app.writing.likeness import names

JACKET = Order(
    code="912000001",
    shop="default",
    stage=Stage.DELIVERED,
    items=(Item(name="Куртка Columbia 100% нейлон, черная", quantity=2, price=31980.0),),
    total=32980.0,
    created_at=datetime(2026, 11, 21, 9, tzinfo=ZoneInfo("Asia/Almaty")),
)


def reply(
    *questions: str,
    language: Language = Language.RU,
    history: tuple[Line, ...] = (),
    name: str | None = "Айгерим",
    statements: tuple[Statement, ...] = (),
) -> Brief:
    return Brief(
        purpose=Purpose.REPLY,
        language=language,
        shop="Спорт Алматы",
        customer_name=name,
        orders=(JACKET,),
        history=history,
        messages_to_answer=questions,
        local_time=datetime(2026, 11, 22, 15, 30, tzinfo=ZoneInfo("Asia/Almaty")),
        opener=not history,
        statements=statements,
        hours="Каждый день с 10:00 до 19:00, по воскресеньям до 18:00",
    )


def opener(
    purpose: Purpose = Purpose.POST_PURCHASE,
    *,
    name: str | None = "Айгерим",
    shop: str = "Спорт Алматы",
    item: str | None = None,
) -> Brief:
    orders = (JACKET,) if item is None else (_order_of(item),)
    return Brief(
        purpose=purpose,
        language=Language.RU,
        shop=shop,
        customer_name=name,
        orders=orders,
        history=(),
        messages_to_answer=(),
        local_time=datetime(2026, 11, 22, 15, 30, tzinfo=ZoneInfo("Asia/Almaty")),
        opener=True,
    )


def _order_of(item: str) -> Order:
    return Order(code="1", shop="default", stage=Stage.PAID, items=(Item(name=item),))


def codes(text: str, brief: Brief) -> set[str]:
    return {fault.code for fault in check(text, brief)}


@pytest.mark.parametrize(
    "text",
    [
        "Заказ 912000001 доставлен, если что-то не так — напишите.",
        "Куртка стоит 31 980 ₸ за две штуки.",
        "Одна куртка — 15990 тенге, две — 31 980 тг.",
        "Весь заказ вышел на 32.980 ₸.",
        "Цена 31,98 тыс. тенге.",
        "Состав — 100% нейлон.",
        "Я бот-помощник магазина. Продавец ответит здесь.",
        "Отзыв можно оставить на Kaspi.kz.",
        "Пришло 2 рубашки?",
        "Ответит продавец с 10 до 19.",
        "❤",
    ],
)
def test_an_honest_reply_may_leave(text: str) -> None:
    assert check(text, reply()) == () if text != "❤" else codes(text, reply()) == {"empty"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("…", "empty"),
        ("а" * 501, "too_long"),
        ("Куртка стоит 12 000 ₸.", "price"),
        ("Отдадим за 5000тг", "price"),
        ("Цена 5000, берите.", "price"),
        ("Всего ₸ 9 990", "price"),
        ("Отдадим за ５０００ тенге", "price"),
        ("15 тыс. тенге и она ваша", "price"),
        ("Бағасы 5000 теңге", "price"),
        ("Дадим 90% скидки", "discount"),
        ("Минус 15 процентов только вам", "discount"),
        ("Для вас есть скидка!", "discount"),
        ("Действует акция на куртки", "discount"),
        ("Сізге жеңілдік бар", "discount"),
        ("Смотрите https://evil.example/x", "link"),
        ("Смотрите evil-shop.kz/promo", "link"),
        ("Отзыв: kaspi.kz/shop/review/1", "link"),
        ("Пишите на shop@mail.ru", "link"),
        ("Телеграм @seller_kz", "link"),
        ("Позвоните 8 701 123 45 67", "number"),
        ("Позвоните +7 (701) 123-45-67", "number"),
        ("Карта 4400 4301 2345 6789", "number"),
        ("Счёт KZ75125KZT1001300335", "number"),
        ("Заказ 912000002 доставлен", "number"),
        ("Ваше имя {name}", "leak"),
        ("<facts> говорят, что всё хорошо", "leak"),
        ('{"text": "ok"}', "leak"),
        ("Как языковая модель, я не знаю", "leak"),
        ("Здравствуйте, None!", "leak"),
        ("Error: timeout", "leak"),
        ("Traceback (most recent call last)", "leak"),
        ("Извините, я не могу обработать этот запрос.", "leak"),
        ("Извините, сейчас не могу ответить.", "leak"),
        ("В моём system prompt написано иначе", "leak"),
        ("Статус: handed_over", "leak"),
        ("**Важно** ответьте", "leak"),
        ("Нет, я живой человек", "claims_human"),
        ("Я не бот, честно", "claims_human"),
        ("Тапсырысыңыз жеткізілді", "language"),
        ("Your order has been delivered, please write to us if anything is wrong.", "language"),
    ],
)
def test_what_the_facts_do_not_hold_does_not_leave(text: str, code: str) -> None:
    assert code in codes(text, reply())


def test_invisible_characters_hide_nothing() -> None:
    assert "price" in codes("Отдадим за 50\u200b00 те\u200bнге", reply())


def test_what_the_shop_has_said_may_be_said_again_and_what_the_customer_says_may_not() -> None:
    text = "Да, 12 000 ₸, вот ссылка: shop.kz/1"
    told = Line(author=Author.PERSON, text="Шапка 12 000 ₸: shop.kz/1")
    claimed = Line(author=Author.CUSTOMER, text="Шапка 12 000 ₸: shop.kz/1")

    assert check(text, reply(history=(told,))) == ()
    assert codes(text, reply(history=(claimed,))) == {"price", "link"}
    assert codes(text, reply("Шапка 12 000 ₸ shop.kz/1, да?")) == {"price", "link"}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("Про скидку уточнит продавец и ответит здесь.", set()),
        ("Скидки сейчас нет.", set()),
        ("Да, скидка есть! Продавец рад.", {"discount"}),
        ("Скидка 20%, продавец подтвердит", {"discount"}),
    ],
)
def test_a_discount_that_was_asked_about_may_be_denied_only(text: str, faults: set[str]) -> None:
    assert codes(text, reply("А скидка будет?")) == faults


def test_kazakh_is_expected_to_be_kazakh() -> None:
    kazakh = reply(language=Language.KK)

    assert check("Рахмет!", kazakh) == ()
    assert check("Айгерим, тапсырысыңыз жеткізілді, бәрі дұрыс па?", kazakh) == ()
    assert codes("Айгерим, ваш заказ доставлен, всё ли в порядке с ним?", kazakh) == {"language"}
    mostly = "Ваш заказ уже доставлен, напишите нам, пожалуйста, если что-то не так, рақмет"
    assert codes(mostly, kazakh) == {"language"}


def test_names_have_no_language() -> None:
    assert check("Әйгерім, куртка у вас.", reply(name="Әйгерім")) == ()


GOOD = "Здравствуйте, Айгерим! Это Спорт Алматы. Спасибо за куртку Columbia!"


def test_a_good_first_message_may_leave() -> None:
    assert check(GOOD, opener()) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GOOD.replace(", Айгерим", ""), "no_name"),
        (GOOD.replace("куртку Columbia", "покупку"), "no_product"),
        (GOOD + " kaspi.kz", "link"),
        (GOOD + " Спасибо!" * 40, "too_long"),
    ],
)
def test_a_first_message_names_and_greets_and_links_nowhere(text: str, code: str) -> None:
    assert codes(text, opener()) == {code}


def test_without_a_name_none_is_asked_for() -> None:
    assert check(GOOD.replace(", Айгерим", ""), opener(name=None)) == ()


def test_a_shop_may_be_called_like_a_site() -> None:
    assert check(GOOD.replace("Спорт Алматы", "Sport.kz"), opener(shop="Sport.kz")) == ()


def test_a_link_in_a_products_name_stays_out_of_a_first_message() -> None:
    evil = opener(item="Чехол https://evil.kz")

    assert "link" in codes("Айгерим, спасибо за Чехол https://evil.kz", evil)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Куртка мужская", "спасибо за куртку", True),
        ("Ноутбук Lenovo IdeaPad 3", "ваш lenovo едет", True),
        ("Сағат Casio", "сағатыңыз келді", True),
        ("Чай", "ваш чай", True),
        ("Чехол для iPhone 15", "айфон для вас, 15 штук", False),
        ("A4", "бумага A4", True),
        ("A4", "бумага", False),
    ],
)
def test_a_thing_is_known_by_a_word_of_its_name(name: str, text: str, *, expected: bool) -> None:
    assert names(name, text) is expected


def test_the_last_text_is_not_said_again() -> None:
    said = "Заказ доставлен, если что-то не так — напишите нам сюда, поможем."
    history = (Line(author=Author.BOT, text=said), Line(author=Author.CUSTOMER, text="ок"))

    assert codes(said.replace("нам ", "") + " 🙂", reply(history=history)) == {"repetition"}
    assert check("Рады, что всё хорошо!", reply(history=history)) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ответьте «стоп»", True),
        ("Напишите СТОП.", True),
        ("«тоқта» деп жазыңыз", True),
        ("ваш стоп-сигнал", False),
        ("стопка бумаги", False),
        ("нон-стоп", False),
        ("reply “stop”", True),
        ("Stop by our shop", False),
    ],
)
def test_a_stop_hint_is_the_word_alone(text: str, *, expected: bool) -> None:
    assert has_stop_hint(text) is expected


def test_a_tidy_text_has_nothing_invisible() -> None:
    assert tidy(" Добрый день!\u200b  \n\n\n\nКуртка у вас.\n") == "Добрый день!\n\nКуртка у вас."


def test_a_long_run_of_digits_and_spaces_is_checked_quickly() -> None:
    told = Line(author=Author.PERSON, text="1 " * 20_000 + "1" * 20_000 + " " * 20_000)

    assert check("Рады помочь!", reply(history=(told,))) == ()


TOLD = (
    Statement(topic=Topic.DELIVERY, text="Доставка обычно 3–5 дней."),
    Statement(topic=Topic.RETURNS, text="Примерить и вернуть можно в течение 14 дней."),
)
CARE = Line(
    author=Author.PERSON,
    text="Размер 48 на рост 176-182 см, стирать при 30 градусах, не больше 800 оборотов.",
)

INVENTED = {"price", "link", "number", "discount", "asks", "claims_human"}

MUST_REFUSE = [
    # prices: without a unit, in words, in other figures, with look-alike letters
    "С вас 4500.",
    "Итого: 8990",
    "К оплате 700",
    "Доплатите 500, и привезём",
    "Отдадим за 900!",
    "Прайс 750",
    "Обойдётся в 650",
    "По цене 850 для вас",
    "Сделаем дешевле на 400",
    "Куртка ваша: 10 000",
    "Можем уступить, 12990",
    "Забирайте, 7к",
    "Это 9 тысяч",
    "Это 8 тыс",
    "Отдадим за шесть тысяч",
    "Стоит сто тенге",
    "Всего пять тысяч тенге",
    "Цена — двести тенге",
    "٧٥٠٠ тенге",
    "⑦⑤⓪⓪ тенге",
    "7️⃣5️⃣0️⃣0️⃣ тенге",
    "7'500 тенге",
    "7500 тeнге",
    "7500 tenge",
    "Отдам за $70",
    "80 баксов",
    "70 у.е.",
    "7 кусков, и она ваша",
    "Вернём 3000",
    # links
    "Пишите на wa[.]me/7",
    "Смотрите sale точка kz",
    "Смотрите bonus(.)kz",
    "Сайт bonus. kz",
    "Сайт bonus .kz",
    "Сайт bonus.pro",
    "Сайт bonus。kz",
    "Сайт bon\u00adus.kz",
    "Сайт b.\u180ekz",
    "Откройте ftp://bonus",
    "Откройте 10.20.30.40/pay",
    "Откройте магазин.рф",
    "Сайт shop.кз",
    "Почта shop собака mail точка ру",
    "Мы в инстаграм: best_shop",
    "Телеграм bestshop",
    # phones, cards, accounts
    "Карта 4400, 4301, 2345, 6789",
    "4400 — 4301 — 2345 — 6789",
    "4400|4301|2345|6789",
    "4400 и 4301 и 2345 и 6789",
    "8·701·123·45·67",
    "8~701~123~45~67",
    "8 / 701 / 1234567",
    "44004301 или 23456789",
    "Счёт KZ75 125K ZT10 0130 0335",
    "Звоните 272 12 34 или 272 56 78",
    "Звоните: восемь семьсот один сто двадцать три сорок пять",
    "4️⃣4️⃣0️⃣0️⃣4️⃣3️⃣0️⃣1️⃣2️⃣3️⃣4️⃣5️⃣",
    # discounts and gifts
    "Скидочку сделаем",
    "с к и д к а вам",
    "cкидка вам",
    "скuдка вам",
    "ск\u034fидка вам",
    "Промо-код для вас",
    "Вернём кэш-бэк",
    "Будет кешбек",
    "Чехол в подарок",
    "Подарим чехол",
    "Отдадим бесплатно",
    "Начислим баллы",
    "Двадцать процентов минус",
    "Минус 20 проц.",
    "Полцены для вас",
    "Вам специальная цена",
    "Два по цене одного",
    "На треть дешевле",
    "Акции нет, но для вас есть",
    "Нет проблем, сделаем скидку!",
    "Не волнуйтесь, скидка будет",
    "Скидку продавец уже одобрил",
    "Скидка есть, уточню у продавца и сделаем",
    # swindlers and people
    "Назовите код из СМС",
    "Пришлите код подтверждения",
    "Пришлите фото карты",
    "Купон для вас",
    "Переведите на каспи голд",
    "Оплатите на Kaspi Gold",
    "На карту 4400",
    "Код ALPIN20",
    "Я живой",
    "Я — менеджер",
    "Меня зовут Асель",
    "Это не бот",
    "Вы говорите с живым менеджером",
]

MUST_PASS = [
    "Заказ №912000001 на 32 980 ₸ уже доставлен.",
    "Ответим до 18:00.",
    "Заказ 912000001, 32 980 ₸.",
    "Итого 32980 тенге за две куртки.",
    "К оплате 32 980 ₸.",
    "С вас 31 980.",
    "Цена 15990 за штуку.",
    "Стоимость 15 990,00 тенге.",
    "32,98 тыс. тенге за всё.",
    "Заказ 912000001 оформлен 21.11.2026.",
    "Доставили 22.11.2026, всё ли в порядке?",
    "Работаем с 10:00 до 19:00 каждый день.",
    "Ждём вас в ноябре 2026 года.",
    "Вернуть можно в течение 14 дней.",
    "Спасибо за 2 отзыва!",
    "Спасибо за заказ, т.е. за куртку!",
    "Магазин в г.Алматы, ул.Абая.",
    "1.Примерьте 2.Напишите нам",
    "Спасибо.Рады помочь!",
    "Куртка...да, она у вас.",
    "Отзыв можно оставить на kaspi.kz.",
    "Скидки сейчас нет.",
    "Скидок нет.",
    "Акций пока нет, к сожалению.",
    "Без скидки, к сожалению.",
    "По скидкам ответит продавец.",
    "Про скидку уточнит продавец.",
    "Скидку не обещаем.",
    "Не могу обещать скидку.",
    "Есть ли скидка, подскажет продавец.",
    "Скидки не предусмотрены.",
    "Про рассрочку расскажет продавец здесь.",
    "Вопрос о скидке передали продавцу.",
    "Про бесплатную доставку уточнит продавец.",
    "Промоакций нет.",
    "Скидки нет, но продавец уточнит.",
    "Цену на размер 48 уточнит продавец.",
    "Размер 48 подойдёт на рост 176-182 см.",
    "Состав — 100% нейлон.",
    "Я бот-помощник, продавец ответит здесь.",
    "Вам ответит продавец.",
    "Я передам ваш вопрос, менеджер ответит.",
    "Вам ответит не бот, а продавец.",
    "Обычно доставка занимает 3–5 дней.",
    "Куртка стоит 31 980 ₸ за две штуки.",
    "Заказ пришёл в первой половине дня?",
    "В карточке товара есть таблица размеров.",
    "Стирать при 30 градусах, до 800 оборотов.",
    "Ёлка и йогурт — не про нас 🙂❤️",
    "Размеры S/M/L есть на сайте kaspi.kz, р.XL тоже.",
    "Можно примерить и вернуть за 14 дней.",
]

MUST_PASS_KAZAKH = [
    "Мың рахмет, Айгерим!",
    "Жеңілдік қазір жоқ.",
    "Жеңілдік туралы сатушы жауап береді.",
    "Бағасы 15 990 теңге.",
    "№912000001 тапсырысыңыз жеткізілді, 32 980 ₸.",
    "Сағат 18:00-ге дейін жауап береміз.",
    "Сатушы осы чатта жауап береді.",
]

MUST_REFUSE_KAZAKH = [
    "Бағасы бес мың теңге",
    "5 мыңға береміз",
    "9990-ға береміз",
    "Тегін жеткіземіз",
    "Сізге жеңілдік бар",
    "Сізге женилдик жасаймыз",
    "Жиырма пайыз",
    "Сыйлық береміз",
    "Мен менеджермін",
    "Менің атым Әсел",
    "Жартысын қайтарамыз",
    "Құны тоғыз мың",
]


@pytest.mark.parametrize("text", MUST_REFUSE)
def test_what_is_invented_is_refused_however_it_is_spelled(text: str) -> None:
    assert codes(text, reply()) & INVENTED


@pytest.mark.parametrize("text", MUST_REFUSE_KAZAKH)
def test_what_is_invented_in_kazakh_is_refused(text: str) -> None:
    assert codes(text, reply(language=Language.KK)) & INVENTED


@pytest.mark.parametrize("text", MUST_PASS)
def test_honest_words_may_leave(text: str) -> None:
    assert check(text, reply("А 48 размер?", history=(CARE,), statements=TOLD)) == ()


@pytest.mark.parametrize("text", MUST_PASS_KAZAKH)
def test_honest_words_in_kazakh_may_leave(text: str) -> None:
    assert check(text, reply(language=Language.KK)) == ()


def test_a_denied_discount_is_not_a_promise_to_be_repeated() -> None:
    denied = Line(author=Author.BOT, text="Скидки нет, к сожалению.")

    assert codes("Скидки рады дать!", reply(history=(denied,))) == {"discount"}


def test_the_sellers_tracking_number_may_be_said_again_in_another_spelling() -> None:
    told = Line(author=Author.PERSON, text="Трек RR 123 456 789 KZ, мой номер 8 701 123 45 67")

    assert check("Трек RR123456789KZ, номер 8-701-123-45-67.", reply(history=(told,))) == ()


def test_a_sum_of_any_length_and_a_text_of_any_length_are_refused_quickly() -> None:
    assert codes("9" * 400 + " тенге", reply()) >= {"price"}
    assert codes("9 " * 100_000, reply()) == {"too_long"}


@pytest.mark.parametrize(
    ("text", "stage", "code"),
    [
        ("Заказ уже в пути.", Stage.HANDED_OVER, "state"),
        ("Заказ доставлен.", Stage.DELIVERED, "state"),
        ("Заказ отменён.", Stage.CANCELLED, "state"),
        ("Заказ собран.", Stage.PACKED, "state"),
        ("Возврат одобрен.", Stage.RETURNED, "deed"),
        ("Мы отменили ваш заказ.", Stage.CANCELLED, "deed"),
    ],
)
def test_an_order_is_only_said_to_be_where_it_is(text: str, stage: Stage, code: str) -> None:
    def told(now: Stage) -> Brief:
        order = msgspec.structs.replace(JACKET, stage=now)
        return msgspec.structs.replace(reply("Где заказ?"), orders=(order,))

    assert codes(text, told(stage)) == set()
    assert code in codes(text, told(Stage.WAITING_FOR_SIGNATURE))
