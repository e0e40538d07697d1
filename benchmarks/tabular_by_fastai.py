"""Adult as fastai 2.8 does it, for the program that compares.

fastai is no dependency of this project: `pip install fastai` in an environment that has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

try:
    from fastai.tabular.all import (
        Callback,
        CancelValidException,
        Categorify,
        CategoryBlock,
        FillMissing,
        Normalize,
        TabularPandas,
        accuracy,
        set_seed,
        tabular_learner,
    )
except ModuleNotFoundError as error:
    raise SystemExit(
        f"this program compares with fastai 2.8, and {error.name!r} is not installed: "
        "pip install fastai"
    ) from None

__all__ = ["NoValidation", "learner", "set_seed", "silent"]


class NoValidation(Callback):
    """Leaves the validation part of an epoch out."""

    def before_validate(self) -> None:
        """Go on with the next epoch."""
        raise CancelValidException


def learner(
    frame: pd.DataFrame, target: str, valid: Sequence[int], categories: list[str], batch_size: int
) -> Any:
    """What fastai's documentation does with Adult: its preprocessing, its network, its optimizer.

    Args:
        frame: all rows.
        target: the column to predict.
        valid: positions of the rows to validate on.
        categories: columns that are such; the others are numbers.
        batch_size: rows per step.
    """
    is_valid = set(valid)
    table = TabularPandas(
        frame,
        procs=[Categorify, FillMissing, Normalize],
        cat_names=categories,
        cont_names=[name for name in frame.columns if name not in (*categories, target)],
        y_names=target,
        y_block=CategoryBlock(),
        splits=([i for i in range(len(frame)) if i not in is_valid], list(valid)),
    )
    return tabular_learner(table.dataloaders(bs=batch_size), metrics=accuracy)


@contextlib.contextmanager
def silent(learn: Any) -> Iterator[None]:
    """Neither its table nor its bar inside."""
    with learn.no_bar(), learn.no_logging():
        yield
