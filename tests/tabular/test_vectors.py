from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from tests.tabular.small import table, train
from zoo.tabular.embeddings import plane_of
from zoo.tabular.model import TableModel


def test_vectors_are_those_that_the_network_looks_up(buyer: TableModel) -> None:
    vectors = buyer.embeddings("colour")
    assert vectors.index.tolist() == ["blue", "green", "red"]
    embeddings = buyer.members[0].embeddings
    assert embeddings is not None
    assert np.array_equal(vectors, embeddings.table(0).detach()[1:])
    vectors.iloc[0, 0] = 99.0
    assert buyer.embeddings("colour").iloc[0, 0] != 99.0


def test_values_that_act_alike_lie_near_each_other() -> None:
    frame = table(2000).drop(columns="bought")
    model = train(frame, "amount", log_target=True, epochs=15, weight_decay=0.1)
    points, shares = plane_of(model.embeddings("store"))
    apart = points.groupby(np.array(points.index, dtype=int) % 4)["x"]  # what the amount depends on
    assert apart.std().max() < 0.5 * apart.mean().std()
    assert shares[0] > 0.5


def test_a_plane_keeps_distances_and_never_widens_them(buyer: TableModel) -> None:
    vectors = buyer.embeddings("store")
    points, shares = plane_of(vectors)
    assert (pdist(points) <= pdist(vectors) + 1e-6).all()
    assert 0 < sum(shares) <= 1 + 1e-6
    flat = vectors.iloc[:, :2]
    assert pdist(plane_of(flat)[0]) == pytest.approx(pdist(flat), abs=1e-5)
    line, (_, second) = plane_of(vectors.iloc[:, :1])
    assert (line["y"] == 0).all()
    assert second == 0


def test_a_picture_names_its_points(buyer: TableModel, tmp_path: Path) -> None:
    figure = buyer.embedding_map("store")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == [str(store) for store in range(1, 9)]
    assert axes.get_title() == "store: 8 values in 5 dimensions"
    figure.savefig(tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 5000


def test_a_number_has_no_vectors(buyer: TableModel) -> None:
    for look in (buyer.embeddings, buyer.embedding_map):
        with pytest.raises(ValueError, match=r"got column='age'\. There is 'colour', 'store'"):
            look("age")
