from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

import zoo
from tests.helpers.device import run_here
from tests.tabular.small import RUN, learner, same, table, train, weights
from zoo.core.model import Model
from zoo.tabular.model import TableModel

pytestmark = pytest.mark.device


def test_a_classifier_learns(buyer: TableModel) -> None:
    assert isinstance(buyer, Model)
    assert buyer.metrics["accuracy"] > 0.85
    assert buyer.evaluate(table(300, seed=9))["accuracy"] > 0.85
    assert buyer.evaluate() == buyer.metrics


@pytest.mark.parametrize("settings", [{}, {"model": "tabm", "k": 4, "bins": 8, "layers": (32,)}])
def test_a_regression_learns_and_scores_in_its_own_units(settings: dict[str, Any]) -> None:
    model = train(target="amount", log_target=True, epochs=12, **settings)
    fresh = table(300, seed=9)
    scores, says = model.evaluate(fresh), model.predict(fresh)
    assert scores["rmse"] == pytest.approx(root_mean_squared_error(fresh["amount"], says), 1e-4)
    assert scores["mae"] == pytest.approx(mean_absolute_error(fresh["amount"], says), 1e-4)
    relative = ((fresh["amount"] - says) / fresh["amount"]).pow(2).mean() ** 0.5
    assert scores["rmspe"] == pytest.approx(relative, 1e-4)
    assert scores["rmspe"] < 0.3
    target = model.spec.targets[0]
    errors = (np.log(fresh["amount"]) - np.log(says)) / target.std
    assert scores["loss"] == pytest.approx(errors.pow(2).mean(), 1e-4)


@pytest.mark.parametrize("settings", [{}, {"model": "tabm", "k": 4, "bins": 8, "layers": (32,)}])
def test_the_loss_is_that_of_the_prediction(settings: dict[str, Any]) -> None:
    model = train(epochs=2, label_smoothing=0.2, **settings)
    fresh = table(100, seed=9)
    shares = model.probabilities(fresh).to_numpy()
    of_truth = shares[np.arange(100), (fresh["bought"] == "yes").to_numpy(int)]
    assert model.evaluate(fresh)["loss"] == pytest.approx(-np.log(of_truth).mean(), 1e-4)


def test_several_targets_have_scores_of_their_own() -> None:
    frame, fresh = (
        table(n, seed).drop(columns="bought").assign(half=lambda t: t["amount"] / 2 - 1e6)
        for n, seed in ((400, 0), (50, 9))
    )
    model = train(frame, ["amount", "half"])
    says = model.predict(fresh)
    assert list(says.columns) == ["amount", "half"]
    assert says.index.equals(fresh.index)
    scores = model.evaluate(fresh)
    for name in says.columns:
        expected = root_mean_squared_error(fresh[name], says[name])
        assert scores[f"rmse {name}"] == pytest.approx(expected, 1e-3)
        assert expected < 0.7 * fresh[name].std()
    one = model.predict(fresh.iloc[0].to_dict())
    assert one == pytest.approx(says.iloc[0].to_dict(), rel=1e-4)


def test_predictions_keep_the_index_and_the_classes(buyer: TableModel) -> None:
    frame = table(20, seed=4).set_index(pd.Index(list("abcdefghijklmnopqrst")))
    says, shares = buyer.predict(frame), buyer.probabilities(frame)
    assert (says.name, says.index.tolist()) == ("bought", frame.index.tolist())
    assert shares.columns.tolist() == ["no", "yes"]
    assert shares.sum(axis=1).tolist() == pytest.approx([1] * 20)
    assert (shares.idxmax(axis=1) == says).all()


