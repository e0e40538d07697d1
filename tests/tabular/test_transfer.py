from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from tests.tabular.small import RUN, learner, table, train
from zoo.tabular.model import TableModel
from zoo.tabular.verbs import finetune

pytestmark = pytest.mark.device


def test_a_model_that_is_not_trained_on_says_what_it_said(buyer: TableModel) -> None:
    frame = table(60, seed=7).drop(columns="amount")
    learn = learner(frame, pretrained=buyer, ignore=[])
    learn.model.eval()
    says = learn.as_model().probabilities(frame)
    assert np.allclose(says, buyer.probabilities(frame), atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"model": "tabm", "k": 4, "bins": 8}, {"join": "inside"}])
def test_known_categories_keep_their_vectors_and_new_ones_start_at_the_mean(
    settings: dict[str, Any],
) -> None:
    buyer = train(epochs=2, **settings)
    frame = table(200, seed=8).drop(columns="amount")
    frame.loc[:50, "colour"] = "violet"
    frame["weather"] = np.where(np.arange(200) % 2, "sun", "rain")
    frame["height"] = np.linspace(0, 1, 200)
    learn = learner(frame.drop(columns="age"), pretrained=buyer, ignore=[])
    old, new = buyer.embeddings("colour"), learn.as_model().embeddings("colour")
    assert new.index.tolist() == ["blue", "green", "red", "violet"]
    assert np.allclose(new.loc[list(old.index)], old)
    assert np.allclose(new.loc["violet"], old.mean(), atol=1e-6)
    spec = learn.data.spec
    assert set(spec.inputs) == {"colour", "store", "income", "weather", "height"}
    kept = {n.name: n for n in spec.numbers}["income"]
    assert kept == {n.name: n for n in buyer.spec.numbers}["income"]
    tuned = finetune(buyer, frame.drop(columns="age"), epochs=1, batch_size=32, run=RUN)
    assert tuned.predict(frame).isin(["yes", "no"]).all()


def test_what_was_learnt_helps_with_few_rows() -> None:
    few, fresh = table(40, seed=11), table(400, seed=12)
    plain = train(few, "bought", ignore=["amount"], epochs=3, lr=1e-3)
    tuned = finetune(
        train(epochs=15), few, ignore=["amount"], epochs=3, lr=1e-3, batch_size=32, run=RUN
    )
    assert tuned.evaluate(fresh)["accuracy"] > plain.evaluate(fresh)["accuracy"] + 0.1


@pytest.mark.filterwarnings("ignore:y_range should hold all targets")
def test_limits_hold_in_another_scale_of_the_target() -> None:
    frame = table().drop(columns="bought")
    amount = train(frame, "amount", y_range=(90, 110), epochs=1)
    tuned = finetune(amount, frame, log_target=True, epochs=1, batch_size=32, run=RUN)
    target, limits = tuned.spec.targets[0], tuned.members[0].settings["y_range"]
    assert limits is not None
    assert np.exp(np.array(limits[0]) * target.std + target.mean) == pytest.approx([90, 110])
    assert finetune(amount, frame, epochs=1, run=RUN).predict(frame).between(89.9, 110.1).all()
    amount = train(frame, "amount", y_range=(0, 110), epochs=1)
    with pytest.raises(ValueError, match=r"got y_range=\[\(0.0, 110.0\)\]"):
        finetune(amount, frame, log_target=True, epochs=1, run=RUN)


def test_a_new_target_gets_a_new_head(amount: TableModel) -> None:
    tuned = finetune(
        amount,
        table(),
        "bought",
        ignore=["amount"],
        epochs=3,
        lr=1e-2,
        batch_size=32,
        run=RUN,
    )
    assert tuned.spec.classes == ("no", "yes")
    assert tuned.metrics["accuracy"] > 0.7


def test_a_new_class_joins_the_known_ones(buyer: TableModel) -> None:
    frame = table(90).drop(columns="amount")
    frame.loc[:30, "bought"] = "maybe"
    tuned = finetune(buyer, frame, epochs=1, run=RUN)
    assert tuned.spec.classes == ("no", "yes", "maybe")


def test_a_saved_model_is_fine_tuned_by_its_directory(buyer: TableModel, tmp_path: Path) -> None:
    buyer.save(tmp_path / "model")
    tuned = finetune(tmp_path / "model", table(100).drop(columns="amount"), epochs=1, run=RUN)
    assert tuned.spec.inputs == buyer.spec.inputs


def test_what_was_said_of_the_columns_is_remembered(tmp_path: Path) -> None:
    frame = table().rename(columns={"colour": "Farbe, neu", "store": "  shop", "bought": "y?"})
    frame = frame.assign(leak=frame["amount"] * 2, shift=np.arange(400) // 8)
    options: dict[str, Any] = {"ignore": ["leak"], "group": "shift", "log_target": True}
    model = train(frame.drop(columns="y?"), "amount", **options, epochs=2)
    frame.drop(columns="y?").to_csv(tmp_path / "table.csv", index=False)
    loaded = zoo.load(model.save(tmp_path / "model"), TableModel)
    with pytest.warns(UserWarning, match="of the 400 rows were trained on"):
        scores = loaded.evaluate(tmp_path / "table.csv")
    assert scores["rmspe"] < 1
    with pytest.warns(UserWarning, match="must be new to the pretrained model"):
        tuned = finetune(
            loaded, tmp_path / "table.csv", epochs=1, batch_size=32, rivals=False, run=RUN
        )
    assert tuned.spec.inputs == model.spec.inputs == ["Farbe, neu", "  shop", "age", "income"]
    assert tuned.spec.log_target
    assert tuned.spec.left_out == model.spec.left_out
    other: dict[str, Any] = {"ignore": [], "numbers": ["shift"], "valid_fraction": 0}
    again = learner(tmp_path / "table.csv", None, pretrained=tuned, **other)
    assert again.data.spec.inputs == [*model.spec.inputs, "shift"]


def test_a_model_and_data_that_are_swapped_are_answered_with_the_right_call(
    directory: Path,
) -> None:
    frame = table(20)
    with pytest.raises(ValueError, match=r"Call zoo.tabular.finetune\('.*model', DataFrame\)"):
        finetune(frame, directory)
    with pytest.raises(ValueError, match=r"finetune\('zoo/adult', 'sales.csv'\)"):
        finetune("sales.csv", "zoo/adult")
    for verb in (train, learner):
        with pytest.raises(ValueError, match="must be given data first, got the model 'zoo/adult'"):
            verb("zoo/adult", "Sales")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layers": (3,)}, "got layers, which"),
        ({"pretrained": "nowhere"}, "got 'nowhere', which"),
        ({"data": table()[["bought"]].assign(q=range(400))}, "got 'q', none of"),
    ],
)
def test_fine_tuning_that_will_not_do(
    settings: dict[str, Any], said: str, buyer: TableModel
) -> None:
    given = {"pretrained": buyer, "data": table().drop(columns="amount"), "run": RUN, **settings}
    with pytest.raises((ValueError, FileNotFoundError), match=said) as caught:
        finetune(**given)
    assert ", got " in str(caught.value)
