"""Tables: train a network on a DataFrame, or fine-tune one on another.

import zoo

model = zoo.tabular.train("sales.csv", "Sales")
model.predict("tomorrow.csv")
"""

from zoo.tabular.finetune import finetune, learner, train
from zoo.tabular.predictor import TableModel
from zoo.tabular.stored import load

__all__ = ["TableModel", "finetune", "learner", "load", "train"]
