"""What a call for photos is judged by: the probe it started from, held-out photos, folds."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

import zoo
from tests.vision.small import (
    CLASSES,
    RUN,
    TINY,
    Digits,
    finetune,
    of_other_classes,
    same,
    table,
    weights,
)
from zoo.vision.data.photo_sets import list_photos

pytestmark = [pytest.mark.device, pytest.mark.usefixtures("cache")]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return of_other_classes(tmp_path_factory.mktemp("tiny"))


def judged(data: Any, start: Any, **more: Any) -> Any:
    return finetune(data, start, **{"rivals": True, "lr": 1e-2, "run": RUN, **more})


def test_a_call_tells_what_the_probe_would_have_got(
    photos: Path, tiny: Path, tmp_path: Path
) -> None:
    model = judged(photos, tiny)
    probe = finetune(photos, tiny, epochs=0, run=RUN)
    assert list(model.rivals.index) == ["network", "constant", "linear probe", "returned"]
    assert model.rivals.loc["linear probe", "accuracy"] == pytest.approx(probe.metrics["accuracy"])
    assert model.rivals.loc["linear probe", "loss"] == pytest.approx(probe.metrics["loss"], 1e-4)
    shares = np.full((40, len(CLASSES)), 1 / len(CLASSES))
    truth = [path.parent.name for path in sorted((photos / "valid").rglob("*.png"))]
    expected = log_loss(truth, shares, labels=CLASSES)
    assert model.rivals.loc["constant", "loss"] == pytest.approx(expected, rel=1e-4)
    assert model.rivals.loc["returned", "loss"] == pytest.approx(model.metrics["loss"], rel=1e-4)
    assert model.metrics["loss"] < model.rivals.loc["network", "loss"]
    assert (model.blend.shares, model.blend.temperature == 1) == ((), False)
    loaded = zoo.load(model.save(tmp_path / "model"), run=RUN)
    assert loaded.metrics == loaded.evaluate() == model.evaluate() == model.metrics
    photo = next((photos / "valid").rglob("*.png"))
    answer, plain = model.predict(photo), copy.copy(model)
    assert loaded.predict(photo) == answer
    plain.blend = None
    sure = np.array([*plain.predict(photo).probabilities.values()])
    expected = sure ** (1 / model.blend.temperature)
    assert [*answer.probabilities.values()] == pytest.approx(expected / expected.sum(), rel=1e-4)
    card = (tmp_path / "model" / "README.md").read_text()
    assert f"divided by {model.blend.temperature:.3g}" in card


def test_ruinous_training_gives_the_probe(photos: Path, tiny: Path) -> None:
    model = judged(photos, tiny, lr=1.0)
    probe = finetune(photos, tiny, epochs=0, run=RUN)
    ruined, first = (weights(one)["head.layers.1.weight"] for one in (model, probe))
    assert np.allclose(ruined, first, atol=1e-6)
    assert model.rivals.loc["network", "loss"] == pytest.approx(probe.metrics["loss"], rel=1e-4)


def test_folds_hold_out_each_photo_once_and_copies_together(
    photos: Path, tiny: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(photos / "train", tmp_path / "photos")
    copies = [folder / CLASSES[0] / f"copy {i}.png" for i in range(3)]
    for twin in copies:
        shutil.copy(folder / CLASSES[0] / "0.png", twin)
    parts = [list_photos(folder, fold=(i, 3)).valid for i in range(3)]
    held_out = [path for part in parts if part for path in part.paths]
    assert sorted(held_out) == sorted(folder.rglob("*.png"))
    assert sum({*copies} <= {*part.paths} for part in parts if part) == 1
    model = judged(folder, tiny, folds=3, epochs=0)
    said = model.out_of_fold
    assert list(said.index) == [str(path) for path in sorted(folder.rglob("*.png"))]
    assert np.allclose(said.sum(axis=1), 1, atol=1e-4)
    right = said.idxmax(axis=1) == [Path(path).parent.name for path in said.index]
    assert model.metrics["accuracy"] == pytest.approx(right.mean(), abs=0.02)
    assert 0 < model.spread["accuracy"] < 0.2


def test_a_data_set_and_a_table_have_folds_too_unless_they_state_a_part(
    photos: Path, tiny: Path
) -> None:
    model = judged(Digits(photos / "train"), tiny, folds=2, epochs=0)
    assert not model.out_of_fold.isna().any(axis=None)
    assert list(model.out_of_fold.index) == list(range(120))
    frame = table(photos)
    with pytest.raises(ValueError, match="set a validation part apart"):
        judged(frame, tiny, folds=2)
    with pytest.raises(ValueError, match="set a validation part apart"):
        zoo.vision.learner(photos / "train", model=TINY, valid=photos / "valid", fold=(0, 2))
    with pytest.raises(ValueError, match="got refit=True and data that set a validation part"):
        judged(photos, tiny, refit=True)


def test_groups_of_photos_stay_together(photos: Path, tmp_path: Path) -> None:
    frame = table(photos / "train").drop(columns="valid")
    frame["person"] = np.arange(120) // 2 % 12  # of both classes
    twin = tmp_path / "twin.png"
    shutil.copy(frame.photo[0], twin)  # a photo of the first person, also told of another
    frame.loc[120] = [str(twin), frame.digit[0], 99]
    listings = [list_photos(frame, fold=(i, 4), group="person") for i in range(4)]
    for listing in [*listings, list_photos(frame, group="person")]:
        assert listing.valid is not None
        sides = [{frame.person[row] for row in part.rows} for part in listing.parts]
        assert not sides[0] & sides[1]
        assert {0, 99} <= sides[0] or {0, 99} <= sides[1]
    rows = [listing.valid.rows for listing in listings if listing.valid]
    assert sorted(np.concatenate(rows)) == [*range(121)]
    learn = zoo.vision.learner(frame, model=TINY, size=32, group="person", valid_fraction=0.0)
    persons = frame.person.astype(str)
    assert learn.data.train.groups.tolist() == np.unique(persons, return_inverse=True)[1].tolist()
    with pytest.raises(ValueError, match="got group='person' and a validation part"):
        list_photos(frame, frame, group="person")
    with pytest.raises(ValueError, match=r"column of groups.*'patient'"):
        list_photos(frame, group="patient")


def test_all_photos_are_trained_on_at_the_share_that_was_found(photos: Path, tiny: Path) -> None:
    model = judged(photos / "train", tiny, refit=True, lr=1.0)
    probe = finetune(photos / "train", tiny, epochs=0, valid_fraction=0.0, run=RUN)
    whole, first = (weights(one)["head.layers.1.weight"] for one in (model, probe))
    assert np.allclose(whole, first, atol=1e-6)
    assert model.training["photos"] == 120
    assert "before it was trained on all rows" in model.training["scored"]
    assert not same(weights(model), weights(judged(photos / "train", tiny, lr=1.0)))
