"""Open every page of a built site in headless Chromium, and search it: no error, no other host.

Needs what `scripts.lib.browser` names. Cost: a minute or two.

python -m docs.in_browser build/docs     # writes results/site.csv, docs/pictures/site-search.png
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from docs.copies import DOCS
from docs.links import pages_of
from scripts.lib import browser
from scripts.lib.record import append

QUERIES: Final = {
    "freeze_to": "reference/training.html",
    "mixup": "reference/options.html",
    "unbalanced": "howto/unbalanced.html",
    "snapshots": "explained/schedules.html",
}  # what a reader types, and a page that must be among the answers
FINISHED: Final = """
const done = arguments[0], timer = setInterval(() => {
  if (!/Search finished|did not match/.test(document.body.innerText)) return;
  clearInterval(timer); done();
}, 50);"""
LINKS: Final = """
return [...document.querySelectorAll("#search-results ul.search li > a")].map(one => one.href);"""


def found(driver: Any, site: Path, query: str) -> list[str]:
    """Pages that the site's own search finds for a query, best first."""
    driver.get(f"{(site / 'search.html').as_uri()}?q={query}")
    driver.execute_async_script(FINISHED)
    names: list[str] = driver.execute_script(LINKS)
    addresses = [name.partition("#")[0].partition("?")[0] for name in names]
    return [one.removeprefix(f"{site.as_uri()}/") for one in addresses]


def main(site: Path) -> int:
    """Look at every page, then search; 1 if something is wrong."""
    if lacks := browser.missing():
        raise SystemExit(f"docs.in_browser {lacks}")
    errors, requests = [], []
    with browser.browser(20) as driver:
        pages = pages_of(site)
        for page in pages:
            driver.get(page.as_uri())
            errors += browser.console_errors(driver)
            requests += browser.foreign_requests(driver)
        answers = {query: found(driver, site, query) for query in QUERIES}
        errors += browser.console_errors(driver)
        requests += browser.foreign_requests(driver)
        browser.screenshot(driver, DOCS / "pictures" / "site-search.png")
    missed = [query for query, page in QUERIES.items() if page not in answers[query]]
    print("\n".join([*errors, *requests, *(f"{query}: {answers[query]}" for query in missed)]))
    append(
        "site.csv",
        pages=len(pages),
        console_errors=len(errors),
        foreign_requests=len(requests),
        queries=len(QUERIES),
        queries_answered=len(QUERIES) - len(missed),
    )
    return int(bool(errors or requests or missed))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
