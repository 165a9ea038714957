"""Logs: every line is structured, in UTC, and without phones or secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from app import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, config = root.handlers, root.level, structlog.get_config()
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**config)


@pytest.fixture
def stream() -> io.StringIO:
    out = io.StringIO()
    log.configure("INFO", "json", stream=out)
    return out


def line(stream: io.StringIO) -> dict[str, Any]:
    (text,) = stream.getvalue().splitlines()
    decoded: dict[str, Any] = json.loads(text)
    return decoded


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("77051234567", "7705*****67"),
        ("+7 (705) 123-45-67", "+7705*****67"),
        ("8 705 123 45 67", "8705*****67"),
        ("сообщение на 77051234567: нет", "сообщение на 7705*****67: нет"),
        ("/api/contacts/77051234567/messages", "/api/contacts/7705*****67/messages"),
        ("77051234567@c.us", "7705*****67@c.us"),
        ("false_77051234567@c.us_3EB0F7", "false_7705*****67@c.us_3EB0F7"),
        ("77051234567:12@s.whatsapp.net", "7705*****67:12@s.whatsapp.net"),
        ("120363020000000000@g.us", "1203************00@g.us"),
    ],
)
def test_a_phone_is_masked_however_it_is_written(text: str, masked: str) -> None:
    assert log.mask_phone(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "order 123456789",
        "2026-11-22 18:10:58",
        "2026-11-22T18:10:58.123456Z",
        "3EB0F79B41A5E1C7BF436A",
        "9 990 ₸",
        "127.0.0.1:8080",
    ],
)
def test_what_is_no_phone_stays(text: str) -> None:
    assert log.mask_phone(text) == text


@given(st.from_regex(r"7[67]\d{9}", fullmatch=True), st.text(alphabet=" ,.:;/|«»абв\n"))
def test_no_kazakh_phone_gets_through(phone: str, around: str) -> None:
    assert phone not in log.mask_phone(around + phone + around)


def test_masking_reaches_into_whatever_is_logged(stream: io.StringIO) -> None:
    log.get_logger("app").info(
        "sent", deep={"77051234567": [("to 77051234567",), {"x": b"77051234567"}]}, odd=Odd()
    )
    assert "77051234567" not in stream.getvalue()
    assert line(stream)["deep"] == {"7705*****67": [["to 7705*****67"], {"x": "b'7705*****67'"}]}


class Odd:
    def __repr__(self) -> str:
        return "Odd(77051234567)"


def test_what_is_named_like_a_secret_is_hidden_but_counts_are_not(stream: io.StringIO) -> None:
    log.get_logger("app").info(
        "call", api_key="a1", tokens=512, headers={"Authorization": "b2", "X-Api-Key": ["c3"]}
    )
    told = line(stream)
    assert (told["api_key"], told["tokens"]) == ("***", 512)
    assert told["headers"] == {"Authorization": "***", "X-Api-Key": "***"}


def test_credentials_inside_a_text_are_hidden(stream: io.StringIO) -> None:
    log.get_logger("app").info("at redis://:pa55@host/0 with Bearer abc.def and sk-abcdefgh1234")
    assert line(stream)["event"] == "at redis://***@host/0 with Bearer *** and ***"


def test_a_line_has_the_time_in_utc_the_level_and_the_name(stream: io.StringIO) -> None:
    log.get_logger("app.worker").warning("turn", chat="c")
    told = line(stream)
    assert list(told)[:3] == ["timestamp", "level", "event"]
    assert told["timestamp"].endswith("Z")
    assert (told["level"], told["logger"], told["event"]) == ("warning", "app.worker", "turn")


def test_an_exception_is_told_masked_and_without_local_variables(stream: io.StringIO) -> None:
    def ask(word: str) -> None:
        raise ValueError("no answer for 77051234567")

    try:
        ask("pa55word" * 2)
    except ValueError:
        log.get_logger("app").exception("failed")
    assert "ValueError: no answer for 7705*****67" in line(stream)["exception"]
    assert "pa55wordpa55word" not in stream.getvalue()


def test_a_librarys_line_is_structured_and_masked_too(stream: io.StringIO) -> None:
    logging.getLogger("some.library").error("no %s", "77051234567", extra={"try_no": 2})
    told = line(stream)
    assert (told["event"], told["logger"], told["try_no"]) == ("no 7705*****67", "some.library", 2)


@pytest.mark.parametrize("name", ["httpx", "uvicorn.access", "docket", "litestar", "openai._base"])
def test_libraries_that_print_addresses_are_quiet(name: str, stream: io.StringIO) -> None:
    logging.getLogger(name).info("GET /contacts/77051234567")
    assert stream.getvalue() == ""


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    log.get_logger("app").debug("detail")
    assert stream.getvalue() == ""


def test_a_terminal_gets_lines_for_the_eye_and_a_file_gets_json() -> None:
    terminal, file = Terminal(), io.StringIO()
    log.configure(stream=terminal)
    log.get_logger("app").info("started", phone="77051234567")
    log.configure(stream=file)
    log.get_logger("app").info("started")
    assert not terminal.getvalue().startswith("{")
    assert "7705*****67" in terminal.getvalue()
    assert line(file)["event"] == "started"


def test_a_huge_text_is_cut_and_costs_nothing(stream: io.StringIO) -> None:
    log.get_logger("test").info("door", order="1" * 600_000, also="7" * 20_000 + "@")
    assert len(stream.getvalue()) < 5_000
