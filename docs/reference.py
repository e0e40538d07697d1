"""Reference pages from what the library says of itself: no name or option is typed by hand.

Public names come from the `__all__` of the public packages, options from the tables that the verbs
check, commands from `zoo --help`. `docs/conf.py` writes the pages before each build.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Final

from typer.main import get_command

from zoo.cli.app import app
from zoo.core.options import Setting

PACKAGES: Final = (
    "zoo",
    "zoo.vision",
    "zoo.vision.segmentation",
    "zoo.vision.restoration",
    "zoo.text",
    "zoo.tabular",
    "zoo.collab",
    "zoo.hub",
    "zoo.data",
    "zoo.trackers",
    "zoo.serve",
)
VERBS: Final = ("finetune", "finetune_lm", "train", "train_lm", "learner", "lm_learner")
TRAINING: Final = (
    "zoo.core.training.learner.Learner",
    "zoo.core.training.lr_finder.LRCurve",
    "zoo.core.history.History",
    "zoo.core.training.fit.Fit",
    "zoo.core.training.callbacks.EarlyStopping",
    "zoo.core.training.callbacks.BestWeights",
    "zoo.core.training.callbacks.CSVLog",
    "zoo.core.training.callbacks.TensorBoardLog",
)  # what learners are, return and take
ANSWERS: Final = (
    "zoo.core.predictions.PredictionSet",
    "zoo.core.predictions.Interval",
    "zoo.core.trust.diagnosis.Report",
    "zoo.core.trust.diagnosis.Finding",
    "zoo.core.trust.diagnosis.Suspect",
    "zoo.core.trust.rivals.Rival",
    "zoo.hub.mixin.HubMixin",
    "zoo.core.interface.Interface",
    "zoo.core.interface.Field",
    "zoo.core.interface.Reply",
    "zoo.vision.segmentation.mask_parts.MaskReport",
    "zoo.vision.inspect.results.Results",
    "zoo.vision.inspect.explain.HeatMap",
    "zoo.text.classification.explain.MarkedText",
    "zoo.tabular.dependence.Dependence",
)  # what methods of models return, beside what the packages export


def pages() -> dict[str, str]:
    """Markdown of every page of the reference, by its name."""
    packages = {name: package_page(name) for name in PACKAGES}
    fixed = {
        "training": classes_page("Training, step by step", TRAINING),
        "answers": classes_page("What models answer", ANSWERS),
        "options": options_page(),
        "commands": commands_page(),
    }
    return {"index": index_page(), **packages, **fixed}


def index_page() -> str:
    """The list of the pages."""
    entries = "\n".join([*PACKAGES, "training", "answers", "options", "commands"])
    return (
        "# Reference\n\nWritten from the docstrings, the tables of options and the commands of the "
        "version that this site was built from.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n"
    )


# ---- names ---------------------------------------------------------------------------------------


def public_names() -> dict[str, list[str]]:
    """The names that each public package exports."""
    return {name: list(importlib.import_module(name).__all__) for name in PACKAGES}


def homes() -> dict[int, str]:
    """Where an object that several packages export is described: by the first that exports it."""
    found: dict[int, str] = {}
    for package, names in public_names().items():
        for name in names:
            found.setdefault(id(getattr(importlib.import_module(package), name)), package)
    return found


def package_page(package: str) -> str:
    """Every public name of a package."""
    module = importlib.import_module(package)
    first = (module.__doc__ or "").strip().partition("\n\n")[0]
    parts = [f"# {package}", first.replace("\n", " ")]
    where = homes()
    for name in sorted(module.__all__, key=lambda name: rank(name, getattr(module, name))):
        one = getattr(module, name)
        home = where[id(one)]
        if home != package:
            parts.append(f"`{name}` is that of [{home}]({home}.md).")
        else:
            parts.append(entry(package, name, one))
    return "\n\n".join(parts) + "\n"


def rank(name: str, one: object) -> int:
    """Where a name stands on its page: verbs, functions, classes, data, modules."""
    if isinstance(one, ModuleType):
        return 9
    if inspect.isfunction(one):
        return VERBS.index(name) if name in VERBS else 6
    return 7 if inspect.isclass(one) else 8


def entry(package: str, name: str, one: object) -> str:
    """The description of one public name."""
    if isinstance(one, ModuleType):
        if one.__name__ in PACKAGES:
            return f"[{one.__name__}]({one.__name__}.md): {first_sentence(one)}"
        functions = [key for key, value in vars(one).items() if is_own_function(one, key, value)]
        entries = [directive("function", f"{one.__name__}.{key}") for key in functions]
        return "\n\n".join([f"## {package}.{name}", first_sentence(one), *entries])
    if inspect.isclass(one) and not is_typed_dict(one):
        return directive("class", f"{package}.{name}", "members", "show-inheritance")
    if inspect.isfunction(one):
        table = f"\n\n[Its options](options.md#{anchor(package)})." if settings_of(one) else ""
        return directive("function", f"{package}.{name}") + table
    return directive("data", f"{package}.{name}", "no-value")


def classes_page(title: str, names: Sequence[str]) -> str:
    """Classes that verbs and methods return or take, which no package exports."""
    classes = (directive("class", name, "members", "show-inheritance") for name in names)
    return "\n\n".join([f"# {title}", *classes]) + "\n"


def directive(kind: str, name: str, *options: str) -> str:
    """A directive of Sphinx's autodoc."""
    lines = "".join(f"   :{one}:\n" for one in options)
    return f"```{{eval-rst}}\n.. auto{kind}:: {name}\n{lines}```"


