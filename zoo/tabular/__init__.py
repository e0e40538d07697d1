"""Tables: train a network on a DataFrame, or fine-tune one on another.

import zoo

model = zoo.tabular.train("sales.csv", "Sales", time="Date")
model.predict("tomorrow.csv")                      # a Series
model.embedding_map("Store").savefig("stores.png")
model.save("sales"), model.export("sales.onnx")
zoo.tabular.finetune("sales", "other-sales.csv")   # columns matched by name
"""

from typing import TYPE_CHECKING

from zoo.core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from zoo.core.explanation import Explanation as Explanation
    from zoo.tabular.data.features import date_parts as date_parts
    from zoo.tabular.data.features import looked_up as looked_up
    from zoo.tabular.data.features import time_since as time_since
    from zoo.tabular.data.features import time_until as time_until
    from zoo.tabular.examinations import check as check
    from zoo.tabular.model import TableModel as TableModel
    from zoo.tabular.sklearn.estimators import EntityEmbedder as EntityEmbedder
    from zoo.tabular.sklearn.estimators import TabularClassifier as TabularClassifier
    from zoo.tabular.sklearn.estimators import TabularRegressor as TabularRegressor
    from zoo.tabular.stored import load as load
    from zoo.tabular.verbs import finetune as finetune
    from zoo.tabular.verbs import learner as learner
    from zoo.tabular.verbs import train as train

__getattr__, __dir__ = lazy_exports(__name__)
__all__ = list(__dir__())
