"""Artifacts of format 1 load and predict the same for ever; see README.md beside this file."""

from __future__ import annotations

import hashlib
import importlib
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.stored.artifacts import (
    FORMAT_1,
    NAMES,
    PUBLISHED,
    PUBLISHED_NAMES,
    answers,
    inputs_of,
    unpacked,
)
from tests.stored.make_format_1 import EMBEDDED, MAKERS
from zoo.core.config import read_config

pytestmark = [  # inputs are unknown on purpose
    pytest.mark.filterwarnings("ignore:the model does not know:UserWarning"),
    pytest.mark.filterwarnings("ignore:categories must be known:UserWarning"),
]

RUN = zoo.Run(device="cpu", precision="fp32", threads=1, progress=False)  # as what is stored
ROUNDED = 1.0  # a pixel of a restored photo may be rounded to the next number
SPECS = {
    ("vision", "segmentation"): "zoo.vision.segmentation.spec:SegmentationSpec",
    ("vision", "restoration"): "zoo.vision.restoration.spec:RestorationSpec",
    ("vision", ""): "zoo.vision.classification.spec:Spec",
    ("text", ""): "zoo.text.spec:Spec",
    ("tabular", ""): "zoo.tabular.spec:Spec",
    ("collab", ""): "zoo.collab.spec:Spec",
}  # (domain, task) -> what reads the spec; no task stands for the others


def test_every_class_and_variant_is_stored() -> None:
    assert sorted(MAKERS) == NAMES
    size = sum(path.stat().st_size for path in FORMAT_1.rglob("*"))
    assert size < 2_000_000  # bytes


@pytest.mark.filterwarnings("ignore:.* texts are empty")
@pytest.mark.parametrize("name", NAMES)
def test_a_stored_artifact_predicts_what_it_did(name: str, tmp_path: Path) -> None:
    stored = FORMAT_1 / name
    model = zoo.load(unpacked(stored, tmp_path / name), run=RUN)
    expected = json.loads((stored / "expected.json").read_text(encoding="utf-8"))
    atol = ROUNDED if model.spec.to_json().get("quality") else 1e-6
    require_close(answers(model, inputs_of(stored)), expected, atol)


@pytest.mark.parametrize("name", PUBLISHED_NAMES)
def test_the_config_of_a_published_model_is_read(name: str, tmp_path: Path) -> None:
    config = lzma.decompress((PUBLISHED / f"{name}.config.xz").read_bytes())
    (tmp_path / "config.json").write_bytes(config)
    read = read_config(tmp_path)
    module, kind = (SPECS.get((read.domain, read.task)) or SPECS[read.domain, ""]).split(":")
    tree = {**read.spec, "task": read.task} if read.domain == "vision" else read.spec
    spec = getattr(importlib.import_module(module), kind).from_json(tree)
    written = json.loads(json.dumps(spec.to_json()))
    assert {name: written[name] for name in read.spec} == read.spec


@pytest.mark.filterwarnings("ignore:.* texts are empty")
@pytest.mark.parametrize("name", PUBLISHED_NAMES)
def test_a_published_model_predicts_what_it_did(name: str, tmp_path: Path) -> None:
    stored = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    weights = (EMBEDDED / name / "model.safetensors").read_bytes()
    if hashlib.sha256(weights).hexdigest() != stored["weights"]:
        pytest.skip("it has been trained again since")
    config = lzma.decompress((PUBLISHED / f"{name}.config.xz").read_bytes())
    (tmp_path / "config.json").write_bytes(config)  # what has changed since is of format 2
    (tmp_path / "model.safetensors").write_bytes(weights)
    inputs = stored["inputs"]
    if name == "digits":
        inputs = [FORMAT_1 / "vision-number" / file for file in inputs]
    require_close(answers(zoo.load(tmp_path, run=RUN), inputs), stored["expected"], 1e-6)


def require_close(said: Any, expected: Any, atol: float, where: str = "answer") -> None:
    """Equal but for the last digits of floats, at any depth."""
    assert type(said) is type(expected), where
    if isinstance(expected, dict):
        assert list(said) == list(expected), where
        for key, value in expected.items():
            require_close(said[key], value, atol, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(said) == len(expected), where
        for i, value in enumerate(expected):
            require_close(said[i], value, atol, f"{where}[{i}]")
    elif isinstance(expected, float):
        assert said == pytest.approx(expected, rel=1e-4, abs=atol), where
    else:
        assert said == expected, where
