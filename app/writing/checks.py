"""What a text must be before it leaves: pure, quick validators against the brief.

Each takes the text and the brief and returns a ``Fault`` or None. They would rather reject a
good text, which costs a second call, than let an invented price through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher

from msgspec import Struct

from app.domain.brief import Brief
from app.domain.conversation import Author
from app.domain.events import Language
from app.domain.language import KAZAKH_LETTERS, normalise
from app.domain.rules import Purpose

PROACTIVE_LIMIT = 300
REPLY_LIMIT = 500

_SPEAKS_OF_AN_ITEM = frozenset(
    {Purpose.POST_PURCHASE, Purpose.ORDER_DELIVERED, Purpose.REVIEW_REQUEST}
)

_TELLING_LETTERS = 25
"""Letters a text needs before the lack of Kazakh ones says something."""

_KAZAKH_SHARE = 0.03
"""Real Kazakh has about a fifth of its letters from outside Russian."""

_CYRILLIC_SHARE = 0.5

_SAME = 0.92
"""Likeness from which two texts read as one."""

_LONGEST_KNOWN = 2000
"""Characters of one text that are searched for facts."""

_MANY_DIGITS = 9
"""Phones, cards and accounts have at least as many digits in one run."""


_FILLERS = frozenset(
    {"для", "или", "без", "под", "при", "комплект", "набор", "және", "үшін", "мен"}
)
_SHORTEST_WORD = 3
_SHORTEST_STEM = 4

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b-\x1f\x7f]")
_STOP_WORD = re.compile(r"(?<![\w-])(?:стоп|тоқта)(?![\w-])")
_TOKEN = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"[.!?\n]+")

_LINK = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]{1,64}@[\w-]{1,63}\.\w+|(?<!\w)@\w{4,}"
    r"|(?<![\w@-])(?:[\w-]{1,63}\.){1,6}(?:kz|ru|com|net|org|info|biz|shop|store|site|online|app|link|me|io"
    r"|ly|gl|cc|top|xyz|click|рф|қаз)\b(?:/\S*)?"
)
_IBAN = re.compile(r"\bKZ\d{2}[A-Z0-9]{16}\b", re.IGNORECASE)
_DIGIT_RUN = re.compile(r"\d(?:[\s().\-–—]{0,2}\d)+")

_NUMBER = r"(?<!\d)(?:\d{1,3}(?:[ .,]\d{3})+|\d+)(?:[.,]\d{1,2})?(?!\d)"
_UNIT = r"(?:₸|тг(?!\w)|тенге|теңге|kzt|₽|руб(?!\w)|рубл|\$|€|usd|доллар|евро)"
_TIMES = r"(?:\s*(тыс\w*\.?|мың|к(?!\w)|k(?!\w)|млн))?"
_PRICED = r"(?:цен[аыуе]|сто[ия]т|стоимость\w*|бағасы|құны|тұрады)[^\d\n]{0,15}"
_MONEY = re.compile(
    rf"({_NUMBER}){_TIMES}\s*{_UNIT}|{_UNIT}\s*({_NUMBER})|{_PRICED}({_NUMBER}){_TIMES}",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"[.,](?=\d{3}(?!\d))")

_PERCENT = re.compile(r"(?<!\d)(\d{1,9}(?:[.,]\d{1,9})?) ?(?:%|процент|пайыз)", re.IGNORECASE)
_DISCOUNT = re.compile(
    r"скид(?:к|оч|он)\w*|акци(?:я|и|ю|ей)\b|промокод\w*|распродаж\w*|к[эе]шб[эе]к\w*|бонус\w*"
    r"|уценк\w*|жеңілдік\w*|женилдик\w*|discount\w*|cashback|promo\w*"
)
_DEFERS = re.compile(
    r"(?<!\w)(?:не|нет|уточн\w*|подскаж\w*|продав\w*|жоқ|сатушы\w*|нақтыла\w*|емес)(?!\w)"
)

_LEAK = re.compile(
    r"</?facts|[{}]|```|\*\*|\]\(|<\w+>|\\u00|\\n|needs_person|customer_name|messages_to_answer"
    r"|local_time|return_requested|handed_over|waiting_for_signature|json|system prompt|api key"
    r"|системн\w+ (?:промпт|инструкц)\w*|промпт\w*|жүйелік нұсқау\w*"
    r"|\b(?:none|null|undefined|nan|error|exception|traceback|openai|chatgpt|gpt)\b"
    r"|(?:языковая|тілдік) модел\w*|language model"
    r"|не (?:могу|можем|удалось) (?:обработать|ответить)|произошла ошибка|қате орын алды"
    r"|өңдей алма\w*",
    re.IGNORECASE,
)
_HUMAN = re.compile(
    r"\bя (?:живой )?человек\b|\bя не (?:бот|робот)\b|\bмен (?:тірі )?адаммын\b"
    r"|\bмен (?:бот|робот) емеспін\b"
)


class Fault(Struct, frozen=True, kw_only=True):
    """What is wrong with a text: ``code`` for the journal, ``detail`` for the model's repair."""

    code: str
    detail: str


