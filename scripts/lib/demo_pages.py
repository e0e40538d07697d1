"""What a visitor does on the page of `zoo demo`, by hand of a driver: one act for each domain."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import zoo
from scripts.lib.browser import console_errors, filled, foreign_requests, screenshot
from zoo.demo.server import serve
from zoo.published import digits, movielens

RATED: Final = {"Star Wars": 5.0, "Toy Story": 5.0, "Fargo": 5.0}  # beginnings of titles
TEXT: Final = (
    "The plot is thin and the jokes are old, yet the two leads are so charming that I left the "
    "cinema happy."
)


@dataclass(frozen=True)
class Act:
    """A visitor to a page.

    Attributes:
        model: name of the model.
        fill: fills the form in, by a driver, and returns the values that Python is asked about.
        prepare: changes the loaded model.
    """

    model: str
    fill: Callable[[Any, Any, Path], tuple[Any, ...]]
    prepare: Callable[[Any], None] = lambda model: None


def visit(driver: Any, act: Act, picture: Path | None) -> dict[str, Any]:
    """Serve a model, ask it in the browser, and take what happened as a row.

    Args:
        driver: see `scripts.lib.browser`.
        act: what to do.
        picture: where a screenshot goes; None for none.
    """
    model = zoo.load(act.model, run=zoo.Run(device="cpu", threads=1))
    act.prepare(model)
    page = serve(model, act.model)
    try:
        with tempfile.TemporaryDirectory() as folder:
            driver.get(page.local_url)
            driver.find_element("id", "answer")
            values = act.fill(driver, model, Path(folder))
            began = time.perf_counter()
            driver.find_element("id", "answer").click()
            headline = filled(driver, "#headline textarea", "value")
            seconds = time.perf_counter() - began
            filled(driver, "#reason", "innerHTML", "<img", "<span style")
            expected = model.interface().answer(*values).headline
        time.sleep(1)  # until pictures are drawn
        driver.execute_script("window.scrollTo(0, 0)")
        if picture is not None:
            screenshot(driver, picture)
        return {
            "answer": headline,
            "inputs": 1,
            "agreement": float(headline == expected),
            "seconds": seconds,
            "console_errors": len(console_errors(driver)),
            "foreign_requests": len(foreign_requests(driver)),
        }
    finally:
        page.close()


def _photo(driver: Any, model: Any, folder: Path) -> tuple[Any, ...]:
    photo = sorted(digits.write_digits(folder, n_valid=20, parts=["valid"]).rglob("*.png"))[7]
    driver.find_element("css selector", "input[type=file]").send_keys(str(photo))
    driver.find_element("css selector", "img[src*='/file=']")  # until it is there
    return (photo,)


def _text(driver: Any, model: Any, folder: Path) -> tuple[Any, ...]:
    driver.find_element("css selector", "textarea:not([disabled])").send_keys(TEXT)
    return (TEXT,)


def _row(driver: Any, model: Any, folder: Path) -> tuple[Any, ...]:
    return tuple(field.start for field in model.interface().fields)


def _ratings(driver: Any, model: Any, folder: Path) -> tuple[Any, ...]:
    from selenium.webdriver.common.keys import Keys

    rated = {}
    for title, stars in RATED.items():
        box = driver.find_element("css selector", "#item input")
        box.click()
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(title, Keys.ENTER)
        driver.find_element("id", "add").click()
        filled(driver, "#rated", "innerText", title)
        known: Mapping[Any, str] = model.spec.titles
        rated[next(item for item, name in known.items() if name.startswith(title))] = stars
    return (rated,)


def with_titles(model: Any) -> None:
    """Have a model of MovieLens know the titles, which its licence keeps apart from it."""
    model.spec = replace(model.spec, titles=movielens.titles().to_dict())


ACTS: Final = {
    "photos": Act("zoo/digits", _photo),
    "texts": Act("zoo/sentiment", _text),
    "tables": Act("zoo/adult", _row),
    "ratings": Act("zoo/movielens-100k", _ratings, with_titles),
}
