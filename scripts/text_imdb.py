"""IMDB: ULMFiT beside NB-SVM on the 25,000 test reviews, and beside TF-IDF with 100 and 500 labels.

ULMFiT (Howard & Ruder 2018) with the published CPU-sized model (`scripts/text_pretrain.py`), in
steps that can be run one by one and go on where they were when killed: `lm` takes it twice through
the training reviews without labels and a share of the unlabelled ones; `full` trains classifiers on
all 25,000 labelled reviews and scores each on all test reviews, `ensemble` their mean; `curve`
trains one, TF-IDF with logistic regression and NB-SVM on 100 and on 500 labelled reviews drawn at
random, several times, and scores a fixed part of the test reviews, as the column `tested` says;
beside them `zoo/sentiment`, which knows other labelled sentences (`scripts/text_sentiment.py`),
without any review and taken further on these; `rivals` scores the bags of words on everything;
`picture` draws what the CSV holds. The seeds are those of the draws, the first is that of `lm` and
of the first classifier.

Settings were chosen on reviews of the training part, some with `--inner`, most with
`scripts/searches/text_recipe.py`. `full` has been scored with five recipes, whose rows are kept; no
recipe was picked by these scores. Of a language model that had seen a quarter of the unlabelled
reviews: gradual unfreezing at low rates, too little; four epochs at rates of 1e-3 to 4e-3, taken
from other data; then at 2.5e-3 to 1e-2, which learn 25,000 reviews by heart. Of one that had seen
all: two epochs at these rates. Of one that has seen all twice: the same with less dropout, the best
of what was tried on 10,000 training reviews, if by a hair. Its rows are the last, and those of the
program as it stands. Every row is of the language model whose own row is the last one before it.
Cost in CPU minutes: 56 for each pass of `lm` (a row tells what its own process did: the second
pass, which went on from the first's state), 40 for each classifier of `full`, 12 for each draw of
`curve` if 2,500 reviews are scored.

    python -m scripts.text_imdb --out imdb              # all steps; writes results/text_imdb.csv
    python -m scripts.text_imdb lm full --out imdb      # some of them
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
from scripts.lib.bags_of_words import nb_svm, tfidf
from scripts.lib.imdb import Reviews, reviews, unlabelled, without
from scripts.lib.program import Program, knobs, program, timed
from scripts.lib.record import RESULTS
from scripts.text_rotten_tomatoes import Classes, trial
from scripts.text_sentiment import LABELS
from zoo.core.model import finished
from zoo.core.pictures import DASHES, PALETTE
from zoo.core.training.learner import Learner
from zoo.text.recipe import CYCLE

CSV: Final = "text_imdb.csv"
LABELLED: Final = (100, 500)
RIVALS: Final[dict[str, Classes]] = {"nb_svm": nb_svm, "tfidf": tfidf}
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
FEW: Final[dict[str, Any]] = {"batch_size": 8, "valid_fraction": 0}
EPOCHS: Final = 8  # with few labels: of the head alone, then of everything
RATES: Final = (2.5e-3, 1e-2)  # of words to head
KNOWING: Final = "zoo/sentiment"
FURTHER: Final[dict[str, Any]] = {"batch_size": 16, "valid_fraction": 0}
SHOWN: Final = {
    KNOWING: f"{KNOWING}, further",
    "ulmfit": "ULMFiT",
    "nb_svm": "NB-SVM",
    "tfidf": "TF-IDF",
}
MAX_LEN: Final = 400  # gradients reach back so far
INNER: Final = 0.1  # of the training reviews, to choose settings on


@dataclass(frozen=True)
class Recipe:
    """Of `full`; what is not here is as `zoo.text.finetune` has it."""

    epochs: int = 2
    lr: float = 1e-2
    batch_size: int = 32
    drop_mult: float = 0.3


Step = Callable[[Program, Path], None]
"""Takes the flags, and the folder that holds what is trained."""


def lm(asked: Program, room: Path) -> None:
    """Fine-tune the language model on reviews, everything unfrozen; each pass is a cycle."""
    seed = asked.seeds[0]
    share, passes = asked.further["unlabelled"], asked.further["passes"]
    run = asked.run(seed, state=room / f"lm-state-{seed}", save_every=120)
    with timed() as spent:
        texts = chain(few(asked, "train").texts, () if asked.smoke else unlabelled(share))
        learn = zoo.text.lm_learner(texts, pretrained=asked.further["pretrained"], run=run, **LM)
        for _ in range(passes):
            learn.fit(1, LM_LR, CYCLE)
            unbroken(learn)
        model = finished(learn)
        model.save(room / "lm")
    values = {"model": "language model", "seed": seed, "unlabelled": share, "passes": passes}
    asked.record(**values, perplexity=model.metrics["perplexity"], **spent())


def full(asked: Program, room: Path) -> None:
    """Classifiers on all labelled reviews, one a seed."""
    train, test = parts(asked)
    recipe = vars(asked.chosen(Recipe))
    before = {name: asked.further[name] for name in ("unlabelled", "passes")}
    counts = {"labelled": len(train.texts), "tested": len(test.texts)}
    for seed in classifiers(asked):
        run = asked.run(seed, state=room / f"classifier-state-{seed}", save_every=120)
        with timed() as spent:
            model = zoo.text.finetune(
                room / "lm", train, valid_fraction=0, max_len=MAX_LEN, run=run, **recipe
            )
            unbroken(model.learner())
            model.save(room / f"classifier-{seed}")
            accuracy = model.evaluate(test)["accuracy"]
        values = {"model": "ulmfit", "seed": seed, **before, **counts}
        asked.record(**values, accuracy=accuracy, **spent(), **recipe)


def ensemble(asked: Program, room: Path) -> None:
    """The mean of the probabilities of these classifiers."""
    train, test = parts(asked)
    members = [zoo.load(room / f"classifier-{seed}") for seed in classifiers(asked)]
    with timed() as spent:
        accuracy = zoo.text.ensemble(members).evaluate(test)["accuracy"]
    values = {"model": "ulmfit ensemble", "seed": asked.seeds[0], "members": len(members)}
    counts = {"labelled": len(train.texts), "tested": len(test.texts)}
    asked.record(**values, **counts, accuracy=accuracy, **spent())


def curve(asked: Program, room: Path) -> None:
    """The classifier and its rivals on few labelled reviews."""
    train = few(asked, "train")
    for n in (20,) if asked.smoke else LABELLED:
        for draw in asked.seeds:
            drawn = train.take(n, draw)
            others = without(train, drawn) if asked.inner else few(asked, "test")
            test = others.take(asked.further["tested"], 0)
            with tempfile.TemporaryDirectory() as cache:
                run = asked.run(draw, cache=cache)
                ours = partial(ulmfit, lm=room / "lm", run=run, epochs=1 if asked.smoke else EPOCHS)
                known: dict[str, Classes] = {
                    "ulmfit": ours,
                    KNOWING: partial(knowing, run=run),
                    **RIVALS,
                }
                for name, classes in known.items():
                    score(asked, name, classes, drawn, test, draw)
    test = (train if asked.inner else few(asked, "test")).take(asked.further["tested"], 0)
    nothing, run = Reviews([], []), asked.run(asked.seeds[0])
    score(asked, KNOWING, partial(knowing, run=run), nothing, test, asked.seeds[0])


def rivals(asked: Program, room: Path) -> None:
    """Bags of words on all reviews."""
    for name, classes in RIVALS.items():
        score(asked, name, classes, few(asked, "train"), few(asked, "test"), 0)


def ulmfit(
    texts: Sequence[str],
    labels: Sequence[int],
    others: Sequence[str],
    lm: Path,
    run: zoo.Run,
    epochs: int,
) -> Any:
    """Classes by a classifier on the fine-tuned language model."""
    learn = zoo.text.learner((texts, labels), pretrained=lm, max_len=MAX_LEN, run=run, **FEW)
    learn.freeze()
    learn.fit(epochs, RATES[-1], CYCLE)
    learn.unfreeze()
    learn.fit(epochs, RATES, CYCLE)
    return np.array([said.label for said in learn.as_model().predict(others)])


def knowing(
    texts: Sequence[str], labels: Sequence[int], others: Sequence[str], run: zoo.Run
) -> Any:
    """Classes by a published model that knows them from other texts, taken further on these."""
    model = zoo.load(KNOWING, run=run)
    if texts:
        named = [str(LABELS[label]) for label in labels]
        model = zoo.text.finetune(model, (texts, named), max_len=MAX_LEN, run=run, **FURTHER)
    return np.array([said.label == LABELS[1] for said in model.predict(others)])


def score(
    asked: Program, name: str, classes: Classes, train: Reviews, test: Reviews, draw: int
) -> None:
    """A row for a model."""
    found = trial(classes, train, test)
    counts = {"labelled": found.pop("sentences"), "tested": len(test.texts)}
    asked.record(model=name, seed=draw, **counts, **found)


def picture(asked: Program, room: Path) -> None:
    """Accuracy by number of labelled reviews: of the results, or of this call without a record."""
    from matplotlib.figure import Figure

    rows = pd.read_csv(RESULTS / CSV) if asked.recorded else pd.DataFrame(asked.rows)
    if "accuracy" not in rows:
        raise SystemExit("a picture needs scores, got none. First run: full curve rivals")
    rows = rows.dropna(subset=["accuracy"])
    rows = rows.drop_duplicates(["model", "labelled", "seed", "tested"], keep="last")
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    alone = rows.loc[rows["labelled"] == 0, "accuracy"].mean()
    axes.axhline(alone, color="grey", linestyle=":", label=f"{KNOWING}, as it is")
    rows = rows[rows["labelled"] > 0]
    looks = zip(PALETTE, "os^Dv", ("-", *DASHES), strict=False)
    for name, shown in SHOWN.items():
        found = rows[rows["model"] == name].groupby("labelled")["accuracy"]
        mean, spread = found.mean(), found.std().fillna(0)
        color, marker, dashes = next(looks)
        look = {"color": color, "marker": marker, "linestyle": dashes, "capsize": 3}
        axes.errorbar(mean.index, mean, spread, label=shown, **look)
    title = "Reviews of films, few of them labelled"
    axes.set(title=title, xscale="log", xlabel="labelled reviews", ylabel="accuracy")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig((RESULTS if asked.recorded else room) / "text_imdb.png", dpi=120)


def few(asked: Program, part: Any) -> Reviews:
    """A part of the reviews; a few of them to show that the program runs."""
    found = reviews(part)
    return found.take(60, 0) if asked.smoke else found


def parts(asked: Program) -> tuple[Reviews, Reviews]:
    """Labelled reviews to train on, and those to score."""
    train = few(asked, "train")
    if not asked.inner:
        return train, few(asked, "test")
    test = train.take(round(len(train.texts) * INNER), 0)
    return without(train, test), test


def unbroken(learn: Learner) -> None:
    """End here after Ctrl-C: half a training gets no row, and the same call goes on with it."""
    if learn.interrupted:
        raise SystemExit("interrupted; the same call goes on from the last save")


def classifiers(asked: Program) -> range:
    """Seeds of `full`."""
    return range(asked.seeds[0], asked.seeds[0] + asked.further["classifiers"])


STEPS: Final[dict[str, Step]] = {
    "lm": lm,
    "full": full,
    "ensemble": ensemble,
    "curve": curve,
    "rivals": rivals,
    "picture": picture,
}


def flags(parser: argparse.ArgumentParser) -> None:
    """The steps, what they start from, and how `full` trains."""
    parser.add_argument("steps", nargs="*", choices=(*STEPS, "all"), default="all", help="(all)")
    parser.add_argument("--pretrained", default="zoo/lstm-wiki", help="language model")
    parser.add_argument("--unlabelled", type=float, default=1.0, help="share of these reviews")
    parser.add_argument("--passes", type=int, default=2, help="of `lm`, each a cycle")
    parser.add_argument("--classifiers", type=int, default=2, help="of `full`, one a seed")
    parser.add_argument("--tested", type=int, default=5000, help="test reviews of the curve")
    knobs(parser, Recipe())


def main() -> None:
    """The steps asked for, in order."""
    asked = program(__doc__, CSV, seeds=5, inner=True, further=flags)
    steps = asked.further["steps"]
    with asked.room(Path("imdb")) as room:
        for name in STEPS if "all" in steps else steps:
            STEPS[name](asked, room)


if __name__ == "__main__":
    main()
