from __future__ import annotations

import re
import subprocess
import sys

import pytest

from scripts.record import ROOT
from scripts.reproduce import PROGRAMS
from zoo.data.registry import find

SCRIPTS = {path.stem: path.read_text() for path in (ROOT / "scripts").glob("*.py")}


def test_every_program_with_the_shared_flags_is_run_in_small() -> None:
    runs = re.compile(r"(program\(__doc__|run\(EXPERIMENT)")
    assert {name for name, text in SCRIPTS.items() if runs.search(text)} <= set(PROGRAMS)
    assert set(PROGRAMS) <= set(SCRIPTS)
    assert all(find(data) for data in PROGRAMS.values() if data)


@pytest.mark.parametrize("name", ["collab_folds", "vision_flowers"])
def test_the_flags_are_the_same_few(name: str) -> None:
    command = [sys.executable, "-m", f"scripts.{name}", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(flag in shown for flag in ("--seeds", "--first", "--device", "--out", "--smoke"))
