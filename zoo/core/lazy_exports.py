"""Names of a package that are imported when they are first used.

So `import zoo`, `zoo --help` and the tables of options take milliseconds: torch, pandas and Pillow
wait until a model is trained or loaded. The same is proposed for the scientific Python packages in
SPEC 1 ("Lazy loading of submodules and functions").
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def lazy_exports(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package (PEP 562).

    Args:
        package: the package's `__name__`.
        modules: for each public name the module that defines it; for a public submodule itself.

    >>> get, names = lazy_exports("zoo.core", {"Run": "zoo.core.run", "run": "zoo.core.run"})
    >>> get("Run").__name__, get("run").__name__
    ('Run', 'zoo.core.run')
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}; it has {', '.join(sorted(modules))}"
            )
        module = importlib.import_module(modules[name])
        return module if modules[name].rpartition(".")[2] == name else getattr(module, name)

    return get, lambda: sorted(modules)


def stub_exports(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The functions `__getattr__` and `__dir__`, and `__all__`, of a package that has a stub.

    The stub, `__init__.pyi`, imports every public name from its module. Type checkers read it as
    well, so that each name is stated once.

    Args:
        package: the package's `__name__`.
        file: its `__file__`.

    >>> import zoo.hub
    >>> stub_exports("zoo.hub", zoo.hub.__file__)[2]
    ['Entry', 'entries', 'pull', 'push']
    """
    stub = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    modules = {name.name: str(node.module) for node in imports for name in node.names}
    get, names = lazy_exports(package, modules)
    return get, names, names()
