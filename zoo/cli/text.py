"""`zoo text`: language models and classifiers of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.options import (
    Artifact,
    Device,
    Out,
    Precision,
    Resume,
    Seed,
    conclude,
    json_line,
    one_sentence,
    run_of,
    tell,
)

text = typer.Typer(
    no_args_is_help=True,
    help="Texts: train a language model, fine-tune it, put a classifier on it.",
)

Texts = Annotated[
    str,
    typer.Argument(help="Folder of text files, or a text, JSON, CSV, TSV or Parquet file."),
]
Labelled = Annotated[
    str,
    typer.Argument(
        help="CSV, TSV, JSON or Parquet file, or folder with one folder of text files per class "
        "(perhaps within train/ and valid/)."
    ),
]
Model = Annotated[str, typer.Argument(help="Directory of a saved model of texts, or user/name.")]
TextColumn = Annotated[str | None, typer.Option("--text", help="Column of texts; default: text.")]
LabelColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--label", help="Column of classes; default: label. Several: a class each, of 0 and 1."
    ),
]
Valid = Annotated[
    str | None, typer.Option(help="Validation texts, in the same form; without, a tenth.")
]
Epochs = Annotated[int, typer.Option(min=0, help="Passes over the texts.")]
Lr = Annotated[float, typer.Option(help="Highest rate.")]
Rows = Annotated[int, typer.Option(min=1, help="Rows of text that are read side by side.")]
Documents = Annotated[int, typer.Option(min=1, help="Texts a step.")]
Sampled = Annotated[
    int, typer.Option(min=0, help="Words that a step weighs: so many frequent, so many drawn.")
]
DropMult = Annotated[float, typer.Option(min=0, help="Factor for all dropouts.")]
Language = Annotated[str, typer.Option(help="Of spaCy's tokenizer: en, de, xx (any) ...")]
Reverse = Annotated[bool, typer.Option(help="Read texts from their end.")]


@text.command("train-lm")
def train_lm(
    texts: Texts,
    column: TextColumn = None,
    valid: Valid = None,
    epochs: Epochs = 10,
    lr: Lr = 5e-3,
    d_embedding: Annotated[int, typer.Option(min=1, help="Width of a word's vector.")] = 400,
    d_hidden: Annotated[int, typer.Option(min=1, help="Width of the layers between.")] = 1152,
    n_layers: Annotated[int, typer.Option(min=1, help="Layers of LSTM.")] = 3,
    batch_size: Rows = 64,
    drop_mult: DropMult = 1.0,
    sampled: Sampled = 0,
    language: Language = "en",
    reverse: Reverse = False,
    out: Out = None,
    resume: Resume = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
) -> None:
    """Train a language model on your texts from random weights and save it."""
    with one_sentence():
        import zoo

        target = out or Path(f"{Path(texts).resolve().stem}-lm")
        model = zoo.text.train_lm(
            texts,
            epochs=epochs,
            lr=lr,
            text=column,
            valid=valid,
            d_embedding=d_embedding,
            d_hidden=d_hidden,
            n_layers=n_layers,
            batch_size=batch_size,
            drop_mult=drop_mult,
            sampled=sampled,
            language=language,
            reverse=reverse,
            run=run_of(device, precision, seed, out=target, resume=resume),
        )
        _saved(model, target, f'zoo text generate {target} "The"')


@text.command("finetune-lm")
def finetune_lm(
    pretrained: Model,
    texts: Texts,
    column: TextColumn = None,
    valid: Valid = None,
    epochs: Epochs = 3,
    lr: Lr = 2e-2,
    batch_size: Rows = 64,
    drop_mult: DropMult = 1.0,
    sampled: Sampled = 0,
    out: Out = None,
    resume: Resume = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
) -> None:
    """Take a language model further on your texts, with their vocabulary, and save it."""
    with one_sentence():
        import zoo

        target = out or Path(f"{Path(texts).resolve().stem}-lm")
        model = zoo.text.finetune_lm(
            pretrained,
            texts,
            epochs=epochs,
            lr=lr,
            text=column,
            valid=valid,
            batch_size=batch_size,
            drop_mult=drop_mult,
            sampled=sampled,
            run=run_of(device, precision, seed, out=target, resume=resume),
        )
        _saved(model, target, f"zoo text finetune {target} REVIEWS")


@text.command("finetune")
def finetune(
    pretrained: Model,
    data: Labelled,
    column: TextColumn = None,
    label: LabelColumns = None,
    valid: Valid = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=0, help="Passes with everything unfrozen; default: 600 steps in 2 to 8."),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(help="Highest rate; default: 1e-2, or 2e-3 for a classifier of the classes."),
    ] = None,
    gradual: Annotated[bool, typer.Option("--gradual", help="Thaw layers one by one.")] = False,
    batch_size: Documents = 64,
    drop_mult: DropMult = 0.5,
    out: Out = None,
    resume: Resume = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
) -> None:
    """Put a classifier of your texts on a language model and save it."""
    with one_sentence():
        import zoo

        target = out or Path(f"{Path(data).resolve().stem}-classifier")
        model = zoo.text.finetune(
            pretrained,
            data,
            epochs=epochs,
            lr=lr,
            gradual=gradual,
            text=column,
            label=label[0] if label and len(label) == 1 else label or None,
            valid=valid,
            batch_size=batch_size,
            drop_mult=drop_mult,
            run=run_of(device, precision, seed, out=target, resume=resume),
        )
        _saved(model, target, f"zoo predict {target} FILE")


@text.command("generate")
def generate(
    artifact: Artifact,
    beginning: Annotated[str, typer.Argument(help="The first words.")] = "",
    n_words: Annotated[int, typer.Option("-n", min=0, help="Words to add.")] = 50,
    temperature: Annotated[float, typer.Option(help="Below 1: likely words; above: bold.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Draw from the k likeliest alone.")] = None,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Let a language model go on with a text."""
    with one_sentence():
        import zoo

        model = zoo.load(artifact, run=run_of(device, seed=seed))
        if not hasattr(model, "generate"):
            raise ValueError(f"writing takes a language model, however {artifact!r} is none")
        typer.echo(model.generate(beginning, n_words, temperature=temperature, top_k=top_k))


