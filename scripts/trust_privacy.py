"""A secret of one row, one text, one photo or one user is in nothing that a model publishes.

Small tables, texts, photos and ratings are made up; each has one secret: an odd number, a name in a
column of names, a word, the name of a photo's file, a user's id. Each is learnt by the default call
in folds, so that every statistic is there (errors by rank, temperatures, what unknown inputs are
told by, distributions of columns), saved and published; then all bytes of all files are searched
for the secret: its letters, its digits, or any stored number that is as near as one in ten
thousand. A saved recommender knows its users; a published one must not.

The row "category" stands for what `zoo.core.artifacts.artifact` warns of: the value of a category
that is in one row alone is kept.

    python -m scripts.trust_privacy                       # writes results/trust_privacy.csv
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from PIL import Image
from safetensors.numpy import load_file

import zoo
from scripts.lib.program import Program, program

WORD, NUMBER = "zyxsecretword", 7_391_846.25
NEAR: Final = 1e-4  # share of a number by which another one tells it
N: Final = 300  # rows and texts
KINDS: Final = ("number", "target", "name", "category")
KNOWN: Final = {"category"}  # kept, as the docstring of artifacts tells
WORDS: Final = [
    "the",
    "film",
    "was",
    "good",
    "bad",
    "slow",
    "fine",
    "great",
    "dull",
    "long",
    "short",
    "music",
    "actor",
    "story",
]


def table(rng: np.random.Generator) -> pd.DataFrame:
    """Rows with a number, names and categories."""
    size = rng.normal(50, 10, N)
    frame = pd.DataFrame({"size": size, "land": rng.choice(["de", "fr", "it"], N)})
    frame["name"] = [f"name {i}" for i in range(N)]
    return frame.assign(price=size * 2 + rng.normal(size=N))


def texts(rng: np.random.Generator) -> pd.DataFrame:
    """Reviews of common words."""
    some = [" ".join(rng.choice(WORDS, 12)) for _ in range(N)]
    return pd.DataFrame({"text": some, "label": ["good" in one for one in some]})


def of_table(kind: str, *, seed: int, run: zoo.Run, folder: Path) -> tuple[Any, str | float]:
    """A model of rows, and the secret of one."""
    frame = table(np.random.default_rng(seed))
    column = {"number": "size", "target": "price", "name": "name", "category": "land"}[kind]
    secret: str | float = NUMBER if kind in ("number", "target") else WORD
    frame.loc[7, column] = secret
    return zoo.tabular.train(frame, "price", folds=3, epochs=1, run=run), secret


def of_texts(start: str | None, *, seed: int, run: zoo.Run, folder: Path) -> tuple[Any, str]:
    """A classifier of texts, and the secret of one."""
    frame = texts(np.random.default_rng(seed))
    frame["text"] = [f"{one} {WORD}" if i == 7 else one for i, one in enumerate(frame["text"])]
    how: Any = {"text": "text", "label": "label", "folds": 2, "epochs": 1, "run": run}
    model = zoo.text.finetune(start, frame, **how) if start else zoo.text.train(frame, **how)
    return model, WORD


def of_photos(*, seed: int, run: zoo.Run, folder: Path) -> tuple[Any, str]:
    """A classifier of photos, and the name of one's file."""
    rng = np.random.default_rng(seed)
    for i in range(40):
        photo = rng.integers(0, 99, (32, 32, 3), dtype=np.uint8) + np.uint8(100 * (i % 2))
        place = folder / ("light" if i % 2 else "dark") / f"{WORD if i == 7 else i}.png"
        place.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(photo).save(place)
    model = zoo.vision.finetune("efficientnet_lite0", folder, epochs=1, size=64, folds=2, run=run)
    return model, WORD


def of_ratings(*, seed: int, run: zoo.Run, folder: Path) -> tuple[Any, str]:
    """A recommender, and the id of one of its users."""
    rng = np.random.default_rng(seed)
    users = [WORD if user == 7 else f"u{user}" for user in rng.integers(40, size=600)]
    columns = {"user": users, "item": rng.integers(30, size=600)}
    frame = pd.DataFrame(columns | {"rating": rng.integers(1, 6, 600)})
    return zoo.collab.train(frame.drop_duplicates(["user", "item"]), epochs=1, run=run), WORD


def files_with(secret: str | float, folder: Path) -> Iterator[str]:
    """Names of the files of a folder that tell a secret."""
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        data = path.read_bytes()
        if isinstance(secret, str):
            is_there = secret.encode() in data
        else:
            is_there = f"{secret:g}"[:6].encode() in data or _is_near(secret, path)
        if is_there:
            yield path.name


def _is_near(secret: float, path: Path) -> bool:
    """Whether a number in a file of JSON or safetensors is as good as the secret."""
    if path.suffix == ".safetensors":
        numbers = [one.astype(np.float64).ravel() for one in load_file(path).values()]
        every = np.concatenate(numbers)
    elif path.suffix == ".json":
        every = np.array([*_numbers(json.loads(path.read_text()))])
    else:
        return False
    return bool((np.abs(every - secret) <= NEAR * abs(secret)).any())


def _numbers(tree: Any) -> Iterator[float]:
    if isinstance(tree, (list, dict)):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _numbers(part)
    elif isinstance(tree, (int, float)):
        yield float(tree)


def trial(
    asked: Program, domain: str, what: str, make: Callable[..., tuple[Any, Any]], *, seed: int
) -> bool:
    """A row: which files tell the secret. Whether none does."""
    with tempfile.TemporaryDirectory() as folder:
        model, secret = make(folder=Path(folder, "data"))
        asked.keep(model, seed, f"{domain}-{what}")
        saved = [*files_with(secret, model.save(Path(folder, "saved")))]
        place = model.push("someone/secret", hub=Path(folder, "hub"))
        published = [*files_with(secret, Path(place))]
    shown = {"saved": " ".join(saved) or "none", "published": " ".join(published) or "none"}
    asked.record(domain=domain, secret=what, seed=seed, **shown)
    return not published or what in KNOWN


def main() -> None:
    """A row for each secret."""
    asked = program(__doc__, "trust_privacy.csv", seeds=1)
    kept = []
    for seed in asked.seeds:
        how: Any = {"seed": seed, "run": asked.run(seed)}
        makers: list[tuple[str, str, Any]] = [
            ("stars", "user", partial(of_ratings, **how)),
            *(("tables", kind, partial(of_table, kind, **how)) for kind in KINDS),
            ("texts", "words", partial(of_texts, None, **how)),
            ("texts", "minilm", partial(of_texts, "minilm", **how)),
            ("photos", "file", partial(of_photos, **how)),
        ]
        kept += [trial(asked, *one, seed=seed) for one in makers[: 2 if asked.smoke else None]]
    print(f"secrets kept: {sum(kept)} of {len(kept)} (all, but for categories of one row)")


if __name__ == "__main__":
    main()
