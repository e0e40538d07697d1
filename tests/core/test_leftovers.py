from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.tiny import learner
from tests.helpers.device import run_here
from zoo.core.config import TRAINING_STATE

pytestmark = pytest.mark.device


def test_what_killed_writes_of_the_training_state_left_is_removed(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    ours, of_safetensors = out / f".{TRAINING_STATE}.123.tmp", out / ".tmpAb3xYz"
    for path in (ours, of_safetensors):
        path.write_bytes(b"half a state")
    learner(run_here(out=out)).fit(1, 1e-3)
    assert [path.name for path in out.iterdir()] == [TRAINING_STATE]


def test_what_a_kill_left_of_a_look_at_the_folder_is_removed(tmp_path: Path) -> None:
    out = tmp_path / "run"
    (out / ".zoo-try-abc123").mkdir(parents=True)
    learner(run_here(out=out)).fit(1, 1e-3)
    assert [path.name for path in out.iterdir()] == [TRAINING_STATE]
