from __future__ import annotations

import copy
import io
import json
import pickle  # the library itself never does
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import zoo
from tests.helpers.digits import NAMES
from tests.vision.small import RUN, TINY, train_tiny
from zoo.core.artifacts import artifact
from zoo.core.model import Model
from zoo.core.predictions import Prediction
from zoo.vision.classification.model import PhotoModel
from zoo.vision.data.images import UnreadableImage

pytestmark = [pytest.mark.device, pytest.mark.usefixtures("cache")]


def probabilities(found: Prediction[str] | list[Prediction[str]]) -> torch.Tensor:
    rows = found if isinstance(found, list) else [found]
    return torch.tensor([list(row.probabilities.values()) for row in rows], dtype=torch.float64)


# ---- predict -------------------------------------------------------------------------------------


def test_the_model_is_one_of_the_zoo(model: PhotoModel) -> None:
    assert isinstance(model, Model)
    assert model.metrics["accuracy"] > 0.9


def test_a_photo_in_any_form_gets_the_same_prediction(model: PhotoModel, photos: Path) -> None:
    path = photos / "valid" / NAMES[0] / "0.png"
    image = Image.open(path)
    grey = np.asarray(image)
    rgb = np.asarray(image.convert("RGB"))
    chw = torch.from_numpy(rgb.transpose(2, 0, 1).copy())
    expected = probabilities(model.predict(path))
    forms: dict[str, Any] = {
        "text": str(path),
        "Pillow": image,
        "Pillow RGB": image.convert("RGB"),
        "array (H, W)": grey,
        "array (H, W, 3)": rgb,
        "array of floats": rgb / 255,
        "tensor (3, H, W)": chw,
        "tensor (1, H, W)": chw[:1],
        "tensor of floats": chw / 255,
        "tensor with a gradient": (chw / 255).requires_grad_(),
        "tensor of bfloat16": (chw / 255).bfloat16(),
        "bytes": path.read_bytes(),
        "an opened file": io.BytesIO(path.read_bytes()),
        "an array of one path": np.array(str(path)),
    }
    for form, photo in forms.items():
        found = model.predict(photo)
        assert isinstance(found, Prediction), form
        assert torch.equal(probabilities(found), expected), form
    several = {
        "list": [path, str(path)],
        "tuple of mixed forms": (path, rgb),
        "generator": (path for _ in range(2)),
        "tensor (B, 3, H, W)": torch.stack([chw, chw]),
        "array (B, H, W, 3)": np.stack([rgb, rgb]),
    }
    for form, batch in several.items():
        found = model.predict(batch)
        assert isinstance(found, list), form
        torch.testing.assert_close(probabilities(found), expected.expand(2, 2), msg=form)


def test_a_prediction_tells_its_class_and_all_probabilities(
    model: PhotoModel, photos: Path
) -> None:
    found = model.predict(photos / "valid" / NAMES[0] / "0.png")
    assert found.label == NAMES[0]
    assert found.probability == max(found.probabilities.values())
    assert tuple(found.probabilities) == model.spec.classes
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert repr(found).startswith("Prediction(label='three', probability=0.")


def test_predictions_keep_the_order_whatever_the_batches(model: PhotoModel, photos: Path) -> None:
    paths = sorted((photos / "valid").rglob("*.png"))[::3]
    one_by_one = torch.cat([probabilities(model.predict(path)) for path in paths])
    assert one_by_one[:, 0].unique().numel() > 5
    for batch_size in (1, 4, 64):
        found = probabilities(model.predict(paths[::-1], batch_size=batch_size))
        assert (found.flip(0) - one_by_one).abs().max() < 1e-5


def test_a_folder_is_predicted_in_sorted_order(model: PhotoModel, photos: Path) -> None:
    folder = photos / "valid"
    listed = model.predict(sorted(folder.rglob("*.png")))
    assert torch.equal(probabilities(model.predict(folder)), probabilities(listed))
    assert torch.equal(probabilities(model.predict(str(folder))), probabilities(listed))


@pytest.mark.parametrize("form", [np.array, pd.Series, iter])
def test_columns_and_arrays_of_paths_are_predicted(
    form: Any, model: PhotoModel, photos: Path
) -> None:
    paths = [str(path) for path in sorted((photos / "valid").rglob("*.png"))[:3]]
    assert model.predict(form(paths)) == model.predict(paths)
    with pytest.raises(ValueError, match=r"got all of \['p'\]. Try predict\(table\['p'\]\)"):
        model.predict(pd.DataFrame({"p": paths}))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_model_just_trained_can_be_copied(copied: Any, model: PhotoModel, photos: Path) -> None:
    path = photos / "valid" / NAMES[0] / "0.png"
    assert copied(model).predict(path) == model.predict(path)


