"""Compare recipes for the Rossmann network on weeks before the last six.

The hold-out of `scripts/tabular_rossmann.py` is cut off before anything else is done. A trial
trains on what lies before a cut and is scored on the 43 days from then on. There are three cuts:
2015-05-07, just before the hold-out (the trials without a cut are of it, too); 2014-06-20, the
weekdays of the hold-out a year earlier; and 2014-08-02. `plain` is the
score without the factor that lowers predictions, `quiet` that (with it) of the days farther than 3
days from a holiday, as all days of the later hold-out are; `bias` and `spread` are mean and
deviation, over days, of the mean error in logarithms. Rows with `usual` are of networks that learnt
the share of that mean, which was no better; those with `yearago` read sales around the same day of
the year before, no better either. Rows without `members` are of one. Cost: 23 to 71 CPU seconds a
trial of one member, 126 of four.

    python -m scripts.searches.tabular_rossmann_recipe --layers 500-250 --dropout 0.2
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pandas as pd

from scripts.lib.program import Program, knobs, program, some_of, timed
from scripts.tabular_rossmann import RECIPE, Recipe, few, network, predicted, rmspe
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


def trial(asked: Program, cut: str, recipe: Recipe, seed: int) -> None:
    """Train before the cut, score on the weeks behind it; a row."""
    frame = before(CUTS[cut])
    held_out = frame["Date"] >= CUTS[cut]
    train, test = frame[~held_out], frame[held_out]
    if asked.smoke:
        train, test = few(train), few(test)
    with timed() as spent:
        model = network(train, recipe, asked.run(seed))
        truth, says = test[TARGET], predicted(model, test)
        near = (test[["holiday_since", "holiday_until"]] <= 3).any(axis=1)
        errors = pd.Series(np.log(says / truth), index=truth.index)
        of_days = errors.groupby(test["Date"]).mean()
        scores = {
            "rmspe": rmspe(truth, says),
            "plain": rmspe(truth, model.predict(test)),
            "quiet": rmspe(truth[~near], says[~near]),
            "bias": float(of_days.mean()),
            "spread": float(of_days.std()),
        }
    asked.record(
        cut=f"{CUTS[cut]:%Y-%m-%d}",
        **columns(recipe),
        seed=seed,
        train_loss=model.history.rows[-1]["train_loss"],
        **scores,
        **spent(),
    )
    asked.keep(model, seed, cut)


def columns(recipe: Recipe) -> dict[str, Any]:
    """The recipe in a row, where `since` is called `first`."""
    values = dict(vars(recipe))
    return values | {"first": values.pop("since")}


def flags(parser: argparse.ArgumentParser) -> None:
    """Which cuts, and the recipe."""
    some_of(parser, "--cuts", CUTS, usual=("inner", "year"))
    knobs(parser, RECIPE)


def main() -> None:
    """One recipe with several seeds."""
    asked = program(__doc__, "tabular_rossmann_recipe.csv", seeds=1, further=flags)
    for seed in asked.seeds:
        for cut in asked.further["cuts"]:
            trial(asked, cut, asked.chosen(Recipe), seed)


if __name__ == "__main__":
    main()
