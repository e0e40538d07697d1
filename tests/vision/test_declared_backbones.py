"""Backbones that another installed distribution declares by an entry point."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import zoo
from tests.helpers.device import run_here
from tests.helpers.digits import write_photos
from zoo.vision.models import backbones

CODE = """
from torch import nn
import zoo

def sparrow(*, pretrained):
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.Conv2d(4, 8, 3, 2))
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.01 if pretrained else 0.02)
    return net

half = (0.5, 0.5, 0.5)
SPARROW = zoo.vision.DeclaredBackbone(
    trunk=sparrow,
    preprocessing=zoo.vision.Preprocessing(32, half, half, "bilinear", 1.0),
    licence="MIT",
)
"""
ENTRIES = """[zoo.backbones]
sparrow = tiny_birds:SPARROW
broken = tiny_birds:NOTHING
odd = tiny_birds:half
resnet18 = tiny_birds:SPARROW
"""


@pytest.fixture
def birds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution as pip lays it down, in a folder that Python searches."""
    site, facts = tmp_path / "site", tmp_path / "site" / "tiny_birds-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "tiny_birds.py").write_text(CODE)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-birds\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "tiny_birds", raising=False)
    return site


def test_finetune_finds_a_backbone_of_another_package(
    birds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_photos(tmp_path / "digits", n_train=8, n_valid=4, side=32)
    run = run_here(cache=tmp_path / "cache")
    model = zoo.vision.finetune("sparrow", photos, epochs=0, rivals=False, run=run)
    body, head = model.members[0].body, model.members[0].head
    assert (model.members[0].name, model.licence) == ("sparrow", "MIT")
    assert [group.name for group in model.members[0].layers()] == ["stage0", "stage1", "head"]
    assert all(torch.equal(p, torch.full_like(p, 0.01)) for p in body.parameters())
    assert head.spatial
    photo = next(photos.rglob("*.png"))
    loaded = zoo.load(model.save(tmp_path / "saved"))
    assert loaded.predict(photo) == model.predict(photo)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(birds)])
    with pytest.raises(zoo.ArtifactError, match="installed package declares, got name='sparrow'"):
        zoo.load(tmp_path / "saved")


def test_what_a_package_declares_takes_no_name_and_breaks_no_list(birds: Path) -> None:
    assert len(backbones.build("resnet18", pretrained=False, size=64).body.layers()) == 5
    with pytest.raises(ValueError, match=r"got 'broken', of which 'tiny_birds:NOTHING' says: "):
        backbones.build("broken", pretrained=True)
    with pytest.raises(ValueError, match=r"got 'odd', where 'tiny_birds:half' is a tuple\."):
        backbones.build("odd", pretrained=True)
    assert backbones.is_known("sparrow")
    with pytest.raises(ValueError, match=r"Did you mean 'sparrow'\?"):
        backbones.check_name("sparow")
    with pytest.warns(UserWarning, match="'broken'"), pytest.warns(UserWarning, match="'odd'"):
        table = zoo.vision.backbones()
    assert table.name.is_unique
    row = table.set_index("name").loc["sparrow"]
    assert (row.source, row["size"], row.licence) == ("declared", 32, "MIT")
