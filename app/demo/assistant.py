"""The scripted shop assistant in the emulated model: a prompt's facts in, a credible text out."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

_FACTS = re.compile(r"<facts>\s*(.*?)\s*</facts>", re.DOTALL)
_MAX_CHARS = 300
_MAX_NAME_CHARS = 90


class _Item(msgspec.Struct, frozen=True):
    name: str = ""
    quantity: float | None = None
    price: float | None = None


class _Order(msgspec.Struct, frozen=True):
    code: str = ""
    items: list[_Item] = []
    total: float | None = None
    stage: str | None = None


class Facts(msgspec.Struct, frozen=True):
    """What the prompt tells; everything may be missing."""

    purpose: str = "reply"
    language: str = "ru"
    shop: str | None = None
    customer_name: str | None = None
    orders: list[_Order] = []
    messages_to_answer: list[str] = []


class Said(msgspec.Struct, frozen=True):
    """What the assistant says, and whether it asks for a person."""

    text: str
    needs_person: bool = False
    language: str = "ru"


# Stems of what a buyer may mean, in the order they are tried, in Russian and Kazakh.
_MEANINGS: dict[str, tuple[str, ...]] = {
    "person": ("человек", "оператор", "менеджер", "позовите", "адаммен", "адамға", "сатушымен"),
    "broken": ("брак", "сломан", "не работает", "возврат", "вернуть", "сынып", "ақау", "жарамсыз"),
    "where": ("где", "когда", "ждать", "достав", "курьер", "қайда", "қашан", "жеткіз"),
    "price": ("цена", "цену", "сколько", "стоит", "стоил", "почем", "баға", "қанша", "тұрады"),
    "thanks": ("спасибо", "благодар", "рахмет", "рақмет", "отлично", "супер", "керемет"),
    "hello": ("здравств", "привет", "добрый", "доброе", "салем", "сәлем", "салам", "hello"),
}

_STAGES_RU = (
    (("deliver", "complet", "archive"), "уже доставлен"),
    (("courier", "handed", "transmi", "shipped"), "уже у курьера и едет к вам"),
    (("cancel",), "отменён"),
    (("return",), "оформлен на возврат"),
    (("accept", "assembl", "pack"), "собирается на складе"),
)
_STAGES_KK = (
    (("deliver", "complet", "archive"), "жеткізілді"),
    (("courier", "handed", "transmi", "shipped"), "курьерде, сізге келе жатыр"),
    (("cancel",), "тоқтатылды"),
    (("return",), "қайтаруға рәсімделді"),
    (("accept", "assembl", "pack"), "қоймада жиналып жатыр"),
)

_RU = {
    "post_purchase": "{hello} Спасибо за заказ «{item}» в магазине {shop}. Мы уже готовим его к "
    "отправке. Если будут вопросы — просто напишите сюда.",
    "order_delivered": "{hello} Ваш заказ «{item}» доставлен. Всё ли в порядке, подошёл ли товар? "
    "Если что-то не так — напишите, поможем.",
    "review_request": "{hello} Как вам «{item}»? Будем благодарны за честный отзыв на Kaspi — он "
    "помогает другим покупателям и нам.",
    "other": "{hello} Это магазин {shop}. Напоминаем о «{item}». Если будут вопросы — мы на связи.",
    "person": "{address}передаю ваш вопрос продавцу, он ответит здесь же.",
    "broken": "{address}нам очень жаль, что с «{item}» так вышло. Передаю продавцу, он поможет "
    "решить вопрос здесь же.",
    "where": "{address}заказ {code} с «{item}» {stage}. Точное время доставки — в "
    "приложении Kaspi.",
    "price": "{address}«{item}» стоит {price} ₸.",
    "thanks": "{address}спасибо вам! Если появятся вопросы по «{item}», мы на связи.",
    "hello": "{hello} Это магазин {shop}. Чем могу помочь по заказу «{item}»?",
    "unknown": "{address}не хочу ошибиться — уточню у продавца и вернусь с ответом.",
}
_KK = {
    "post_purchase": "{hello} {shop} дүкенінен «{item}» тапсырыс бергеніңізге рахмет. Біз оны "
    "жөнелтуге дайындап жатырмыз. Сұрағыңыз болса, осында жазыңыз.",
    "order_delivered": "{hello} «{item}» тапсырысыңыз жеткізілді. Бәрі дұрыс па, тауар ұнады ма? "
    "Бірдеңе дұрыс болмаса, жазыңыз, көмектесеміз.",
    "review_request": "{hello} «{item}» қалай екен? Kaspi-де шынайы пікір қалдырсаңыз, басқа сатып "
    "алушыларға да, бізге де көмек болады.",
    "other": "{hello} Бұл {shop} дүкені. «{item}» туралы еске салғымыз келді. Сұрағыңыз болса, "
    "жазыңыз.",
    "person": "{address}сұрағыңызды сатушыға жеткіздім, ол осында жауап береді.",
    "broken": "{address}«{item}» үшін кешірім сұраймыз. Сатушыға жеткіздім, ол осында көмектеседі.",
    "where": "{address}«{item}» бар {code} тапсырысы {stage}. Нақты уақыты Kaspi қосымшасында "
    "көрсетілген.",
    "price": "{address}«{item}» бағасы — {price} ₸.",
    "thanks": "{address}сізге рахмет! «{item}» бойынша сұрағыңыз болса, жазыңыз.",
    "hello": "{hello} Бұл {shop} дүкені. «{item}» тапсырысы бойынша қалай көмектесейін?",
    "unknown": "{address}қателеспес үшін сатушыдан сұрап, жауабын жазамын.",
}
_TEMPLATES = {"ru": _RU, "kk": _KK}


def facts_of(messages: Sequence[dict[str, Any]]) -> Facts:
    """The last facts block of a chat completion's messages; defaults without a readable one."""
    text = "\n".join(str(message.get("content") or "") for message in messages)
    blocks = _FACTS.findall(text)
    try:
        return msgspec.json.decode(blocks[-1], type=Facts, strict=False) if blocks else Facts()
    except msgspec.DecodeError:
        return Facts()


