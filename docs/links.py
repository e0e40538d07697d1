"""Check a built site: every link and anchor inside it leads somewhere, and nothing is fetched.

python -m docs.links build/docs
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urldefrag

OUTSIDE: Final = re.compile(r"^(?:[a-z]+:)?//|^(?:mailto|data|javascript):", re.IGNORECASE)
LOADED: Final = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
STYLES: Final = {"stylesheet", "preload", "icon", "modulepreload", "preconnect", "dns-prefetch"}


class Page(HTMLParser):
    """What one page links to, what it loads, and the anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links, loads and anchors of a tag."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADED and LOADED[tag] in values:
            self.loads.append(values[LOADED[tag]])
        if tag == "link" and set(values.get("rel", "").split()) & STYLES:
            self.loads.append(values.get("href", ""))


def faults(folder: Path) -> list[str]:
    """Links that lead nowhere and addresses elsewhere that a page would load, in words."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in pages_of(folder)}
    found = []
    for path, page in sorted(pages.items()):
        name = path.relative_to(folder).as_posix()
        found += [f"{name} loads {one}" for one in page.loads if is_outside(one)]
        inside = [one for one in page.links + page.loads if one and not OUTSIDE.match(one)]
        found += [f"{name} links to {one}" for one in inside if not leads(path, one, pages)]
    for path in sorted(folder.rglob("*.css")):
        addresses = re.findall(
            r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", path.read_text()
        )
        found += [
            f"{path.relative_to(folder).as_posix()} loads {one}"
            for one in filter(None, (first or second for first, second in addresses))
            if is_outside(one)
        ]
    return found


def pages_of(folder: Path) -> list[Path]:
    """Pages of a site, without the templates that its theme keeps among its files."""
    return sorted(one for one in folder.rglob("*.html") if "_static" not in one.parts)


def is_outside(address: str) -> bool:
    """Whether an address is on another host; data within a page are not."""
    return bool(OUTSIDE.match(address)) and not address.startswith("data:")


def leads(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    """Whether a link from a page leads to a file, and to an anchor in it if it names one."""
    address, anchor = urldefrag(link)
    target = (path.parent / unquote(address.split("?")[0])).resolve() if address else path
    target = target / "index.html" if target.is_dir() else target
    if target not in pages:
        return target.exists()
    return not anchor or unquote(anchor) in pages[target].anchors


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]).resolve())
    print(
        "\n".join(wrong)
        or "every link inside the site leads somewhere; nothing is loaded from elsewhere"
    )
    sys.exit(bool(wrong))
