"""Few labels: `finetune("auto")` is not below SetFit, a probe, or bags of words on any of 8 sets.

Each set is drawn with 8 and with 64 labels per class, and with 1,000 in all, from the training part
of the arena's reader, five times, and IMDB's long reviews with 100 and 500 in all; at most 1,000
rows of the test part are scored, drawn by the seed. Beside the library's call stand logistic
regression on the frozen encoder, SetFit on the same encoder, TF-IDF with logistic regression, and
NB-SVM, each in a process of its own on one core. SetFit has its defaults, by which the pairs of an
epoch grow with the square of the texts; where they are more than 500 steps, hours here, it is
stopped after 500: its seconds are too few there. A row that is there is not run again.

    python -m scripts.text_encoders --peers .venv-peers/bin/python   # results/text_encoders.csv
    python -m scripts.text_encoders --methods tfidf nb_svm --sizes 8 # some of it
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from typing import Final

import pandas as pd

from benchmarks.arena import rows
from benchmarks.arena.__main__ import PEERS, rows_there
from benchmarks.arena.compare import difference
from benchmarks.arena.methods import METHODS, Entry
from benchmarks.arena.runner import Place, run
from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets import texts
from benchmarks.arena.sets.parts import labelled
from benchmarks.arena.task import Task
from scripts.lib.program import Program, program, some_of
from scripts.lib.record import RESULTS

CSV: Final = "text_encoders.csv"
OURS: Final = "zoo_auto"
SETS: Final = (
    *("sst2", "mpqa", "stackoverflow20", "snips"),
    *("tweet_emotion", "tweet_irony", "rotten_tomatoes", "clinc150"),
)
LONG: Final = "imdb"
PER_CLASS: Final = (8, 64)
CELLS: Final = (*product(SETS, (*PER_CLASS, 1_000)), (LONG, 100), (LONG, 500))
SIZES: Final = tuple(dict.fromkeys(str(size) for _, size in CELLS))
TEST: Final = 1_000  # rows at most
BUDGET: Final = 3_600.0  # seconds of two cores: nothing is stopped by it but what hangs
RIVALS: Final = {
    **{entry.name: entry for entry in METHODS if entry.name in ("tfidf", "nb_svm", "minilm")},
    "setfit": Entry(
        "setfit",
        "peers.sentences:setfit_in_steps",
        ("texts",),
        ("setfit", "sentence-transformers"),
        "SetFit on all-MiniLM-L6-v2, an epoch or 500 steps",
    ),
}
ENTRIES: Final = RIVALS | {
    OURS: Entry(OURS, "zoo_texts:auto", ("texts",), ("torch",), '`zoo.text.finetune("auto", ...)`')
}


def problem(name: str, size: int, seed: int) -> Problem:
    """A set with few labels: so many per class, or in all with each class's share."""
    parts = texts.WHOLE[name](seed)
    if size in PER_CLASS:
        shuffled = parts[0].sample(frac=1, random_state=seed)
        train = shuffled.groupby("label").head(size).sort_index()
    else:
        train, _ = labelled(parts, size, seed, "label")
    test = parts[1].sample(min(TEST, len(parts[1])), random_state=seed)
    plain = train.reset_index(drop=True).assign(label=train["label"].astype(str).to_numpy())
    inputs = test[texts.INPUTS].reset_index(drop=True)
    task = Task(f"{name}/{size}", "texts", "accuracy", "label", plain, inputs, seed, BUDGET)
    return Problem(task, test["label"].to_numpy(str))


def fill(asked: Program, place: Place) -> None:
    """Run what has no row yet or has failed; a set is read only if something is missing."""
    flags = asked.further
    newest = rows_there(place.out, flags["methods"] if flags["again"] else [])
    there = {key for key, row in newest.items() if row["status"] != rows.FAILED}
    cells = [one for one in CELLS if one[0] in flags["sets"] and str(one[1]) in flags["sizes"]]
    for (name, size), seed in product(cells, asked.seeds):
        key = {one: (f"{name}/{size}", one, f"{BUDGET:g}", str(seed)) for one in flags["methods"]}
        missing = [one for one in key if key[one] not in there]
        if missing:
            drawn = problem(name, size, seed)
            for one in missing:
                rows.add(place.out, run(drawn, ENTRIES[one], place))


def report(path: Path) -> None:
    """Means of each cell, and ours beside the best rival of the cell, by the arena's rule."""
    frame = pd.DataFrame(rows.newest(path).values())
    done = frame[frame["status"] == rows.DONE].astype({"score": float, "cpu_s": float, "seed": int})
    for name, group in done.groupby("set", sort=False):
        scores = group.pivot(index="seed", columns="method", values="score")
        cost = group.groupby("method")["cpu_s"].mean()
        shown = (f"{one} {scores[one].mean():.3f} ({cost[one]:.0f} CPU s)" for one in scores)
        print(f"{name}: {', '.join(shown)}")
        rivals = scores[scores.columns.difference([OURS])]
        if OURS in scores and len(rivals.columns):
            best = rivals.mean().idxmax()
            mean, _, margin = difference(scores[OURS], rivals[best], "accuracy")
            verdict = "below" if mean < -margin else "not below"
            print(f"    {verdict} {best}: {mean:+.3f}, margin {margin:.3f}")


def flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the program's own."""
    some_of(parser, "--sets", (*SETS, LONG))
    some_of(parser, "--sizes", SIZES)
    some_of(parser, "--methods", ENTRIES)
    text = "add rows of this commit where there are those of others"
    parser.add_argument("--again", action="store_true", help=text)
    parser.add_argument("--peers", type=Path, default=PEERS, help="Python of the peers")


def main() -> None:
    """Fill in the rows, then say what they say; of smoke, one small cell without a record."""
    asked = program(__doc__, CSV, seeds=5, further=flags)
    with asked.room(RESULTS) as room:
        if asked.smoke:
            asked.further.update(sets=["rotten_tomatoes"], sizes=["8"], methods=["tfidf"])
        room.mkdir(parents=True, exist_ok=True)
        out = (room if asked.smoke else RESULTS) / CSV
        fill(asked, Place(out, asked.further["peers"], threads=1))
        report(out)


if __name__ == "__main__":
    main()
