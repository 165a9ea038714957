"""Every text of the desk is there in Kazakh, with the same places to be filled in."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from app.domain.events import Language
from app.web.desk.catalogue import kazakh, said
from app.web.desk.pages import HERE
from app.web.desk.rows import FIRMS

TEMPLATES = sorted((HERE / "templates").glob("*.html"))
MODULES = sorted(HERE.glob("*.py"))
OF_BOTH = frozenset({"words.py", "phrases.py", "writing_phrases.py"})
"""These hold both languages themselves."""

TYPED = frozenset({"стереть", "өшіру"})
"""What a seller types, in either language."""

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


def texts_of_template(path: Path) -> Iterator[str]:
    tree = Environment(autoescape=True).parse(path.read_text("utf-8"))
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "t" and call.args:
            first = call.args[0]
            if isinstance(first, nodes.Const):
                yield first.value


def texts_of_module(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # the docstring of a constant
            docs.add(id(node.value))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docs:
            continue
        if isinstance(node.value, str) and CYRILLIC.search(node.value):
            yield node.value


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_page_says_nothing_in_russian_alone(path: Path) -> None:
    assert [text for text in texts_of_template(path) if text not in kazakh()] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_page_has_no_russian_but_in_its_texts(path: Path) -> None:
    source = re.sub(r"\{[{%#].*?[#%}]\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    known = {"Русский", "Қазақша"}  # what the languages call themselves
    words = set(re.findall(r"[а-яёәғқңөұүһі]+", source, re.IGNORECASE))
    assert words - known == set()


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name not in OF_BOTH], ids=lambda path: path.name
)
def test_a_module_says_nothing_in_russian_alone(path: Path) -> None:
    known = TYPED | FIRMS | set(kazakh())
    assert [text for text in texts_of_module(path) if text not in known] == []


def test_a_translation_has_the_places_of_its_text_and_is_one() -> None:
    wrong = [ru for ru, kk in kazakh().items() if places(ru) != places(kk) or not kk.strip()]
    assert wrong == []
    same = [ru for ru, kk in kazakh().items() if ru == kk and " " in ru]
    assert same == []


def test_no_translation_is_left_over() -> None:
    said_by_templates = {text for path in TEMPLATES for text in texts_of_template(path)}
    said_by_modules = {text for path in MODULES for text in texts_of_module(path)}
    assert set(kazakh()) - said_by_templates - said_by_modules == set()


def test_no_text_is_translated_in_two_files() -> None:
    seen: dict[str, str] = {}
    twice = []
    for path in sorted((HERE / "kk").glob("*.toml")):
        for key in re.findall(r'^"((?:[^"\\]|\\.)+)"\s*=', path.read_text("utf-8"), re.MULTILINE):
            if key in seen:
                twice.append((key, seen[key], path.name))
            seen[key] = path.name
    assert twice == []


def test_a_text_is_filled_in_after_it_is_translated() -> None:
    text = "Слишком много попыток. Подождите {n} мин."
    assert said(text, Language.RU, n=3) == "Слишком много попыток. Подождите 3 мин."
    assert said(text, Language.KK, n=3) == "Әрекет тым көп. 3 минут күтіңіз."
    assert said("нет такого", Language.KK) == "нет такого"


def test_what_is_filled_in_is_no_template_itself() -> None:
    assert "{who}" in said("Слишком много попыток. Подождите {n} мин.", Language.RU, n="{who}")
