"""What a later version adds to a spec is a later format; what format 1 says means what it meant."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.vision.small import RUN, TINY
from zoo.vision.classification.spec import Spec, spec_of
from zoo.vision.data.images import Resize, read
from zoo.vision.data.listings import Listing, Photos
from zoo.vision.data.preprocessing import Preprocessing
from zoo.vision.models.backbones import preprocessing
from zoo.vision.pretrained import start

pytestmark = pytest.mark.usefixtures("cache")

SPEC = Spec(("a", "b"), 32, (0.5, 0.5, 0.25), (1, 1, 1), "bilinear", 0.875)


def test_a_spec_without_later_fields_is_of_format_1() -> None:
    tree = json.loads(json.dumps(SPEC.to_json()))
    assert SPEC.format == 1
    assert not tree.keys() & {"mode", "white", "columns", "valid_column"}
    assert Spec.from_json(tree) == SPEC
    assert SPEC.preprocessing.resize == Resize(36, "bilinear", fill=(128, 128, 64))


@pytest.mark.parametrize(
    "later",
    [{"mode": "squash"}, {"white": 4095}, {"columns": ("p", "l")}, {"valid_column": "held"}],
)
def test_what_readers_of_format_1_do_not_know_is_of_format_2(later: dict[str, object]) -> None:
    spec = replace(SPEC, **later)  # type: ignore[arg-type]
    assert spec.format == 2
    assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("mode", "crop"), ("mode", ["squash"]), ("white", 0), ("white", 1e5), ("white", 9.0)),
        *(("columns", "p"), ("columns", ["p"]), ("columns", [1, 2]), ("valid_column", 3)),
        ("classes", ["a", "\udcff"]),
    ],
)
def test_senseless_fields_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Spec.from_json({**SPEC.to_json(), name: value})


def test_how_photos_become_squares_travels_with_the_weights() -> None:
    squashed = preprocessing("timm/convnext_tiny.in12k_ft_in1k_384")
    assert (squashed.mode, squashed.crop) == ("squash", 1.0)
    assert spec_of(("a", "b"), squashed).mode == "squash"
    assert preprocessing("timm/resnet50.a1_in1k").mode == "center"
    assert preprocessing("resnet18").mode == "center"
    assert preprocessing("timm/volo_d4_448.sail_in1k").crop == 1.0  # its record says 1.15


def test_squashed_photos_are_those_of_timm() -> None:
    from timm.data import create_transform  # type: ignore[attr-defined]

    rng = np.random.default_rng(0)
    wide = Image.fromarray(rng.integers(0, 255, (12, 36, 3), np.uint8)).resize((360, 120))
    for mode in ("squash", "border"):
        theirs = create_transform(
            input_size=(3, 96, 96), interpolation="bicubic", crop_pct=1.0, crop_mode=mode,
            mean=(0, 0, 0), std=(1, 1, 1), is_training=False,
        )(wide)  # fmt: skip
        ours = np.asarray(read(wide, Resize(96, "bicubic", mode)))  # type: ignore[arg-type]
        assert np.abs(theirs.permute(1, 2, 0).numpy() * 255 - ours).max() < 3


def test_a_model_is_trained_further_on_photos_as_it_saw_them(photos: Path, tmp_path: Path) -> None:
    first = zoo.vision.train(photos, model=TINY, size=32, epochs=1, rivals=False, run=RUN)
    assert first.spec.mode == "center"
    first.spec = replace(first.spec, mode="squash", crop=0.5)
    loaded = zoo.load(first.save(tmp_path / "model"), run=RUN)
    for classes in (first.spec.classes, ("x", "y", "z")):
        listing = Listing(Photos([], np.zeros(0), classes), None)
        network = start(loaded, listing, None, {}, published=True)
        spec = loaded.spec
        assert network.preprocessing == Preprocessing(
            32, spec.mean, spec.std, spec.interpolation, 0.5, "squash"
        )


def test_scans_of_twelve_bits_are_learnt_and_predicted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for k, name in enumerate(("dark", "light")):
        (tmp_path / "scans" / name).mkdir(parents=True)
        for i in range(8):
            grey = rng.integers(0, 1500, (40, 40)) + 2500 * k
            grey[0, 0] = 4000 - i
            Image.fromarray(grey.astype(np.uint16)).save(tmp_path / f"scans/{name}/{i}.png")
    model = zoo.vision.train(
        tmp_path / "scans", model=TINY, size=32, epochs=1, rivals=False, run=RUN
    )
    assert model.spec.white == 4095
    loaded = zoo.load(model.save(tmp_path / "model"), run=RUN)
    path = tmp_path / "scans" / "light" / "0.png"
    assert loaded.pixels(path).max() > 240
    assert loaded.predict(path) == model.predict(path)