def test_nothing_is_predicted_of_nothing(model: PhotoModel, tmp_path: Path) -> None:
    assert model.predict([]) == []
    assert model.predict(torch.zeros(0, 3, 32, 32)) == []
    with pytest.raises(ValueError, match=r"must hold photos, got none in '.*'"):
        model.predict(tmp_path)


def test_files_that_cannot_be_read_are_named_at_once(
    model: PhotoModel, photos: Path, tmp_path: Path
) -> None:
    whole = photos / "valid" / NAMES[0] / "0.png"
    broken = [tmp_path / "a.jpg", tmp_path / "b.png"]
    for path in broken:
        path.write_bytes(whole.read_bytes()[:60])
    with pytest.raises(UnreadableImage, match=r"got .*a\.jpg cannot .*b\.png cannot .*\. Leave"):
        model.predict([whole, *broken])
    with pytest.raises(UnreadableImage, match=r"got c\.jpg, d\.jpg\. Correct the paths"):
        model.predict(["c.jpg", whole, "d.jpg"])


@pytest.mark.parametrize(
    ("photo", "said"),
    [
        (np.zeros((3, 40, 40), np.uint8), r"array.shape=\(3, 40, 40\)"),
        (np.full((40, 40, 3), -2.0), "dtype=dtype.'float64'"),
        (np.zeros((0, 40, 3), np.uint8), r"array.shape=\(0, 40, 3\)"),
        (torch.zeros(5), r"array.shape=\(5,\)"),
        (7, "int"),
        ([None], r"got NoneType of .* for i=0"),
    ],
)
def test_what_is_no_photo_is_one_clear_sentence(model: PhotoModel, photo: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        model.predict(photo)
    assert ", got " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_predicting_changes_nothing(model: PhotoModel, photos: Path) -> None:
    member = model.members[0].train()
    before = {name: t.clone() for name, t in member.state_dict().items()}
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    model.predict(photos / "valid")
    model.evaluate(photos / "valid")
    assert member.training
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(before[name], t) for name, t in member.state_dict().items())
    member.eval()


# ---- evaluate ------------------------------------------------------------------------------------


def test_every_form_of_the_validation_part_scores_alike(model: PhotoModel, photos: Path) -> None:
    valid = photos / "valid"
    paths = sorted(valid.rglob("*.png"))
    frame = pd.DataFrame({"path": map(str, paths), "label": [p.parent.name for p in paths]})
    pairs = [(Image.open(p).copy(), model.spec.classes.index(p.parent.name)) for p in paths]
    expected = pytest.approx(model.metrics, abs=1e-5)
    assert model.evaluate() == expected
    assert model.evaluate(valid) == expected
    assert model.evaluate(frame, batch_size=7) == expected
    assert model.evaluate(pairs) == expected


def test_the_score_is_that_of_the_predictions(model: PhotoModel, photos: Path) -> None:
    paths = sorted((photos / "valid").rglob("*.png"))
    found = model.predict(paths)
    right = [p.label == path.parent.name for p, path in zip(found, paths, strict=True)]
    truth = [-np.log(p.probabilities[path.parent.name]) for p, path in zip(found, paths)]  # noqa: B905
    scores = {"accuracy": np.mean(right), "loss": np.mean(truth)}
    assert model.evaluate(photos / "valid") == pytest.approx(scores, abs=1e-4)


def test_what_cannot_be_scored_is_one_clear_sentence(
    model: PhotoModel, directory: Path, photos: Path, tmp_path: Path
) -> None:
    loaded = zoo.load(directory, run=RUN)
    assert loaded.evaluate() == model.metrics
    with pytest.raises(ValueError, match=r"need validation data, got none.*Pass labelled data"):
        loaded.evaluate(tta=True)
    with pytest.raises(ValueError, match=r"the parts train and valid. Give one of the two"):
        model.evaluate(photos)
    strange = tmp_path / "strange" / "nine"
    strange.mkdir(parents=True)
    shutil.copy(photos / "valid" / NAMES[0] / "0.png", strange)
    with pytest.raises(ValueError, match=r"got nine\. Known are seven, three"):
        model.evaluate(tmp_path / "strange")
    with pytest.raises(ValueError, match=r"from 0, got \[5\]"):
        model.evaluate([(Image.new("L", (40, 40)), 5)])


