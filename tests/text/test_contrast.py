"""An encoder draws texts of one class together, beside what its head learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from zoo.core.task import classification
from zoo.text.classification.options import ENCODER, OPTIONS
from zoo.text.models.contrast import Learnt, contrast, with_contrast

LABELS = torch.tensor([0, 1, 0, 2, 1, 0])
VECTORS = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4))).float()


def by_hand(temperature: float) -> list[float]:
    """Khosla et al. 2020, eq. 2, of each text; nothing of one that is alone in its class."""
    directions = (VECTORS / VECTORS.norm(dim=1, keepdim=True)).double().numpy()
    odds = np.exp(directions @ directions.T / temperature)
    losses: list[float] = []
    for i, label in enumerate(LABELS):
        others = [j for j in range(6) if j != i]
        alike = [j for j in others if LABELS[j] == label]
        total = odds[i, others].sum()
        losses += [-np.mean([np.log(odds[i, j] / total) for j in alike])] if alike else [0.0]
    return losses


def test_contrast_is_that_of_the_paper_and_ignores_lengths() -> None:
    vectors = VECTORS.clone().requires_grad_()
    for temperature in (0.1, 0.5):
        loss = contrast(vectors, LABELS, temperature)
        assert loss.tolist() == pytest.approx(by_hand(temperature), rel=1e-5)
        torch.testing.assert_close(contrast(3 * vectors, LABELS, temperature), loss)
    (slope,) = torch.autograd.grad(contrast(vectors, torch.arange(6)).sum(), vectors)
    assert slope.abs().sum() == 0  # no two are alike: nothing to learn, and no infinity


def test_it_counts_where_an_encoder_learns_and_is_not_in_the_loss_of_an_evaluation() -> None:
    plain, logits = classification(3), VECTORS[:, :3].detach()
    task, vectors = with_contrast(plain, 2.0), VECTORS.detach()
    own = F.cross_entropy(logits, LABELS)
    moving = task.loss(Learnt(logits, vectors.clone().requires_grad_()), LABELS)
    assert moving[0].item() == pytest.approx(float(own) + 2 * np.mean(by_hand(0.1)), rel=1e-5)
    assert moving[1] == 6
    for still in (Learnt(logits, vectors), logits):
        assert torch.equal(task.loss(still, LABELS)[0], own)


def test_what_has_no_one_class_is_not_contrasted() -> None:
    with pytest.raises(ValueError, match=r"one class per text, on an encoder, got contrast=0\.5"):
        OPTIONS.require_used({"contrast": 0.5}, {ENCODER: False})
