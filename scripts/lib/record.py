"""Rows of results: every figure with commit, machine and time, in one CSV for each program."""

from __future__ import annotations

import csv
import platform
import subprocess
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"


def append(name: str, *, keep: bool = True, **values: object) -> None:
    """Print a row, and add it to a CSV in `results/` if it is to be kept."""
    row = {**{k: _short(v) for k, v in values.items()}, **circumstances()}
    print("  ".join(f"{key}={row[key]}" for key in values), flush=True)
    if not keep:
        return
    path = RESULTS / name
    path.parent.mkdir(exist_ok=True)
    old: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="") as file:
            old = list(csv.DictReader(file))
    columns = list(dict.fromkeys([*(key for line in old for key in line), *row]))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*old, row])


def circumstances() -> dict[str, str]:
    """Commit, torch and machine of a measurement."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    return {
        "commit": commit.stdout.strip(),
        "torch": torch.__version__,
        "machine": machine(),
    }


def machine() -> str:
    """What was measured on, in a few words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    names = [
        line.split(":", 1)[1].strip()
        for line in (info.read_text().splitlines() if info.exists() else [])
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.processor()}, {torch.get_num_threads()} threads"


def _short(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
