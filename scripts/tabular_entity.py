"""Guo & Berkhahn's table: four methods, with and without embeddings; the network's goal is .093.

Their protocol ("Entity Embeddings of Categorical Variables", 2016, sec. IV, and the code published
with it): the 844,338 rows with sales in the order of their days, the last tenth to score on, and
200,000 rows drawn with replacement from the others to learn from. Eight columns: store, day of the
week, day, month, year, promo, state, open (always true). The network has 1000 and 500 neurons,
learns the logarithm of sales for 10 epochs; the prediction is the mean of 5. Its embeddings (store
10, day of the week 6, year 2, month 6, day 10, state 6) then take the place of the categories for
the other methods. Without embeddings the network sees one-hot vectors, and the others see the
categories' numbers, as there.

What differs: the networks normalise their hidden layers by batch, learn standardised logarithms (by
absolute errors, as there) by AdamW in one cycle, in batches of 256 where theirs are of 128;
boosting is scikit-learn's HistGradientBoosting where theirs is XGBoost; the forest has `TREES`
trees where theirs has 200; the neighbours are scored on `ASKED` rows drawn from the last tenth,
which shows their error to about .002. The embeddings given to the others are the first network's.

Each cell is a row as soon as it is known. Networks are kept in `--out`, else in runs/entity, and
found there again; to train them anew, delete it. Cost: 22 minutes of one core for a draw of rows.

    python -m scripts.tabular_entity           # writes results/tabular_entity.csv
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import Normalizer
from torch import Tensor, nn

import zoo
import zoo.tabular
from scripts.lib.program import Program, program, some_of, timed
from scripts.lib.record import ROOT
from zoo.core.batches import Data, TensorBatches
from zoo.core.task import regression
from zoo.core.training.learner import Learner
from zoo.published.rossmann import TARGET, calendar
from zoo.tabular import date_parts, looked_up
from zoo.tabular.model import TableModel
from zoo.tabular.options import Name

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
NETWORKS, EPOCHS, BATCH_SIZE, LR = 5, 10, 256, 2e-3
SAMPLED: Final = 200_000
ASKED: Final = 10_000  # rows that the neighbours are asked for
TREES: Final = 20
FEW: Final = 3000  # rows, to show that the program runs
KEPT: Final = ROOT / "runs" / "entity"

PAPER: Final = {
    "knn": (0.290, 0.116),
    "forest": (0.158, 0.108),
    "boosting": (0.152, 0.115),
    "network": (0.101, 0.093),
}
"""Mean absolute percentage errors without and with embeddings, table IV of the paper."""

Matrix = NDArray[np.float64]
Says = NDArray[np.float64]


class Rows(NamedTuple):
    """The protocol's rows to learn from and to score on."""

    train: pd.DataFrame
    test: pd.DataFrame


def official(seed: int, inner: bool = False) -> Rows:
    """A draw of 200,000 rows before the last tenth, and that tenth.

    Args:
        seed: seed of the draw.
        inner: leave out the last tenth, and score on the tenth of the remaining rows before it.
    """
    folder = zoo.data.get("rossmann")
    frame = calendar(folder)
    frame = frame[frame[TARGET] > 0].reset_index(drop=True)
    frame = date_parts(frame, "Date", parts=["year", "month", "day"])
    states = pd.read_csv(folder / "store_states.csv")
    frame = looked_up(frame, states, "Store")[[*SIZES, *PLAIN, TARGET]]
    if inner:
        frame = frame.head(int(0.9 * len(frame)))
    n = int(0.9 * len(frame))
    drawn = np.random.default_rng(seed).integers(n, size=SAMPLED)
    return Rows(frame.iloc[drawn].reset_index(drop=True), frame.iloc[n:])


def mape(truth: pd.Series, says: Any) -> float:
    """Mean of the errors' absolute shares of the truth."""
    return float(np.mean(np.abs(np.asarray(says) - truth) / truth))


# ---- networks -----------------------------------------------------------------------------------


