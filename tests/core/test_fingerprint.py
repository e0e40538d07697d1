from __future__ import annotations

import subprocess
import sys
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from zoo.core.batches import TensorBatches
from zoo.core.fingerprint import differences, digest, plain_or_digest
from zoo.core.task import classification


class Rows:
    def __init__(self, rows: list[object]) -> None:
        self.rows, self.me = rows, self

    @cached_property
    def length(self) -> int:
        return len(self.rows)


def closure(x: float):
    return lambda: x


def batches(size: int) -> TensorBatches:
    return TensorBatches(torch.ones(4, 1), torch.ones(4), batch_size=size)


def frame(**changes) -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "b": ["x", None], **changes})


PAIRS = {
    "numbers": (1, 2),
    "kinds": (1, "1"),
    "tensors": (torch.ones(3), torch.tensor([1.0, 1.0, 1.0000001])),
    "shapes": (torch.ones(2, 3), torch.ones(3, 2)),
    "types": (torch.zeros(2), torch.zeros(2, dtype=torch.int32)),
    "arrays": (np.arange(3), np.array([0, 2, 1])),
    "objects in arrays": (np.array(["a", None], object), np.array(["a", "b"], object)),
    "order of a list": (["a", "b"], ["b", "a"]),
    "order of columns": (frame(), frame()[["b", "a"]]),
    "cells": (frame(), frame(b=["x", "y"])),
    "index": (frame(), frame().set_axis([1, 0])),
    "closures": (closure(1.0), closure(2.0)),
    "partials": (partial(max, 1), partial(max, 2)),
    "code": (lambda x: x + 1, lambda x: x - 1),
    "constants": (lambda x: x * 0.5, lambda x: x * 0.9),
    "constants of functions within": (
        lambda x: lambda y: y * 2 + x,
        lambda x: lambda y: y * 3 + x,
    ),
    "attributes": (Rows([1]), Rows([2])),
    "dropout": (nn.Dropout(0.1), nn.Dropout(0.2)),
    "tasks": (classification(3), classification(3, label_smoothing=0.1)),
    "batch sizes": (batches(1), batches(2)),
    "sets": ({"a", "b"}, {"a", "c"}),
    "names of files": (Path("a/b.png"), Path("a/c.png")),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_what_differs_has_another_digest(name: str) -> None:
    one, other = PAIRS[name]
    assert digest(one) == digest(one)
    assert digest(one) != digest(other)


def test_a_cached_value_and_a_folder_above_change_nothing() -> None:
    rows = Rows([1, 2])
    before = digest(rows)
    assert rows.length == 2
    assert digest(rows) == before
    assert digest(Path("here/b.png")) == digest(Path("there/b.png"))


def test_an_object_may_tell_its_own_fingerprint() -> None:
    class Photos:
        def __init__(self, content: str, cache: str) -> None:
            self.content, self.cache = content, cache

        def fingerprint(self) -> str:
            return self.content

    assert digest(Photos("a", "/tmp/1")) == digest(Photos("a", "/tmp/2"))
    assert digest(Photos("a", "/tmp/1")) != digest(Photos("b", "/tmp/1"))


def test_a_digest_is_the_same_in_every_process() -> None:
    code = (
        "from tests.core.test_fingerprint import PAIRS, digest\n"
        "print([digest(one) for one, _ in PAIRS.values()])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == str([digest(one) for one, _ in PAIRS.values()])


def test_differences_are_named_with_values_that_people_can_read() -> None:
    one = plain_or_digest({"seed": 1, "lr": "[0.1]", "data": torch.ones(2), "clip": None})
    other = plain_or_digest({"seed": 2, "lr": "[0.1]", "data": torch.zeros(2), "clip": 0.1})
    assert differences(one, other) == ["clip (was None, is 0.1)", "data", "seed (was 1, is 2)"]
    assert differences(one, one) == []


def test_an_object_with_an_index_is_no_table() -> None:
    class Page:
        def __init__(self, index: int) -> None:
            self.index = index

    assert digest(Page(1)) != digest(Page(2))
