"""What a model makes of labelled photos: predictions beside truths, losses, confusions.

results = model.results("photos/valid")
results.most_confused()
results.plot_top_losses().savefig("worst.png")
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.vision.classification.spec import Spec
from zoo.vision.data.augment import centre_crop
from zoo.vision.data.batches import ItemSource
from zoo.vision.data.cache import Items
from zoo.vision.inspect import figures
from zoo.vision.inspect.figures import Shown, target_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TINY = 1e-12  # least probability whose logarithm is taken
_NAMED = 30  # classes up to which a confusion matrix has numbers in its cells


@dataclass(frozen=True, repr=False)
class Results:
    """Predictions and truths of photos, in their order.

    Attributes:
        spec: the model's spec.
        photos: as the model saw them, before the crop.
        outputs: decoded predictions: probabilities (n, n_classes), or numbers (n, 1).
        truths: numbers of the classes (n,), which labels there are (n, n_classes), or numbers (n,).
    """

    spec: Spec
    photos: ItemSource
    outputs: NDArray[np.float32]
    truths: NDArray[Any]

    def __repr__(self) -> str:
        return f"<Results for {len(self)} photos; {self.spec.task}>"

    def __len__(self) -> int:
        return len(self.truths)

    @property
    def guesses(self) -> NDArray[Any]:
        """Predictions in the form of the truths. Shape: as `truths`."""
        if self.spec.task == "multi-label":
            return np.asarray(self.outputs >= self.spec.threshold)
        is_class = self.spec.task == "classification"
        return self.outputs.argmax(1) if is_class else self.outputs.reshape(-1)

    @property
    def losses(self) -> NDArray[np.float32]:
        """The loss of each photo: cross entropy, or the squared error of numbers. Shape: (n,)."""
        p = self.outputs
        if self.spec.task == "regression":
            losses: NDArray[Any] = np.square(self.guesses - self.truths)
        elif self.spec.task == "multi-label":
            right = np.where(self.truths > 0.5, p, 1 - p)
            losses = -np.log(right.clip(_TINY)).mean(1)
        else:
            losses = -np.log(p[np.arange(len(p)), self.truths].clip(_TINY))
        return np.asarray(losses, dtype=np.float32)

    @property
    def worst(self) -> NDArray[np.int64]:
        """Numbers of the photos, that of the largest loss first. Shape: (n,)."""
        return np.argsort(-self.losses, kind="stable")

    def name(self, i: int) -> str:
        """The file of a photo, or its number where there is none."""
        if isinstance(self.photos, Items):
            return self.photos.files[int(self.photos.rows[i])].as_posix()
        return str(i)

    def top_losses(self, n: int = 9) -> pd.DataFrame:
        """The photos with the largest losses: photo, truth, predicted, loss."""
        _require_some(n)
        worst, losses = self.worst[:n], self.losses
        rows = [(self.name(i), self._truth(i), self._said(i), float(losses[i])) for i in worst]
        return pd.DataFrame(rows, columns=["photo", "truth", "predicted", "loss"])

    def confusion(self) -> pd.DataFrame:
        """How many photos of each class (rows) were taken for each (columns).

        Raises:
            ValueError: the task is no classification.
        """
        if self.spec.task != "classification":
            raise ValueError(
                "confusions must be between the one class of each photo and another, got "
                f"task={self.spec.task!r}. Look at top_losses()."
            )
        n, names = len(self.spec.classes), list(self.spec.classes)
        counts = np.bincount(self.truths * n + self.guesses, minlength=n * n).reshape(n, n)
        truth, predicted = (pd.Index(names, name=side) for side in ("truth", "predicted"))
        return pd.DataFrame(counts, truth, predicted)

    def most_confused(self, least: int = 1) -> pd.DataFrame:
        """Pairs of classes that were confused at least so often: truth, predicted, count."""
        counts, classes = self.confusion().to_numpy(copy=True), self.spec.classes
        np.fill_diagonal(counts, 0)
        cells = zip(*np.nonzero(counts >= max(least, 1)), strict=True)
        rows = [(classes[a], classes[b], int(counts[a, b])) for a, b in cells]
        rows.sort(key=lambda row: -row[2])
        return pd.DataFrame(rows, columns=["truth", "predicted", "count"])

    def plot(self, n: int = 9) -> Figure:
        """Photos, evenly chosen, each with truth and prediction; wrong ones bold."""
        _require_some(n)
        chosen = np.linspace(0, len(self) - 1, min(n, len(self))).round().astype(int)
        return figures.grid(
            [self._shown(int(i)) for i in chosen], title=f"truth / predicted{self._note}"
        )

    def plot_top_losses(self, n: int = 9) -> Figure:
        """The photos with the largest losses, each with truth, prediction and loss."""
        _require_some(n)
        shown = [self._shown(int(i), with_loss=True) for i in self.worst[:n]]
        return figures.grid(shown, title=f"Largest losses: truth / predicted / loss{self._note}")

    def plot_confusion(self, ax: Axes | None = None) -> Axes:
        """The confusion matrix in colours, with its counts if there are few classes."""
        from sklearn.metrics import ConfusionMatrixDisplay

        from zoo.core.pictures import figure_of, new_axes

        table = self.confusion()
        side = min(max(0.45 * len(table) + 2, 4), 14)
        ax = ax or new_axes(figsize=(side, side))
        display = ConfusionMatrixDisplay(table.to_numpy(), display_labels=table.index)
        numbered = len(table) <= _NAMED
        counts = {"include_values": numbered, "values_format": "d", "colorbar": False}
        display.plot(ax=ax, cmap="Blues", xticks_rotation="vertical", **counts)
        if not numbered:
            figure_of(ax).colorbar(display.im_, ax=ax, shrink=0.5, label="photos")
        wrong = len(self) - int(np.trace(table.to_numpy()))
        title = f"Confusions: {wrong} of {len(self)} photos wrong"
        ax.set(title=title, xlabel="predicted", ylabel="truth")
        return ax

    @property
    def _note(self) -> str:
        return "" if self.spec.task == "regression" else " (bold: wrong)"

    def _shown(self, i: int, *, with_loss: bool = False) -> Shown:
        truth, said = self._truth(i), self._said(i)
        text = f"{truth} / {said}" + (f" / {self.losses[i]:.2f}" if with_loss else "")
        wrong = self.spec.task != "regression" and truth != said
        pixels = centre_crop(self.photos[i], self.spec.size)
        return Shown(pixels, text, is_wrong=wrong)

    def _truth(self, i: int) -> str:
        return target_text(self.truths[i], self.spec.classes)

    def _said(self, i: int) -> str:
        return target_text(self.guesses[i], self.spec.classes)


def _require_some(n: Any) -> None:
    if not isinstance(n, Integral) or int(n) < 1:
        raise ValueError(f"n must be 1 photo or more, got {n=!r}. Try n=9.")
