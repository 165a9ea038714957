"""The scripted shop assistant in the emulated model: a prompt's facts in, a credible text out."""

import re
import tomllib
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import msgspec

_FACTS = re.compile(r"<facts>\s*(.*?)\s*</facts>", re.DOTALL)
_MAX_CHARS = 300
_MAX_NAME_CHARS = 90
_ALIKE = 0.8  # from here on two texts are taken for one wording


class _Item(msgspec.Struct, frozen=True):
    name: str = ""
    quantity: float | None = None
    price: float | None = None


class _Order(msgspec.Struct, frozen=True):
    code: str = ""
    items: list[_Item] = []
    total: float | None = None
    stage: str | None = None


class _Line(msgspec.Struct, frozen=True):
    author: str = ""
    text: str = ""


class _Product(msgspec.Struct, frozen=True):
    name: str = ""
    price: float | None = None
    in_stock: bool = True


class _Statement(msgspec.Struct, frozen=True):
    topic: str = ""
    text: str = ""


class Facts(msgspec.Struct, frozen=True):
    """What the prompt tells; everything may be missing."""

    purpose: str = "reply"
    language: str = "ru"
    shop: str | None = None
    customer_name: str | None = None
    orders: list[_Order] = []
    messages_to_answer: list[str] = []
    history: list[_Line] = []
    products: list[_Product] = []
    statements: list[_Statement] = []
    mood: str | None = None


class Said(msgspec.Struct, frozen=True):
    """What the assistant says, and whether it asks for a person."""

    text: str
    needs_person: bool = False
    language: str = "ru"
    mood: str = "unknown"


# Stems of what a buyer may mean, in the order they are tried, in Russian, Kazakh, English.
_MEANINGS: dict[str, tuple[str, ...]] = {
    "person": ("человек", "оператор", "менеджер", "позовите", "адаммен", "адамға", "сатушымен"),
    "broken": ("брак", "сломан", "не работает", "вернуть", "сынып", "ақау", "жарамсыз", "broken"),
    "where": (
        *("где", "когда", "ждать", "достав", "курьер", "қайда", "қашан", "кайда", "кашан"),
        *("жеткіз", "where", "when"),
    ),
    "price": (
        *("цена", "цену", "сколько", "стоит", "стоил", "почем", "баға", "бага", "қанша", "канша"),
        *("тұрады", "price", "how much", "cost"),
    ),
    "thanks": ("спасибо", "благодар", "рахмет", "рақмет", "отлично", "супер", "керемет", "thank"),
    "hello": ("здравств", "привет", "добрый", "доброе", "салем", "сәлем", "салам", "hello"),
}

# What a shop's statement is about, by stems of the question.
_STATED: dict[str, tuple[str, ...]] = {
    "returns": ("возврат", "вернуть", "обмен", "қайтар", "кайтар", "return", "exchange"),
    "warranty": ("гарант", "кепілдік", "кепилдик", "warranty", "guarantee"),
    "payment": ("оплат", "рассроч", "төле", "толе", "pay"),
    "delivery": ("доставк", "самовывоз", "жеткізу", "жеткизу", "delivery", "deliver"),
}

_STAGES_RU = (
    (("deliver", "complet", "archive"), "уже доставлен"),
    (("courier", "handed", "transmi", "shipped"), "уже у курьера и едет к вам"),
    (("cancel",), "отменён"),
    (("return",), "оформлен на возврат"),
    (("accept", "assembl", "pack"), "собирается на складе"),
)
_STAGES_EN = (
    (("deliver", "complet", "archive"), "has been delivered"),
    (("courier", "handed", "transmi", "shipped"), "is with the courier and on its way"),
    (("cancel",), "is cancelled"),
    (("return",), "is being returned"),
    (("accept", "assembl", "pack"), "is being packed"),
)
_STAGES_KK = (
    (("deliver", "complet", "archive"), "жеткізілді"),
    (("courier", "handed", "transmi", "shipped"), "курьерде, сізге келе жатыр"),
    (("cancel",), "тоқтатылды"),
    (("return",), "қайтаруға рәсімделді"),
    (("accept", "assembl", "pack"), "қоймада жиналып жатыр"),
)

_STAGES = {"ru": _STAGES_RU, "kk": _STAGES_KK, "en": _STAGES_EN}
_TAKEN = {
    "ru": "принят и готовится к отправке",
    "kk": "қабылданды, жөнелтуге дайындалуда",
    "en": "is taken and being prepared",
}
_HELLO = {"ru": "Здравствуйте", "kk": "Сәлеметсіз бе", "en": "Hello"}
_YOURS = {"ru": "ваш товар", "kk": "тауарыңыз", "en": "your item"}

_TEMPLATES: dict[str, dict[str, list[str]]] = {
    language: tomllib.loads(
        (Path(__file__).parent / f"wordings.{language}.toml").read_text("utf-8")
    )
    for language in ("ru", "kk", "en")
}


