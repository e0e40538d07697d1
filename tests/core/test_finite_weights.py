"""Weights that are no numbers are refused when they are loaded, not where they are used."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.core.tiny import Net
from zoo import ArtifactError
from zoo.core.artifacts.artifact import load_weights
from zoo.core.config import read_config


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_weight_that_is_no_finite_number_is_refused(value: float) -> None:
    tensors = Net(norm=True).state_dict()
    tensors["head.1.weight"][1, 2] = value
    model = Net(norm=True)
    before = model.head[1].weight.clone()
    with pytest.raises(ArtifactError, match=r"finite numbers, got others in 'head\.1\.weight'"):
        load_weights(model, tensors)
    assert torch.equal(model.head[1].weight, before)


def test_a_buffer_may_be_infinite_but_is_a_number() -> None:
    module = nn.Module()
    module.register_buffer("mask", torch.zeros(3))
    load_weights(module, {"mask": torch.full((3,), -math.inf)})
    with pytest.raises(ArtifactError, match="'mask'"):
        load_weights(module, {"mask": torch.full((3,), math.nan)})


def test_a_refusal_does_not_repeat_ten_thousand_characters(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": "' + "x" * 10_000 + '"}')
    with pytest.raises(ArtifactError) as caught:
        read_config(tmp_path)
    assert len(str(caught.value)) < 500
