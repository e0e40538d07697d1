"""Texts: a language model, then a classifier on its encoder (ULMFiT).

import zoo

lm = zoo.text.train_lm("texts/")
model = zoo.text.finetune(lm, "reviews.csv", text="review", label="sentiment")
model.predict("So good!")
"""

from zoo.core.lazy_exports import stub_exports

__getattr__, __dir__, __all__ = stub_exports(__name__, __file__)