def facts_of(messages: Sequence[dict[str, Any]]) -> Facts:
    """The last facts block of a chat completion's messages; defaults without a readable one."""
    text = "\n".join(str(message.get("content") or "") for message in messages)
    blocks = _FACTS.findall(text)
    try:
        return msgspec.json.decode(blocks[-1], type=Facts, strict=False) if blocks else Facts()
    except msgspec.DecodeError:
        return Facts()


def say(facts: Facts) -> Said:
    """What a good assistant would answer: short, by first name, naming the product.

    The same facts get the same text; what was said before is put in other words.
    """
    language = facts.language if facts.language in _TEMPLATES else "ru"
    act = _act(facts)
    words = _words(facts, language)
    texts = [wording.format(**words) for wording in _TEMPLATES[language][act]]
    text = _freshest([(text[0].upper() + text[1:])[:_MAX_CHARS] for text in texts], facts)
    person = act.startswith(("person", "broken", "sorry"))
    return Said(text, needs_person=person, language=language, mood=facts.mood or "unknown")


def _freshest(texts: list[str], facts: Facts) -> str:
    """The first of the texts not said yet, or else the one said longest ago."""
    said = [line.text for line in facts.history if line.author == "bot"]

    def last_said(text: str) -> int:
        alike = (place for place, old in enumerate(said) if _alike(text, old))
        return max(alike, default=-1)

    return min(texts, key=last_said)


def _alike(text: str, other: str) -> bool:
    matcher = SequenceMatcher(None, text, other, autojunk=False)
    return matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


def _act(facts: Facts) -> str:
    if facts.purpose != "reply":
        known = facts.purpose in ("post_purchase", "order_delivered", "review_request")
        return facts.purpose if known else "other"
    if facts.mood in ("good", "bad"):
        return "happy" if facts.mood == "good" else "sorry"
    asked = " ".join(facts.messages_to_answer).lower()
    if _stated(facts, asked) is not None:
        return "stated"
    if facts.products:
        return _about_goods(facts)
    return _about_order(facts, asked)


def _about_goods(facts: Facts) -> str:
    first, *others = facts.products
    if not first.in_stock:
        return "product_sold_out" if any(one.in_stock for one in others) else "product_gone"
    return "products" if others or first.price is None else "product_price"


def _about_order(facts: Facts, asked: str) -> str:
    meant = (m for m, stems in _MEANINGS.items() if any(stem in asked for stem in stems))
    meaning = next(meant, "unknown")
    if not facts.orders:
        return f"{meaning}_new" if f"{meaning}_new" in _TEMPLATES["ru"] else meaning
    lacks = {"where": not _items(facts), "price": not _items(facts) or _price(facts) is None}
    return "unknown" if lacks.get(meaning) else meaning


def _stated(facts: Facts, asked: str) -> str | None:
    """What the shop states about what was asked."""
    texts = {statement.topic: statement.text for statement in facts.statements}
    asked_for = (t for t, stems in _STATED.items() if any(stem in asked for stem in stems))
    return next((texts[topic] for topic in asked_for if topic in texts), None)


def _words(facts: Facts, language: str) -> dict[str, str]:
    order = facts.orders[0] if facts.orders else _Order()
    item = _items(facts)[0] if _items(facts) else _Item()
    name = (facts.customer_name or "").split(" ")[0]
    first = facts.products[0] if facts.products else _Product()
    asked = " ".join(facts.messages_to_answer).lower()
    return {
        "hello": f"{_HELLO[language]}, {name}!" if name else f"{_HELLO[language]}!",
        "address": f"{name}, " if name else "",
        "item": item.name[:_MAX_NAME_CHARS] or _YOURS[language],
        "shop": facts.shop or "Kaspi",
        "code": f"№{order.code}" if order.code else "",
        "price": _tenge(_price(facts) or 0),
        "stage": _stage(order.stage or "", language),
        "stated": _stated(facts, asked) or "",
        "product": first.name[:_MAX_NAME_CHARS],
        "product_price": _tenge(first.price or 0),
        "others": ", ".join(_priced(one) for one in facts.products if one.in_stock),
    }


def _priced(product: _Product) -> str:
    name = f"«{product.name[:_MAX_NAME_CHARS]}»"
    return name if product.price is None else f"{name} — {_tenge(product.price)} ₸"


def _tenge(amount: float) -> str:
    return f"{amount:,.0f}".replace(",", " ")


def _items(facts: Facts) -> list[_Item]:
    return facts.orders[0].items if facts.orders else []


def _price(facts: Facts) -> float | None:
    item = next(iter(_items(facts)), _Item())
    return item.price if item.price is not None else facts.orders[0].total if facts.orders else None


def _stage(stage: str, language: str) -> str:
    for stems, words in _STAGES[language]:
        if any(stem in stage.lower() for stem in stems):
            return words
    return _TAKEN[language]
