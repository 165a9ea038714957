"""Rules of the house that no linter knows. One broken rule is one line of the failure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP = ROOT / "app"
FUNCTION_LINES = 40
FILE_LINES = 450

CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "time.sleep",
}  # fmt: skip


def sources() -> list[Path]:
    return sorted(APP.rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(APP).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text("utf-8")))


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for the last two names of an attribute, so that an alias does not matter."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        return f"{owner}.{node.attr}"
    return ""


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{place(path)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in sources()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def test_no_file_is_too_long_to_be_read() -> None:
    lengths = {place(path): len(path.read_text("utf-8").splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES} == {}


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        place(path)
        for path in sources()
        for node in nodes(path)
        if dotted(node) in {"os.environ", "os.getenv", "os.environb"}
    }
    assert readers <= {"config/settings.py"}


def test_only_the_world_reads_a_clock() -> None:
    # The demo stands for other people's machines, which have clocks of their own.
    readers = [
        f"{place(path)}:{node.lineno} {dotted(node)}"
        for path in sources()
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and dotted(node) in CLOCKS
        and place(path) != "world.py"
        and not place(path).startswith("demo/")
    ]
    assert readers == []


def test_only_the_gateway_and_the_demo_know_how_waha_spells_a_chat() -> None:
    spelling = [
        place(path)
        for path in sources()
        if re.search(r"@(c\.us|lid|g\.us|s\.whatsapp\.net)\b", path.read_text("utf-8"))
        and place(path) != "gateways/waha.py"
        and not place(path).startswith(("gateways/waha_", "demo/"))
    ]
    assert spelling == []


def test_no_class_is_named_after_a_pattern() -> None:
    vague = re.compile(r"(Manager|Service|Helper|Utils?|Base|Data|Info)$")
    named = [
        f"{place(path)} {node.name}"
        for path in sources()
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
        and vague.search(node.name)
        and not path.stem.endswith("_wire")  # there the words are the outside system's
    ]
    assert named == []


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert [place(path) for path in sources() if marks.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_place_and_has_a_hash_for_everything(name: str) -> None:
    lock = (ROOT / name).read_text("utf-8")
    assert "://" not in lock
    assert "--index" not in lock
    assert "--find-links" not in lock
    pins = re.split(r"\n(?=\S)", lock.strip())
    assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_both_locks_agree() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^(\S+==[^\s;]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")
