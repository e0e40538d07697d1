"""The README's table of results, rendered from the CSVs in results/; no number is typed by hand.

python -m scripts.readme_table             # rewrites the table in README.md
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scripts.record import RESULTS, ROOT

README = ROOT / "README.md"
BEGIN, END = "<!-- results -->", "<!-- /results -->"
NAMES = {
    "vision_hymenoptera": "ants and bees, 245 photos",
    "vision_dogscats": "dogs and cats, 1,000 photos",
    "vision_flowers": "five kinds of flowers, 3,454 blurred thumbnails",
}


def table() -> str:
    """Markdown: a line for each set that has been measured."""
    lines = [
        "| images | model | accuracy, mean ± sd | linear probe | a whole call, median | script |",
        "|---|---|---|---|---|---|",
    ]
    for name, what in NAMES.items():
        path = RESULTS / f"{name}.csv"
        if not path.exists():
            continue
        rows = pd.read_csv(path)
        score = rows["accuracy"]
        spread = f" ± {score.std():.3f} ({len(rows)} seeds)" if len(rows) > 1 else " (one seed)"
        lines.append(
            f"| {what} | `efficientnet_lite0` | {score.mean():.3f}{spread} | "
            f"{rows['probe'].mean():.3f} | "
            f"{rows['seconds'].median():.0f} s | `scripts/{name}.py` |"
        )
    return "\n".join([*lines, "", f"Measured on {_machines()}.", ""])


def _machines() -> str:
    paths = [RESULTS / f"{name}.csv" for name in NAMES]
    machines = {m for path in paths if path.exists() for m in pd.read_csv(path)["machine"]}
    return "; ".join(sorted(machines))


def with_table(text: str) -> str:
    """The README's text with the table of today."""
    head, rest = text.split(BEGIN, 1)
    return f"{head}{BEGIN}\n{table()}{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    Path(README).write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
