"""`zoo collab`: ratings."""

from __future__ import annotations

import json
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
    one_sentence,
    run_of,
    tell,
)

if TYPE_CHECKING:
    from zoo.collab.predictor import Recommender

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
        example = trained.spec.users[0]
        typer.echo(f"saved in {target}; try: zoo collab recommend {target} {example}")


@collab.command("recommend")
def collab_recommend(
    artifact: Artifact,
    users: Annotated[list[str], typer.Argument(help="Ids of users.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Items for each.")] = 10,
    again: Annotated[bool, typer.Option(help="Also what the user has rated already.")] = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """List what users would like best."""
    with one_sentence():
        import zoo

        model = zoo.load(artifact, run=run_of(device))
        if not hasattr(model, "recommend"):
            raise ValueError(f"recommending takes a model of ratings, however {artifact!r} is none")
        ids = [_as_known(user, model.spec.users) for user in users]
        table = model.recommend(ids, k, exclude_seen=not again)
        if as_json:
            for row in table.to_dict("records"):
                typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            typer.echo(table.to_string(index=False))


def print_pairs(model: Recommender, files: list[Path], *, as_json: bool, top: int) -> None:
    """Print the rating of each pair of a user and an item."""
    from zoo.collab.ratings import read_file

    for file in files:
        table = read_file(file)
        for row, (line, rating) in enumerate(
            zip(table.to_dict("records"), model.predict(table).tolist(), strict=True)
        ):
            if as_json:
                told = {"file": str(file), "row": row, **line, "rating": round(rating, 6)}
                typer.echo(json.dumps(told, ensure_ascii=False))
            else:
                typer.echo(f"{file}:{row}  {rating:.3f}")


def _as_known(text: str, known: tuple[Any, ...]) -> Any:
    """The id that the text means: as it stands, or as a number where ids are numbers."""
    kinds = {type(one) for one in known}
    for kind in (int, float):
        if str not in kinds and kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
    return text
