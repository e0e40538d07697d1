"""Test-time augmentation: a photo is looked at several times, and the views are averaged.

A drawn view varies every photo alike, so that what is said of a photo depends neither on the photos
beside it nor on its place among them.

Source of the defaults: fastai 2.8, `Learner.tta` (four augmented views, a quarter for the plain
one); the fixed crops and their share are fastai 1.0's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from zoo.core.batches import Batch
from zoo.core.placed import Placed
from zoo.core.task import Task
from zoo.vision.data.augment import Augment, fixed_draws
from zoo.vision.data.batches import ItemSource, PhotoBatches
from zoo.vision.data.pixel_file import Pixels

SHIFTS: Final = Augment(flip=0, rotate=0, zoom=1, warp=0, lighting=0, p=0)
"""For models that were trained without augmentation: the crop lies elsewhere, no more."""

SIDES: Final = (True, False)


@dataclass(frozen=True, kw_only=True)
class TTA:
    """How a photo is looked at again.

    Args:
        n: further views of it.
        plain: share of the plain view in the mean, 0..1.
        augment: how the views vary; None takes what the model was trained with.
        crops: four corners, then the same mirrored if mirror images are alike to the model, instead
            of drawn views; n is not looked at.

    Raises:
        ValueError: there is no view, or the share is out of range.
    """

    n: int = 4
    plain: float = 0.25
    augment: Augment | None = None
    crops: bool = False

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.plain < 1:
            raise ValueError(
                "n must be 1 or more and plain from 0 to below 1, got "
                f"n={self.n}, plain={self.plain}. The defaults suit most."
            )


CROPS: Final = TTA(plain=0.4, crops=True)
Wish = bool | Literal["crops"] | TTA
"""True takes the defaults, "crops" `CROPS`."""


def chosen(tta: Wish) -> TTA | None:
    """What is wished for; None for no augmentation.

    Raises:
        ValueError: it is none of the known wishes.
    """
    known: dict[object, TTA | None] = {False: None, True: TTA(), "crops": CROPS}
    if isinstance(tta, TTA):
        return tta
    if not isinstance(tta, (bool, str)) or tta not in known:
        raise ValueError(f"tta must be True, False, 'crops' or a TTA, got {tta=}. Try True.")
    return known[tta]


@dataclass(frozen=True)
class Views:
    """Each photo plain and varied: batches with an input for every view.

    Args:
        plain: the photos, in order.
        varied: the augmentation of each further view.
    """

    plain: PhotoBatches
    varied: Sequence[View]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches. Shape: (B, 3, size, size) for each view."""
        views = [replace(self.plain, augment=augment) for augment in self.varied]
        passes = [view.epoch(number, start) for number, view in enumerate(views)]
        for first, *others in zip(self.plain.epoch(epoch, start), *passes, strict=True):
            yield first._replace(inputs=(*first.inputs, *(view.inputs[0] for view in others)))


@dataclass(frozen=True)
class View:
    """One further look, the same for every photo: drawn, or a fixed crop.

    Args:
        augment: how far it may vary.
        corner: whether a crop is at the left edge, and whether at the upper one; None draws.
    """

    augment: Augment
    corner: tuple[bool, bool] | None = None

    def draws(self, n: int, *seed: int) -> Tensor:
        """Draws of (seed, view), whatever the step: one row for all photos. Shape: (n, 18)."""
        if self.corner is None:
            return self.augment.draws(1, *seed[:2]).expand(n, -1)
        left, top = (0.0 if is_first else None for is_first in self.corner)
        return fixed_draws(n, left=left, top=top)

    def __call__(self, photos: Tensor, sizes: Tensor, draws: Tensor, size: int) -> Tensor:
        """Shape: as `Augment`."""
        return self.augment(photos, sizes, draws, size)


def views_of(
    photos: PhotoBatches, tta: TTA, trained_with: Augment | None
) -> tuple[Views, list[float]]:
    """The photos in several views, and the share of each in the mean.

    Args:
        photos: in order, unvaried.
        tta: how to look.
        trained_with: the model's augmentation.
    """
    augment = tta.augment or trained_with or SHIFTS
    varied = [View(augment)] * tta.n
    if tta.crops:
        flips = (0.0, 1.0) if augment.flip or augment.dihedral else (0.0,)
        shifts = [replace(SHIFTS, flip=flip) for flip in flips]
        varied = [View(one, (left, top)) for one in shifts for left in SIDES for top in SIDES]
    shares = [tta.plain] + [(1 - tta.plain) / len(varied)] * len(varied)
    kept = Remembered(photos.items, (photos.threads + 2) * photos.batch_size)
    return Views(replace(photos, items=kept), varied), shares


def in_views(
    placed: Placed[Any], photos: PhotoBatches, task: Task, tta: TTA | None, augment: Augment | None
) -> tuple[Placed[Any], Iterator[Batch], Task]:
    """Networks, batches and task, perhaps for several views of each photo.

    Args:
        placed: the networks.
        photos: in order, unvaried.
        task: loss, decoding and metrics of plain outputs.
        tta: how to look; None leaves all as it is.
        augment: the model's augmentation.
    """
    if tta is None:
        return placed, photos.epoch(0), task
    views, shares = views_of(photos, tta, augment)
    networks = [Viewed(network) for network in placed.ready]
    return replace(placed, members=networks), views.epoch(0), blended(task, shares)


class Viewed(nn.Module):
    """A network that is shown several views and gives an output for each."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *views: Tensor) -> list[Any]:
        """Outputs, one per view."""
        return [self.network(view) for view in views]


def blended(task: Task, shares: Sequence[float]) -> Task:
    """The task on outputs of several views: predictions are averaged by these shares, and scored.

    Raises:
        ValueError: the task has no loss of predictions.
    """
    score = task.score
    if score is None:
        raise ValueError(f"views are averaged where predictions have a loss, got {task=!r:.100}.")

    def decode(outputs: Sequence[Any]) -> Tensor:
        rows = [task.decode(output).float() for output in outputs]
        return torch.stack([share * one for share, one in zip(shares, rows, strict=True)]).sum(0)

    def loss(outputs: Sequence[Any], target: Tensor) -> tuple[Tensor, Tensor | int]:
        return score(decode(outputs), target)

    return Task(loss, decode, task.metrics, score=score)


class Remembered:
    """Items of which the last ones asked for are kept, so that views share one decoding."""

    def __init__(self, items: ItemSource, n: int) -> None:
        self.items, self._get = items, lru_cache(n)(items.__getitem__)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int, /) -> Pixels:
        """One photo. Shape: (H, W, 3), uint8."""
        return self._get(i)

    def fingerprint(self) -> str:
        """That of the items."""
        return self.items.fingerprint()
