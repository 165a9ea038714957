"""Where a text leads: sites, accounts, phones and cards, however they are spelled.

Everything here reads a text that went through :func:`plain`, which undoes the usual disguises.
"""

from __future__ import annotations

import re
import unicodedata

_MANY_DIGITS = 9
"""Phones, cards and accounts have at least as many digits in one run."""

_DROPPED = frozenset({"Cf", "Mn", "Me", "Cc"})
"""Characters nobody sees, and marks put over others (й and ё are one character by then)."""

_ODD = str.maketrans({
    "№": "#", "\u2028": "\n", "\u2029": "\n", "\t": " ", "\r": "\n",
    "\u115f": " ", "\u1160": " ", "\u3164": " ", "\uffa0": " ", "\u2800": " ", "\u3002": ".",
})  # fmt: skip
_LATIN = "aeopcyxkmtubi" + "ABEKMHOPCTYXI" + "h"
_CYRILLIC = "аеорсухкмтиві" + "АВЕКМНОРСТУХІ" + "һ"
_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)
_TO_LATIN = str.maketrans("аеорсухкмтів" + "АВЕКМНОРСТУХІ", "aeopcyxkmtib" + "ABEKMHOPCTYXI")
_WORD = re.compile(r"[^\W\d_]+")
_SPACED_OUT = re.compile(r"(?<!\w)(?:[^\W\d_] ){3,}[^\W\d_](?!\w)")

_TLD = (
    "kz|ru|com|net|org|info|biz|shop|store|site|online|app|link|me|io|ly|gl|cc|top|xyz|click|pro"
    "|dev|pw|vip|eu|uz|kg|asia|live|page|space|website|ws|to|ai|su|by|cn|us|uk|de|tr|co|gd"
    "|рф|қаз|кз|ру|бел|рус|укр|москва|онлайн|сайт|ком|орг|дети"
)
_SPOKEN_TLD = (
    "kz|ru|com|net|org|info|biz|shop|store|site|online|me|io|pro|cc|su|uz|kg|ai|link|app"
    "|рф|қаз|кз|ру|ком|орг|онлайн"
)
_LINK = re.compile(
    r"\w{2,12}:/{1,2}\S+|www\.\S+"
    r"|[\w.+-]{1,64}@[\w-]{1,63}[\w.-]*|(?<!\w)@\w{2,}"
    rf"|(?<![\w@.-])(?:[\w-]{{1,63}}\.){{1,6}}(?:{_TLD}|xn--[\w-]+)(?!\w)(?:/\S*)?"
    r"|(?<![\w@.-])(?:[a-z0-9-]{2,63}\.){1,6}[a-z]{2,24}(?!\w)(?:/\S*)?"
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)(?:[:/]\S*)?"
    rf"|[\w-]{{2,63}}\s{{0,2}}(?:\(\.\)|\[\.\]|(?<!\w)(?:точка|нүкте|dot"
    rf"|дот)(?!\w))\s{{0,2}}(?:{_TLD})(?!\w)\S*"
    rf"|[\w-]{{2,63}}(?:\s{{1,2}}\.\s{{0,2}}|\.\s{{1,2}})(?:{_SPOKEN_TLD})(?!\w)\S*"
    rf"|[a-z0-9-]{{2,63}},(?:{_SPOKEN_TLD})(?!\w)\S*"
    r"|\w{2,63} ?(?:\(at\)|\[at\]|(?<!\w)собака(?!\w)) ?\w+ ?(?:точка|\.)\s?\w+"
    r"|(?:телег\w{0,6}|telegram|инст[аы]\w{0,8}|instagram|insta|тикток\w{0,2}|tiktok|вайбер\w{0,2}"
    r"|viber|facebook|фейсбук\w{0,2})[\s:—–-]{1,4}[a-z][\w.]{2,}"
    r"|(?<!\w)[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?!\w)"
)
_LINK_ANY_CASE = re.compile(_LINK.pattern, re.IGNORECASE)
_DIGIT_RUN = re.compile(r"\d(?:[\s().,\-‐-―−/\\|:;*·•~+_=#'’]{0,3}\d)+")
_IBAN = re.compile(r"(?:kz|кз)\d{2}[a-zа-я0-9]{16}")
_CITY_PHONE = re.compile(r"(?<!\d)\d{3}[ -]\d{2}[ -]\d{2}(?!\d)")


def plain(text: str) -> str:
    """``text`` as a reader takes it: nothing invisible, figures and letters of one kind."""
    folded = unicodedata.normalize("NFKC", text.translate(_ODD)).translate(_ODD)
    seen = "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
        for sign in folded
        if sign == "\n" or unicodedata.category(sign) not in _DROPPED
    )
    spaced = re.sub(r"[^\S\n]+", " ", _WORD.sub(_one_script, seen))
    return _SPACED_OUT.sub(lambda match: match.group().replace(" ", ""), spaced)


def links(text: str) -> set[str]:
    """The sites, addresses and accounts a plain text leads to."""
    return {link.rstrip(".,!?)/") for link in _LINK.findall(text.casefold())}


def without_links(text: str) -> str:
    """``text`` without the sites, addresses and accounts it leads to."""
    return _LINK_ANY_CASE.sub(" ", text)


def long_numbers(text: str) -> set[str]:
    """The digits of everything long enough for a phone, a card or an account."""
    runs = (re.sub(r"\D", "", run) for run in _DIGIT_RUN.findall(text))
    return {digits for digits in runs if len(digits) >= _MANY_DIGITS}


def without_long_numbers(text: str, known: set[str] | None = None) -> str:
    """``text`` without its long numbers, or only without those that are ``known``."""

    def cut(match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match.group())
        gone = len(digits) >= _MANY_DIGITS if known is None else digits in known
        return " " if gone else match.group()

    return _DIGIT_RUN.sub(cut, text)


def has_account(text: str) -> bool:
    """Whether a bank account or a town's phone number is in a plain text."""
    solid = re.sub(r"\s", "", text.casefold())
    return _IBAN.search(solid) is not None or _CITY_PHONE.search(text) is not None


def _one_script(match: re.Match[str]) -> str:
    """A word of one script where letters of the other only look like its own."""
    word = match.group()
    cyrillic = sum("\u0400" <= letter <= "\u04ff" for letter in word)
    if cyrillic in {0, len(word)}:
        return word
    return word.translate(_TO_CYRILLIC if cyrillic * 2 >= len(word) else _TO_LATIN)
