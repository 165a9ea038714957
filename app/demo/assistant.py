"""The scripted shop assistant in the emulated model: a prompt's facts in, a credible text out."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import msgspec

_FACTS = re.compile(r"<facts>\s*(.*?)\s*</facts>", re.DOTALL)
_QUOTED = re.compile(r"«[^»]*»|“[^”]*”|\"[^\"]*\"")
_NAME_ENDS = re.compile(r"[.!?:;]\s|\n")
_NODS = frozenset(
    {
        *("ок", "окей", "ok", "okay", "хорошо", "понял", "поняла", "понятно", "ясно", "ладно"),
        *("жақсы", "жарайды", "жарайды онда", "түсінікті", "жаксы", "жарайды", "тусиникти"),
    }
)
"""Messages that ask for nothing."""

_SAD = frozenset("😡😠🤬😤👎😢😭😞😔💔")

_MAX_CHARS = 300
_MAX_REPLY_CHARS = 450
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
    planned_date: date | None = None


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
    hours: str | None = None
    mood: str | None = None
    person_called: bool = False
    unknown_goods: bool = False

    @property
    def asked(self) -> str:
        """What is to be answered, in small letters, without what is only quoted."""
        return _QUOTED.sub(" ", " ".join(self.messages_to_answer)).lower()


class Said(msgspec.Struct, frozen=True):
    """What the assistant says, and whether it asks for a person."""

    text: str
    needs_person: bool = False
    language: str = "ru"
    mood: str = "unknown"


# Stems of what a buyer may mean, in the order they are tried, in Russian, Kazakh, English.
_MEANINGS: dict[str, tuple[str, ...]] = {
    "bot": (
        *("вы бот", "ты бот", "это бот", "бот или", "вы робот", "ты робот", "робот или"),
        *("вы человек", "живой человек", "вы живой", "с ботом", "ботпен", "сіз бот", "сиз бот"),
        *("бот па", "ботсыз", "робот па", "адамсыз ба", "адам ба", "адамсыз", "a bot", "a robot"),
        *("are you human", "a human", "real person"),
    ),
    "steady": (
        *("забудь", "инструкц", "промпт", "разработчика", "ұмыт", "ережелер", "ignore", "prompt"),
        *("тупой", "тупая", "дебил", "идиот", "ақымақ", "stupid", "idiot"),
    ),
    "again": (
        *("не поняли", "не понял ", "не поняла", "не понимаете", "не о том", "не про то"),
        *("түсінбе", "тусинбе", "not what i asked", "misunderst", "do not understand"),
    ),
    "person": (
        *("человек", "оператор", "менеджера", "менеджеру", "менеджером", "позовите"),
        *("адаммен", "адамға", "сатушымен", "talk to", "speak to", "operator", "a person"),
    ),
    "broken": (
        *("брак", "сломан", "не работает", "вернуть", "сынып", "сынған", "ақау", "жарамсыз"),
        *("істемей", "broken", "does not work", "doesn't work", "damaged", "return it"),
    ),
    "discount": (
        *("скидк", "скинете", "уступите", "дешевле", "промокод", "жеңілдік", "жениздик"),
        *("женилдик", "арзандат", "discount", "cheaper", "promo"),
    ),
    "hours": (
        *("график", "во сколько", "до скольки", "режим работ", "работаете", "жұмыс уақыт"),
        *("жумыс уакыт", "нешеге дейін", "нешеге дейин", "жұмыс істейсіз", "жумыс истейсиз"),
        *("opening hours", "working hours", "are you open", "when do you open", "do you close"),
    ),
    "review": ("отзыв", "пікір", "пикир", "review"),
    "where": (
        *("где", "когда", "кагда", "ждать", "достав", "курьер", "статус", "с заказом", "посылк"),
        *("с моим заказом", " дойд", "сегодня", "завтра", "қайда", "қашан", "кайда"),
        *("кашан", "жеткіз", "жеткиз", "келеді", "келеди", "тапсырысым", "жөнелт", "жонелт"),
        *("ертең", "ертен", "бүгін", "бугин", "where", "when", "status", "arrive", "tomorrow"),
    ),
    "price": (
        *("цена", "цену", "сколько", "стоит", "стоил", "почем", "баға", "бага", "қанша", "канша"),
        *("тұрады", "турады", "price", "how much", "cost"),
    ),
    "thanks": (
        *("спасибо", "благодар", "рахмет", "рақмет", "отлично", "супер", "керемет", "thank"),
        *("great", "perfect"),
    ),
    "hello": (
        *("здравств", "привет", "добрый", "доброе", "салем", "сәлем", "салам", "hello", "good "),
        *("hi,", "hi!", "hi there"),
    ),
}
_ALONE = frozenset({"bot", "steady", "again", "person", "broken"})
"""What is answered by itself, whatever else was asked."""

_LITTLE = frozenset({"thanks", "hello"})
"""What is answered only where nothing else was asked."""

_CALLING = ("person", "broken", "sorry")
"""What a person is asked to look at; what is not known of an order, too."""

_MOST_PARTS = 2

_NEWS = frozenset(
    {
        *("post_purchase", "order_delivered", "review_request"),
        *("handed_over", "ready_for_pickup", "order_cancelled"),
    }
)
"""What is said first, and has wordings of its own."""

_MOST_INSTEAD = 2
"""Things that are named instead of one that was cancelled."""

# What a shop's statement is about, by stems of the question.
_STATED: dict[str, tuple[str, ...]] = {
    "returns": (
        *("возврат", "вернуть", "обмен", "не подойдет", "не подойдёт", "қайтар", "кайтар"),
        *("айырбаст", "return", "exchange"),
    ),
    "warranty": ("гарант", "кепілдік", "кепилдик", "warranty", "guarantee"),
    "payment": (
        *("оплата", "оплаты", "оплатить", "рассроч", "перевод", "төле", "толе", "бөліп", "болип"),
        *("pay", "installment"),
    ),
    "delivery": (
        *("доставк", "доставля", "самовывоз", "жеткізу", "жеткизу", "жеткіз", "жеткиз"),
        *("delivery", "deliver"),
    ),
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
_MONTHS = {
    "ru": (
        *("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября"),
        *("октября", "ноября", "декабря"),
    ),
    "kk": (
        *("қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек"),
        *("қазан", "қараша", "желтоқсан"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
        *("October", "November", "December"),
    ),
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
    acts = _acts(facts)
    parts = [_wordings(act, facts, language, first=n == 0) for n, act in enumerate(acts)]
    most = _MAX_REPLY_CHARS if facts.purpose == "reply" else _MAX_CHARS
    wordings = range(max(map(len, parts)))
    texts = [" ".join(part[n % len(part)] for part in parts)[:most] for n in wordings]
    unknown = bool(facts.orders) and "unknown" in acts
    person = unknown or any(act.startswith(_CALLING) for act in acts)
    mood = facts.mood or "unknown"
    return Said(_freshest(texts, facts), needs_person=person, language=language, mood=mood)


def _wordings(act: str, facts: Facts, language: str, *, first: bool) -> list[str]:
    """All that may be said for ``act``; only the first part of a text names the buyer."""
    name, _, topic = act.partition(":")
    words = _words(facts, language, topic)
    if not first:
        words["address"] = ""
    texts = [wording.format(**words) for wording in _TEMPLATES[language][name]]
    return [text[0].upper() + text[1:] for text in texts]


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


def _acts(facts: Facts) -> list[str]:
    """What is to be done, one or two things at most."""
    if facts.purpose != "reply":
        return [_news(facts)]
    if facts.mood in ("good", "bad"):
        return ["happy" if facts.mood == "good" else "sorry"]
    acts = list(dict.fromkeys(_asked_for(facts)))
    alone = next((act for act in acts if act.removesuffix("_new") in _ALONE), None)
    if alone is not None:
        return [alone]
    telling = [act for act in acts if act.removesuffix("_new") not in _LITTLE]
    return (telling or acts)[:_MOST_PARTS] or [_of_order("unknown", facts)]


def _news(facts: Facts) -> str:
    """What the shop says first: a cancellation offers what is there instead."""
    if facts.purpose == "order_cancelled" and any(one.in_stock for one in facts.products):
        return "order_cancelled_instead"
    if facts.purpose == "handed_over" and facts.orders and facts.orders[0].planned_date:
        return "handed_over_planned"
    return facts.purpose if facts.purpose in _NEWS else "other"


def _asked_for(facts: Facts) -> Iterator[str]:
    """Everything the messages ask for: rules of the shop, then goods, then the order."""
    if _nods(facts.asked):
        yield _of_order("thanks", facts)
        return
    stated = list(_stated(facts))
    meant = [m for m, stems in _MEANINGS.items() if any(stem in facts.asked for stem in stems)]
    if "returns" in stated and "broken" in meant:
        meant.remove("broken")  # how one may return a thing, not that one does
    for topic in stated:
        if topic != "delivery" or "where" not in meant or not facts.orders:
            yield f"stated:{topic}"
    if "review" in meant:
        meant = ["review"]
    about_goods = facts.products and not {"where", "review"} & set(meant)
    if about_goods:
        yield _about_goods(facts)
    if about_goods:
        meant = [meaning for meaning in meant if meaning != "price"]
    for meaning in meant:
        if meaning != "hours" or facts.hours is not None:
            yield _of_order(meaning, facts)


def _nods(asked: str) -> bool:
    """Whether nothing is asked: a word of assent, or a sign alone that is no sad one."""
    words = "".join(sign for sign in asked if sign.isalnum() or sign.isspace()).strip()
    drawn = {sign for sign in asked if unicodedata.category(sign) == "So"}
    return words in _NODS if words else bool(drawn) and not drawn & _SAD


def _about_goods(facts: Facts) -> str:
    first, *others = facts.products
    if not first.in_stock:
        return "product_sold_out" if any(one.in_stock for one in others) else "product_gone"
    return "products" if others or first.price is None else "product_price"


def _of_order(meaning: str, facts: Facts) -> str:
    """The act of that meaning, for who has an order or has none."""
    if meaning == "price" and facts.unknown_goods:
        return "unknown"
    if not facts.orders:
        return f"{meaning}_new" if f"{meaning}_new" in _TEMPLATES["ru"] else meaning
    if meaning == "where" and not _is_on_its_way(facts.orders[0]):
        return "where_over" if _items(facts) else "unknown"
    if meaning == "where" and facts.orders[0].planned_date:
        return "where_planned"
    lacks = {"where": not _items(facts), "price": not _items(facts) or _price(facts) is None}
    return "unknown" if lacks.get(meaning) else meaning


def _is_on_its_way(order: _Order) -> bool:
    stage = (order.stage or "").lower()
    return not any(stem in stage for stem in ("deliver", "complet", "archive", "cancel", "return"))


def _stated(facts: Facts) -> Iterator[str]:
    """Topics of what was asked, as far as the shop states something about them."""
    known = {statement.topic for statement in facts.statements}
    for topic, stems in _STATED.items():
        if topic in known and any(stem in facts.asked for stem in stems):
            yield topic


def _words(facts: Facts, language: str, topic: str) -> dict[str, str]:
    order = facts.orders[0] if facts.orders else _Order()
    item = _items(facts)[0] if _items(facts) else _Item()
    name = (facts.customer_name or "").split(" ")[0]
    first = facts.products[0] if facts.products else _Product()
    stated = {statement.topic: statement.text for statement in facts.statements}
    return {
        "hello": f"{_HELLO[language]}, {name}!" if name else f"{_HELLO[language]}!",
        "address": f"{name}, " if name else "",
        "item": _short(item.name) or _YOURS[language],
        "shop": facts.shop or "Kaspi",
        "code": f"№{order.code}" if order.code else "",
        "price": _tenge(_price(facts) or 0),
        "stage": _stage(order.stage or "", language),
        "day": _day(order.planned_date, language),
        "hours": facts.hours or "",
        "stated": stated.get(topic, ""),
        "product": _short(first.name),
        "product_price": _tenge(first.price or 0),
        "instead": ", ".join(_names(facts)),
        "others": ", ".join(_priced(one) for one in facts.products if one.in_stock),
    }


def _day(day: date | None, language: str) -> str:
    return f"{day.day} {_MONTHS[language][day.month - 1]}" if day else ""


def _short(name: str) -> str:
    """A name as one would say it: what follows its first sentence is no name."""
    return _NAME_ENDS.split(name, maxsplit=1)[0][:_MAX_NAME_CHARS]


def _priced(product: _Product) -> str:
    name = f"«{_short(product.name)}»"
    return name if product.price is None else f"{name} — {_tenge(product.price)} ₸"


def _names(facts: Facts) -> list[str]:
    there = [one for one in facts.products if one.in_stock]
    return [f"«{_short(one.name)}»" for one in there[:_MOST_INSTEAD]]


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
