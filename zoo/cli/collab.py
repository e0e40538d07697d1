"""`zoo collab`: ratings."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import (
    Artifact,
    AsJson,
    Device,
    Out,
    Rate,
    Resume,
    Seed,
    conclude,
    json_line,
    one_sentence,
    run_of,
    tell,
)

if TYPE_CHECKING:
    import pandas as pd

    from zoo.collab.model import Recommender

collab = typer.Typer(no_args_is_help=True, help="Ratings: train a recommender, ask it.")

Column = Annotated[str | None, typer.Option(help="Name of the column; usual names are found.")]


@collab.command("train")
def collab_train(
    ratings: Annotated[Path, typer.Argument(help="CSV, TSV or Parquet file, a rating a row.")],
    user: Column = None,
    item: Column = None,
    rating: Column = None,
    time: Column = None,
    model: Annotated[str, typer.Option(help="dot_bias, svdpp, embedding_net or softmax.")] = (
        "dot_bias"
    ),
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: the model's own.")] = None,
    lr: Rate = None,
    valid_fraction: Annotated[
        float, typer.Option(min=0, max=1, help="Of the ratings, to score on.")
    ] = 0.2,
    split: Annotated[
        str, typer.Option(help="How it is drawn: random, user, item or time.")
    ] = "random",
    out: Out = None,
    resume: Resume = False,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Train a recommender on your ratings and save it."""
    with one_sentence():
        import zoo

        target = out or Path(f"{ratings.resolve().stem}-{model}")
        trained = zoo.collab.train(
            ratings,
            model=model,  # type: ignore[arg-type]
            epochs=epochs,
            lr=lr,
            user=user,
            item=item,
            rating=rating,
            time=time,
            valid_fraction=valid_fraction,
            split=split,  # type: ignore[arg-type]
            run=run_of(device, seed=seed, out=target, resume=resume),
        )
        tell(trained.metrics)
        example = shlex.quote(str(trained.spec.users[0]))
        conclude(trained, target, f"zoo collab recommend {target} {example}")


@collab.command("recommend")
def collab_recommend(
    artifact: Artifact,
    users: Annotated[list[str], typer.Argument(help="Ids of users.")],
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Items for each; default: ten, or all.")
    ] = None,
    again: Annotated[bool, typer.Option(help="Also what the user has rated already.")] = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """List what users would like best."""
    with one_sentence():
        import zoo

        model = zoo.load(artifact, run=run_of(device))
        if not hasattr(model, "recommend"):
            raise ValueError(
                f"recommend takes a model of ratings, got another in {artifact!r}. Train one by "
                "zoo collab train."
            )
        table = model.recommend(users, k, exclude_seen=not again)
        if as_json:
            for row in table.to_dict("records"):
                typer.echo(json_line(row))
        else:
            typer.echo(table.to_string(index=False))


def print_pairs(model: Recommender, files: list[Path], *, as_json: bool, top: int) -> None:
    """Print the rating of each pair of a user and an item."""
    for file in files:
        rated = zip(_pairs_of(model, file), model.predict(file).tolist(), strict=True)
        for row, (line, rating) in enumerate(rated):
            if as_json:
                said = {"file": str(file), "row": row, **line, "rating": round(rating, 6)}
                typer.echo(json_line(said))
            else:
                typer.echo(f"{file}:{row}  {rating:.3f}")


def _pairs_of(model: Recommender, file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file, ids that spell whole numbers as numbers."""
    from zoo.collab.data.columns import column_names
    from zoo.collab.data.ids import whole_numbers
    from zoo.collab.data.ratings import table_of

    def names_in(table: pd.DataFrame) -> dict[str, Any]:
        return column_names(table, remembered=model.spec.columns)

    table = table_of(file, names_in)
    for side in ("user", "item"):
        name = names_in(table)[side]
        table[name] = whole_numbers(table[name])
    for line in table.to_dict("records"):
        yield {str(name): cell for name, cell in line.items()}
