"""A pretrained network carried over to another table: columns matched by name, values by value."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from zoo.core.messages import quoted
from zoo.tabular.data.ranges import moved_range
from zoo.tabular.data.values import key
from zoo.tabular.models.inputs import Piecewise, embedding_size
from zoo.tabular.models.network import Settings, TableNet, build_network
from zoo.tabular.options import Name
from zoo.tabular.spec import Spec

Column = tuple[str, Name]
"""("category" | "gap" | "number", name)."""


class _Place(NamedTuple):
    """Where a column enters the perceptron: a first linear layer, and columns of its matrix."""

    linear: Any
    low: int
    high: int


@torch.no_grad()
def carry_over(
    old: TableNet, old_spec: Spec, spec: Spec, x_cont: Tensor, changes: Settings
) -> TableNet:
    """A network for the new table that starts from what the old one has learnt.

    Categories of the old table keep their vectors, new ones start at their mean; old columns keep
    their way into the first layer; hidden layers stay; outputs of old targets or classes stay.
    All else is random.

    Args:
        old: the pretrained network.
        old_spec: spec of the pretrained network.
        spec: spec of the new table, whose shared columns keep the old statistics.
        x_cont: the new training rows, for the bins of new numbers. Shape: (N, n_numbers).
        changes: settings that shall differ from the old network's: dropouts and limits.

    Raises:
        ValueError: the tables share no column, or changes would alter the network's shape.
    """
    _require_shared(old_spec, spec)
    _require_same_shape(changes)
    old_columns, columns = _columns(old_spec), _columns(spec)
    had = dict(zip(_categorical(old_columns), old.sizes, strict=True))
    sizes = [
        had.get(column, embedding_size(n))
        for column, n in zip(_categorical(columns), spec.table_rows, strict=True)
    ]
    settings: Settings = {**old.settings, "sizes": sizes}
    same_targets = [t.name for t in spec.targets] == [t.name for t in old_spec.targets]
    if not same_targets or spec.task != old_spec.task:
        settings["y_range"] = None
    elif "y_range" not in changes:
        settings["y_range"] = moved_range(old.settings.get("y_range"), old_spec, spec)
    settings.update(changes)
    new = build_network(old.name, spec.table_rows, len(spec.numbers), spec.n_out, **settings)
    new.fit_inputs(x_cont)
    _copy_hidden(old, new)
    _copy_embeddings(old, old_spec, new, spec)
    _copy_numbers(old, old_columns, new, columns)
    _copy_entrances(_places(old, old_columns), _places(new, columns))
    _copy_outputs(old, old_spec, new, spec)
    return new


def _require_shared(old: Spec, new: Spec) -> None:
    if not set(old.inputs) & set(new.inputs):
        raise ValueError(
            "fine-tuning must have columns of the pretrained model, got "
            f"{quoted(new.inputs)}, none of {quoted(old.inputs)}. Rename them, or use train."
        )


def _require_same_shape(changes: Settings) -> None:
    may = ("dropout", "embedding_dropout", "y_range")
    wrong = [name for name in changes if name not in may]
    if wrong:
        raise ValueError(
            f"a pretrained network must keep its shape, got {', '.join(wrong)}, which would change "
            f"it. Leave them out; {', '.join(may)} may differ."
        )


def _columns(spec: Spec) -> list[Column]:
    """The network's inputs in order."""
    return [
        *(("category", category.name) for category in spec.categories),
        *(("gap", number.name) for number in spec.numbers if number.gaps),
        *(("number", number.name) for number in spec.numbers),
    ]


def _categorical(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if column[0] != "number"]


def _sides(net: TableNet) -> tuple[bool, bool]:
    return bool(net.rows), bool(net.n_numbers)


def _copy_hidden(old: TableNet, new: TableNet) -> None:
    """Copy what has the same name and shape of first layers and bodies."""
    if _sides(old) != _sides(new):
        return
    have = old.state_dict()
    for name, tensor in new.state_dict().items():
        within = name.startswith(("firsts", "bodies"))
        if within and name in have and have[name].shape == tensor.shape:
            tensor.copy_(have[name])


