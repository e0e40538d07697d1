"""fastai's `collab_learner` as its tutorial calls it."""

from __future__ import annotations

from fastai.collab import CollabDataLoaders, collab_learner
from fastai.tabular.all import set_seed

from benchmarks.arena.task import Answer, Task

EPOCHS, RATE, DECAY, FACTORS = 5, 5e-3, 0.1, 50
BEYOND = 0.5  # stars that the range of predictions is wider than that of the ratings


def network(task: Task) -> Answer:
    """Five epochs by one cycle; a fifth of the ratings is validated on."""
    set_seed(task.seed)
    frame = task.train[["user", "item", "rating"]]
    loaders = CollabDataLoaders.from_df(frame, seed=task.seed, bs=64, num_workers=0)
    stars = frame["rating"].min(), frame["rating"].max() + BEYOND
    learn = collab_learner(loaders, n_factors=FACTORS, y_range=stars)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(EPOCHS, RATE, wd=DECAY)
        says, _ = learn.get_preds(dl=loaders.test_dl(task.inputs.copy()))
    return says.numpy().ravel()
