"""`zoo collab`: ratings."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import zoo
from zoo.cli.commands import Commands, load
from zoo.cli.options import Artifact, AsJson, Device, Pretrained
from zoo.cli.output import say_table
from zoo.cli.training import named_after, takes, train_and_save
from zoo.collab.options import FIT_OPTIONS, Architecture

collab = Commands(help="Ratings: train a recommender, fine-tune it, ask it.")

Ratings = Annotated[str, typer.Argument(help="CSV, TSV or Parquet file, one rating in each row.")]
HINT = "zoo collab recommend {} USER"


@collab.command("train")
@takes(FIT_OPTIONS, model=(Architecture, "dot_bias"))
def train(ratings: Ratings, **options: Any) -> None:
    """Train a recommender on your ratings and save it."""
    name = named_after(ratings, options.get("model", "dot_bias"))
    train_and_save(zoo.collab.train, ratings, options=options, name=name, hint=HINT)


@collab.command("finetune")
@takes(FIT_OPTIONS)
def finetune(pretrained: Pretrained, ratings: Ratings, **options: Any) -> None:
    """Go on with a recommender on your ratings, its users and items matched by their ids."""
    name = named_after(ratings, pretrained)
    train_and_save(zoo.collab.finetune, pretrained, ratings, options=options, name=name, hint=HINT)


@collab.command("recommend")
def recommend(
    artifact: Artifact,
    users: Annotated[list[str], typer.Argument(help="Ids of users.")],
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Items for each; default: ten, or all.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what the user has rated.")] = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """List what users would like best."""
    model = load(artifact, zoo.collab.Recommender, device)
    say_table(model.recommend(users, k, exclude_seen=not again), as_json)
