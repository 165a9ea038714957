"""A phone as people write it -> the eleven digits of a Kazakhstan mobile, or why not.

The one piece the gateways share: Kaspi, the demper and the API all bring phones in.
"""

from __future__ import annotations

import re

from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, number_type, parse

from app.errors import Refused

_REGION = "KZ"
_COUNTRY_CODE = 7  # shared with Russia
_WRITTEN = re.compile(r"\+?[0-9\s().\-–—]+")
_MASK = re.compile(r"[*•●×#]|[xXхХ]{2}")
_MOBILE = re.compile(r"77[0-9]{9}")
_SUBSCRIBER = 10  # digits after the country code
_ALSO_MOBILE = ("750", "751")
"""Prefixes that Kazakhstan's operators give to mobiles and ``phonenumbers`` does not know."""


def kazakh_mobile(written: object) -> str:
    """``written`` (text or a number) as ``77xxxxxxxxx``.

    Takes ``7010000001``, ``77010000001``, ``8 701 000 00 01``, ``+7 (701) 000-00-01``.
    Raises Refused with a reason that never repeats the digits.

    >>> kazakh_mobile("+7 (701) 000-00-01")
    '77010000001'
    """
    text = _text(written)
    if not text:
        raise Refused("phone is empty", code="phone_empty")
    if _is_masked(text):
        raise Refused("phone is masked", code="phone_masked")
    digits = _digits(text)
    if digits is None or not _MOBILE.fullmatch(digits):
        raise Refused("not a Kazakhstan mobile number", code="phone_not_mobile")
    return digits


def _text(written: object) -> str:
    if isinstance(written, float) and written.is_integer():
        written = int(written)  # a spreadsheet's way with whole numbers
    if isinstance(written, int) and not isinstance(written, bool):
        return str(written)
    return written.strip() if isinstance(written, str) else ""


def _is_masked(text: str) -> bool:
    """Whether digits were hidden on purpose: stars, or one digit all over (``+0(000)-…``)."""
    digits = re.sub(r"[^0-9]", "", text)
    one_digit = len(digits) >= _SUBSCRIBER and len(set(digits[-_SUBSCRIBER:])) == 1
    return one_digit or bool(_MASK.search(text))


def _digits(text: str) -> str | None:
    if not _WRITTEN.fullmatch(text):
        return None
    try:
        number = parse(text, _REGION)
    except NumberParseException:
        return None
    return f"{number.country_code}{number.national_number}" if _is_mobile(number) else None


def _is_mobile(number: PhoneNumber) -> bool:
    if number.country_code != _COUNTRY_CODE:
        return False
    known = number_type(number) == PhoneNumberType.MOBILE
    return known or str(number.national_number).startswith(_ALSO_MOBILE)
