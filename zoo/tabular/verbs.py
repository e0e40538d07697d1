"""The verbs for tables: `train`, `finetune` and `learner`.

The defaults were compared on splits of Adult's training file alone
(`scripts/searches/tabular_recipe.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any, Unpack

from torch import Tensor

from zoo.core.arguments import require_data, require_order, require_own_model
from zoo.core.frames import frame_of
from zoo.core.messages import did_you_mean, quoted
from zoo.core.model import learner_of, source
from zoo.core.run import Run, in_fp32, seeded
from zoo.core.training.learner import Learner
from zoo.core.training.options import Epochs, Rate, SomeEpochs
from zoo.core.trust.blend import warn_of_partners
from zoo.core.trust.judge import train_and_judge
from zoo.core.verbs import verb
from zoo.hub.find import names_model
from zoo.tabular import recipe
from zoo.tabular.data.prepared import Prepared, batch_size_of, batches, prepare
from zoo.tabular.data.ranges import scaled_range, warn_of_targets_beyond
from zoo.tabular.data.tables import Table
from zoo.tabular.data.weights import start_of
from zoo.tabular.model import TableModel
from zoo.tabular.models.decay import decay_of
from zoo.tabular.models.inputs import embedding_size
from zoo.tabular.models.network import Settings, TableNet, build_network
from zoo.tabular.options import (
    DROPOUT,
    FEW_ROWS,
    FINETUNE_EPOCHS,
    FINETUNE_LR,
    FIT_OPTIONS,
    MANY_ROWS,
    OPTIONS,
    TRAIN_LR,
    Architecture,
    FitOptions,
    ModelName,
    Name,
    Options,
)
from zoo.tabular.rivals import rivals_of
from zoo.tabular.spec import Spec
from zoo.tabular.stored import Pretrained, opened
from zoo.tabular.strangeness import GAUGE
from zoo.tabular.task import task_of
from zoo.tabular.transfer import carry_over


@verb(FIT_OPTIONS, tables=frame_of)
def train(
    data: Table,
    target: Name | Sequence[Name],
    *,
    model: Architecture = "mlp",
    epochs: SomeEpochs = None,
    lr: Rate = TRAIN_LR,
    **options: Unpack[FitOptions],
) -> TableModel:
    """Train a model on a table from random weights.

    Args:
        data: a DataFrame, a table of polars, Arrow or Hugging Face (`zoo.core.frames`), or the path
            of a CSV or Parquet file.
        target: the column to predict, or several columns of numbers.
        model: "mlp", the entity-embedding network, or "tabm", stronger and slower.
        epochs: passes over the training rows, by one cycle; None trains for as long as rows that
            are held out tell (`zoo.tabular.recipe`).
        lr: highest learning rate.
        **options: see `zoo.tabular.options.Options`.

    Raises:
        ValueError: columns, target, split or settings do not suit.
        FileNotFoundError: the file does not exist.

    Example:
        zoo.tabular.train("sales.csv", "Sales", time="Date").predict("tomorrow.csv")
    """
    require_data("zoo.tabular.train", data, names_model=names_model)
    new_learner = partial(learner, data, target, model=model)
    trained = _judged(new_learner, epochs, lr, options, few=FEW_ROWS)
    return trained.with_examples(data) if options.get("keep_examples") else trained


@verb(FIT_OPTIONS, tables=frame_of)
def finetune(
    pretrained: Pretrained,
    data: Table,
    target: Name | Sequence[Name] | None = None,
    *,
    epochs: Epochs = FINETUNE_EPOCHS,
    lr: Rate = FINETUNE_LR,
    **options: Unpack[FitOptions],
) -> TableModel:
    """Train a pretrained model further, on another table.

    Columns are matched by name. Known ones keep their kind, statistics and vectors; new categories
    start at the mean of the known ones, new columns at random (`zoo.tabular.transfer.carry_over`).
    Validation rows that the pretrained model was trained on are left out, with a warning.

    Args:
        pretrained: the directory of a saved model, its name on the hub, or a model.
        data: a DataFrame, a table of polars, Arrow or Hugging Face (`zoo.core.frames`), or the path
            of a CSV or Parquet file.
        target: the column to predict, or several columns of numbers; None takes those of the
            pretrained model.
        epochs: passes over the training rows.
        lr: highest learning rate.
        **options: see `zoo.tabular.options.Options`; of those of the network only the dropouts and
            `y_range` may be passed.

    Raises:
        ValueError: columns, target, split or settings do not suit, or no column is shared.
        FileNotFoundError: the file or the model does not exist.
    """
    require_order("zoo.tabular.finetune", pretrained, data, names_model=names_model)
    start = opened(pretrained)
    new_learner = partial(learner, data, target, pretrained=start)
    trained = _judged(new_learner, epochs, lr, options)
    return trained.with_examples(data) if options.get("keep_examples") else trained


@verb(OPTIONS, tables=frame_of)
def learner(
    data: Table,
    target: Name | Sequence[Name] | None = None,
    *,
    pretrained: Pretrained | None = None,
    model: Architecture = "mlp",
    **options: Unpack[Options],
) -> Learner[Spec, TableModel]:
    """Return a learner to train step by step: find a rate, fit, look, fit again.

    `learner.as_model()` gives what `train` returns, `learner.save(directory)` its artifact.

    Args:
        data: a DataFrame, a table of polars, Arrow or Hugging Face (`zoo.core.frames`), or the path
            of a CSV or Parquet file.
        target: the column to predict, or several columns of numbers; None takes those of the
            pretrained model.
        pretrained: the model to go on from, as for `finetune`; None starts from random weights.
        model: architecture for random weights, as for `train`.
        **options: see `zoo.tabular.options.Options`.

    Raises:
        ValueError: columns, target, split or settings do not suit.
        FileNotFoundError: the file or the model does not exist.
    """
    require_data("zoo.tabular.learner", data, names_model=names_model)
    start = None if pretrained is None else opened(pretrained)
    kept: dict[str, Any] = {}
    if start is not None:
        warn_of_partners(start.blend)
        require_own_model(model, "mlp", start.members[0].name)
        names = [column.name for column in start.spec.targets]
        if target in (None, names, names[0]):  # what is not stated is as the model remembers it
            target = names
            options = {"task": start.spec.task, "log_target": start.spec.log_target, **options}
        kept = {"seen_before": start.seen_rows, "licence": start.licence, "extra": start.extra}
    settings = OPTIONS.complete(options)
    run = settings["run"] = in_fp32(settings["run"] or Run(), "tables")
    before = (None, None) if start is None else (start.spec, start.seen_rows)
    table = prepare(data, target, settings, *before)
    OPTIONS.require_used(options, {"classes": table.spec.task == "classification"})
    settings["batch_size"] = settings["batch_size"] or batch_size_of(len(table.train[1]))
    with seeded(run.seed):
        network = _network(model, table, start, settings)
    record = {"pretrained": _shown(pretrained), "rows": len(table.train[1])}
    decay = decay_of(network.embeddings, *table.train, settings["category_decay"])
    return learner_of(
        network,
        batches(table, run, batch_size=settings["batch_size"]),
        task_of(table.spec, label_smoothing=settings["label_smoothing"]),
        TableModel,
        settings,
        source=source(data),
        record=record | OPTIONS.record(settings),
        batchnorm=TableModel.batchnorm,
        callbacks=decay,
        **kept,
    )


def _judged(
    new_learner: Callable[..., Learner[Spec, TableModel]],
    epochs: int | None,
    lr: float,
    options: FitOptions,
    few: int = 0,
) -> TableModel:
    """The model of a call, measured beside its rivals and then trained on all rows."""

    def fit(
        learn: Learner[Spec, TableModel], like: Sequence[Learner[Spec, TableModel]]
    ) -> Tensor | None:
        return recipe.fit(learn, epochs, lr, like)

    trains = epochs != 0
    some = rivals_of if trains else None
    return train_and_judge(
        new_learner,
        fit,
        FIT_OPTIONS,
        options,
        rivals=some,
        refits=trains,
        few=few,
        gauge=GAUGE,
    )


def _network(
    model: ModelName, table: Prepared, start: TableModel | None, settings: Options
) -> TableNet:
    """A network for the table: the pretrained one carried over, or one of random weights."""
    spec, x_cont = table.spec, table.train[0][1]
    y_range = scaled_range(settings["y_range"], spec)
    every = {**settings, "sizes": _sizes(settings["sizes"], spec), "y_range": y_range}
    if every["dropout"] is None and start is None and model == "mlp":
        is_told_without = spec.task == "regression" and len(x_cont) >= MANY_ROWS
        every["dropout"] = 0.0 if is_told_without else DROPOUT[spec.task]
    chosen: Any = {
        name: every[name] for name in Settings.__annotations__ if every[name] is not None
    }
    if start is not None:
        net = carry_over(start.members[0], start.spec, spec, x_cont, chosen)
    else:
        net = build_network(model, spec.table_rows, len(spec.numbers), spec.n_out, **chosen)
        net.fit_inputs(x_cont)
        if table.weights is not None:  # rare rows that count much would take long to be learnt
            heads: Any = net.heads
            for head in heads:
                head.bias.data += start_of(table.train[1], table.weights, spec)
    warn_of_targets_beyond(net.settings.get("y_range"), table.train[1], spec)
    return net


def _sizes(sizes: dict[Name, int] | None, spec: Spec) -> list[int] | None:
    """Width of every embedding, those of the named columns as they are stated."""
    if sizes is None:
        return None
    widths: list[Any] = list(sizes.values())
    if any(not isinstance(width, Integral) or int(width) < 1 for width in widths):
        raise ValueError(f"sizes must be whole numbers, 1 or more, got {sizes=}. Leave it out.")
    names = [category.name for category in spec.categories]
    unknown = [name for name in sizes if name not in names]
    if unknown:
        raise ValueError(
            f"sizes must name columns of categories, got {quoted(unknown)}. "
            f"{did_you_mean(unknown[0], names)} Or name them in categories too."
        )
    usual = [embedding_size(n) for n in spec.table_rows]
    return [int(sizes.get(n, d)) for n, d in zip(names, usual, strict=False)] + usual[len(names) :]


def _shown(pretrained: Pretrained | None) -> str:
    """What the card says that training started from: no folders of this machine."""
    if pretrained is None or isinstance(pretrained, TableModel):
        return "" if pretrained is None else "a model"
    return Path(pretrained).name if Path(pretrained).exists() else str(pretrained)
