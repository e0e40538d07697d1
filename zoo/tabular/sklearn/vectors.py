"""Tables of embeddings of several trainings, brought together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.tabular.data.encode import Lookup
from zoo.tabular.model import TableModel


def table_of(model: TableModel, column: int) -> NDArray[np.float64]:
    """The table of a column's embedding, by its number; row 0 is that of unseen values.

    Shape: (values + 1, size of the embedding)
    """
    embeddings = model.members[0].embeddings
    assert embeddings is not None
    return embeddings.table(column).detach().cpu().double().numpy()


def turned(model: TableModel, to: TableModel, column: int) -> NDArray[np.float64]:
    """A column's table, turned and moved so that its vectors lie nearest to another model's.

    Two trainings learn the same distances in different directions. Those of the values that both
    know are brought together by a rotation (Schoenemann 1966).

    Shape: as `table_of`
    """
    from scipy.linalg import orthogonal_procrustes  # slow to import

    own, other = table_of(model, column), table_of(to, column)
    lookup = Lookup(to.spec.categories[column])
    values = enumerate(model.spec.categories[column].values, 1)
    pairs = np.array([(row, to_row) for row, value in values if (to_row := lookup.row(value))])
    here, there = own[pairs[:, 0]], other[pairs[:, 1]]
    rotation, _ = orthogonal_procrustes(here - here.mean(0), there - there.mean(0))
    turned_: NDArray[np.float64] = (own - here.mean(0)) @ rotation + there.mean(0)
    return turned_
