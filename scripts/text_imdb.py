"""IMDB: above NB-SVM on the 25,000 test reviews; far above TF-IDF with 100 and 500 labelled ones.

ULMFiT (Howard & Ruder 2018) with the published CPU-sized model (`scripts/text_pretrain.py`), in
steps that can be run one by one and go on where they were when killed. `lm` takes it once through
the training reviews without labels and a share of the unlabelled ones; `full` trains the classifier
on all 25,000 labelled reviews and scores all test reviews; `curve` trains it, TF-IDF with logistic
regression and NB-SVM on 100 and on 500 labelled reviews drawn at random, several times, and scores
a fixed part of the test reviews, as the column `tested` says; `rivals` scores the bags of words on
everything; `picture` draws what the CSV holds. Settings were set by hand; `--inner` scores them on
reviews of the training part that were not drawn.

    python -m scripts.text_imdb lm full curve rivals picture --out imdb
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

import zoo
import zoo.text
from scripts.bags_of_words import nb_svm, tfidf
from scripts.imdb import Reviews, reviews, unlabelled
from scripts.record import RESULTS, append, clocks, took
from zoo.text.train_lm import CYCLE, language_model, scored

STEPS: Final = ("lm", "full", "curve", "rivals", "picture")
CSV: Final = "text_imdb.csv"
LABELLED: Final = (100, 500)
LM_LR: Final = 5e-3
LM: Final[dict[str, Any]] = {
    "most_words": 30_000,
    "sampled": 500,
    "drop_mult": 0.2,
    "ar": 0.0,
    "tar": 0.0,
    "batch_size": 32,
    "valid_fraction": 0.01,
    "clip": 1.0,
}
FULL: Final[dict[str, Any]] = {"epochs": 1, "lr": 1e-2, "drop_mult": 0.5, "batch_size": 32}
FEW: Final[dict[str, Any]] = {"epochs": 10, "lr": 1e-2, "drop_mult": 0.7, "batch_size": 16}
MAX_LEN: Final = 400  # gradients reach back so far


@dataclass(frozen=True)
class Chosen:
    """What the command line asked for."""

    steps: Sequence[str]
    pretrained: str
    out: Path
    unlabelled: float
    tested: int
    draws: int
    device: str
    seed: int
    inner: bool
    smoke: bool

    def run(self, step: str | None = None, seed: int | None = None) -> zoo.Run:
        """Circumstances; a step's state has a folder of its own."""
        out = self.out / step if step else None
        return zoo.Run(
            seed=self.seed if seed is None else seed,
            device=self.device,
            out=out,
            resume=bool(out),
            save_every=120,
            progress=None if step else False,
        )

    def record(self, **values: Any) -> None:
        """A row, unless this is a rehearsal."""
        print(values) if self.smoke or self.inner else append(CSV, **values)


def lm(chosen: Chosen) -> None:
    """Fine-tune the language model on reviews, in one pass with everything unfrozen."""
    began = clocks()
    texts = chain(few(chosen, "train").texts, unlabelled(chosen.unlabelled))
    pretrained = language_model(chosen.pretrained)
    learn = zoo.text.lm_learner(texts, pretrained=pretrained, run=chosen.run("lm-state"), **LM)
    learn.fit(1, LM_LR, CYCLE)
    model = scored(learn)
    model.save(chosen.out / "lm")
    values = {"model": "language model", "seed": chosen.seed, "unlabelled": chosen.unlabelled}
    perplexity = model.metrics["perplexity"]
    chosen.record(**values, perplexity=perplexity, **took(began))


def full(chosen: Chosen) -> None:
    """The classifier on all labelled reviews."""
    began = clocks()
    found = few(chosen, "train")
    run = chosen.run("classifier-state")
    model = zoo.text.finetune(
        chosen.out / "lm", found, valid_fraction=0, max_len=MAX_LEN, run=run, **FULL
    )
    model.save(chosen.out / "classifier")
    test = few(chosen, "test")
    accuracy = model.evaluate(test)["accuracy"]
    values = {"model": "ulmfit", "seed": chosen.seed, "unlabelled": chosen.unlabelled}
    counts = {"labelled": len(found.texts), "tested": len(test.texts)}
    chosen.record(**values, **counts, accuracy=accuracy, **took(began))


