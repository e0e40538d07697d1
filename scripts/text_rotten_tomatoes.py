"""Rotten Tomatoes sentences: transfer gains >= 4 points of accuracy, and is above TF-IDF.

Five divisions at random, nine tenths to train on and one to score. `transfer` is ULMFiT with a
network that one CPU core trains: a language model that has seen Wikipedia (`scripts/text_pretrain`)
and perhaps IMDB's reviews without their labels (step `lm` of `scripts/text_imdb`; the column
`pretrained` says which) is fine-tuned on the training sentences without their labels, the
classifier on its encoder; `random` trains the same network from random weights. Beside them TF-IDF
with logistic regression, whose penalty is chosen by folds, and NB-SVM, on the same divisions.
Settings were set by hand after a few looks at a tenth of the first training part (`--inner`), not
by a search.

    python -m scripts.text_rotten_tomatoes imdb/lm # writes results/text_rotten_tomatoes.csv
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import zoo
import zoo.text
from scripts.bags_of_words import nb_svm, tfidf
from scripts.record import append, clocks, took
from zoo.published.rotten_tomatoes import Part, divided, sentences
from zoo.text.train_lm import CYCLE, language_model

CSV: Final = "text_rotten_tomatoes.csv"
SEEDS: Final = 5
TENTH: Final = 0.1
GAIN: Final = 0.04
LM: Final[dict[str, Any]] = {
    "at_least": 1,
    "sampled": 500,
    "drop_mult": 0.5,
    "batch_size": 32,
    "bptt": 50,
    "valid_fraction": 0.02,
}
LM_EPOCHS, LM_LR = 2, 3e-3
HEAD_LR: Final = 1e-2  # of an epoch in which the head trains alone
EPOCHS: Final = 4  # of everything
RATES: Final = (1e-3, 4e-3)  # of words to head
CLASSIFIER: Final[dict[str, Any]] = {"drop_mult": 0.5, "valid_fraction": 0}
RANDOM: Final[dict[str, Any]] = {"epochs": 6, "lr": 3e-3, "drop_mult": 0.5}

Classes = Callable[[Sequence[str], Sequence[int], Sequence[str]], Any]
"""From training texts, their labels and other texts to the classes of these."""


def transfer(
    texts: Sequence[str],
    labels: Sequence[int],
    others: Sequence[str],
    pretrained: Any,
    out: Path | None,
    run: Any,
) -> NDArray[np.int64]:
    """Classes by the pretrained model, fine-tuned twice; it is kept if there is a folder for it."""
    first = language_model(pretrained)
    learn = zoo.text.lm_learner(texts, pretrained=first, run=run, **LM)
    learn.fit(LM_EPOCHS, LM_LR, CYCLE)
    learn = zoo.text.learner(learn.as_model(), (texts, labels), run=run, **CLASSIFIER)
    learn.freeze()
    learn.fit(1, HEAD_LR, CYCLE)
    learn.unfreeze()
    learn.fit(EPOCHS, RATES, CYCLE)
    model = learn.as_model()
    if out:
        model.save(out / str(run.seed))
    return np.array([said.label for said in model.predict(others)])


def random(
    texts: Sequence[str], labels: Sequence[int], others: Sequence[str], run: Any
) -> NDArray[np.int64]:
    """Classes by the same network from random weights."""
    model = zoo.text.train((texts, labels), valid_fraction=0, run=run, **RANDOM)
    return np.array([said.label for said in model.predict(others)])


def main() -> None:
    """A row for each model and seed, then the targets."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("pretrained", nargs="?", default="zoo/lstm-wiki", help="language model")
    flags.add_argument("--out", type=Path, help="folder to keep the classifiers in, by seed")
    flags.add_argument("--seeds", type=int, default=SEEDS)
    flags.add_argument("--first", type=int, default=0, help="first seed")
    flags.add_argument("--models", nargs="+", default=["tfidf", "nb_svm", "random", "transfer"])
    flags.add_argument("--device", default="auto")
    flags.add_argument("--smoke", action="store_true", help="200 sentences, one seed, no record")
    flags.add_argument("--inner", action="store_true", help="score a part of training, no record")
    chosen = flags.parse_args()
    whole = sentences()
    if chosen.smoke:
        whole, chosen.seeds = divided(whole, 200 / len(whole.texts), 0)[1], 1
    scores: dict[str, list[float]] = {name: [] for name in chosen.models}
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        train, test = divided(whole, TENTH, seed)
        if chosen.inner:
            train, test = divided(train, TENTH, seed)
        with tempfile.TemporaryDirectory() as cache:
            run = zoo.Run(seed=seed, device=chosen.device, cache=cache, progress=False)
            known: dict[str, Classes] = {
                "tfidf": tfidf,
                "nb_svm": nb_svm,
                "random": partial(random, run=run),
                "transfer": partial(
                    transfer, pretrained=chosen.pretrained, out=chosen.out, run=run
                ),
            }
            for name in chosen.models:
                row = trial(known[name], train, test)
                scores[name].append(row["accuracy"])
                print(name, seed, row, flush=True)
                if not (chosen.smoke or chosen.inner):
                    append(CSV, model=name, seed=seed, pretrained=known_as(name, chosen), **row)
    report({name: statistics.mean(found) for name, found in scores.items()})


def trial(classes: Classes, train: Part, test: Part) -> dict[str, Any]:
    """Accuracy of a model on the test part, and what it took."""
    began = clocks()
    said = classes(train.texts, train.labels, test.texts)
    return {
        "sentences": len(train.texts),
        "accuracy": float((said == np.array(test.labels)).mean()),
        **took(began),
    }


def known_as(model: str, chosen: argparse.Namespace) -> str:
    """The last two parts of the language model's path."""
    return "/".join(Path(chosen.pretrained).parts[-2:]) if model == "transfer" else ""


def report(means: dict[str, float]) -> None:
    """The means against the targets."""
    print({name: round(mean, 4) for name, mean in means.items()})
    for rival, target in (("random", GAIN), ("tfidf", 0.0)):
        if {"transfer", rival} <= set(means):
            gain = means["transfer"] - means[rival]
            verdict = "reached" if gain > target else "missed"
            print(f"above {rival} by {gain:.4f} (target {target}): {verdict}")


if __name__ == "__main__":
    main()
