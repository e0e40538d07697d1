"""One tiny call of each domain that trains into a folder in a fraction of a second.

    run_call("tabular", work, out)                  # as it is
    run_call("tabular", work, out, lr=1e-3)         # with another argument
    run_call("tabular", work, out, seed=1)          # with other circumstances

The data are made in memory or, of photos, lie in `work`, made by `prepare`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import zoo
from tests.collab import small as collab
from tests.helpers.digits import write_photos
from tests.stored.artifacts import FORMAT_1
from tests.tabular import small as tabular
from tests.text import small as text
from tests.vision.small import TINY

SIDE = 32  # pixels
OF_RUN: Final = {field.name for field in fields(zoo.Run)}


def prepare(work: Path) -> Path:
    """The photos of the vision calls; `work` itself."""
    write_photos(work / "photos", n_train=12, n_valid=6, side=SIDE)
    scenes(work / "scenes")
    return work


def scenes(folder: Path) -> None:
    """A few photos and masks."""
    from tests.stored.make_format_1 import scene

    for i in range(8):
        for kind, picture in zip(("photos", "masks"), scene(i), strict=True):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            picture.save(folder / kind / f"{i}.png")


def run_of(work: Path, out: Path, **more: Any) -> zoo.Run:
    given = {"device": "cpu", "precision": "fp32", "threads": 1, "progress": False, "resume": True}
    return zoo.Run(**given | {"cache": work / "cache", "save_every": 0.0} | more, out=out)


def run_call(domain: str, work: Path, out: Path, **changes: Any) -> Any:
    """Make the domain's call.

    Args:
        domain: one of `CALLS`.
        work: folder that `prepare` has filled.
        out: folder of the run.
        **changes: other data (`data`), settings of the run, or arguments of the verb.
    """
    of_run = {name: changes.pop(name) for name in list(changes) if name in OF_RUN}
    return CALLS[domain](work, run_of(work, out, **of_run), changes)


def _vision(work: Path, run: zoo.Run, more: dict[str, Any]) -> Any:
    """Two phases from the stored classifier's body."""
    data = more.pop("data", work / "photos")
    given = {"size": SIDE, "epochs": 2, "batch_size": 8, "batchnorm": "live"}
    learn = zoo.vision.learner(data, model=TINY, **_options(given, more), run=run)
    learn.freeze()
    learn.fit_one_cycle(1, more.get("lr", 3e-3))
    learn.unfreeze()
    learn.fit_one_cycle(more.get("epochs", 2), more.get("lr", 3e-3))
    return _saved(learn)


def _text(work: Path, run: zoo.Run, more: dict[str, Any]) -> Any:
    data = more.pop("data", None)
    return text.finetune(
        FORMAT_1 / "text-lm-forward",
        text.reviews(60) if data is None else data,
        **{"epochs": 2, "batch_size": 16, "run": run, **more},
    )


def _language_model(work: Path, run: zoo.Run, more: dict[str, Any]) -> Any:
    data = more.pop("data", None)
    given = {"epochs": 2, "d_embedding": 8, "d_hidden": 12, "run": run, **more}
    return text.train_lm(text.reviews(60)["review"] if data is None else data, **given)


def _tabular(work: Path, run: zoo.Run, more: dict[str, Any]) -> Any:
    data = more.pop("data", None)
    given = {"epochs": 3, "layers": [8, 8], "dropout": 0.1, "bins": 4, "run": run, **more}
    given.setdefault("ignore", ["amount"])
    return tabular.train(tabular.table(150) if data is None else data, **given)


def _collab(work: Path, run: zoo.Run, more: dict[str, Any]) -> Any:
    data = more.pop("data", None)
    given = {"epochs": 3, "batch_size": 128, "run": run, **more}
    return collab.train(data=collab.ratings() if data is None else data, **given)


def _options(given: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in (given | more).items() if k not in ("epochs", "lr")}


def _saved(learn: Any) -> Any:
    from zoo.core.model import finished

    return finished(learn)


CALLS: dict[str, Callable[[Path, zoo.Run, dict[str, Any]], Any]] = {
    "vision": _vision,
    "text": _text,
    "tabular": _tabular,
    "collab": _collab,
    "language-model": _language_model,
}
