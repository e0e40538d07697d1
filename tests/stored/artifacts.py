"""The stored artifacts of a format, and what each of their models says of its stored inputs."""

from __future__ import annotations

import json
import lzma
import shutil
from pathlib import Path
from typing import Any

import numpy as np

FORMAT_1 = Path(__file__).parent / "format-1"
PUBLISHED = FORMAT_1 / "published"
PACKED = ".xz"  # of weights and configs that would be large

NAMES = sorted(path.parent.name for path in FORMAT_1.glob("*/expected.json"))
PUBLISHED_NAMES = sorted(path.stem for path in PUBLISHED.glob("*.json"))


def unpacked(source: Path, place: Path) -> Path:
    """A copy of an artifact in a place, its packed files as they were."""
    folder = Path(shutil.copytree(source, place))
    for path in folder.glob(f"*{PACKED}"):
        path.with_suffix("").write_bytes(lzma.decompress(path.read_bytes()))
        path.unlink()
    return folder


def pack(path: Path) -> None:
    """Put a compressed file in the place of another."""
    packed = path.with_name(path.name + PACKED)
    packed.write_bytes(lzma.compress(path.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    path.unlink()


def inputs_of(folder: Path) -> Any:
    """What a stored artifact is tried on: paths of photos, or what its inputs.json holds."""
    inputs = folder / "inputs.json"
    if inputs.exists():
        return json.loads(inputs.read_text(encoding="utf-8"))
    return sorted(folder.glob("*.png"))


def answers(model: Any, inputs: Any) -> Any:
    """What a model of any domain says of inputs, as plain values for JSON."""
    return json.loads(json.dumps(_SAYS[type(model).__name__](model, inputs), ensure_ascii=False))


def _photos(model: Any, photos: list[Path]) -> Any:
    return [_plain(one) for one in model.predict(photos)]


def _plain(said: Any) -> Any:
    """One prediction of photos, texts or rows."""
    if not hasattr(said, "probabilities"):
        return said
    shares = {str(label): share for label, share in said.probabilities.items()}
    return {
        "label": list(said.labels) if hasattr(said, "labels") else said.label,
        "probabilities": shares,
    }


def _masks(model: Any, photos: list[Path]) -> Any:
    return [["".join(map(str, row)) for row in one.labels] for one in model.predict(photos)]


def _restored(model: Any, photos: list[Path]) -> Any:
    """Every fifth pixel, 0.0 to 255.0."""
    return [np.asarray(one)[::5, ::5].astype(float).tolist() for one in model.predict(photos)]


def _texts(model: Any, texts: list[str]) -> Any:
    return [_plain(one) for one in model.predict(texts)]


def _words(model: Any, texts: list[str]) -> Any:
    return {
        "next": model.predict(texts, tokens=True),
        "likeliest": [model.generate(text, 8, top_k=1, seed=0) for text in texts],
    }


def _rows(model: Any, rows: list[dict[str, Any]]) -> Any:
    said = model.predict(rows)
    if model.spec.task == "classification":
        shares = model.probabilities(rows).set_axis(map(str, model.spec.classes), axis=1)
        return {"label": said.tolist(), "probabilities": shares.to_dict("list")}
    return said.to_dict("list") if said.ndim > 1 else said.tolist()


def _ratings(model: Any, inputs: dict[str, Any]) -> Any:
    users, items = zip(*inputs["pairs"], strict=True)
    visitor = model.fold_in(dict(inputs["visitor"]))
    return {
        "ratings": model.predict(list(users), list(items)).tolist(),
        "recommended": model.recommend(users[0], k=4).to_dict("list"),
        "visitor": visitor.predict(list(items)).tolist(),
        "recommended to a visitor": visitor.recommend(4).to_dict("list"),
    }


_SAYS = {
    "PhotoModel": _photos,
    "PhotoSegmenter": _masks,
    "PhotoRestorer": _restored,
    "TextClassifier": _texts,
    "LanguageModel": _words,
    "TableModel": _rows,
    "Recommender": _ratings,
}
