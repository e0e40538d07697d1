from __future__ import annotations

import random
import shutil
import signal
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.core.tiny import data, learner, recurrent_learner, same, weights
from tests.helpers.device import about_the_cpu, run_here
from tests.helpers.processes import fork
from zoo.core import state_file
from zoo.core.config import TRAINING_STATE, ArtifactError, read_config
from zoo.core.run import Run
from zoo.core.task import classification
from zoo.core.training import checkpoint
from zoo.core.training.averaging import WeightAverage, WiSE
from zoo.core.training.callbacks import EarlyStopping

pytestmark = pytest.mark.device


class KilledError(Exception):
    pass


class KillAt:
    """Breaks off like a kill: at a step, without any tidying up."""

    def __init__(self, step: int) -> None:
        self.left = step

    def step_end(self, fit) -> None:
        self.left -= 1
        if self.left < 0:
            raise KilledError


def call(make, out: Path | None, kill: int | None = None, resume: bool = False, **more):
    """Two fits with a freezing between, as the recipes do, saving at every step."""
    run = run_here(out=out, resume=resume, save_every=0.0)
    learn = make(run, callbacks=[*more.pop("callbacks", list)(), *([KillAt(kill)] if kill else [])],
                 **more)  # fmt: skip
    if len(learn.groups) > 1:
        learn.freeze()
    learn.fit_one_cycle(1, 1e-2)
    learn.unfreeze()
    learn.fit_sgdr(1e-2, cycles=2, cycle_len=1, cycle_mult=2, snapshots=True)
    return learn


@pytest.fixture(autouse=True)
def save_at_every_step(monkeypatch) -> None:
    monkeypatch.setattr("zoo.core.training.loop.FLUSH_SECONDS", 0.0)


def state_of_callbacks() -> list[object]:
    return [EarlyStopping(patience=9), WeightAverage("ema", decay=0.9), WiSE(0.7)]


def options_of(make) -> dict[str, Any]:
    more = {"dropout": 0.2, "norm": True} if make is learner else {"length": 70}
    return {"callbacks": state_of_callbacks, **more}


@cache
def uninterrupted(make):
    return call(make, None, **options_of(make))


@pytest.mark.parametrize(
    ("make", "kill"),
    [
        *((learner, kill) for kill in (1, 6, 7, 8, 13, 20, 27)),  # ends of fits, epochs and cycles
        *((recurrent_learner, kill) for kill in (1, 13, 20)),
    ],
)
def test_a_killed_run_ends_like_an_uninterrupted_one(make, kill: int, tmp_path) -> None:
    whole = uninterrupted(make)
    with pytest.raises(KilledError):
        call(make, tmp_path, kill, **options_of(make))
    again = call(make, tmp_path, resume=True, **options_of(make))
    assert same(weights(whole), weights(again))
    assert whole.history.losses == again.history.losses
    assert whole.history.lrs == again.history.lrs
    assert whole.epoch == again.epoch
    for a, b in zip(whole.snapshots, again.snapshots, strict=True):
        assert same(a, b)


def test_a_run_may_be_killed_again_and_again(tmp_path) -> None:
    whole = call(learner, None, dropout=0.2)
    for kill in (3, 4, 9):
        with pytest.raises(KilledError):
            call(learner, tmp_path, kill, resume=True, dropout=0.2)
    again = call(learner, tmp_path, resume=True, dropout=0.2)
    assert same(weights(whole), weights(again))


def test_the_scale_of_half_precision_is_resumed(tmp_path) -> None:
    class Overflow:
        """A scale that many steps halve before one is taken."""

        def fit_start(self, fit) -> None:
            fit.scaler = torch.amp.GradScaler(fit.device.type, init_scale=2.0**26)

    def train(resume: bool = False, **more) -> dict[str, torch.Tensor]:
        run = run_here(precision="fp16", resume=resume, save_every=0.0, **more)  # fmt: skip
        learn = learner(run, callbacks=[Overflow(), *([KillAt(16)] if more and not resume else [])])
        learn.fit(4, 1e-2)
        return weights(learn)

    whole = train()
    assert not same(whole, weights(learner()))
    with pytest.raises(KilledError):
        train(out=tmp_path)
    assert same(train(out=tmp_path, resume=True), whole)


