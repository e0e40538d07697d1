"""Run every program of a published number in small: does each still do what it says?

Each is started as `python -m scripts.NAME --smoke`: one trial on little, without a record. A
program whose data set is not at hand is left out, and named; the whole prints its seconds.

    python -m scripts.reproduce              # all
    python -m scripts.reproduce collab       # those whose names begin so
"""

from __future__ import annotations

import subprocess
import sys
import time

import zoo
from scripts.record import ROOT

PROGRAMS = {
    "collab_folds": "movielens-100k",
    "collab_items": "movielens-100k",
    "collab_random": "movielens-100k",
    "collab_ranking": "movielens-100k",
    "collab_recipe": "movielens-100k",
    "tabular_adult": "adult",
    "tabular_recipe": "adult",
    "tabular_rossmann": "rossmann",
    "tabular_search": "adult",
    "text_rotten_tomatoes": "rotten-tomatoes",
    "text_wikitext2": "wikitext-2",
    "vision_camvid": "camvid-240x180",
    "vision_digits": "",
    "vision_dogscats": "dogscats-160",
    "vision_flowers": "flowers-128",
    "vision_flowers_progressive": "flowers-128",
    "vision_hymenoptera": "hymenoptera",
    "vision_multilabel": "camvid-240x180",
    "vision_restore": "flowers-128",
    "vision_tta": "hymenoptera",
}  # name -> the data set that it needs


def small(name: str) -> tuple[bool, float]:
    """Run a program; whether it ended well, and its seconds."""
    began = time.perf_counter()
    command = [sys.executable, "-m", f"scripts.{name}", "--smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout + done.stderr)
    return not done.returncode, time.perf_counter() - began


def main(beginning: str = "") -> None:
    """All programs, or those whose names begin so; status 1 if one fails."""
    at_hand = {row.name: row.at_hand in ("cached", "mirror") for row in zoo.data.available()}
    began, failed = time.perf_counter(), []
    for name, needs in PROGRAMS.items():
        if not name.startswith(beginning):
            continue
        if needs and not at_hand[needs]:
            print(f"{name:26} left out: zoo data get {needs}", flush=True)
            continue
        well, seconds = small(name)
        print(f"{name:26} {'well' if well else 'FAILED'} {seconds:6.0f} s", flush=True)
        failed += [] if well else [name]
    print(f"{time.perf_counter() - began:.0f} s; {len(failed)} failed {' '.join(failed)}")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
