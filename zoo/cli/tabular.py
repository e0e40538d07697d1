"""`zoo tabular`: tables."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import zoo
from zoo.cli.commands import Commands
from zoo.cli.options import Pretrained
from zoo.cli.training import named_after, takes, train_and_save
from zoo.tabular import options as of_tables

tabular = Commands(help="Tables: train on a CSV or Parquet file, fine-tune.")

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
