"""The main job on real data that needs no download: `zoo quickstart`.

Digits that people wrote (scikit-learn carries 1,797 of them, 8 x 8 pixels: Alpaydin & Kaynak 1998)
become a folder of pictures; EfficientNet-Lite0 with its ImageNet weights is fine-tuned on them.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import zoo
from zoo.core.pictures import save_picture
from zoo.published import digits
from zoo.vision.classification.recipe import RATIO, start_from_probe
from zoo.vision.data.augment import Augment

SIZE = digits.SIDE  # pixels of the pictures and of the model's input
N_TRAIN, N_VALID = 500, 500
EPOCHS, LR = 8, 1e-3
HANDWRITING = Augment(flip=0.0, rotate=10.0, zoom=1.1, warp=0.1, lighting=0.0)  # no mirror images


def run(out: Path, say: Callable[[str], None]) -> None:
    """Fine-tune, and put pictures and the model into the folder `out`."""
    began = time.perf_counter()
    folder = out / "digits"
    if folder.exists():
        shutil.rmtree(folder)
    digits.write_digits(folder, N_TRAIN, N_VALID)
    say(
        "This demonstration fine-tunes EfficientNet-Lite0 (ImageNet weights) on handwritten digits:"
        f"\n{N_TRAIN} to train on, {N_VALID} to validate, as pictures in {folder}\n"
    )
    learn = zoo.vision.learner(
        folder, pretrained="efficientnet_lite0", size=SIZE, batch_size=32, augment=HANDWRITING
    )
    save_picture(learn.lr_find(steps=40).plot(), out / "lr-find.png")
    start_from_probe(learn)
    before = learn.evaluate()["accuracy"]
    learn.fit_one_cycle(EPOCHS, (LR / RATIO, LR), pct_start=0.3)
    if learn.interrupted:
        raise KeyboardInterrupt  # what follows tells of all epochs
    model = learn.as_model()
    directory = model.save(out / "model")
    save_picture(learn.history.plot_loss(), out / "loss.png")
    save_picture(model.results().plot_confusion(), out / "confusion.png")

    again = zoo.load(directory)
    photo = sorted((folder / "valid" / "7").iterdir())[0]
    after = model.metrics["accuracy"]
    say(
        f"\nlinear probe on the frozen features  {before:.3f} of the validation digits right\n"
        f"fine-tuned for {EPOCHS} epochs              {after:.3f}\n"
        f"\nthe saved model, loaded again, says of a seven: {again.predict(photo)}\n"
        f"\nlearning-rate finder  {out / 'lr-find.png'}\nlosses                {out / 'loss.png'}"
        f"\nconfusions            {out / 'confusion.png'}\nmodel                 {directory}\n"
        f"\n{time.perf_counter() - began:.0f} seconds. Your own photos, a folder for each class:\n"
        "\n    zoo vision finetune efficientnet_lite0 photos/ --out my-model"
        "\n    zoo predict my-model photo.jpg\n"
    )
