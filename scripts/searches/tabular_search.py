"""Which settings matter? A random search, and a forest that is fitted to its trials.

The fast.ai course's trick: a forest that predicts a trial's place from its settings tells, by
permutation importance, which of them to search further, and by partial dependence, where. Its
target is the rank of the loss, since a few trials that learnt next to nothing would decide the
variance of the loss itself. Trials are trained on four fifths of 8,000 rows of Adult's training
file and scored on the other fifth; the official test file is never opened. The forest's own error
out of bag says how far to believe it.

Cost: a second a trial on one core, then the forest.

    python -m scripts.searches.tabular_search           # writes results/tabular_search.csv
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence, permutation_importance

import zoo
import zoo.tabular
from scripts.lib.program import Program, program, timed
from scripts.lib.record import RESULTS
from zoo.published.adult import TARGET, official

ROWS: Final = 8000
TRIALS: Final = 40
FILE: Final = "tabular_search.csv"

SPACE: Final[dict[str, Callable[[np.random.Generator], float]]] = {
    "epochs": lambda rng: int(rng.integers(2, 13)),
    "lr": lambda rng: float(10 ** rng.uniform(-3.5, -1.5)),
    "batch_size": lambda rng: int(rng.choice([64, 128, 256, 512])),
    "weight_decay": lambda rng: float(10 ** rng.uniform(-3, 0)),
    "dropout": lambda rng: float(rng.uniform(0, 0.5)),
    "bins": lambda rng: int(rng.choice([0, 8, 16, 48])),
    "width": lambda rng: int(rng.choice([50, 100, 200, 400])),
}
LOGARITHMIC: Final = ("lr", "batch_size", "weight_decay", "width")


def trial(asked: Program, frame: pd.DataFrame, number: int) -> None:
    """Draw settings, train, score; a row."""
    rng = np.random.default_rng(number)
    drawn: dict[str, Any] = {name: draw(rng) for name, draw in SPACE.items()}
    settings = {name: value for name, value in drawn.items() if name != "width"}
    settings["layers"] = (drawn["width"], drawn["width"] // 2)
    with timed() as spent:  # one seed: the split must not differ
        model = zoo.tabular.train(frame, TARGET, run=asked.run(0), **settings)
    asked.record(trial=number, **drawn, **model.metrics, **spent())
    asked.keep(model, number)


def importances(trials: pd.DataFrame) -> pd.DataFrame:
    """What each setting is worth to a forest that predicts a trial's rank, and its best value.

    A setting's importance is by how much the forest's R² falls when its column is shuffled.
    """
    ranks = trials["loss"].rank(pct=True)
    settings = trials[list(SPACE)].astype(float)
    settings[list(LOGARITHMIC)] = np.log10(settings[list(LOGARITHMIC)])
    forest = RandomForestRegressor(500, min_samples_leaf=2, oob_score=True, random_state=0)
    forest.fit(settings, ranks)
    print(f"the forest explains {forest.oob_score_:.0%} of the ranks of trials it has not seen")
    found = permutation_importance(forest, settings, ranks, n_repeats=30, random_state=0)
    best = []
    for name in settings:
        curve = partial_dependence(forest, settings, [name], kind="average")
        at = float(curve["grid_values"][0][curve["average"][0].argmin()])
        best.append(10**at if name in LOGARITHMIC else at)
    table = pd.DataFrame(
        {"importance": found.importances_mean, "best": best}, index=settings.columns
    )
    return table.sort_values("importance", ascending=False)


def main() -> None:
    """New trials behind those at hand (`--first` counts them), then what a forest makes of all."""
    path = RESULTS / FILE
    at_hand = len(pd.read_csv(path)) if path.exists() else 0
    asked = program(__doc__, FILE, seeds=max(TRIALS - at_hand, 0), first=at_hand)
    frame = official("train").sample(ROWS, random_state=0)
    for number in asked.seeds:
        trial(asked, frame.head(500) if asked.smoke else frame, number)
    trials = pd.read_csv(path)
    print(importances(trials).to_string(float_format="{:.4g}".format))
    first = trials.sort_values("loss").iloc[0]
    print(f"least loss {first['loss']:.4f}, accuracy {first['accuracy']:.4f}:")
    print("  ".join(f"{name}={first[name]:.4g}" for name in SPACE))


if __name__ == "__main__":
    main()
