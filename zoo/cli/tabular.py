"""`zoo tabular`: tables; and what `zoo predict` does with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import Artifact, Device, Precision, Seed, one_sentence, run_of

if TYPE_CHECKING:
    from zoo.core.run import Run
    from zoo.tabular.predictor import TableModel

tabular = typer.Typer(no_args_is_help=True, help="Tables: train on a CSV or Parquet file.")

Table = Annotated[str, typer.Argument(help="CSV (.tsv: tab-separated) or Parquet file.")]
Columns = Annotated[list[str] | None, typer.Option(help="A column; repeat for several.")]


@tabular.command("train")
def tabular_train(
    table: Table,
    target: Annotated[list[str], typer.Option(help="Column to predict; repeat for several.")],
    model: Annotated[str, typer.Option(help="mlp, or tabm: stronger and slower.")] = "mlp",
    pretrained: Annotated[
        str | None, typer.Option(help="Directory of a saved model, or user/name, to start from.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the rows.")] = None,
    lr: Annotated[float | None, typer.Option(help="Highest rate.")] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; default: by the target.")
    ] = None,
    category: Columns = None,
    number: Columns = None,
    ignore: Columns = None,
    log_target: Annotated[bool, typer.Option(help="Learn the target's logarithm.")] = False,
    valid: Annotated[str | None, typer.Option(help="File of validation rows.")] = None,
    valid_fraction: Annotated[float, typer.Option(help="Of the rows otherwise.")] = 0.2,
    time: Annotated[str | None, typer.Option(help="Column; validate on the latest rows.")] = None,
    group: Annotated[str | None, typer.Option(help="Column; keep its groups together.")] = None,
    batch_size: Annotated[int, typer.Option(min=4, help="Rows a step.")] = 256,
    out: Annotated[
        Path | None, typer.Option(help="Directory of the model; default: TABLE-TARGET.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue the same, interrupted call.")] = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
) -> None:
    """Train a model on a table, or fine-tune a saved one, and save it."""
    with one_sentence():
        from zoo.tabular import finetune, train

        place = out or Path(f"{Path(table).stem}-{target[0]}")
        given: dict[str, Any] = {
            "epochs": epochs,
            "lr": lr,
            "task": task,
            "categories": category,
            "numbers": number,
            "ignore": ignore,
            "log_target": log_target or None,
            "valid": valid,
            "time": time,
            "group": group,
        }
        settings = {name: value for name, value in given.items() if value is not None}
        settings |= {"valid_fraction": valid_fraction, "batch_size": batch_size}
        settings["run"] = run_of(device, precision, seed, None, place, resume)
        wanted = target if len(target) > 1 else target[0]
        if pretrained is None:
            found = train(table, wanted, model=model, **settings)  # type: ignore[arg-type]
        else:
            found = finetune(pretrained, table, wanted, **settings)
        for name, value in found.metrics.items():
            typer.echo(f"{name:>12} {value:.4g}")
        typer.echo(f"saved in {place}; try: zoo predict {place} ROWS.csv")


@tabular.command("evaluate")
def tabular_evaluate(
    artifact: Artifact,
    table: Table,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Score a saved model on labelled rows."""
    with one_sentence():
        from zoo.tabular.finetune import opened

        model = opened(artifact, run_of(device, precision, 0, None, None, False))
        for name, value in model.evaluate(table).items():
            typer.echo(f"{name:>12} {value:.4f}")


def table_model(name: str, run: Run) -> TableModel | None:
    """The saved model if it is one of a table; the artifact is fetched if it lies on the hub."""
    from zoo.core.artifact import read_config

    directory = Path(name)
    if not directory.exists() and name.count("/") == 1:
        from zoo.hub.fetch import pull

        directory = pull(name)
    if read_config(directory).domain != "tabular":
        return None
    from zoo.tabular.stored import load

    return load(directory, run)


def predict_rows(model: TableModel, files: list[Path], *, as_json: bool, top: int) -> None:
    """Print a prediction for each row of the files."""
    import pandas as pd

    for file in files:
        says = model.predict(file)
        if model.spec.task == "classification" and (as_json or top > 1):
            shares = model.probabilities(file)
        else:
            shares = None
        for i, (row, value) in enumerate(says.items() if says.ndim == 1 else says.iterrows()):
            named = value.to_dict() if isinstance(value, pd.Series) else {says.name: value}
            ranked = [] if shares is None else shares.iloc[i].nlargest(top).items()
            if as_json:
                line: dict[str, Any] = {"file": str(file), "row": row, **named}
                if shares is not None:
                    line["probabilities"] = {str(label): round(p, 6) for label, p in ranked}
                typer.echo(json.dumps(line, ensure_ascii=False, default=str))
                continue
            if shares is not None:
                shown = [f"{label} {p:.3f}" for label, p in ranked]
            else:
                shown = [f"{v:.6g}" if isinstance(v, float) else str(v) for v in named.values()]
            typer.echo(f"{file}:{row}  {'  '.join(shown)}")
