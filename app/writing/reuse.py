"""One text for several equal first messages, with only the name and the product changed.

A wrong reuse is a stranger's detail in a customer's chat, a missed one costs a tenth of a cent: so
a text is shared only when every word of it could be said of any order. What is kept is a template
with ``{name}`` and ``{product}``; the greeting's signature and stop hint are added after filling.
"""

from __future__ import annotations

import re

from msgspec import Struct

from app.domain.brief import Brief
from app.domain.conversation import derive_id, share
from app.domain.events import Language
from app.domain.experiments import FIRST
from app.store.texts import TEXTS_KEPT
from app.writing.canned import called
from app.writing.checks import check
from app.writing.everyday import CARRIERS, GENDERED, IT_HELPS, NOMINATIVE, Gender, is_everyday
from app.writing.links import plain

FEWEST = 5
"""Templates of a kind before one is reused: of fewer, too many customers would get the same one,
and a number that says one thing to a hundred people is what WhatsApp blocks.
"""

_NAME, _PRODUCT = "{name}", "{product}"
_SLOT = re.compile(r"\{(\w*)\}")
_WORD = re.compile(r"[^\W_]+")
_SIGN = re.compile(r"[\d%₸$€£№#@/\\<>{}\[\]|*_=+~^`]")
_QUOTED = re.compile(r"(?<!\w)(?:«([^«»]+)»|“([^“”]+)”|„([^„“]+)“|\"([^\"]+)\")(?![\w-])")
_SENTENCE = re.compile(r"[.!?…\n]+")
_SET_OFF = ".,!?…;:\n"
"""Signs that set a form of address off: what stands between two of them has no case ending."""

_LEADS = re.compile(r"(?:[—–:]|\s-)\s$")
"""A dash or a colon before the product: what follows it has no case ending, either."""

_SHORTEST = 2
"""Words of the product's name that are enough to be it, when they stand in quotes."""


class _Own(Struct, frozen=True, kw_only=True):
    """What of a text is the customer's own."""

    name: str | None
    product: str | None


def kind_of(brief: Brief) -> str:
    """Which first messages are equal: briefs of one kind may share a text, each arm its own."""
    own = _own(brief)
    order = brief.orders[0] if brief.orders else None
    pieces = sum(item.quantity for item in order.items) if order else 0
    return derive_id(
        brief.purpose,
        brief.language,
        brief.shop,
        brief.segment,
        order.stage if order else "",
        *(str(int(fact)) for fact in (brief.opener, bool(own.name), bool(own.product), pieces > 1)),
        *(() if brief.arm == FIRST else (brief.arm,)),
    )


def template_of(text: str, brief: Brief) -> str | None:
    """A checked text of the model as a template for equal briefs; None when it is this one's only.

    The name must be a form of address, the product stand in quotes or after a dash or a colon.
    """
    own = _own(brief)
    if not _is_plain(brief) or own == _Own(name=None, product=None) or _SLOT.search(text):
        return None
    found = text
    if own.product is not None:
        found = _with_product_out(found, own.product)
    if own.name is not None:
        found = _with_name_out(found, own.name)
    return found if _fits(found, own) and _says_nothing_else(found, brief) else None


def filled(template: str, brief: Brief) -> str | None:
    """``template`` with this brief's name and product; None when it does not fit, or the text
    would not pass the checks any text must pass.
    """
    own = _own(brief)
    if not _is_plain(brief) or not _fits(template, own):
        return None
    words = {"name": own.name or "", "product": own.product or ""}
    text = _SLOT.sub(lambda slot: words[slot.group(1)], template)
    return None if check(text, brief) else text


def reused(templates: tuple[str, ...], brief: Brief) -> str | None:
    """The text this brief gets of those known for its kind; None when the model is to write it.

    The choice is a hash of the brief. While not all places are taken, some briefs fall on an empty
    one: the model writes for them, and the words do not come down to the first five.
    """
    if len(templates) < FEWEST:
        return None
    codes = [order.code for order in brief.orders]
    chosen = share("reuse", brief.purpose, brief.shop, brief.customer_name or "", *codes)
    place = int(chosen * max(TEXTS_KEPT, len(templates)))
    return filled(templates[place], brief) if place < len(templates) else None


def _own(brief: Brief) -> _Own:
    item = next((item for order in brief.orders for item in order.items), None)
    product = called(item.name) if item is not None else None
    return _Own(name=brief.customer_name, product=product)


