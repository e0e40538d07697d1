"""A table without the rows, and with the targets, that a table of fixes says."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.core.trust.fixes import corrections
from zoo.tabular.data.contents import cell_hashes
from zoo.tabular.options import Name


def mended(
    frame: pd.DataFrame, targets: Sequence[Name], fix: str | os.PathLike[str]
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """The rows that fixes leave, with the targets that they correct, and their numbers (k,).

    Raises:
        ValueError: they are fixes of other data, or change labels where there are several targets.
    """
    keys = [*map(str, range(len(frame)))]
    mends = corrections(fix, keys, lambda rows: cell_hashes(frame.iloc[rows]))
    if mends.labels and len(targets) != 1:
        raise ValueError(
            f"a suggested label must be that of one target, got {len(targets)} targets. Leave only "
            "lines without a suggested label in the table of fixes."
        )
    if mends.labels:
        target = targets[0]
        column = frame[target].astype(object)
        known = column.dropna()
        like = known.iloc[0] if len(known) else ""
        cells = pd.Series(mends.relabelled(column.tolist(), like), index=frame.index, dtype=object)
        frame = frame.copy()
        frame[target] = cells.infer_objects()
    return frame.iloc[mends.rows], mends.rows
