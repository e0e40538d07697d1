"""LensKit's models with their defaults, in its own pipelines."""

from __future__ import annotations

import numpy as np
import pandas as pd
from lenskit.als import BiasedMFScorer
from lenskit.batch import predict, recommend
from lenskit.data import from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.pipeline import predict_pipeline, topn_pipeline

from benchmarks.arena.task import LENGTH, NOBODY, Answer, Task


def biased_mf(task: Task) -> Answer:
    """Factors by alternating least squares; where users or items are new, biases."""
    pipeline = predict_pipeline(BiasedMFScorer(), fallback=True)
    frame = task.train[["user", "item", "rating"]]
    pipeline.train(from_interactions_df(frame, user_col="user", item_col="item"))
    pairs = task.inputs.set_axis(["user_id", "item_id"], axis=1)
    said = predict(pipeline, pairs, n_jobs=1).to_df()
    return pairs.merge(said, how="left", on=["user_id", "item_id"])["score"].to_numpy(float)


def item_knn(task: Task) -> Answer:
    """Items that are like what the user chose, whatever the rating."""
    frame = task.train[["user", "item"]]
    pipeline = topn_pipeline(ItemKNNScorer(feedback="implicit"), n=LENGTH)
    pipeline.train(from_interactions_df(frame, user_col="user", item_col="item"))
    users = task.inputs["user"]
    table = recommend(pipeline, users.tolist(), LENGTH, n_jobs=1).to_df()
    answer = np.full((len(users), LENGTH), NOBODY)
    places = table["rank"].to_numpy(int) - 1
    answer[pd.Index(users).get_indexer(table["user_id"]), places] = table["item_id"]
    return answer
