"""The file in which a seller with several shops writes them down: TOML, one table a shop."""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from app.config import readers
from app.config.readers import Faults, Secret
from app.config.shop_facts import (
    STATED,
    ShopFacts,
    hours_of,
    over,
    read_shop_facts,
    read_toml,
    stated_of,
)
from app.config.shop_settings import ToldShop
from app.config.strangers import nearest
from app.domain.events import Language
from app.domain.own_texts import prove_own_text
from app.domain.rules import OwnText, Purpose

_Table: TypeAlias = dict[str, Any]

_ALL = "shops"
_HOURS, _TEXTS = "hours", "texts"
_TOPICS = {topic.value: topic for topic in STATED}
_TABLES = frozenset({_HOURS, _TEXTS, *_TOPICS})

_ALIKE = 0.8
"""From how alike a key is one of ours with a slip of the pen, rather than one with more words."""

_FLAGS = frozenset({"warm_up"})
_LISTS = frozenset({"languages", "off"})
_NONE_IF_EMPTY = frozenset({"quiet_hours", "off"})


class ShopsFile(Struct, frozen=True, kw_only=True):
    """The file, and what it says of each shop, in its order. There is at least one."""

    path: Path
    shops: tuple[ToldShop, ...]


def read_shops(text: str) -> ShopsFile:
    """The shops of the TOML file named ``text``; paths in it are relative to its folder.

    Tokens that the environment holds are not in yet, see :func:`with_tokens`. Raises ValueError:
    Faults with a message for all that is wrong, each with its table and key, what to write
    instead, and no value that may be a secret.
    """
    path = readers.path(text)
    faults = _Told()
    found = list(_found(read_toml(path), faults))
    shops = [_shop(*each, folder=path.parent, faults=faults) for each in found]
    faults += _twice(shops)
    if not shops and not faults:
        faults.append('it has no shop: write [tdom], with the id of your shop, and name = "…"')
    if faults:
        raise Faults(faults)
    return ShopsFile(path=path, shops=tuple(shops))


def token_names(text: str) -> frozenset[str]:
    """Names of the environment that the file may mean: they belong to it, sound or not."""
    try:
        written = readers.path(text).read_text("utf-8-sig")
    except (OSError, ValueError):
        return frozenset()
    return frozenset(re.findall(r"""token_env["']?\s*=\s*["']\s*(\w+)""", written))


def with_tokens(file: ShopsFile, given: Mapping[str, str]) -> tuple[ShopsFile, tuple[str, ...]]:
    """The file with the tokens that the environment holds for it, and what is wrong with tokens.

    Kaspi gives a token to a shop: two shops with one would each be told the other's orders.
    """
    faults = _Told()
    shops = []
    owners: dict[object, str] = {}
    for shop in file.shops:
        known = shop
        if shop.token_env is not None:
            with faults.at(f"[{shop.place}] token_env"):
                known = replace(shop, own={**shop.own, "token": _token(shop.token_env, given)})
        token = known.own.get("token")
        if token is not None and owners.setdefault(token, shop.place) != shop.place:
            says = f"that of [{owners[token]}] too; make one for this shop in its Kaspi cabinet"
            faults.append(f"[{shop.place}] token: {says}")
        shops.append(known)
    return replace(file, shops=tuple(shops)), tuple(faults)


def is_open_to_others(path: Path) -> bool:
    """Whether every user of this machine may read the file; False when it is not there."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


# --- the tables -------------------------------------------------------------------------------


class _Told(list[str]):
    """Faults, in the order of the file."""

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """What fails inside is told with ``where`` before it; then it goes on."""
        try:
            yield
        except ValueError as wrong:
            self.append(f"{where}: {wrong}")


def _found(tables: _Table, faults: _Told) -> Iterator[tuple[str, str, _Table]]:
    """Of each shop: the name of its table for messages, its id, and the table."""
    for name, value in tables.items():
        if name == _ALL and isinstance(value, list):
            yield from _listed(value, faults)
        elif name == _ALL and isinstance(value, dict) and _holds_shops(value):
            yield from _tabled(value, faults, above=f"{_ALL}.")
        else:
            yield from _tabled({name: value}, faults, above="")


def _holds_shops(table: _Table) -> bool:
    """Whether ``[shops]`` holds the shops, and is not one whose id is that word."""
    inner = [key for key, value in table.items() if isinstance(value, dict)]
    return not table or not _TABLES.issuperset(inner)


def _tabled(tables: _Table, faults: _Told, *, above: str) -> Iterator[tuple[str, str, _Table]]:
    for id_, table in tables.items():
        if isinstance(table, dict):
            yield f"{above}{_key(id_)}", id_, table
        elif isinstance(table, list) and all(isinstance(each, dict) for each in table):
            faults.append(f"[[{_key(id_)}]]: write a list of shops as [[{_ALL}]], each with its id")
        else:
            says = f"write it into the table of its shop, under [{above}tdom]"
            faults.append(f"{_key(id_)}: is outside of the shops; {says}")


def _listed(tables: list[Any], faults: _Told) -> Iterator[tuple[str, str, _Table]]:
    """Shops written as ``[[shops]]``, which say their id themselves."""
    for number, table in enumerate(tables, 1):
        told = table.get("id") if isinstance(table, dict) else None
        id_ = str(told).strip() if isinstance(told, str | int) else ""
        if id_:
            yield f"{_ALL}.{_key(id_)}", id_, {**table, "id": id_}
        else:
            faults.append(f'[[{_ALL}]] number {number}: has no id; write id = "tdom"')


def _twice(shops: list[ToldShop]) -> Iterator[str]:
    """What two shops cannot have in common."""
    ids: set[str] = set()
    merchants: dict[object, str] = {}
    for shop in shops:
        if shop.id in ids:
            yield f"[{shop.place}]: another shop has this id; give it one of its own"
        ids.add(shop.id)
        merchant = shop.own.get("merchant_uid")
        if merchant is not None and merchants.setdefault(merchant, shop.place) != shop.place:
            yield f"[{shop.place}] merchant_uid: that of [{merchants[merchant]}] too; one is wrong"


def _key(name: str) -> str:
    """A key as TOML wants it, short enough for a message."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:64])
    return shown if re.fullmatch(r"[A-Za-z0-9_-]+", shown) else f'"{shown}"'


