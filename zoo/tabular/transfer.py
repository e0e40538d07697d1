"""A pretrained network carried over to another table: columns matched by name, values by value."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from zoo.core.messages import quoted
from zoo.tabular.data.ranges import moved_range
from zoo.tabular.data.values import key
from zoo.tabular.models.inputs import embedding_size
from zoo.tabular.models.network import Settings, TableNet, build_network
from zoo.tabular.options import Name
from zoo.tabular.spec import Spec

Column = tuple[str, Name]
"""("category" | "gap" | "number", name)."""


_Places = dict[Column, tuple[Any, slice]]
"""Where each column enters the perceptron: a first linear layer, and columns of its matrix."""


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
    _require_kinship(old_spec, spec, changes)
    (was, old_numbers), (now, numbers) = _columns(old_spec), _columns(spec)
    had = dict(zip(was, old.sizes, strict=True))
    usual = map(embedding_size, spec.table_rows)
    sizes = [had.get(column, size) for column, size in zip(now, usual, strict=True)]
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
    for i, column in enumerate(now):
        if column in was:
            _copy_embedding(old, old_spec, was.index(column), new, spec, i)
    _copy_numbers(old, old_numbers, new, numbers)
    _copy_entrances(_places(old, was, old_numbers), _places(new, now, numbers))
    _copy_outputs(old, old_spec, new, spec)
    return new


def _require_kinship(old: Spec, new: Spec, changes: Settings) -> None:
    """Refuse tables that share no column, and changes of the network's shape."""
    if not set(old.inputs) & set(new.inputs):
        raise ValueError(
            "fine-tuning must have columns of the pretrained model, got "
            f"{quoted(new.inputs)}, none of {quoted(old.inputs)}. Rename them, or use train."
        )
    may = ("dropout", "embedding_dropout", "y_range")
    wrong = [name for name in changes if name not in may]
    if wrong:
        raise ValueError(
            f"a pretrained network must keep its shape, got {', '.join(wrong)}, which would change "
            f"it. Leave them out; {', '.join(may)} may differ."
        )


def _columns(spec: Spec) -> tuple[list[Column], list[Column]]:
    """The network's inputs in order: those with embeddings, and the numbers."""
    gaps = [("gap", number.name) for number in spec.numbers if number.gaps]
    categories = [("category", category.name) for category in spec.categories]
    return categories + gaps, [("number", number.name) for number in spec.numbers]


def _copy_hidden(old: TableNet, new: TableNet) -> None:
    """Copy what has the same name and shape of first layers and bodies."""
    sides = [(bool(net.rows), bool(net.n_numbers)) for net in (old, new)]
    if sides[0] != sides[1]:
        return
    have = old.state_dict()
    for name, tensor in new.state_dict().items():
        within = name.startswith(("firsts", "bodies"))
        if within and name in have and have[name].shape == tensor.shape:
            tensor.copy_(have[name])


def _copy_embedding(
    old: TableNet, old_spec: Spec, column: int, new: TableNet, spec: Spec, new_column: int
) -> None:
    """Copy a column's vectors by value; new values get the mean of the old ones."""
    assert old.embeddings is not None
    assert new.embeddings is not None
    source, table = old.embeddings.table(column), new.embeddings.table(new_column)
    if new_column >= len(spec.categories):  # of the gaps of a number
        table.copy_(source)
        return
    table.copy_(source[1:].mean(0).expand_as(table))
    old_rows = {key(value): row for row, value in enumerate(old_spec.categories[column].values, 1)}
    for row, value in enumerate(spec.categories[new_column].values, 1):
        if key(value) in old_rows:
            table[row] = source[old_rows[key(value)]]


def _copy_numbers(old: TableNet, was: list[Column], new: TableNet, now: list[Column]) -> None:
    """Copy bins, vectors and statistics of the old table's numbers."""
    if old.numbers is None or new.numbers is None:
        return
    source = old.numbers.state_dict()
    for name, tensor in new.numbers.state_dict().items():
        for i, column in enumerate(now):
            if column in was and tensor.dim():
                tensor[i] = source[name][was.index(column)]


def _places(net: TableNet, embedded: list[Column], numbers: list[Column]) -> _Places:
    """Where each column enters the perceptron."""
    entrances: Any = net.firsts if len(net.firsts) else net.bodies
    first = list(zip(embedded, net.sizes, strict=True))
    second = [(column, net.d_number) for column in numbers]
    sides = [first + second] if len(entrances) == 1 else [first, second]
    places = {}
    for body, side in zip(entrances, sides, strict=True):
        high = 0
        for column, width in side:
            places[column] = body[0], slice(high, high + width)
            high += width
    return places


def _copy_entrances(old: _Places, new: _Places) -> None:
    for column in old.keys() & new.keys():
        (source, was), (target, now) = old[column], new[column]
        for name in ("weight", "scale_in"):  # (n_out, n_in), (k, n_in)
            if hasattr(target, name):
                getattr(target, name)[:, now] = getattr(source, name)[:, was]


def _copy_outputs(old: TableNet, old_spec: Spec, new: TableNet, spec: Spec) -> None:
    """Copy what leads to outputs of the old targets, or old classes of the same target."""
    was, now = _outputs(old_spec), _outputs(spec)
    for old_head, head in zip(old.heads, new.heads, strict=False):
        source, axis = old_head.state_dict(), 0 if isinstance(head, nn.Linear) else -1
        for name, tensor in head.state_dict().items():
            to, come = tensor.movedim(axis, -1), source[name].movedim(axis, -1)
            for i, output in enumerate(now):
                if output in was and to.shape[:-1] == come.shape[:-1]:
                    to[..., i] = come[..., was.index(output)]


def _outputs(spec: Spec) -> list[Any]:
    if spec.task == "classification":
        return [(spec.targets[0].name, key(value)) for value in spec.classes]
    return [target.name for target in spec.targets]
