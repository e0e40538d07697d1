"""From a probe to fine-tuned weights: what a domain states, shown with a toy body."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn

from tests.core.tiny import QUIET, learner, same, weights
from zoo.core.batches import TensorBatches
from zoo.core.contents import content_hashes
from zoo.core.split import Rows
from zoo.core.task import classification
from zoo.core.training import probe
from zoo.core.training.features import Look, computed, features_of
from zoo.core.training.from_probe import ProbeStart, fit_between
from zoo.core.training.learner import Learner
from zoo.core.trust.candidates import comparison, per_second, probe_of
from zoo.core.trust.fine_tuning import FineTuning
from zoo.core.trust.rivals import contest_of

pytestmark = pytest.mark.device


class Toy:
    """A domain of rows of numbers; it counts the rows that its bodies have seen."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, 0
        self.start = ProbeStart(
            self.looks, last=lambda net: net.head[1], is_trained=lambda net: False
        )

    def looks(self, learn: Learner) -> list[Look]:
        x, y = (one.cpu() for one in (learn.data.train.inputs[0], learn.data.train.target))
        body = nn.Sequential(learn.model.first, learn.model.middle)

        def compute(rows: Rows) -> torch.Tensor:
            self.seen += len(rows)
            batches = TensorBatches(x[rows], y[rows], batch_size=32, shuffle=False)
            return computed(learn, body, batches.epoch(0))

        names = content_hashes(x.tolist())
        return [Look(y, names, 16, compute, body.state_dict(), ("as it is",), self.folder)]


def by_hand(x: Any, y: Any) -> tuple[StandardScaler, LogisticRegression]:
    scaler, n = StandardScaler().fit(x), len(x)
    assert scaler.var_ is not None
    scaler.scale_ = np.sqrt((n * scaler.var_ + 100 * scaler.var_.mean()) / (n + 100))
    regression = LogisticRegression(C=1 / (probe.PENALTY * len(x)), max_iter=200)
    return scaler, regression.fit(scaler.transform(x), y)


def test_training_starts_from_the_probe_and_is_compared_with_it(tmp_path: Path) -> None:
    toy, learn = Toy(tmp_path), learner()
    (look,) = toy.looks(learn)
    features = features_of(learn, look).numpy()
    scaler, regression = by_hand(features, look.targets.numpy())
    valid = torch.cat([batch.inputs[0].cpu() for batch in learn.data.valid.epoch(0)])
    with torch.no_grad():
        seen = learn.model.middle(learn.model.first(valid.to(learn.device))).cpu().numpy()
    expected = regression.predict_proba(scaler.transform(seen))

    recipe = FineTuning(toy.start, lambda learn, earlier: fit_between(learn, 2, 1e-2, 4.0, earlier))
    said = recipe.train(learn, ())
    assert said is not None
    assert toy.seen == len(look.targets) == 110  # once, by whoever asked first
    rivals = recipe.rivals(learn)
    contest, _ = contest_of(said, learn.data, rivals, learn.task, learn.device, lasted=1.0, seed=0)
    assert list(contest.predictions) == ["network", "constant", "linear probe"]
    assert contest.predictions["linear probe"].numpy() == pytest.approx(expected, abs=1e-4)
    shares = np.bincount(look.targets.numpy()) / len(look.targets)
    assert contest.predictions["constant"][0].numpy() == pytest.approx(shares, abs=1e-3)

    again = learner()
    toy.start.apply(again)
    assert toy.seen == 110  # found on disk
    assert not same(weights(again), weights(learn))


