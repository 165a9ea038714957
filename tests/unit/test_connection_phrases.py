"""What the page «Связь» says: every state in both languages, faults of price lists in words."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from app.domain.events import Language
from app.domain.session import DOWN
from app.errors import Refused
from app.gateways.catalogue import read_price_list
from app.web.desk import connection
from app.web.desk.catalogue import kazakh, said
from app.web.desk.connection_phrases import KASPI, LISTS, MODEL, SESSIONS, STRANGE
from app.web.desk.price_list_phrases import reason_of

RU = partial(said, lang=Language.RU)
KK = partial(said, lang=Language.KK)


def test_every_state_and_every_failure_has_its_kazakh() -> None:
    states = [*SESSIONS.values(), STRANGE, *KASPI.values(), *MODEL.values(), *LISTS.values()]
    texts = {text for told in states for text in (told.word, told.todo)}
    texts |= {*connection._FAILED.values(), connection._OTHERWISE}
    assert {text for text in texts if text not in kazakh()} == set()


def test_every_status_in_which_nothing_is_sent_is_explained() -> None:
    assert set(SESSIONS) >= DOWN


ROWS = [
    "SKU,model,brand,category,price,PP1,preorder",
    "A-1,Куртка,b,c,100,1,",
    ",Без кода,b,c,100,1,",
    "A-2,,b,c,100,1,",
    "A-3,Шапка,b,c,,1,",
    "A-4,Шапка,b,c,12.990,1,",
    "A-5,Шапка,b,c,дорого,1,",
    "A-6,Шапка,b,c,#N/A,1,",
    "A-7,Шапка,b,c,100,много,",
    "A-8,Шапка,b,c,100,1,скоро",
    "A-1,Ещё раз,b,c,100,1,",
    "1.23457E+11,Шапка,b,c,100,1,",
    f"{'9' * 200},Шапка,b,c,100,1,",
]


def unworded(reason: str) -> bool:
    """Whether the sentence of the reader's is shown as it is."""
    return reason in (reason_of(reason, RU), reason_of(reason, KK))


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(ROWS),
        "SKU,model,brand\nA-1,Куртка,b\n",
        "SKU,model,price,price,PP1\nA-1,Куртка,1,1,1\n",
    ],
)
def test_what_is_wrong_with_rows_is_said_in_both_languages(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    faults = read_price_list(path).faults
    assert faults
    assert [fault.reason for fault in faults if unworded(fault.reason)] == []


LISTS_BROKEN: dict[str, bytes] = {
    "empty": b"",
    "page": b"<!doctype html><html><body>login</body></html>",
    "pdf": b"%PDF-1.7 ...",
    "json": b'{"a": 1}',
    "zip": b"PK\x03\x04 not a real one",
    "old excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "gzip": b"\x1f\x8b\x08\x00rest",
    "noise": b"\x00\x01\x02\x03",
    "no heads": "Товар;Цена\nКуртка;5\n".encode(),
    "open quote": b'SKU,model,price\n"A-1,Jacket,100\n',
    "broken xml": b"<kaspi_catalog><offers><offer></offers>",
    "xml of another kind": b'<?xml version="1.0"?><catalog><a/></catalog>',
    "entities": b'<!DOCTYPE a [<!ENTITY x "y">]><kaspi_catalog><offers/></kaspi_catalog>',
    "encoding": b'<?xml version="1.0" encoding="nonsense"?><kaspi_catalog/>',
}


@pytest.mark.parametrize("kind", LISTS_BROKEN)
def test_a_list_that_cannot_be_used_is_explained_in_both_languages(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "list"
    path.write_bytes(LISTS_BROKEN[kind])
    with pytest.raises(Refused) as error:
        read_price_list(path)
    assert not unworded(error.value.reason), error.value.reason


def test_a_missing_file_and_an_unknown_sentence_are_told_too(tmp_path: Path) -> None:
    with pytest.raises(Refused) as error:
        read_price_list(tmp_path / "gone.csv")
    assert reason_of(error.value.reason, RU) == "Такого файла нет. Проверьте путь в настройках."
    assert reason_of("a sentence of tomorrow {0}", KK) == "a sentence of tomorrow {0}"
    told = "its price is no number: {0} {evil}"
    assert reason_of(told, RU) == "цена не число: {0} {evil}"
