"""The verbs of the domain: `train`, `finetune` and `learner`.

The defaults were compared on splits of Adult's training file alone (`scripts/tabular_recipe.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch
from torch.optim import Optimizer

from zoo.core.messages import quoted
from zoo.core.model import finished, made, source
from zoo.core.run import Run, seeded
from zoo.core.training.learner import Learner
from zoo.core.training.options import OptimizerName
from zoo.tabular.data.prepared import Uses, batches, prepare
from zoo.tabular.data.splits import Split
from zoo.tabular.data.tables import Name, Table
from zoo.tabular.model import TableModel
from zoo.tabular.models.inputs import embedding_size
from zoo.tabular.models.network import (
    Join,
    ModelName,
    Settings,
    TableNet,
    build_network,
)
from zoo.tabular.options import Options
from zoo.tabular.precision import in_fp32
from zoo.tabular.ranges import scaled_range
from zoo.tabular.spec import Spec, TaskName
from zoo.tabular.stored import Pretrained, opened
from zoo.tabular.task import task_of
from zoo.tabular.transfer import carry_over

BATCH_SIZE, WEIGHT_DECAY = 256, 0.1
TRAIN_EPOCHS, TRAIN_LR = 10, 3e-3
FINETUNE_EPOCHS, FINETUNE_LR = 5, 1e-3


def train(
    data: Table,
    target: Name | Sequence[Name],
    *,
    model: ModelName = "mlp",
    epochs: int = TRAIN_EPOCHS,
    lr: float = TRAIN_LR,
    **options: Unpack[Options],
) -> TableModel:
    """A model trained on a table from random weights, by one cycle.

    Args:
        data: a DataFrame, or the path of a CSV or Parquet file.
        target: the column to predict, or several of a regression.
        model: "mlp", the entity-embedding network, or "tabm", stronger and slower.
        epochs: passes over the training rows.
        lr: highest rate.
        **options: see `zoo.tabular.options.Options`.

    Raises:
        ValueError: columns, target, split or settings do not suit.
        FileNotFoundError: there is no such file.

    Example:
        zoo.tabular.train("sales.csv", "Sales", time="Date").predict("tomorrow.csv")
    """
    learn = learner(data, target, model=model, **options)
    learn.fit_one_cycle(epochs, lr)
    found: TableModel = finished(learn)
    return found


def finetune(
    pretrained: Pretrained,
    data: Table,
    target: Name | Sequence[Name] | None = None,
    *,
    epochs: int = FINETUNE_EPOCHS,
    lr: float = FINETUNE_LR,
    **options: Unpack[Options],
) -> TableModel:
    """A pretrained model trained on with another table.

    Columns are matched by name. Known ones keep their kind, statistics and vectors; new categories
    start at the mean of the known, new columns at random; see `zoo.tabular.transfer.carry_over`.
    Validation rows that the pretrained model was trained on are left out, with a warning.

    Args:
        pretrained: the directory or the hub name of a saved model, or a model.
        data: see `train`.
        target: see `train`; None takes the pretrained model's.
        epochs: passes over the training rows.
        lr: highest rate.
        **options: see `zoo.tabular.options.Options`; of the network only its dropouts and
            `y_range` may differ.

    Raises:
        ValueError: see `train`; or no column is shared.
        FileNotFoundError: there is no such file or model.
    """
    spec = opened(pretrained).spec
    known = [column.name for column in spec.targets]
    target = known if target is None else target
    if target in (known, known[0]):
        options.setdefault("task", spec.task)
        options.setdefault("log_target", spec.log_target)
    learn = learner(data, target, pretrained=pretrained, **options)
    learn.fit_one_cycle(epochs, lr)
    found: TableModel = finished(learn)
    return found


def learner(  # noqa: D417 - `Options` describes the others
    data: Table,
    target: Name | Sequence[Name],
    *,
    model: ModelName = "mlp",
    pretrained: Pretrained | None = None,
    task: TaskName | None = None,
    categories: Sequence[Name] = (),
    numbers: Sequence[Name] = (),
    ignore: Sequence[Name] = (),
    log_target: bool = False,
    valid: Any = None,
    valid_fraction: float = 0.2,
    time: Name | None = None,
    group: Name | None = None,
    batch_size: int = BATCH_SIZE,
    layers: Sequence[int] | None = None,
    dropout: float | None = None,
    embedding_dropout: float | None = None,
    sizes: dict[Name, int] | None = None,
    join: Join | None = None,
    bins: int | None = None,
    d_number: int | None = None,
    k: int | None = None,
    y_range: tuple[float, float] | Sequence[tuple[float, float]] | None = None,
    label_smoothing: float = 0.0,
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer] = "adamw",
    weight_decay: float = WEIGHT_DECAY,
    clip: float | None = None,
    accumulate: int = 1,
    callbacks: Sequence[Any] = (),
    run: Run | None = None,
) -> Learner[Any, Any]:
    """The learner for the step-by-step way: find a rate, fit, fit again.

    `learner.as_model()` gives what `train` returns, `learner.save(directory)` its artifact.

    Args:
        data: see `train`.
        target: see `train`.
        model: see `train`; a pretrained model's own otherwise.
        pretrained: see `finetune`; None starts from random weights.
        The others: see `zoo.tabular.options.Options`.
    """
    run = in_fp32(run or Run())
    start = None if pretrained is None else opened(pretrained)
    prepared = prepare(
        data,
        Uses(target, task, categories, numbers, ignore, log_target),
        Split(valid, valid_fraction, time, group, run.seed),
        None if start is None else start.spec,
        None if start is None else start.seen_rows,
    )
    spec, x_cont = prepared.spec, prepared.train[0][1]
    settings = _given(
        layers=layers,
        dropout=dropout,
        embedding_dropout=embedding_dropout,
        join=join,
        bins=bins,
        d_number=d_number,
        k=k,
        y_range=scaled_range(y_range, spec),
        sizes=_sizes(sizes, spec),
    )
    with seeded(run.seed):
        net = _network(model, spec, x_cont, start, settings)
    told = {
        "pretrained": _called(pretrained),
        "rows": len(x_cont),
        "valid_fraction": valid_fraction,
        "batch_size": batch_size,
        "label_smoothing": label_smoothing,
    }
    return Learner(
        net,
        batches(prepared, run, batch_size=batch_size),
        task_of(spec, label_smoothing=label_smoothing),
        batchnorm="live",
        optimizer=optimizer,
        weight_decay=weight_decay,
        clip=clip,
        accumulate=accumulate,
        callbacks=callbacks,
        as_model=partial(
            made,
            kind=partial(
                TableModel,
                licence="unknown" if start is None else start.licence,
                extra=None if start is None else start.extra,
            ),
            data=source(data),
            told=told,
            seen_before=None if start is None else start.seen_rows,
        ),
        run=run,
    )


def _called(pretrained: Pretrained | None) -> str:
    """What the card says that training started from: no folders of this machine."""
    if pretrained is None or isinstance(pretrained, TableModel):
        return "" if pretrained is None else "a model"
    return Path(pretrained).name if Path(pretrained).exists() else str(pretrained)


def _network(
    model: str, spec: Spec, x_cont: torch.Tensor, start: TableModel | None, settings: Settings
) -> TableNet:
    if start is not None:
        return carry_over(start.members[0], start.spec, spec, x_cont, settings)
    net = build_network(model, spec.table_rows, len(spec.numbers), spec.n_out, **settings)
    net.fit_inputs(x_cont)
    return net


def _sizes(sizes: dict[Name, int] | None, spec: Spec) -> list[int] | None:
    """Width of every embedding, those of the named columns as given."""
    if sizes is None:
        return None
    names = [category.name for category in spec.categories]
    unknown = [name for name in sizes if name not in names]
    if unknown:
        raise ValueError(
            f"sizes must be of columns of categories, got {quoted(unknown)}, none of "
            f"{quoted(names)}. Name them in categories= too."
        )
    usual = [embedding_size(n) for n in spec.table_rows]
    return [sizes.get(n, d) for n, d in zip(names, usual, strict=False)] + usual[len(names) :]


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _given(**settings: Any) -> Settings:
    """Those settings that are chosen, NumPy's numbers as Python's."""
    chosen: Any = {name: _plain(value) for name, value in settings.items() if value is not None}
    return chosen  # type: ignore[no-any-return]
