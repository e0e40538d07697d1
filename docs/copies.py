"""Pages of the site that lie elsewhere in the repository: notebooks, results, model cards."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path
from typing import Final

import zoo.data

DOCS: Final = Path(__file__).parent
ROOT: Final = DOCS.parent
CARDS: Final = ROOT / "zoo" / "hub" / "embedded"
RUN: Final = (".md", ".ipynb")  # pages that may hold code to run


def written() -> dict[str, str]:
    """Texts of pages that are copied with other links, by their path below `docs`."""
    index = (ROOT / "model_cards" / "README.md").read_text(encoding="utf-8")
    index = re.sub(r"\.\./zoo/hub/embedded/([\w-]+)/README\.md", r"\1.md", index)
    index = re.sub(r"\[picture\]\(.*?([\w-]+\.png)\)", r"[picture](\1)", index)
    names = [card.parent.name for card in sorted(CARDS.glob("*/README.md"))]
    listed = "\n".join(names)
    index = index.replace("# The zoo", "# Published models", 1)
    pages = {"index": f"{index}\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"}
    for name in names:
        text = (CARDS / name / "README.md").read_text(encoding="utf-8")
        pages[name] = text.split("---\n", 2)[2].lstrip()
    return {f"models/{name}.md": text for name, text in pages.items()}


def copied() -> dict[Path, Path]:
    """Files that are copied as they are: from where, and to where."""
    pictures = {one: DOCS / "models" / one.name for one in CARDS.glob("*/*.png")}
    books = {one: DOCS / "tutorials" / one.name for one in (ROOT / "notebooks").glob("*.ipynb")}
    return pictures | books


def copy() -> None:
    """Write the copies where they differ, so that Sphinx reads again only what has changed."""
    for name, text in written().items():
        write(DOCS / name, text)
    for source, place in copied().items():
        place.parent.mkdir(exist_ok=True)
        if not place.exists() or place.read_bytes() != source.read_bytes():
            shutil.copyfile(source, place)


def write(place: Path, text: str) -> None:
    """Write a page if it says something else now."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists() or place.read_text(encoding="utf-8") != text:
        place.write_text(text, encoding="utf-8")


def data_sets(page: Path) -> set[str]:
    """Names of the public data sets that the code of a page reads."""
    text = page.read_text(encoding="utf-8").replace('\\"', '"')
    names = set(re.findall(r"""zoo\.data\.get\(["']([\w-]+)["']\)""", text))
    for found in re.findall(r"from zoo\.published(?:\.(\w+)|) import ([\w, ]+)", text):
        for module in [found[0]] if found[0] else found[1].split(", "):
            data = importlib.import_module(f"zoo.published.{module}").DATA
            names.add(data if isinstance(data, str) else data["name"])
    return names & {row.name for row in zoo.data.available()}


def missing(page: Path) -> set[str]:
    """Data sets that the code of a page reads and that are not at hand."""
    at_hand = {row.name for row in zoo.data.available() if row.at_hand in ("cached", "mirror")}
    return data_sets(page) - at_hand


def not_at_hand() -> dict[str, set[str]]:
    """Pages below `docs` that lack data sets, and which."""
    pages = [page for page in DOCS.rglob("*") if page.suffix in RUN]
    return {page.relative_to(DOCS).as_posix(): sets for page in pages if (sets := missing(page))}
