from __future__ import annotations

import signal

import pandas as pd
import pytest
import torch
from torch import nn

from tests.core.tiny import learner, same, weights
from tests.helpers.device import DEVICE, run_here
from zoo.core.batches import Data, TensorBatches
from zoo.core.task import classification
from zoo.core.training.averaging import WeightAverage, WiSE
from zoo.core.training.callbacks import BestWeights, CSVLog, EarlyStopping, TensorBoardLog
from zoo.core.training.groups import LayerGroup
from zoo.core.training.learner import Learner
from zoo.core.training.schedules import constant

pytestmark = pytest.mark.device


def test_a_user_writes_a_callback_in_five_lines() -> None:
    class StopAtTen:
        def step_end(self, fit) -> None:
            if fit.step == 10:
                fit.stop = True

    learn = learner()
    learn.fit(5, 1e-2, callbacks=[StopAtTen()])
    assert len(learn.history.losses) == 10


def test_a_misspelt_hook_is_answered_with_the_nearest() -> None:
    class Wrong:
        def epoch_ends(self, fit) -> None: ...

    with pytest.raises(TypeError, match="Did you mean 'epoch_end'"):
        learner(callbacks=[Wrong()])


def test_early_stopping_waits_as_long_as_told() -> None:
    learn = learner()
    learn.fit(50, 1e-9, callbacks=[EarlyStopping("valid_loss", patience=3, min_delta=0.01)])
    assert len(learn.history.rows) == 1 + 3 + 1
    learn = learner()
    learn.fit(6, 3e-2, callbacks=[EarlyStopping("accuracy", patience=5)])
    assert len(learn.history.rows) == 6


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="monitor='f1'"):
        learner().fit(1, 1e-2, callbacks=[EarlyStopping("f1")])


def test_best_weights_come_back() -> None:
    kept = {}

    class Keep:
        def epoch_end(self, fit) -> None:
            kept[fit.row["valid_loss"]] = weights(fit.model)

    learn = learner(optimizer="sgd")
    learn.fit(12, 1.5, callbacks=[Keep(), BestWeights()])
    assert same(weights(learn), kept[min(kept)])
    assert list(kept)[-1] != min(kept), "the last epoch must not be the best for this test to tell"


def test_the_best_of_some_epochs_is_chosen_and_waited_for() -> None:
    kept = {}

    class Keep:
        def epoch_end(self, fit) -> None:
            kept[fit.epoch] = fit.row["valid_loss"], weights(fit.model)

    learn = learner(optimizer="sgd")
    learn.fit(12, 1.5, callbacks=[Keep(), BestWeights(at=[2, 5])])
    assert same(weights(learn), min(kept[2], kept[5], key=lambda one: one[0])[1])
    patient = EarlyStopping("valid_loss", patience=0, min_delta=9.0, at=[3, 7, 9])
    learn = learner()
    learn.fit(20, 1e-9, callbacks=[patient])
    assert len(learn.history.rows) == 7


def test_the_csv_log_is_the_history(tmp_path) -> None:
    learn = learner()
    learn.fit(3, 1e-2, callbacks=[CSVLog(tmp_path / "log" / "history.csv")])
    table = pd.read_csv(tmp_path / "log" / "history.csv")
    assert table["train_loss"].tolist() == [row["train_loss"] for row in learn.history.rows]


