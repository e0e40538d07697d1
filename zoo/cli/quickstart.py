"""The main job on real data that needs no download: `zoo quickstart`.

Digits that people wrote (scikit-learn carries 1,797 of them, 8 x 8 pixels: Alpaydin & Kaynak 1998)
become a folder of pictures; EfficientNet-Lite0 with its ImageNet weights is fine-tuned on them, and
asked about digits that it has not seen.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zoo
from zoo.core.pictures import save_picture
from zoo.published import digits
from zoo.vision import figures
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.recipe import RATIO, start_from_probe
from zoo.vision.data.augment import Augment
from zoo.vision.inspect.results import Results

SIZE = digits.SIDE  # pixels of the pictures and of the model's input
N_TRAIN, N_VALID = 500, 500
EPOCHS, LR = 8, 1e-3
HANDWRITING = Augment(flip=0.0, rotate=10.0, zoom=1.1, warp=0.1, lighting=0.0)  # no mirror images
ASKED = ("2", "5", "7", "8")  # digits of which one is shown


def run(out: Path, say: Callable[[str], None]) -> None:
    """Fine-tune, and put pictures and the model into the folder `out`."""
    began = time.perf_counter()
    folder = out / "digits"
    if folder.exists():
        shutil.rmtree(folder)
    digits.write_digits(folder, N_TRAIN, N_VALID)
    say(f"{N_TRAIN} digits to train on and {N_VALID} to ask about, as pictures in {folder}\n")
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
    results = model.results()
    save_picture(learn.history.plot_loss(), out / "loss.png")
    save_picture(results.plot_confusion(), out / "confusion.png")
    figures.save(results.plot(12), out / "answers.png")
    figures.save(results.plot_top_losses(), out / "worst.png")
    right = int((results.guesses == results.truths).sum())
    say(
        f"\nOf {N_VALID} digits that it has not seen, the model reads {right} right "
        f"({right / N_VALID:.1%}); {before:.1%} before it was fine-tuned.\n"
    )
    photo = _show_answers(directory, folder, results, say)
    say(
        f"\nanswers beside the truth     {out / 'answers.png'}\n"
        f"where it is most wrong       {out / 'worst.png'}, {out / 'confusion.png'}\n"
        f"how it was trained           {out / 'lr-find.png'}, {out / 'loss.png'}\n"
        f"the model                    {directory}\n"
        f"\n{time.perf_counter() - began:.0f} seconds. Go on with it:\n"
        f"\n    zoo predict {directory} {photo}"
        f"\n    zoo explain {directory} {photo} --out heat.png\n"
        "\nor with photos of yours, one folder per class:\n"
        "\n    zoo vision finetune efficientnet_lite0 photos/ --out my-model"
        "\n    zoo predict my-model photo.jpg\n"
    )


def _show_answers(
    directory: Path, folder: Path, results: Results, say: Callable[[str], None]
) -> Path:
    """Ask the saved model, loaded again, about some digits and the worst; a photo of them."""
    model = zoo.load(directory, PhotoModel)
    photos = [sorted((folder / "valid" / digit).iterdir())[0] for digit in ASKED]
    photos.append(folder.joinpath(*Path(results.name(int(results.worst[0]))).parts[-3:]))
    say("The saved model, loaded again, on some of them and the one that it gets most wrong:\n")
    answers: Any = model.predict(photos)
    for photo, answer in zip(photos, answers, strict=True):
        verdict = "right" if answer.label == photo.parent.name else "wrong"
        say(f"    {photo}  {answer.label}  {answer.probability:.1%} sure, {verdict}")
    return photos[0]
