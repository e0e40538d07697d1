"""Precomputed features stand in for photos: same outputs, kept on disk, nothing lost by a kill."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import zoo
from tests.helpers.disk import full_disk
from tests.vision.small import CLASSES, RUN, TINY, Digits, finetune, same, weights
from zoo.core.training import features as core_features
from zoo.core.training.feature_file import Known, keep, read
from zoo.core.training.learner import Learner
from zoo.vision.classification import features
from zoo.vision.classification.features import FeatureBatches, Pass, look_of
from zoo.vision.classification.recipe import set_size, start_from_probe
from zoo.vision.data.augment import Augment

pytestmark = pytest.mark.device


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def learner(data: Any, **more: Any) -> Learner:
    settings: dict[str, Any] = {"size": 32, "run": RUN, **more}
    return zoo.vision.learner(data, model=TINY, **settings)


def features_of(learn: Learner, one: Pass) -> torch.Tensor:
    return core_features.features_of(learn, look_of(learn, one))


def plain(learn: Learner) -> Pass:
    train, _ = features.photos_of(learn)
    return Pass(replace(train, augment=None, shuffle=False))


class Seen:
    """How many batches a body has seen."""

    def __init__(self, learn: Learner, stop_at: int = 10**9) -> None:
        self.n, self.stop_at = 0, stop_at
        learn.model.body.register_forward_hook(self.hook)  # type: ignore[union-attr]

    def hook(self, *_: Any) -> None:
        self.n += 1
        if self.n == self.stop_at:
            raise KeyboardInterrupt


@pytest.mark.usefixtures("kept")
def test_the_head_says_the_same_of_features_as_of_photos(photos: Path) -> None:
    learn = learner(photos, precompute=True)
    learn.fit(3, 1e-2)
    on_features = learn.predict(learn.data.valid)
    scores = learn.evaluate()
    zoo.vision.on_photos(learn)
    assert learn.predict(learn.data.valid) == pytest.approx(on_features, abs=1e-4)
    assert learn.evaluate() == pytest.approx(scores, abs=1e-4)
    model = learn.as_model()
    said = model.predict(photos / "valid" / "seven" / "0.png").probabilities["seven"]
    assert said == pytest.approx(float(on_features[0, 0]), abs=1e-4)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("head", [{}, {"hidden": 16, "pool": "avgmax"}])
def test_a_head_trains_on_features_as_on_photos_that_pass_a_frozen_body(
    head: dict[str, Any], photos: Path
) -> None:
    settings: dict[str, Any] = {"augment": "none", "dropout": 0.0, **head}
    one, other = learner(photos, **settings), learner(photos, precompute=True, **settings)
    one.freeze()
    for learn in (one, other):
        learn.fit_one_cycle(2, 1e-2)
    assert other.history.losses == pytest.approx(one.history.losses, abs=1e-4)
    zoo.vision.on_photos(other)
    valid = one.data.valid
    assert other.predict(valid) == pytest.approx(one.predict(valid), abs=1e-4)


def test_the_second_experiment_asks_no_body(photos: Path, kept: Path) -> None:
    first = learner(photos, precompute=True)
    assert len(list(kept.glob("*.features"))) == 1
    again = learner(photos)
    seen = Seen(again)
    zoo.vision.on_features(again)
    assert seen.n == 0
    for one, other in zip(first.data.train.epoch(0), again.data.train.epoch(0), strict=True):
        assert torch.equal(one.inputs[0], other.inputs[0])
        assert torch.equal(one.target, other.target)


def test_other_weights_photos_sizes_and_looks_are_other_features(
    photos: Path, kept: Path, tmp_path: Path
) -> None:
    learn = learner(photos)
    one = plain(learn)
    features_of(learn, one)

    def n() -> int:
        return len(list(kept.glob("*.features")))

    assert n() == 1
    features_of(learn, Pass(one.photos, mirrored=True))
    varied = replace(one.photos, augment=Augment())
    for epoch in range(2):
        features_of(learn, Pass(varied, epoch))
    assert n() == 4
    features_of(learn, Pass(replace(varied, seed=1), 0))
    assert n() == 5
    set_size(learn, 48)
    features_of(learn, plain(learn))
    assert n() == 6
    with torch.no_grad():
        next(learn.model.body.parameters()).add_(0.01)  # type: ignore[union-attr]
    features_of(learn, plain(learn))
    assert n() == 7
    copied = shutil.copytree(photos, tmp_path / "copied")
    features_of(learner(copied), plain(learner(copied)))
    assert n() == 7  # the same photos in another place
    changed = copied / "train" / "seven" / "3.png"
    ImageOps.invert(Image.open(changed).convert("RGB")).save(changed)
    again = learner(copied)
    seen = Seen(again)
    features_of(again, plain(again))
    assert (seen.n, n()) == (1, 7)  # the one that changed joins the others


def test_folds_and_copies_share_one_pass(photos: Path, kept: Path) -> None:
    learn = learner(photos)
    seen = Seen(learn)
    one = plain(learn)
    parts = [features_of(learn, one.of(np.arange(low, low + 60))) for low in (0, 40)]
    assert seen.n == 2 + 2  # batches of 32 of the first 60 photos, then of 40 that are new
    assert torch.equal(parts[0][40:], parts[1][:20])
    twice = features_of(learn, one.of(np.array([3, 100, 3])))
    assert torch.equal(twice[0], twice[2])
    for file in kept.glob("*.features"):
        file.unlink()
    whole = features_of(learn, one)
    assert torch.equal(whole[[3, 100]], twice[:2])


def test_a_pass_that_broke_off_leaves_no_file_and_begins_again(photos: Path, kept: Path) -> None:
    learn = learner(photos)
    seen = Seen(learn, stop_at=3)
    with pytest.raises(KeyboardInterrupt):
        features_of(learn, plain(learn))
    assert not list(kept.glob("*features*"))
    again = learner(photos)
    seen = Seen(again)
    whole = features_of(again, plain(again))
    assert seen.n == 4
    assert torch.equal(features_of(again, plain(again)), whole)
    assert seen.n == 4


def test_a_damaged_file_is_made_anew(photos: Path, kept: Path) -> None:
    learn = learner(photos)
    whole = features_of(learn, plain(learn))
    (file,) = kept.glob("*.features")
    file.write_bytes(file.read_bytes()[:-5])
    assert torch.equal(features_of(learn, plain(learn)), whole)
    assert torch.equal(features_of(learn, plain(learn)), whole)


def test_a_cache_that_cannot_be_written_costs_a_warning(photos: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    learn = learner(photos, run=replace(RUN, cache=tmp_path / "cache"))
    learn.run = replace(RUN, cache=blocked)
    with pytest.warns(UserWarning, match=r"kept on disk .*exists|directory"):
        found = features_of(learn, plain(learn))
    assert len(found) == 120


@pytest.mark.parametrize("width", [7, 3000])
def test_a_full_disk_costs_a_warning_and_leaves_no_half_file(width: int, tmp_path: Path) -> None:
    place, names = tmp_path / "a.features", np.arange(20_000 // width, dtype=np.uint64)
    known = Known(names, torch.rand(len(names), width))
    with full_disk(), pytest.warns(UserWarning, match=r"kept on disk .*File too large"):
        keep(place, known, 10**9)
    assert not len(read(place, width).names)
    keep(place, known, 10**9)
    assert torch.equal(read(place, width).of(names), known.rows)
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


def test_a_data_set_has_features_without_a_file(photos: Path, kept: Path) -> None:
    learn = learner(Digits(photos / "train"), precompute=True)
    assert isinstance(learn.data.train, FeatureBatches)
    assert not list(kept.glob("*.features"))


@pytest.mark.usefixtures("kept")
def test_versions_are_further_looks_at_the_training_photos(photos: Path) -> None:
    learn = learner(photos, precompute=True, versions=2)
    assert len(learn.data.train) == 360
    assert len(learn.data.valid) == 40
    first, second, third = learn.data.train.tensors.inputs[0].view(3, 120, -1)
    assert not torch.allclose(first, second)
    assert not torch.allclose(second, third)
    assert torch.equal(learn.data.train.tensors.target[:120], learn.data.train.tensors.target[240:])


@pytest.mark.usefixtures("kept")
def test_fine_tuning_on_features_leaves_the_body_as_it_was(photos: Path) -> None:
    probe = finetune(photos, epochs=0)
    model = finetune(photos, epochs=5, precompute=True, dropout=0.0)
    assert same(probe.members[0].body.state_dict(), model.members[0].body.state_dict())
    assert not same(weights(probe), weights(model))
    assert model.history.losses[-1] < model.history.losses[0]
    photo = photos / "valid" / "seven" / "0.png"
    assert set(model.predict(photo).probabilities) == set(CLASSES)
    further = finetune(photos, model)
    assert not same(further.members[0].body.state_dict(), model.members[0].body.state_dict())


@pytest.mark.usefixtures("kept")
def test_what_features_cannot_do_is_told(photos: Path) -> None:
    with pytest.raises(ValueError, match="batchnorm='live'"):
        learner(photos, precompute=True, batchnorm="live")
    with pytest.raises(ValueError, match="versions=2 with augment=None"):
        learner(photos, precompute=True, versions=2, augment="none")
    learn = learner(photos, precompute=True)
    with pytest.raises(ValueError, match="got size=48 for a learner on features"):
        set_size(learn, 48)
    learn.unfreeze()
    with pytest.raises(ValueError, match="got one that is unfrozen"):
        learn.fit(1, 1e-3)
    with pytest.raises(ValueError, match="got precompute=True with random weights"):
        zoo.vision.train(photos, model=TINY, size=32, precompute=True, run=RUN)
    with pytest.raises(ValueError, match="boxes are cut from photos"):
        learner(photos, precompute=True, cutmix=1.0).fit(1, 1e-3)


def test_a_run_on_features_that_broke_off_ends_with_the_same_weights(
    photos: Path, directory: Path, kept: Path, tmp_path: Path
) -> None:
    class Stop:
        def step_end(self, fit: Any) -> None:
            if fit.step == 9:
                raise KeyError

    def call(**more: Any) -> Any:
        return finetune(photos, directory, epochs=3, precompute=True, versions=1, **more)

    whole = call()
    run = replace(RUN, out=tmp_path / "run", save_every=0.0)
    with pytest.raises(KeyError):
        call(callbacks=[Stop()], run=run)
    again = call(run=replace(run, resume=True))
    assert same(weights(whole), weights(again))


@pytest.mark.usefixtures("kept")
def test_the_probe_uses_the_same_features(photos: Path) -> None:
    learn = learner(photos, precompute=True)
    seen = Seen(learn)
    start_from_probe(learn)
    assert seen.n == 4  # the mirror images; the photos themselves are known