def limit(purpose: Purpose) -> int:
    """The most characters a text of this purpose may have."""
    return PROACTIVE_LIMIT if purpose.proactive else REPLY_LIMIT


def check(text: str, brief: Brief) -> tuple[Fault, ...]:
    """Every fault of ``text``, none when it may leave."""
    plain = _plain(text)
    return tuple(fault for one in CHECKS if (fault := one(plain, brief)) is not None)


def tidy(text: str) -> str:
    """``text`` as it will be sent: no invisible characters, no trailing or doubled blank lines."""
    visible = _INVISIBLE.sub("", text)
    lines = [line.rstrip() for line in visible.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def has_stop_hint(text: str) -> bool:
    """Whether the text already says the word that stops it («стоп-сигнал» does not)."""
    return _STOP_WORD.search(text.casefold()) is not None


def names(name: str, text: str, *, every: bool = False) -> bool:
    """Whether ``text`` uses a significant word of ``name`` (or ``every``), whatever its ending."""
    said = _words(text)
    stems = [_stem(word) for word in _significant(name)]
    if not stems:
        return name.casefold() in text.casefold()
    used = [any(word.startswith(stem) for word in said) for stem in stems]
    return all(used) if every else any(used)


def check_empty(text: str, _brief: Brief) -> Fault | None:
    """A text with no word in it."""
    return None if normalise(text) else Fault(code="empty", detail="the text is empty")


def check_length(text: str, brief: Brief) -> Fault | None:
    """A text nobody reads to its end."""
    most = limit(brief.purpose)
    if len(text) <= most:
        return None
    return Fault(code="too_long", detail=f"{len(text)} characters, at most {most} are allowed")


def check_language(text: str, brief: Brief) -> Fault | None:
    """A text in another language than the customer's. Names of goods and people do not count."""
    own = _without_names(text, brief)
    letters = [letter for letter in own.casefold() if letter.isalpha()]
    cyrillic = sum(_is_cyrillic(letter) for letter in letters)
    kazakh = sum(letter in KAZAKH_LETTERS for letter in letters)
    wrong = Fault(code="language", detail=f"write in the language {brief.language.value!r}")
    if len(letters) > _TELLING_LETTERS and cyrillic < len(letters) * _CYRILLIC_SHARE:
        return wrong
    if brief.language is Language.RU:
        return wrong if kazakh else None
    few = len(letters) > _TELLING_LETTERS and kazakh < len(letters) * _KAZAKH_SHARE
    return wrong if few else None


def check_links(text: str, brief: Brief) -> Fault | None:
    """A link, mail address or account that is not in the facts; in a first message, any link."""
    opener = brief.opener and brief.purpose.proactive
    known = _links(brief.shop) if opener else _links(_known(brief)) | {"kaspi.kz"}
    if _links(text) <= known:
        return None
    return Fault(code="link", detail="no links, sites or accounts that are not in the facts")


def check_digits(text: str, brief: Brief) -> Fault | None:
    """A phone, card or account number that is not in the facts."""
    known = {order.code for order in brief.orders} | _long_numbers(_known(brief))
    without_money = _MONEY.sub(" ", text)
    if _long_numbers(without_money) <= known and not _IBAN.search(text):
        return None
    return Fault(
        code="number", detail="no phone, card or account numbers that are not in the facts"
    )


def check_prices(text: str, brief: Brief) -> Fault | None:
    """A sum of money that is not in the facts."""
    if _money(text) <= _amounts(brief):
        return None
    return Fault(code="price", detail="a price is not in the facts: do not name it")


def check_discounts(text: str, brief: Brief) -> Fault | None:
    """A percentage or a discount that is not in the facts.

    What the customer asked about may be named in a sentence that denies it or leaves it to
    the seller.
    """
    known = _known(brief).casefold()
    fault = Fault(code="discount", detail="no percentages and discounts that are not in the facts")
    if not set(_PERCENT.findall(text)) <= set(_PERCENT.findall(known)):
        return fault
    asked = _DISCOUNT.search(_said_by_customer(brief))
    for sentence in _SENTENCE.split(text.casefold()):
        found = _DISCOUNT.search(sentence)
        if found and found.group() not in known and not (asked and _DEFERS.search(sentence)):
            return fault
    return None


def check_leaks(text: str, brief: Brief) -> Fault | None:
    """Prompt text, schema, markup, an error or a machine's excuse."""
    found = _LEAK.search(text)
    if found is None or found.group().casefold() in _known(brief).casefold():
        return None
    return Fault(code="leak", detail="no technical words, placeholders, markup or error messages")


def check_human(text: str, _brief: Brief) -> Fault | None:
    """A bot that says it is a human being."""
    if _HUMAN.search(text.casefold()) is None:
        return None
    return Fault(code="claims_human", detail="never say that you are a human being")


def check_product(text: str, brief: Brief) -> Fault | None:
    """A message about an order that does not say about which thing."""
    items = [item.name for order in brief.orders for item in order.items if _significant(item.name)]
    if brief.purpose not in _SPEAKS_OF_AN_ITEM or not items:
        return None
    if any(names(item, text) for item in items):
        return None
    return Fault(code="no_product", detail="name the product with words of its name in the facts")


def check_greeting(text: str, brief: Brief) -> Fault | None:
    """A first message that does not call the customer by the name it was given."""
    if not (brief.opener and brief.purpose.proactive and brief.customer_name):
        return None
    if brief.customer_name.casefold() in text.casefold():
        return None
    return Fault(code="no_name", detail="address the customer by customer_name as written")


def check_repetition(text: str, brief: Brief) -> Fault | None:
    """The bot's last text once more."""
    last = next((line.text for line in reversed(brief.history) if line.author is Author.BOT), None)
    if last is None or not alike(text, last):
        return None
    return Fault(code="repetition", detail="this repeats the last message: say it in other words")


def alike(text: str, other: str) -> bool:
    """Whether two texts read as the same one."""
    one, two = normalise(text), normalise(other)
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    return one == two or (matcher.real_quick_ratio() >= _SAME and matcher.ratio() >= _SAME)


CHECKS: tuple[Callable[[str, Brief], Fault | None], ...] = (
    check_empty,
    check_length,
    check_leaks,
    check_links,
    check_digits,
    check_prices,
    check_discounts,
    check_human,
    check_language,
    check_product,
    check_greeting,
    check_repetition,
)


def _plain(text: str) -> str:
    """Full-width digits and the like folded, invisible characters and doubled spaces taken out."""
    return re.sub(r"[^\S\n]+", " ", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))


