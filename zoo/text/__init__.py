"""Texts: a language model, then a classifier on its encoder (ULMFiT).

import zoo

lm = zoo.text.train_lm("texts/")
model = zoo.text.finetune(lm, "reviews.csv", text="review", label="sentiment")
model.predict("So good!")
"""

from zoo.text.ensemble import ensemble
from zoo.text.explain import Explanation
from zoo.text.finetune import finetune, learner, train
from zoo.text.language_model import LanguageModel
from zoo.text.predictor import Labels, Prediction, TextClassifier
from zoo.text.stored import load
from zoo.text.torchtext import to_field
from zoo.text.train_lm import finetune_lm, lm_learner, train_lm

__all__ = [
    "Explanation",
    "Labels",
    "LanguageModel",
    "Prediction",
    "TextClassifier",
    "ensemble",
    "finetune",
    "finetune_lm",
    "learner",
    "lm_learner",
    "load",
    "to_field",
    "train",
    "train_lm",
]
