"""Which classes a street scene shows: macro F1 at least 20 points above each label's prior.

CamVid's 367 training, 101 validation and 233 test scenes, of each the middle square of 180 px. A
class is a label of a scene if it covers at least a hundredth of that square in its mask; this share
was set by the training part's frequencies alone. `zoo.vision.finetune("efficientnet_lite0", ...)`
with its defaults tunes a threshold for each label on the validation part; scores are of the test
part. (A row with one threshold is of an earlier tuning, one for all labels.)

Beside it, on the same scenes: `prior` says a label where half of the training scenes have it (the
likelier answer, label by label); `tuned_prior` has its threshold tuned as the model has, which for
priors comes near to saying every label of every scene.

    python -m scripts.vision_multilabel        # writes results/vision_multilabel.csv
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

import zoo
from scripts.lib.program import Program, program, timed
from scripts.vision_camvid import CLASSES
from zoo.vision.classification.spec import Spec
from zoo.vision.classification.thresholds import best_thresholds
from zoo.vision.data.labels import encoded
from zoo.vision.inspect.report import by_class

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Settings:
    """What is tried."""

    share: float = 0.01  # of the square that a class covers at least, to count as a label
    size: int = 160


def main() -> None:
    """Every seed; each label's scores for the last."""
    asked = program(__doc__, "vision_multilabel.csv", seeds=3)
    settings = Settings()
    with tempfile.TemporaryDirectory() as folder:
        every = 8 if asked.smoke else 1
        tables = {part: scenes(part, Path(folder), settings, every) for part in PARTS}
        for seed in asked.seeds:
            report = trial(asked, tables, seed, settings)
            print(report.round(3).to_string())


def scenes(part: str, folder: Path, settings: Settings, every: int) -> pd.DataFrame:
    """The middle squares of a part, or of every so many of its scenes, and their labels."""
    root = zoo.data.get("camvid-240x180")
    (folder / part).mkdir()
    rows = []
    for path in sorted((root / part).iterdir())[::every]:
        square = folder / part / f"{path.stem}.png"
        middle(Image.open(path)).save(square)
        mask = np.asarray(middle(Image.open(root / f"{part}annot" / f"{path.stem}.png")))
        covered = np.bincount(mask.ravel(), minlength=len(CLASSES)) / mask.size
        names = [name for i, name in enumerate(CLASSES) if covered[i] >= settings.share]
        rows.append({"path": str(square), "labels": names})
    return pd.DataFrame(rows)


def middle(image: Image.Image) -> Image.Image:
    """The middle square."""
    left = (image.width - image.height) // 2
    return image.crop((left, 0, left + image.height, image.height))


def trial(
    asked: Program, tables: dict[str, pd.DataFrame], seed: int, settings: Settings
) -> pd.DataFrame:
    """Train, tune, score on the test part; a row of results, each label's scores."""
    epochs: dict[str, Any] = {"epochs": 0} if asked.smoke else {}
    with timed() as spent:
        model = zoo.vision.finetune(
            "efficientnet_lite0",
            tables["train"],
            valid=tables["val"],
            size=settings.size,
            run=asked.run(seed),
            **epochs,
        )
    report = model.report(tables["test"])
    scores = model.evaluate(tables["test"])
    train, val, test = (targets(tables[part], model.spec) for part in PARTS)
    prior = train.mean(0)
    tuned = np.array(best_thresholds(np.tile(prior, (len(val), 1)), val))
    asked.record(
        seed=seed,
        epochs=model.training["epochs"],
        size=settings.size,
        photos=len(tables["train"]),
        test_photos=len(tables["test"]),
        f1=scores["f1"],
        average_precision=scores["average_precision"],
        threshold=" ".join(map(str, model.spec.threshold)),
        prior=of_prior(prior, test, np.array(0.5), model.spec),
        tuned_prior=of_prior(prior, test, tuned, model.spec),
        **spent(),
    )
    asked.keep(model, seed)
    return report


def targets(table: pd.DataFrame, spec: Spec) -> NDArray[Any]:
    """Which scene has which label. Shape: (n, n_labels)."""
    return encoded([tuple(names) for names in table["labels"]], spec.classes, "labels are known")


def of_prior(
    prior: NDArray[Any], truth: NDArray[Any], threshold: NDArray[Any], spec: Spec
) -> float:
    """Macro F1 of what knows the labels' frequencies alone."""
    said = np.tile((prior >= threshold).astype(float), (len(truth), 1))
    return float(by_class(replace(spec, threshold=0.5), said, truth)["f1"].mean())


if __name__ == "__main__":
    main()
