"""What a text must be before it leaves: pure, quick validators against the brief.

Each takes the text and the brief and returns a ``Fault`` or None. They would rather reject a
good text, which costs a second call, than let an invented price through.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import SequenceMatcher

from msgspec import Struct

from app.domain.brief import Brief
from app.domain.conversation import Author
from app.domain.events import Language
from app.domain.language import KAZAKH_LETTERS, normalise
from app.domain.rules import Purpose
from app.writing import money
from app.writing.links import (
    has_account,
    links,
    long_numbers,
    plain,
    without_long_numbers,
)

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

_LONGEST_CHECKED = 2000
"""Characters from which nothing more is asked of a text: it is too long anyway."""

_SCATTERED_DIGITS = 12
"""Digits of one sentence, in numbers not in the facts, that may be put together to a card."""


_FILLERS = frozenset(
    {"для", "или", "без", "под", "при", "комплект", "набор", "және", "үшін", "мен"}
)
_SHORTEST_WORD = 3
_SHORTEST_STEM = 4

_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
    r"\x00-\x08\x0b-\x1f\x7f]"
)
_STOP_WORD = re.compile(r"(?<![\w-])(?:стоп|тоқта)(?![\w-])")
_TOKEN = re.compile(r"[^\W_]+")

_LEAK = re.compile(
    r"</?facts|[{}]|```|\*\*|\]\(|<\w+>|\\u00|\\n|needs_person|customer_name|messages_to_answer"
    r"|local_time|return_requested|handed_over|waiting_for_signature|json|system prompt|api key"
    r"|системн\w+ (?:промп?т|инструкц)\w*|промп?т\w*|жүйелік нұсқау\w*"
    r"|\b(?:none|null|undefined|nan|error|exception|traceback|openai|chatgpt|gpt)\b"
    r"|(?:языковая|тілдік) модел\w*|language model"
    r"|нейросет\w*|\bкак ии\b|\b(?:claude|gemini|llm)\b|\bsk-\w{4,}|api[- ]?ключ|ключ\w* api"
    r"|needs person|customer name|\bsystem:|\bfacts:|\bинструкци[яи] (?:гласит|у меня)|<\w+[ >/]|`"
    r"|\bi (?:cannot|can't)\b|\bмои (?:правила|инструкции)\b"
    r"|не (?:могу|можем|удалось) (?:обработать|ответить)|произошла ошибка|қате орын алды"
    r"|өңдей алма\w*",
    re.IGNORECASE,
)
_HUMAN = re.compile(
    r"\bя\W{1,3}(?:(?:живой|живая|настоящ\w+|реальн\w+|обычн\w+|ваш\w?|тоже|здесь|тут)\W{1,3}){0,2}"
    r"(?:человек|менеджер|оператор|консультант|сотрудни[кц]\w?|продавец)\b"
    r"|\bя\W{1,3}(?:живой|живая|настоящ\w+|реальн\w+)\b|\bменя зовут\b|\bмо[её] имя\b"
    r"|\b(?:я|это|тут|здесь|мы|пиш\w+|говорите с|общаетесь с)\W{1,3}не\W{1,3}(?:бот|робот)\w*"
    r"|\b(?:говорите|общаетесь|переписываетесь) с (?:жив|реальн|настоящ|человек|менедж)\w*"
    r"|\bмен (?:тірі |нағыз )?(?:адаммын|менеджермін|сатушымын|оператормын)\b|\bменің атым\b"
    r"|\bмен (?:бот|робот) емеспін\b"
)
_ASKS = re.compile(
    r"(?:смс|sms)[- ]?код|код\w*\s+(?:из|с|по)\s+(?:смс|sms|сообщ|уведомл)\w*|код\w* подтвержд\w*"
    r"|растау код\w*|(?:смс|sms)\w* код\w*|\b(?:cvv|cvc)2?\b|\bпин[- ]?код\w*"
    r"|(?:kaspi|каспи)\W{0,3}(?:gold|голд)\w*|(?:фото|номер|реквизит|данные)\w*\s+(?:\w+\s+)?карт(?:[ауые]|ой|очк\w+)\b"
    r"|карт(?:[ауые]|ой|очк\w+)?\b[^.!?\n]{0,20}\d{3,}|карта нөмір\w*"
    r"|\bкод\w{0,2}\W{1,3}(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{4,}"
    r"|промо[- ]?код\w*|\bкупон\w*"
)
"""What a swindler asks for or offers; a shop in a chat never does."""


class Fault(Struct, frozen=True, kw_only=True):
    """What is wrong with a text: ``code`` for the journal, ``detail`` for the model's repair."""

    code: str
    detail: str


