"""Make an embedded checkpoint of a trained artifact: half precision, card, picture, hashes.

The folder is what a program of a published number wrote with `--out`. Its scores are measured again
with the weights as they are stored (a row in results/published.csv says what that changed), the
card joins them with the rows of the program's CSV, and everything goes to zoo/hub/embedded/NAME;
model_cards/README.md is the list of the cards.

    python -m scripts.publish movielens-100k FOLDER
    python -m scripts.publish --cards            # renders all cards again from their CSVs
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

import zoo
from scripts.lib.publications import PUBLICATIONS, Publication
from scripts.lib.record import RESULTS, ROOT, append
from zoo.core.artifacts import artifact
from zoo.core.artifacts.card import (
    EVALUATIONS,
    Card,
    Result,
    evaluation_results,
    named,
    render,
)
from zoo.core.config import CARD, CARD_FACTS, Config
from zoo.core.history import History
from zoo.core.pictures import BLUE, GREY
from zoo.hub.catalog import ROOM
from zoo.hub.checksums import sha256, to_text
from zoo.hub.contents import SUMS, published

INDEX = ROOT / "model_cards" / "README.md"
STORED = "Matrices are stored in half precision."  # as `publish` does
TRIAL = ("seed", "fold")  # columns that tell trials apart


def publish(name: str, folder: Path) -> None:
    """From an artifact to an embedded checkpoint."""
    said = PUBLICATIONS[name]
    protocol = importlib.import_module(f"zoo.published.{said.protocol}")
    stored = artifact.read(folder)
    before = protocol.score(zoo.load(folder))  # its own metrics may be of another part
    weights = [artifact.halved(tensors) for tensors in stored.weights]
    config = replace(stored.config, licence=said.licence, data=said.source()["title"])
    with tempfile.TemporaryDirectory() as temporary:
        made = artifact.write(Path(temporary) / name, config, weights, stored.history, "")
        own = protocol.score(zoo.load(made))
        config = replace(config, metrics=own)
        target = ROOM / name
        shutil.rmtree(target, ignore_errors=True)
        artifact.write(target, config, weights, stored.history, "")
    size = sum(path.stat().st_size for path in target.glob("*.safetensors"))
    for metric, value in own.items():
        row = {"metric": metric, "as_trained": before.get(metric), "as_stored": value}
        append("published.csv", model=name, **row, bytes=size)
    write_card(name, own)


def write_card(name: str, own: dict[str, float]) -> None:
    """Card, facts, picture and hashes of an embedded checkpoint, and its line in the index."""
    folder, said = ROOM / name, PUBLICATIONS[name]
    rows = trials(said)
    card = card_of(said, rows, own, picture=f"{name}.png")
    history = artifact.read(folder).history
    picture(card, history, rows).savefig(folder / card.picture, dpi=80)
    (folder / CARD_FACTS).write_text(card.to_json(), encoding="utf-8")
    (folder / CARD).write_text(text_of(name, folder, card), encoding="utf-8")
    (folder / EVALUATIONS).parent.mkdir(exist_ok=True)
    entries = evaluation_results(card, artifact.read_config(folder))
    (folder / EVALUATIONS).write_text(entries, encoding="utf-8")
    hashes = {file: sha256(folder / file) for file in published(folder)}
    (folder / SUMS).write_text(to_text(hashes), encoding="utf-8")
    INDEX.write_text(table(), encoding="utf-8")


# ---- what a card says ---------------------------------------------------------------------------


def trials(said: Publication) -> pd.DataFrame:
    """The newest row of each trial in the program's CSV."""
    rows = pd.read_csv(RESULTS / f"{said.program}.csv")
    for column, value in said.where.items():
        rows = rows[rows[column].astype(str) == value]
    return rows.drop_duplicates([name for name in TRIAL if name in rows], keep="last")


