"""From a user's table to batches: target, split, columns fitted on the training rows, tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pandas as pd
from torch import Tensor

from zoo.core.batches import Data, TensorBatches
from zoo.core.run import Run
from zoo.tabular.columns import fit_columns
from zoo.tabular.encode import Encoder, text_columns
from zoo.tabular.spec import Category, Number, Spec, Target, TaskName
from zoo.tabular.splits import Split, divide
from zoo.tabular.tables import Name, Table, read_table, require_columns
from zoo.tabular.targets import encode_targets, fit_targets, guess_task, with_targets

EVALUATION_ROWS: Final = 4096  # a batch, where nothing is learnt
LEAST_BATCH: Final = 4  # rows; smaller ones could leave a single row to a batch norm


@dataclass(frozen=True)
class Uses:
    """What the columns of a table are for.

    Attributes:
        target: one or several columns to predict.
        task: None tells classification and regression apart by the target's values.
        categories: inputs that are categories whatever they look like.
        numbers: inputs that are numbers whatever they look like.
        ignore: columns that are no inputs.
        log_target: learn the logarithm of the target.
    """

    target: Name | Sequence[Name]
    task: TaskName | None = None
    categories: Sequence[Name] = ()
    numbers: Sequence[Name] = ()
    ignore: Sequence[Name] = ()
    log_target: bool = False

    @property
    def targets(self) -> list[Name]:
        """The target or targets as a list."""
        return [self.target] if isinstance(self.target, (str, int)) else list(self.target)


class Prepared(NamedTuple):
    """A table ready to learn from: its spec, and the rows of both parts on the CPU."""

    spec: Spec
    train: tuple[tuple[Tensor, Tensor], Tensor]
    valid: tuple[tuple[Tensor, Tensor], Tensor] | None


def prepare(data: Table, uses: Uses, split: Split, known: Spec | None = None) -> Prepared:
    """The table's spec and tensors; nothing but the training rows decides the spec.

    Args:
        data: see `read_table`.
        uses: what its columns are for.
        split: which rows are validated on.
        known: spec of a pretrained model: columns of the same names keep their kind and
            statistics, known categories their numbers, a known target its scale and classes.

    Raises:
        ValueError: columns, target or split do not suit; see the parts.
    """
    names = uses.targets
    frame = read_table(data, as_text=[] if known is None else text_columns(known))
    require_columns(frame, names, "the target")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"a target is a column, named once, however target={names}; name it")
    frame = with_targets(frame, names)
    task = uses.task or (guess_task(frame[names[0]]) if len(names) == 1 else "regression")
    classes = frame[names[0]] if task == "classification" else None
    train, valid = divide(frame, split, classes)
    apart = [
        name
        for name in (split.time, split.group)
        if name is not None and name not in uses.categories and name not in uses.numbers
    ]
    columns = fit_columns(
        train,
        categories=uses.categories,
        numbers=uses.numbers,
        ignore=[*names, *(n for n in dict.fromkeys([*uses.ignore, *apart]) if n not in names)],
        known=_known(known),
    )
    targets = fit_targets(train, names, task, log_target=uses.log_target)
    if known is not None and (known.task, known.log_target) == (task, uses.log_target):
        targets = tuple(_keep(target, known) for target in targets)
    spec = Spec(
        task, columns.categories, columns.numbers, targets, uses.log_target, columns.left_out
    )
    return Prepared(
        spec,
        encode(train, spec),
        None if valid is None else encode(with_targets(valid, names), spec),
    )


def encode(frame: pd.DataFrame, spec: Spec) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Inputs and target of labelled rows, on the CPU.

    Raises:
        ValueError: columns lack, or cells do not suit.
    """
    require_columns(frame, [target.name for target in spec.targets], "the target")
    return Encoder(spec).table(frame), encode_targets(frame, spec)


def batches(prepared: Prepared, run: Run, *, batch_size: int) -> Data:
    """Both parts as whole tensors on the run's device.

    Raises:
        ValueError: batches are too small.
    """
    if batch_size < LEAST_BATCH:
        raise ValueError(
            f"a batch has at least {LEAST_BATCH} rows, however {batch_size=}; 256 suits most"
        )
    device = run.torch_device()
    train = TensorBatches(*prepared.train, batch_size=batch_size, seed=run.seed, device=device)
    valid = None if prepared.valid is None else still(*prepared.valid, run)
    return Data(train, valid, prepared.spec)


def still(inputs: tuple[Tensor, Tensor], target: Tensor, run: Run) -> TensorBatches:
    """Rows in their order, in large batches."""
    device = run.torch_device()
    return TensorBatches(inputs, target, batch_size=EVALUATION_ROWS, shuffle=False, device=device)


def _known(spec: Spec | None) -> Mapping[Name, Category | Number]:
    if spec is None:
        return {}
    columns: list[Category | Number] = [*spec.categories, *spec.numbers]
    return {column.name: column for column in columns}


def _keep(target: Target, known: Spec) -> Target:
    """A pretrained model's target of the same name: its scale, its classes and then new ones."""
    old: Any = next((t for t in known.targets if t.name == target.name), None)
    if old is None:
        return target
    if known.task == "regression":
        return Target(target.name, (), old.mean, old.std)
    new = tuple(
        c for c in target.classes if not any(c == o and type(c) is type(o) for o in old.classes)
    )
    return Target(target.name, (*old.classes, *new))
