"""The page of the arena, docs/arena.md, and its picture, from the rows alone.

python -m benchmarks.arena.page
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from benchmarks.arena import rows
from benchmarks.arena.compare import Difference, differences, front, read
from benchmarks.arena.methods import OURS, entries
from benchmarks.arena.picture import draw
from benchmarks.arena.scoring import IS_LOSS
from benchmarks.arena.sets import CORE
from benchmarks.arena.task import DOMAINS, Domain
from scripts.lib.record import RESULTS, ROOT

PAGE: Final = ROOT / "docs" / "arena.md"
PICTURE: Final = RESULTS / "arena.png"

INTRODUCTION: Final = """\
# The arena

Every domain's default call, with nothing set, beside what others would try first, on public sets.
This page is generated from the rows of [results/arena.csv](../results/arena.csv) by
`python -m benchmarks.arena.page`; no number is typed by hand.

A budget of 10 s, 1 min or 10 min is meant on two cores, and counted as 20, 120 or 1,200 CPU
seconds of learning and answering. A run that spends more is stopped: *over*. Splits are official
where there are any, else drawn by the seed; no part holds a copy of another's rows. Accuracy, AUC
and nDCG@10 are better when higher, RMSE when lower.

![Distance to the best score against CPU seconds, by domain](../results/arena.png)
"""
RULE: Final = """
Ours is *below* a rival where the mean paired difference over seeds is under
-max(2 standard errors, .005), of an RMSE under -max(2 standard errors, 1 %); *above* likewise.
"""
CORE_SETS: Final = """\
Sets where ours is above / level / below; a set where ours was stopped or failed is in none of the
three, but listed below. Core sets are those that the library's targets are about; the tables of all
scores mark them with a star.
"""
LEFT_OUT: Final = """
## What is not here

Masks (CamVid) and language models (WikiText-2, Wikipedia) have no cell: the peers answer for
classes, numbers and lists. fastai's text models start from weights that it downloads.
"""


def main() -> None:
    """Write page and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, default=rows.FILE, help="the CSV (%(default)s)")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    chosen = parser.parse_args()
    frame = read(chosen.rows)
    for path in (chosen.picture, chosen.page):
        path.parent.mkdir(parents=True, exist_ok=True)
    draw(frame, chosen.picture)
    chosen.page.write_text("\n".join(lines(frame)).strip() + "\n")


