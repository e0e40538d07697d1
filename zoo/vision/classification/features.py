"""A frozen body sees each photo once: its pooled features, kept on disk, then live on the device.

How features are kept, `zoo.core.training.features` says. What is of photos: how they are cut and
mirrored tells one look from another, and photos that vary by a draw have a file per pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.core.batches import Batch, TensorBatches
from zoo.core.contents import Hashes
from zoo.core.training.features import Look, computed, features_and_targets
from zoo.vision.classification.model import PhotoLearner
from zoo.vision.data.batches import PhotoBatches
from zoo.vision.data.cache import Items, cache_folder
from zoo.vision.models.classifier import Classifier

BATCH_SIZE: Final = 32


class Features(nn.Module):
    """The body with the head's pooling. Shape: (B, 3, H, W) -> (B, d)."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        """Pooled features."""
        return self.classifier.pooled(x)


@dataclass(frozen=True)
class Pass:
    """One pass over photos in order.

    Args:
        photos: what is seen, unshuffled.
        epoch: number of its draws, where photos are varied.
        mirrored: whether mirror images are seen.
    """

    photos: PhotoBatches
    epoch: int = 0
    mirrored: bool = False

    def batches(self) -> Iterator[Batch]:
        """The batches of the pass, whose last photo fills them up to `BATCH_SIZE`.

        So a photo's features do not depend, in their last bit, on how many others it came with.
        """
        photos = self.photos if self.photos.augment else replace(self.photos, batch_size=BATCH_SIZE)
        for batch in photos.epoch(self.epoch):
            (x,) = batch.inputs
            x = x.flip(-1) if self.mirrored else x
            lacking = max(BATCH_SIZE - len(x), 0)
            filled = torch.cat([x, x[-1:].expand(lacking, -1, -1, -1)])
            yield batch._replace(inputs=(filled,))

    def key(self) -> str | None:
        """Text that identifies the file of the pass, or None for a user's own data set."""
        photos = self.photos
        if not isinstance(photos.items, Items):
            return None
        looks = (photos.size, photos.mean, photos.std, self.mirrored, photos.items.how())
        if photos.augment is None:
            return repr(looks)
        draws = (photos.augment, photos.seed, self.epoch, photos.batch_size)
        return repr((looks, draws, photos.items.fingerprint()))

    def names(self) -> Hashes:
        """What each photo is found by: its content, or its place among the draws. Shape: (n,)"""
        items = self.photos.items
        if isinstance(items, Items) and self.photos.augment is None:
            return items.hashes
        return np.arange(len(items), dtype=np.uint64)

    def of(self, rows: NDArray[np.int64]) -> Pass:
        """The pass over some of its photos; all of them if they vary by a draw."""
        photos = self.photos
        if not isinstance(photos.items, Items) or len(rows) == len(photos):
            return self
        some = photos.items.take(rows.tolist())
        return replace(self, photos=replace(photos, items=some, targets=photos.targets[rows]))


@dataclass(frozen=True)
class FeatureBatches:
    """Features in the place of photos; the photos are kept to go back to.

    Args:
        photos: what the features are of.
        tensors: features and targets on the device.
    """

    photos: PhotoBatches
    tensors: TensorBatches

    def __len__(self) -> int:
        return len(self.tensors)

    def steps(self, epoch: int) -> int:
        """Number of batches in an epoch."""
        return self.tensors.steps(epoch)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch. Shape: one input (B, d)."""
        return self.tensors.epoch(epoch, start)

    def fingerprint(self) -> str:
        """A digest of the photos and of how often each is seen; the body computes the rest."""
        return f"{self.photos.fingerprint()} {len(self.tensors)}"

    def shard(self, rank: int, world: int) -> FeatureBatches:
        """A process's part of every batch."""
        return replace(self, tensors=self.tensors.shard(rank, world))