def curve(chosen: Chosen) -> None:
    """The classifier and its rivals on few labelled reviews."""
    train = few(chosen, "train")
    for n in LABELLED:
        for draw in range(chosen.draws):
            drawn = train.take(n, draw)
            others = without(train, drawn) if chosen.inner else few(chosen, "test")
            with tempfile.TemporaryDirectory() as cache:
                run = zoo.Run(seed=draw, device=chosen.device, progress=False, cache=cache)
                ours = partial(ulmfit, lm=chosen.out / "lm", run=run)
                rivals = {"ulmfit": ours, "tfidf": tfidf, "nb_svm": nb_svm}
                for name, classes in rivals.items():
                    score(chosen, name, classes, drawn, others.take(chosen.tested, 0), draw)


def rivals(chosen: Chosen) -> None:
    """Bags of words on all reviews."""
    for name, classes in (("nb_svm", nb_svm), ("tfidf", tfidf)):
        score(chosen, name, classes, few(chosen, "train"), few(chosen, "test"), 0)


def ulmfit(
    texts: Sequence[str], labels: Sequence[int], others: Sequence[str], lm: Path, run: zoo.Run
) -> Any:
    """Classes by a classifier on the fine-tuned language model."""
    model = zoo.text.finetune(
        lm, (texts, labels), valid_fraction=0, max_len=MAX_LEN, run=run, **FEW
    )
    return np.array([said.label for said in model.predict(others)])


def score(
    chosen: Chosen,
    name: str,
    classes: Callable[..., Any],
    train: Reviews,
    test: Reviews,
    draw: int,
) -> None:
    """A row for a model."""
    began = clocks()
    said = classes(train.texts, train.labels, test.texts)
    chosen.record(
        model=name,
        seed=draw,
        labelled=len(train.texts),
        tested=len(test.texts),
        accuracy=float((said == np.array(test.labels)).mean()),
        **took(began),
    )


def picture(chosen: Chosen) -> None:
    """Accuracy by number of labelled reviews."""
    from matplotlib.figure import Figure

    rows = pd.read_csv(RESULTS / CSV).dropna(subset=["accuracy"])
    rows = rows.drop_duplicates(["model", "labelled", "seed", "tested"], keep="last")
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    for name, shown in (("ulmfit", "zoo.text"), ("nb_svm", "NB-SVM"), ("tfidf", "TF-IDF")):
        found = rows[rows["model"] == name].groupby("labelled")["accuracy"]
        mean, spread = found.mean(), found.std().fillna(0)
        axes.errorbar(mean.index, mean, spread, marker="o", capsize=3, label=shown)
    axes.set(xscale="log", xlabel="labelled reviews", ylabel="accuracy")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(RESULTS / "text_imdb.png", dpi=120)


def few(chosen: Chosen, part: Any) -> Reviews:
    """A part of the reviews; a few of them in a rehearsal."""
    found = reviews(part)
    return found.take(200, 0) if chosen.smoke else found


def without(whole: Reviews, drawn: Reviews) -> Reviews:
    """The others."""
    taken = set(drawn.texts)
    rows = [i for i, text in enumerate(whole.texts) if text not in taken]
    return Reviews([whole.texts[i] for i in rows], [whole.labels[i] for i in rows])


def main() -> None:
    """The steps asked for, in order."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("steps", nargs="+", choices=STEPS)
    flags.add_argument("--pretrained", default="zoo/lstm-wiki", help="language model")
    flags.add_argument("--out", type=Path, default=Path("imdb"), help="folder of what is trained")
    flags.add_argument("--unlabelled", type=float, default=1.0, help="share of these reviews")
    flags.add_argument("--tested", type=int, default=5000, help="test reviews of the curve")
    flags.add_argument("--draws", type=int, default=5)
    flags.add_argument("--device", default="auto")
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--inner", action="store_true", help="score a part of training, no record")
    flags.add_argument("--smoke", action="store_true", help="few reviews, no record")
    chosen = Chosen(**vars(flags.parse_args()))
    known = {"lm": lm, "full": full, "curve": curve, "rivals": rivals, "picture": picture}
    for step in chosen.steps:
        known[step](chosen)


if __name__ == "__main__":
    main()
