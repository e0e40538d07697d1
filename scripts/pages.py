"""The pages of `zoo demo` and `zoo app` in headless Chromium: what they answer, ask for, and cost.

The demo of four domains, the app of three: each is loaded, asked, and its answer compared with
Python's; errors on the console and requests to other hosts are counted. Screenshots go to
docs/pictures. Needs Debian's `chromium` and `chromium-driver`, and `pip install selenium
'transfer-zoo[demo]'`; the apps need an unpacked onnxruntime-web (`zoo app --help`).
Cost: two minutes.

    python -m scripts.pages --runtime package     # writes results/pages.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from scripts.lib import browser
from scripts.lib.demo_pages import ACTS, visit
from scripts.lib.program import Program, program, some_of
from scripts.lib.record import ROOT

PICTURES: Final = ROOT / "docs" / "pictures"


def demos(chosen: Program) -> None:
    """The demo of each domain, in a browser of its own."""
    for domain in chosen.further["domains"]:
        act = ACTS[domain]
        picture = PICTURES / f"demo-{domain}.png" if chosen.recorded else None
        with browser.browser() as driver:
            row = visit(driver, act, picture)
        chosen.record(page="demo", domain=domain, model=act.model, **row)


def flags(parser: argparse.ArgumentParser) -> None:
    """Flags of its own."""
    some_of(parser, "--domains", ACTS)
    parser.add_argument("--runtime", type=Path, help="folder of an unpacked onnxruntime-web")


def main() -> None:
    """Both kinds of pages; without a browser, what is missing."""
    chosen = program(__doc__, "pages.csv", seeds=1, further=flags)
    if lacks := browser.missing():
        raise SystemExit(f"scripts.pages {lacks}")
    demos(chosen)


if __name__ == "__main__":
    main()
