"""From a user's table to batches: target, split, columns fitted on the training rows, tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor

from zoo.core.batches import Data, Origin, TensorBatches
from zoo.core.contents import Hashes
from zoo.core.run import Run
from zoo.core.seen_rows import SeenRows, new_rows
from zoo.core.split import warn_of_marked_parts
from zoo.data.table import require_columns
from zoo.tabular.data.columns import fit_columns, is_saved_index
from zoo.tabular.data.contents import NATURAL_TWINS, natural_twins, require_other_rows, row_hashes
from zoo.tabular.data.distributions import fit_distributions
from zoo.tabular.data.encode import Encoder, Lookup, text_columns
from zoo.tabular.data.mended import mended
from zoo.tabular.data.splits import divide, is_table, mask_of
from zoo.tabular.data.tables import ALL_INPUTS, Table, read_table
from zoo.tabular.data.targets import (
    encode_targets,
    fit_targets,
    is_still,
    labelled,
    task_of_targets,
    with_targets,
)
from zoo.tabular.data.weights import row_weights, weights_of, with_weights
from zoo.tabular.options import Name, Options, TaskName
from zoo.tabular.spec import Category, Cells, Spec, Target

EVALUATION_ROWS: Final = 4096  # a batch, where nothing is learnt
LEAST_BATCH: Final = 4  # rows; smaller ones could leave a single row to a batch norm
NAMED: Final = "was named in"  # in `Spec.left_out`; further training obeys
NO_INPUT: Final = f"{NAMED} ignore, time, group or weights"


class Prepared(NamedTuple):
    """A table ready to learn from: its spec, and the rows of both parts on the CPU.

    `rows` are content hashes of the training rows; None where rows repeat by nature. `origin`
    tells which of the table's rows are validated on, where they were drawn from it. `weights` say
    how much each training row counts, if not all count alike.
    """

    spec: Spec
    train: tuple[tuple[Tensor, Tensor], Tensor]
    valid: tuple[tuple[Tensor, Tensor], Tensor] | None
    rows: Hashes | None = None
    origin: Origin | None = None
    weights: Tensor | None = None


def prepare(
    data: Table,
    target: Name | Sequence[Name] | None,
    settings: Options,
    earlier: Spec | None = None,
    earlier_rows: SeenRows | None = None,
) -> Prepared:
    """The table's spec and tensors; nothing but the training rows decides the spec.

    Args:
        data: a DataFrame or the path of a table, as for `read_table`.
        target: one or several columns to predict.
        settings: all options of the verb.
        earlier: spec of a pretrained model: columns of the same names keep their kind and
            statistics, its categories their numbers, its target the scale and classes, and what
            was to be no input is none.
        earlier_rows: rows that the pretrained model was trained on; none of them is validated on.

    Raises:
        ValueError: columns, target or split do not suit.
    """
    names = [target] if isinstance(target, (str, int)) else [*(() if target is None else target)]
    frame = read_table(data, *(() if earlier is None else (text_columns(earlier), earlier.columns)))
    _require_targets(frame, names)
    stated, ignored = settings["valid"], settings["ignore"]
    mask = None if stated is None or is_table(stated) else mask_of(stated, frame)
    if settings["fix"] is not None:
        frame, kept = mended(frame, names, settings["fix"])
        mask = None if mask is None else mask[kept]
    if mask is not None:
        settings = {**settings, "valid": mask[labelled(frame, names)]}
    names_of_rows: Any = frame.index
    frame = with_targets(frame.set_axis(range(len(frame))), names)
    task = task_of_targets(frame, names, settings["task"])
    classes = frame[names[0]] if task == "classification" else None
    if stated is None:
        warn_of_marked_parts(frame, [*names, *ignored, settings["group"]])
    no_content = [n for n in frame.columns if n in ignored or is_saved_index(frame[n], n)]
    train, valid = divide(frame, settings, classes, no_content)
    own = None if settings["weights"] is None else row_weights(train, settings["weights"])
    if own is not None:
        train, own = train[own > 0], own[own > 0]
        own = own if np.ptp(own) > 0 else None  # alike, as without weights
    spec = _spec(train, names, task, settings, earlier)
    encoded = encode(train, spec)
    columns = encoded[0][0], spec.categories, spec.numbers
    spec = replace(spec, distributions=fit_distributions(train, *columns))
    by_class = settings["class_weights"] if task == "classification" else None
    weights = weights_of(own, by_class, encoded[1], spec)
    rows = row_hashes(train, spec)
    natural = natural_twins(train, spec, rows)
    known = rows if natural <= NATURAL_TWINS else None
    if valid is None:
        return Prepared(spec, encoded, None, known, weights=weights)
    drawn = stated is None
    require_columns(valid, names, "the target")
    valid = with_targets(valid, names)
    if stated is not None:
        require_columns(valid, spec.inputs, ALL_INPUTS)
        require_other_rows(rows, row_hashes(valid, spec), natural)
    if earlier_rows is not None and earlier is not None:
        valid = _new_rows(valid, earlier, earlier_rows, names, drawn=drawn)
        if not len(valid):
            return Prepared(spec, encoded, None, known, weights=weights)
    origin = Origin(names_of_rows, valid.index.to_numpy(np.int64)) if drawn else None
    return Prepared(spec, encoded, encode(valid, spec), known, origin, weights)


def _require_targets(frame: pd.DataFrame, names: Sequence[Name]) -> None:
    """Refuse targets that are missing, none, or named twice."""
    require_columns(frame, names, "the target")
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"target must be a column, or several that are named once each, got target={names}. "
            "Name the column to predict."
        )


def _spec(
    train: pd.DataFrame, names: list[Name], task: TaskName, settings: Options, earlier: Spec | None
) -> Spec:
    """What the training rows say of columns and targets."""
    categories, numbers = settings["categories"], settings["numbers"]
    log_target, known = settings["log_target"], [*earlier.left_out] if earlier else []
    apart: list[Any] = [settings["time"], settings["group"], settings["weights"]]
    apart += [n for n, why in known if why.startswith(NAMED) and n in train.columns]
    apart = [name for name in apart if name not in (None, *categories, *numbers)]
    ignore = [n for n in dict.fromkeys([*settings["ignore"], *apart]) if n not in names]
    no_inputs = [*names, *ignore]
    columns = fit_columns(
        train, categories=categories, numbers=numbers, ignore=no_inputs, earlier=earlier
    )
    targets = fit_targets(train, names, task, log_target=log_target)
    if earlier is not None and (earlier.task, earlier.log_target) == (task, log_target):
        targets = tuple(_keep(target, earlier) for target in targets)
    left_out = (*columns.left_out, *((name, NO_INPUT) for name in ignore))
    cells: Cells = "alike" if columns.categories else "exact"
    return Spec(task, columns.categories, columns.numbers, targets, log_target, left_out, cells)


def encode(frame: pd.DataFrame, spec: Spec) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Inputs and target of labelled rows, on the CPU.

    Raises:
        ValueError: inputs lack, or cells do not suit.
    """
    return Encoder(spec).table(frame), encode_targets(frame, spec)


