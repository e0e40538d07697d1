from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tests.text.small import train_lm
from zoo.text import LanguageModel
from zoo.text.models.sampled import sampled_cross_entropy

pytestmark = pytest.mark.device

N_WORDS, D = 60, 5


def example() -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(40, D, generator=generator)
    vectors = (torch.randn(N_WORDS, D, generator=generator) / 2).requires_grad_()
    bias = torch.randn(N_WORDS, generator=generator, requires_grad=True)
    return features, vectors, bias, torch.randint(N_WORDS, (40,), generator=generator)


def test_with_half_of_the_words_or_more_it_is_exact() -> None:
    features, vectors, bias, target = example()
    exact = F.cross_entropy(F.linear(features, vectors, bias), target)
    torch.testing.assert_close(
        sampled_cross_entropy(features, vectors, bias, target, N_WORDS // 2), exact
    )


def test_the_sum_under_the_softmax_is_right_on_average() -> None:
    features, vectors, bias, target = example()
    n, draws = 12, 1000
    rows = [int((target < n).nonzero()[0]), int((target >= n).nonzero()[0])]
    torch.manual_seed(0)
    with torch.no_grad():
        logits = F.linear(features, vectors, bias)
        for i in rows:
            row = slice(i, i + 1)
            losses = torch.stack(
                [
                    sampled_cross_entropy(features[row], vectors, bias, target[row], n)
                    for _ in range(draws)
                ]
            )
            estimate = (losses + logits[i, target[i]]).exp().mean()
            assert float(estimate) == pytest.approx(float(logits[i].exp().sum()), rel=0.05)


def test_its_gradient_points_where_the_whole_one_does() -> None:
    features, vectors, bias, target = example()
    F.cross_entropy(F.linear(features, vectors, bias), target).backward()
    assert vectors.grad is not None
    whole, vectors.grad = vectors.grad, None
    torch.manual_seed(0)
    for _ in range(300):
        (sampled_cross_entropy(features, vectors, bias, target, 12) / 300).backward()
    assert F.cosine_similarity(vectors.grad.flatten(), whole.flatten(), dim=0) > 0.98


def test_a_model_learns_by_it_what_it_learns_from_all_words(lm: LanguageModel) -> None:
    assert len(lm.spec.words) > 12
    assert train_lm(sampled=6).metrics["loss"] == pytest.approx(lm.metrics["loss"], abs=0.15)