def say(facts: Facts) -> Said:
    """What a good assistant would answer: short, by first name, naming the product."""
    language = facts.language if facts.language in _TEMPLATES else "ru"
    act = _act(facts)
    text = _TEMPLATES[language][act].format(**_words(facts, language))
    text = text[0].upper() + text[1:]
    return Said(text[:_MAX_CHARS], needs_person=act in ("person", "broken"), language=language)


def _act(facts: Facts) -> str:
    if facts.purpose != "reply":
        known = facts.purpose in ("post_purchase", "order_delivered", "review_request")
        return facts.purpose if known else "other"
    asked = " ".join(facts.messages_to_answer).lower()
    for meaning, stems in _MEANINGS.items():
        if any(stem in asked for stem in stems):
            needs_order = meaning in ("where", "price")
            return "unknown" if needs_order and not _items(facts) else meaning
    return "unknown"


def _words(facts: Facts, language: str) -> dict[str, str]:
    order = facts.orders[0] if facts.orders else _Order()
    item = _items(facts)[0] if _items(facts) else _Item()
    name = (facts.customer_name or "").split(" ")[0]
    russian = language == "ru"
    greeting = "Здравствуйте" if russian else "Сәлеметсіз бе"
    price = item.price if item.price is not None else order.total
    return {
        "hello": f"{greeting}, {name}!" if name else f"{greeting}!",
        "address": f"{name}, " if name else "",
        "item": item.name[:_MAX_NAME_CHARS] or ("ваш товар" if russian else "тауарыңыз"),
        "shop": facts.shop or "Kaspi",
        "code": f"№{order.code}" if order.code else "",
        "price": f"{price or 0:,.0f}".replace(",", " "),
        "stage": _stage(order.stage or "", russian=russian),
    }


def _items(facts: Facts) -> list[_Item]:
    return facts.orders[0].items if facts.orders else []


def _stage(stage: str, *, russian: bool) -> str:
    for stems, words in _STAGES_RU if russian else _STAGES_KK:
        if any(stem in stage.lower() for stem in stems):
            return words
    return "принят и готовится к отправке" if russian else "қабылданды, жөнелтуге дайындалуда"