def test_a_probe_is_a_candidate_with_the_score_of_scikit_learn(tmp_path: Path) -> None:
    toy, learn = Toy(tmp_path), learner()

    def make() -> Any:
        return probe_of(learn, toy.start, seconds=0.002, licence="none")

    table = comparison([("toy", make)], per_second("rows"))
    (look,) = toy.looks(learn)
    x, y, hits = features_of(learn, look).numpy(), look.targets.numpy(), []
    for rows, said in make().out_of_fold():
        others = np.setdiff1d(np.arange(len(y)), rows)
        scaler, regression = by_hand(x[others], y[others])
        assert said.numpy() == pytest.approx(
            regression.predict_proba(scaler.transform(x[rows])), abs=1e-4
        )
        hits.append((said.numpy().argmax(1) == y[rows]).mean())
    assert table.loc["toy", "accuracy"] == pytest.approx(np.mean(hits))
    assert table.loc["toy", "rows_per_second"] == 500


def test_a_class_without_examples_is_less_likely_than_all_others() -> None:
    x, labels = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32), np.arange(20) % 2
    slopes, biases = probe.fit(x, 2 * labels, classification(3), 3)
    whole = probe.fit(x, labels, classification(2), 2)
    assert np.array_equal(slopes[[0, 2]], whole[0])
    assert (slopes[1] == 0).all()
    assert biases[1] < biases[[0, 2]].min() - 3
    assert probe.fit(x, 0 * labels, classification(2), 2)[1].argmax() == 0


def test_a_run_may_keep_features_elsewhere_or_not_at_all(tmp_path: Path) -> None:
    toy = Toy(tmp_path / "own")
    learn = learner(replace(QUIET, cache=tmp_path / "run"))
    (look,) = toy.looks(learn)
    features_of(learn, replace(look, facts=None))
    assert not list(tmp_path.rglob("*.features"))
    features_of(learn, look)
    assert [path.parent.name for path in tmp_path.rglob("*.features")] == ["run"]


def test_of_several_penalties_the_one_is_taken_that_rows_held_out_prefer() -> None:
    rng, task = np.random.default_rng(0), classification(2)
    x, labels = rng.normal(size=(60, 30)).astype(np.float32), np.arange(60) % 2
    clear, noise = x + 4 * labels[:, None].astype(np.float32), x
    for features, expected in [(clear, 0.001), (noise, 30.0)]:
        line = probe.fit(features, labels, task, 2, (0.001, 30.0))
        alone = probe.fit(features, labels, task, 2, (expected,))
        assert np.array_equal(line[0], alone[0])


def test_a_feature_that_hardly_varies_makes_no_endless_slope() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    x = rng.normal(size=(40, 3)).astype(np.float32) + labels[:, None]
    x[:, 2] = rng.normal(size=40) * 1e-30
    slopes, _ = probe.fit(x, labels, classification(2), 2)
    assert np.abs(slopes[:, :2]).max() > 0.1
    assert np.abs(slopes).max() < 10


@pytest.mark.parametrize("step", [16, 21])  # in mid-training, and after the last one
def test_a_run_that_broke_off_knows_the_weights_before_everything_trained(
    step: int, tmp_path: Path
) -> None:
    class Stop:
        n = 0

        def step_end(self, fit: Any) -> None:
            self.n += 1
            if self.n == 16 == step:
                raise KeyError

    start = ProbeStart(
        Toy(tmp_path).looks,
        last=lambda net: net.head[1],
        is_trained=lambda net: False,
        is_linear=lambda net: False,
    )

    def train(callbacks: Any = (), **more: Any) -> list[dict[str, torch.Tensor]]:
        learn = learner(replace(QUIET, save_every=0.0, **more), callbacks=callbacks)
        recipe = FineTuning(start, lambda learn, share: fit_between(learn, 2, 1e-2, 4.0, share))
        recipe.train(learn, ())
        if callbacks:
            raise KeyError
        _, before = recipe.rivals(learn)
        return [weights(learn), weights(before.fit(learn.data, 0.0))]

    whole = train()
    with pytest.raises(KeyError):
        train([Stop()], out=tmp_path / "run")
    again = train(out=tmp_path / "run", resume=True)
    assert [same(one, other) for one, other in zip(whole, again, strict=True)] == [True, True]
