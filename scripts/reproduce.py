"""Run every program of a published number in small: does each still do what it says?

Each is started as `python -m scripts.NAME --smoke --out FOLDER`: one trial on little, without a
record, that leaves a model and its card. Two run side by side, with one thread each. A program
whose data set is not at hand is left out, and named; the whole prints its seconds.

    python -m scripts.reproduce              # all
    python -m scripts.reproduce collab       # those whose names begin so
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import zoo
from scripts.lib.program import module_of
from scripts.lib.record import ROOT

PROGRAMS = {
    "collab_folds": "movielens-100k",
    "collab_items": "movielens-100k",
    "collab_random": "movielens-100k",
    "collab_ranking": "movielens-100k",
    "collab_recipe": "movielens-100k",
    "collab_sasrec": "movielens-100k",
    "encoder_recipe": "rotten-tomatoes",
    "tabular_adult": "adult",
    "tabular_entity": "rossmann",
    "tabular_join": "adult rossmann",
    "tabular_recipe": "adult",
    "tabular_rossmann": "rossmann",
    "tabular_rossmann_lesson": "rossmann",
    "tabular_rossmann_recipe": "rossmann",
    "tabular_search": "adult",
    "tabular_small": "adult",
    "text_encoders": "rotten-tomatoes",
    "text_imdb": "imdb",
    "text_pretrain": "wikitext-2 wiki-long-2014",
    "text_recipe": "rotten-tomatoes",
    "text_rotten_tomatoes": "rotten-tomatoes",
    "text_sentiment": "rated-sentences",
    "text_wikitext2": "wikitext-2",
    "trust_budget": "",
    "trust_coverage": "movielens-100k",
    "trust_doctor": "adult",
    "trust_privacy": "",
    "trust_reasons": "adult",
    "trust_unknown": "movielens-100k",
    "vision_camvid": "camvid-240x180",
    "vision_digits": "",
    "vision_dogscats": "dogscats-160",
    "vision_flowers": "flowers-128",
    "vision_flowers_progressive": "flowers-128",
    "vision_gan": "flowers-128",
    "vision_hymenoptera": "hymenoptera",
    "vision_multilabel": "camvid-240x180",
    "vision_recipe": "hymenoptera",
    "vision_restore": "flowers-128",
    "vision_tta": "hymenoptera",
}  # name -> the data sets that it needs
WORKERS = 2


def small(name: str) -> tuple[str, float]:
    """Run a program; what is wrong with it, if anything is, and its seconds."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", module_of(name), "--smoke", "--out", f"{folder}/model"]
        own = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, cwd=ROOT, env=own, capture_output=True, text=True, check=False
        )
        cards = list(Path(folder).rglob("README.md"))
    wrong = "" if cards else "it kept no model\n"
    if done.returncode:
        wrong = done.stdout + done.stderr
    return wrong, time.perf_counter() - began


def absent(name: str) -> list[str]:
    """The data sets of a program that are not at hand."""
    at_hand = {row.name for row in zoo.data.available() if row.at_hand in ("cached", "mirror")}
    return [needed for needed in PROGRAMS[name].split() if needed not in at_hand]


def main(beginning: str = "") -> None:
    """All programs, or those whose names begin so; status 1 if one fails."""
    began, failed = time.perf_counter(), []
    chosen = [name for name in PROGRAMS if name.startswith(beginning)]
    with ThreadPoolExecutor(WORKERS) as pool:
        ends = {name: pool.submit(small, name) for name in chosen if not absent(name)}
        for name in chosen:
            if name not in ends:
                print(f"{name:26} left out: zoo data get {' '.join(absent(name))}", flush=True)
                continue
            wrong, seconds = ends[name].result()
            print(f"{wrong}{name:26} {'FAILED' if wrong else 'well'} {seconds:6.0f} s", flush=True)
            failed += [name] if wrong else []
    print(f"{time.perf_counter() - began:.0f} s; {len(failed)} failed {' '.join(failed)}")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