def batch_size_of(n_rows: int) -> int:
    """Rows per step for a training part: a twentieth of it, from 16 to 256.

    Small tables need steps: with 256 rows at a time ten epochs of 500 rows are 20 steps, which
    leave a network near the mean (`results/tabular_small.csv`).

    >>> [batch_size_of(n) for n in (100, 1_000, 30_000)]
    [16, 50, 256]
    """
    return min(max(n_rows // 20, 16), 256)


def batches(prepared: Prepared, run: Run, *, batch_size: int) -> Data[Spec]:
    """Both parts as whole tensors on the run's device; training targets carry rows' weights.

    Raises:
        ValueError: batches are too small.
    """
    if batch_size < LEAST_BATCH:
        raise ValueError(
            f"batch_size must be {LEAST_BATCH} or more, got {batch_size=}. Leave it out."
        )
    device = run.torch_device()
    inputs, target = prepared.train
    target = with_weights(target, prepared.weights)
    train = TensorBatches(inputs, target, batch_size=batch_size, seed=run.seed, device=device)
    valid = None if prepared.valid is None else still(*prepared.valid, run)
    return Data(train, valid, prepared.spec, prepared.rows, prepared.origin)


def still(inputs: tuple[Tensor, Tensor], target: Tensor, run: Run) -> TensorBatches:
    """Rows in their order, in large batches."""
    device = run.torch_device()
    return TensorBatches(inputs, target, batch_size=EVALUATION_ROWS, shuffle=False, device=device)


def _new_rows(
    valid: pd.DataFrame,
    earlier: Spec,
    earlier_rows: SeenRows,
    targets: Sequence[Name],
    *,
    drawn: bool,
) -> pd.DataFrame:
    """Validation rows without those of which the pretrained model has learnt a target.

    Where it has learnt all of those that were drawn, none are left.

    Args:
        valid: validation rows.
        earlier: spec of the pretrained model.
        earlier_rows: rows that it was trained on.
        targets: columns to predict.
        drawn: whether the rows were drawn, not stated.

    Raises:
        ValueError: no stated row is left, or nobody knows which ones are new.
    """
    names = [*earlier.inputs, *(target.name for target in earlier.targets)]
    same_target = any(target.name in targets for target in earlier.targets)
    if not same_target or any(name not in valid.columns for name in names):
        return valid
    hashes = row_hashes(valid, earlier)
    return valid[new_rows(hashes, earlier_rows, rows="rows", drawn=drawn)]


def _keep(target: Target, earlier: Spec) -> Target:
    """A pretrained model's target of the same name: its scale, its classes and then new ones."""
    old: Any = next((t for t in earlier.targets if t.name == target.name), None)
    if old is None:
        return target
    if earlier.task == "regression":
        return target if is_still(old) else Target(target.name, (), old.mean, old.std)
    lookup = Lookup(Category(old.name, old.classes))
    new = tuple(value for value in target.classes if not lookup.row(value))
    return Target(target.name, (*old.classes, *new))
