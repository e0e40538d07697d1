"""A fit within a budget ends by it with its rate low; one that has time is as without one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.core.test_from_probe import Toy
from tests.core.tiny import Net, learner, same, weights
from tests.helpers.device import run_here
from zoo.core import budget
from zoo.core.budget import Budget
from zoo.core.training import loop
from zoo.core.training.averaging import Snapshots
from zoo.core.training.features import features_in_time
from zoo.core.training.learner import Learner
from zoo.core.training.schedules import constant, log_cycles, one_cycle
from zoo.core.trust import budget as of_calls
from zoo.core.trust.budget import hold_out_in_time, pass_seconds

STEPS = 7  # of an epoch of the tiny learner


class Clock:
    """Seconds that only pass where a test says so; as a callback, with every step."""

    def __init__(self, *seconds: float) -> None:
        self.now, self.seconds = 0.0, seconds  # the last is that of all further steps

    def __call__(self) -> float:
        return self.now

    def step_end(self, fit: Any) -> None:
        self.now += self.seconds[min(fit.step, len(self.seconds)) - 1]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(5.0, 1.0)
    monkeypatch.setattr(budget, "clock", made)
    monkeypatch.setattr(loop, "FLUSH_SECONDS", -1.0)  # the fit is planned at every step
    return made


def slow_evaluation(learn: Learner, clock: Clock, seconds: float) -> Learner:
    """A learner whose passes over the validation part take some time."""
    valid = learn.data.valid
    assert valid is not None
    inner = valid.epoch

    def epoch(number: int, start: int = 0) -> Any:
        clock.now += seconds
        return inner(number, start)

    valid.epoch = epoch  # type: ignore[method-assign]
    return learn


def fit(learn: Learner, clock: Clock, epochs: int, schedule: Any = one_cycle) -> list[float]:
    """The rates of a fit, in which the clock goes on."""
    learn.fit(epochs, 1e-2, schedule, callbacks=[clock])
    return learn.history.lrs


def test_what_has_time_is_bit_by_bit_what_it_is_without_a_budget(clock: Clock) -> None:
    plain, timed = learner(dropout=0.1), learner(dropout=0.1)
    timed.budget = Budget.of(60)
    for one in (plain, timed):
        fit(one, clock, 2)
    assert same(weights(plain), weights(timed))
    assert not timed.shortened
    assert timed.budget.book.notes == []


def test_a_fit_ends_in_time_with_its_rate_down_and_a_last_line(clock: Clock) -> None:
    learn = slow_evaluation(learner(), clock, 2.0)
    learn.budget = time = Budget(end=30.0)
    rates = fit(learn, clock, 10)
    assert 27 <= clock.now <= 30
    assert max(rates) > 0.8e-2
    assert rates[-1] < 1e-4
    assert [row["step"] for row in learn.history.rows] == [7, 14, len(rates)]
    assert learn.shortened
    assert time.book.notes == [f"{len(rates) / 7:.2g} of 10 epochs were trained for"]


@pytest.mark.parametrize("later", [0.5, 3.0])
def test_a_machine_that_changes_its_speed_is_followed(clock: Clock, later: float) -> None:
    clock.seconds = (1.0,) * 12 + (later,)
    learn = learner()
    learn.budget = Budget(end=40.0)
    rates = fit(learn, clock, 10)
    assert 35 <= clock.now <= 40
    assert rates[-1] < 5e-4


def test_cycles_end_with_the_last_that_fits(clock: Clock) -> None:
    learn, schedule = learner(), partial(log_cycles, cycles=4)
    learn.budget = Budget(end=5 + 3 * STEPS + 10)  # the third cycle would take 28 more
    learn.fit(15, 1e-2, schedule, callbacks=[clock, Snapshots(learn.snapshots, [1, 2, 4, 8])])
    assert learn.epoch == 3
    assert len(learn.snapshots) == 2
    assert learn.history.lrs[-1] < 1e-3


def test_phases_and_what_comes_after_share_the_time(clock: Clock) -> None:
    learn = slow_evaluation(learner(), clock, 2.0)
    learn.budget = Budget(end=64.0, book=budget.Book(pass_seconds=2.0))
    with learn.time(passes=2), learn.time(1 / 4):
        fit(learn, clock, 50, constant)
    assert clock.now == pytest.approx(15, abs=2)  # a quarter of 64 - 2 * 2
    with learn.time(passes=2):
        fit(learn, clock, 50, constant)
    assert clock.now == pytest.approx(60, abs=3)


def test_a_resumed_fit_goes_on_at_its_place_in_the_schedule(clock: Clock, tmp_path: Path) -> None:
    def kill(number: int) -> Any:
        def epoch_end(fit: Any) -> None:
            if fit.epoch == number:
                raise InterruptedError

        return type("Killer", (), {"epoch_end": staticmethod(epoch_end)})()

    run = replace(run_here(), out=tmp_path)
    learn = learner(run)
    learn.budget = Budget(end=35.0)
    with pytest.raises(InterruptedError):
        learn.fit(10, 1e-2, one_cycle, callbacks=[clock, kill(3)])
    place = learn.history.lrs[2 * STEPS]
    del learn
    again = learner(replace(run, resume=True))
    again.budget = Budget(end=clock.now + 14)
    rates = fit(again, clock, 10)
    assert rates[2 * STEPS] == pytest.approx(place, rel=0.2)  # killed before it was saved again
    assert rates[-1] < 1e-3
    assert len(rates) <= 2 * STEPS + 14


def test_a_fit_that_was_cut_short_is_known_as_such_when_it_is_resumed(
    clock: Clock, tmp_path: Path
) -> None:
    run = replace(run_here(), out=tmp_path)
    learn = learner(run)
    learn.budget = Budget(end=20.0)
    learn.fit(10, 1e-2, callbacks=[clock])
    kept, said = weights(learn.model), learn.budget.book.notes
    del learn
    again = learner(replace(run, resume=True))
    again.budget = Budget(end=clock.now + 1000)
    again.fit(10, 1e-2, callbacks=[clock])
    assert again.shortened
    assert again.budget.book.notes == said
    assert same(weights(again.model), kept)
    del again
    with pytest.warns(UserWarning, match="of 10 epochs, as long as the minutes of an earlier call"):
        learner(replace(run, resume=True)).fit(10, 1e-2, callbacks=[clock])


class Cramped(Net):
    """A net for which memory holds few rows at a time."""

    def __init__(self, most: int, error: Exception) -> None:
        super().__init__()
        self.most, self.error = most, error

    def forward(self, x: Tensor) -> Tensor:
        if self.training and len(x) > self.most:
            raise self.error
        return super().forward(x)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate"),
    ],
)
def test_a_batch_that_memory_does_not_hold_passes_in_parts(error: Exception) -> None:
    def cramped(most: int) -> Learner:
        torch.manual_seed(0)
        given = learner()
        return Learner(Cramped(most, error), given.data, given.task, run=run_here())

    expected = learner(accumulate=4)
    learn = cramped(5)
    with pytest.warns(UserWarning, match="memory must hold") as told:
        learn.fit(2, 1e-2)
    assert [str(one.message).split("pass in ")[1][:7] for one in told] == ["2 parts", "4 parts"]
    expected.model.load_state_dict(weights(cramped(5)))
    expected.fit(2, 1e-2)
    assert same(weights(learn), weights(expected))
    with (
        pytest.warns(UserWarning, match="memory must hold"),
        pytest.raises(MemoryError, match=r"too little for 15 rows in 8 parts"),
    ):
        cramped(0).fit(1, 1e-2)


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    learn = Learner(Cramped(1, RuntimeError("shapes differ")), learner().data, learner().task)
    with pytest.raises(RuntimeError, match="shapes differ"):
        learn.fit(1, 1e-2)


def test_a_probe_sees_as_many_rows_as_there_is_time_for(clock: Clock, tmp_path: Path) -> None:
    toy, learn = Toy(tmp_path), learner()
    (look,) = toy.looks(learn)

    def compute(rows: Any) -> Tensor:
        clock.now += len(rows)
        return look.compute(rows)

    timed = replace(look, compute=compute, facts=None)
    learn.budget = Budget(end=180.0)
    features, targets = features_in_time(learn, [timed])
    assert 80 <= len(features) == len(targets) <= 90  # half of the time, a second each
    assert learn.budget.book.notes[0].startswith("the probe was fitted to 0.8")
    assert features_in_time(learner(), [timed])[0].shape == (110, 16)


def test_a_pass_is_predicted_by_its_first_batches(clock: Clock) -> None:
    learn = learner()
    valid: Any = learn.data.valid
    inner, seconds = valid.epoch, iter([0.6, 0.3, 0.3, 9.0])

    def epoch(number: int) -> Any:
        for batch in inner(number):
            clock.now += next(seconds)
            yield batch

    valid.epoch = epoch
    assert pass_seconds(learn) == pytest.approx(4 * 0.3)


def test_fewer_rows_are_scored_where_passes_take_long(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(of_calls, "pass_seconds", lambda learn: 40.0)
    run = replace(run_here(), out=tmp_path, budget=Budget(end=budget.clock() + 1000))
    learn = learner(run)
    hold_out_in_time(learn)
    assert learn.budget is not None
    assert learn.budget.book.notes == ["38 of the held-out rows were scored"]
    learn.fit(1)
    learn.state.release()
    again = learner(replace(run, resume=True, budget=Budget.of(1e6)))
    hold_out_in_time(again)  # its rows are those of the earlier call, whatever the time
    again.fit(1)
    assert same(weights(learn), weights(again))
