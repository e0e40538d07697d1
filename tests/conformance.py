"""What every model of the zoo promises, as a suite: a test class inherits it and gives a `case`.

A case is a finished model, inputs that it can be asked about one by one, and how it is asked.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from tests.helpers.device import about_the_cpu, run_here
from tests.stored.artifacts import answers

RUN = run_here(precision="fp32", threads=1)
N_THREADS, N_PROCESSES = 4, 1
HANGS = 20.0  # seconds after which a process that predicts is taken to hang
TURN = 5e-4  # seconds until another thread may go on


@dataclass(frozen=True)
class Case:
    """A model, and what it is asked.

    Attributes:
        model: ready to predict.
        inputs: for `tests.stored.artifacts.answers`.
        items: the inputs one by one.
    """

    model: Any
    inputs: Any
    items: Sequence[Any]

    @cached_property
    def loaded(self) -> Any:
        """The model once it is saved and loaded again, its folder gone."""
        with tempfile.TemporaryDirectory() as place:
            return zoo.load(self.model.save(Path(place) / "saved"), run=self.model.run)

    def one(self, item: Any) -> Any:
        """The prediction of one input alone."""
        if self.model.domain == "collab":
            return self.model.predict(*item)
        if hasattr(self.model, "probabilities") and self.model.spec.classes:
            return self.model.probabilities(item)
        return self.model.predict(item)

    def many(self, items: Sequence[Any]) -> list[Any]:
        """The predictions of several inputs in one call."""
        if self.model.domain == "collab":
            users, others = zip(*items, strict=True)
            return list(self.model.predict(list(users), list(others)))
        if hasattr(self.model, "probabilities") and self.model.spec.classes:
            return self.model.probabilities(list(items)).to_dict("records")
        said = self.model.predict(list(items))
        return said.to_dict("records") if getattr(said, "ndim", 0) == 2 else list(said)


def case_of(model: Any, inputs: Any) -> Case:
    """The case of a model and inputs of the form that the stored artifacts have."""
    return Case(model, inputs, inputs["pairs"] if model.domain == "collab" else inputs)


class Conformance:
    """The suite."""

    def test_saved_and_loaded_it_predicts_the_same(self, case: Case) -> None:
        assert answers(case.loaded, case.inputs) == answers(case.model, case.inputs)

    def test_evaluate_without_data_gives_the_metrics(self, case: Case) -> None:
        model, loaded = case.model, case.loaded
        if model.metrics:
            assert model.evaluate() == pytest.approx(model.metrics, rel=1e-5)
            assert loaded.evaluate() == model.metrics
        else:
            require_sentence(loaded.evaluate, "none")

    def test_one_input_alone_is_predicted_as_among_others(self, case: Case) -> None:
        for item, among_others in zip(case.items, case.many(case.items), strict=True):
            require_close(case.one(item), among_others)

    def test_order_and_company_change_nothing(self, case: Case) -> None:
        straight = case.many(case.items)
        require_close(case.many(case.items[::-1])[::-1], straight)
        doubled = [*case.items[2:], *case.items, case.items[0]]
        require_close(case.many(doubled)[len(case.items) - 2 : -1], straight)

    def test_its_networks_are_in_evaluation_mode(self, case: Case) -> None:
        for member in case.model.members:
            assert [name for name, part in member.named_modules() if part.training] == []

    def test_threads_predict_what_one_thread_does_and_change_nothing(self, case: Case) -> None:
        with unchanged(case.model):
            expected = answers(case.model, case.inputs)
            assert in_threads(case, N_THREADS) == [expected] * N_THREADS
            assert answers(case.model, case.inputs) == expected

    @about_the_cpu("a forked process cannot use a GPU")
    def test_a_forked_process_predicts_the_same(self, case: Case) -> None:
        with unchanged(case.model):
            expected = answers(case.model, case.inputs)
            assert in_forks(case, N_PROCESSES) == [expected] * N_PROCESSES

    def test_its_spec_survives_json(self, case: Case) -> None:
        spec = case.model.spec
        tree = json.loads(json.dumps(spec.to_json()))
        again = type(spec).from_json({"task": getattr(spec, "task", None), **tree})
        assert again == spec
        assert json.loads(json.dumps(again.to_json())) == tree


def require_sentence(act: Callable[[], object], value: str) -> None:
    """Refused by the rule with the value got, and a way out; never by an error of Python's own."""
    with pytest.raises((ValueError, TypeError, NotImplementedError)) as caught:
        act()
    rule, _, way_out = str(caught.value).partition(". ")
    assert re.search(rf", got .*{value}", rule), rule
    assert re.fullmatch(r"[A-Z].*\.", way_out), way_out


class unchanged:  # noqa: N801  (reads as a statement)
    """That the weights, buffers and modes of a model's networks are those of before."""

    def __init__(self, model: Any) -> None:
        self.members = model.members

    def __enter__(self) -> None:
        self.before = [_state(member) for member in self.members]

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            for member, (tensors, modes) in zip(self.members, self.before, strict=True):
                now, modes_now = _state(member)
                assert modes_now == modes
                assert [name for name in now if not torch.equal(now[name], tensors[name])] == []


def in_threads(case: Case, n: int) -> list[Any]:
    """What each of n threads is told that begin together and take turns often."""
    together, interval = threading.Barrier(n), sys.getswitchinterval()

    def ask(_: int) -> Any:
        together.wait(HANGS)
        return answers(case.model, case.inputs)

    sys.setswitchinterval(TURN)
    try:
        with ThreadPoolExecutor(n) as pool:
            return list(pool.map(ask, range(n)))
    finally:
        sys.setswitchinterval(interval)


def in_forks(case: Case, n: int) -> list[Any]:
    """What each of n forked processes is told; a process that hangs fails."""
    context = multiprocessing.get_context("fork")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        ends = [_forked(context, lambda: answers(case.model, case.inputs)) for _ in range(n)]
    said = []
    for process, receiver in ends:
        said.append(receiver.recv() if receiver.poll(HANGS) else f"nothing in {HANGS} s")
        process.kill() if isinstance(said[-1], str) else process.join(HANGS)
    return said


def require_close(said: Any, expected: Any) -> None:
    """Equal but for the rounding of sums in another order, at any depth."""
    if hasattr(expected, "__dataclass_fields__"):
        said, expected = vars(said), vars(expected)
    if isinstance(expected, dict):
        assert list(said) == list(expected)
        said, expected = list(said.values()), list(expected.values())
    if isinstance(expected, (list, tuple)):
        assert len(said) == len(expected)
        for one, other in zip(said, expected, strict=True):
            require_close(one, other)
    elif hasattr(expected, "getdata") or (hasattr(expected, "shape") and expected.shape):
        first, second = (torch.as_tensor(_pixels(x)).int() for x in (said, expected))
        assert (first - second).abs().max() <= 1  # numbers of a pixel may be rounded otherwise
    elif isinstance(expected, float) or hasattr(expected, "dtype"):
        assert said == pytest.approx(expected, rel=1e-4, abs=1e-6)
    else:
        assert said == expected


def _pixels(picture: Any) -> Any:
    import numpy as np

    return np.array(picture)


def _forked(context: Any, act: Callable[[], Any]) -> tuple[Any, Any]:
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(act()), daemon=True)
    process.start()
    sender.close()
    return process, receiver


def _state(member: torch.nn.Module) -> tuple[dict[str, torch.Tensor], list[bool]]:
    tensors = dict(member.named_parameters()) | dict(member.named_buffers())
    modes = [part.training for part in member.modules()]
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}, modes
