"""What models of ratings are measured against says what scikit-learn and a count by hand say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.collab.small import N_ITEMS, N_USERS, RUN, ratings
from zoo.collab import learner
from zoo.collab.data.batches import Ratings
from zoo.collab.rivals import Biases, biases, effects, mean


def encoded(users: Any, items: Any, values: Any) -> Ratings:
    """Ratings of users and items that are numbered from 0."""
    rows = [torch.from_numpy((numbers + 1).astype(np.int32)) for numbers in (users, items)]
    return Ratings(rows[0], rows[1], torch.from_numpy(values.astype(np.float32)))


def test_biases_are_those_of_ridge_at_the_estimated_damping() -> None:
    from sklearn.linear_model import Ridge

    table = ratings(share=0.2)
    users, user_ids = pd.factorize(table["user"], sort=True)
    items, item_ids = pd.factorize(table["item"], sort=True)
    values = table["rating"].to_numpy(dtype=np.float32)
    fitted = effects(encoded(users, items, values), len(user_ids), len(item_ids))
    flags = [
        np.eye(len(ids))[codes] * np.sqrt(variance / fitted.noise)
        for codes, ids, variance in (
            (users, user_ids, fitted.of_users),
            (items, item_ids, fitted.of_items),
        )
    ]
    ridge = Ridge(alpha=1.0).fit(np.hstack(flags), values)
    expected = ridge.predict(np.hstack(flags))
    predicted = fitted.mean + fitted.users[users + 1] + fitted.items[items + 1]
    assert np.allclose(predicted, expected, atol=1e-3)
    assert fitted.mean == pytest.approx(ridge.intercept_, abs=1e-3)


def test_variances_are_those_that_the_ratings_were_drawn_with() -> None:
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 200, 20_000), rng.integers(0, 150, 20_000)
    adds = 0.5 * rng.normal(size=200)[users] + 0.3 * rng.normal(size=150)[items]
    fitted = effects(encoded(users, items, 3 + adds + rng.normal(size=20_000)), 200, 150)
    found = np.sqrt([fitted.noise, fitted.of_users, fitted.of_items])
    assert found == pytest.approx([1.0, 0.5, 0.3], rel=0.15)


def test_rivals_predict_as_networks_do_and_are_built_from_their_arguments() -> None:
    data = learner(ratings(), run=RUN).data
    rival, (users, items) = biases(data), data.train.inputs  # type: ignore[attr-defined]
    assert rival(users, items).shape == (len(users), 1)
    values = data.train.target  # type: ignore[attr-defined]
    error = (rival(users, items)[:, 0] - values).square().mean()
    assert error < 0.8 * values.var()
    again = Biases(**rival.arguments)
    again.load_state_dict(rival.state_dict())
    assert torch.equal(again(users, items), rival(users, items))
    nobody = torch.zeros(1, dtype=torch.int32)
    assert float(rival(nobody, nobody)) == pytest.approx(float(rival.mean))
    everywhere = mean(data)(users, items)
    assert torch.allclose(everywhere, values.mean().expand_as(everywhere))


def test_ratings_that_biases_fit_exactly_are_fitted() -> None:
    users = torch.arange(1, N_USERS + 1).repeat_interleave(N_ITEMS).int()
    items = torch.arange(1, N_ITEMS + 1).repeat(N_USERS).int()
    values = 3 + users / N_USERS - items / N_ITEMS
    fitted = effects(Ratings(users, items, values), N_USERS, N_ITEMS)
    predicted = fitted.mean + fitted.users[users] + fitted.items[items]
    assert np.allclose(predicted, values, atol=1e-3)
