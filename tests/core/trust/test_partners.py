"""The simple models of a blend stay behind when its networks train further, and a call tells it."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

import zoo
from tests.collab.small import ratings
from tests.tabular.small import RUN, table
from tests.text.small import TINY, reviews
from zoo.core.trust.blend import Blend


def small_lm() -> Any:
    return zoo.text.lm_learner(reviews(20)["review"], model="awd_lstm", run=RUN, **TINY).as_model()


@pytest.mark.filterwarnings("ignore:validation .* must be new:UserWarning")
@pytest.mark.parametrize("domain", ["text", "tabular", "collab"])
def test_further_training_tells_once_that_partners_stay_behind(domain: str) -> None:
    first, data, options = {
        "text": (small_lm, reviews, {"text": "review", "label": "liked"}),
        "tabular": (lambda: None, table, {"target": "bought", "ignore": ["amount"]}),
        "collab": (lambda: None, ratings, {"lists": "none"}),
    }[domain]
    verbs: Any = getattr(zoo, domain)
    options |= {"run": RUN}
    model = verbs.learner(data(seed=1), pretrained=first(), **options).as_model()
    model.blend = Blend((nn.Identity(),), (0.4,))
    calls = {
        "learner": lambda: verbs.learner(data(seed=2), pretrained=model, **options),
        "finetune": lambda: verbs.finetune(model, data(seed=2), epochs=0, folds=2, **options),
    }
    for name, call in calls.items():
        with pytest.warns(UserWarning, match=r"a share of 40%. They are not carried") as said:
            call()
        assert sum("not carried over" in str(one.message) for one in said) == 1, name
