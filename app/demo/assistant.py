"""The scripted shop assistant in the emulated model: a prompt's facts in, a credible text out."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
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


class Facts(msgspec.Struct, frozen=True):
    """What the prompt tells; everything may be missing."""

    purpose: str = "reply"
    language: str = "ru"
    shop: str | None = None
    customer_name: str | None = None
    orders: list[_Order] = []
    messages_to_answer: list[str] = []
    history: list[_Line] = []


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

# Each with its wordings, in the order they are used; `…_new` is for a buyer without an order.
_RU: dict[str, tuple[str, ...]] = {
    "post_purchase": (
        (
            "{hello} Спасибо за заказ «{item}» в магазине {shop}. Мы уже готовим его к отправке. "
            "Если будут вопросы — просто напишите сюда."
        ),
    ),
    "order_delivered": (
        (
            "{hello} Ваш заказ «{item}» доставлен. Всё ли в порядке, подошёл ли товар? Если что-то "
            "не так — напишите, поможем."
        ),
    ),
    "review_request": (
        (
            "{hello} Как вам «{item}»? Будем благодарны за честный отзыв на Kaspi — он помогает "
            "другим покупателям и нам."
        ),
    ),
    "other": (
        "{hello} Это магазин {shop}. Напоминаем о «{item}». Если будут вопросы — мы на связи.",
    ),
    "person": (
        "{address}передаю ваш вопрос продавцу, он ответит здесь же.",
        "{address}уже зову: продавец напишет вам в этот чат.",
    ),
    "broken": (
        (
            "{address}нам очень жаль, что с «{item}» так вышло. Передаю продавцу, он поможет "
            "решить вопрос здесь же."
        ),
        "{address}понимаю, это неприятно. Зову продавца: он прочитает всё, что вы написали.",
    ),
    "broken_new": (
        (
            "{address}нам очень жаль, что так вышло. Передаю продавцу, он поможет решить вопрос "
            "здесь же."
        ),
        "{address}понимаю, это неприятно. Зову продавца: он прочитает всё, что вы написали.",
    ),
    "where": (
        "{address}заказ {code} с «{item}» {stage}. Точное время доставки — в приложении Kaspi.",
        "{address}по последним данным ваш заказ {stage}. День и час можно посмотреть в Kaspi.",
    ),
    "where_new": (
        "{address}пока не вижу заказа на ваш номер. Напишите номер заказа, и продавец проверит.",
        "{address}чтобы сказать, где посылка, нужен номер заказа: он есть в приложении Kaspi.",
        "{address}без номера заказа ответить точно не получится. Пришлите его, пожалуйста, сюда.",
    ),
    "price": (
        "{address}«{item}» стоит {price} ₸.",
        "{address}в вашем заказе за этот товар указано {price} ₸.",
    ),
    "price_new": (
        "{address}цена каждого товара указана на его странице в Kaspi. Какой вас интересует?",
        "{address}не назову сумму наугад: напишите, о чём речь, и продавец ответит здесь же.",
        "{address}пришлите название товара, а стоимость подскажет продавец.",
    ),
    "thanks": (
        "{address}спасибо вам! Если появятся вопросы по «{item}», мы на связи.",
        "{address}всегда пожалуйста, обращайтесь!",
    ),
    "thanks_new": (
        "{address}спасибо вам! Если появятся вопросы, мы на связи.",
        "{address}всегда пожалуйста, обращайтесь!",
    ),
    "hello": (
        "{hello} Это магазин {shop}. Чем могу помочь по заказу «{item}»?",
        "{hello} Рады, что написали. Что подсказать?",
    ),
    "hello_new": (
        "{hello} Это магазин {shop}. Чем могу помочь?",
        "{hello} Рады, что написали. Какой у вас вопрос?",
    ),
    "unknown": (
        "{address}не хочу ошибиться — уточню у продавца и вернусь с ответом.",
        "{address}об этом у меня нет точных данных. Спрошу в магазине и напишу вам сюда.",
        "{address}тут лучше ответит продавец: ваше сообщение он увидит в этом чате.",
    ),
}
_KK: dict[str, tuple[str, ...]] = {
    "post_purchase": (
        (
            "{hello} {shop} дүкенінен «{item}» тапсырыс бергеніңізге рахмет. Біз оны жөнелтуге "
            "дайындап жатырмыз. Сұрағыңыз болса, осында жазыңыз."
        ),
    ),
    "order_delivered": (
        (
            "{hello} «{item}» тапсырысыңыз жеткізілді. Бәрі дұрыс па, тауар ұнады ма? Бірдеңе "
            "дұрыс болмаса, жазыңыз, көмектесеміз."
        ),
    ),
    "review_request": (
        (
            "{hello} «{item}» қалай екен? Kaspi-де шынайы пікір қалдырсаңыз, басқа сатып "
            "алушыларға да, бізге де көмек болады."
        ),
    ),
    "other": (
        "{hello} Бұл {shop} дүкені. «{item}» туралы еске салғымыз келді. Сұрағыңыз болса, жазыңыз.",
    ),
    "person": (
        "{address}сұрағыңызды сатушыға жеткіздім, ол осында жауап береді.",
        "{address}қазір шақырамын: сатушы сізге осы чатта жазады.",
    ),
    "broken": (
        "{address}«{item}» үшін кешірім сұраймыз. Сатушыға жеткіздім, ол осында көмектеседі.",
        "{address}түсінемін, бұл жағымсыз. Сатушыны шақырамын: ол жазғаныңыздың бәрін оқиды.",
    ),
    "broken_new": (
        "{address}осылай болғаны үшін кешірім сұраймыз. Сатушыға жеткіздім, ол осында көмектеседі.",
        "{address}түсінемін, бұл жағымсыз. Сатушыны шақырамын: ол жазғаныңыздың бәрін оқиды.",
    ),
    "where": (
        (
            "{address}«{item}» бар {code} тапсырысы {stage}. Нақты уақыты Kaspi қосымшасында "
            "көрсетілген."
        ),
        (
            "{address}соңғы мәлімет бойынша тапсырысыңыз {stage}. Күні мен сағатын Kaspi-ден көре "
            "аласыз."
        ),
    ),
    "where_new": (
        (
            "{address}нөміріңізге тіркелген тапсырысты әзірге көрмей тұрмын. Тапсырыс нөмірін "
            "жазыңыз, сатушы тексереді."
        ),
        "{address}сәлемдеме қайда екенін айту үшін тапсырыс нөмірі керек: ол Kaspi-де жазылған.",
        "{address}тапсырыс нөмірінсіз дәл жауап беру қиын. Оны осында жіберіңізші.",
    ),
    "price": (
        "{address}«{item}» бағасы — {price} ₸.",
        "{address}тапсырысыңызда бұл тауар үшін {price} ₸ көрсетілген.",
    ),
    "price_new": (
        "{address}әр тауардың бағасы оның Kaspi-дегі бетінде көрсетілген. Қайсысы қызықтырады?",
        "{address}жобалап айтпаймын: не туралы екенін жазыңыз, сатушы осында жауап береді.",
        "{address}тауардың атын жіберіңіз, құнын сатушы айтады.",
    ),
    "thanks": (
        "{address}сізге рахмет! «{item}» бойынша сұрағыңыз болса, жазыңыз.",
        "{address}оқасы жоқ, әрқашан хабарласыңыз!",
    ),
    "thanks_new": (
        "{address}сізге рахмет! Сұрағыңыз болса, жазыңыз.",
        "{address}оқасы жоқ, әрқашан хабарласыңыз!",
    ),
    "hello": (
        "{hello} Бұл {shop} дүкені. «{item}» тапсырысы бойынша қалай көмектесейін?",
        "{hello} Жазғаныңызға қуаныштымыз. Не білгіңіз келеді?",
    ),
    "hello_new": (
        "{hello} Бұл {shop} дүкені. Қалай көмектесейін?",
        "{hello} Жазғаныңызға қуаныштымыз. Қандай сұрағыңыз бар?",
    ),
    "unknown": (
        "{address}қателеспес үшін сатушыдан сұрап, жауабын жазамын.",
        "{address}бұл туралы менде нақты мәлімет жоқ. Дүкеннен біліп, осында хабарлаймын.",
        "{address}мұны сатушы жақсырақ біледі: хабарламаңызды ол осы чаттан көреді.",
    ),
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
    """What a good assistant would answer: short, by first name, naming the product.

    The same facts get the same text; what was said before is put in other words.
    """
    language = facts.language if facts.language in _TEMPLATES else "ru"
    act = _act(facts)
    words = _words(facts, language)
    texts = [wording.format(**words) for wording in _TEMPLATES[language][act]]
    text = _freshest([(text[0].upper() + text[1:])[:_MAX_CHARS] for text in texts], facts)
    return Said(text, needs_person=act.startswith(("person", "broken")), language=language)


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
    asked = " ".join(facts.messages_to_answer).lower()
    meant = (m for m, stems in _MEANINGS.items() if any(stem in asked for stem in stems))
    meaning = next(meant, "unknown")
    if not facts.orders:
        return f"{meaning}_new" if f"{meaning}_new" in _RU else meaning
    lacks = {"where": not _items(facts), "price": not _items(facts) or _price(facts) is None}
    return "unknown" if lacks.get(meaning) else meaning


def _words(facts: Facts, language: str) -> dict[str, str]:
    order = facts.orders[0] if facts.orders else _Order()
    item = _items(facts)[0] if _items(facts) else _Item()
    name = (facts.customer_name or "").split(" ")[0]
    russian = language == "ru"
    greeting = "Здравствуйте" if russian else "Сәлеметсіз бе"
    return {
        "hello": f"{greeting}, {name}!" if name else f"{greeting}!",
        "address": f"{name}, " if name else "",
        "item": item.name[:_MAX_NAME_CHARS] or ("ваш товар" if russian else "тауарыңыз"),
        "shop": facts.shop or "Kaspi",
        "code": f"№{order.code}" if order.code else "",
        "price": f"{_price(facts) or 0:,.0f}".replace(",", " "),
        "stage": _stage(order.stage or "", russian=russian),
    }


def _items(facts: Facts) -> list[_Item]:
    return facts.orders[0].items if facts.orders else []


def _price(facts: Facts) -> float | None:
    item = next(iter(_items(facts)), _Item())
    return item.price if item.price is not None else facts.orders[0].total if facts.orders else None


def _stage(stage: str, *, russian: bool) -> str:
    for stems, words in _STAGES_RU if russian else _STAGES_KK:
        if any(stem in stage.lower() for stem in stems):
            return words
    return "принят и готовится к отправке" if russian else "қабылданды, жөнелтуге дайындалуда"
