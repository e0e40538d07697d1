"""A call measured beside its rivals: folds, blends, all rows, and what is kept of it."""

from __future__ import annotations

import contextlib
import io
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error

import zoo
from tests.tabular.small import RUN, table
from zoo.core import budget
from zoo.core.training import loop
from zoo.core.trust.blend import Blend
from zoo.core.trust.contest import NETWORK, RETURNED
from zoo.tabular.data.targets import unscaled
from zoo.tabular.model import TableModel

WEAK: dict[str, Any] = {"epochs": 1, "lr": 1e-4, "run": RUN}  # hardly more than its weights


def line(n: int = 120) -> pd.DataFrame:
    """A number that a linear model finds at once, and a network of one epoch does not."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    y = x @ [3.0, -2.0, 1.0] + rng.normal(0, 0.1, n)
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})


@pytest.fixture(scope="module")
def folded(printed: list[str]) -> TableModel:
    frame = table().drop(columns="amount").set_axis(range(1000, 1400))
    run = replace(RUN, progress=None)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        model = zoo.tabular.train(frame, "bought", folds=4, **WEAK | {"run": run})
    printed += out.getvalue().splitlines()
    return model


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """What was printed for `folded`."""
    return []


def test_tables_say_which_fold_they_are_of_and_whose_score_is_the_models(
    folded: TableModel, printed: list[str]
) -> None:
    heads = [line for line in printed if line.startswith(("fold ", "all "))]
    assert heads == [*(f"fold {n} of 4" for n in range(1, 5)), "all rows"]
    accuracy = f"accuracy {folded.metrics['accuracy']:.4f} ± {folded.spread['accuracy']:.4f}"
    assert f"{accuracy}; the mean of the folds, of " in printed[-1]
    assert printed[-1].endswith(" linear, measured before the training on all rows")


def test_each_row_has_a_prediction_and_scores_are_those_of_scikit_learn(
    folded: TableModel,
) -> None:
    shares, truth = folded.out_of_fold, table()["bought"]
    assert shares is not None
    assert list(shares.index) == list(range(1000, 1400))
    assert not shares.isna().to_numpy().any()
    rivals = folded.rivals
    assert rivals is not None
    says = shares.columns[shares.to_numpy().argmax(1)]
    # Over all rows; folds of 100 rows each have the same mean.
    assert rivals.loc["returned", "accuracy"] == pytest.approx(accuracy_score(truth, says))
    assert rivals.loc["returned", "loss"] == pytest.approx(
        log_loss(truth, shares, labels=list(shares.columns)), rel=1e-4
    )
    assert folded.metrics["accuracy"] == pytest.approx(accuracy_score(truth, says))
    assert 0 < folded.spread["accuracy"] < 0.2


def test_the_better_model_answers_and_the_blend_survives_storage(tmp_path: Path) -> None:
    frame = line()
    model = zoo.tabular.train(frame, "y", **WEAK)
    assert model.blend is not None
    assert sum(model.blend.shares) > 0.9
    assert model.metrics["rmse"] < 0.5
    assert mean_squared_error(frame["y"], model.predict(frame)) < 0.25
    assert model.training["rows"] == len(frame)
    assert "before" in model.training["scored"]
    loaded = zoo.load(model.save(tmp_path / "model"))
    assert isinstance(loaded.blend, Blend)
    assert loaded.predict(frame).equals(model.predict(frame))
    assert loaded.evaluate() == model.metrics
    assert loaded.rivals.equals(model.rivals)
    assert '"format": 2' in (tmp_path / "model" / "config.json").read_text()
    assert "| linear |" in (tmp_path / "model" / "README.md").read_text()
    assert loaded.predict(dict(frame.iloc[0])) == pytest.approx(loaded.predict(frame)[0], rel=1e-5)


def test_folds_of_rows_that_the_model_knows_in_part_are_scored_on_the_others() -> None:
    frame = line(60).round(6)
    known = zoo.tabular.train(frame[:40], "y", rivals=False, **WEAK)
    with pytest.warns(UserWarning, match="that it was trained on"):
        model = zoo.tabular.finetune(known, frame, folds=3, rivals=False, **WEAK)
    assert np.isfinite(model.metrics["rmse"])
    with pytest.warns(UserWarning, match="no score"):
        again = zoo.tabular.finetune(known, frame[:40], folds=3, rivals=False, **WEAK)
    assert (again.metrics, again.spread) == ({}, {})


def test_what_is_odd_in_the_data_is_told_once_whatever_the_folds() -> None:
    frame = line(30).assign(same=1)
    with pytest.warns(UserWarning, match="'same'") as told:
        zoo.tabular.train(frame, "y", folds=3, rivals=False, **WEAK)
    about = [str(one.message) for one in told if "'same'" in str(one.message)]
    assert len(about) == 1
    with pytest.warns(UserWarning, match="'same'"):  # another call tells it again
        zoo.tabular.learner(frame, "y", run=RUN)


def test_without_rivals_the_network_answers_alone() -> None:
    model = zoo.tabular.train(line(), "y", rivals=False, **WEAK)
    assert model.blend is None
    assert model.rivals is None
    assert model.metrics["rmse"] > 1


@pytest.mark.parametrize("epochs", [1, None])
def test_a_run_with_a_folder_is_not_trained_twice(tmp_path: Path, epochs: int | None) -> None:
    frame = line(40)
    run = zoo.Run(out=tmp_path / "run", resume=True, progress=False, device="cpu")
    settings = WEAK | {"run": run, "epochs": epochs, "lr": 1e-3, "layers": (8,)}
    settings |= {} if epochs else {"valid_fraction": 0.25}  # instead of folds
    first = zoo.tabular.train(frame, "y", **settings)
    with pytest.raises(ValueError, match="the same call, got rivals=False where it was True"):
        zoo.tabular.train(frame, "y", rivals=False, **settings)
    before = (tmp_path / "run" / "model.safetensors").stat().st_mtime_ns
    again = zoo.tabular.train(frame, "y", **settings)
    assert (tmp_path / "run" / "model.safetensors").stat().st_mtime_ns == before
    assert again.metrics == first.metrics
    assert again.predict(frame).equals(first.predict(frame))


def test_a_call_that_died_in_its_folds_is_resumed_alike_or_not_at_all(tmp_path: Path) -> None:
    class Death:
        def fit_start(self, fit: Any) -> None:
            raise MemoryError

    run = zoo.Run(out=tmp_path / "run", resume=True, progress=False, device="cpu")
    settings = WEAK | {"run": run, "folds": 3}
    with pytest.raises(MemoryError):
        zoo.tabular.train(line(30), "y", callbacks=[Death()], **settings)
    with pytest.raises(ValueError, match="the same call, got rivals=False where it was True"):
        zoo.tabular.train(line(30), "y", rivals=False, **settings)


@pytest.mark.parametrize("more", [{"valid": line(20)}, {"fold": (0, 3)}])
@pytest.mark.parametrize("wish", [{"folds": 3}, {"refit": True}])
def test_what_contradicts_itself_is_refused(more: dict[str, Any], wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"got {next(iter(wish))}=.*{next(iter(more))}="):
        zoo.tabular.train(line(), "y", **more, **wish)


def test_groups_and_times_are_kept_by_folds() -> None:
    frame = line().assign(g=np.arange(120) // 10, day=np.arange(120))
    by_group = zoo.tabular.train(frame, "y", group="g", ignore=["day"], folds=3, **WEAK)
    assert by_group.out_of_fold is not None
    assert not by_group.out_of_fold["y"].isna().any()
    by_time = zoo.tabular.train(frame, "y", time="day", ignore=["g"], folds=3, **WEAK)
    assert by_time.out_of_fold is not None
    assert by_time.out_of_fold["y"].isna().tolist() == [day < 30 for day in range(120)]

    squares = ((by_time.out_of_fold["y"] - frame["y"]) ** 2)[30:].to_numpy().reshape(3, 30)
    each = squares.mean(axis=1) ** 0.5
    assert by_time.metrics["rmse"] == pytest.approx(each.mean(), rel=1e-4), "the mean of the folds"
    assert by_time.spread["rmse"] == pytest.approx(each.std(ddof=1), rel=1e-4)
    assert by_time.rivals is not None
    pooled = by_time.rivals["rmse"][RETURNED if by_time.blend else NETWORK]
    assert pooled == pytest.approx(squares.mean() ** 0.5, rel=1e-4)
    assert pooled > by_time.metrics["rmse"]


class CtrlC:
    """Someone presses it in the first epoch of the fit of a number."""

    def __init__(self, fit: int) -> None:
        self.fit, self.seen = fit, 0

    def fit_start(self, fit: Any) -> None:
        self.seen += 1

    def step_end(self, fit: Any) -> None:
        if self.seen == self.fit and fit.step == 1:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_while_all_rows_are_trained_on_keeps_what_was_measured(tmp_path: Path) -> None:
    run = zoo.Run(out=tmp_path / "run", progress=False, device="cpu")
    settings = WEAK | {"epochs": 3, "run": run, "refit": True, "valid_fraction": 0.25}
    model = zoo.tabular.train(line(), "y", callbacks=[CtrlC(2)], **settings)
    assert model.training["interrupted"]
    assert model.training["rows"] == 90
    assert zoo.load(tmp_path / "run").metrics == model.metrics
    resumed = zoo.Run(out=tmp_path / "run", progress=False, device="cpu", resume=True)
    whole = zoo.tabular.train(line(), "y", callbacks=[CtrlC(0)], **settings | {"run": resumed})
    assert whole.training["rows"] == 120
    assert whole.metrics == model.metrics


def test_ctrl_c_before_anything_is_measured_keeps_what_was_learnt(tmp_path: Path) -> None:
    run = zoo.Run(out=tmp_path / "run", progress=False, device="cpu")
    settings = WEAK | {"epochs": 3, "run": run, "refit": True, "valid_fraction": 0.25}
    model = zoo.tabular.train(line(), "y", callbacks=[CtrlC(1)], **settings)
    assert model.training["interrupted"]
    assert zoo.load(tmp_path / "run").predict(line()).equals(model.predict(line()))


def test_intervals_are_in_the_units_of_the_target_and_sets_are_of_its_classes(
    folded: TableModel,
) -> None:
    frame = line().assign(y=lambda one: np.exp(one["y"]))
    model = zoo.tabular.train(frame, "y", log_target=True, **WEAK)
    table_ = model.predict(frame, coverage=0.9)
    assert list(table_.columns) == ["y", "low", "high"]
    assert np.allclose(table_["high"] / table_["y"], table_["y"] / table_["low"])
    assert np.allclose(table_["y"], model.predict(frame), rtol=1e-5)
    assert 0.85 <= np.mean((table_["low"] <= frame["y"]) & (frame["y"] <= table_["high"])) < 1
    one: Any = model.predict(frame.iloc[3], coverage=0.9)
    assert (one, one.low, one.high) == pytest.approx(tuple(table_.iloc[3]), rel=1e-5)
    with_still = replace(model.spec, targets=(replace(model.spec.targets[0], std=0.0),))
    ends = unscaled(torch.tensor([[-np.inf], [0.0], [np.inf]]), with_still).flatten().tolist()
    assert ends == pytest.approx([0.0, np.exp(with_still.targets[0].mean), np.inf])
    rows = table()
    sets = folded.predict(rows, coverage=0.95)
    assert sets.map(set).isin([{"no"}, {"yes"}, {"no", "yes"}]).all()
    assert np.mean([truth in own for truth, own in zip(rows["bought"], sets, strict=True)]) > 0.9
    alone: Any = folded.predict(rows.iloc[0], coverage=0.95)
    assert alone.labels == sets.iloc[0]
    assert alone.label == folded.predict(rows.iloc[0])


class Clock:
    """Seconds that pass with the steps of training alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def step_end(self, fit: Any) -> None:
        self.now += 1.0


