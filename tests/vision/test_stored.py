from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import zoo
from tests.helpers.harm import (
    Attacks,
    Harm,
    changed,
    harmed,
    pickled,
    refused_quickly,
    saved_by_torch,
    tensors,
    truncated,
    without,
)
from tests.vision.small import RUN
from zoo.vision import stored

STORED = Path(__file__).parents[1] / "stored"

pytestmark = pytest.mark.usefixtures("cache")


def test_an_artifact_of_format_1_still_says_the_same() -> None:
    stored = STORED / "format-1"
    expected = json.loads((stored / "expected.json").read_text())
    loaded = zoo.load(stored, run=RUN)
    for name, said in expected.items():
        assert loaded.predict(stored / name).probabilities == pytest.approx(said, abs=1e-5)


@pytest.mark.parametrize("name", ["regnet_y_16gf", "vit_b_16", "timm/regnety_320"])
def test_a_network_takes_no_memory_before_its_weights_are_known_to_fit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(STORED / "format-1", tmp_path / "model")
    changed(model__name=name, model__args__size=224, spec__size=224)(folder)
    sizes: list[int] = []
    real = stored.artifact.check_weights

    def watch(model: torch.nn.Module, held: dict[str, torch.Tensor]) -> None:
        sizes.append(sum(p.untyped_storage().nbytes() for p in model.parameters() if not p.is_meta))
        real(model, held)

    monkeypatch.setattr(stored.artifact, "check_weights", watch)
    with pytest.raises(ValueError, match="weights must fit"):
        zoo.load(folder)
    assert sizes == [0]


# ---- artifacts that mean harm --------------------------------------------------------------------


def both_sizes(size: int) -> Harm:
    return changed(model__args__size=size, spec__size=size)


def nested(folder: Path) -> None:
    (folder / "config.json").write_text('{"format": 1, "spec": ' + "[" * 200_000)


def endless_history(folder: Path) -> None:
    (folder / "history.csv").write_text("epoch,loss\n1,2,3\n")


def wide_bias(folder: Path) -> None:
    """A hidden layer as wide as a bias that the file really holds."""
    wide = torch.zeros(2_000_000)
    tensors(lambda held: held.update({"head.layers.4.weight": wide}))(folder)
    changed(model__args__hidden=2_000_000)(folder)


ATTACKS: Attacks = {
    "a hub address": (changed(model__name="timm/hf-hub:evil/x"), "name='timm/hf-hub:evil/x'"),
    "a hub scheme": (changed(model__name="hf-hub:evil/x"), "name='hf-hub:evil/x'"),
    "a local folder": (changed(model__name="timm/local-dir:/etc"), "name='timm/local-dir:/etc'"),
    "an unknown backbone": (changed(model__name="resnet43"), "name='resnet43'"),
    "a name that is none": (changed(model__name=["resnet18"]), r"name=\['resnet18'\]"),
    "a huge backbone": (
        changed(model__name="timm/vit_giant_patch14_224", model__args__size=224, spec__size=224),
        "do not: .* is missing",
    ),
    "a larger backbone": (changed(model__name="timm/resnetv2_101x3_bit"), "is missing|that do not"),
    "another backbone": (changed(model__name="resnet18"), "do not: .* is missing"),
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
    "a huge size": (both_sizes(10**9), r"size=1000000000 \(a whole number, from 1 to 4096"),
    "two sizes": (changed(model__args__size=64), "size=64 is not the spec's 32"),
    "a size of text": (both_sizes("32"), r"size='32' \(a whole"),  # type: ignore[arg-type]
    "half a pixel": (both_sizes(32.5), r"size=32\.5 \(a whole"),  # type: ignore[arg-type]
    "a size too small": (both_sizes(1), "size=1"),
    "a huge hidden layer": (changed(model__args__hidden=10**12), "head.layers"),
    "a hidden layer beyond numbers": (changed(model__args__hidden=10**30), "network"),
    "a wide bias": (wide_bias, "head.layers"),
    "a negative hidden layer": (changed(model__args__hidden=-1), "hidden=-1"),
    "pool": (changed(model__args__pool="sum"), "pool='sum'"),
    "dropout": (changed(model__args__dropout=7), "dropout=7"),
    "no deviation": (changed(spec__std=[0, 1, 1]), r"std\[0\]=0 "),
    "not a number": (changed(spec__std=[float("nan"), 1, 1]), r"std\[0\]=nan"),
    "an infinite mean": (changed(spec__mean=[float("inf"), 0, 0]), r"mean\[0\]=inf"),
    "means of text": (changed(spec__mean=["a", "b", "c"]), r"mean\[0\]='a'"),
    "two means": (changed(spec__mean=[0.5, 0.5]), r"mean=\[0\.5, 0\.5\] \(a list of 3"),
    "classes of numbers": (changed(spec__classes=[1, 2]), r"classes\[0\]=1 \(text"),
    "classes as one word": (changed(spec__classes="ab"), r"classes='ab' \(a list"),
    "a class twice": (changed(spec__classes=["a", "a"]), r"classes=\['a', 'a'\] .*all different"),
    "one class": (changed(spec__classes=["a"]), r"needs 2 classes, got classes=\('a',\)"),
    "interpolation": (
        changed(spec__interpolation=["bicubic"]),
        r"interpolation=\['bicubic'\] \(one of",
    ),
    "crop": (changed(spec__crop=0), r"crop=0 \(a number, from 0\.1"),
    "a missing field": (without("spec", "std"), "got std is missing"),
    "no spec": (without("spec"), "got spec is missing"),
    "a score of text": (changed(metrics={"accuracy": "high"}), r"metrics\['accuracy'\]='high'"),
    "a licence of numbers": (changed(licence=5), "licence=5"),
    "an unknown domain": (changed(domain="sound"), "domain='sound'"),
    "an unknown task": (changed(task="detection"), "task='detection'"),
    "another format": (changed(format=99), "format=99"),
    "members above": (changed(members=["../model.safetensors"]), r"got '\.\./model\.safet"),
    "members elsewhere": (changed(members=["/etc/passwd"]), r"got \['/etc/passwd'\]"),
    "members that are pickles": (changed(members=["model.pth"]), r"got \['model\.pth'\]"),
    "a member many times": (
        changed(members=["model.safetensors"] * 10**6),
        "members must be different",
    ),
    "a missing member": (changed(members=["model-2.safetensors"]), "model-2.safetensors"),
    "nested JSON": (nested, "JSON"),
    "a pickle": (pickled, "'model.safetensors', which is not"),
    "a file of torch": (saved_by_torch, "'model.safetensors', which is not"),
    "a history of too many columns": (endless_history, "history.csv must hold numbers"),
    "half a file": (truncated, "'model.safetensors', which is not"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_harmful_artifact_is_refused_quickly_and_nothing_runs(
    attack: str, directory: Path, tmp_path: Path
) -> None:
    harm, said = ATTACKS[attack]
    folder = harmed(directory, tmp_path / "model", harm)
    refused_quickly(zoo.load, folder, said, seconds=10, megabytes=600)