# --- one shop ---------------------------------------------------------------------------------


def _shop(place: str, id_: str, table: _Table, *, folder: Path, faults: _Told) -> ToldShop:
    """What the table says; what is wrong in it goes to ``faults``."""
    with faults.at(f"[{place}] as an id"):
        readers.shop_id(id_)
    if table.get("id", id_) != id_:
        faults.append(f"[{place}] id: the table's name is the id; leave this line out")
    told = _values(place, table, folder=folder, faults=faults)
    if "token" in told and "token_env" in told:
        faults.append(f"[{place}] token: write it here or name it in token_env, not both")
    facts = told.pop("facts", ShopFacts())
    stated, hours = _facts(place, table, faults)
    hours = hours or facts.hours
    texts = tuple(_texts(f"{place}.{_TEXTS}", table.get(_TEXTS, {}), faults))
    own = {"hours": hours} if hours else {}
    return ToldShop(
        id=id_,
        place=place,
        token_env=told.pop("token_env", None),
        language=_language(place, told, faults),
        stated=over(stated, facts.stated),
        own={**told, **own, "texts": texts},
    )


def _values(place: str, table: _Table, *, folder: Path, faults: _Told) -> dict[str, Any]:
    """The values that stand in the table itself, by key; empty is not told, as elsewhere."""
    told: dict[str, Any] = {}
    for key, value in table.items():
        if key in _TABLES or key == "id":
            continue
        with faults.at(f"[{place}] {_key(key)}"):
            if key not in _READERS:
                raise ValueError(_advice(place, key, value))
            text = _written(key, value)
            if text or key in _NONE_IF_EMPTY:
                told[key] = _READERS[key](text, folder)
    return told


def _written(key: str, value: object) -> str:
    """The value as the reader of its setting takes it."""
    if isinstance(value, bool) and key in _FLAGS:
        return str(value)
    if isinstance(value, list) and key in _LISTS and all(isinstance(each, str) for each in value):
        if key == "languages" and not value:
            raise ValueError("name one at least, such as ru")
        return ",".join(value)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value).strip()
    raise ValueError("write one text in quotes, or a number where one is wanted")


def _advice(place: str, key: str, value: object) -> str:
    """What somebody may have meant by a key there is not."""
    if isinstance(value, dict) and value.keys() & _READERS.keys():
        return (
            f'unknown table; for a shop write [{_key(key)}], or ["{place}.{key}"] for a dot in it'
        )
    meant = key.casefold().replace("-", "_")
    known = {*_READERS, *_TABLES}
    words = set(meant.split("_"))
    alike = difflib.get_close_matches(meant, known, n=1, cutoff=_ALIKE)
    within = sorted((ours for ours in known if set(ours.split("_")) <= words), key=len)
    near = next(iter((*alike, *reversed(within))), None) or nearest(meant, known)
    return f"unknown key; did you mean {near}?" if near else f"unknown key; {_KNOWN}"


def _language(place: str, told: dict[str, Any], faults: _Told) -> Language | None:
    """The language told to begin with. Where all are told it goes first among them."""
    language: Language | None = told.pop("language", None)
    languages: tuple[Language, ...] | None = told.get("languages")
    if language is None or languages is None:
        return language
    if language not in languages:
        faults.append(f"[{place}] language: is none of languages; write it there too")
    told["languages"] = tuple(dict.fromkeys((language, *languages)))
    return None


