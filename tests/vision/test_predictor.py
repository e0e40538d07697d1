from __future__ import annotations

import json
import pickle
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import zoo
from tests.digits import NAMES, write_photos
from zoo.core.model import Model
from zoo.vision.images import UnreadableImage
from zoo.vision.predictor import PhotoClassifier, Prediction

STORED = Path(__file__).parents[1] / "stored"
BACKBONE = "timm/test_efficientnet"  # a tenth of a megaparameter
RUN = zoo.Run(device="cpu", precision="fp32", threads=2, progress=False)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path_factory.getbasetemp() / "zoo-cache"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("digits"), n_train=60, n_valid=20, side=40)


def train(photos: Path, seed: int = 0) -> PhotoClassifier:
    run = zoo.Run(device="cpu", precision="fp32", threads=2, progress=False, seed=seed)
    return zoo.vision.train(
        BACKBONE, photos, size=32, epochs=6, batchnorm="live", augment="none", run=run
    )


@pytest.fixture(scope="module")
def model(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> PhotoClassifier:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        return train(photos)


@pytest.fixture(scope="module")
def directory(model: PhotoClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model.save(tmp_path_factory.mktemp("saved") / "model")


def probabilities(found: Prediction | list[Prediction]) -> torch.Tensor:
    rows = found if isinstance(found, list) else [found]
    return torch.tensor([list(row.probabilities.values()) for row in rows], dtype=torch.float64)


# ---- predict -------------------------------------------------------------------------------------


def test_the_model_is_one_of_the_zoo(model: PhotoClassifier) -> None:
    assert isinstance(model, Model)
    assert model.metrics["accuracy"] > 0.9


def test_a_photo_in_any_form_gets_the_same_prediction(model: PhotoClassifier, photos: Path) -> None:
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
    model: PhotoClassifier, photos: Path
) -> None:
    found = model.predict(photos / "valid" / NAMES[0] / "0.png")
    assert found.label == NAMES[0]
    assert found.probability == max(found.probabilities.values())
    assert tuple(found.probabilities) == model.spec.classes
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert repr(found).startswith("Prediction(label='three', probability=0.")


def test_predictions_keep_the_order_whatever_the_batches(
    model: PhotoClassifier, photos: Path
) -> None:
    paths = sorted((photos / "valid").rglob("*.png"))[::3]
    one_by_one = torch.cat([probabilities(model.predict(path)) for path in paths])
    assert one_by_one[:, 0].unique().numel() > 5
    for batch_size in (1, 4, 64):
        found = probabilities(model.predict(paths[::-1], batch_size=batch_size))
        assert (found.flip(0) - one_by_one).abs().max() < 1e-5


def test_a_folder_is_predicted_in_sorted_order(model: PhotoClassifier, photos: Path) -> None:
    folder = photos / "valid"
    listed = model.predict(sorted(folder.rglob("*.png")))
    assert torch.equal(probabilities(model.predict(folder)), probabilities(listed))
    assert torch.equal(probabilities(model.predict(str(folder))), probabilities(listed))


def test_nothing_is_predicted_of_nothing(model: PhotoClassifier, tmp_path: Path) -> None:
    assert model.predict([]) == []
    assert model.predict(torch.zeros(0, 3, 32, 32)) == []
    with pytest.raises(ValueError, match=r"holds photos, however '.*' has none; give"):
        model.predict(tmp_path)


def test_files_that_cannot_be_read_are_named_at_once(
    model: PhotoClassifier, photos: Path, tmp_path: Path
) -> None:
    whole = photos / "valid" / NAMES[0] / "0.png"
    broken = [tmp_path / "a.jpg", tmp_path / "b.png"]
    for path in broken:
        path.write_bytes(whole.read_bytes()[:60])
    with pytest.raises(UnreadableImage, match=r"however .*a\.jpg cannot .*b\.png cannot .*; leave"):
        model.predict([whole, *broken])
    with pytest.raises(UnreadableImage, match=r"no c\.jpg, d\.jpg; correct the paths"):
        model.predict(["c.jpg", whole, "d.jpg"])


@pytest.mark.parametrize(
    ("photo", "said"),
    [
        (np.zeros((3, 40, 40), np.uint8), r"array.shape=\(3, 40, 40\)"),
        (np.full((40, 40, 3), -2.0), "dtype=dtype.'float64'"),
        (np.zeros((0, 40, 3), np.uint8), r"array.shape=\(0, 40, 3\)"),
        (torch.zeros(5), r"array.shape=\(5,\)"),
        (7, "int"),
        ([None], "i=0 gives NoneType"),
    ],
)
def test_what_is_no_photo_is_one_clear_sentence(
    model: PhotoClassifier, photo: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        model.predict(photo)
    assert "however" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_predicting_changes_nothing(model: PhotoClassifier, photos: Path) -> None:
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


def test_every_form_of_the_validation_part_scores_alike(
    model: PhotoClassifier, photos: Path
) -> None:
    valid = photos / "valid"
    paths = sorted(valid.rglob("*.png"))
    frame = pd.DataFrame({"path": map(str, paths), "label": [p.parent.name for p in paths]})
    pairs = [(Image.open(p).copy(), model.spec.classes.index(p.parent.name)) for p in paths]
    expected = pytest.approx(model.metrics, abs=1e-5)
    assert model.evaluate() == expected
    assert model.evaluate(valid) == expected
    assert model.evaluate(frame, batch_size=7) == expected
    assert model.evaluate(pairs) == expected


def test_the_score_is_that_of_the_predictions(model: PhotoClassifier, photos: Path) -> None:
    paths = sorted((photos / "valid").rglob("*.png"))
    found = model.predict(paths)
    right = [p.label == path.parent.name for p, path in zip(found, paths, strict=True)]
    truth = [-np.log(p.probabilities[path.parent.name]) for p, path in zip(found, paths)]  # noqa: B905
    scores = {"accuracy": np.mean(right), "loss": np.mean(truth)}
    assert model.evaluate(photos / "valid") == pytest.approx(scores, abs=1e-4)


def test_what_cannot_be_scored_is_one_clear_sentence(
    model: PhotoClassifier, directory: Path, photos: Path, tmp_path: Path
) -> None:
    loaded = zoo.load(directory, run=RUN)
    with pytest.raises(ValueError, match="data=None; pass a folder"):
        loaded.evaluate()
    with pytest.raises(ValueError, match="holds train and valid; give one of the two"):
        model.evaluate(photos)
    strange = tmp_path / "strange" / "nine"
    strange.mkdir(parents=True)
    shutil.copy(photos / "valid" / NAMES[0] / "0.png", strange)
    with pytest.raises(ValueError, match="however nine; known are seven, three"):
        model.evaluate(tmp_path / "strange")
    with pytest.raises(ValueError, match=r"there are \[5\]"):
        model.evaluate([(Image.new("L", (40, 40)), 5)])


# ---- save and load -------------------------------------------------------------------------------


def test_a_loaded_model_predicts_exactly_the_same(
    model: PhotoClassifier, directory: Path, photos: Path, tmp_path: Path
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


def test_an_ensemble_averages_and_comes_back(
    model: PhotoClassifier, photos: Path, tmp_path: Path
) -> None:
    other = train(photos, seed=1)
    both = PhotoClassifier([*model.members, *other.members], model.spec, run=RUN)
    paths = photos / "valid"
    mean = (probabilities(model.predict(paths)) + probabilities(other.predict(paths))) / 2
    torch.testing.assert_close(probabilities(both.predict(paths)), mean, rtol=0, atol=1e-6)
    loaded = zoo.load(both.save(tmp_path / "both"), run=RUN)
    assert len(loaded.members) == 2
    found = probabilities(loaded.predict(paths))
    assert torch.equal(found, probabilities(both.predict(paths)))
    with pytest.raises(ValueError, match=r"len\(self.members\)=2"):
        loaded.learner()


def test_an_artifact_of_format_1_still_says_the_same() -> None:
    stored = STORED / "format-1"
    expected = json.loads((stored / "expected.json").read_text())
    loaded = zoo.load(stored, run=RUN)
    for name, said in expected.items():
        assert loaded.predict(stored / name).probabilities == pytest.approx(said, abs=1e-5)


# ---- artifacts that mean harm --------------------------------------------------------------------


def changed(**values: Any) -> Callable[[Path], None]:
    """Other values in config.json, by their path: model__args__size=3."""

    def harm(folder: Path) -> None:
        path = folder / "config.json"
        tree = json.loads(path.read_text())
        for name, value in values.items():
            *above, last = name.split("__")
            place = tree
            for key in above:
                place = place[key]
            place[last] = value
        path.write_text(json.dumps(tree))

    return harm


def without(*names: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        path = folder / "config.json"
        place = tree = json.loads(path.read_text())
        for name in names[:-1]:
            place = place[name]
        del place[names[-1]]
        path.write_text(json.dumps(tree))

    return harm


def both_sizes(size: int) -> Callable[[Path], None]:
    return changed(model__args__size=size, spec__size=size)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("open('executed', 'w').close()",))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb()))


def saved_by_torch(folder: Path) -> None:
    torch.save(Bomb(), folder / "model.safetensors")


def nested(folder: Path) -> None:
    (folder / "config.json").write_text('{"format": 1, "spec": ' + "[" * 200_000)


def endless_history(folder: Path) -> None:
    (folder / "history.csv").write_text("epoch,loss\n1,2,3\n")


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def wide_bias(folder: Path) -> None:
    """A hidden layer as wide as a bias that the file really holds."""
    tensors = load_file(folder / "model.safetensors")
    tensors["head.layers.4.weight"] = torch.zeros(2_000_000)
    save_file(tensors, folder / "model.safetensors")
    changed(model__args__hidden=2_000_000)(folder)


ATTACKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a hub address": (changed(model__name="timm/hf-hub:evil/x"), "name='timm/hf-hub:evil/x'"),
    "a hub scheme": (changed(model__name="hf-hub:evil/x"), "name='hf-hub:evil/x'"),
    "a local folder": (changed(model__name="timm/local-dir:/etc"), "name='timm/local-dir:/etc'"),
    "an unknown backbone": (changed(model__name="resnet43"), "name='resnet43'"),
    "a name that is none": (changed(model__name=["resnet18"]), r"name=\['resnet18'\]"),
    "a huge backbone": (
        changed(model__name="timm/vit_giant_patch14_224", model__args__size=224, spec__size=224),
        "is missing does not",
    ),
    "a larger backbone": (changed(model__name="timm/resnetv2_101x3_bit"), "is missing|does not"),
    "another backbone": (changed(model__name="resnet18"), "is missing does not"),
    "no name": (without("model", "name"), "name=None"),
    "no arguments": (without("model", "args"), "n_out is missing"),
    "arguments of another kind": (changed(model__args=[1]), "n_out is missing"),
    "an unknown argument": (changed(model__args__weights="/etc/passwd"), "'weights' is unknown"),
    "another pretrained": (changed(model__args__pretrained=True), "'pretrained' is unknown"),
    "n_out": (changed(model__args__n_out=3), "n_out=3 is not the spec's 2"),
    "n_out in both": (
        changed(model__args__n_out=3, spec__classes=["a", "b", "c"]),
        r"'head.layers.1.weight' \(2, 256\)",
    ),
    "a huge size": (both_sizes(10**9), "'size': '1000000000'"),
    "two sizes": (changed(model__args__size=64), "size=64 is not the spec's 32"),
    "a size of text": (both_sizes("32"), "'size'"),  # type: ignore[arg-type]
    "half a pixel": (both_sizes(32.5), "'size'"),  # type: ignore[arg-type]
    "a size too small": (both_sizes(1), "size=1"),
    "a huge hidden layer": (changed(model__args__hidden=10**12), "head.layers"),
    "a hidden layer beyond numbers": (changed(model__args__hidden=10**30), "network"),
    "a wide bias": (wide_bias, "head.layers"),
    "a negative hidden layer": (changed(model__args__hidden=-1), "hidden=-1"),
    "pool": (changed(model__args__pool="sum"), "pool='sum'"),
    "dropout": (changed(model__args__dropout=7), "dropout=7"),
    "no deviation": (changed(spec__std=[0, 1, 1]), "'std'"),
    "not a number": (changed(spec__std=[float("nan"), 1, 1]), "'std'"),
    "an infinite mean": (changed(spec__mean=[float("inf"), 0, 0]), "'mean'"),
    "means of text": (changed(spec__mean=["a", "b", "c"]), "'mean'"),
    "two means": (changed(spec__mean=[0.5, 0.5]), "'mean'"),
    "classes of numbers": (changed(spec__classes=[1, 2]), "'classes'"),
    "classes as one word": (changed(spec__classes="ab"), "'classes'"),
    "a class twice": (changed(spec__classes=["a", "a"]), "'classes'"),
    "one class": (changed(spec__classes=["a"]), "'classes'"),
    "interpolation": (changed(spec__interpolation=["bicubic"]), "'interpolation'"),
    "crop": (changed(spec__crop=0), "'crop'"),
    "a missing field": (without("spec", "std"), r"missing=\['std'\]"),
    "no spec": (without("spec"), r"wrong=\['spec'\]"),
    "a score of text": (changed(metrics={"accuracy": "high"}), "'metrics'"),
    "a licence of numbers": (changed(licence=5), "'licence'"),
    "an unknown domain": (changed(domain="sound"), "domain='sound'"),
    "an unknown task": (changed(task="detection"), "task='detection'"),
    "another format": (changed(format=99), "format=99"),
    "members above": (changed(members=["../model.safetensors"]), "'members'"),
    "members elsewhere": (changed(members=["/etc/passwd"]), "'members'"),
    "members that are pickles": (changed(members=["model.pth"]), "'members'"),
    "a member many times": (changed(members=["model.safetensors"] * 10**6), "'members"),
    "a missing member": (changed(members=["model-2.safetensors"]), "model-2.safetensors"),
    "nested JSON": (nested, "JSON"),
    "a pickle": (pickled, "'model.safetensors' is not"),
    "a file of torch": (saved_by_torch, "'model.safetensors' is not"),
    "a history of too many columns": (endless_history, "history.csv holds numbers"),
    "half a file": (truncated, "'model.safetensors' is not"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_harmful_artifact_is_refused_quickly_and_nothing_runs(
    attack: str, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harm, said = ATTACKS[attack]
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(directory, tmp_path / "model"))
    harm(folder)
    memory, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(zoo.ArtifactError, match=said) as caught:
        zoo.load(folder)
    message = str(caught.value)
    assert "however" in message
    assert "; " in message
    assert "\n" not in message
    assert len(message) < 700
    assert not (tmp_path / "executed").exists()
    assert time.process_time() - began < 10
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert grown < 600_000  # kilobytes
