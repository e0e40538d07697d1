"""Tables: train a network on a DataFrame, or fine-tune one on another.

import zoo

model = zoo.tabular.train("sales.csv", "Sales", time="Date")
model.predict("tomorrow.csv")                      # a Series
model.embedding_map("Store").savefig("stores.png")
model.save("sales"), model.export("sales.onnx")
zoo.tabular.finetune("sales", "other-sales.csv")   # columns matched by name
"""

from zoo.tabular.features import date_parts, looked_up, time_since, time_until
from zoo.tabular.finetune import finetune, learner, train
from zoo.tabular.predictor import TableModel
from zoo.tabular.sklearn import EntityEmbedder, TabularClassifier, TabularRegressor
from zoo.tabular.stored import load

__all__ = [
    "EntityEmbedder",
    "TableModel",
    "TabularClassifier",
    "TabularRegressor",
    "date_parts",
    "finetune",
    "learner",
    "load",
    "looked_up",
    "time_since",
    "time_until",
    "train",
]
