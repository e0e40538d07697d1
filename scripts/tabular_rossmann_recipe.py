"""Compare recipes for the Rossmann network on the six weeks before the last six.

The hold-out of `scripts/tabular_rossmann.py` is cut off before anything else is done: a trial
trains on what lies before 2015-05-07 and is scored on the 43 days from then on. `plain` is the
score without the factor that lowers predictions, `quiet` that (with it) of the days farther than 3
days from a holiday, as all days of the later hold-out are; `bias` and `spread` are mean and
deviation, over days, of the mean error in logarithms. Cost: about a minute a trial on one core.

    python -m scripts.tabular_rossmann_recipe --layers 500-250 --dropout 0.2
"""

from __future__ import annotations

import argparse
import time
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from scripts.record import append
from scripts.rossmann import CUT, HOLD_OUT_DAYS, TARGET, joined
from scripts.tabular_rossmann import RECIPE, Recipe, network, predicted, rmspe

INNER = CUT - pd.Timedelta(days=HOLD_OUT_DAYS)


def trial(frame: pd.DataFrame, recipe: Recipe, seed: int) -> None:
    """Train before the inner hold-out, score on it; a row."""
    began, used = time.perf_counter(), time.process_time()
    held_out = frame["Date"] >= INNER
    model = network(frame[~held_out], recipe, seed)
    truth = frame.loc[held_out, TARGET]
    says = predicted(model, frame[held_out])
    near = (frame.loc[held_out, ["holiday_since", "holiday_until"]] <= 3).any(axis=1)
    errors = pd.Series(np.log(says / truth), index=truth.index)
    of_days = errors.groupby(frame["Date"]).mean()
    append(
        "tabular_rossmann_recipe.csv",
        **vars(recipe),
        seed=seed,
        train_loss=model.history.rows[-1]["train_loss"],
        rmspe=rmspe(truth, says),
        plain=rmspe(truth, model.predict(frame[held_out])),
        quiet=rmspe(truth[~near], says[~near]),
        bias=float(of_days.mean()),
        spread=float(of_days.std()),
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - used,
    )


def main() -> None:
    """One recipe with several seeds."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--seeds", type=int, default=1)
    for field in fields(Recipe):
        name = f"--{field.name.replace('_', '-')}"
        usual = getattr(RECIPE, field.name)
        flags.add_argument(name, type=type(usual), default=usual)
    chosen: dict[str, Any] = vars(flags.parse_args())
    seeds = chosen.pop("seeds")
    frame = joined(INNER)
    frame = frame[frame["Date"] < CUT]
    for seed in range(seeds):
        trial(frame, Recipe(**chosen), seed)


if __name__ == "__main__":
    main()
