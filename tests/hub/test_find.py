"""The way out of a name under which there is no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.hub.find import find


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "shapes").mkdir(parents=True)
    (tmp_path / "models" / "notes.txt").write_text("no folder")
    return tmp_path


def test_the_nearest_folder_is_named(here: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Did you mean 'models/shapes'\?"):
        find("models/shaeps")
    nearest = str(here / "models" / "shapes")
    with pytest.raises(FileNotFoundError, match=f"Did you mean '{nearest}'"):
        find(here / "models" / "shape")


def test_a_file_is_no_suggestion() -> None:
    with pytest.raises(FileNotFoundError, match=r"models.* is a folder here: give zoo\.hub\.pull"):
        find("models/notes.tx")


def test_where_nothing_is_near_the_message_says_what_to_give() -> None:
    with pytest.raises(FileNotFoundError, match=r"Give the directory that save\(\) returned"):
        find("far/away/shapes")
