"""`zoo collab`: ratings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

import zoo
from zoo.cli.commands import Commands, load
from zoo.cli.options import Artifact, AsJson, Device, Pretrained
from zoo.cli.output import say_table
from zoo.cli.training import named_after, takes, train_and_save
from zoo.collab.options import FIT_OPTIONS, Architecture

collab = Commands(help="Ratings: train a recommender, fine-tune it, ask it.")

By = Literal["choice", "rating"]
Ratings = Annotated[str, typer.Argument(help="CSV, TSV or Parquet file, one rating in each row.")]
HINT = "zoo collab recommend {} USER"


@collab.command("train")
@takes(FIT_OPTIONS, model=(Architecture, None))
def train(ratings: Ratings, **options: Any) -> None:
    """Train a recommender on your ratings and save it."""
    name = named_after(ratings, options.get("model") or "recommender")
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
    users: Annotated[list[str] | None, typer.Argument(help="Ids of users.")] = None,
    likes: Annotated[
        str | None,
        typer.Option(help="Someone new, by items that they like: ids with commas, as in 50,181."),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Items for each; default: ten, or all.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what the user has rated.")] = False,
    by: Annotated[
        By | None, typer.Option(help="What lists go by; default: choice, if the model can.")
    ] = None,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="0: the best items; up to 1: unlike ones.")
    ] = 0.0,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """List what users would choose next, or like best."""
    model = load(artifact, zoo.collab.Recommender, device)
    wish: dict[str, Any] = {"exclude_seen": not again, "by": by, "diversity": diversity}
    if bool(users) == (likes is not None):
        raise ValueError(
            f"a list must be for users or for someone new, got {users=} and {likes=}. Name users, "
            "or say what someone likes by likes='50,181'."
        )
    if likes is None:
        say_table(model.recommend(users, k, **wish), as_json)
    else:
        liked = [one.strip() for one in likes.split(",") if one.strip()]
        visitor = model.fold_in([_known(model, "item", one) for one in liked])
        say_table(visitor.recommend(k, **wish), as_json)


def pair_of(model: Any, words: list[str]) -> list[Any]:
    """A user and an item, as the model knows them.

    Raises:
        ValueError: there are not two words.
    """
    if len(words) != 2:
        raise ValueError(f"ratings are explained by a user and an item, got {len(words)} words.")
    return [_known(model, side, one) for side, one in zip(("user", "item"), words, strict=True)]


def _known(model: Any, side: str, one: str) -> Any:
    """An id of a shell, which is text, as the model knows it, where it does."""
    index = model.spec.index[side]
    row = int(index.rows([one])[0])
    return index.ids[row - 1] if row else one
