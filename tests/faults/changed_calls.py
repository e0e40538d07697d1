"""A call that is resumed with another argument or datum is refused, and the message names it.

Each domain's tiny call is broken off in its last fit, and made to its end. Then the same call is
made again with one thing changed at a time: an argument of the verb, the seed, a label, a value,
the order of rows, one row less. Both the broken-off and the finished run must refuse it, with a
`ValueError` in one or two sentences that tells what differs; weights and record stay as they were.
The unchanged call must go on.

Cost: about 4 minutes of one core.

    python -m tests.faults.changed_calls
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from tests.collab import small as collab
from tests.faults.calls import prepare, run_call
from tests.faults.campaign import campaign, flags, quiet
from tests.faults.kills import LONGEST, Child
from tests.tabular import small as tabular
from tests.text import small as text
from zoo.core import state_file
from zoo.core.training import loop

Change = dict[str, Any] | Callable[[Path], dict[str, Any]]
"""Arguments that differ, or what makes them in a folder of its own."""

N_FITS = {"vision": 2, "text": 2, "language-model": 1, "tabular": 1, "collab": 1}

TRAINING: dict[str, Any] = {
    "lr": 4e-3,
    "epochs": 5,
    "seed": 1,
    "batch_size": 10,
    "weight_decay": 0.3,
    "clip": 0.7,
    "accumulate": 2,
    "optimizer": "sgd",
}  # what every domain takes


def photos(change: Callable[[Path], None]) -> Change:
    """Other photos: a changed copy of the folder."""

    def made(work: Path) -> dict[str, Any]:
        folder = Path(tempfile.mkdtemp(dir=work)) / "photos"
        shutil.copytree(work / "photos", folder)
        change(folder)
        return {"data": folder}

    return made


def _first(folder: Path) -> Path:
    return sorted(folder.rglob("*.png"))[-1]


def _repaint(folder: Path) -> None:
    path = _first(folder)
    pixels = np.array(Image.open(path))
    pixels[0, 0] ^= 255
    Image.fromarray(pixels).save(path)


def _relabel(folder: Path) -> None:
    path = sorted((folder / "train" / "three").iterdir())[0]
    path.rename(folder / "train" / "seven" / "moved.png")


def _leave_out(folder: Path) -> None:
    sorted((folder / "train" / "three").iterdir())[0].unlink()


def table(make: Callable[[], Any], change: Callable[[Any], Any]) -> Change:
    """Other rows: a changed copy of a table."""
    return lambda work: {"data": change(make())}


def swapped(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Another value in one row: that of another row which differs."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].tolist()
        other = next(i for i, value in enumerate(values) if value == value and value != values[3])
        values[3] = values[other]
        return frame.assign(**{column: values})

    return change


def reordered(frame: Any) -> Any:
    return frame.iloc[::-1].reset_index(drop=True)


def shorter(frame: Any) -> Any:
    return frame.iloc[:-1]


def _rows(make: Callable[[], Any], *columns: str) -> dict[str, Change]:
    changed: dict[str, Change] = {f"a {name}": table(make, swapped(name)) for name in columns}
    return {
        **changed,
        "order of rows": table(make, reordered),
        "one row less": table(make, shorter),
    }


CHANGES: dict[str, dict[str, Change]] = {
    "vision": {
        **{name: {name: value} for name, value in TRAINING.items()},
        "size": {"size": 40},
        "augment": {"augment": "none"},
        "mixup": {"mixup": 0.4},
        "cutmix": {"cutmix": 1.0},
        "label_smoothing": {"label_smoothing": 0.1},
        "class_weights": {"class_weights": {"three": 2.0, "seven": 1.0}},
        "dropout": {"dropout": 0.5},
        "hidden": {"hidden": 8},
        "pool": {"pool": "avgmax"},
        "batchnorm": {"batchnorm": "fixed"},
        "a pixel": photos(_repaint),
        "a label": photos(_relabel),
        "one photo less": photos(_leave_out),
    },
    "text": {
        **{name: {name: value} for name, value in TRAINING.items()},
        "drop_mult": {"drop_mult": 0.3},
        "max_len": {"max_len": 60},
        "bptt": {"bptt": 9},
        "valid_fraction": {"valid_fraction": 0.3},
        **_rows(lambda: text.reviews(60), "review", "liked"),
    },
    "language-model": {
        **{name: {name: value} for name, value in TRAINING.items() if name != "accumulate"},
        "bptt": {"bptt": 12},
        "ar": {"ar": 1.0},
        "tar": {"tar": 0.5},
        "sampled": {"sampled": 20},
        "drop_mult": {"drop_mult": 0.3},
        "reverse": {"reverse": True},
        "d_hidden": {"d_hidden": 14},
        "a text": table(lambda: text.reviews(60), lambda f: swapped("review")(f)["review"]),
        "order of texts": table(lambda: text.reviews(60), lambda f: reordered(f)["review"]),
    },
    "tabular": {
        **{name: {name: value} for name, value in TRAINING.items()},
        "dropout": {"dropout": 0.2},
        "embedding_dropout": {"embedding_dropout": 0.1},
        "label_smoothing": {"label_smoothing": 0.1},
        "layers": {"layers": [8, 9]},
        "bins": {"bins": 5},
        "valid_fraction": {"valid_fraction": 0.3},
        "ignore": {"ignore": ["amount", "age"]},
        "numbers": {"numbers": ["store"]},
        "target": {"target": "amount", "ignore": ["bought"]},
        **_rows(lambda: tabular.table(150), "age", "colour", "bought"),
    },
    "collab": {
        **{name: {name: value} for name, value in TRAINING.items()},
        "n_factors": {"n_factors": 9},
        "valid_fraction": {"valid_fraction": 0.3},
        "split": {"split": "user"},
        "y_range": {"y_range": (0.0, 6.0)},
        "model": {"model": "embedding_net"},
        **_rows(collab.ratings, "user", "item", "rating"),
    },
}


class Domain:
    """A call that was broken off, and one that was finished, to be resumed in copies."""

    def __init__(self, name: str, work: Path) -> None:
        self.name, self.work = name, work
        self.runs = {"broken off": work / f"{name}-open", "finished": work / f"{name}-done"}
        self.start(self.runs["finished"], {})
        Child(lambda: self.break_off(self.runs["broken off"])).wait()

    def break_off(self, out: Path) -> None:
        """Make the call until the first epoch of its last fit is over."""
        save = state_file.save

        def save_and_end(path: Path, tree: dict[str, Any]) -> None:
            save(path, tree)
            if len(tree["closed"]) == N_FITS[self.name] - 1 and tree["open"] is not None:
                os._exit(0)

        state_file.save = save_and_end
        loop.FLUSH_SECONDS = LONGEST  # no state within an epoch
        run_call(self.name, self.work, out)

    def start(self, out: Path, changes: dict[str, Any]) -> str:
        """Make the call in a process; what it raised."""
        said = self.work / "said"
        said.write_text("")

        def act() -> None:
            try:
                run_call(self.name, self.work, out, **changes)
            except ValueError as error:
                said.write_text(f"refused: {error}")
            except BaseException as error:
                said.write_text(f"{type(error).__name__}: {error}")

        status = Child(act).wait()
        return said.read_text() if not status else f"ended with {status=}"

    def attempt(self, change: Change) -> str:
        """Resume copies of both runs with a change; what is wrong with how that went."""
        wrong = []
        for kind, run in self.runs.items():
            out = Path(tempfile.mkdtemp(dir=self.work)) / "run"
            shutil.copytree(run, out)
            before = contents(out)
            changes = change(self.work) if callable(change) else dict(change)
            said = self.start(out, changes)
            if not change:
                wrong += [f"{kind}: {said}"] if said else []
            elif not said.startswith("refused: "):
                wrong.append(f"{kind}: {said or 'it went on'}")
            elif "differs in" not in said or "\n" in said:
                wrong.append(f"{kind}: names nothing: {said}")
            elif contents(out) != before:
                wrong.append(f"{kind}: files have changed")
            shutil.rmtree(out.parent)
        return "; ".join(wrong)


def contents(folder: Path) -> dict[str, bytes]:
    """Files of a run by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def main() -> None:
    """All changes of all domains."""
    quiet()
    chosen = flags(__doc__)
    everything = [
        (domain, name, change)
        for domain, changes in CHANGES.items()
        for name, change in {"nothing": {}, **changes}.items()
    ]
    domains: dict[str, Domain] = {}
    with tempfile.TemporaryDirectory() as place:
        work = prepare(Path(place))

        def attempt(number: int) -> str:
            name, _, change = everything[number]
            if name not in domains:
                domains[name] = Domain(name, work)
            return domains[name].attempt(change)

        names = [f"{domain}: {name}" for domain, name, _ in everything]
        campaign("changed calls", names, attempt, chosen)


if __name__ == "__main__":
    main()
