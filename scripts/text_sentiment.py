"""Positive or negative: transfer on 19,459 rated sentences beside TF-IDF and NB-SVM.

The sentences and their seeded divisions are those of `zoo.published.rated_sentences`: tweets,
product and film reviews, editorials; nine tenths to train on and one to score. `transfer` is what
`scripts/text_rotten_tomatoes.py` does, no setting was chosen here: `zoo/lstm-wiki` is fine-tuned on
the training sentences without their labels, and the classifier on its encoder by
`zoo.text.finetune` with nothing set, which blends it with bags of words as a tenth of the training
sentences tells. No text has been used but Wikipedia's and these. Beside it TF-IDF with logistic
regression, whose penalty is chosen by folds, and NB-SVM, on the same divisions. Rows of before
2026-11-28 are of networks alone, at lower rates. Cost: 7 CPU minutes a seed.

    python -m scripts.text_sentiment           # writes results/text_sentiment.csv
    python -m scripts.text_sentiment --out run # keeps the first classifier, for scripts/publish.py
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from scripts.lib.bags_of_words import nb_svm, tfidf
from scripts.lib.program import program
from scripts.text_rotten_tomatoes import Classes, transfer, trial
from zoo.published.rated_sentences import TENTH, Part, divided, sentences

PRETRAINED = "zoo/lstm-wiki"
LABELS = np.array(["negative", "positive"])
FEW = 0.01  # of the sentences, to show that the program runs
MODELS = ("tfidf", "nb_svm", "transfer")


def named(rival: Classes) -> Classes:
    """A rival that knows classes by numbers, taught and answering by their names."""

    def classes(texts: Sequence[str], labels: Sequence[Any], others: Sequence[str]) -> Any:
        return LABELS[rival(texts, [int(label == LABELS[1]) for label in labels], others)]

    return classes


def flags(parser: argparse.ArgumentParser) -> None:
    """Which models."""
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)


def main() -> None:
    """A row for each model and seed."""
    asked = program(__doc__, "text_sentiment.csv", seeds=3, further=flags)
    whole: Part = sentences()
    if asked.smoke:
        whole = divided(whole, FEW, 0)[1]
    for seed in asked.seeds:
        train, test = divided(whole, TENTH, seed)
        out: Path | None = asked.out if seed == asked.seeds[0] else None
        with tempfile.TemporaryDirectory() as cache:
            run = asked.run(seed, cache=cache)
            ours = partial(transfer, pretrained=PRETRAINED, out=out, run=run)
            known = {"tfidf": named(tfidf), "nb_svm": named(nb_svm), "transfer": ours}
            for name in asked.further["models"]:
                asked.record(model=name, seed=seed, **trial(known[name], train, test))


if __name__ == "__main__":
    main()
