"""A blend: networks of a model and simple models beside them as one, by fitted weights.

How weights are fitted, `zoo.core.trust.mixing` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from zoo.core.messages import warn
from zoo.core.mixture import Mixture


class Partner(Protocol):
    """A simple model that takes the networks' inputs and gives what their task decodes.

    Attributes:
        name: by which it is built again.
        arguments: with which, as JSON holds them.
    """

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Blend:
    """What a model's prediction is a weighted mean of, beside its networks.

    Args:
        partners: modules, each a `Partner`.
        shares: weight of each partner's decoded prediction; the networks have the rest.
        temperature: see `Mixture`.
    """

    partners: tuple[nn.Module, ...]
    shares: tuple[float, ...]
    temperature: float | None = None

    @property
    def rest(self) -> float:
        """What the networks have together; nothing where it is less than a rounding."""
        return max(round(1 - sum(self.shares), 6), 0.0)

    def mixture(self, n_networks: int) -> Mixture:
        """Of each network, if they have any weight, then of each partner.

        >>> Blend((nn.Identity(),), (0.5,)).mixture(2).weights
        (0.25, 0.25, 0.5)
        >>> Blend((nn.Identity(),), (1.0,)).mixture(2).weights
        (1.0,)
        """
        own = (self.rest / n_networks,) * n_networks if self.rest > 0 else ()
        return Mixture((*own, *self.shares), self.temperature)

    def to_json(self) -> list[dict[str, Any]]:
        """For config.json: how each partner is built again, and its share."""
        partners: Any = self.partners
        return [
            {"name": one.name, "args": one.arguments, "share": share}
            for one, share in zip(partners, self.shares, strict=True)
        ]


def warn_of_partners(blend: Blend | None) -> None:
    """Tell, before further training, that simple models of a blend do not go on with a network."""
    if blend is not None and blend.partners:
        warn(
            "further training goes on with the networks alone, got a model in which simple models "
            f"have a share of {sum(blend.shares):.0%}. They are not carried over: what has a share "
            "afterwards, if anything, is fitted to the new data."
        )
