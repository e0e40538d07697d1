"""How what several models predict of the same rows becomes one prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from zoo.core.task import LEAST


@dataclass(frozen=True)
class Mixture:
    """A mean of decoded predictions.

    Args:
        weights: how much each counts, together 1; None if all count alike.
        temperature: None takes the arithmetic mean: of numbers, of labels each, of classes that
            nothing was fitted to. Of probabilities of classes a temperature takes the geometric
            mean (the logarithmic pool: Genest and Zidek 1986, "Combining Probability
            Distributions", sec. 2), whose logarithms are divided by it: more than 1 where
            predictions are too sure of themselves (Guo et al. 2017, "On Calibration of Modern
            Neural Networks", sec. 4.2).
    """

    weights: tuple[float, ...] | None = None
    temperature: float | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the prediction of one model stays what it is."""
        return self.temperature is None

    def __call__(self, decoded: Sequence[Tensor]) -> Tensor:
        """One prediction from several of the same shape; classes are the dimension 1.

        >>> one, other = torch.tensor([[0.9, 0.1]]), torch.tensor([[0.5, 0.5]])
        >>> Mixture()([one, other]), Mixture((0.5, 0.5), 1.0)([one, other])
        (tensor([[0.7000, 0.3000]]), tensor([[0.7500, 0.2500]]))
        >>> Mixture(temperature=0.5)([one])
        tensor([[0.9878, 0.0122]])
        """
        if self.temperature is not None:
            return self._pooled(torch.stack([*decoded]), self.temperature)
        if len(decoded) == 1:
            return decoded[0]
        return self._mean(torch.stack([*decoded]))

    def _mean(self, stacked: Tensor) -> Tensor:
        if self.weights is None:
            return stacked.mean(0)
        factors = torch.tensor(self.weights, dtype=stacked.dtype, device=stacked.device)
        mean: Tensor = torch.tensordot(factors, stacked, dims=1)
        return mean

    def _pooled(self, stacked: Tensor, temperature: float) -> Tensor:
        logarithms = self._mean(stacked.clamp(min=LEAST).log())
        return torch.softmax(logarithms / temperature, dim=1)


PLAIN: Final = Mixture()
"""All count alike."""