def test_a_finished_call_is_not_trained_again(tmp_path) -> None:
    first = call(learner, tmp_path)
    second = call(learner, tmp_path, resume=True, callbacks=lambda: [KillAt(1)])
    assert same(weights(first), weights(second))
    assert first.history.rows == second.history.rows


def test_a_kill_during_a_save_leaves_the_state_before(tmp_path, monkeypatch) -> None:
    path = tmp_path / TRAINING_STATE
    state_file.save(path, {"open": None, "x": torch.ones(3)})

    def half_written(tensors, file, metadata) -> None:
        Path(file).write_bytes(b"half")
        raise KilledError

    monkeypatch.setattr(state_file, "save_file", half_written)
    with pytest.raises(KilledError):
        state_file.save(path, {"open": None, "x": torch.zeros(3)})
    assert torch.equal(state_file.load(path)["x"], torch.ones(3))
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_during_the_first_save_can_be_resumed(tmp_path) -> None:
    left = tmp_path / f".{TRAINING_STATE}.12345.tmp"
    left.write_bytes(b"half")
    again = call(learner, tmp_path, resume=True)
    assert same(weights(call(learner, None)), weights(again))
    assert not left.exists()


@pytest.mark.parametrize("step", [1, 7, 10, 21])
def test_ctrl_c_can_be_resumed_from_the_weights_before_averaging(step: int, tmp_path) -> None:
    class PressCtrlC:
        def step_end(self, fit) -> None:
            if fit.step == step:
                signal.raise_signal(signal.SIGINT)

    run = run_here(out=tmp_path)
    broken = learner(run, dropout=0.2)
    broken.fit(3, 1e-2, callbacks=[*state_of_callbacks(), PressCtrlC()])
    assert broken.interrupted
    with pytest.raises(
        ArtifactError, match=r"must be finished, got .* with Run\(out=\.\.\., resume"
    ):
        read_config(tmp_path)
    broken.save(tmp_path)
    again = learner(run_here(out=tmp_path, resume=True), dropout=0.2)
    again.fit(3, 1e-2, callbacks=state_of_callbacks())
    assert not again.interrupted
    whole = learner(dropout=0.2)
    whole.fit(3, 1e-2, callbacks=state_of_callbacks())
    assert same(weights(whole), weights(again))
    assert whole.history.losses == again.history.losses
    assert same(weights(whole), weights(broken)) is (step == 21)


def test_another_call_is_not_resumed(tmp_path) -> None:
    with pytest.raises(KilledError):
        call(learner, tmp_path, 10)
    learn = learner(run_here(out=tmp_path, resume=True))
    with pytest.raises(
        ValueError,
        match=r"a fit 1 that differs in epochs \(was 1, is 5\), schedule",
    ):
        learn.fit(5, 1e-2)


def test_an_unfinished_run_is_not_overwritten(tmp_path) -> None:
    with pytest.raises(KilledError):
        call(learner, tmp_path, 10)
    with pytest.raises(
        FileExistsError, match=f"got {tmp_path.name!r}, which has an unfinished one"
    ):
        learner(run_here(out=tmp_path))


@pytest.mark.parametrize("damage", [b"", b"half", b"\x80\x04."])
def test_a_damaged_state_is_refused_in_one_sentence(damage: bytes, tmp_path) -> None:
    (tmp_path / TRAINING_STATE).write_bytes(damage)
    with pytest.raises(ValueError, match=TRAINING_STATE):
        learner(run_here(out=tmp_path, resume=True))


def test_a_tree_comes_back_as_it_was(tmp_path) -> None:
    tree = {
        "numbers": [1, 2.5, float("inf"), None, True],
        "nested": {"tensor": torch.arange(6).view(2, 3).t(), "text": "é"},
        "scalar": torch.tensor(3),
    }
    state_file.save(tmp_path / "state", tree)
    back = state_file.load(tmp_path / "state")
    assert back["numbers"] == tree["numbers"]
    assert torch.equal(back["nested"]["tensor"], tree["nested"]["tensor"])
    assert back["nested"]["text"] == "é"
    assert back["scalar"] == 3


