from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group

from tests.tabular.small import table, train
from zoo.tabular.embeddings import plane_of
from zoo.tabular.model import TableModel
from zoo.tabular.sklearn.vectors import table_of, turned


def test_vectors_are_those_that_the_network_looks_up(buyer: TableModel) -> None:
    vectors = buyer.embeddings("colour")
    assert vectors.index.tolist() == ["blue", "green", "red"]
    embeddings = buyer.members[0].embeddings
    assert embeddings is not None
    assert np.array_equal(vectors, embeddings.table(0).detach()[1:])
    vectors.iloc[0, 0] = 99.0
    assert buyer.embeddings("colour").iloc[0, 0] != 99.0


def test_a_table_that_was_turned_and_moved_is_brought_back(buyer: TableModel) -> None:
    table_before = table_of(buyer, 0)
    turn = ortho_group.rvs(table_before.shape[1], random_state=0)
    other = deepcopy(buyer)
    embeddings: Any = other.members[0].embeddings
    embeddings.table(0).data.copy_(torch.from_numpy(table_before @ turn + 3))
    assert np.allclose(turned(other, buyer, 0)[1:], table_before[1:], atol=1e-5)


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
