"""The verbs are one table: the same names and order in every domain, and in the guides.

python -m tests.test_verbs   # writes the table of docs/guides/index.md
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import zoo

PAGE: Final = Path(__file__).parents[1] / "docs" / "guides" / "index.md"
BEGIN, END = "<!-- verbs -->", "<!-- /verbs -->"
VERBS: Final = ("finetune", "train", "learner")
BEFORE_DATA: Final = {"finetune": ("pretrained",), "train": (), "learner": ()}
KEYWORDS: Final = {
    "finetune": {"epochs", "lr"},
    "train": {"model", "epochs", "lr"},
    "learner": {"pretrained", "model"},
}
BESIDE_DATA: Final = {"zoo.vision.segmentation": ("masks",), "zoo.tabular": ("target",)}
ROWS: Final = (
    ("photos", "zoo.vision", VERBS),
    ("masks", "zoo.vision.segmentation", VERBS),
    ("better photos", "zoo.vision.restoration", VERBS),
    ("texts", "zoo.text", VERBS),
    ("next words", "zoo.text", ("finetune_lm", "train_lm", "lm_learner")),
    ("tables", "zoo.tabular", VERBS),
    ("ratings", "zoo.collab", VERBS),
)
EXTRAS: Final = {
    ("zoo.vision", "finetune"): {"sizes"},
    ("zoo.text", "finetune"): {"gradual"},
}  # keywords beside those of every domain and the options table
CALLS: Final = [
    (module, name, verb)
    for _, module, names in ROWS
    for name, verb in zip(names, VERBS, strict=True)
]


def verb_of(module: str, name: str) -> Callable[..., Any]:
    """A verb by the name of its module, such as zoo.vision."""
    place: Any = zoo
    for part in module.split(".")[1:]:
        place = getattr(place, part)
    found: Callable[..., Any] = getattr(place, name)
    return found


def own_parameters(verb: Callable[..., Any]) -> list[inspect.Parameter]:
    """Parameters of the function itself, without those of its options table."""
    parameters = inspect.signature(inspect.unwrap(verb), follow_wrapped=False).parameters
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [one for one in parameters.values() if one.kind in kinds]


def positional(verb: Callable[..., Any]) -> tuple[str, ...]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return tuple(one.name for one in own_parameters(verb) if one.kind != keyword)


def keywords(verb: Callable[..., Any]) -> set[str]:
    return {one.name for one in own_parameters(verb)} - set(positional(verb))


def table() -> str:
    """The verbs of every domain in Markdown: what they take before the options of their table."""
    lines = [
        f"| | | {' | '.join(f'`{verb}`' for verb in VERBS)} |",
        "|---" * (2 + len(VERBS)) + "|",
    ]
    for kind, module, names in ROWS:
        calls = [f"`{shown(name, verb_of(module, name))}`" for name in names]
        lines.append(f"| {kind} | `{module}` | {' | '.join(calls)} |")
    return "\n".join(lines)


def shown(name: str, verb: Callable[..., Any]) -> str:
    """A call, with the defaults that are plain values."""
    arguments = [*positional(verb), "*"]
    for one in own_parameters(verb):
        if one.kind == inspect.Parameter.KEYWORD_ONLY:
            default = one.default
            is_plain = isinstance(default, (int, float, str))
            arguments.append(f"{one.name}={default!r}" if is_plain else one.name)
    return f"{name}({', '.join(arguments)}, ...)"


def with_table(text: str) -> str:
    """The page with the table of today's verbs between its two comments."""
    pattern = re.compile(f"{BEGIN}\n.*?{END}", re.DOTALL)
    assert len(pattern.findall(text)) == 1
    return pattern.sub(lambda _: f"{BEGIN}\n{table()}\n{END}", text)


@pytest.mark.parametrize(("module", "name", "verb"), CALLS)
def test_positional_arguments_are_the_same_everywhere(module: str, name: str, verb: str) -> None:
    expected = (*BEFORE_DATA[verb], "data", *BESIDE_DATA.get(module, ()))
    assert positional(verb_of(module, name)) == expected


@pytest.mark.parametrize(("module", "name", "verb"), CALLS)
def test_keywords_are_those_of_every_domain_and_the_listed_ones(
    module: str, name: str, verb: str
) -> None:
    assert keywords(verb_of(module, name)) == KEYWORDS[verb] | EXTRAS.get((module, name), set())


@pytest.mark.parametrize(("module", "name", "verb"), CALLS)
def test_options_are_named_in_the_signature(module: str, name: str, verb: str) -> None:
    parameters = inspect.signature(verb_of(module, name)).parameters.values()
    assert all(one.kind is not inspect.Parameter.VAR_KEYWORD for one in parameters)
    assert {"valid", "batch_size", "optimizer", "run"} <= {one.name for one in parameters}


def test_the_guides_table_is_that_of_the_signatures() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m tests.test_verbs"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def public_functions() -> Iterator[tuple[str, Any]]:
    """Every function that a package exports, and every public method of its classes."""
    packages = [zoo, zoo.vision, zoo.vision.segmentation, zoo.vision.restoration, zoo.text]
    for package in [*packages, zoo.tabular, zoo.collab, zoo.hub]:
        for name in dir(package):
            one = getattr(package, name)
            if inspect.isclass(one):
                methods = inspect.getmembers(one, inspect.isfunction)
                yield from (
                    (f"{name}.{method}", function)
                    for method, function in methods
                    if not method.startswith("_") and function.__module__.startswith("zoo.")
                )
            elif inspect.isfunction(one):
                yield f"{package.__name__}.{name}", one


def test_nothing_public_returns_anything_at_all() -> None:
    returned = {
        name: inspect.unwrap(function).__annotations__.get("return")
        for name, function in public_functions()
    }
    assert len(returned) > 100
    assert {name for name, kind in returned.items() if kind in (Any, "Any", None)} == set()
