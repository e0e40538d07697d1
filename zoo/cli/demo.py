"""`zoo demo`: a page that asks a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import zoo
from zoo.cli.commands import run_of
from zoo.cli.options import Artifact, Device


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
    is_folder = Path(artifact).is_dir()
    serve(model, Path(artifact).resolve().name if is_folder else artifact, host=host, port=port)
