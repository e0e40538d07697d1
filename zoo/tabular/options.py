"""What the verbs for tables take beside the table and its target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from torch.optim import Optimizer

from zoo.core.run import Run
from zoo.core.training.options import OptimizerName
from zoo.tabular.data.tables import Name
from zoo.tabular.models.network import Join
from zoo.tabular.spec import TaskName


class Options(TypedDict, total=False):
    """What all verbs take beside the table and its target.

    Attributes:
        task: "classification" or "regression"; by default as the target's values suggest: text,
            truths, pandas categories and whole numbers of at most 20 kinds are classes.
        categories: columns that are categories whatever they look like.
        numbers: columns that are numbers whatever they look like.
        ignore: columns that are no inputs.
        log_target: learn the logarithm of a positive target; then RMSPE is a metric too.
        valid: validation rows: a table of others, or a truth for each row of `data` (of a Series,
            its index says for which).
        valid_fraction: of the rows to validate on otherwise (of every class its share), drawn by
            the run's seed; 0 validates on nothing.
        time: a column; the latest rows are validated on. No input unless it is named as one.
        group: a column; rows of a group stay together, and as many are validated on as comes
            nearest to `valid_fraction`. No input unless it is named as one.
        batch_size: rows a step.
        layers: widths of the hidden layers.
        dropout: probability after each hidden layer.
        embedding_dropout: probability on the embeddings.
        sizes: width of a category's embedding, by column; others take the rule of thumb.
        join: how categories and numbers come together: "input", "inside" or "ensemble"; see
            `zoo.tabular.models.network.Settings`.
        bins: of the piecewise-linear embeddings of numbers; 0 takes numbers as they are.
        d_number: width of such an embedding.
        k: members that share weights; 0 for a plain network.
        y_range: lowest and highest prediction of a regression, or one such pair a target.
        label_smoothing: share of the target that is spread over all classes.
        optimizer: "adamw", "sgd", or a function from parameter groups to a torch optimizer.
        weight_decay: on weights alone.
        clip: largest norm of the gradient.
        accumulate: parts that a batch passes in, to save memory.
        callbacks: see `zoo.core.training.callbacks`.
        run: the circumstances. Tables compute in fp32 whatever its precision.
    """

    task: TaskName | None
    categories: Sequence[Name]
    numbers: Sequence[Name]
    ignore: Sequence[Name]
    log_target: bool
    valid: Any
    valid_fraction: float
    time: Name | None
    group: Name | None
    batch_size: int
    layers: Sequence[int] | None
    dropout: float | None
    embedding_dropout: float | None
    sizes: dict[Name, int] | None
    join: Join | None
    bins: int | None
    d_number: int | None
    k: int | None
    y_range: tuple[float, float] | Sequence[tuple[float, float]] | None
    label_smoothing: float
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer]
    weight_decay: float
    clip: float | None
    accumulate: int
    callbacks: Sequence[Any]
    run: Run | None
