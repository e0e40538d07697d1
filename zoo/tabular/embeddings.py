"""What a network has learnt about categories: its vectors, as a table and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from zoo.core.messages import quoted
from zoo.core.pictures import BLUE, name_points
from zoo.tabular.models.network import TableNet
from zoo.tabular.options import Name
from zoo.tabular.spec import Spec

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def vectors_of(net: TableNet, spec: Spec, column: Name) -> pd.DataFrame:
    """The vectors of a column of categories, one row per value; a gap's name is None.

    Shape: (values, size of the embedding)

    Raises:
        ValueError: the column is none of the categories.
    """
    names = [category.name for category in spec.categories]
    if not names:
        raise ValueError(
            f"vectors must be those of categories, got {column=} of a model without any. Name "
            "columns that are categories when it is trained, as in categories=[...]."
        )
    if column not in names:
        raise ValueError(
            f"vectors must be those of categories, got {column=}. There is {quoted(names)}."
        )
    number = names.index(column)
    assert net.embeddings is not None
    vectors = net.embeddings.table(number).detach().cpu().numpy()[1:]
    index = pd.Index(list(spec.categories[number].values), name=column, dtype=object)
    return pd.DataFrame(vectors.copy(), index=index)


def plane_of(vectors: pd.DataFrame) -> tuple[pd.DataFrame, tuple[float, float]]:
    """The vectors on the plane where they differ most, and the share of the variance of each axis.

    Principal components, as Guo & Berkhahn (2016, sec. 5) and others look at embeddings.

    Shape: points (values, 2)
    """
    from sklearn.decomposition import PCA  # takes a second to import

    n = min(2, *vectors.shape)
    axes = PCA(n, svd_solver="full").fit(vectors.to_numpy())
    points = pd.DataFrame(axes.transform(vectors.to_numpy()), vectors.index, ["x", "y"][:n])
    shares = [*map(float, axes.explained_variance_ratio_), 0.0]
    return points.reindex(columns=["x", "y"], fill_value=0.0), (shares[0], shares[1])


def map_of(vectors: pd.DataFrame) -> Figure:
    """A picture of the vectors on their plane, names beside the points where there is room."""
    from matplotlib.figure import Figure  # slow to import

    points, shares = plane_of(vectors)
    figure = Figure(figsize=(7, 7), layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(points["x"], points["y"], s=14, color=BLUE)
    axes.set(
        title=f"{vectors.index.name}: {len(points)} values in {vectors.shape[1]} dimensions",
        xlabel=f"first component ({shares[0]:.0%} of the variance)",
        ylabel=f"second component ({shares[1]:.0%})",
    )
    names = ["(gap)" if name is None else str(name) for name in points.index]
    name_points(axes, points.to_numpy(), names)
    return figure
