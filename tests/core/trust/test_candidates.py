"""Ways to a model compared on the same folds, alone and blended."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from zoo.core.split import Rows
from zoo.core.task import classification
from zoo.core.trust.candidates import Candidate, best_of, comparison, milliseconds, ranked
from zoo.core.trust.contest import scores
from zoo.core.trust.mixing import cross_fitted

LABELS = torch.from_numpy(np.arange(200) % 2)


def noisy(seed: int, megabytes: float) -> Candidate:
    """It knows the labels through noise of its own, whatever it has learnt from."""
    noise = torch.randn(200, generator=torch.Generator().manual_seed(seed))
    present = torch.sigmoid(2.0 * LABELS - 1 + noise)

    def predict(train: Rows, valid: Rows) -> Tensor:
        assert not np.isin(valid, train).any()
        return torch.stack([1 - present, present], 1)[valid]

    return Candidate(classification(2), LABELS, predict, 0.004, megabytes, "MIT")


def test_a_blend_is_scored_by_shares_of_the_other_folds() -> None:
    makers = [(name, partial(noisy, i, 1.0 + i)) for i, name in enumerate("ab")]
    table = comparison(makers, milliseconds("row"), blends=[("a", "b")])
    assert sorted(table.index) == ["a", "a + b", "b"]
    first, second = (make().out_of_fold() for _, make in makers)
    said = [torch.cat([rows for _, rows in one]) for one in (first, second)]
    truth = torch.cat([LABELS[rows] for rows, _ in first])
    part_of = np.repeat(np.arange(5), [len(rows) for rows, _ in first])
    crossed = cross_fitted(classification(2), said, truth, part_of)
    each = [
        scores(classification(2), crossed[part_of == i], truth[part_of == i])["loss"]
        for i in range(5)
    ]
    row = table.loc["a + b"]
    assert row["loss"] == pytest.approx(np.mean(each))
    assert row["loss"] < table.loc[["a", "b"], "loss"].min()
    assert (row["ms_per_row"], row["MB"], row["licence"]) == (8.0, 3.0, "MIT")


def test_auto_is_the_smallest_that_is_as_good_as_the_best() -> None:
    facts = {"large": (0.95, 9.0), "middle": (0.94, 4.0), "small": (0.93, 1.0), "bad": (0.5, 0.1)}
    columns = ["name", "accuracy", "MB"]
    rows = pd.DataFrame([(name, *values) for name, values in facts.items()], columns=columns)
    table = ranked(rows.assign(spread=0.03).to_dict("records"))
    assert list(table.index) == ["large", "middle", "small", "bad"]
    assert best_of(table) == "middle"  # a standard error below .95 is .9366
