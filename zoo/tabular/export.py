"""A model of a table as one program, from raw cells to predictions in the user's terms.

It holds what `predict` does: dictionaries of categories, medians, scales, the networks, and the way
back to classes or to the target's units. torch exports the networks with the arithmetic around them
(`Cells`); the dictionaries are nodes that ONNX has for texts, put before and behind.

An ONNX file has an input for each column, under its name, of shape (N, 1). Categories are texts, as
`str` writes the values (5 as 5 or 5.0); an empty text is a gap, any other unknown text an unseen
category. Numbers are doubles; NaN and infinity are gaps. Times are days since 1970 (UTC), durations
days. Its outputs are for a classification the class of each row, (N,), under the target's name, and
"probabilities", (N, n_classes); for a regression each target under its name, (N,). The metadata
hold the spec as JSON.

A file of `torch.export`, which knows no texts, takes what the dictionaries give: `codes` (N,
n_categories), rows as `texts` in its extra file `categories` tells them by column, and `numbers`
(N, n_numbers), float64; it has the probabilities alone.
"""

from __future__ import annotations

import itertools
import re
from typing import Any, Final

import torch
from torch import Tensor

from zoo.core.artifacts.onnx import INNER, enclosed, look_up
from zoo.core.messages import quoted
from zoo.core.placed import Placed
from zoo.core.program import Program, Voices
from zoo.core.task import Task
from zoo.tabular.data.encode import FARTHEST, MISSING, THERE, Lookup, bent, row_numbers
from zoo.tabular.data.targets import unscaled
from zoo.tabular.data.values import LARGEST, Value, sense
from zoo.tabular.models.network import TableNet
from zoo.tabular.spec import Category, Spec
from zoo.tabular.task import task_of

SHARES: Final = "probabilities"  # the output beside the class
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def program_of(placed: Placed[TableNet], spec: Spec) -> Program:
    """The program of a model of a table.

    Raises:
        ValueError: two columns, or a column and an output, would have the same name.
    """
    _require_names(spec)
    inputs = {
        "codes": torch.ones(3, len(spec.categories), dtype=torch.int64),
        "numbers": torch.zeros(3, len(spec.numbers), dtype=torch.float64),
    }
    example = {name: tensor for name, tensor in inputs.items() if tensor.shape[1]}
    task, exact = task_of(spec), spec.cells == "exact"
    return Program(
        module=Cells(placed, spec, task),
        inputs=example,
        outputs=[SHARES] if spec.classes else [str(target.name) for target in spec.targets],
        axes={name: ["rows"] for name in example},
        facts={
            "domain": "tabular",
            "task": spec.task,
            "spec": spec.to_json(),
            "labels": list(spec.classes),
            "categories": {str(one.name): texts(one, exact=exact) for one in spec.categories},
        },
        task=task,
        finish=lambda model: enclosed(model, *_entrances(spec), *_exits(spec)),
    )