def absolute_error(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    """The mean absolute error."""
    return F.l1_loss(output, target.view_as(output)), target.numel()


def embedding_network(rows: Rows, run: zoo.Run, room: Path) -> TableModel:
    """The network with entity embeddings."""
    if (kept := room / f"embeddings-{run.seed}").exists():
        return zoo.load(kept, TableModel)
    learn = zoo.tabular.learner(
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
        batch_size=BATCH_SIZE,
        run=run,
    )
    learn.task = replace(learn.task, loss=absolute_error)
    learn.fit_one_cycle(EPOCHS, LR)
    model: TableModel = learn.as_model()
    model.save(kept)
    return model


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


def one_hot_network(rows: Rows, run: zoo.Run, room: Path) -> Says:
    """Predictions of the network without embeddings."""
    if (kept := room / f"one-hot-{run.seed}.npy").exists():
        return np.asarray(np.load(kept))
    x_train, x_test = (torch.from_numpy(x) for x in places(rows))
    logs = np.log(rows.train[TARGET].to_numpy())
    mean, std = logs.mean(), logs.std()
    y = torch.from_numpy((logs - mean) / std).float().unsqueeze(1)
    torch.manual_seed(run.seed)
    net = OneHot(int(x_train.max()) + 1)
    data = Data(TensorBatches(x_train, y, batch_size=BATCH_SIZE, seed=run.seed))
    task = replace(regression(), loss=absolute_error)
    learn = Learner(net, data, task, batchnorm="live", run=run)
    learn.fit_one_cycle(EPOCHS, LR)
    with torch.inference_mode():
        batches = torch.split(x_test.to(learn.device), 4096)
        parts = torch.cat([net.eval()(batch).cpu() for batch in batches])
    says = np.exp(parts[:, 0].double().numpy() * std + mean)
    room.mkdir(parents=True, exist_ok=True)
    np.save(kept, says)
    return says


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
    return KNeighborsRegressor(10, weights="distance", algorithm="brute", p=1, n_jobs=1)


def forest(seed: int) -> Any:
    """Trees of at most 35 levels."""
    return RandomForestRegressor(TREES, max_depth=35, n_jobs=1, random_state=seed)


def boosting(seed: int) -> Any:
    """Trees of at most 10 levels; fewer and larger steps than XGBoost's 3,000 of .02."""
    return HistGradientBoostingRegressor(
        max_iter=500,
        learning_rate=0.12,
        max_depth=10,
        max_leaf_nodes=127,
        early_stopping=False,
        random_state=seed,
    )


METHODS: Final[dict[str, Callable[[int], Any]]] = {
    "knn": knn,
    "forest": forest,
    "boosting": boosting,
}


def other(name: str, rows: Rows, model: TableModel | None, seed: int) -> Says:
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


def cell(asked: Program, name: str, ours: bool, rows: Rows, seed: int, room: Path) -> None:
    """A row for one method with embeddings, or without."""
    runs = [asked.run(i) for i in range(NETWORKS * seed, NETWORKS * (seed + 1))]
    if name == "knn":
        n = min(ASKED, len(rows.test))
        rows = rows._replace(test=rows.test.sample(n, random_state=seed))
    with timed() as spent:
        if name != "network":
            model = embedding_network(rows, runs[0], room) if ours else None
            says = other(name, rows, model, seed)
        elif ours:
            each = [embedding_network(rows, run, room).predict(rows.test) for run in runs]
            says = np.mean(each, axis=0)
        else:
            says = np.mean([one_hot_network(rows, run, room) for run in runs], axis=0)
    asked.record(
        method=name,
        embeddings=ours,
        seed=seed,
        mape=mape(rows.test[TARGET], says),
        paper=PAPER[name][ours],
        test_rows=len(rows.test),
        **spent(),
    )


def main() -> None:
    """All eight cells for each draw of rows."""
    which = partial(some_of, name="--methods", known=PAPER)
    asked = program(__doc__, "tabular_entity.csv", seeds=1, inner=True, further=which)
    with asked.room(KEPT / "inner" if asked.inner else KEPT) as room:
        for seed in asked.seeds:
            rows = official(seed, asked.inner)
            if asked.smoke:
                rows = Rows(*(part.head(FEW) for part in rows))
            for name in asked.further["methods"]:
                for ours in (True, False):
                    cell(asked, name, ours, rows, seed, room)


if __name__ == "__main__":
    main()
