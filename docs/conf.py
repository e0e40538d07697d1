"""The documentation site. `make docs` builds it without network; a warning ends the build.

`ZOO_DOCS_RUN=off` shows the code of tutorials and pages with stored outputs, without running it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
os.environ.pop("MPLBACKEND", None)  # pictures go into the pages
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from docs import copies, reference  # noqa: E402
from zoo.version import __version__  # noqa: E402

project = "zoo"
author = "the authors of transfer-zoo"
project_copyright = author
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "jupyter_execute", "**/.ipynb_checkpoints"]
default_role = "literal"

# ---- pages ---------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # notebooks and cards begin below the first level
nb_execution_mode = "off" if os.environ.get("ZOO_DOCS_RUN") == "off" else "cache"
nb_execution_cache_path = str(ROOT / "build" / "docs-cache")
nb_execution_timeout = 900  # seconds of one cell
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "remove"
nb_ipywidgets_js: dict[str, Any] = {}  # no script from elsewhere

# ---- reference -----------------------------------------------------------------------------------

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_custom_sections = ["Shape"]
napoleon_use_rtype = False

# ---- look ----------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = f"zoo {version}"
html_show_copyright = html_show_sphinx = html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["zoo.css"]
html_show_search_summary = False  # it would fetch pages, which a page of file:// may not
html_context = {"default_mode": "auto"}
html_theme_options = {
    "header_links_before_dropdown": 8,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_align": "left",
    "show_prev_next": False,
    "navigation_with_keys": False,
    "footer_start": [],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def write_pages(app: Any, config: Any) -> None:
    """Write what comes from the code and from other folders, before Sphinx looks for pages."""
    missing = reference.without_help()
    if missing:
        raise ValueError(f"every option must have a help, got none of {', '.join(missing)}")
    for name, text in reference.pages().items():
        copies.write(copies.DOCS / "reference" / f"{name}.md", text)
    copies.copy()
    if config.nb_execution_mode != "off":
        for page, sets in sorted(copies.not_at_hand().items()):
            print(f"{page} is not run: {', '.join(sorted(sets))} not at hand (zoo data get NAME)")
            config.nb_execution_excludepatterns.append(page)


def signature(app: Any, what: str, name: str, one: Any, options: Any, *shown: Any) -> Any:
    """Show a verb's own arguments; its options have a page."""
    short = reference.short_signature(one)
    return None if short is None else (short, shown[-1])


def docstring(app: Any, what: str, name: str, one: Any, options: Any, lines: list[str]) -> None:
    """Show a verb's docstring as it was written, without the table of its options."""
    lines[:] = reference.with_tables(reference.short_docstring(one) or lines)


def skips(app: Any, what: str, name: str, one: Any, is_skipped: bool, options: Any) -> Any:
    """Leave out scikit-learn's methods for routing, and fields that `Attributes` tells."""
    is_routing = name.startswith("set_") and name.endswith("_request")
    is_field = type(one).__name__ == "_tuplegetter"  # told by `Attributes`
    return True if is_routing or is_field else None


def setup(app: Any) -> None:
    """Connect the functions above."""
    app.connect("config-inited", write_pages, priority=100)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", docstring, priority=100)  # before napoleon
    app.connect("autodoc-skip-member", skips)
