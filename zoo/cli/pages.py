"""`zoo demo` and `zoo app`: pages that ask a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import zoo
from zoo.app.options import Weights
from zoo.cli.commands import run_of
from zoo.cli.options import Artifact, AsJson, Device
from zoo.cli.output import say


def demo(
    artifact: Artifact,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets the network in.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; default: a free one from 7860 on.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Ask a saved model on a page in the browser; nothing leaves this machine."""
    from zoo.demo.server import serve

    model = zoo.load(artifact, run=run_of(device))
    page = serve(model, _title(artifact), host=host, port=port)
    typer.echo(f"{_title(artifact)} is at {page.local_url}; Ctrl-C ends it")
    page.block_thread()


def app(
    artifact: Artifact,
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("app.html"),
    runtime: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the unpacked npm package onnxruntime-web, which runs the model; "
            "without it, the error says which version."
        ),
    ] = None,
    weights: Annotated[Weights, typer.Option(help="How exactly weights are kept.")] = "fp16",
    as_json: AsJson = False,
) -> None:
    """Write a model as one HTML file that answers in any browser, offline."""
    from zoo.app.page import write_app

    model = zoo.load(artifact, run=run_of("cpu", "fp32"))
    path = write_app(model, out, runtime=runtime, weights=weights, name=_title(artifact))
    size = path.stat().st_size
    say({"file": path, "bytes": size}, f"app in {path}, {size / 1e6:.1f} MB", as_json)


def _title(artifact: str) -> str:
    """What a page calls a model: the name of its folder, or its published name."""
    return Path(artifact).resolve().name if Path(artifact).is_dir() else artifact