def first_sentence(module: ModuleType) -> str:
    """The first paragraph of a module's docstring, in one line."""
    return (module.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")


def is_own_function(module: ModuleType, name: str, one: object) -> bool:
    """Whether a module states a public function itself."""
    return (
        inspect.isfunction(one) and not name.startswith("_") and one.__module__ == module.__name__
    )


def is_typed_dict(one: type) -> bool:
    """Whether a class is a table of options."""
    return issubclass(one, dict) and hasattr(one, "__total__")


# ---- options -------------------------------------------------------------------------------------


def settings_of(function: Callable[..., Any]) -> Mapping[str, Setting]:
    """The options that a verb checks, by name; none of a function that is no verb."""
    settings = inspect.getclosurevars(inspect.unwrap(function, stop=_is_checked)).nonlocals.get(
        "settings", {}
    )
    return settings if all(isinstance(one, Setting) for one in settings.values()) else {}


def _is_checked(function: Any) -> bool:
    return "settings" in function.__code__.co_freevars


def verbs() -> Iterator[tuple[str, dict[str, Mapping[str, Setting]]]]:
    """The packages that have verbs, and the options of each verb by its name."""
    for package, names in public_names().items():
        module = importlib.import_module(package)
        functions = {name: getattr(module, name) for name in names}
        tables = {n: settings_of(f) for n, f in functions.items() if inspect.isfunction(f)}
        tables = {name: settings for name, settings in tables.items() if settings}
        if tables:
            yield package, tables


def options_page() -> str:
    """The options of all verbs, from their tables."""
    parts = [
        "# Options of the verbs",
        "What a call checks, what `help()` shows and what the shell takes are these tables. In a "
        "shell, `batch_size=32` is `--batch-size 32`; options that a shell cannot pass are marked.",
    ]
    for package, tables in verbs():
        parts += [f"({anchor(package)})=\n## {package}", options_table(tables)]
    return "\n\n".join(parts) + "\n"


def options_table(tables: Mapping[str, Mapping[str, Setting]]) -> str:
    """The options of a package's verbs: which have them, what they take, and what they mean."""
    lines = ["| option | of | must be | meaning |", "|---|---|---|---|"]
    for name in dict.fromkeys(name for settings in tables.values() for name in settings):
        having = {verb: settings[name] for verb, settings in tables.items() if name in settings}
        for of, setting in alike(having, len(tables)).items():
            shell = "" if setting.option.cli else " Not from a shell."
            meaning = " ".join(filter(None, (setting.help, setting.option.python))) + shell
            cells = (f"`{name}`", of, setting.expected, meaning)
            lines.append(f"| {' | '.join(map(cell, cells))} |")
    return "\n".join(lines)


def alike(having: Mapping[str, Setting], n_verbs: int) -> dict[str, Setting]:
    """Verbs whose option is the same, as the cell that names them."""
    groups: dict[tuple[str, str], list[str]] = {}
    for verb, setting in having.items():
        groups.setdefault((setting.expected, setting.help), []).append(verb)
    is_all = len(groups) == 1 and len(having) == n_verbs
    return {
        "all" if is_all else ", ".join(f"`{verb}`" for verb in group): having[group[0]]
        for group in groups.values()
    }


def anchor(package: str) -> str:
    """The anchor of a package's options."""
    return f"options-{package.replace('.', '-')}"


def cell(text: str) -> str:
    """A text as a cell of a Markdown table."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "\\<")


# ---- commands ------------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, Any]]:
    """Every command and group of commands, by the words that call it."""

    def walk(words: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield words, command
        for name, one in getattr(command, "commands", {}).items():
            yield from walk(f"{words} {name}", one)

    return walk("zoo", get_command(app))


def commands_page() -> str:
    """All commands with their arguments and options."""
    parts = ["# Commands", "What `zoo --help` and the help of each command say."]
    for words, command in commands():
        if hasattr(command, "commands"):
            parts += [f"## {words}" if words != "zoo" else "", plain(command.help)]
        else:
            parts += [f"### {words}", plain(command.help), parameters_table(words, command)]
    return "\n\n".join(filter(None, parts)) + "\n"


def parameters_table(words: str, command: Any) -> str:
    """Arguments and options of a command."""
    context = command.make_context(words, [], resilient_parsing=True)
    lines = ["| argument or option | meaning |", "|---|---|"]
    for parameter in command.params:
        name, meaning = parameter.get_help_record(context)
        lines.append(f"| `{cell(name)}` | {cell(plain(meaning))} |")
    return "\n".join(lines)


def plain(text: str | None) -> str:
    """Help without the marks of a terminal's colours, its paragraphs in one line each."""
    text = re.sub(r"\[/?(?:dim|red|bold|required)\]", "", inspect.cleandoc(text or ""))
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text.replace("\b", ""))