# ---- save and load -------------------------------------------------------------------------------


def test_a_loaded_model_predicts_exactly_the_same(
    model: PhotoModel, directory: Path, photos: Path, tmp_path: Path
) -> None:
    loaded = zoo.load(directory, run=RUN)
    expected = probabilities(model.predict(photos / "valid"))
    assert torch.equal(probabilities(loaded.predict(photos / "valid")), expected)
    assert loaded.spec == model.spec
    assert loaded.metrics == model.metrics
    assert loaded.history.rows == model.history.rows
    again = zoo.load(loaded.save(tmp_path / "again"), run=RUN)
    assert torch.equal(probabilities(again.predict(photos / "valid")), expected)
    for name in ("config.json", "README.md", "history.csv"):
        old, new = ((d / name).read_text() for d in (directory, tmp_path / "again"))
        assert old.replace(directory.name, "again") == new.replace(directory.name, "again"), name
    assert (directory / "model.safetensors").stat().st_mode & 0o777 == 0o644


def test_a_loaded_model_keeps_its_licence_and_unknown_fields(
    directory: Path, photos: Path, tmp_path: Path
) -> None:
    path = shutil.copytree(directory, tmp_path / "theirs") / "config.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "licence": "CC-BY-NC-4.0", "paper": "x"})
    )
    loaded = zoo.load(path.parent, run=RUN)
    loaded.save(tmp_path / "again")
    settings: dict[str, Any] = {"epochs": 1, "augment": "none", "run": RUN}
    zoo.vision.finetune(path.parent, photos, rivals=False, **settings).save(
        tmp_path / "same classes"
    )
    frame = pd.DataFrame([(str(p), p.stem[-1]) for p in sorted(photos.rglob("*.png"))])
    zoo.vision.finetune(loaded, frame, rivals=False, **settings).save(tmp_path / "other classes")
    for name in ("again", "same classes", "other classes"):
        config = json.loads((tmp_path / name / "config.json").read_text())
        assert (config["licence"], config["paper"]) == ("CC-BY-NC-4.0", "x"), name
        assert "license: cc-by-nc-4.0" in (tmp_path / name / "README.md").read_text(), name


def test_a_loaded_model_is_trained_on_and_saved_by_its_learner(
    directory: Path, photos: Path, tmp_path: Path
) -> None:
    learn = zoo.load(directory, run=RUN).learner()
    learn.set_data(zoo.vision.learner(photos, model=TINY, size=32, run=RUN).data)
    learn.fit(1, 1e-3)
    again = zoo.load(learn.save(tmp_path / "again"), run=RUN)
    assert again.spec == learn.data.spec
    assert again.evaluate(photos / "valid") == pytest.approx(learn.evaluate(), rel=1e-5)
    assert len(again.history.rows) == 1


def test_random_weights_have_no_publishers_licence(
    model: PhotoModel, photos: Path, tmp_path: Path
) -> None:
    config = artifact.read_config(model.save(tmp_path / "model"))
    assert config.licence == "unknown"
    mine = PhotoModel(model.members, model.spec, run=RUN)
    mine.licence = "MIT"
    loaded = zoo.load(mine.save(tmp_path / "mine"), run=RUN)
    assert loaded.licence == "MIT"
    both = PhotoModel([*loaded.members, *model.members], model.spec, run=RUN)
    assert both.licence == "unknown"
    with pytest.raises(
        ValueError,
        match=r"must be the name of a backbone .* got <timm/test_.* Use model='timm/test_",
    ):
        zoo.vision.train(photos, model=model, rivals=False, run=RUN)  # type: ignore[arg-type]


def test_an_ensemble_averages_and_comes_back(
    model: PhotoModel, photos: Path, tmp_path: Path
) -> None:
    other = train_tiny(photos, seed=1)
    both = PhotoModel([*model.members, *other.members], model.spec, run=RUN)
    paths = photos / "valid"
    mean = (probabilities(model.predict(paths)) + probabilities(other.predict(paths))) / 2
    torch.testing.assert_close(probabilities(both.predict(paths)), mean, rtol=0, atol=1e-6)
    loaded = zoo.load(both.save(tmp_path / "both"), run=RUN)
    assert len(loaded.members) == 2
    found = probabilities(loaded.predict(paths))
    assert torch.equal(found, probabilities(both.predict(paths)))
    with pytest.raises(ValueError, match="an ensemble of 2"):
        loaded.learner()