@text.command("explain")
def explain(
    artifact: Artifact,
    one: Annotated[str, typer.Argument(metavar="TEXT", help="The text itself.")],
    label: Annotated[str | None, typer.Option(help="Class; default: the likeliest.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Words to show.")] = 10,
    picture: Annotated[Path | None, typer.Option(help="PNG file for the marked text.")] = None,
    device: Device = "auto",
) -> None:
    """Show the words for which a classifier says what it says of a text."""
    with one_sentence():
        import zoo
        from zoo.text import TextClassifier

        model = zoo.load(artifact, run=run_of(device))
        if not isinstance(model, TextClassifier):
            raise ValueError(
                f"words are shown for a classifier of texts, got {artifact!r}. Name one."
            )
        known = {str(name): name for name in model.spec.classes}
        found = model.explain(one, known.get(label, label) if label is not None else None)
        typer.echo(f"{found.label}  {found.prediction.probabilities[found.label]:.3f}")
        for word, score in found.top(top):
            typer.echo(f"{score:+8.2f}  {word}")
        if picture:
            typer.echo(f"picture in {found.save(picture)}")


def print_texts(model: Any, files: list[Path], *, as_json: bool, top: int) -> None:
    """Print the class of each text, its classes, or the likeliest words after it."""
    for file in files:
        texts, is_table = _texts_of(file, model.spec.text_column)
        predictions = (
            model.predict(texts, top) if hasattr(model, "generate") else model.predict(texts)
        )
        for row, prediction in enumerate(predictions):
            record, line = _record(prediction, top)
            if as_json:
                typer.echo(json_line({"file": str(file), "row": row, **record}))
            else:
                typer.echo(f"{file}:{row}  {line}" if is_table else f"{file}  {line}")


def _record(prediction: Any, top: int) -> tuple[dict[str, Any], str]:
    """What a model says of one text, for JSON and in a line.

    Of any number of classes, those that the text has are shown, whatever `top` says.
    """
    labels = getattr(prediction, "labels", None)
    scores = dict(prediction) if isinstance(prediction, list) else prediction.probabilities
    ranked = sorted(scores, key=scores.__getitem__, reverse=True)[:top]
    shown = ranked if labels is None else list(labels)
    line = "  ".join(f"{name} {scores[name]:.3f}" for name in shown) or "no label"
    kept = {str(name): round(scores[name], 6) for name in (shown if labels is None else scores)}
    record: dict[str, Any] = {} if labels is None else {"labels": shown}
    return record | {"probabilities": kept}, line


def _texts_of(file: Path, usual: Any) -> tuple[list[str], bool]:
    """The texts of a table, gaps as empty ones; another file is one text. Whether it is a table."""
    from zoo.data.table import TABLES
    from zoo.text.data.files import text_of
    from zoo.text.data.texts import every

    if not file.is_file():
        raise FileNotFoundError(
            f"texts to predict must be in files, got '{file}', which is none. Write the text into "
            "a .txt file, or several into a table with a column 'text'."
        )
    if file.suffix.lower() in TABLES:
        return list(every(file, usual=usual)), True
    return [text_of(file)], False


def _saved(model: Any, target: Path, hint: str) -> None:
    tell(model.metrics)
    conclude(model, target, hint)