def test_moments_take_the_strides_of_channels_last_weights() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 8, 6, 6)

    def train(steps: int, state: list | None, weights: dict | None):
        torch.manual_seed(1)
        conv = nn.Conv2d(8, 8, 3).to(memory_format=torch.channels_last)
        if weights:
            conv.load_state_dict(weights)
        optimizer = torch.optim.AdamW(conv.parameters(), lr=0.1, fused=True)
        if state:
            checkpoint.load_optimizer_state(optimizer, state)
        for _ in range(steps):
            optimizer.zero_grad()
            conv(x).square().mean().backward()
            optimizer.step()
        return conv, optimizer

    whole, _ = train(6, None, None)
    conv, optimizer = train(3, None, None)
    contiguous = [
        {k: v.contiguous().clone() for k, v in state.items()}
        for state in checkpoint.optimizer_state(optimizer)
    ]
    resumed, _ = train(3, contiguous, conv.state_dict())
    assert torch.equal(whole.weight, resumed.weight)


def program(out: Path, mode: str) -> None:
    """Train in two phases, saving all the time, and keep the end."""
    run = run_here(out=out, resume=mode == "resume", save_every=0.02)
    learn = learner(run, dropout=0.2, norm=True)
    learn.freeze()
    learn.fit_one_cycle(3, 1e-2)
    learn.unfreeze()
    learn.fit_one_cycle(20, 1e-2)
    learn.save(out / "end")


def run_program(out: Path, mode: str, name: str, kill_after: float | None = None) -> bool:
    """Whether it came to its end."""
    process = fork(out.parent / "printed" / name, lambda: program(out, mode))
    if kill_after is not None:
        deadline = time.monotonic() + 60
        while not (out / TRAINING_STATE).exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(kill_after)
        process.kill()
    return process.wait(300) == 0


@about_the_cpu("a forked process cannot use a GPU")
def test_kill_minus_nine_is_survived(tmp_path) -> None:
    assert run_program(tmp_path / "whole", "fresh", "whole")
    draws = random.Random(0)
    killed = 0
    for i in range(3):
        wait = draws.uniform(0, 0.2) + 0.05 * i
        killed += not run_program(tmp_path / "b", "resume", f"killed {i}", wait)
    assert killed
    assert run_program(tmp_path / "b", "resume", "last")
    ends = [load_file(tmp_path / name / "end" / "model.safetensors") for name in ("whole", "b")]
    assert same(*ends)


def quiet(out: Path, resume: bool = False, **more) -> Run:
    return run_here(out=out, resume=resume, **more)


CHANGES = {
    "seed": (lambda out: learner(quiet(out, True, seed=1)), r"seed \(was 0, is 1\)"),
    "training data": (lambda out: learner(quiet(out, True), data=data(batch_size=8)), "training"),
    "labels": (
        lambda out: learner(quiet(out, True), data=relabelled()),
        "training data, validation data",
    ),
    "weight_decay": (
        lambda out: learner(quiet(out, True), weight_decay=0.5),
        r"weight_decay \(was 0.01, is 0.5\)",
    ),
    "clip": (lambda out: learner(quiet(out, True), clip=0.1), r"clip \(was None, is 0.1\)"),
    "optimizer": (
        lambda out: learner(quiet(out, True), optimizer="sgd"),
        r"optimizer \(was 'adamw', is 'sgd'\)",
    ),
    "accumulate": (lambda out: learner(quiet(out, True), accumulate=2), "accumulate"),
    "batchnorm": (lambda out: learner(quiet(out, True), batchnorm="live"), "batchnorm"),
    "dropout": (lambda out: learner(quiet(out, True), dropout=0.5), "network"),
    "smoothing": (
        lambda out: learner(quiet(out, True), task=classification(3, label_smoothing=0.3)),
        "task",
    ),
    "callbacks": (
        lambda out: learner(quiet(out, True), callbacks=[WeightAverage("ema", decay=0.5)]),
        "callbacks",
    ),
}


def relabelled():
    changed = data()
    for part in (changed.train, changed.valid):
        part.target = (part.target + 1) % 3
    return changed


@pytest.mark.parametrize(
    ("name", "finished"),
    [*((name, False) for name in CHANGES), ("labels", True), ("seed", True), ("clip", True)],
)
def test_a_call_that_differs_is_refused_by_name(name: str, finished: bool, tmp_path) -> None:
    first = learner(quiet(tmp_path), callbacks=[] if finished else [KillAt(10)])
    if finished:
        first.fit(2, 1e-2)
        first.save(tmp_path)
    else:
        with pytest.raises(KilledError):
            first.fit(2, 1e-2)
    make, said = CHANGES[name]
    with pytest.raises(ValueError, match=f"differs in .*{said}"):
        make(tmp_path).fit(2, 1e-2)
    again = learner(quiet(tmp_path, resume=True))
    again.fit(2, 1e-2)
    whole = learner()
    whole.fit(2, 1e-2)
    assert same(weights(again), weights(whole))