def _is_plain(brief: Brief) -> bool:
    """Whether nothing is known beyond name and order: all else would have to be said, or not."""
    known = (brief.history, brief.messages_to_answer, brief.products, brief.topics, brief.mood)
    return brief.purpose.proactive and brief.canned is None and not any(known)


def _fits(template: str, own: _Own) -> bool:
    """Whether a template asks for what there is, all of it, and for nothing else."""
    wanted = {
        slot for slot, value in ((_NAME, own.name), (_PRODUCT, own.product)) if value is not None
    }
    return {slot.group() for slot in _SLOT.finditer(template)} == wanted


# --- taking the name and the product out ------------------------------------------------------


def _with_product_out(text: str, product: str) -> str:
    """``text`` with ``{product}`` where the product stands so that no ending depends on it."""

    def out(quoted: re.Match[str]) -> str:
        phrase = next(group for group in quoted.groups() if group is not None)
        if not _is_part(phrase, product):
            return quoted.group()
        whole = quoted.group()
        return f"{whole[0]}{_PRODUCT}{whole[-1]}"

    text = _QUOTED.sub(out, text)
    bare = re.compile(rf"{re.escape(product)}(?=\s*(?:[.!?…;\n]|$))")
    return bare.sub(
        lambda found: _PRODUCT if _LEADS.search(text[: found.start()]) else found.group(), text
    )


def _is_part(phrase: str, product: str) -> bool:
    """Whether a phrase is the product's name, or several words of it that stand together."""
    said, name = (_WORD.findall(one.casefold()) for one in (phrase, product))
    if len(said) < min(_SHORTEST, len(name)):
        return False
    return any(name[at : at + len(said)] == said for at in range(len(name) - len(said) + 1))


def _with_name_out(text: str, name: str) -> str:
    """``text`` with ``{name}`` where the customer is addressed by it."""

    def out(found: re.Match[str]) -> str:
        before = text[: found.start()].rstrip(" ")
        after = text[found.end() :].lstrip(" ")
        begins = not before or before[-1] in _SET_OFF or _is_picture(before[-1])
        ends = not after or after[0] in _SET_OFF or _is_picture(after[0])
        return _NAME if begins and ends else found.group()

    return re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", out, text)


def _is_picture(sign: str) -> bool:
    """Whether a sign is an emoji or the like."""
    return not sign.isalnum() and not sign.isspace() and ord(sign) > ord("\u2190")


# --- what is left must be true of any order ---------------------------------------------------


def _says_nothing_else(template: str, brief: Brief) -> bool:
    """Whether all that is left are words said of any order, and none that bends to this product."""
    left = _SLOT.sub(" ", template)
    left = re.sub(rf"(?<!\w){re.escape(brief.shop)}(?!\w)", " ", left, flags=re.IGNORECASE)
    if _SIGN.search(plain(left)):
        return False
    if not all(is_everyday(word, brief.language) for word in _words(left)):
        return False
    return _PRODUCT not in template or _bends_to_nothing(template, brief.language)


def _bends_to_nothing(template: str, language: Language) -> bool:
    """Whether the product may be any other: no ending of its own, nothing that agrees with it.

    What has a gender must agree with a noun that stays, right before the product, everywhere:
    «заказ «…» доставлен», for «как вам «…»? подошла?» asks in the gender of this customer's thing.
    """
    places = [_before(template, slot.start()) for slot in _SLOT.finditer(template)
              if slot.group() == _PRODUCT]  # fmt: skip
    if not all(_is_free(before, language) for before in places):
        return False
    genders = [_gender(before, language) for before in places]
    return all(
        set(genders) == {gender}
        for word in _words(re.sub(IT_HELPS, r"\1", template.casefold()))
        if (gender := GENDERED[language].get(word)) is not None
    )


def _before(template: str, at: int) -> str:
    """What stands before a place, of its sentence."""
    return _SENTENCE.split(template[:at])[-1].rstrip('«“„" ')


def _is_free(before: str, language: Language) -> bool:
    """Whether a name that comes now takes no ending from what stands before it."""
    if language not in NOMINATIVE or not before or before[-1] in "—–:-":
        return True
    last = _words(before)[-1:]
    return any(word in CARRIERS[language] or word in NOMINATIVE[language] for word in last)


def _gender(before: str, language: Language) -> Gender | None:
    """Of the noun that comes right before a place, if that is what comes."""
    last = _words(before)[-1:]
    return next((CARRIERS[language].get(word) for word in last), None)


def _words(text: str) -> list[str]:
    return [word.replace("ё", "е") for word in _WORD.findall(text.casefold())]
