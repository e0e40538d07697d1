from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scripts.lib import record
from scripts.lib.program import Program, knobs, program, some_of

Called = Callable[..., Program]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Called:
    """Calls a program with flags; its results lie in a folder of the test."""
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")

    def call(*flags: str, **options: Any) -> Program:
        monkeypatch.setattr(sys, "argv", ["made_up", *flags])
        return program("What it claims.", "made_up.csv", **{"seeds": 3, **options})

    return call


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results" / "made_up.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_joins_those_before_it_with_commit_and_machine(
    called: Called, tmp_path: Path
) -> None:
    called().record(seed=0, score=0.5)
    called().record(seed=1, loss=0.25)
    first, second = rows(tmp_path)
    assert (first["score"], first["loss"], second["score"], second["loss"]) == (
        "0.5",
        "",
        "",
        "0.25",
    )
    assert first["machine"]
    assert first["torch"]


@pytest.mark.parametrize("flag", ["--smoke", "--inner"])
def test_what_is_no_measurement_is_not_recorded(called: Called, tmp_path: Path, flag: str) -> None:
    asked = called(flag, inner=True)
    asked.record(score=0.5)
    assert not (tmp_path / "results").exists()
    assert asked.rows == [{"score": 0.5}]


def test_smoke_is_one_trial_however_many_are_asked_for(called: Called) -> None:
    assert called("--smoke", "--seeds", "5", "--first", "2").seeds == range(2, 3)
    assert called("--seeds", "5", "--first", "2").seeds == range(2, 7)


def test_a_flag_in_short_is_refused_since_seed_is_not_seeds(called: Called) -> None:
    with pytest.raises(SystemExit):
        called("--seed", "4")


def test_trials_that_go_on_where_they_were_do_not_share_a_folder(called: Called) -> None:
    asked = called("--first", "4")
    assert [asked.own(Path("folder/run"), seed) for seed in asked.seeds] == [
        Path("folder/run"),
        Path("folder/run-5"),
        Path("folder/run-6"),
    ]


def test_the_room_of_smoke_does_not_stay(called: Called, tmp_path: Path) -> None:
    with called("--smoke").room(tmp_path / "usual") as room:
        assert room.is_dir()
        assert room != tmp_path / "usual"
    assert not room.exists()
    with called().room(tmp_path / "usual") as room:
        assert room == tmp_path / "usual"
    with called("--smoke", "--out", str(tmp_path)).room(tmp_path / "usual") as room:
        assert room == tmp_path


@dataclass(frozen=True)
class Settings:
    lr: float = 0.1
    batch_size: int = 8


def test_settings_are_flags_and_come_back_as_settings(called: Called) -> None:
    further = partial(knobs, usual=Settings())
    asked = called("--batch-size", "16", further=further)
    assert asked.chosen(Settings) == Settings(batch_size=16)


def test_some_of_the_known_are_taken_and_others_refused(called: Called) -> None:
    further = partial(some_of, name="--rivals", known=("ours", "theirs"))
    assert called(further=further).further["rivals"] == ["ours", "theirs"]
    assert called("--rivals", "theirs", further=further).further["rivals"] == ["theirs"]
    with pytest.raises(SystemExit):
        called("--rivals", "nobody's", further=further)
