"""The verbs of the domain: `train`, `finetune` and `learner`.

The defaults were compared on splits of Adult's training file alone (`scripts/tabular_recipe.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import torch
from torch.optim import Optimizer

from zoo import __version__
from zoo.core.learner import Learner
from zoo.core.optimizers import OptimizerName
from zoo.core.run import Run, accelerator, rank_and_world, seeded
from zoo.tabular.data import Uses, batches, prepare
from zoo.tabular.models.inputs import embedding_size
from zoo.tabular.models.network import (
    Join,
    ModelName,
    Settings,
    TableNet,
    build_network,
)
from zoo.tabular.options import Options
from zoo.tabular.predictor import TableModel
from zoo.tabular.ranges import scaled_range
from zoo.tabular.spec import Spec, TaskName
from zoo.tabular.splits import Split
from zoo.tabular.stored import Pretrained, opened
from zoo.tabular.tables import Name, Table, few
from zoo.tabular.task import task_of
from zoo.tabular.transfer import carry_over

BATCH_SIZE = 256
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
        **options: see `Options`.

    Raises:
        ValueError: columns, target, split or settings do not suit.
        FileNotFoundError: there is no such file.

    Example:
        zoo.tabular.train("sales.csv", "Sales", time="Date").predict("tomorrow.csv")
    """
    learn = learner(data, target, model=model, **options)
    learn.fit_one_cycle(epochs, lr)
    return _finish(learn)


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

    Args:
        pretrained: the directory or the hub name of a saved model, or a model.
        data: see `train`.
        target: see `train`; None takes the pretrained model's.
        epochs: passes over the training rows.
        lr: highest rate.
        **options: see `Options`; of the network only its dropouts and `y_range` may differ.

    Raises:
        ValueError: see `train`; or no column is shared.
        FileNotFoundError: there is no such file or model.
    """
    start = opened(pretrained)
    if target is None:
        names = [column.name for column in start.spec.targets]
        target = names if len(names) > 1 else names[0]
    options.setdefault("task", start.spec.task)
    options.setdefault("log_target", start.spec.log_target)
    learn = learner(data, target, pretrained=start, **options)
    learn.fit_one_cycle(epochs, lr)
    return _finish(learn)


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
    weight_decay: float = 0.01,
    clip: float | None = None,
    accumulate: int = 1,
    callbacks: Sequence[Any] = (),
    run: Run | None = None,
) -> Learner:
    """The learner for the step-by-step way: find a rate, fit, fit again.

    `learner.as_model()` gives what `train` returns, `learner.save(directory)` its artifact.

    Args:
        data: see `train`.
        target: see `train`.
        model: see `train`; a pretrained model's own otherwise.
        pretrained: see `finetune`; None starts from random weights.
        The others: see `Options`.
    """
    run = run or Run()
    start = None if pretrained is None else opened(pretrained)
    prepared = prepare(
        data,
        Uses(target, task, categories, numbers, ignore, log_target),
        Split(valid, valid_fraction, time, group, run.seed),
        None if start is None else start.spec,
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
        "pretrained": "a model" if isinstance(pretrained, TableModel) else str(pretrained or ""),
        "rows": len(x_cont),
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
            _model,
            spec=spec,
            data=Path(data).name if isinstance(data, (str, os.PathLike)) else type(data).__name__,
            told=told,
            start=start,
        ),
        run=run,
    )


def _network(
    model: str, spec: Spec, x_cont: torch.Tensor, start: TableModel | None, settings: Settings
) -> TableNet:
    if start is not None:
        _require_same_shape(settings)
        shared = set(spec.inputs) & set(start.spec.inputs)
        if not shared:
            raise ValueError(
                "fine-tuning needs columns that the pretrained model knows, however none of "
                f"{few(spec.inputs)} is among {few(start.spec.inputs)}; rename them, or use train"
            )
        return carry_over(start.members[0], start.spec, spec, x_cont, settings)
    net = build_network(model, spec.table_rows, len(spec.numbers), spec.n_out, **settings)
    net.fit_inputs(x_cont)
    return net


def _require_same_shape(settings: Settings) -> None:
    may = ("dropout", "embedding_dropout", "y_range")
    wrong = [name for name in settings if name not in may]
    if wrong:
        raise ValueError(
            f"a pretrained network keeps its shape, however {wrong=} would change it; of the "
            f"network {', '.join(may)} may differ"
        )


def _sizes(sizes: dict[Name, int] | None, spec: Spec) -> list[int] | None:
    """Width of every embedding, those of the named columns as given."""
    if sizes is None:
        return None
    names = [category.name for category in spec.categories]
    unknown = [name for name in sizes if name not in names]
    if unknown:
        raise ValueError(
            f"sizes are of columns of categories, however {few(unknown)} are none of {few(names)}; "
            "name them in categories= too"
        )
    usual = [embedding_size(n) for n in spec.table_rows]
    return [sizes.get(n, d) for n, d in zip(names, usual, strict=False)] + usual[len(names) :]


def _given(**settings: Any) -> Settings:
    """Those settings that are chosen."""
    chosen: Any = {name: value for name, value in settings.items() if value is not None}
    return chosen  # type: ignore[no-any-return]


def _model(
    learn: Learner,
    networks: list[Any],
    *,
    spec: Spec,
    data: str,
    told: dict[str, Any],
    start: TableModel | None,
) -> TableModel:
    """The model that a learner has trained."""
    return TableModel(
        networks,
        spec,
        history=learn.history,
        data=data,
        training=told | _training(learn),
        licence="unknown" if start is None else start.licence,
        extra=None if start is None else start.extra,
        learner=learn,
        run=learn.run,
    )


def _training(learn: Learner) -> dict[str, Any]:
    """How a learner has trained, for the card: the rate is that of its last fit."""
    return {
        "epochs": learn.epoch,
        **({"lr": float(f"{learn.rates[-1]:.6g}")} if learn.rates else {}),
        "optimizer": learn.optimizer if isinstance(learn.optimizer, str) else repr(learn.optimizer),
        "weight_decay": learn.weight_decay,
        "clip": learn.clip,
        "seed": learn.run.seed,
        "versions": f"transfer-zoo {__version__}, torch {torch.__version__}",
    }


def _finish(learn: Learner) -> TableModel:
    """The model with its score on the validation part; saved if the run has a folder."""
    found: TableModel = learn.as_model()
    if learn.data.valid is not None:
        found.metrics = found.evaluate()
    if learn.run.out is not None and rank_and_world()[0] == 0:
        found.save(learn.run.out)
    if shared := accelerator():
        shared.wait_for_everyone()  # who goes on may load what the first has saved
    return found
