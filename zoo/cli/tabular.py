"""`zoo tabular`: tables."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import zoo
from zoo.cli.options import Commands, Pretrained
from zoo.cli.training import named_after, takes, train_and_save
from zoo.core.training.options import Epochs, Rate
from zoo.tabular.options import (
    FINETUNE_EPOCHS,
    FINETUNE_LR,
    OPTIONS,
    TRAIN_EPOCHS,
    TRAIN_LR,
    Architecture,
)

tabular = Commands(help="Tables: train on a CSV or Parquet file, fine-tune.")

Table = Annotated[str, typer.Argument(help="CSV (.tsv: tab-separated) or Parquet file.")]
Target = Annotated[list[str], typer.Option(help="Column to predict; repeat for several.")]
SomeTarget = Annotated[
    list[str] | None,
    typer.Option(help="Column to predict; repeat for several. Default: that of the model."),
]
HINT = "zoo predict {} ROWS.csv"


@tabular.command("train")
@takes(OPTIONS, model=(Architecture, "mlp"), epochs=(Epochs, TRAIN_EPOCHS), lr=(Rate, TRAIN_LR))
def train(table: Table, target: Target, **options: Any) -> None:
    """Train a model on a table and save it: zoo tabular train sales.csv --target Sales."""
    name = named_after(table, target[0])
    columns = target if len(target) > 1 else target[0]
    train_and_save(zoo.tabular.train, table, columns, options=options, name=name, hint=HINT)


@tabular.command("finetune")
@takes(OPTIONS, epochs=(Epochs, FINETUNE_EPOCHS), lr=(Rate, FINETUNE_LR))
def finetune(
    pretrained: Pretrained, table: Table, target: SomeTarget = None, **options: Any
) -> None:
    """Train a saved model on with another table: columns are matched by name."""
    name = named_after(table, target[0] if target else pretrained)
    columns = target[0] if target and len(target) == 1 else target or None
    train_and_save(
        zoo.tabular.finetune, pretrained, table, columns, options=options, name=name, hint=HINT
    )
