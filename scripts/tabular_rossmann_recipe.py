"""Compare recipes for the Rossmann network on weeks before the last six.

The hold-out of `scripts/tabular_rossmann.py` is cut off before anything else is done. A trial
trains on what lies before a cut and is scored on the 43 days from then on. There are three cuts:
2015-05-07, just before the hold-out (the trials without a cut are of it, too); 2014-06-20, the
weekdays of the hold-out a year earlier; and 2014-08-02. `plain` is the
score without the factor that lowers predictions, `quiet` that (with it) of the days farther than 3
days from a holiday, as all days of the later hold-out are; `bias` and `spread` are mean and
deviation, over days, of the mean error in logarithms. Rows with `usual` are of networks that learnt
the share of that mean, which was no better. Cost: about a minute a trial on one core.

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
from scripts.tabular_rossmann import RECIPE, Recipe, network, predicted, rmspe
from zoo.published.rossmann import CUT, HOLD_OUT_DAYS, TARGET, joined

INNER = CUT - pd.Timedelta(days=HOLD_OUT_DAYS)
YEAR_EARLIER = CUT - pd.Timedelta(weeks=52)
CUTS = {"inner": INNER, "year": YEAR_EARLIER, "autumn": YEAR_EARLIER + pd.Timedelta(days=43)}


def before(cut: pd.Timestamp) -> pd.DataFrame:
    """The table up to the end of a trial's weeks."""
    end = cut + pd.Timedelta(days=HOLD_OUT_DAYS)
    assert end <= CUT
    frame = joined(cut)
    return frame[frame["Date"] < end]


def trial(cut: pd.Timestamp, recipe: Recipe, seed: int) -> None:
    """Train before the cut, score on the weeks behind it; a row."""
    frame = before(cut)
    began, used = time.perf_counter(), time.process_time()
    held_out = frame["Date"] >= cut
    model = network(frame[~held_out], recipe, seed)
    truth = frame.loc[held_out, TARGET]
    says = predicted(model, frame[held_out])
    near = (frame.loc[held_out, ["holiday_since", "holiday_until"]] <= 3).any(axis=1)
    errors = pd.Series(np.log(says / truth), index=truth.index)
    of_days = errors.groupby(frame["Date"]).mean()
    append(
        "tabular_rossmann_recipe.csv",
        cut=f"{cut:%Y-%m-%d}",
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
    flags.add_argument("--cuts", nargs="+", choices=CUTS, default=["inner", "year"])
    for field in fields(Recipe):
        name = f"--{field.name.replace('_', '-')}"
        usual = getattr(RECIPE, field.name)
        flags.add_argument(name, type=type(usual), default=usual)
    chosen: dict[str, Any] = vars(flags.parse_args())
    seeds, cuts = chosen.pop("seeds"), chosen.pop("cuts")
    for seed in range(seeds):
        for cut in cuts:
            trial(CUTS[cut], Recipe(**chosen), seed)


if __name__ == "__main__":
    main()
