"""The words that options of vision take; it imports no torch, for the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from zoo.vision.data.augment import Augment
else:  # what a shell cannot pass needs no type at run time
    Augment = Any

TaskName = Literal["classification", "multi-label", "regression"]
"""What is asked of a photo; `zoo.vision.classification.task` says what each means."""

AugmentName = Literal["side_on", "top_down", "none"]
"""How photos vary in training: seen from the side, from above, or not at all."""

Augmentation = AugmentName | Augment

Pool = Literal["avg", "avgmax"]
"""How a head pools a feature map: its mean, or mean and maximum side by side."""
