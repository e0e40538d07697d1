"""`zoo tabular`: tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import zoo
from zoo.cli.commands import Commands, load
from zoo.cli.options import Artifact, AsJson, Device, Pretrained
from zoo.cli.output import say_picture, say_table
from zoo.cli.training import named_after, takes, train_and_save
from zoo.tabular import options as of_tables

tabular = Commands(help="Tables: train on a CSV or Parquet file, fine-tune, look inside.")

Table = Annotated[str, typer.Argument(help="CSV (.tsv: tab-separated) or Parquet file.")]
Target = Annotated[list[str], typer.Option(help="Column to predict; repeat for several.")]
SomeTarget = Annotated[
    list[str] | None,
    typer.Option(help="Column to predict; repeat for several. Default: that of the model."),
]
HINT = "zoo predict {} ROWS.csv"


@tabular.command("train")
@takes(
    of_tables.FIT_OPTIONS,
    None,
    of_tables.TRAIN_LR,
    model=(of_tables.Architecture, "mlp"),
)
def train(table: Table, target: Target, **options: Any) -> None:
    """Train a model on a table and save it: zoo tabular train sales.csv --target Sales."""
    name = named_after(table, target[0])
    columns = target if len(target) > 1 else target[0]
    train_and_save(zoo.tabular.train, table, columns, options=options, name=name, hint=HINT)


@tabular.command("finetune")
@takes(of_tables.FIT_OPTIONS, of_tables.FINETUNE_EPOCHS, of_tables.FINETUNE_LR)
def finetune(
    pretrained: Pretrained, table: Table, target: SomeTarget = None, **options: Any
) -> None:
    """Train a saved model on with another table: columns are matched by name."""
    verb, name = zoo.tabular.finetune, named_after(table, target[0] if target else pretrained)
    columns = target[0] if target and len(target) == 1 else target or None
    train_and_save(verb, pretrained, table, columns, options=options, name=name, hint=HINT)


@tabular.command("importance")
def importance(
    artifact: Artifact,
    table: Annotated[str, typer.Argument(help="Labelled rows, best ones that are new.")],
    metric: Annotated[str, typer.Option(help="Score that falls or error that rises.")] = "loss",
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Show which columns a model goes by: how much worse it scores when one is shuffled."""
    found = load(artifact, zoo.tabular.TableModel, device).importance(table, metric=metric)
    say_table(found.reset_index(names="column"), as_json)


@tabular.command("dependence")
def dependence(
    artifact: Artifact,
    table: Annotated[str, typer.Argument(help="Rows in which the column is changed.")],
    column: Annotated[str, typer.Argument(help="The column.")],
    label: Annotated[
        str | None, typer.Option(help="Class or target that is shown; the likeliest else.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("dependence.png"),
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Draw how predictions depend on a column: a curve for each row, and their mean."""
    model = load(artifact, zoo.tabular.TableModel, device)
    say_picture(model.dependence(table, column, label).save(out), as_json)


def row_of(model: Any, words: list[str]) -> Any:
    """One row of a table, told by the file and its number.

    Raises:
        ValueError: there is no such row.
    """
    from zoo.tabular.data.encode import text_columns
    from zoo.tabular.data.tables import read_table

    file, number = words[0], words[1] if len(words) == 2 else "0"
    if len(words) > 2 or not number.isdecimal():
        raise ValueError(
            f"a row must be told by its table and its number, got {' '.join(words)!r}. Try "
            f"{file!r} 0."
        )
    rows = read_table(file, text_columns(model.spec), model.spec.columns)
    if int(number) >= len(rows):
        raise ValueError(f"a row must be one of the {len(rows)} in {file!r}, from 0, got {number}.")
    return rows.iloc[[int(number)]]
