"""Which columns of new rows have moved away from those that a model was trained on."""

from __future__ import annotations

import numpy as np

from zoo.core.trust.diagnosis import Report
from zoo.core.trust.drift import drift_report, less_sure, moved_number, unseen
from zoo.data.table import require_columns
from zoo.tabular.data.columns import spread_of
from zoo.tabular.data.encode import Lookup, text_columns
from zoo.tabular.data.tables import ALL_INPUTS, Table, read_table
from zoo.tabular.data.values import as_numbers
from zoo.tabular.model import TableModel


def drift(model: TableModel, data: Table) -> Report:
    """What has moved in new rows: numbers, categories, gaps, and how sure the model is.

    Args:
        model: the model that is to predict them.
        data: the rows, as for `predict`.

    Raises:
        ValueError: columns lack.
    """
    spec = model.spec
    frame = read_table(data, text_columns(spec), spec.columns)
    require_columns(frame, spec.inputs, ALL_INPUTS)
    moves = []
    for category in spec.categories:
        rows = Lookup(category, exact=spec.cells == "exact").column(frame[category.name])[0]
        moves.append(unseen(f"column {category.name!r}: categories", np.asarray(rows) == 0))
    for number in spec.numbers:
        cells = as_numbers(frame[number.name], number.name, number.kind)
        there = cells[np.isfinite(cells)]
        own = number.spread or number.std
        width = spread_of(there) if len(there) and number.spread else own
        how = (number.median, own, width)
        moves.append(moved_number(number.name, cells, *how, had_gaps=number.gaps))
    if spec.task == "classification":
        p = model.probabilities(frame).to_numpy(np.float64).max(1)
        moves.append(less_sure(p, model.metrics.get("accuracy")))
    return drift_report("rows", list(frame.index), moves)
