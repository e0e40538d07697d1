"""A body: a pretrained network without its classifier, cut into layer groups.

Every backbone, whoever published it, becomes the same thing: images in, a feature map out (or
pooled features, where a network has its own way of pooling), a list of layer groups, and the sizes
it takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from zoo.core.training.groups import LayerGroup
from zoo.vision.models.depthwise import fast_gradients


@dataclass(frozen=True)
class Sizes:
    """The sides of an image that a body takes, in pixels.

    Example:
        >>> print(Sizes(minimum=63), "|", Sizes(16, multiple=16), "|", Sizes.only(224))
        63 px or more | multiples of 16 px | 224 px only
    """

    minimum: int = 1
    multiple: int = 1
    maximum: int | None = None

    @classmethod
    def only(cls, size: int) -> Sizes:
        """The sizes of a body that is built for one."""
        return cls(minimum=size, maximum=size)

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return f"{self.minimum} px only"
        if self.multiple > 1:
            return f"multiples of {self.multiple} px"
        return f"{self.minimum} px or more"

    def nearest(self, size: int) -> int:
        """The allowed side that is nearest to ``size``."""
        near = max(self.minimum, self.multiple * round(size / self.multiple))
        return near if self.maximum is None else min(near, self.maximum)

    def check(self, name: str, size: int) -> None:
        """Refuse a side that the body cannot take.

        Raises:
            ValueError: ``size`` is not among the allowed ones.
        """
        near = self.nearest(size)
        if near != size:
            raise ValueError(
                f"image sides for {name} must be {self}, got {size=}. Try size={near}."
            )


Stage = tuple[list[str], list[str]]
"""The paths of a layer group's modules, and those of its bare parameters.

Names outlive the tensors that loading or casting replaces."""


class Body(nn.Module):
    """A network without its classifier.

    Args:
        trunk: Images to features.
        ordinals: The layer group of every parameter of the trunk, counted from the input.
        n_features: Channels of the features.
        spatial: Whether the features are a map; otherwise they are pooled.
        sizes: The image sides that the forward takes.
        name: For messages.

    Shape:
        - input: ``(B, 3, H, W)``
        - output: ``(B, n_features, h, w)``, or ``(B, n_features)`` where not ``spatial``
    """

    def __init__(
        self,
        trunk: nn.Module,
        ordinals: Mapping[str, int],
        *,
        n_features: int,
        spatial: bool,
        sizes: Sizes,
        name: str,
    ) -> None:
        super().__init__()
        self.trunk, self.name = trunk, name
        self.n_features, self.spatial, self.sizes = n_features, spatial, sizes
        self._stages = plan_stages(trunk, ordinals)

    def forward(self, x: Tensor) -> Tensor:
        """Features of a batch of normalised images."""
        self.check_size(*x.shape[-2:])
        with fast_gradients(x):
            features: Tensor = self.trunk(x)
        return features

    def check_size(self, *sides: int) -> None:
        """Refuse image sides that the forward does not take, with a ValueError."""
        for side in sides:
            self.sizes.check(self.name, side)

    def layers(self) -> list[LayerGroup]:
        """The layer groups, input side first; together they own every parameter once."""
        module, parameter = self.trunk.get_submodule, self.trunk.get_parameter
        return [
            LayerGroup(f"stage{i}", tuple(map(module, modules)), tuple(map(parameter, bare)))
            for i, (modules, bare) in enumerate(self._stages)
        ]


def plan_stages(trunk: nn.Module, ordinals: Mapping[str, int]) -> list[Stage]:
    """Stages in the order of ``ordinals``, each with the largest modules that are wholly its own.

    A parameter whose module is shared between stages (a class token) is listed bare. A tied weight
    belongs to the stage of the name under which ``ordinals`` has it.
    """
    owner = {id(trunk.get_parameter(path)): ordinal for path, ordinal in ordinals.items()}
    stages: dict[int, Stage] = defaultdict(lambda: ([], []))

    def visit(module: nn.Module, path: str) -> None:
        owners = {owner[id(p)] for p in module.parameters()}
        if path and len(owners) == 1:
            stages[owners.pop()][0].append(path.removesuffix("."))
            return
        for name, parameter in module.named_parameters(recurse=False):
            stages[owner[id(parameter)]][1].append(f"{path}{name}")
        for name, child in module.named_children():
            visit(child, f"{path}{name}.")

    visit(trunk, "")
    return [stages[ordinal] for ordinal in sorted(stages)]
