"""What a tracker is told of a call, and how little that changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.helpers.device import run_here
from tests.tabular.small import same, table, train, weights
from zoo.trackers import Tracker


class Notebook:
    """A tracker that keeps what it is told."""

    def __init__(self, broken: str = "") -> None:
        self.told: list[tuple[str, Any]] = []
        self.broken = broken

    def start(self, name: str | None, options: Mapping[str, Any], earlier: str | None) -> str:
        self._tell("start", (name, dict(options), earlier))
        return earlier or "run-1"

    def log(self, row: Mapping[str, float], epoch: int) -> None:
        self._tell("log", (dict(row), epoch))

    def finish(self, metrics: Any, training: Any, figure: Any) -> None:
        self._tell("finish", (metrics, training, figure))

    def close(self, *, failed: bool) -> None:
        self._tell("close", failed)

    def _tell(self, what: str, it: Any) -> None:
        if what == self.broken:
            raise OSError("no connection")
        self.told.append((what, it))

    @property
    def order(self) -> list[str]:
        return [what for what, _ in self.told]

    def __getitem__(self, what: str) -> list[Any]:
        return [it for name, it in self.told if name == what]


class Crash:
    """Ends a training as a kill does, once."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def epoch_end(self, fit: Any) -> None:
        if fit.row["epoch"] == self.epoch:
            raise RuntimeError("killed")


def test_a_call_tells_its_options_epochs_scores_and_losses_and_learns_the_same(
    tmp_path: Path,
) -> None:
    book = Notebook()
    assert isinstance(book, Tracker)
    run = run_here(out=tmp_path / "shop", seed=3)
    model = train(epochs=2, track=book, run=run)
    assert book.order == ["start", "log", "log", "finish", "close"]
    name, options, earlier = book["start"][0]
    assert (name, earlier) == ("shop", None)
    assert (options["seed"], options["batch_size"], options["ignore"]) == (3, 32, ["amount"])
    assert not {"run", "track", "callbacks"} & options.keys()
    assert [row for row, _ in book["log"]] == model.history.rows
    metrics, training, figure = book["finish"][0]
    assert (metrics, training["epochs"]) == (model.metrics, 2)
    assert [line.get_label() for line in figure.axes[0].lines[1:]] == ["training", "validation"]
    assert book["close"] == [False]
    assert same(weights(model), weights(train(epochs=2, run=run_here(seed=3))))


def test_folds_and_the_training_on_all_rows_have_columns_of_their_own() -> None:
    book = Notebook()
    train(epochs=1, track=book, folds=2, refit=None)
    assert book.order == ["start", *["log"] * 3, "finish", "close"]
    prefixes = [{name.rpartition("/")[0] for name in row} for row, _ in book["log"]]
    assert prefixes == [{"fold-1"}, {"fold-2"}, {"all-rows"}]
    assert "fold-1/valid_loss" in book["log"][0][0]


def test_a_resumed_training_goes_on_in_the_same_run_and_a_finished_one_tells_nothing(
    tmp_path: Path,
) -> None:
    first, second, third, fourth = (Notebook() for _ in range(4))
    out = tmp_path / "shop"
    with pytest.raises(RuntimeError, match="killed"):
        train(epochs=3, track=first, callbacks=[Crash(1)], run=run_here(out=out))
    assert first["close"] == [True]
    again = run_here(out=out, resume=True)
    model = train(epochs=3, track=second, callbacks=[Crash(9)], run=again)
    assert second["start"][0][2] == "run-1"
    assert [epoch for _, epoch in second["log"]] == [1, 2]  # the epoch that was not kept, and on
    train(epochs=3, track=third, callbacks=[Crash(9)], run=again)
    assert third.told == []
    with pytest.warns(UserWarning, match="replaced"):
        train(epochs=1, track=fourth, run=run_here(out=out))
    assert fourth["start"][0][2] is None
    assert len(model.history.rows) == 3


def test_a_tracker_that_fails_is_one_warning_and_no_lost_training() -> None:
    book = Notebook(broken="log")
    with pytest.warns(UserWarning, match="Notebook takes nothing more .* no connection") as seen:
        model = train(epochs=2, track=book)
    assert len(seen) == 1
    assert len(model.history.rows) == 2
    with pytest.raises(OSError, match="no connection"):
        train(epochs=1, track=Notebook(broken="start"))


def test_a_model_without_epochs_tells_its_scores() -> None:
    rng = np.random.default_rng(0)
    pairs = pd.DataFrame({"user": rng.integers(0, 20, 200), "item": rng.integers(0, 15, 200)})
    book = Notebook()
    model = zoo.collab.train(pairs.drop_duplicates(), model="popular", track=book, rivals=False)
    assert book.order == ["start", "finish", "close"]
    assert book["finish"][0][0] == model.metrics
    assert book["finish"][0][2] is None


def test_a_learner_tells_its_epochs() -> None:
    book = Notebook()
    learn = zoo.tabular.learner(table(), "bought", ignore=["amount"], track=book, run=run_here())
    learn.fit(2, 1e-2)
    assert book.order == ["start", "log", "log"]


def test_an_unknown_tracker_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ValueError, match=r"track must be one of 'trackio', 'wandb', 'mlflow' or a"):
        zoo.tabular.train("nowhere.csv", "bought", track="tracio")
