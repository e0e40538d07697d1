"""What a visitor is told by the page of `zoo app`, a thousand times, by hand of a driver.

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
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from scripts.lib.browser import console_errors, foreign_requests, screenshot
from zoo.published import adult, digits, movielens

SIDES: Final = (40, 700)  # px of the photos that are not as the model has them
N: Final = 1000  # inputs
MOST: Final = 30  # items that a visitor has rated
ASK: Final = """
const [inputs, done] = arguments;
const file = (text) => new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]);
const values = (input) => zoo.facts.fields[0].kind === "photo" ? [file(input)] : input;
(async () => {
  const said = [];
  for (const input of inputs) said.push(await zoo.answer(values(input)));
  return said;
})().then(done, (error) => done([{ headline: String(error) }]));
"""
AT_ONCE: Final = 50  # inputs that a script takes


@dataclass(frozen=True)
class Inputs:
    """What a page and Python are asked.

    Attributes:
        page: inputs as `ASK` takes them.
        python: the headline of each by Python.
    """

    page: Sequence[Any]
    python: Sequence[str]


def visit(driver: Any, page: Path, inputs: Inputs, picture: Path | None) -> dict[str, Any]:
    """Open a page, wait for its first answer, and ask it all inputs.

    Args:
        driver: see `scripts.lib.browser`, fresh.
        page: the HTML file.
        inputs: what it is asked.
        picture: where a screenshot goes; None for none.
    """
    began = time.perf_counter()
    driver.get(page.resolve().as_uri())
    first = driver.execute_async_script(ASK, inputs.page[:1])
    seconds = time.perf_counter() - began
    said = [
        reply["headline"]
        for low in range(0, len(inputs.page), AT_ONCE)
        for reply in driver.execute_async_script(ASK, inputs.page[low : low + AT_ONCE])
    ]
    same = [one == other for one, other in zip(said, inputs.python, strict=True)]
    if picture is not None:
        screenshot(driver, picture)
    return {
        "answer": first[0]["headline"],
        "inputs": len(same),
        "agreement": sum(same) / len(same),
        "seconds": seconds,
        "megabytes": page.stat().st_size / 1e6,
        "console_errors": len(console_errors(driver)),
        "foreign_requests": len(foreign_requests(driver)),
    }


def photos(model: Any, n: int = N) -> Inputs:
    """Digits as PNG files, every other one of another size and shape."""
    draws, contents = np.random.default_rng(0), []
    with tempfile.TemporaryDirectory() as folder:
        places = sorted(digits.write_digits(Path(folder)).rglob("*.png"))
        for i in draws.permutation(len(places))[:n]:
            image = Image.open(places[i])
            if len(contents) % 2:
                image = image.resize(draws.integers(*SIDES, 2).tolist(), Image.Resampling.BICUBIC)
            file = io.BytesIO()
            image.save(file, "PNG")
            contents.append(file.getvalue())
    said = [str(one.label) for one in model.predict(contents)]
    return Inputs([base64.b64encode(one).decode() for one in contents], said)


def rows(model: Any, n: int = N) -> Inputs:
    """Rows of Adult's test file."""
    fields, table = model.interface().fields, adult.official("test").head(n)
    values = [
        [field.choices.index(cell) if field.choices and cell == cell else cell for cell in column]
        for field, column in ((field, table[field.name]) for field in fields)
    ]
    plain = [[None if cell != cell else cell for cell in row] for row in zip(*values, strict=True)]
    return Inputs(plain, [str(label) for label in model.predict(table)])


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


INPUTS: Final[dict[str, tuple[str, Callable[..., Inputs]]]] = {
    "photos": ("zoo/digits", photos),
    "tables": ("zoo/adult", rows),
    "ratings": ("zoo/movielens-100k", ratings),
}
