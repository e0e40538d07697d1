from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.tabular.small import RUN, table, train
from zoo.tabular.data.contents import copies, natural_twins, row_hashes
from zoo.tabular.model import TableModel
from zoo.tabular.verbs import finetune


def coarse(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """A table whose rows repeat by nature: two columns of few values."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"size": rng.choice(list("sml"), n), "stars": rng.integers(0, 3, n)})
    return frame.assign(good=np.where(frame["stars"] > 0, "yes", "no"))


def test_a_row_has_one_hash_however_it_is_typed_and_others_have_others(buyer: TableModel) -> None:
    frame = table()
    hashes = row_hashes(frame, buyer.spec)
    assert len(np.unique(hashes)) == len(frame)
    texts = frame.astype(str).replace("nan", "")
    for other in (frame.astype(object), texts, frame.astype({"store": float}), frame[::-1][::-1]):
        assert np.array_equal(row_hashes(other, buyer.spec), hashes)
    assert not (row_hashes(frame.assign(store=1 + frame["store"]), buyer.spec) == hashes).any()
    flipped = frame["bought"].map({"yes": "no", "no": "yes"})
    assert not (row_hashes(frame.assign(bought=flipped), buyer.spec) == hashes).any()


OVERLAPPING: dict[str, Any] = {
    "its last rows": lambda frame: frame.tail(80),
    "some with a new index": lambda frame: pd.concat([table(60, 1), frame.head(5)]).reset_index(),
    "as text": lambda frame: frame.tail(80).astype(str).replace("nan", ""),
}


@pytest.mark.parametrize("case", OVERLAPPING)
def test_validation_rows_that_are_trained_on_are_refused(case: str) -> None:
    frame = table()
    with pytest.raises(ValueError, match=r"must be different, got (80|5) of (80|65) validation"):
        train(frame, "bought", ignore=["amount"], valid=OVERLAPPING[case](frame))


def test_rows_that_repeat_by_nature_are_no_overlap_and_no_news() -> None:
    model = train(coarse(), "good", valid=coarse(100, seed=1), epochs=2)
    assert model.seen_rows is None
    assert model.evaluate(coarse(50, seed=2)).keys() == {"loss", "accuracy"}
    assert natural_twins(coarse(), model.spec, row_hashes(coarse(), model.spec)) == 1


def test_a_single_natural_twin_is_no_overlap() -> None:
    frame, other = table(), table(80, seed=1)
    model = train(frame, "bought", ignore=["amount"], valid=pd.concat([other, frame.head(1)]))
    assert model.seen_rows is not None


def test_copies_of_a_row_are_on_one_side() -> None:
    frame = table(100).drop(columns="amount").assign(bought=np.arange(100) % 2)  # nothing to learn
    many = pd.concat([frame] * 5, ignore_index=True)
    model = train(many, "bought", epochs=15)
    assert model.metrics["accuracy"] < 0.75
    assert model.training["rows"] == 400
    assert copies(frame) is None
    assert copies(coarse()) is None


def test_scores_of_rows_that_were_trained_on_come_with_a_warning(buyer: TableModel) -> None:
    with pytest.warns(UserWarning, match="about 80% of the 400 rows were trained on"):
        buyer.evaluate(table())
    buyer.evaluate(table(100, seed=5))


def test_copies_on_both_sides_of_a_mask_are_refused() -> None:
    frame = pd.concat([table(), table().head(80)], ignore_index=True)
    with pytest.raises(ValueError, match="got 80 of 80 validation rows that are trained on"):
        train(frame, "bought", ignore=["amount"], valid=frame.index >= 400)


def test_fine_tuning_validates_on_rows_that_are_new_to_the_model(buyer: TableModel) -> None:
    settings: dict[str, Any] = {"ignore": ["amount"], "epochs": 1, "batch_size": 32, "run": RUN}
    divided_alike = finetune(buyer, table(), **settings)
    assert divided_alike.metrics.keys() == {"loss", "accuracy"}
    mask = np.arange(400) < 200
    with pytest.warns(UserWarning, match=r"new to the pretrained model, got 1\d\d of 200"):
        finetune(buyer, table(), valid=mask, **settings)
    whole = train(valid_fraction=0)
    with pytest.warns(UserWarning, match="about 100% that it was trained on, so that there is no"):
        assert not finetune(whole, table(), **settings).metrics
    finetune(whole, table(), "amount", epochs=1, batch_size=32, ignore=["bought"], run=RUN)
