"""The design's rules, checked by reading the code: who may import whom, one loop, no pickles."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOUNDATIONS = {"core", "data", "hub"}
SHARED = {  # what data and hub take of core: rules, and the one reader of artifacts
    *("zoo.core.names", "zoo.core.cache_folder", "zoo.core.artifacts.artifact", "zoo.core.config"),
    *("zoo.core.lazy_exports", "zoo.core.messages", "zoo.core.arguments"),
}
LOADERS = {  # a model is tried as its readers will load it, and loaded by another name
    ("zoo.hub.publish", "zoo", "load"),
    ("zoo.hub.mixin", "zoo", "load"),
}
DOMAINS = {"vision", "text", "tabular", "collab"}
PHOTOS = "zoo.vision.data."  # what all tasks read, and which knows none of them
BELOW_PHOTOS = (PHOTOS, "zoo.vision.option_names")
TOP = {"zoo"}  # who sees everything, as does the room "cli"
PICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}

FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "zoo").rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_package(module: str) -> bool:
    return (ROOT / Path(*module.split(".")) / "__init__.py").exists()


def is_file(module: str) -> bool:
    return (ROOT / Path(*module.split("."))).with_suffix(".py").exists()


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Module and name of each import; the name is empty for `import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((module, alias.name) for alias in node.names)


def room(module: str) -> str:
    """The part of the house that a module lies in: zoo.core.training.loop -> core."""
    return module.split(".")[1] if "." in module else ""


def wrong_imports(path: Path, source: str) -> list[str]:
    """What the file imports against the rules."""
    module, wrong = module_of(path), []
    for target, name in imports(parsed(source)):
        shown = f"{path}: {target} {name}".strip()
        if target.startswith((".", "scripts", "tests", "benchmarks")):
            wrong.append(f"{shown} (only names in full, nothing from outside the library)")
        if (
            target.split(".")[0] != "zoo"
            or module in TOP
            or room(module) == "cli"
            or target == "zoo.version"
            or (module, target, name) in LOADERS
        ):
            continue
        whole = f"{target}.{name}" if name and (is_file(f"{target}.{name}")) else target
        if not is_file(whole) and path.name != "__init__.py":
            wrong.append(f"{shown} (a child imports from a file)")
        here, there = room(module), room(whole)
        if here in FOUNDATIONS and there != here and whole not in SHARED:
            wrong.append(f"{shown} ({here} imports nothing of ours outside itself but {SHARED})")
        elif here == "published" and there not in {here, *DOMAINS, *FOUNDATIONS}:
            wrong.append(f"{shown} (a protocol imports domains, core, data and hub)")
        elif here in DOMAINS and there not in {here, *FOUNDATIONS}:
            wrong.append(f"{shown} (a domain imports itself, core, data and hub)")
        if (
            module.startswith(PHOTOS)
            and whole.startswith("zoo.vision.")
            and not whole.startswith(BELOW_PHOTOS)
        ):
            wrong.append(f"{shown} (data of photos know no task and no network)")
    return wrong


def circle(sources: Mapping[str, str]) -> list[str]:
    """Modules that import each other in a circle, the first once more at the end; empty if none do.

    Imports for types alone and within functions count. Packages are doors to what lies in them, and
    no modules of their own.

    Args:
        sources: code of each module, by the module's name.
    """
    used = {
        module: {
            whole if whole in sources else target
            for target, name in imports(parsed(source))
            for whole in [f"{target}.{name}"]
        }
        & set(sources)
        for module, source in sources.items()
    }
    try:
        TopologicalSorter(used).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def backward_calls(source: str) -> int:
    return sum(
        isinstance(node, ast.Attribute) and node.attr == "backward"
        for node in ast.walk(parsed(source))
    )


def unsafe_loads(path: Path, source: str) -> list[str]:
    """Calls that unpickle, but torch.load(..., weights_only=True) of upstream weight files."""
    tree, wrong = parsed(source), []
    wrong += [f"{path}: {name}" for name, _ in imports(tree) if name.split(".")[0] in PICKLERS]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called, words = ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}
        loads = called.endswith(("torch.load", "read_pickle", "load_state_dict_from_url"))
        upstream = path.is_relative_to("zoo/vision/models") and words.get("weights_only") == "True"
        if (loads and not upstream) or words.get("allow_pickle", "False") != "False":
            wrong.append(f"{path}: {ast.unparse(node)}")
    return wrong


@cache
def parsed(source: str) -> ast.Module:
    return ast.parse(source)


@cache
def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_there_is_code_to_read() -> None:
    assert {"zoo/cli/app.py", "zoo/core/training/loop.py"} <= {path.as_posix() for path in FILES}


def test_imports_point_downwards() -> None:
    assert [line for path in FILES for line in wrong_imports(path, read(path))] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("zoo/core/training/loop.py", "from zoo.vision.data import find"),
        ("zoo/core/training/loop.py", "def f():\n    import zoo.data.fetch"),
        ("zoo/hub/fetch.py", "from zoo.core.run import Run"),
        ("zoo/data/fetch.py", "from zoo import Run"),
        ("zoo/tabular/data/prepared.py", "from zoo.vision.data import find"),
        ("zoo/vision/data/photo_sets.py", "import zoo"),
        ("zoo/vision/data/photo_sets.py", "from zoo.vision import PhotoModel"),
        ("zoo/vision/models/head.py", "from zoo.cli.app import app"),
        ("zoo/vision/data/photo_sets.py", "from .sources import split"),
        ("zoo/core/training/loop.py", "from zoo.cli.app import app"),
        ("zoo/cli/app.py", "from scripts.lib.record import record"),
        ("zoo/published/adult.py", "from zoo.cli.app import app"),
        ("zoo/tabular/data/prepared.py", "from zoo.published.adult import official"),
        ("zoo/vision/data/labels.py", "from zoo.vision.classification.spec import Spec"),
        ("zoo/vision/data/labels.py", "import zoo.vision.unet.network"),
    ],
)
def test_an_import_against_the_rules_is_seen(path: str, source: str) -> None:
    assert wrong_imports(Path(path), source)


@pytest.mark.parametrize(
    "source",
    [
        "from zoo.version import __version__",
        "from zoo.core.artifacts import artifact",
        "import zoo.core.artifacts.artifact",
    ],
)
def test_an_import_within_the_rules_passes(source: str) -> None:
    assert wrong_imports(Path("zoo/vision/data/photo_sets.py"), source) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {module_of(path): read(path) for path in FILES if path.name != "__init__.py"}
    assert circle(modules) == []


@pytest.mark.parametrize(
    "import_in_b",
    [
        "from zoo.a import f",
        "def f():\n    import zoo.a",
        "if TYPE_CHECKING:\n    from zoo import a",
        "from zoo.c import f",
    ],
)
def test_a_circle_of_imports_is_seen(import_in_b: str) -> None:
    modules = {"zoo.a": "from zoo.b import f", "zoo.b": import_in_b, "zoo.c": "import zoo.a"}
    assert {"zoo.a", "zoo.b"} <= set(circle(modules))
    assert circle(modules | {"zoo.b": "import zoo.d\nfrom zoo import d"}) == []


def test_one_file_alone_goes_backward() -> None:
    loops = [path.as_posix() for path in FILES if backward_calls(read(path))]
    assert loops == ["zoo/core/training/loop.py"]


def test_warnings_go_by_the_one_way_that_finds_the_users_line() -> None:
    warners = [path for path in FILES if "warnings.warn(" in (ROOT / path).read_text("utf-8")]
    assert warners == [Path("zoo/core/messages.py")]


def test_nothing_is_unpickled() -> None:
    assert [line for path in FILES for line in unsafe_loads(path, read(path))] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("zoo/core/artifacts/artifact.py", "import pickle"),
        ("zoo/core/artifacts/artifact.py", "from pickle import loads"),
        ("zoo/core/artifacts/artifact.py", "torch.load(f, weights_only=True)"),
        ("zoo/vision/models/lite.py", "torch.load(f)"),
        ("zoo/vision/models/lite.py", "torch.load(f, weights_only=False)"),
        ("zoo/data/fetch.py", "np.load(f, allow_pickle=True)"),
    ],
)
def test_an_unsafe_load_is_seen(path: str, source: str) -> None:
    assert unsafe_loads(Path(path), source)


@pytest.mark.parametrize(
    "code",
    [
        "import zoo",
        "import zoo; dir(zoo); zoo.data, zoo.hub",
        "from typer.testing import CliRunner; from zoo.cli.app import app;"
        "r = CliRunner().invoke(app, ['--help']); assert r.exit_code == 0, r.output;"
        "r = CliRunner().invoke(app, ['vision', 'finetune', '--help']); assert r.exit_code == 0",
        "import zoo, zoo.cli.app; zoo.data.available()",
        "import " + ", ".join(module_of(path) for path in FILES if path.name == "options.py"),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(code: str) -> None:
    check = "import sys; print({'torch', 'pandas', 'PIL', 'matplotlib'} & set(sys.modules))"
    command = [sys.executable, "-c", f"{code}\n{check}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


def test_predictions_import_nothing_that_training_or_looking_needs() -> None:
    code = (
        "import sys, zoo\n"
        "names = 'zoo/adult', 'zoo/lstm-wiki', 'zoo/movielens-100k'\n"
        "table, _, ratings = map(zoo.load, names)\n"
        "table.predict(dict.fromkeys(table.spec.inputs))\n"
        "ratings.recommend(ratings.spec.users[0])\n"
        "slow = 'sklearn scipy sympy torch._dynamo matplotlib torchvision torchmetrics timm rich'\n"
        "print({*slow.split(), 'typer', 'huggingface_hub'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"
