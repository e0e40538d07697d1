"""Views of a photo are averaged as stated, by every member of an ensemble, and leave no trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.vision.small import RUN, train_tiny
from zoo.core.training.evaluation import set_aside
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.tta import CROPS, SHIFTS, TTA, View, views_of
from zoo.vision.data.augment import NONE, Augment
from zoo.vision.data.inputs import GivenPhotos

pytestmark = [pytest.mark.device, pytest.mark.usefixtures("cache")]


def files(photos: Path, n: int = 6) -> list[Path]:
    return sorted((photos / "valid").rglob("*.png"))[::7][:n]


def rows(predictions: list[Any]) -> np.ndarray:
    return np.array([list(p.probabilities.values()) for p in predictions])


def with_augment(model: PhotoModel, augment: Augment | None) -> PhotoModel:
    return PhotoModel(model.members, replace(model.spec, augment=augment), run=RUN)


def test_the_mean_is_three_quarters_of_the_varied_views_and_a_quarter_of_the_plain_one(
    model: PhotoModel, photos: Path
) -> None:
    given, flipping = files(photos), TTA(augment=replace(NONE, flip=1.0))
    still = model.learner().data.valid
    labels = torch.zeros(len(given), dtype=torch.int64)
    (batch,) = replace(
        still, items=GivenPhotos(given, model.spec.preprocessing.resize), targets=labels
    ).epoch(0)
    with torch.inference_mode(), set_aside(model.members[0]):
        plain, mirrored = (
            model.members[0](x).softmax(1).numpy(force=True)
            for x in (batch.inputs[0], batch.inputs[0].flip(-1))
        )
    assert not np.allclose(plain, mirrored, atol=1e-2)
    found = rows(model.predict(given, tta=flipping))
    assert found == pytest.approx(0.25 * plain + 0.75 * mirrored, abs=1e-4)


def test_views_that_do_not_vary_change_nothing(model: PhotoModel, photos: Path) -> None:
    given = files(photos)
    same = TTA(augment=NONE)
    assert rows(model.predict(given, tta=same)) == pytest.approx(
        rows(model.predict(given)), abs=1e-5
    )


def test_a_photo_gets_the_same_views_every_time(model: PhotoModel, photos: Path) -> None:
    varied = with_augment(model, Augment())
    given = files(photos)
    state = torch.get_rng_state()
    first = varied.predict(given, tta=True)
    assert first == varied.predict(given, tta=True)
    assert first != varied.predict(given)
    assert torch.equal(state, torch.get_rng_state())


def test_a_photo_gets_the_same_views_in_any_company(model: PhotoModel, photos: Path) -> None:
    varied, given = with_augment(model, Augment()), files(photos)
    together = rows(varied.predict(given, tta=True))
    alone = rows([varied.predict(path, tta=True) for path in given])
    assert together == pytest.approx(alone, abs=1e-5)
    backwards = rows(varied.predict(given[::-1], tta=True, batch_size=4))
    assert backwards[::-1] == pytest.approx(alone, abs=1e-5)


def test_the_loss_of_views_is_that_of_their_predictions(model: PhotoModel, photos: Path) -> None:
    varied, folder = with_augment(model, Augment()), photos / "valid"
    paths = sorted(folder.rglob("*.png"))
    found = varied.predict(paths, tta=True)
    true = [
        -np.log(p.probabilities[path.parent.name]) for p, path in zip(found, paths, strict=True)
    ]
    assert varied.evaluate(folder, tta=True)["loss"] == pytest.approx(np.mean(true), abs=1e-4)


def test_the_networks_stay_as_they_were(model: PhotoModel, photos: Path) -> None:
    (network,) = model.members
    network.train()
    before = {name: t.clone() for name, t in network.state_dict().items()}
    model.predict(files(photos), tta=True)
    assert network.training
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())
    network.eval()


def test_an_ensemble_sees_the_same_views(model: PhotoModel, photos: Path) -> None:
    other = train_tiny(photos, seed=1)
    spec = replace(model.spec, augment=Augment())
    alone = [
        rows(PhotoModel(one.members, spec, run=RUN).predict(files(photos), tta=True))
        for one in (model, other)
    ]
    both = PhotoModel([*model.members, *other.members], spec, run=RUN)
    assert rows(both.predict(files(photos), tta=True)) == pytest.approx(sum(alone) / 2, abs=1e-5)


def test_evaluation_tells_the_scores_with_and_without(model: PhotoModel, photos: Path) -> None:
    plain = model.evaluate(photos / "valid")
    found = with_augment(model, Augment()).evaluate(photos / "valid", tta=True)
    assert set(found) == {"loss", "accuracy", "plain loss", "plain accuracy"}
    assert found["plain accuracy"] == plain["accuracy"]
    assert found["loss"] != found["plain loss"]
    unvaried = model.evaluate(photos / "valid", tta=TTA(augment=NONE))
    assert unvaried["loss"] == pytest.approx(plain["loss"], abs=1e-4)
    assert unvaried["accuracy"] == plain["accuracy"]


def test_crops_are_the_corners_and_their_mirror_images(model: PhotoModel, photos: Path) -> None:
    items = GivenPhotos(files(photos, 1), model.spec.preprocessing.resize)
    batches = model.learner().data.valid
    still = replace(batches, items=items, targets=torch.zeros(1), mean=(0, 0, 0), std=(1, 1, 1))
    views, shares = views_of(still, CROPS, Augment())
    (batch,) = views.epoch(0)
    assert shares == [0.4] + [0.6 / 8] * 8
    photo = torch.from_numpy(items[0].copy()).permute(2, 0, 1) / 255
    size = model.spec.size
    corners = [
        photo[:, top, left]
        for left in (slice(size), slice(-size, None))
        for top in (slice(size), slice(-size, None))
    ]
    for view, corner in zip(batch.inputs[1:5], corners, strict=True):
        assert torch.allclose(view[0], corner, atol=1e-4)
    for view, corner in zip(batch.inputs[5:], corners, strict=True):
        assert torch.allclose(view[0], corner.flip(-1), atol=1e-4)


def test_a_model_that_never_saw_mirror_images_is_shown_none(
    model: PhotoModel, photos: Path
) -> None:
    still = model.learner().data.valid
    assert model.spec.augment is None
    views, _ = views_of(still, TTA(), model.spec.augment)
    assert views.varied == [View(SHIFTS)] * 4
    assert len(views_of(still, CROPS, replace(NONE, rotate=5.0))[0].varied) == 4


def test_views_of_a_file_share_one_decoding(model: PhotoModel, photos: Path) -> None:
    asked: list[int] = []

    class Counted(GivenPhotos):
        def __getitem__(self, i: int, /) -> Any:
            asked.append(i)
            return super().__getitem__(i)

    items = Counted(files(photos), model.spec.preprocessing.resize)
    still = replace(model.learner().data.valid, items=items, targets=torch.zeros(6), threads=1)
    list(views_of(still, TTA(), Augment())[0].epoch(0))
    assert sorted(asked) == list(range(6))


@pytest.mark.parametrize(
    ("wish", "said"),
    [("yes", "tta='yes'"), (4, "tta=4"), (lambda: TTA(n=0), "n=0"), (lambda: TTA(plain=1), "=1")],
)
def test_a_senseless_wish_is_told(wish: Any, said: str, model: PhotoModel, photos: Path) -> None:
    with pytest.raises(ValueError, match=said):
        model.predict(files(photos, 1), tta=wish() if callable(wish) else wish)
