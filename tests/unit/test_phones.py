"""Phones as people and systems write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refused
from app.gateways.phones import kazakh_mobile


@pytest.mark.parametrize(
    "written",
    [
        "7010000001",
        "77010000001",
        "+77010000001",
        "87010000001",
        "8 701 000 00 01",
        "8-701-000-00-01",
        "+7 (701) 000-00-01",
        "+7\u00a0701\u00a0000\u00a000\u00a001",
        "+7 701 000–00–01",
        "  7701.000.00.01\n",
        7010000001,
        77010000001,
        77010000001.0,
    ],
)
def test_every_way_to_write_a_kazakhstan_mobile_is_one_phone(written: object) -> None:
    assert kazakh_mobile(written) == "77010000001"


def test_every_operator_of_kazakhstan_is_known() -> None:
    mobile = [700, 701, 702, 705, 706, 707, 708, 747, 750, 751, 760, 761, 762, 763, 764, 771]
    mobile += [775, 776, 777, 778]
    assert [kazakh_mobile(f"8{prefix}1234567") for prefix in mobile] == [
        f"7{prefix}1234567" for prefix in mobile
    ]


@pytest.mark.parametrize("written", [None, "", "   ", True, [], {}, float("nan"), 7010000001.5])
def test_nothing_is_an_empty_phone(written: object) -> None:
    assert _reason(written) == "phone is empty"


@pytest.mark.parametrize(
    "written",
    [
        "+0(000)-000-00-00",
        "0000000000",
        "+7(000)000-00-00",
        "7777777777",
        "77777777777",
        "+7 (701) ***-**-01",
        "7701•••0001",
        "+7 701 XXX XX 01",
    ],
)
def test_a_hidden_phone_is_called_masked(written: object) -> None:
    assert _reason(written) == "phone is masked"


@pytest.mark.parametrize(
    "written",
    [
        "+7 (7172) 12-34-56",  # Astana, a landline
        "87272123456",
        "+79161234567",  # Russia
        "89161234567",
        "9161234567",
        "+996700123456",  # Kyrgyzstan
        "+12025550123",
        "+87010000001",
        "701000000",  # too short
        "770100000012",  # too long
        "7701000000123456789012345678901234567890",
        "+",
        "-",
        "77990000001",  # nobody has this prefix
        "8701asel001",
        "1-800-FLOWERS",
        "77010000001@c.us",
        "buyer@example.com",
        "٧٧٠١٠٠٠٠٠٠١",
        "7701000000²",
        "77010000001;ext=5",
        "tel:77010000001",
        77010000001000,
        0,
    ],
)
def test_any_other_number_is_not_a_kazakhstan_mobile(written: object) -> None:
    assert _reason(written) == "not a Kazakhstan mobile number"


@given(st.one_of(st.text(), st.integers(), st.floats(), st.from_regex(r"\+?[78][0-9 ()-]{8,14}")))
def test_anything_is_a_mobile_or_refused_without_repeating_it(written: object) -> None:
    said = _said(written)
    assert re.fullmatch(r"77\d{9}|[^\d]+", said)
    assert said.startswith(("7", "phone is ", "not a Kazakhstan mobile number"))


def _said(written: object) -> str:
    try:
        return kazakh_mobile(written)
    except Refused as refusal:
        return refusal.reason


def _reason(written: object) -> str:
    with pytest.raises(Refused) as refusal:
        kazakh_mobile(written)
    return refusal.value.reason
