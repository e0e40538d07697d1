"""The published English language models: `small` trains on one CPU core, `full` wants a GPU.

WikiText-2's training part and a share of the long Wikipedia articles of 2014, passed through once
(`small`) or ten times (`full`, the sizes of Howard & Ruder 2018); perplexity is that of
WikiText-2's validation part under our own tokens and vocabulary, where words outside count as one,
so it compares with no published figure. No article of WikiText-2's validation or test part is
trained on. `small` weighs 500 frequent and 500 drawn words a step; dropout is low and there is
no AR or TAR, since nothing is seen twice. Cost: 44 minutes (`small`) on one core.

A killed call goes on where it was when it is called again, so short slots add up:

    python -m scripts.text_pretrain small lstm-wiki     # writes a folder, results/text_pretrain.csv
    python -m scripts.text_pretrain small lstm-wiki-back --reverse
    python -m scripts.text_pretrain full lstm-wiki-400 --device cuda
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import zoo
import zoo.text
from scripts.lib.program import Program, program, timed
from scripts.lib.record import ROOT
from scripts.lib.wikipedia import long_articles
from zoo.published.wikitext import articles as wikitext_articles


@dataclass(frozen=True)
class Recipe:
    """Sizes of a network and how it is trained: as one CPU core can, unless told otherwise."""

    share: float = 0.3  # of the long articles
    epochs: int = 1
    lr: float = 5e-3
    d_embedding: int = 200
    d_hidden: int = 400
    n_layers: int = 2
    most_words: int = 30_000
    drop_mult: float = 0.2
    ar: float = 0.0
    tar: float = 0.0
    sampled: int = 500
    batch_size: int = 32
    clip: float = 1.0

    def options(self) -> dict[str, Any]:
        """What `train_lm` takes."""
        return {name: value for name, value in asdict(self).items() if name != "share"}


RECIPES: Final = {
    "small": Recipe(),
    "full": Recipe(
        share=1.0,
        epochs=10,
        lr=3e-3,
        d_embedding=400,
        d_hidden=1152,
        n_layers=3,
        most_words=60_000,
        drop_mult=0.5,
        ar=2.0,
        tar=1.0,
        sampled=0,
        batch_size=128,
    ),
}
SMOKE: Final = {"d_embedding": 16, "d_hidden": 16, "most_words": 1000, "sampled": 100, "epochs": 1}


def texts(share: float) -> Iterator[str]:
    """All that is trained on."""
    yield from wikitext_articles("train")
    yield from long_articles(share)


def flags(parser: argparse.ArgumentParser) -> None:
    """What to train, and the folder by itself."""
    parser.add_argument("size", choices=RECIPES, nargs="?", default="small")
    text = "of the training state and of the model; --out says the same (runs/lstm-wiki-...)"
    parser.add_argument("folder", type=Path, nargs="?", help=text)
    parser.add_argument("--reverse", action="store_true", help="a model that reads backward")


def trial(asked: Program, out: Path, seed: int) -> None:
    """Train, or go on training; save; a row of results."""
    size, reverse = asked.further["size"], asked.further["reverse"]
    recipe = RECIPES[size]
    share, options = (0.002, SMOKE) if asked.smoke else (recipe.share, recipe.options())
    with timed() as spent:
        model = zoo.text.train_lm(
            list(long_articles(share)) if asked.smoke else texts(share),
            valid=list(wikitext_articles("valid"))[: 2 if asked.smoke else None],
            reverse=reverse,
            run=asked.run(seed, state=out / "state", save_every=120),
            **options,
        )
        folder = model.save(out / "model")
        print(model.generate("The film", 40, temperature=0.8, top_k=50, seed=1))
    asked.record(
        size=size,
        reverse=reverse,
        seed=seed,
        share=share,
        epochs=recipe.epochs,
        tokens=model.training["words"],
        vocabulary=len(model.spec.words),
        parameters=sum(p.numel() for p in model.members[0].parameters()),
        perplexity=model.metrics["perplexity"],
        seconds=sum(row["seconds"] for row in model.history.rows),
        cpu_seconds_of_last_call=spent()["cpu_seconds"],
    )
    print(folder)


def main() -> None:
    """Every seed, those after the first beside its folder."""
    asked = program(__doc__, "text_pretrain.csv", seeds=1, further=flags)
    asked = replace(asked, out=asked.further["folder"] or asked.out)
    name = f"lstm-wiki-{asked.further['size']}{'-back' if asked.further['reverse'] else ''}"
    with asked.room(ROOT / "runs" / name) as room:
        for seed in asked.seeds:
            trial(asked, asked.own(room, seed), seed)


if __name__ == "__main__":
    main()
