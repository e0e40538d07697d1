"""Ratings: recommend items to users who rated others.

import zoo

model = zoo.collab.train("ratings.csv")
model.recommend(42, k=10)
"""

from typing import TYPE_CHECKING

from zoo.core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from zoo.collab.examinations import check as check
    from zoo.collab.model import Recommender as Recommender
    from zoo.collab.stored import load as load
    from zoo.collab.verbs import finetune as finetune
    from zoo.collab.verbs import learner as learner
    from zoo.collab.verbs import train as train
    from zoo.collab.visitor import Visitor as Visitor
    from zoo.core.explanation import Explanation as Explanation

__getattr__, __dir__ = lazy_exports(__name__)
__all__ = list(__dir__())
