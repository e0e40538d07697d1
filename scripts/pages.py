"""The pages of `zoo demo` and `zoo app` in headless Chromium: what they answer, ask for, and cost.

The demo of four domains, the app of three: each is loaded, asked, and its answer compared with
Python's, that of the apps on 1,000 inputs. Errors on the console and requests to other hosts are
counted; screenshots go to docs/pictures. Needs Debian's `chromium` and `chromium-driver`, and
`pip install selenium 'transfer-zoo[demo]'`; the apps need an unpacked onnxruntime-web (`zoo app
--help`).
Cost: ten minutes.

    python -m scripts.pages --runtime package     # writes results/pages.csv
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Final

import zoo
from scripts.lib import browser
from scripts.lib.app_pages import CASES, N, visits
from scripts.lib.demo_pages import ACTS, visit
from scripts.lib.program import Program, program, some_of
from scripts.lib.record import ROOT
from zoo.app.page import write_app

PICTURES: Final = ROOT / "docs" / "pictures"


def demos(chosen: Program) -> None:
    """The demo of each domain, in a browser of its own."""
    for domain in chosen.further["domains"]:
        act = ACTS[domain]
        picture = PICTURES / f"demo-{domain}.png" if chosen.recorded else None
        with browser.browser() as driver:
            row = visit(driver, act, picture)
        facts = {"page": "demo", "domain": domain, "model": act.model}
        chosen.record(**facts, **row, load=os.getloadavg()[0])


def apps(chosen: Program, runtime: Path) -> None:
    """The app of each case, opened from its file."""
    for case in CASES:
        domain, _, variant = case.domain.partition(", ")
        if domain not in chosen.further["domains"]:
            continue
        name = ACTS[domain].model
        model = zoo.load(name, run=zoo.Run(device="cpu", precision="fp32"))
        ACTS[domain].prepare(model)
        picture = PICTURES / f"app-{domain}.png" if chosen.recorded and not variant else None
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "app.html"
            write_app(model, place, runtime=runtime, weights=case.weights, name=name)
            row = visits(place, case.inputs(model, 20 if chosen.smoke else N), picture, case.fill)
        facts = {"page": "app", "domain": case.domain, "model": name, "weights": case.weights}
        chosen.record(**facts, **row, load=os.getloadavg()[0])


def flags(parser: argparse.ArgumentParser) -> None:
    """Flags of its own."""
    some_of(parser, "--domains", ACTS)
    parser.add_argument("--pages", choices=["demo", "app"], help="only these (demo app)")
    parser.add_argument("--runtime", type=Path, help="folder of an unpacked onnxruntime-web")


def main() -> None:
    """Both kinds of pages; without a browser, what is missing."""
    chosen = program(__doc__, "pages.csv", seeds=1, further=flags)
    if lacks := browser.missing():
        raise SystemExit(f"scripts.pages {lacks}")
    if chosen.further["pages"] != "app":
        demos(chosen)
    if chosen.further["pages"] != "demo":
        apps(chosen, chosen.further["runtime"])


if __name__ == "__main__":
    main()
