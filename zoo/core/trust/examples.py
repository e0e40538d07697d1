"""Training examples that a model keeps as evidence, if its user has asked for that.

They tell of single rows: they stay in the user's own artifact, and no publication holds them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.neighbours import most_alike

if TYPE_CHECKING:
    import pandas as pd

SHOWN: Final = 5  # examples beside an explanation
VECTORS, COLUMNS = "vectors", "columns"  # tensors of the file; columns are bytes of JSON


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples that a model was trained on.

    Args:
        vectors: those that the model has of them. Shape: (n, d), float16
        columns: what is shown of them, as text; n cells each.
    """

    vectors: NDArray[np.float16]
    columns: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], columns: Mapping[str, Sequence[Any]]) -> Self:
        """Those of vectors, whatever cells are. Shape: (n, d)"""
        shown = {str(name): [*map(str, cells)] for name, cells in columns.items()}
        return cls(vectors.astype(np.float16), shown)

    def alike(self, vector: NDArray[np.float32], k: int = SHOWN) -> pd.DataFrame:
        """The k that are most alike a vector, the nearest first, see `most_alike`. Shape: (d,)"""
        columns: Any = self.columns
        return most_alike(vector, self.vectors.astype(np.float32), k, **columns)

    def tensors(self) -> dict[str, Tensor]:
        """For the artifact."""
        data = json.dumps(dict(self.columns), ensure_ascii=False).encode()
        written = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        return {VECTORS: torch.from_numpy(self.vectors), COLUMNS: written}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """What `tensors` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            vectors = tensors[VECTORS].half().numpy()
            columns = json.loads(tensors[COLUMNS].numpy().tobytes())
            sizes = {len(cells) for cells in columns.values()}
        except (KeyError, AttributeError, TypeError, RuntimeError) as error:
            raise ValueError(f"they lack {VECTORS!r} or {COLUMNS!r}") from error
        if vectors.ndim != 2 or sizes != {len(vectors)} or not np.isfinite(vectors).all():
            raise ValueError("there must be a finite vector for each example")
        return cls(vectors, {str(name): [*map(str, c)] for name, c in columns.items()})