def limit(purpose: Purpose) -> int:
    """The most characters a text of this purpose may have."""
    return PROACTIVE_LIMIT if purpose.proactive else REPLY_LIMIT


def check(text: str, brief: Brief) -> tuple[Fault, ...]:
    """Every fault of ``text``, none when it may leave."""
    if len(text) > _LONGEST_CHECKED:
        return tuple(fault for fault in [check_length(text, brief)] if fault)
    read = plain(text)
    found = [check_length(text, brief), *(one(read, brief) for one in CHECKS)]
    return tuple(fault for fault in found if fault is not None)


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
    name, text = plain(name), plain(text)
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
    known = links(plain(brief.shop)) if opener else links(_known(brief)) | {"kaspi.kz"}
    if links(text) <= known:
        return None
    return Fault(code="link", detail="no links, sites or accounts that are not in the facts")


def check_digits(text: str, brief: Brief) -> Fault | None:
    """A phone, card or account number that is not in the facts."""
    known = {order.code for order in brief.orders} | long_numbers(_known(brief))
    rest = _without_facts(text, brief)
    sums = _amounts(brief) | money.numbers(_known(brief))
    scattered = max(money.digits_besides(one, sums) for one in money.sentences(rest))
    if (
        long_numbers(rest) <= known
        and scattered < _SCATTERED_DIGITS
        and not has_account(rest)
        and not money.counts_in_words(rest)
    ):
        return None
    return Fault(
        code="number", detail="no phone, card or account numbers that are not in the facts"
    )


def check_prices(text: str, brief: Brief) -> Fault | None:
    """A sum of money that is not in the facts."""
    amounts, numbers = _amounts(brief), money.numbers(_known(brief))
    bare = money.without_dates(without_long_numbers(_without_facts(text, brief)))
    small = {number for number in numbers if number < money.LARGE}
    if (
        money.sums(text) <= amounts
        and money.priced(bare) <= amounts | small
        and money.large(bare) <= amounts | numbers
        and not money.spelled(text)
    ):
        return None
    return Fault(code="price", detail="a price is not in the facts: do not name it")


def check_discounts(text: str, brief: Brief) -> Fault | None:
    """A percentage, a discount, a gift or the like that is not in the facts.

    A sentence that denies it or leaves it to the seller may name it.
    """
    known = _known(brief)
    if money.percents(text) <= money.percents(known) and (
        money.favours(text) <= money.favours(known)
    ):
        return None
    return Fault(code="discount", detail="no percentages and discounts that are not in the facts")


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


def check_asks(text: str, brief: Brief) -> Fault | None:
    """Codes, cards, coupons and transfers: what a swindler writes about."""
    found = _ASKS.search(text.casefold())
    if found is None or found.group() in _known(brief).casefold():
        return None
    return Fault(code="asks", detail="never write of codes, cards, coupons or Kaspi Gold")


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
    if plain(brief.customer_name).casefold() in text.casefold():
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
    check_leaks,
    check_links,
    check_digits,
    check_prices,
    check_discounts,
    check_asks,
    check_human,
    check_language,
    check_product,
    check_greeting,
    check_repetition,
)


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
    foreign = set(_words(plain(" ".join([brief.shop, brief.customer_name or "", *items]))))
    return " ".join(word for word in _words(text) if word not in foreign)


def _known(brief: Brief) -> str:
    """The texts whose figures and links may be repeated: the shop's own, never the customer's."""
    lines = [line.text for line in brief.history if line.author is not Author.CUSTOMER]
    items = [item.name for order in brief.orders for item in order.items]
    return plain("\n".join(text[:_LONGEST_KNOWN] for text in [brief.shop, *items, *lines]))


def _without_facts(text: str, brief: Brief) -> str:
    """``text`` without the orders' numbers, the known long numbers, the known sums and dates."""
    codes = "|".join(re.escape(order.code) for order in brief.orders if order.code)
    if codes:
        text = re.sub(rf"(?<!\d)(?:{codes})(?!\d)", " x ", text)
    text = without_long_numbers(text, long_numbers(_known(brief)))
    return money.without_dates(money.without_sums(text, _amounts(brief)))


def _amounts(brief: Brief) -> set[float]:
    """Every sum the facts hold: totals, lines, single pieces, and what our own side has named."""
    known = set(money.sums(_known(brief)))
    for order in brief.orders:
        known |= money.rounded([order.total])
        known |= money.rounded(item.price for item in order.items)
        known |= money.rounded(
            item.price / item.quantity for item in order.items if item.price and item.quantity
        )
    return known
