"""Guo & Berkhahn's table: four methods with and without entity embeddings; network MAPE <= .093.

Their protocol ("Entity Embeddings of Categorical Variables", 2016, sec. IV, and the code published
with it): the 844,338 rows with sales in the order of their days, the last tenth to score on, and
200,000 rows drawn with replacement from the others to learn from. Eight columns: store, day of the
week, day, month, year, promo, state, open (always true). The network has 1000 and 500 neurons,
learns the logarithm of sales for 10 epochs in batches of 128; the prediction is the mean of 5. Its
embeddings (store 10, day of the week 6, year 2, month 6, day 10, state 6) then take the place of
the categories for the other methods. Without embeddings the network sees one-hot vectors, and the
others see the categories' numbers, as there.

What differs: the networks normalise their hidden layers by batch and learn squared errors of
standardised logarithms by AdamW in one cycle, where theirs have plain layers, Adam and absolute
errors; boosting is scikit-learn's HistGradientBoosting where theirs is XGBoost; the forest has
`TREES` trees where theirs has 200. The embeddings given to the others are the first network's.

    python -m scripts.tabular_entity           # writes results/tabular_entity.csv
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import Normalizer
from torch import Tensor, nn

import zoo
import zoo.tabular
from scripts.program import Program, program, timed
from scripts.rossmann import TARGET, calendar
from zoo.core.batches import Data, TensorBatches
from zoo.core.learner import Learner
from zoo.core.task import regression
from zoo.tabular import date_parts, looked_up
from zoo.tabular.predictor import TableModel
from zoo.tabular.tables import Name

SIZES: Final[dict[Name, int]] = {
    "Store": 10,
    "DayOfWeek": 6,
    "Date_year": 2,
    "Date_month": 6,
    "Date_day": 10,
    "State": 6,
}
PLAIN: Final = ("Promo", "Open")  # 0 or 1
LAYERS: Final = (1000, 500)
NETWORKS, EPOCHS, BATCH_SIZE, LR = 5, 10, 128, 1e-3
SAMPLED: Final = 200_000
TREES: Final = 50
GOAL: Final = 0.093  # MAPE

PAPER: Final = {
    "knn": (0.290, 0.116),
    "forest": (0.158, 0.108),
    "boosting": (0.152, 0.115),
    "network": (0.101, 0.093),
}
"""Mean absolute percentage errors without and with embeddings, table IV of the paper."""

Matrix = NDArray[np.float64]


class Rows(NamedTuple):
    """The protocol's rows to learn from and to score on."""

    train: pd.DataFrame
    test: pd.DataFrame


def official(seed: int) -> Rows:
    """A draw of 200,000 rows before the last tenth, and that tenth."""
    folder = zoo.data.get("rossmann")
    frame = calendar(folder)
    frame = frame[frame[TARGET] > 0].reset_index(drop=True)
    frame = date_parts(frame, "Date", parts=["year", "month", "day"])
    states = pd.read_csv(folder / "store_states.csv")
    frame = looked_up(frame, states, "Store")[[*SIZES, *PLAIN, TARGET]]
    n = int(0.9 * len(frame))
    drawn = np.random.default_rng(seed).integers(n, size=SAMPLED)
    return Rows(frame.iloc[drawn].reset_index(drop=True), frame.iloc[n:])


def few(rows: Rows) -> Rows:
    """Rows to show that the program runs."""
    return Rows(rows.train.head(2000), rows.test.head(1000))


def mape(truth: pd.Series, says: Any) -> float:
    """Mean of the errors' absolute shares of the truth."""
    return float(np.mean(np.abs(np.asarray(says) - truth) / truth))


# ---- networks -----------------------------------------------------------------------------------


def embedding_network(rows: Rows, seed: int) -> TableModel:
    """The network with entity embeddings."""
    return zoo.tabular.train(
        rows.train.drop(columns="Open"),  # it is constant
        TARGET,
        categories=list(SIZES),
        numbers=["Promo"],
        log_target=True,
        valid_fraction=0,
        sizes=SIZES,
        layers=LAYERS,
        bins=0,
        dropout=0.0,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        lr=LR,
        run=zoo.Run(seed=seed, progress=False, device="cpu"),
    )


