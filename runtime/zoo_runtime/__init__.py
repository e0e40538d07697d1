"""Predictions of exported transfer-zoo models, with numpy and onnxruntime alone.

import zoo_runtime

zoo_runtime.load("pets.onnx").predict("dog.jpg")
"""

from zoo_runtime.graph import Graph
from zoo_runtime.loading import load
from zoo_runtime.photos import PhotoModel
from zoo_runtime.predictions import Labels, Prediction
from zoo_runtime.ratings import Recommender
from zoo_runtime.tables import TableModel
from zoo_runtime.texts import TextModel

__version__ = "0.1.0"

__all__ = [
    "Graph",
    "Labels",
    "PhotoModel",
    "Prediction",
    "Recommender",
    "TableModel",
    "TextModel",
    "load",
]
