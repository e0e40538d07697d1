"""What visitors are told by the page of `zoo app`: a thousand of them, by hand of a driver.

The page is opened from its file. `window.zoo.answer` takes the values that the form gives, so that
all inputs pass through the same code as one: photos as the content of their files.
"""

from __future__ import annotations

import base64
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scripts.lib.browser import (
    browser,
    console_errors,
    cpu_seconds,
    filled,
    foreign_requests,
    screenshot,
)
from scripts.lib.demo_pages import RATED
from zoo.app.options import Weights
from zoo.published import adult, digits, movielens

N: Final = 1000  # inputs
COMPARED: Final = 100  # photos whose pixels are compared
SIDES: Final = (40, 700)  # px of the photos that are not as the model has them
QUALITY: Final = 90  # of JPEG
MOST: Final = 30  # items that a visitor has rated
LOADS: Final = 3  # times that a page is opened, in a fresh browser
AT_ONCE: Final = 50  # inputs that a script takes
SETTLES: Final = 1.0  # seconds until a fresh browser does nothing of its own
BYTES: Final = "(text) => new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))])"
ASK: Final = f"""
const [inputs, done] = arguments;
const file = {BYTES};
const values = (input) => zoo.facts.fields[0].kind === "photo" ? [file(input)] : input;
(async () => {{
  const said = [];
  for (const input of inputs) said.push((await zoo.answer(values(input))).headline);
  return said;
}})().then(done, (error) => done([String(error)]));
"""
SEE: Final = f"const [text, done] = arguments; zoo.pixels(({BYTES})(text)).then(done);"


@dataclass(frozen=True)
class Inputs:
    """What a page and Python are asked.

    Attributes:
        page: inputs as `ASK` takes them.
        python: the headline of each by Python.
        truth: the right one of each; none where that is not known.
        pixels: what Python's model sees of photos. Shape: (n, size, size, 3), uint8.
    """

    page: Sequence[Any]
    python: Sequence[str]
    truth: Sequence[str] = ()
    pixels: NDArray[np.uint8] | None = None


def visits(
    page: Path, inputs: Inputs, picture: Path | None, fill: Callable[[Any, Path], None]
) -> dict[str, Any]:
    """Open a page in fresh browsers, ask it all inputs in the last one, and fill its form in.

    Args:
        page: the HTML file.
        inputs: what it is asked.
        picture: where a screenshot goes; None for none.
        fill: fills the form in and has it answer.
    """
    seconds, cpu, row = [], [], {}
    for left in reversed(range(LOADS)):
        with browser() as driver:
            driver.get("about:blank")
            time.sleep(SETTLES)
            began = time.perf_counter()
            driver.get(page.resolve().as_uri())
            driver.execute_async_script(ASK, inputs.page[:1])
            seconds.append(time.perf_counter() - began)
            cpu.append(cpu_seconds(driver))
            if not left:
                row = _answers(driver, inputs)
                with tempfile.TemporaryDirectory() as folder:
                    fill(driver, Path(folder))
                    headline = filled(driver, "#headline", "textContent", but="…")
                if picture is not None:
                    screenshot(driver, picture)
            errors, requests = console_errors(driver), foreign_requests(driver)
    return {
        "answer": headline,
        **row,
        "seconds": float(np.median(seconds)),
        "cpu_seconds": float(np.median(cpu)),
        "megabytes": page.stat().st_size / 1e6,
        "console_errors": len(errors),
        "foreign_requests": len(requests),
    }


def _answers(driver: Any, inputs: Inputs) -> dict[str, Any]:
    """How often the page says what Python says, and how often each is right."""
    starts = range(0, len(inputs.page), AT_ONCE)
    parts = [driver.execute_async_script(ASK, inputs.page[i : i + AT_ONCE]) for i in starts]
    said = np.concatenate(parts)
    row = {"inputs": len(said), "agreement": float(np.mean(said == np.array(inputs.python)))}
    if inputs.truth:
        row["score"] = float(np.mean(said == np.array(inputs.truth)))
        row["score_of_python"] = float(np.mean(np.array(inputs.python) == np.array(inputs.truth)))
    if inputs.pixels is not None:
        files = inputs.page[: len(inputs.pixels)]
        seen = np.array([driver.execute_async_script(SEE, file) for file in files])
        away = np.abs(seen.reshape(inputs.pixels.shape) - inputs.pixels.astype(int))
        row |= {"pixels_mean_difference": float(away.mean()), "pixels_most": int(away.max())}
    return row