class Cells(Voices):
    """The networks and the arithmetic around them: what torch can export.

    Shape:
        - codes: (N, n_categories), int64: rows of the embeddings; left out if there are none
        - numbers: (N, n_numbers), float64, gaps not finite; left out if there are none
        - output: (N, n_classes), probabilities; or each target in its units, (N,) float64
    """

    facts: Tensor
    bends: Tensor

    def __init__(self, placed: Placed[TableNet], spec: Spec, task: Task) -> None:
        super().__init__(placed, task.decode)
        self.spec = spec
        facts = [(number.median, *number.scale) for number in spec.numbers]
        self.register_buffer("facts", torch.tensor(facts, dtype=torch.float64).view(-1, 3).T)
        bends = [bool(number.spread) for number in spec.numbers]
        self.register_buffer("bends", torch.tensor(bends, dtype=torch.bool))
        self.with_gaps = [i for i, number in enumerate(spec.numbers) if number.gaps]

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The predictions."""
        n = inputs[0].shape[0]
        codes = inputs[0] if self.spec.categories else torch.empty(n, 0, dtype=torch.int64)
        numbers = inputs[-1] if self.spec.numbers else torch.empty(n, 0, dtype=torch.float64)
        median, centre, width = self.facts.unbind(0)
        there = numbers.abs() <= LARGEST  # NaN is not
        scaled = (torch.where(there, numbers, median) - centre) / width
        flags = torch.where(there[:, self.with_gaps], THERE, MISSING)
        x_cat = torch.cat([codes, flags], 1)
        x_cont = torch.where(self.bends, bent(scaled), scaled.clamp(-FARTHEST, FARTHEST)).float()
        mean = self.together(lambda voice: voice(x_cat, x_cont))
        if self.spec.task == "classification":
            return mean
        return unscaled(mean, self.spec).unbind(1)


def texts(category: Category, *, exact: bool = False) -> dict[str, int]:
    """The row of each value by its texts; a gap is the empty text, unless that is a value.

    A dictionary cannot read a text as a number, so it lists how programs write a value.

    >>> texts(Category("store", (7, "a", None)))
    {'7': 1, 'a': 2, '7.0': 1, '': 3}
    """
    rows: dict[str, int] = {}
    for (_, value), row in row_numbers(category).items():
        if value is not None:
            rows.setdefault(str(value), row)
    lookup = Lookup(category)
    for text in itertools.chain(*map(_spellings, () if exact else category.values)):
        if row := lookup.row(text):
            rows.setdefault(text, row)
    if None in category.values:
        rows.setdefault("", category.values.index(None) + 1)
    return rows


def _spellings(value: Value) -> list[str]:
    """How files write what means the same as a value."""
    meaning = sense(value)
    if meaning is None or isinstance(meaning, float):
        return []
    if isinstance(meaning, str):
        return [meaning, f"{meaning} 00:00:00"] if _DAY.fullmatch(meaning) else [meaning]
    truths = {0: ["False", "false", "FALSE"], 1: ["True", "true", "TRUE"]}.get(meaning, [])
    return [str(meaning), f"{meaning}.0", *truths]


def _entrances(spec: Spec) -> tuple[list[Any], list[Any]]:
    """Nodes from the raw cells to the exported graph's inputs, and the inputs of the whole."""
    from onnx import TensorProto, helper

    value, nodes, codes = helper.make_tensor_value_info, [], []
    for category in spec.categories:
        codes.append(f"{INNER}code of {category.name}")
        rows = texts(category, exact=spec.cells == "exact")
        words = {"keys_strings": list(rows), "values_int64s": list(rows.values())}
        nodes.append(look_up(str(category.name), codes[-1], **words, default_int64=0))
    numbers = [str(number.name) for number in spec.numbers]
    for names, joined in ((codes, "codes"), (numbers, "numbers")):
        if names:
            nodes.append(helper.make_node("Concat", names, [f"{INNER}{joined}"], axis=1))
    categories = [str(category.name) for category in spec.categories]
    inputs = [value(name, TensorProto.STRING, ["rows", 1]) for name in categories]
    return nodes, inputs + [value(name, TensorProto.DOUBLE, ["rows", 1]) for name in numbers]


def _exits(spec: Spec) -> tuple[list[Any], list[Any]]:
    """Nodes from the exported graph's outputs to the predictions, and the outputs of the whole."""
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    if spec.task == "regression":
        names = [str(target.name) for target in spec.targets]
        nodes = [helper.make_node("Identity", [INNER + name], [name]) for name in names]
        return nodes, [value(name, TensorProto.DOUBLE, ["rows"]) for name in names]
    label, shares, likeliest = str(spec.targets[0].name), INNER + SHARES, f"{INNER}likeliest"
    classes: list[Any] = list(spec.classes)
    kind, values = TensorProto.INT64, {"values_int64s": classes}
    if any(type(one) is not int for one in classes):
        kind, values = TensorProto.STRING, {"values_strings": [str(one) for one in classes]}
    nodes = [
        helper.make_node("ArgMax", [shares], [likeliest], axis=1, keepdims=0),
        look_up(likeliest, label, keys_int64s=list(range(len(classes))), **values),
        helper.make_node("Identity", [shares], [SHARES]),
    ]
    probabilities = value(SHARES, TensorProto.FLOAT, ["rows", len(classes)])
    return nodes, [value(label, kind, ["rows"]), probabilities]


def _require_names(spec: Spec) -> None:
    """Refuse columns that an ONNX file could not tell apart: all its names are texts."""
    names = [str(name) for name in (*spec.inputs, *(target.name for target in spec.targets))]
    names += [SHARES] if spec.task == "classification" else []
    wrong = [name for name in dict.fromkeys(names) if names.count(name) > 1 or not name]
    if wrong:
        raise ValueError(
            f"an ONNX file needs a name of its own for each column and output, got {quoted(wrong)} "
            "for several or none. Rename these columns and train again."
        )
