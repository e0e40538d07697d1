"""`zoo tabular`: tables; and what `zoo predict` does with one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import (
    Artifact,
    Device,
    Out,
    Precision,
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

    from zoo.tabular.model import TableModel

tabular = typer.Typer(
    no_args_is_help=True, help="Tables: train on a CSV or Parquet file, fine-tune, score, export."
)

Table = Annotated[str, typer.Argument(help="CSV (.tsv: tab-separated) or Parquet file.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the rows.")]
Category = Annotated[
    list[str] | None, typer.Option(help="Column that is a category; repeat for several.")
]
Number = Annotated[
    list[str] | None, typer.Option(help="Column that is a number; repeat for several.")
]
Ignore = Annotated[list[str] | None, typer.Option(help="Column to leave out; repeat for several.")]
Valid = Annotated[str | None, typer.Option(help="File of validation rows.")]
Fraction = Annotated[float, typer.Option(help="Of the rows to validate on otherwise.")]
Time = Annotated[str | None, typer.Option(help="Column of times: validate on the latest rows.")]
Group = Annotated[str | None, typer.Option(help="Column whose groups stay together.")]
BatchSize = Annotated[int, typer.Option(min=4, help="Rows a step.")]


@tabular.command("train")
def tabular_train(
    table: Table,
    target: Annotated[list[str], typer.Option(help="Column to predict; repeat for several.")],
    model: Annotated[str, typer.Option(help="mlp, or tabm: stronger and slower.")] = "mlp",
    epochs: Epochs = None,
    lr: Rate = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; default: by the target.")
    ] = None,
    category: Category = None,
    number: Number = None,
    ignore: Ignore = None,
    log_target: Annotated[bool, typer.Option(help="Learn the target's logarithm.")] = False,
    valid: Valid = None,
    valid_fraction: Fraction = 0.2,
    time: Time = None,
    group: Group = None,
    batch_size: BatchSize = 256,
    out: Out = None,
    resume: Resume = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
) -> None:
    """Train a model on a table and save it: zoo tabular train sales.csv --target Sales."""
    with one_sentence():
        from zoo.tabular import train

        place = out or Path(f"{Path(table).stem}-{target[0]}")
        found = train(
            table,
            target if len(target) > 1 else target[0],
            **_given(
                model=model,
                epochs=epochs,
                lr=lr,
                task=task,
                categories=category,
                numbers=number,
                ignore=ignore,
                log_target=log_target,
                valid=valid,
                valid_fraction=valid_fraction,
                time=time,
                group=group,
                batch_size=batch_size,
                run=run_of(device, precision, seed, out=place, resume=resume),
            ),
        )
        _tell(found, place)


@tabular.command("finetune")
def tabular_finetune(
    table: Table,
    pretrained: Annotated[
        str, typer.Option(help="Directory of a saved model, or user/name, to start from.")
    ],
    target: Annotated[
        list[str] | None, typer.Option(help="Column to predict; default: the pretrained model's.")
    ] = None,
    epochs: Epochs = None,
    lr: Rate = None,
    category: Category = None,
    number: Number = None,
    ignore: Ignore = None,
    valid: Valid = None,
    valid_fraction: Fraction = 0.2,
    time: Time = None,
    group: Group = None,
    batch_size: BatchSize = 256,
    out: Out = None,
    resume: Resume = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
) -> None:
    """Train a saved model on with another table: columns are matched by name."""
    with one_sentence():
        from zoo.tabular.stored import opened
        from zoo.tabular.verbs import finetune

        wanted: list[Any] = target or [one.name for one in opened(pretrained).spec.targets]
        place = out or Path(f"{Path(table).stem}-{wanted[0]}")
        found = finetune(
            pretrained,
            table,
            wanted,
            **_given(
                epochs=epochs,
                lr=lr,
                categories=category,
                numbers=number,
                ignore=ignore,
                valid=valid,
                valid_fraction=valid_fraction,
                time=time,
                group=group,
                batch_size=batch_size,
                run=run_of(device, precision, seed, out=place, resume=resume),
            ),
        )
        _tell(found, place)


@tabular.command("evaluate")
def tabular_evaluate(
    artifact: Artifact,
    table: Table,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Score a saved model on labelled rows."""
    with one_sentence():
        from zoo.tabular.stored import opened

        model = opened(artifact, run_of(device, precision))
        tell(model.evaluate(table), ".4g")


@tabular.command("export")
def tabular_export(
    artifact: Artifact,
    file: Annotated[Path, typer.Argument(help="ONNX file to write.")] = Path("model.onnx"),
) -> None:
    """Write a saved model as an ONNX file that takes raw cells."""
    with one_sentence():
        from zoo.tabular.stored import opened

        model = opened(artifact)
        model.export(file)
        columns = ", ".join(str(name) for name in model.spec.inputs)
        typer.echo(f"exported to {file}; it takes {columns}")


def print_rows(model: TableModel, files: list[Path], *, as_json: bool, top: int) -> None:
    """Print a prediction for each row of the files: classes with their shares, or numbers."""
    for file in files:
        if model.spec.task == "classification":
            _print_classes(model, file, model.probabilities(file), as_json=as_json, top=top)
        else:
            _print_numbers(file, model.predict(file), as_json=as_json)


def _print_classes(
    model: TableModel, file: Path, shares: pd.DataFrame, *, as_json: bool, top: int
) -> None:
    target, classes = str(model.spec.targets[0].name), model.spec.classes
    for row, of_row in zip(shares.index, shares.to_numpy(), strict=True):
        ranked = [(classes[i], float(of_row[i])) for i in (-of_row).argsort(kind="stable")[:top]]
        if as_json:
            share_of = {str(label): round(share, 6) for label, share in ranked}
            line = {"file": str(file), "row": row, target: ranked[0][0], "probabilities": share_of}
            typer.echo(json_line(line))
        else:
            shown = "  ".join(f"{label} {share:.3f}" for label, share in ranked)
            typer.echo(f"{file}:{row}  {shown}")


def _print_numbers(file: Path, says: Any, *, as_json: bool) -> None:
    table = says.to_frame() if says.ndim == 1 else says
    names = [str(name) for name in table.columns]
    for row, values in zip(table.index, table.to_numpy().tolist(), strict=True):
        if as_json:
            line = {"file": str(file), "row": row, **dict(zip(names, values, strict=True))}
            typer.echo(json_line(line))
        else:
            typer.echo(f"{file}:{row}  {'  '.join(f'{value:.6g}' for value in values)}")


def _given(**settings: Any) -> Any:
    """Those settings that the user gave or that have a default here."""
    return {name: value for name, value in settings.items() if value is not None}


def _tell(model: TableModel, place: Path) -> None:
    tell(model.metrics, ".4g")
    conclude(model, place, f"zoo predict {place} ROWS.csv")