def photos(model: Any, n: int = N, *, kind: str = "PNG") -> Inputs:
    """Digits as files, every other one of another size and shape."""
    draws, contents, truth = np.random.default_rng(0), [], []
    with tempfile.TemporaryDirectory() as folder:
        places = sorted(digits.write_digits(Path(folder)).rglob("*.png"))
        for i in draws.permutation(len(places))[:n]:
            image = Image.open(places[i])
            if len(contents) % 2:
                image = image.resize(draws.integers(*SIDES, 2).tolist(), Image.Resampling.BICUBIC)
            file = io.BytesIO()
            image.save(file, kind, quality=QUALITY)
            contents.append(file.getvalue())
            truth.append(places[i].parent.name)
    said = [str(one.label) for one in model.predict(contents)]
    page = [base64.b64encode(one).decode() for one in contents]
    return Inputs(page, said, truth, model.pixels(contents[:COMPARED]))


def rows(model: Any, n: int = N) -> Inputs:
    """Rows of Adult's test file."""
    fields, table = model.interface().fields, adult.official("test").head(n)
    values = [
        [field.choices.index(cell) if field.choices and cell == cell else cell for cell in column]
        for field, column in ((field, table[field.name]) for field in fields)
    ]
    plain = [[None if cell != cell else cell for cell in row] for row in zip(*values, strict=True)]
    return Inputs(plain, [str(label) for label in model.predict(table)], [*table["income"]])


def ratings(model: Any, n: int = N) -> Inputs:
    """Visitors who have rated one to thirty items of MovieLens-100k, each drawn from a user."""
    draws, visitors, said = np.random.default_rng(0), [], []
    users = [own for _, own in movielens.ratings().groupby("user")]
    places = {item: place for place, item in enumerate(model.spec.items)}
    for i in range(n):
        own = users[i % len(users)]
        own = own[own["item"].isin(places)].sample(frac=1, random_state=i)
        rated = own.head(int(draws.integers(1, MOST + 1)))[["item", "rating"]].to_numpy().tolist()
        visitors.append([[[places[item], stars] for item, stars in rated]])
        said.append(model.interface().answer(dict(rated)).headline)
    return Inputs(visitors, said)


def drop_photo(driver: Any, folder: Path) -> None:
    """Choose the file of a digit, which is answered at once."""
    photo = sorted(digits.write_digits(folder, n_valid=20, parts=["valid"]).rglob("*.png"))[7]
    driver.find_element("css selector", "input[type=file]").send_keys(str(photo))


def send_row(driver: Any, folder: Path) -> None:
    """Ask about the row that stands in the form."""
    driver.find_element("id", "answer").click()


def rate_items(driver: Any, folder: Path) -> None:
    """Rate some films and ask for a list."""
    titles = driver.execute_script("return zoo.facts.fields[0].shown")
    for beginning in RATED:
        title = next(one for one in titles if one.startswith(beginning))
        driver.find_element("css selector", "input[list]").send_keys(title)
        driver.find_element("id", "add").click()
    driver.find_element("id", "answer").click()


@dataclass(frozen=True)
class Case:
    """A page to try.

    Attributes:
        domain: photos, tables or ratings; what differs from the usual behind a comma.
        inputs: makes what it is asked, of a model and a number.
        fill: fills the form in.
        weights: see `zoo.app.weights`.
    """

    domain: str
    inputs: Callable[..., Inputs]
    fill: Callable[[Any, Path], None]
    weights: Weights = "fp16"


CASES: Final = (
    Case("photos", photos, drop_photo),
    Case("photos, JPEG", partial(photos, kind="JPEG"), drop_photo),
    Case("photos, int8", photos, drop_photo, "int8"),
    Case("tables", rows, send_row),
    Case("tables, int8", rows, send_row, "int8"),
    Case("ratings", ratings, rate_items),
)
