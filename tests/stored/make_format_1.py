"""What made `format-1/` beside it, once: an artifact that every later version must load.

python -m tests.stored.make_format_1 tests/stored/format-1
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch

import zoo
from tests.digits import write_photos


def make(folder: Path) -> None:
    """A tiny trained classifier, photos, and what it said of them."""
    with tempfile.TemporaryDirectory() as temporary:
        photos = write_photos(Path(temporary) / "digits", n_train=100, n_valid=50, side=32)
        model = zoo.vision.train(
            "timm/test_efficientnet",
            photos,
            epochs=8,
            size=32,
            batchnorm="live",
            augment="none",
            run=zoo.Run(device="cpu", precision="fp32", threads=1, progress=False),
        )
        with torch.no_grad():  # so that the file halves when it is compressed
            for tensor in model.members[0].state_dict().values():
                if tensor.is_floating_point():
                    tensor.copy_(tensor.bfloat16())
        model.metrics = model.evaluate()
        model.save(folder)
        chosen = sorted((photos / "valid").rglob("[01].png"))
        expected = {}
        for path in chosen:
            name = f"{path.parent.name}-{path.name}"
            shutil.copy(path, folder / name)
            expected[name] = model.predict(path).probabilities
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