def card_of(said: Publication, rows: pd.DataFrame, own: dict[str, float], picture: str) -> Card:
    """The facts: what the publication says, what the rows and the weights' own scores are."""
    varied = "folds" if "fold" in rows else "seeds"
    clock = "cpu_seconds" if "cpu_seconds" in rows and rows["cpu_seconds"].any() else "seconds"
    results = [
        Result(
            metric=metric,
            own=_short(own[metric]),
            mean=_short(rows[metric].mean()),
            sd=_short(rows[metric].std(ddof=1)) if len(rows) > 1 else 0.0,
            n=len(rows),
            trials=varied,
            csv=f"{said.program}.csv",
        )
        for metric in said.metrics
    ]
    return Card(
        title=said.title,
        use=said.use,
        limits=said.limits,
        preprocessing=f"{said.preprocessing} {STORED}",
        data=said.source(),
        split=said.split,
        program=f"scripts/{said.program}.py",
        protocol=said.protocol,
        example=said.example,
        results=results,
        seconds=_short(rows[clock].median()),
        clock="CPU" if clock == "cpu_seconds" else "",
        machine="; ".join(sorted(set(rows["machine"]))),
        picture=picture,
    )


def text_of(name: str, folder: Path, card: Card) -> str:
    """The card's text."""
    config: Config = artifact.read_config(folder)
    example = f'import zoo\n\nmodel = zoo.load("zoo/{name}")\n{card.example}'
    return render(config, load_example=example, card=card)


def picture(card: Card, history: History, rows: pd.DataFrame) -> Figure:
    """Losses by epoch on the left, the first score of every trial on the right."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    if history.rows:
        History(history.rows).plot_loss(left)  # by epoch, as who loads the model sees it
    else:
        left.remove()
    first = card.results[0]
    trial = first.trials.removesuffix("s")
    right.plot(rows[trial], rows[first.metric], "o", color=BLUE)
    right.axhline(first.mean, color=GREY, label="mean")
    low, high = first.mean - first.sd, first.mean + first.sd
    right.axhspan(low, high, color=GREY, alpha=0.2, label="standard deviation")
    right.legend()
    words = {"title": "Every trial", "xlabel": trial, "ylabel": first.metric}
    right.set(xticks=sorted(rows[trial]), **words)
    return figure


def table() -> str:
    """The index of the cards: one line per embedded checkpoint, linked to where the card lies."""
    room = Path("..") / ROOM.relative_to(ROOT)
    lines = [
        "# The zoo",
        "",
        "Models that ship with the library: `zoo.load(name)` needs no network, `zoo hub ls` lists",
        "them, `zoo hub verify NAME` measures one again. `scripts/publish.py` writes this table",
        "from the cards, and those from `results/`.",
        "",
        "| card | domain, task | data | mean ± sd | own score | MB | licence | program | plot |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for folder in sorted(path.parent for path in ROOM.glob(f"*/{CARD_FACTS}")):
        config, card = artifact.read_config(folder), Card.read(folder)
        assert card is not None
        size = sum((folder / file).stat().st_size for file in published(folder)) / 1e6
        first = card.results[0]
        lines.append(
            f"| [`zoo/{folder.name}`]({(room / folder.name / CARD).as_posix()}) | "
            f"{config.domain}, {config.task} | "
            f"{card.data['title']} | {first.metric} {first.mean:.3f} ± {first.sd:.3f} "
            f"({named(first)}) | {first.own:.3f} | {size:.1f} | {config.licence} | "
            f"`{card.program}` | [picture]({(room / folder.name / card.picture).as_posix()}) |"
        )
    return "\n".join([*lines, ""])


def _short(value: Any) -> float:
    return float(f"{value:.6g}")


def main(words: Sequence[str] | None = None) -> None:
    """Publish one, or render all cards."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("name", nargs="?", choices=PUBLICATIONS)
    flags.add_argument("folder", nargs="?", type=Path)
    flags.add_argument("--cards", action="store_true", help="render all cards again")
    given = flags.parse_args(words)
    if given.cards:
        for folder in sorted(path.parent for path in ROOM.glob("*/config.json")):
            write_card(folder.name, artifact.read_config(folder).metrics)
    elif given.name and given.folder:
        publish(given.name, given.folder)
    else:
        flags.error("give a name and a folder, or --cards")


if __name__ == "__main__":
    main()
