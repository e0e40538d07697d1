"""Texts: a language model, then a classifier on its encoder (ULMFiT).

import zoo

lm = zoo.text.train_lm("texts/")
model = zoo.text.finetune(lm, "reviews.csv", text="review", label="sentiment")
model.predict("So good!")
"""

from typing import TYPE_CHECKING

from zoo.core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from zoo.core.explanation import Explanation as Explanation
    from zoo.core.predictions import Labels as Labels
    from zoo.core.predictions import Prediction as Prediction
    from zoo.text.classification.averaging import ensemble as ensemble
    from zoo.text.classification.model import TextClassifier as TextClassifier
    from zoo.text.classification.verbs import choose as choose
    from zoo.text.classification.verbs import finetune as finetune
    from zoo.text.classification.verbs import learner as learner
    from zoo.text.classification.verbs import train as train
    from zoo.text.data.torchtext import to_field as to_field
    from zoo.text.examinations import check as check
    from zoo.text.language_model.model import LanguageModel as LanguageModel
    from zoo.text.language_model.verbs import finetune_lm as finetune_lm
    from zoo.text.language_model.verbs import lm_learner as lm_learner
    from zoo.text.language_model.verbs import train_lm as train_lm
    from zoo.text.stored import load as load

__getattr__, __dir__ = lazy_exports(__name__)
__all__ = list(__dir__())
