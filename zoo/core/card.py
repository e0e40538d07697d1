"""The model card: README.md of an artifact, rendered from its config; no number typed by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from zoo import __version__

if TYPE_CHECKING:
    from zoo.core.artifact import Config

_PIPELINES = {
    ("vision", "classification"): "image-classification",
    ("vision", "multi-label"): "image-classification",
    ("vision", "segmentation"): "image-segmentation",
    ("vision", "restoration"): "image-to-image",
}


def render(config: Config, *, load_example: str) -> str:
    """The card's text: YAML front matter that the Hugging Face hub reads, then Markdown.

    Args:
        config: of the artifact.
        load_example: Python that loads the model and predicts, a few lines.
    """
    name = config.model["name"]
    return "\n".join(
        [
            _front_matter(config),
            f"# {name}, fine-tuned" if config.training.get("pretrained") else f"# {name}",
            "",
            f"A {config.domain} model for {config.task}, made with transfer-zoo {__version__}.",
            "",
            "```python",
            load_example.strip(),
            "```",
            "",
            *_table("Scores on the validation part", config.metrics),
            *_table("Training", config.training),
            "## Data and licence",
            "",
            f"Trained on: {config.data or 'not stated'}. Licence of the weights: {config.licence}.",
            "",
        ]
    )


def _front_matter(config: Config) -> str:
    pipeline = _PIPELINES.get((config.domain, config.task))
    lines = [
        "---",
        "library_name: transfer-zoo",
        f"license: {json.dumps(config.licence if config.licence != 'unknown' else 'other')}",
        *([f"pipeline_tag: {pipeline}"] if pipeline else []),
        "tags:",
        "- transfer-zoo",
        f"- {config.domain}",
        "---",
        "",
    ]
    return "\n".join(lines)


def _table(title: str, values: dict[str, object] | dict[str, float]) -> list[str]:
    if not values:
        return []
    rows = [f"| {name} | {_cell(value)} |" for name, value in values.items()]
    return [f"## {title}", "", "| what | value |", "|---|---|", *rows, ""]


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")