def test_a_saved_run_leaves_no_training_state_and_is_still_known_as_finished(tmp_path) -> None:
    first = learner(quiet(tmp_path))
    first.fit(2, 1e-2)
    assert (tmp_path / TRAINING_STATE).exists()
    first.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "config.json",
        "history.csv",
        "model.safetensors",
        "training-finished.json",
    ]
    again = learner(quiet(tmp_path, resume=True), callbacks=[KillAt(0)])
    again.fit(2, 1e-2)
    assert same(weights(again), weights(first))
    assert again.history.rows == first.history.rows
    again.callbacks.clear()
    again.fit(1, 1e-3)  # what the script has gained since
    whole = learner()
    whole.fit(2, 1e-2)
    whole.fit(1, 1e-3)
    assert same(weights(again), weights(whole))


def test_weights_of_another_run_are_not_those_of_the_finished_one(tmp_path) -> None:
    first, other = (learner(quiet(tmp_path / name, seed=s)) for s, name in enumerate("ab"))
    for one, name in ((first, "a"), (other, "b")):
        one.fit(1, 1e-2)
        one.save(tmp_path / name)
    shutil.copy(tmp_path / "b/model.safetensors", tmp_path / "a/model.safetensors")
    with pytest.raises(ValueError, match="other weights in"):
        learner(quiet(tmp_path / "a", resume=True)).fit(1, 1e-2)


def sgd(momentum: float):
    return lambda params: torch.optim.SGD(params, momentum=momentum)


def test_an_optimizer_of_ones_own_is_known_by_what_it_does(tmp_path) -> None:
    learner(quiet(tmp_path), optimizer=sgd(0.9)).fit(1, 1e-2)
    learner(quiet(tmp_path, resume=True), optimizer=sgd(0.9)).fit(1, 1e-2)
    with pytest.raises(ValueError, match="differs in optimizer"):
        learner(quiet(tmp_path, resume=True), optimizer=sgd(0.5)).fit(1, 1e-2)


@pytest.mark.parametrize("place", [200, -200])
def test_a_state_whose_bytes_have_changed_is_refused(place: int, tmp_path) -> None:
    with pytest.raises(KilledError):
        call(learner, tmp_path, 10)
    path = tmp_path / TRAINING_STATE
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"got {TRAINING_STATE}, which is not"):
        learner(quiet(tmp_path, resume=True))


def test_a_folder_in_which_the_end_could_not_be_saved_is_refused_before(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"where 'file' is a file\. Choose another"):
        learner(quiet(tmp_path / "file" / "run"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "dog.jpg").write_bytes(b"")
    with pytest.raises(FileExistsError, match="Choose another directory"):
        learner(quiet(tmp_path / "photos"))
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["dog.jpg"]


@about_the_cpu("a forked process cannot use a GPU")
def test_a_run_is_one_processs(tmp_path) -> None:
    mine = learner(quiet(tmp_path / "run"))
    other = fork(tmp_path / "printed", lambda: learner(quiet(tmp_path / "run")))
    assert other.wait() == 1
    assert "a folder holds one run at a time, got 'run'" in other.err
    del mine


def test_another_model_is_not_saved_over_an_unfinished_run(tmp_path) -> None:
    with pytest.raises(KilledError):
        call(learner, tmp_path, 10)
    with pytest.raises(FileExistsError, match="has an unfinished one"):
        learner().save(tmp_path)


def test_other_data_of_a_later_fit_are_noticed(tmp_path) -> None:
    def run(n: int, *, resume: bool) -> None:
        learn = learner(run_here(out=tmp_path / "run", resume=resume))
        learn.fit(1, 1e-2)
        learn.set_data(data(n))
        learn.fit(1, 1e-2)

    run(96, resume=False)
    run(96, resume=True)
    with pytest.raises(ValueError, match=r"a fit 2 that differs in .*training data"):
        run(80, resume=True)