def _copy_embeddings(old: TableNet, old_spec: Spec, new: TableNet, spec: Spec) -> None:
    """Copy vectors by column and value; new values get the mean of the column's old ones."""
    if old.embeddings is None or new.embeddings is None:
        return
    number = {column: i for i, column in enumerate(_categorical(_columns(old_spec)))}
    rows = {category.name: category.values for category in old_spec.categories}
    for i, column in enumerate(_categorical(_columns(spec))):
        if column not in number or new.sizes[i] != old.sizes[number[column]]:
            continue
        source, table = old.embeddings.table(number[column]), new.embeddings.table(i)
        if column[0] == "gap":
            table.copy_(source)
            continue
        table.copy_(source[1:].mean(0).expand_as(table))
        old_rows = {key(value): row for row, value in enumerate(rows[column[1]], 1)}
        for row, value in enumerate(spec.categories[i].values, 1):
            if key(value) in old_rows:
                table[row] = source[old_rows[key(value)]]


def _copy_numbers(
    old: TableNet, old_columns: list[Column], new: TableNet, columns: list[Column]
) -> None:
    """Copy bins, vectors and statistics of the old table's numbers."""
    if old.numbers is None or new.numbers is None or type(old.numbers) is not type(new.numbers):
        return
    source, target = old.numbers.state_dict(), new.numbers.state_dict()
    if (
        isinstance(new.numbers, Piecewise)
        and source["weight"].shape[1:] != target["weight"].shape[1:]
    ):
        return
    was = [column for column in old_columns if column[0] == "number"]
    now = [column for column in columns if column[0] == "number"]
    for i, column in enumerate(now):
        for name, tensor in target.items():
            if column in was and tensor.dim():
                tensor[i] = source[name][was.index(column)]


def _places(net: TableNet, columns: list[Column]) -> dict[Column, _Place]:
    """Where each column enters the perceptron."""
    widths = [*net.sizes, *[net.d_number] * net.n_numbers]
    entrances = [_first_linear(body) for body in (net.firsts if len(net.firsts) else net.bodies)]
    cut = len(net.rows)
    groups = [columns] if len(entrances) == 1 else [columns[:cut], columns[cut:]]
    widths_of = [widths] if len(entrances) == 1 else [widths[:cut], widths[cut:]]
    places = {}
    for linear, group, sizes in zip(entrances, groups, widths_of, strict=True):
        ends = itertools.accumulate(sizes)
        for column, high, size in zip(group, ends, sizes, strict=True):
            places[column] = _Place(linear, high - size, high)
    return places


def _first_linear(body: Any) -> nn.Module:
    module: nn.Module = body[0]
    return module


def _copy_entrances(old: dict[Column, _Place], new: dict[Column, _Place]) -> None:
    for column, place in new.items():
        before = old.get(column)
        if before is None or place.high - place.low != before.high - before.low:
            continue
        for name in ("weight", "scale_in"):  # (n_out, n_in), (k, n_in)
            if hasattr(place.linear, name) and hasattr(before.linear, name):
                to, come = getattr(place.linear, name), getattr(before.linear, name)
                if to.shape[0] == come.shape[0]:
                    to[:, place.low : place.high] = come[:, before.low : before.high]


def _copy_outputs(old: TableNet, old_spec: Spec, new: TableNet, spec: Spec) -> None:
    """Copy what leads to outputs of the old targets, or old classes of the same target."""
    was, now = _outputs(old_spec), _outputs(spec)
    for old_head, head in zip(old.heads, new.heads, strict=False):
        source, target = old_head.state_dict(), head.state_dict()
        for name, tensor in target.items():
            of_linear = isinstance(head, nn.Linear) and name == "weight"
            to = tensor.movedim(0, -1) if of_linear else tensor  # outputs last
            come = source[name].movedim(0, -1) if of_linear else source[name]
            if to.shape[:-1] != come.shape[:-1]:
                continue
            for i, output in enumerate(now):
                if output in was:
                    to[..., i] = come[..., was.index(output)]


def _outputs(spec: Spec) -> list[Any]:
    if spec.task == "classification":
        return [(spec.targets[0].name, key(value)) for value in spec.classes]
    return [target.name for target in spec.targets]