def on_features(learn: PhotoLearner, versions: int = 0) -> None:
    """Go on with precomputed features: the body, frozen, sees every photo once.

    An epoch then takes milliseconds; the head trains as it would on photos that pass a frozen body.
    `on_photos` goes back.

    Args:
        learn: a learner for photos.
        versions: augmented versions of each training photo, beside the photo itself.

    Raises:
        ValueError: its data are no photos, the body's statistics would move, or versions of photos
            that are not augmented are asked for.
    """
    train, valid = photos_of(learn)
    if learn.batchnorm == "live":
        raise ValueError(
            "features must be those of a body that stays as it is, got batchnorm='live', by which "
            "its statistics follow the photos. Use 'thawed' or 'fixed'."
        )
    if versions < 0 or (versions and train.augment is None):
        raise ValueError(
            f"versions must be augmented photos, got {versions=} with augment={train.augment}. "
            "Use versions=0, or an augmentation."
        )
    learn.freeze()
    plain, varied = replace(train, augment=None, shuffle=False), replace(train, shuffle=False)
    passes = [Pass(plain), *(Pass(varied, epoch) for epoch in range(versions))]
    of_train = _feature_batches(learn, train, passes, shuffle=True)
    of_valid = valid and _feature_batches(learn, valid, [Pass(valid)], shuffle=False)
    learn.set_data(learn.data._replace(train=of_train, valid=of_valid))


def on_photos(learn: PhotoLearner) -> None:
    """Go back to the photos, the head as it is; nothing to do where photos are seen already."""
    train, valid = photos_of(learn)
    learn.set_data(learn.data._replace(train=train, valid=valid))


def photos_of(learn: PhotoLearner) -> tuple[PhotoBatches, PhotoBatches | None]:
    """The photos to train and to validate on, also where the learner is shown their features.

    Raises:
        ValueError: the learner has other data.
    """
    parts: Any = (learn.data.train, learn.data.valid)
    train, valid = (part and getattr(part, "photos", part) for part in parts)
    if not isinstance(train, PhotoBatches):
        raise ValueError(
            "a learner of zoo.vision must have photos, got "
            f"{type(train).__name__}. Make one by zoo.vision.learner(data, pretrained=...)."
        )
    return train, valid


def plain_passes(photos: PhotoBatches) -> list[Pass]:
    """The pass over photos as they are, and one over mirror images if they may be flipped."""
    augment: Any = photos.augment
    plain = Pass(replace(photos, augment=None, shuffle=False))
    flips = augment is not None and (augment.flip or augment.dihedral)
    return [plain, replace(plain, mirrored=True)] if flips else [plain]


def looks(learn: PhotoLearner) -> list[Look]:
    """What a probe sees: the photos as they are, and their mirror images if they may be flipped."""
    return [look_of(learn, one) for one in plain_passes(photos_of(learn)[0])]


def plain_look(learn: PhotoLearner, photos: Any) -> Look:
    """Photos, or the features of photos, as they are, as the body of a learner sees them."""
    own = getattr(photos, "photos", photos)
    return look_of(learn, Pass(replace(own, augment=None, shuffle=False)))


def look_of(learn: PhotoLearner, one: Pass) -> Look:
    """A pass as the body of a learner sees it."""
    classifier: Any = learn.model
    key = one.key()
    return Look(
        one.photos.targets,
        one.names(),
        classifier.head.width,
        lambda rows: computed(learn, Features(classifier), one.of(rows).batches()),
        classifier.body.state_dict(),
        None if key is None else (key, classifier.head.pool),
        cache_folder(),
    )


def _feature_batches(
    learn: PhotoLearner, photos: PhotoBatches, passes: Sequence[Pass], *, shuffle: bool
) -> FeatureBatches:
    form: dict[str, Any] = {"batch_size": photos.batch_size, "seed": photos.seed}
    rows = features_and_targets(learn, [look_of(learn, one) for one in passes])
    tensors = TensorBatches(*rows, shuffle=shuffle, device=learn.device, **form)
    return FeatureBatches(photos, tensors)