def without_help() -> list[str]:
    """Options and parameters of commands that no word explains, as a build refuses them."""
    options = [
        f"{package}.{verb}({name}=...)"
        for package, tables in verbs()
        for verb, settings in tables.items()
        for name, one in settings.items()
        if not one.option.help and name not in documented_arguments(package, verb)
    ]
    shell = [
        f"{words} {parameter.name}"
        for words, command in commands()
        if not hasattr(command, "commands")
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    return options + shell


def documented_arguments(package: str, verb: str) -> set[str]:
    """Arguments that the docstring of a verb itself explains."""
    doc = inspect.unwrap(getattr(importlib.import_module(package), verb)).__doc__ or ""
    return set(re.findall(r"^ +(\w+): ", doc, re.MULTILINE))


# ---- docstrings ----------------------------------------------------------------------------------


def short_signature(one: Any) -> str | None:
    """A verb's own arguments, and `**options` for those of its table; fields bare."""
    is_record = inspect.isclass(one) and not is_typed_dict(one)
    if is_record and "Annotated[" in str(inspect.get_annotations(one)):
        fields = inspect.signature(one).parameters.values()
        bare = [field.replace(annotation=inspect.Parameter.empty) for field in fields]
        return str(inspect.Signature(bare))
    if not inspect.isfunction(one) or not settings_of(one):
        return None
    own = inspect.signature(inspect.unwrap(one), follow_wrapped=False).parameters
    shown = inspect.signature(one)
    kept = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in shown.parameters.items()
        if name in own
    ]
    kept.append(inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD))
    return str(inspect.Signature(kept))


def short_docstring(one: Any) -> list[str] | None:
    """A verb's docstring without its table of options, which has a page of its own."""
    if not inspect.isfunction(one) or not settings_of(one):
        return None
    text = inspect.cleandoc(inspect.unwrap(one).__doc__ or "")
    text = re.sub(r"(\*\*options): .*", r"\1: listed on the page of options.", text)
    return text.split("\n")


def with_tables(lines: Sequence[str]) -> list[str]:
    """A docstring whose Markdown tables are tables of reStructuredText."""
    found: list[str] = []
    for is_table, group in itertools.groupby(lines, lambda line: line.lstrip().startswith("|")):
        rows = list(group)
        found += list_table(rows) if is_table else rows
    return found


def list_table(rows: Sequence[str]) -> list[str]:
    """A Markdown table as the directive `list-table`."""
    found = [".. list-table::", "   :header-rows: 1", ""]
    for row in (rows[0], *rows[2:]):
        cells = [one.strip() for one in row.strip().strip("|").split("|")]
        found += [f"   * - {cells[0]}", *(f"     - {one}" for one in cells[1:])]
    return [*found, ""]
