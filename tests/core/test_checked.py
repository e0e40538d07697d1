"""Dataclasses from JSON by their annotations, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NotRequired, TypedDict

import numpy as np
import pytest
import torch
from torch import nn

from tests.core.tiny import Net, same
from zoo.core.annotations import Option
from zoo.core.artifacts.network import rebuilt
from zoo.core.checked import arguments_of, checked, format_of, require_sound, to_json
from zoo.core.config import ArtifactError


@dataclass(frozen=True)
class Column:
    name: str | int
    std: Annotated[float, Option(above=0)] = 1.0


@dataclass(frozen=True)
class Spec:
    FREE: ClassVar = ("columns",)

    classes: Annotated[tuple[str, ...], Option(distinct=True)]
    columns: tuple[Column, ...]
    low: float | None = None
    high: float | None = None
    mode: Annotated[Literal["center", "squash"], Option(absent="center")] = "squash"
    titles: Annotated[dict[str, str], Option(absent={})] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low must be below high, got low={self.low}, high={self.high}")


TREE: dict[str, Any] = {"classes": ["a", "b"], "columns": [{"name": 1, "std": 2}, {"name": "x"}]}


def test_a_spec_is_what_json_says() -> None:
    spec = checked(Spec, {**TREE, "from_the_future": 1})
    assert spec == Spec(("a", "b"), (Column(1, 2), Column("x")), mode="center")
    assert checked(Spec, json.loads(json.dumps(to_json(spec)))) == spec


def test_what_readers_of_format_1_do_not_know_is_written_where_it_counts() -> None:
    old = checked(Spec, TREE)
    assert (format_of(old), to_json(old).keys() & {"mode", "titles"}) == (1, set())
    new = Spec(("a",), (), titles={"a": "A"})
    assert (format_of(new), to_json(new)["mode"], to_json(new)["titles"]) == (
        2,
        "squash",
        {"a": "A"},
    )


def test_numbers_of_numpy_are_plain_in_json() -> None:
    spec = Spec((), (Column(np.int64(3), np.float32(0.5)),), low=np.float64(1))  # type: ignore[arg-type]
    assert json.loads(json.dumps(to_json(spec)))["columns"] == [{"name": 3, "std": 0.5}]


def test_all_wrong_fields_are_named_with_what_they_must_be() -> None:
    tree = {"columns": [{"name": "x", "std": 0, "more": 1}], "low": "1", "mode": "crop"}
    with pytest.raises(ValueError, match="complete and sound, got classes is missing; ") as caught:
        checked(Spec, tree)
    for part in (
        "columns[0].'more' is unknown",
        "columns[0].std=0 (a number, above 0)",
        "low='1' (a number, or None)",
        "mode='crop' (one of 'center', 'squash')",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"low": 2, "high": 1}, "low must be below high, got low=2, high=1"),
        ({"classes": ["a", "a"]}, r"classes=\['a', 'a'\] \(a list, all different"),
        ({"columns": {}}, r"columns=\{\} \(a list, each an object"),
        ({"columns": [[]]}, r"columns\[0\]=\[\] \(an object"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checked(Spec, TREE | change)
    with pytest.raises(ValueError, match=r"got \[1\]"):
        checked(Spec, [1])


def test_what_is_made_in_python_is_checked_alike() -> None:
    require_sound(Column("x", 2))
    with pytest.raises(ValueError, match=r"fields of Column .* got std=-1 \(a number, above 0\)"):
        require_sound(Column("x", -1))
    half: Any = np.float32(0.5)
    require_sound(Column("x", half), exact=False)
    with pytest.raises(ValueError, match=r"got std=.*0\.5"):
        require_sound(Column("x", half))


class Arguments(TypedDict):
    name: Literal["net"]
    n_out: Annotated[int, Option(low=1)]
    flips: NotRequired[list[bool]]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"name": "net", "args": {"n_out": 3}}, "n_out=3 is not the spec's 2"),
        ({"name": "net", "args": {"n_out": 0}}, r"n_out=0 \(a whole number, 1 or more"),
        ({"name": "net", "args": {"n_out": 2, "path": "/etc"}}, "'path' is unknown"),
        ({"name": "net", "args": {"n_out": 2, "flips": [1]}}, r"flips\[0\]=1 \(True or False"),
        ({"name": "net", "args": [2]}, "n_out is missing"),
        ({"args": {"n_out": 2}}, r"name=None \(one of 'net'"),
    ],
)
def test_arguments_that_do_not_build_the_network_are_refused(
    model: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        arguments_of(model, Arguments, n_out=2)


def test_arguments_are_those_of_config_json() -> None:
    model = {"name": "net", "args": {"n_out": 2}}
    assert arguments_of(model, Arguments, n_out=2) == {"name": "net", "n_out": 2}


def test_a_network_has_its_weights_again_and_an_unfit_one_takes_no_memory() -> None:
    net = Net()
    assert same(rebuilt(Net, net.state_dict()).state_dict(), net.state_dict())
    devices: list[torch.device] = []

    def build() -> nn.Module:
        layer = nn.Linear(2, 3)
        devices.append(layer.weight.device)
        return layer

    with pytest.raises(ArtifactError, match="is missing"):
        rebuilt(build, {})
    assert devices == [torch.device("meta")]
