"""Run the arena: every set with every method, in three budgets and with five seeds.

A row that is there is not run again, so the same command goes on where it was stopped; peers are
run once. After a change of the library, `--methods zoo --again` adds the rows of the new commit. A
method whose answer does not depend on the budget is run with the smallest first; what it needed
then counts for the larger ones. Budgets are seconds on two cores: 10 are 20 CPU seconds.

    python -m benchmarks.arena                                   # everything: days
    python -m benchmarks.arena --sets core --budgets 10 60       # the sets of the targets
    python -m benchmarks.arena --sets iris lists --budgets 10 --seeds 0
    python -m benchmarks.arena.page                              # docs/arena.md, results/arena.png
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.arena import rows
from benchmarks.arena.methods import METHODS, Entry, entries
from benchmarks.arena.runner import PATIENCE, Place, run, within
from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets import CORE, SETS
from benchmarks.arena.task import Domain
from benchmarks.arena.worker import CORES
from benchmarks.device.commit import commit
from scripts.lib.record import ROOT

BUDGETS: Final = (10.0, 60.0, 600.0)
SEEDS: Final = range(5)
PEERS: Final = ROOT / ".venv-peers" / "bin" / "python"


def main() -> None:
    """Read the command and obey."""
    chosen = flags().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and what is running with it
    place = Place(chosen.out, chosen.peers, chosen.threads, chosen.patience)
    if not place.peers.exists():
        print(f"peers are left out: {place.peers} is not there. Run make arena-peers.")
    there = rows_there(place.out, chosen.methods if chosen.again else [])
    missing = []
    for domain, name in sets(chosen.sets):
        methods = [
            entry
            for entry in entries(domain)
            if entry.name in chosen.methods and place.python(entry).exists()
            if not entry.sets or name in entry.sets
        ]
        for seed in chosen.seeds:
            try:
                Wanted(name, seed, methods, sorted(chosen.budgets), there).fill(domain, place)
            except (FileNotFoundError, ConnectionError) as error:
                print(f"{name} is left out: {error}")
                missing.append(name)
                break
    sys.exit(int(bool(missing)))


@dataclass(frozen=True)
class Wanted:
    """The rows of one set and seed.

    Attributes:
        name: name of the set.
        seed: number of the trial.
        methods: that are to have rows.
        budgets: that are to have rows, the smallest first.
        there: rows that need not be run; what is run is added.
    """

    name: str
    seed: int
    methods: list[Entry]
    budgets: list[float]
    there: dict[rows.Key, rows.Row]

    def missing(self, entry: Entry) -> list[float]:
        """Budgets without a row."""
        return [b for b in self.budgets if self.key(entry, b) not in self.there]

    def fill(self, domain: Domain, place: Place) -> None:
        """Run what is missing; the set is read only if something is.

        Raises:
            FileNotFoundError: the set is not at hand.
        """
        methods = [entry for entry in self.methods if self.missing(entry)]
        problem: Problem | None = None
        for entry in methods:
            for budget in self.missing(entry):
                row = self.known(entry, budget)
                if row is None:
                    problem = problem or SETS[domain][self.name](self.seed)
                    row = run(within(problem, budget), entry, place)
                self.there[rows.key_of(row)] = row
                rows.add(place.out, row)

    def known(self, entry: Entry, budget: float) -> rows.Row | None:
        """The row of a larger or smaller budget, if it says what this one would give."""
        if entry.uses_budget:
            return None
        for other in sorted({*BUDGETS, *self.budgets}):
            row = self.there.get(self.key(entry, other))
            if row is None:
                continue
            if row["status"] == rows.OVER:
                if other > budget:
                    return row | {"budget_s": f"{budget:g}"}
                continue
            is_within = row["status"] == rows.FAILED or float(row["cpu_s"]) <= CORES * budget
            fits = {} if is_within else {"status": rows.OVER, "score": "", "note": "CPU seconds"}
            return row | {"budget_s": f"{budget:g}"} | fits
        return None

    def key(self, entry: Entry, budget: float) -> rows.Key:
        """The key of a row."""
        return (self.name, entry.name, f"{budget:g}", str(self.seed))


def rows_there(out: Path, again: list[str]) -> dict[rows.Key, rows.Row]:
    """The newest row of each cell and seed; of the methods named, only those of this commit."""
    now = commit()
    newest = rows.newest(out).items()
    return {k: row for k, row in newest if row["method"] not in again or row["commit"] == now}


def sets(names: list[str]) -> Iterator[tuple[Domain, str]]:
    """The sets of these names; a domain's name stands for all of its sets, "core" for `CORE`."""
    for domain, readers in SETS.items():
        core = CORE[domain] if "core" in names else ()
        chosen = {*names, *core}
        yield from ((domain, name) for name in readers if {domain, name} & chosen)


def flags() -> argparse.ArgumentParser:
    """The flags of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.arena",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    names = ["core", *SETS, *(name for readers in SETS.values() for name in readers)]
    methods = list(dict.fromkeys(entry.name for entry in METHODS))
    parser.add_argument("--sets", nargs="+", choices=names, default=[*SETS], metavar="SET")
    parser.add_argument("--methods", nargs="+", choices=methods, default=methods, metavar="METHOD")
    parser.add_argument("--budgets", nargs="+", type=float, default=BUDGETS, help="seconds")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--threads", type=int, default=CORES, help="of each method (%(default)s)")
    text = "times the budget by the clock, on a busy machine more (%(default)s)"
    parser.add_argument("--patience", type=float, default=PATIENCE, help=text)
    parser.add_argument("--out", type=Path, default=rows.FILE, help="the CSV (%(default)s)")
    parser.add_argument("--peers", type=Path, default=PEERS, help="Python that has the peers")
    parser.add_argument("--again", action="store_true", help="also where an older commit has rows")
    return parser


if __name__ == "__main__":
    main()