def _facts(place: str, table: _Table, faults: _Told) -> tuple[tuple[Any, ...], Any]:
    """What the shop's own tables state, and its opening hours."""
    stated, hours = [], None
    for name, value in table.items():
        inner = f"{place}.{name}"
        if name not in _TABLES or name == _TEXTS:
            continue
        if not isinstance(value, dict):
            faults.append(f"[{place}] {name}: write a table of its own, [{inner}]")
            continue
        try:
            if name == _HOURS:
                hours = hours_of(value, place=inner)
            else:
                stated.append(stated_of(_TOPICS[name], value, place=inner))
        except ValueError as wrong:
            faults.append(str(wrong))
    return tuple(stated), hours


def _texts(place: str, tables: object, faults: _Told) -> Iterator[OwnText]:
    """The seller's own texts: a table a purpose, in it a text a language."""
    if not isinstance(tables, dict):
        faults.append(f"[{place}]: write a table for each purpose, [{place}.post_purchase]")
        return
    for name, table in tables.items():
        with faults.at(f"[{place}.{_key(name)}]"):
            purpose = _purpose(name)
            if not isinstance(table, dict) or not table:
                raise ValueError('write a text for each language under it, ru = "…"')
            for language, text in table.items():
                with faults.at(f"[{place}.{_key(name)}] {_key(language)}"):
                    yield _own_text(purpose, language, text)


def _purpose(name: str) -> Purpose:
    ours = {purpose.value: purpose for purpose in Purpose if purpose.proactive}
    if name in ours:
        return ours[name]
    near = nearest(name, ours)
    advice = f"did you mean {near}?" if near else f"write one of {', '.join(ours)}"
    raise ValueError(f"no purpose that has texts; {advice}")


def _own_text(purpose: Purpose, language: str, text: object) -> OwnText:
    languages = {each.value: each for each in Language}
    if language not in languages:
        raise ValueError(f"unknown language; write one of {', '.join(languages)}")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("write the text in quotes, or leave the line out")
    told = text.replace("\r\n", "\n").strip()
    prove_own_text(told)
    return OwnText(purpose=purpose, language=languages[language], text=told)


# --- the values -------------------------------------------------------------------------------


def _token(name: str, given: Mapping[str, str]) -> Secret:
    """The token that the environment holds under this name, which is told if it looks like one."""
    shown = name if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) else "this name"
    token = given.get(name, "").strip()
    if not token:
        raise ValueError(f"the environment has nothing under {shown}; set it, or write token here")
    try:
        return readers.key(token)
    except ValueError as wrong:
        raise ValueError(f"what is under {shown} is no token: {wrong}") from None


def _plain_token(text: str) -> Secret:
    """A token as it was copied: it is not looked up, so a variable in its place is a mistake."""
    if re.fullmatch(r"\$\{?\w+\}?|%\w+%", text):
        raise ValueError('variables are not filled in; write token_env = "NAME" with its name')
    return readers.key(text)


def _variable(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("write the name of an environment variable, such as KASPI_TOKEN_TDOM")
    return text


def _first_language(text: str) -> Language:
    found = readers.languages(text)
    if len(found) != 1:
        raise ValueError("write one, ru or kk; all of them go into languages")
    return found[0]


def _purposes_off(text: str) -> frozenset[Purpose]:
    return frozenset(readers.purposes(text))


def _file(text: str, folder: Path) -> Path:
    """A path, which is meant from the folder of the file it is written in."""
    return folder / readers.path(text)


def _price_list(text: str, folder: Path) -> str:
    """The path of the price list, or its address as it is written."""
    if "://" in text:
        readers.url(text)
        return text
    return str(_file(text, folder))


_Reader: TypeAlias = Callable[[str, Path], object]


def _plain(read: Callable[[str], object]) -> _Reader:
    """A reader to which the folder means nothing."""
    return lambda text, folder: read(text)  # noqa: ARG005 - that is what it is for


_READERS: dict[str, _Reader] = {
    "name": _plain(readers.line),
    "session": _plain(readers.shop_id),
    "token": _plain(_plain_token),
    "token_env": _plain(_variable),
    "merchant_uid": _plain(readers.shop_id),
    "price_list": _price_list,
    "sheet": _plain(readers.url),
    "facts": lambda text, folder: read_shop_facts(str(_file(text, folder))),
    "language": _plain(_first_language),
    "languages": _plain(readers.languages),
    "quiet_hours": _plain(readers.quiet_hours),
    "max_messages": _plain(readers.count),
    "messages_window_days": _plain(readers.days),
    "cooldown_hours": _plain(readers.hours),
    "max_daily_messages": _plain(readers.count),
    "review_delay_hours": _plain(readers.hours),
    "warm_up": _plain(readers.flag),
    "off": _plain(_purposes_off),
    "poll_seconds": _plain(readers.poll_seconds),
}
"""The keys of a shop, in the order of docs/shops.md, and how each is read."""

_KNOWN = f"write one of {', '.join(_READERS)}, or a table: {', '.join(sorted(_TABLES))}"