class OneHot(nn.Module):
    """The same perceptron on one-hot categories, whose product with a matrix is one of its rows.

    Shape: (B, n_columns) int64, rows of the matrix; output (B, 1).
    """

    def __init__(self, n_rows: int) -> None:
        super().__init__()
        first, second = LAYERS
        self.first = nn.EmbeddingBag(n_rows, first, mode="sum")
        nn.init.uniform_(self.first.weight, -0.05, 0.05)
        self.rest = nn.Sequential(
            nn.ReLU(),
            nn.BatchNorm1d(first),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.BatchNorm1d(second),
            nn.Linear(second, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Scaled logarithms of sales."""
        output: Tensor = self.rest(self.first(x))
        return output


def one_hot_network(rows: Rows, seed: int) -> NDArray[np.float64]:
    """Predictions of the network without embeddings."""
    x_train, x_test = (torch.from_numpy(x) for x in places(rows))
    logs = np.log(rows.train[TARGET].to_numpy())
    mean, std = logs.mean(), logs.std()
    y = torch.from_numpy((logs - mean) / std).float().unsqueeze(1)
    run = zoo.Run(seed=seed, progress=False, device="cpu")
    torch.manual_seed(seed)
    net = OneHot(int(x_train.max()) + 1)
    data = Data(TensorBatches(x_train, y, batch_size=BATCH_SIZE, seed=seed))
    learn = Learner(net, data, regression(), batchnorm="live", run=run)
    learn.fit_one_cycle(EPOCHS, LR)
    with torch.inference_mode():
        says = torch.cat([net.eval()(part) for part in torch.split(x_test, 4096)])
    return np.asarray(np.exp(says[:, 0].double().numpy() * std + mean))


def places(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which inputs of the one-hot vectors are 1. Shape: (n, n_columns) each."""
    train, test = (numbered(part, rows).astype(np.int64) for part in rows)
    starts = np.concatenate([[0], np.cumsum(train.max(axis=0) + 1)[:-1]])
    return train + starts, test + starts


# ---- what the other methods see -----------------------------------------------------------------


def numbered(frame: pd.DataFrame, rows: Rows) -> Matrix:
    """Categories as their numbers in order, truths as they are. Shape: (n, 8)."""
    columns = []
    for name in (*SIZES, *PLAIN):
        values = np.unique(np.concatenate([part[name].to_numpy() for part in rows]))
        columns.append(np.searchsorted(values, frame[name].to_numpy()))
    return np.stack(columns, axis=1).astype(np.float64)


def embedded(frame: pd.DataFrame, model: TableModel) -> Matrix:
    """Categories as their vectors, truths as they are. Shape: (n, 42)."""
    columns = []
    for name in SIZES:
        vectors = model.embeddings(name)
        columns.append(vectors.reindex(frame[name].tolist()).fillna(vectors.mean()).to_numpy())
    return np.concatenate([*columns, frame[list(PLAIN)].to_numpy()], axis=1).astype(np.float64)


def knn(seed: int) -> Any:
    """Ten neighbours by absolute distance, nearer ones weighing more."""
    return KNeighborsRegressor(10, weights="distance", algorithm="kd_tree", p=1, n_jobs=1)


def forest(seed: int) -> Any:
    """Trees of at most 35 levels."""
    return RandomForestRegressor(TREES, max_depth=35, n_jobs=1, random_state=seed)


def boosting(seed: int) -> Any:
    """Trees of at most 10 levels; fewer and larger steps than XGBoost's 3,000 of .02."""
    return HistGradientBoostingRegressor(
        max_iter=600, learning_rate=0.1, max_depth=10, early_stopping=False, random_state=seed
    )


METHODS: Final[dict[str, Callable[[int], Any]]] = {
    "knn": knn,
    "forest": forest,
    "boosting": boosting,
}


def other(name: str, rows: Rows, model: TableModel | None, seed: int) -> NDArray[np.float64]:
    """Predictions of a method on numbers, or on a model's embeddings."""
    train, test = (
        numbered(part, rows) if model is None else embedded(part, model) for part in rows
    )
    if name == "knn":  # every row of length 1, as there
        train, test = (Normalizer().transform(part) for part in (train, test))
    method = METHODS[name](seed).fit(train, np.log(rows.train[TARGET]))
    parts = [method.predict(part) for part in np.array_split(test, 20)]
    return np.asarray(np.exp(np.concatenate(parts)))


# ---- the table ----------------------------------------------------------------------------------


def cells(asked: Program, rows: Rows, seed: int) -> None:
    """A row for each method, with embeddings and without."""
    n = 1 if asked.smoke else NETWORKS
    with timed() as spent:
        nets = [embedding_network(rows, NETWORKS * seed + i) for i in range(n)]
        says = np.mean([net.predict(rows.test) for net in nets], axis=0)
    record(asked, "network", True, rows, says, seed, spent())
    for name in asked.further["methods"]:
        for model in (None, nets[0]):
            if name == "network" and model is not None:
                continue
            with timed() as spent:
                if name != "network":
                    says = other(name, rows, model, seed)
                else:
                    each = [one_hot_network(rows, NETWORKS * seed + i) for i in range(n)]
                    says = np.mean(each, axis=0)
            record(asked, name, model is not None, rows, says, seed, spent())


def record(
    asked: Program,
    name: str,
    ours: bool,
    rows: Rows,
    says: Any,
    seed: int,
    spent: dict[str, float],
) -> None:
    """A row of results."""
    error = mape(rows.test[TARGET], says)
    paper = PAPER[name][ours]
    asked.record(method=name, embeddings=ours, seed=seed, mape=error, paper=paper, **spent)


def flags(parser: argparse.ArgumentParser) -> None:
    """Which methods run beside the network."""
    parser.add_argument("--methods", nargs="+", choices=PAPER, default=list(PAPER))


def main() -> None:
    """All eight cells for each draw of rows."""
    asked = program(__doc__, "tabular_entity.csv", seeds=1, further=flags)
    for seed in asked.seeds:
        rows = official(seed)
        cells(asked, few(rows) if asked.smoke else rows, seed)


if __name__ == "__main__":
    main()
