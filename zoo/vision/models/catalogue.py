"""The table of all backbones, without building one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pandas as pd
import timm
import torch
from huggingface_hub import constants

from zoo.core.messages import warn
from zoo.vision.models import declared_bodies, lite, timm_bodies, torchvision_bodies

COLUMNS = ("name", "source", "size", "parameters", "licence", "at_hand")
Row = tuple[str, str, int, int | None, str, bool]


def backbones() -> pd.DataFrame:
    """Every backbone that ``pretrained=True`` can build, the embedded ones first.

    Columns: ``name``; ``source`` (embedded, declared by a package, torchvision, timm); ``size`` of
    its input in pixels; ``parameters`` with its ImageNet classifier, missing where its publisher
    does not say; ``licence`` of the weights; ``at_hand``, whether the weights lie on this machine.
    """
    rows = [*_embedded(), *_declared(), *_torchvision(), *_timm()]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"parameters": "Int64"})


def _embedded() -> Iterator[Row]:
    for name, facts in lite.FACTS.items():
        at_hand = lite.weight_file(name) is not None
        yield name, "embedded", facts.size, facts.parameters, lite.licence(name), at_hand


def _declared() -> Iterator[Row]:
    others = {*lite.FACTS, *torchvision_bodies.names()}
    for name in declared_bodies.names():
        if name in others:
            continue
        try:
            backbone = declared_bodies.declared(name)
        except ValueError as error:
            warn(str(error))
            continue
        yield name, "declared", backbone.preprocessing.size, None, backbone.licence, True


def _torchvision() -> Iterator[Row]:
    cached = _torch_cache()
    for name in torchvision_bodies.names():
        weights = torchvision_bodies.record(name)
        size = torchvision_bodies.preprocessing(name).size
        licence = torchvision_bodies.licence(name)
        at_hand = _file_name(weights.url) in cached
        yield name, "torchvision", size, weights.meta["num_params"], licence, at_hand


def _timm() -> Iterator[Row]:
    files, repositories = _torch_cache(), _hub_cache()
    for name in timm.list_pretrained():
        cfg = timm_bodies.config(name)
        url = cfg.url if isinstance(cfg.url, str) else ""
        at_hand = cfg.hf_hub_id in repositories or (not cfg.hf_hub_id and _file_name(url) in files)
        licence = cfg.license or "unknown"
        yield f"timm/{name}", "timm", cfg.input_size[1], None, licence, at_hand


def _file_name(url: str) -> str:
    return Path(urlparse(url).path).name


def _torch_cache() -> set[str]:
    return {path.name for path in Path(torch.hub.get_dir(), "checkpoints").glob("*")}


def _hub_cache() -> set[str]:
    """The repositories whose weights lie in the cache of the Hugging Face hub."""
    files = Path(constants.HF_HUB_CACHE).glob("models--*/snapshots/*/*")
    folders = (path.parents[2].name for path in files if path.name in timm_bodies.WEIGHT_FILES)
    return {folder.removeprefix("models--").replace("--", "/") for folder in folders}