def lines(frame: pd.DataFrame) -> Iterator[str]:
    """The page, line by line."""
    yield INTRODUCTION
    yield "## On the front of score and CPU seconds\n"
    yield "Cells (set and budget) where no rival is as good and as cheap as ours, of all cells.\n"
    yield from fronts(frame)
    gaps = differences(frame)
    yield "\n## Beside each rival\n"
    yield RULE.strip() + "\n"
    yield CORE_SETS
    yield from rivals(frame, gaps)
    yield "\n## Where ours is below\n"
    yield from listed([one for one in gaps if one.is_below])
    yield "\n## Where ours is above\n"
    yield from listed([one for one in gaps if one.is_above])
    yield "\n## Where ours has no score\n"
    yield from without_score(frame)
    yield "\n## All scores\n"
    yield "Mean over seeds at the largest budget, and CPU seconds; the best of a row is bold."
    for domain in DOMAINS:
        yield from scores(frame[frame["domain"] == domain], domain)
    yield LEFT_OUT
    yield from circumstances(frame)


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown; the first column is text, the others are numbers."""
    yield "| " + " | ".join(header) + " |"
    yield "|" + "|".join(["---", *["---:"] * (len(header) - 1)]) + "|"
    yield from ("| " + " | ".join(row) + " |" for row in body)


def fronts(frame: pd.DataFrame) -> Iterator[str]:
    """How often ours is on the front, by domain and budget."""
    cells = front(frame)
    budgets = sorted(cells["budget_s"].unique())

    def counts(part: pd.DataFrame) -> list[str]:
        parts = [part[part["budget_s"] == budget] for budget in budgets]
        return [f"{one['ours'].sum()} of {len(one)}" for one in (*parts, part)]

    body = [[d, *counts(part)] for d in DOMAINS if len(part := cells[cells["domain"] == d])]
    header = ["", *(f"{budget:g} s" for budget in budgets), "all"]
    yield from table(header, [*body, ["all", *counts(cells)]])


def rivals(frame: pd.DataFrame, gaps: Sequence[Difference]) -> Iterator[str]:
    """For each rival on how many sets ours is above, level and below."""
    for domain in DOMAINS:
        names = set(frame.loc[frame["domain"] == domain, "set"])
        body = []
        for entry in entries(domain):
            own = [one for one in gaps if one.rival == entry.name and one.set in names]
            core = [one for one in own if one.set in CORE[domain]]
            if own:
                body.append([f"{entry.name}: {entry.about}", _counts(core), _counts(own)])
        if body:
            yield from table([f"{domain}: ours beside", "core sets", "all sets"], body)
            yield ""


def _counts(gaps: Sequence[Difference]) -> str:
    above, below = sum(one.is_above for one in gaps), sum(one.is_below for one in gaps)
    return f"{above} / {len(gaps) - above - below} / {below}"


def listed(gaps: Sequence[Difference]) -> Iterator[str]:
    """Pairs with their differences, the largest first."""
    if not gaps:
        yield "Nowhere."
        return
    body = [
        [one.set, one.rival, f"{one.mean:+.4f}", f"{2 * one.error:.4f}", str(one.n)]
        for one in sorted(gaps, key=lambda one: -abs(one.mean))
    ]
    header = ["set", "rival", "difference (of an RMSE: share)", "2 standard errors", "seeds"]
    yield from table(header, body)


def without_score(frame: pd.DataFrame) -> Iterator[str]:
    """How our default call ended on each set and budget where it has no score."""
    ends = frame[(frame["method"] == OURS) & (frame["status"] != rows.DONE)]
    body = [
        [*map(str, cell), str(len(part)), str(part["note"].iloc[-1]).replace("|", "/")]
        for cell, part in ends.groupby(["set", "budget_s", "status"], sort=False)
    ]
    if body:
        yield from table(["set", "budget, s", "", "seeds", "why"], body)
    else:
        yield "Nowhere."


def scores(frame: pd.DataFrame, domain: Domain) -> Iterator[str]:
    """The table of a domain: a row for each set, a column for each method."""
    names = [entry.name for entry in entries(domain) if entry.name in set(frame["method"])]
    largest = frame[frame["budget_s"] == frame["budget_s"].max()]
    body = []
    for (name, metric), part in largest.groupby(["set", "metric"], sort=False):
        done = part[part["status"] == rows.DONE]
        means = done.groupby("method")[["score", "cpu_s"]].mean()
        best = means["score"].min() if metric in IS_LOSS else means["score"].max()
        star = " *" if name in CORE[domain] else ""
        body.append(
            [f"{name} ({metric}){star}", *(_shown(part, means, one, best) for one in names)]
        )
    if body:
        yield f"\n### {domain.capitalize()}\n"
        yield from table(["set", *names], body)


def _shown(part: pd.DataFrame, means: pd.DataFrame, method: str, best: float) -> str:
    """A method's mean score and seconds, or how it ended."""
    ends = sorted(set(part.loc[part["method"] == method, "status"]) - {rows.DONE})
    if ends or method not in means.index:
        return ends[0] if ends else ""
    score, seconds = means.loc[method]
    text = f"{score:.4f}"
    return f"{f'**{text}**' if score == best else text} ({seconds:.2g} s)"


def circumstances(frame: pd.DataFrame) -> Iterator[str]:
    """Machines, commits and versions of the rows."""
    yield "## Circumstances\n"
    ours = frame[frame["method"] == OURS]
    yield f"- rows: {len(frame)}, seeds {', '.join(sorted(set(frame['seed'])))}"
    yield f"- machines: {'; '.join(sorted(set(frame['machine'])))}"
    yield f"- commits of ours: {', '.join(sorted(set(ours['commit'])))}"
    versions = {one for text in frame["versions"].fillna("") for one in _pairs(str(text))}
    yield f"- versions: {', '.join(sorted(versions))}"


def _pairs(text: str) -> list[str]:
    words = text.split()
    return [" ".join(pair) for pair in zip(words[::2], words[1::2], strict=True)]


if __name__ == "__main__":
    main()
