"""Names of a package that are imported when they are first used.

So `import zoo`, `zoo --help` and the tables of options take milliseconds: torch, pandas and Pillow
wait until a model is trained or loaded. The same is proposed for the scientific Python packages in
SPEC 1 ("Lazy loading of submodules and functions").
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from typing import Any


def lazy_exports(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package (PEP 562).

    They serve what the package's source imports for type checkers to export again, below
    `if TYPE_CHECKING:`, so that an export is stated once: `from zoo.core.run import Run as Run`.

    Args:
        package: the package's `__name__`.

    >>> get, names = lazy_exports("zoo")
    >>> get("Run").__module__, get("hub").__name__, "Run" in names()
    ('zoo.core.run', 'zoo.hub', True)
    """
    loader: Any = sys.modules[package].__spec__.loader  # type: ignore[union-attr]
    source = loader.get_source(package)
    if source is None:
        raise ImportError(
            f"{package} must be installed with its source files, got compiled ones alone. Install "
            "transfer-zoo by pip."
        )
    modules = {
        alias.name: str(node.module)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}; it has {', '.join(sorted(modules))}"
            )
        module = importlib.import_module(modules[name])
        if hasattr(module, "__path__"):  # of a package its files are exported
            return importlib.import_module(f"{modules[name]}.{name}")
        return getattr(module, name)

    return get, lambda: sorted(modules)
