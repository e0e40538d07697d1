"""One photo through a loaded artifact: at most 1.1 x decoding it and a bare forward pass.

`efficientnet_lite0` at 224 px, fine-tuned on ants and bees (the probe alone), saved and loaded;
then photos of the validation part, one a call: `model.predict(path)`. Beside it the least that any
library has to do, on the same network: read and resize the file, cut its middle, normalise, one
forward pass in inference mode, softmax. Both sides take turns photo by photo, the first of them by
turns too; each photo is read once before, so that the disk is not timed. `seconds` are medians over
photos, `ratio` the median of the photos' ratios.

    python -m benchmarks.vision_predict        # writes results/vision_predict.csv
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import zoo
from scripts.lib.record import append
from zoo.vision.data.images import read

N_PHOTOS = 60


def main() -> None:
    """Several repeats, a row each."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--repeats", type=int, default=5)
    chosen = flags.parse_args()
    photos = zoo.data.get("hymenoptera")
    with tempfile.TemporaryDirectory() as folder:
        run = zoo.Run(progress=False)
        trained = zoo.vision.finetune("efficientnet_lite0", photos, epochs=0, run=run)
        model = zoo.load(trained.save(Path(folder) / "model"), run=run)
    paths = sorted((photos / "val").rglob("*.jpg"))[:N_PHOTOS]
    bare = bare_forward(model)
    for repeat in range(chosen.repeats):
        append("vision_predict.csv", repeat=repeat, **compared(model.predict, bare, paths))


def bare_forward(model: Any) -> Callable[[Path], Any]:
    """Decode, cut, normalise, forward, softmax."""
    spec, (network,) = model.spec, model.members
    network = network.eval().to(memory_format=torch.channels_last)
    mean = torch.tensor(spec.mean).view(3, 1, 1) * 255
    std = torch.tensor(spec.std).view(3, 1, 1) * 255

    def predict(path: Path) -> list[float]:
        pixels = np.asarray(read(path, spec.preprocessing.resize))
        top, left = (pixels.shape[0] - spec.size) // 2, (pixels.shape[1] - spec.size) // 2
        crop = pixels[top : top + spec.size, left : left + spec.size]
        x = torch.from_numpy(crop.copy()).permute(2, 0, 1).sub(mean).div(std)[None]
        with torch.inference_mode():
            logits = network(x.contiguous(memory_format=torch.channels_last))
            row: list[float] = logits.softmax(1)[0].tolist()
        return row

    return predict


def compared(
    ours: Callable[[Path], Any], bare: Callable[[Path], Any], paths: list[Path]
) -> dict[str, Any]:
    """Seconds of both on each photo, and their ratio; they agree on what it shows."""
    seconds: dict[str, list[float]] = {"ours": [], "bare": []}
    for number, path in enumerate(paths):
        said, known = ours(path), bare(path)
        assert abs(max(known) - said.probability) < 1e-4, path
        sides = {"ours": ours, "bare": bare}
        for name in list(sides) if number % 2 else list(sides)[::-1]:
            began = time.perf_counter()
            sides[name](path)
            seconds[name].append(time.perf_counter() - began)
    pairs = zip(seconds["ours"], seconds["bare"], strict=True)
    return {
        "photos": len(paths),
        "seconds": statistics.median(seconds["ours"]),
        "bare_seconds": statistics.median(seconds["bare"]),
        "ratio": statistics.median(one / other for one, other in pairs),
    }


if __name__ == "__main__":
    main()
