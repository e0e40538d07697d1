"""`zoo serve`: a model that answers over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

import zoo
from zoo.cli.commands import run_of
from zoo.cli.options import Artifact, Device, Precision


def serve(
    artifact: Artifact,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets the network in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    batch: Annotated[int, typer.Option(help="Inputs that pass through at a time.")] = 32,
    seconds: Annotated[float, typer.Option(help="From a request to its answer.")] = 30.0,
    megabytes: Annotated[float, typer.Option(help="Largest photo.")] = 20.0,
    kilobytes: Annotated[float, typer.Option(help="Largest other request.")] = 100.0,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Serve a saved model over HTTP, until Ctrl-C; /openapi.json describes its requests.

    Anybody who reaches the address may ask it: there is no password.
    """
    from zoo.serve.application import require_fastapi, run
    from zoo.serve.limits import Limits

    require_fastapi()
    limits = Limits(batch=batch, seconds=seconds, megabytes=megabytes, kilobytes=kilobytes)
    model = zoo.load(artifact, run=run_of(device, precision))
    run(model, limits, artifact, host, port)
