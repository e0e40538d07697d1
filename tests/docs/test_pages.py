"""The site's pages: their code runs, their links lead somewhere, and nothing public is missing."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import zoo
from docs import copies, links, reference
from zoo.core.history import History
from zoo.core.training.learner import Learner

DOCS = copies.DOCS
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)")
OWN = [
    page
    for page in sorted(DOCS.rglob("*.md"))
    if "_build" not in page.parts and page.relative_to(DOCS).parts[0] not in ("reference", "models")
]
WITH_CODE = {
    page.relative_to(DOCS).as_posix(): page for page in OWN if CELL.search(page.read_text())
}
MODELS = [zoo.vision.PhotoModel, zoo.text.TextClassifier, zoo.tabular.TableModel]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # a page may show one
@pytest.mark.parametrize("name", WITH_CODE)
def test_the_code_of_a_page_runs(name: str, tmp_path: Path, monkeypatch) -> None:
    page = WITH_CODE[name]
    missing = copies.missing(page)
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: zoo data get NAME")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for cell in CELL.findall(page.read_text(encoding="utf-8")):
        exec(compile(cell, name, "exec"), names)


def test_every_public_name_is_in_the_reference() -> None:
    pages = reference.pages()
    homes = reference.homes()
    for package, names in reference.public_names().items():
        text = pages[package]
        assert names
        for name in names:
            assert re.search(
                rf"auto\w+:: {package}\.{name}\n|{package}\.{name}\b|`{name}`", text
            ), name
    assert set(homes.values()) <= set(reference.PACKAGES)


def test_every_option_has_help_and_is_on_its_page() -> None:
    assert reference.without_help() == []
    pages = reference.pages()
    tables = [settings for _, verbs in reference.verbs() for settings in verbs.values()]
    assert len(tables) >= 21
    assert all(f"| `{name}` |" in pages["options"] for settings in tables for name in settings)
    for words, command in reference.commands():
        assert words == "zoo" or f"# {words}\n" in pages["commands"]
        params = () if hasattr(command, "commands") else command.params
        assert all(
            f"{max(one.opts, key=len)}"[:8].upper() in pages["commands"].upper() for one in params
        )


def calls_of(page: Path) -> list[ast.Call]:
    """Calls of this library in the right-hand column of a page's tables."""
    rows = [line.split(" | ", 1)[1] for line in page.read_text().splitlines() if " | " in line]
    spans = [span for row in rows for span in re.findall(r"`([^`]+)`", row)]
    trees = [
        ast.parse(span) for span in spans if re.match(r"(zoo|learn|model|recommender)\.", span)
    ]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]


def is_plain(function: ast.expr) -> bool:
    """Whether a function is named by attributes alone, such as learn.fit."""
    return isinstance(function, ast.Attribute) and "(" not in ast.unparse(function)


@pytest.mark.parametrize("name", ["from-fastai.md", "from-others.md"])
def test_calls_that_take_the_place_of_others_are_those_of_the_library(name: str) -> None:
    methods = {key: one for kind in reversed(MODELS) for key, one in inspect.getmembers(kind)}
    names = {
        "zoo": zoo,
        "learn": SimpleNamespace(**dict(inspect.getmembers(Learner)) | {"history": History}),
        "model": SimpleNamespace(**methods),
        "recommender": zoo.collab.Recommender,
    }
    calls = [one for one in calls_of(DOCS / "howto" / name) if is_plain(one.func)]
    assert len(calls) > 15
    for call in calls:
        parameters = inspect.signature(eval(ast.unparse(call.func), names)).parameters
        keywords = {one.arg for one in call.keywords}
        assert keywords <= parameters.keys() or "options" in parameters, ast.unparse(call)


def test_links_between_pages_lead_somewhere() -> None:
    for page in OWN:
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = page.parent / link.split("#")[0]
            is_written = {"reference", "models", "tutorials"} & set(target.resolve().parts)
            assert is_written or target.exists(), f"{page.name} links to {link}"


def test_a_link_that_leads_nowhere_and_a_script_from_elsewhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<script src="https://cdn.example/x.js"></script><a href="b.html#there">b</a>'
        '<a href="b.html#here">b</a><a href="c.html">c</a><a href="https://example.org">out</a>'
    )
    (tmp_path / "b.html").write_text('<h1 id="here">b</h1>')
    assert links.faults(tmp_path) == [
        "a.html loads https://cdn.example/x.js",
        "a.html links to b.html#there",
        "a.html links to c.html",
    ]