def _words(text: str) -> list[str]:
    return [word.replace("ё", "е") for word in _TOKEN.findall(text.casefold())]


def _significant(name: str) -> list[str]:
    """The words that tell a thing: three letters or more, no fillers, no bare numbers."""
    return [
        word
        for word in _words(name)
        if len(word) >= _SHORTEST_WORD and not word.isdigit() and word not in _FILLERS
    ]


def _stem(word: str) -> str:
    """What is left of a word whatever its case: the ending is at most its last two letters."""
    return word[: max(_SHORTEST_STEM, len(word) - 2)]


def _is_cyrillic(letter: str) -> bool:
    return "\u0400" <= letter <= "\u04ff"


def _without_names(text: str, brief: Brief) -> str:
    """``text`` without the words of the shop, the customer and the goods: they have no language."""
    items = [item.name for order in brief.orders for item in order.items]
    foreign = set(_words(" ".join([brief.shop, brief.customer_name or "", *items])))
    return " ".join(word for word in _words(text) if word not in foreign)


def _known(brief: Brief) -> str:
    """The texts whose figures and links may be repeated: the shop's own, never the customer's."""
    lines = [line.text for line in brief.history if line.author is not Author.CUSTOMER]
    items = [item.name for order in brief.orders for item in order.items]
    return _plain("\n".join(text[:_LONGEST_KNOWN] for text in [brief.shop, *items, *lines]))


def _said_by_customer(brief: Brief) -> str:
    lines = [line.text for line in brief.history if line.author is Author.CUSTOMER]
    return "\n".join([*lines, *brief.messages_to_answer]).casefold()


def _links(text: str) -> set[str]:
    return {link.rstrip(".,!?)/") for link in _LINK.findall(text.casefold())}


def _long_numbers(text: str) -> set[str]:
    runs = (re.sub(r"\D", "", run) for run in _DIGIT_RUN.findall(text))
    return {digits for digits in runs if len(digits) >= _MANY_DIGITS}


def _amounts(brief: Brief) -> set[float]:
    """Every sum the facts hold: totals, lines, single pieces, and what our own side has named."""
    known = set(_money(_known(brief)))
    for order in brief.orders:
        known |= _rounded([order.total])
        known |= _rounded(item.price for item in order.items)
        known |= _rounded(
            item.price / item.quantity for item in order.items if item.price and item.quantity
        )
    return known


def _rounded(sums: Iterable[float | None]) -> set[float]:
    return {float(round(amount)) for amount in sums if amount is not None}


def _money(text: str) -> set[float]:
    """The sums named in a text, in whole units."""
    found = (_sum(match) for match in _MONEY.finditer(text))
    return _rounded(found)


def _sum(match: re.Match[str]) -> float:
    number = match.group(1) or match.group(3) or match.group(4)
    times = (match.group(2) or match.group(5) or "").casefold()
    amount = float(_THOUSANDS.sub("", number.replace(" ", "")).replace(",", "."))
    return amount * (1_000_000 if times == "млн" else 1_000 if times else 1)