def test_the_tensorboard_log_reads_back(tmp_path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    learn = learner()
    learn.fit(2, 1e-2, callbacks=[TensorBoardLog(tmp_path)])
    events = EventAccumulator(str(tmp_path)).Reload()
    written = [event.value for event in events.Scalars("train/loss")]
    assert written == pytest.approx(learn.history.losses, rel=1e-6)
    assert len(events.Scalars("epoch/accuracy")) == 2


def test_the_ema_is_the_ema() -> None:
    seen = []

    class Keep:
        def step_end(self, fit) -> None:
            seen.append(weights(fit.model))

    learn = learner(norm=True)
    learn.fit(1, 1e-2, constant, callbacks=[Keep(), WeightAverage("ema", decay=0.8)])
    for name in ("first.weight", "middle.0.running_mean", "middle.0.running_var"):
        mean = seen[0][name]
        for step in seen[1:]:
            mean = 0.8 * mean + 0.2 * step[name]
        assert torch.allclose(weights(learn)[name], mean, atol=1e-6), name


def test_swa_is_the_mean_over_epochs_with_fresh_statistics() -> None:
    ends = []

    class Keep:
        def epoch_end(self, fit) -> None:
            ends.append(weights(fit.model)["first.weight"])

    learn = learner(norm=True)
    learn.fit(4, 1e-2, callbacks=[Keep(), WeightAverage("swa", start=1)])
    assert torch.allclose(weights(learn)["first.weight"], torch.stack(ends[1:]).mean(0), atol=1e-6)
    batches = [batch.inputs[0].to(DEVICE) for batch in learn.data.train.epoch(0)]
    fresh = torch.stack([learn.model.first(x).mean(0) for x in batches]).mean(0)
    assert torch.allclose(learn.model.middle[0].running_mean, fresh, atol=1e-5)


class TwoInputs(nn.Module):
    """A body of one batch norm, and a head with another one."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.norm, self.out = nn.BatchNorm1d(3), nn.BatchNorm1d(3), nn.Linear(3, 2)

    def layers(self) -> list[LayerGroup]:
        return [LayerGroup("body", (self.body,)), LayerGroup("head", (self.norm, self.out))]

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return self.out(self.norm(self.body(x) + z))


def test_swa_leaves_statistics_that_are_fixed_and_knows_several_inputs() -> None:
    x, z, y = 3 + torch.randn(32, 3), torch.randn(32, 3), torch.arange(32) % 2
    data = Data(TensorBatches((x, z), y, batch_size=8))
    learn = Learner(TwoInputs(), data, classification(2), batchnorm="fixed", run=run_here())
    learn.fit(2, 1e-2, callbacks=[WeightAverage("swa")])
    assert learn.model.body.running_mean.tolist() == [0, 0, 0], "a fixed norm's"
    sums = learn.model.body(x.to(DEVICE)) + z.to(DEVICE)
    assert torch.allclose(learn.model.norm.running_mean, sums.mean(0), atol=1e-5)


def test_wise_ends_between_first_and_last_weights() -> None:
    ends = []

    class Keep:
        def epoch_end(self, fit) -> None:
            ends.append(weights(fit.model)["first.weight"])

    learn = learner(norm=True)
    first = weights(learn)["first.weight"]
    learn.fit(2, 1e-2, callbacks=[Keep(), WiSE(0.25)])
    expected = 0.75 * first + 0.25 * ends[-1]
    assert torch.allclose(weights(learn)["first.weight"], expected, atol=1e-6)
    assert learn.model.middle[0].num_batches_tracked == 14  # whole numbers are the last ones


class PressCtrlC:
    """In the middle of the second epoch; keeps the weights of every epoch and of that step."""

    def __init__(self) -> None:
        self.ends: list[dict[str, torch.Tensor]] = []

    def step_end(self, fit) -> None:
        if fit.step == 10:
            self.last = weights(fit.model)
            signal.raise_signal(signal.SIGINT)

    def epoch_end(self, fit) -> None:
        self.ends.append(weights(fit.model))


def test_after_ctrl_c_wise_still_ends_between_first_and_last_weights() -> None:
    learn, pressed = learner(), PressCtrlC()
    first = weights(learn)["first.weight"]
    learn.fit(5, 1e-2, callbacks=[pressed, WiSE(0.25)])
    assert learn.interrupted
    expected = 0.75 * first + 0.25 * pressed.last["first.weight"]
    assert torch.allclose(weights(learn)["first.weight"], expected, atol=1e-6)


@pytest.mark.parametrize("average", [WeightAverage("swa"), BestWeights()])
def test_after_ctrl_c_the_epochs_that_were_whole_count(average) -> None:
    learn, pressed = learner(), PressCtrlC()
    learn.fit(5, 1e-2, callbacks=[pressed, average])
    assert same(weights(learn), pressed.ends[0])
    assert not same(weights(learn), pressed.last)


def test_after_ctrl_c_the_ema_is_taken() -> None:
    learn, pressed = learner(), PressCtrlC()
    learn.fit(5, 1e-2, callbacks=[pressed, WeightAverage("ema", decay=0.5)])
    reference = learner()

    class Stop:
        def step_end(self, fit) -> None:
            fit.stop = fit.step == 10

    reference.fit(5, 1e-2, callbacks=[WeightAverage("ema", decay=0.5), Stop()])
    assert same(weights(learn), weights(reference))
    assert not same(weights(learn), pressed.last)


def test_the_defaults_are_two_epochs_of_patience_and_a_hundred_steps_of_memory() -> None:
    class Worse:
        def epoch_end(self, fit) -> None:
            fit.row["valid_loss"] = 1.0 + fit.epoch

    learn = learner()
    learn.fit(9, 1e-2, callbacks=[Worse(), EarlyStopping()])
    assert learn.epoch == 4  # the best one, two that are endured, and the one that ends it
    assert WeightAverage().decay == 0.99


def test_the_line_below_the_table_says_whose_weights_are_kept(capsys) -> None:
    learn = learner(run_here(progress=None))
    learn.fit(9, 1e-9, callbacks=[EarlyStopping("accuracy", patience=1), BestWeights("accuracy")])
    stopped, best = capsys.readouterr().out.splitlines()[-2:]
    assert stopped == "stopped after 3 of 9 epochs: accuracy was best after epoch 1"
    accuracy = learn.history.rows[0]["accuracy"]
    assert best == f"weights of epoch 1, whose accuracy was the best: {accuracy:.4f}"