@pytest.mark.parametrize(
    ("minutes", "left_out"),
    [
        (2.0, ""),
        (1.0, "2 of 3 folds were held out"),
        (0.4, "1 of 3 folds were held out; the model is the one that was scored"),
        (0.1, "0.71 of 2 epochs were trained for; 1 of 3 folds were held out; the model"),
    ],
)
def test_folds_and_all_rows_are_left_out_where_minutes_are_few(
    minutes: float, left_out: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock()
    monkeypatch.setattr(budget, "clock", clock)
    monkeypatch.setattr(loop, "FLUSH_SECONDS", -1.0)
    own: dict[str, Any] = {"epochs": 2, "batch_size": 12, "folds": 3, "callbacks": [clock]}
    own |= {"rivals": False, "run": replace(RUN, out=tmp_path / "model")}
    haste = pytest.warns(UserWarning, match=f"minutes must suffice.*{left_out}")
    with haste if left_out else contextlib.nullcontext():
        model = zoo.tabular.train(line(), "y", minutes=minutes, **own)
    assert clock.now <= 60 * minutes
    assert model.training.get("left out", "").startswith(left_out)
    assert (model.out_of_fold is None) == bool(left_out)
    assert "rmse" in model.metrics
    assert model.learner().budget is None
    again = zoo.load(tmp_path / "model")
    assert again.predict(line()).equals(model.predict(line()))


def test_a_network_without_time_to_learn_gives_way_to_the_linear_model() -> None:
    with pytest.warns(UserWarning, match="0 of 2 epochs were trained for"):
        model = zoo.tabular.train(line(), "y", epochs=2, minutes=1e-9, run=RUN)
    assert np.corrcoef(model.predict(line()), line()["y"])[0, 1] > 0.9
