from __future__ import annotations

import numpy as np
import pytest

from scripts.lib.kneser_ney import log_probabilities

TRAIN = np.array([0, 1, 2, 0, 1, 3, 0, 1, 2, 4, 0, 1, 2, 3, 3, 1, 0, 4, 2, 1] * 3)


@pytest.mark.parametrize("context", [[], [0], [0, 1], [4, 4, 4], [1, 2, 0]])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_probabilities_of_all_words_add_up_to_one(context: list[int], order: int) -> None:
    total = sum(
        np.exp(log_probabilities(TRAIN, np.array([*context, word]), 5, order)[-1])
        for word in range(5)
    )
    assert total == pytest.approx(1)


def test_two_words_by_hand() -> None:
    """All counts are 1; of two as often as of three and four, one is assumed."""
    train = np.array([0, 1, 2])  # pairs 01 and 12; 1 and 2 follow one word each, 0 none
    chances = np.exp(log_probabilities(train, np.array([0, 1]), 3, 2))
    discount = 1 - 2 * (2 / 4) * 1 / 2
    unigram = (1 - discount) / 2 + discount * 1 / 3
    assert chances[0] == pytest.approx(discount / 3)
    assert chances[1] == pytest.approx((1 - discount) + discount * unigram)
