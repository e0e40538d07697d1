"""The page on this machine: no share link, no analytics, files and texts of a limited size."""

from __future__ import annotations

import os
from typing import Any, Final

from zoo.core.model import Model
from zoo.demo.page import page_of

QUIET: Final = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
LARGEST: Final = "20mb"  # of an uploaded file
WAITING: Final = 32  # visitors whose answers wait for others'; more are refused


def serve(
    model: Model[Any, Any],
    name: str,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
) -> Any:
    """Show a model on a page, gradio's `Blocks`: its `local_url`, and `close()`, which ends it.

    Args:
        model: any model of the library.
        name: its name, for the title.
        host: address to listen on; "0.0.0.0" lets others on the network ask the model.
        port: port to listen on; None takes a free one from 7860 on.

    Raises:
        ModuleNotFoundError: gradio is not installed.
        OSError: the port is taken.
    """
    os.environ.update(QUIET)  # before gradio is imported: it asks its maker for versions otherwise
    page: Any = page_of(model, name)
    import gradio as gr

    fonts = ["system-ui", "sans-serif"]
    page.queue(max_size=WAITING, default_concurrency_limit=1, api_open=False)
    page.launch(
        server_name=host,
        server_port=port,
        share=False,
        theme=gr.themes.Base(font=fonts, font_mono=["monospace"]),
        max_file_size=LARGEST,
        footer_links=[],
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        run_history=False,
        prevent_thread_lock=True,
        quiet=True,
    )
    return page
