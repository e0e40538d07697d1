"""Losses of unusual batches: empty parts, as one of several processes may get, and pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.core import task as tasks
from zoo.core.task import Task, classification, multi_label, regression, scaled_regression

EMPTY = {
    "classes": (classification(3), torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)),
    "labels": (multi_label(3), torch.zeros(0, 3), torch.zeros(0, 3)),
    "numbers": (regression(), torch.zeros(0, 1), torch.zeros(0)),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_an_empty_part_has_no_loss_and_no_gradient(kind: str) -> None:
    task, output, target = EMPTY[kind]
    losses = [task.loss(output.requires_grad_(), target)]
    if task.score is not None:
        losses.append(task.score(task.decode(output), target))
    for mean, count in losses:
        assert (float(mean.detach()), int(count)) == (0.0, 0)
        mean.backward()


def test_the_loss_of_one_row_is_no_empty_one() -> None:
    mean, count = classification(3).loss(torch.tensor([[0.0, 2.0, 0.0]]), torch.tensor([0]))
    assert float(mean) == pytest.approx(2.239, abs=1e-3)  # log(2 + e^2)
    assert count == 1


def test_a_task_without_a_score_of_predictions_says_so() -> None:
    assert Task(regression().loss, regression().decode).score is None


@pytest.mark.parametrize("y_range", [None, (0.0, 10.0)])
def test_numbers_are_what_their_encoded_outputs_decode_to(y_range: tuple | None) -> None:
    task, numbers = scaled_regression((5.0, 2.0), y_range), np.array([0.3, 4.0, 9.5], np.float32)
    assert task.encode is not None
    output = torch.from_numpy(task.encode(numbers)).view(-1, 1)
    assert task.decode(output).numpy() == pytest.approx(numbers, rel=1e-5)
    loss, n = task.loss(output + 0.5, torch.from_numpy(numbers))
    assert n == 3
    if y_range is None:
        assert float(loss) == pytest.approx(0.25)  # half a deviation, squared


@pytest.mark.parametrize("ignored", [None, 2])
def test_where_pixels_must_be_rows_their_loss_is_the_same(
    ignored: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    target = torch.arange(40).view(2, 4, 5) % 3
    loss = classification(3, ignore_index=ignored, weights=torch.tensor([1.0, 2.0, 3.0])).loss
    expected = loss(output, target)
    monkeypatch.setattr(tasks, "_must_repeat_on_cuda", lambda output: True)
    torch.testing.assert_close(loss(output, target), expected)
