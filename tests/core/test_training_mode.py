"""While a model is trained, dropout drops and batch norms follow, whatever mode it came in."""

from __future__ import annotations

import pytest
import torch

from tests.core.tiny import Net, learner
from zoo.core.training.groups import layer_groups, train_mode


@pytest.mark.parametrize("mode", ["live", "thawed", "fixed"])
def test_a_model_in_evaluation_mode_is_put_into_training_mode(mode) -> None:
    model = Net(norm=True, dropout=0.5).eval()
    train_mode(model, layer_groups(model), mode)
    assert model.training
    assert model.head[0].training
    assert model.middle[0].training is (mode != "fixed")


def test_dropout_drops_in_every_epoch_though_validation_comes_between() -> None:
    zeros: list[float] = []
    learn = learner(dropout=0.5)
    learn.model.eval()
    learn.model.head[0].register_forward_hook(
        lambda module, given, output: (
            zeros.append(float(((output == 0) & (given[0] != 0)).float().mean()))
            if torch.is_grad_enabled()
            else None
        )
    )
    learn.fit(2, 1e-3)
    assert len(zeros) == 2 * learn.data.train.steps(0)
    assert min(zeros) > 0.1
