"""What the commands print: records as lines for people or as JSON, and notices."""

from __future__ import annotations

import json
import math
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer


def say(record: Mapping[str, Any], line: str, as_json: bool) -> None:
    """Print a record as JSON, or as a line for people."""
    typer.echo(json_line(record) if as_json else line)


def say_scores(scores: Mapping[str, float], as_json: bool) -> None:
    """Print scores, one a line."""
    say(scores, "\n".join(f"{name:>18} {short(value)}" for name, value in scores.items()), as_json)


def say_table(table: Any, as_json: bool) -> None:
    """Print a DataFrame, or its rows as JSON."""
    if as_json:
        for row in table.to_dict("records"):
            typer.echo(json_line(row))
    else:
        typer.echo(table.to_string(index=False))


def say_picture(path: Path, as_json: bool) -> None:
    """Print where a picture has been written."""
    say({"picture": path}, f"picture in {path}", as_json)


def line_of(record: Mapping[str, Any]) -> str:
    """A record of a prediction as a line of text; see `zoo.core.model.Model.records`.

    >>> line_of({"file": "a.csv", "row": 3, "label": "yes", "probabilities": {"yes": 0.75}})
    'a.csv:3  yes 0.750'
    >>> line_of({"file": "a.csv", "row": 3, "user": "u1", "item": 5, "value": 3.87512})
    'a.csv:3  3.8751'
    """
    words = []
    if "file" in record:
        words.append(f"{record['file']}:{record['row']}" if "row" in record else record["file"])
    if "text" in record:
        words.append(textwrap.shorten(record["text"], 40, placeholder=" ..."))
    if "picture" in record:
        words.append(record["picture"])
    if "value" in record:
        words.append(short(record["value"]))
    if "low" in record:
        words.append(f"({short(record['low'])} to {short(record['high'])})")
    words += [f"{name} {short(value)}" for name, value in record.get("values", {}).items()]
    label = {record["label"]: record["probability"]} if "probability" in record else {}
    shares = record.get("probabilities", record.get("shares", label))
    words += [f"{name} {shares[name]:.3f}" for name in record.get("labels", shares)]
    if not record.get("labels", True):
        words.append("no label")
    if record.get("unknown"):
        words.append(f"unknown: {record['reason']}" if "reason" in record else "unknown")
    return "  ".join(words)


def short(value: float) -> str:
    """A number to read: four decimals, or four digits of one that is near 0.

    >>> short(5263.25), short(3.87512), short(0.00001234)
    ('5263.2500', '3.8751', '1.234e-05')
    """
    return f"{value:.4g}" if 0 < abs(value) < 1e-3 else f"{value:.4f}"


def json_line(row: Mapping[str, Any]) -> str:
    """A row as one line of JSON; numbers have six decimals, what is no finite number is null.

    >>> json_line({"item": 5, "score": float("nan"), "share": 0.123456789})
    '{"item": 5, "score": null, "share": 0.123457}'
    """
    return json.dumps(_plain(row), ensure_ascii=False, allow_nan=False)


def notice(text: str, fg: str) -> None:
    """Print a line on stderr, coloured on a terminal unless NO_COLOR is set."""
    line = f"zoo: {' '.join(text.split())}"
    typer.echo(line if os.environ.get("NO_COLOR") else typer.style(line, fg=fg), err=True)


def _plain(value: Any) -> Any:
    """As JSON keeps it: NumPy's numbers as Python's, None for what is no finite number."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return round(value, 6) if abs(value) >= 1 else float(f"{value:.6g}")
    return value if isinstance(value, (str, bool, int)) or value is None else str(value)
