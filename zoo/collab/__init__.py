"""Ratings: recommend items to users who rated others.

import zoo

model = zoo.collab.train("ratings.csv")
model.recommend(42, k=10)
"""

from zoo.collab.finetune import finetune, learner, train
from zoo.collab.predictor import Recommender
from zoo.collab.stored import load
from zoo.collab.visitor import Visitor

__all__ = ["Recommender", "Visitor", "finetune", "learner", "load", "train"]