@pytest.mark.parametrize("target", ["bought", "amount"])
def test_one_row_gets_what_the_table_gets(target: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue("buyer" if target == "bought" else "amount")
    frame = table(20, seed=4).drop(columns=["bought", "amount"])
    many = model.predict(frame)
    for i in range(20):
        row = frame.iloc[i]
        for one in (model.predict(row.to_dict()), model.predict(row)):
            assert one == (many.iloc[i] if target == "bought" else pytest.approx(many.iloc[i]))
    assert isinstance(model.predict(frame.iloc[0].to_dict()), str if target == "bought" else float)
    if target == "bought":
        shares = model.probabilities(frame.iloc[0].to_dict())
        assert shares == pytest.approx(model.probabilities(frame).iloc[0].to_dict())


def test_rows_come_in_several_forms(buyer: TableModel, tmp_path: Path) -> None:
    frame = table(20, seed=4)
    expected = buyer.predict(frame)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_csv(tmp_path / "rows.tsv", index=False, sep="\t")
    for rows in (str(tmp_path / "rows.csv"), tmp_path / "rows.tsv", frame.to_dict("records")):
        assert buyer.predict(rows).equals(expected)
    assert len(buyer.predict(frame.head(0))) == 0
    assert len(buyer.predict([])) == 0


def test_parquet_files_are_tables(buyer: TableModel, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pip install pyarrow")
    frame = table(20, seed=4)
    frame.to_parquet(tmp_path / "rows.parquet")
    assert buyer.predict(tmp_path / "rows.parquet").equals(buyer.predict(frame))


@pytest.mark.parametrize(
    "classes", [[0, 1], [True, False], [1.5, "x"], ["1", 1], [3, 1, 2]], ids=str
)
def test_classes_are_kept_exactly(classes: list[Any], tmp_path: Path) -> None:
    n = len(classes)
    cells = [classes[i % n] for i in range(80)]
    plain = len({type(c) for c in classes}) == 1
    target = pd.Series(cells, dtype=None if plain else object)
    frame = pd.DataFrame({"x": np.arange(80) % n + 0.25, "y": target})
    model = train(frame, "y", task="classification", epochs=30)
    says = zoo_load(model.save(tmp_path / "m")).predict(frame)
    pairs = [(type(a), a) for a in says.tolist()]
    assert pairs == [(type(b), b) for b in cells]


def zoo_load(directory: Path) -> TableModel:
    from zoo.tabular.stored import load

    return load(directory, run=RUN)


@pytest.mark.parametrize(
    ("column", "task"),
    [
        (pd.Series(["a", "b"] * 30), "classification"),
        (pd.Series([True, False] * 30), "classification"),
        (pd.Series([0, 1] * 30), "classification"),
        (pd.Series(range(60)), "regression"),
        (pd.Series([0.0, 1.0] * 30), "regression"),
        (pd.Series(pd.Categorical([0.5, 1.5] * 30)), "classification"),
    ],
)
def test_the_target_tells_the_task(column: pd.Series, task: str) -> None:
    frame = pd.DataFrame({"x": np.arange(60.0), "y": column})
    assert train(frame, "y", epochs=1).spec.task == task


def test_a_saved_model_says_the_same_and_knows_as_much(buyer: TableModel, tmp_path: Path) -> None:
    loaded = zoo_load(buyer.save(tmp_path / "model"))
    frame = table(30, seed=5)
    frame.loc[:4, "colour"] = "violet"
    assert loaded.probabilities(frame).equals(buyer.probabilities(frame))
    assert loaded.spec == buyer.spec
    assert loaded.metrics == buyer.metrics
    assert loaded.evaluate(frame) == buyer.evaluate(frame)
    assert same(weights(loaded), weights(buyer))
    assert "bought" not in loaded.spec.inputs
    assert "loss" in (tmp_path / "model" / "README.md").read_text()
    assert loaded.evaluate() == buyer.metrics


def test_a_model_that_was_not_validated_has_no_scores() -> None:
    model = train(valid_fraction=0, epochs=1)
    assert model.metrics == {}
    with pytest.raises(ValueError, match="got none: the model was loaded without scores"):
        model.evaluate()


def test_the_same_seed_gives_the_same_model_and_another_does_not(buyer: TableModel) -> None:
    assert same(weights(train()), weights(buyer))
    other = run_here(precision="fp32", seed=1)
    assert not same(weights(train(run=other)), weights(buyer))


def test_validation_rows_teach_nothing() -> None:
    frame = table()
    mask = np.arange(400) >= 300
    odd = frame.copy()
    odd.loc[mask, "age"] = 1e6
    odd.loc[mask, "colour"] = "violet"
    odd.loc[mask, "amount"] = 1e6
    ignore = {"ignore": ["bought"], "valid": mask, "epochs": 2}
    one = train(frame, "amount", **ignore)
    with pytest.warns(UserWarning, match="'colour' .such as 'violet'"):
        other = train(odd, "amount", **ignore)
    assert one.spec == other.spec
    assert same(weights(one), weights(other))


def test_predicting_and_evaluating_change_nothing_that_training_uses() -> None:
    def fitted(probing: bool) -> dict[str, torch.Tensor]:
        learn = learner()
        learn.fit(1, 1e-2)
        if probing:
            model = learn.as_model()
            state = torch.get_rng_state()
            model.predict(table(5)), model.predict(table(5).iloc[0]), model.evaluate()
            assert torch.equal(torch.get_rng_state(), state)
            assert not learn.model.training
        learn.fit(1, 1e-2)
        return weights(learn.as_model())

    assert same(fitted(True), fitted(False))


def test_an_interrupted_training_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    class Kill:
        def epoch_end(self, fit: Any) -> None:
            if fit.epoch == 2:
                raise KilledError

    def run(**more: Any) -> zoo.Run:
        return run_here(out=tmp_path / "run", **more)

    whole = train(epochs=4)
    with pytest.raises(KilledError):
        train(epochs=4, callbacks=[Kill()], run=run())
    resumed = train(epochs=4, run=run(resume=True))
    assert same(weights(resumed), weights(whole))
    assert same(weights(zoo_load(tmp_path / "run")), weights(whole))


def test_frozen_layers_stay_and_the_head_moves() -> None:
    learn = learner()
    learn.fit(1, 1e-2)
    before = weights(learn.as_model())
    learn.freeze()
    learn.fit(1, 1e-2)
    after = weights(learn.as_model())
    moved = {
        n
        for n in before
        if n.endswith(("weight", "bias"))
        and not torch.equal(
            before[n][before[n].numel() // 2 :] if n == "embeddings.weight" else before[n],
            after[n][after[n].numel() // 2 :] if n == "embeddings.weight" else after[n],
        )
    }
    assert moved == {"heads.0.weight", "heads.0.bias"}


def test_snapshots_become_an_ensemble_that_is_saved_and_loaded(tmp_path: Path) -> None:
    learn = learner()
    learn.fit_sgdr(1e-2, cycles=2, cycle_mult=1, snapshots=True)
    both = learn.as_model(snapshots=2)
    assert len(both.members) == 2
    assert both.evaluate()["accuracy"] > 0.6
    loaded = zoo.load(both.save(tmp_path / "both"), run=RUN)
    frame = table(20, seed=3)
    shares = sum(TableModel([m], both.spec, run=RUN).probabilities(frame) for m in both.members) / 2
    assert np.allclose(loaded.probabilities(frame), shares, atol=1e-6)
    one = loaded.probabilities(frame.iloc[0].to_dict())
    assert one == pytest.approx(shares.iloc[0].to_dict(), abs=1e-6)
    with pytest.raises(ValueError, match="an ensemble of 2"):
        loaded.learner()


def test_a_loaded_model_is_trained_on_and_saved(directory: Path, tmp_path: Path) -> None:
    loaded = zoo_load(directory)
    learn = loaded.learner()
    learn.set_data(learner().data)
    before = weights(loaded)
    learn.fit(1, 1e-3)
    again = zoo_load(learn.save(tmp_path / "again"))
    assert again.spec == loaded.spec
    assert not same(weights(again), before)
    assert zoo.load(directory, run=RUN).spec == loaded.spec


def test_a_table_is_computed_in_fp32_whatever_precision_is_asked_for() -> None:
    half = run_here(precision="bf16")
    with pytest.warns(UserWarning, match="must compute in fp32, got precision='bf16'"):
        model = train(target="amount", run=half, epochs=2)
    whole = train(target="amount", epochs=2)
    assert same(weights(model), weights(whole))
    assert model.predict(table()).equals(whole.predict(table()))


def test_a_validation_file_is_read_as_the_training_table_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"code": rng.choice(["A1", "02", "NA"], 300)})
    frame["y"] = frame["code"].map({"A1": 0, "02": 5, "NA": 10}) + rng.normal(size=300)
    frame[250:].query("code != 'A1'").to_csv(tmp_path / "valid.csv", index=False)
    model = train(frame[:250], "y", valid=tmp_path / "valid.csv", epochs=20)
    assert model.metrics == model.evaluate(tmp_path / "valid.csv")
    assert model.metrics["rmse"] < 2


def test_every_door_gives_the_same_prediction(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"code": rng.choice(["02", "7", "NA"], 300), "age": rng.normal(size=300)})
    frame["store"], frame["fresh"] = rng.integers(1, 5, 300), rng.random(300) < 0.5
    effect = frame["code"].map({"02": 0, "7": 5, "NA": 9})
    model = train(frame.assign(y=effect + 3 * frame["store"] + frame["fresh"]), "y", epochs=3)
    rows = frame.head(20)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_csv(tmp_path / "excel.csv", index=False, sep=";", decimal=",", encoding="utf-16")
    tables = [rows.astype(str), rows.astype(object), rows.astype("category"), tmp_path / "rows.csv"]
    tables += [rows.astype({"store": float, "fresh": int}), tmp_path / "excel.csv"]
    tables += [rows.to_dict("records"), rows.astype(str).to_dict("records")]
    for other in tables:
        assert np.allclose(model.predict(other), model.predict(rows), rtol=1e-5)
    for i, row in rows.iterrows():
        for one in (row, row.to_dict(), {name: str(cell) for name, cell in row.items()}):
            assert model.predict(one) == pytest.approx(model.predict(rows)[i], rel=1e-4)
    with pytest.raises(ValueError, match="without 'age'"):
        model.predict([rows.iloc[0].to_dict(), {"code": "7", "store": 1, "fresh": True}])


def test_a_file_may_have_numbers_as_names(tmp_path: Path) -> None:
    frame = table()[["age", "store", "amount"]].set_axis([0, 1, 2], axis=1)
    model = train(frame, 2, epochs=1)
    fresh = table(20, seed=5)[["age", "store", "amount"]].set_axis([0, 1, 2], axis=1)
    fresh.to_csv(tmp_path / "t.csv", index=False)
    assert np.allclose(model.predict(tmp_path / "t.csv"), model.predict(fresh))
    assert model.evaluate(tmp_path / "t.csv") == pytest.approx(model.evaluate(fresh))
    again = learner(tmp_path / "t.csv", None, pretrained=model, ignore=[])
    assert again.data.spec.inputs == model.spec.inputs == [1, 0]


def test_threads_and_copies_predict_what_the_model_does(buyer: TableModel) -> None:
    frame = table(300, seed=3)
    expected, before = buyer.probabilities(frame), weights(buyer)
    row = frame.iloc[0].to_dict()
    with ThreadPoolExecutor(8) as pool:
        for shares, one in pool.map(
            lambda _: (buyer.probabilities(frame), buyer.probabilities(row)), range(40)
        ):
            assert shares.equals(expected)
            assert one == buyer.probabilities(row)
    assert same(weights(buyer), before)
    for again in (pickle.loads(pickle.dumps(buyer)), copy.deepcopy(buyer)):
        assert again.probabilities(frame).equals(expected)


def test_settings_may_be_numpys(tmp_path: Path) -> None:
    model = train(
        target="amount",
        layers=np.array([8, 4]),
        dropout=np.float32(0.25),
        bins=np.int64(3),
        sizes={"colour": np.int64(2)},
        y_range=(np.float32(0), np.float64(2e3)),
        batch_size=np.int64(32),
        epochs=np.int64(1),
    )
    loaded = zoo_load(model.save(tmp_path / "m"))
    assert loaded.members[0].arguments() == model.members[0].arguments()


HALF = pd.Series(["\ud800", "b"] * 200, dtype=object)  # of a character
UNSTORABLE: dict[str, dict[str, Any]] = {
    "layers": {"layers": [2] * 101},
    "y_range": {"target": "amount", "y_range": (-1e35, 1e35)},
    "half a character": {"data": table().drop(columns="amount").assign(x=HALF)},
}


@pytest.mark.parametrize("case", UNSTORABLE)
def test_what_cannot_be_loaded_again_is_refused_before_training(case: str) -> None:
    class Never:
        def epoch_end(self, fit: Any) -> None:
            raise AssertionError

    with pytest.raises(ValueError, match="one that can be loaded again, got one of which"):
        train(**{"target": "bought", **UNSTORABLE[case]}, callbacks=[Never()])


def test_limits_hold_in_the_targets_units() -> None:
    for log in (False, True):
        with pytest.warns(
            UserWarning, match=r"\(90, 110\) for those of 'amount' from 2\d\."
        ) as told:
            model = train(target="amount", log_target=log, y_range=(90, 110), epochs=2)
        says = model.predict(table(50, seed=3))
        assert says.min() >= 90 - 1e-3
        assert says.max() <= 110 + 1e-3
        n = len(model.learner().data.train.target)
        assert f"of {n} are beyond" in str(told[0].message)
