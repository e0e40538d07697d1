from __future__ import annotations

import runpy
import sys

import pytest

from scripts import reproduce
from scripts.lib.program import module_of
from scripts.lib.record import ROOT
from scripts.reproduce import PROGRAMS
from zoo.data.registry import find

PATHS = [*(ROOT / "scripts").glob("*.py"), *(ROOT / "scripts" / "searches").glob("*.py")]
PATH_OF = {path.stem: path for path in PATHS}
CODE = {path.stem: path.read_text() for path in PATHS}
PAGES = {"notebooks", "pages", "publish", "readme_picture", "readme_table"}
NO_NUMBERS = PAGES | {"reproduce", "text_awd_lstm", "text_tokens"}
"""Programs that publish, draw or store what others measured, make examples for a test, or need a
browser."""


def test_every_program_of_a_number_is_run_in_small() -> None:
    programs = {name for name, code in CODE.items() if '__name__ == "__main__"' in code}
    assert programs - NO_NUMBERS == set(PROGRAMS)
    assert all(find(data) for needed in PROGRAMS.values() for data in needed.split())


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_has_the_same_few_flags_and_its_docstring_is_its_help(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(PATH_OF[name]), run_name="__main__")
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: python -m {module_of(name)} " in shown
    assert CODE[name].splitlines()[0].strip('"') in shown
    assert f"python -m {module_of(name)}" in shown.split("options:")[0].split("\n\n", 1)[1]
    assert all(flag in shown for flag in ("--seeds", "--first", "--device", "--out", "--smoke"))


def test_a_program_that_fails_is_named_with_what_it_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PROGRAMS, "no_such_program", "")
    with pytest.raises(SystemExit) as end:
        reproduce.main("no_such_program")
    assert end.value.code == 1
    shown = capsys.readouterr().out
    assert "No module named scripts.no_such_program" in shown
    assert "1 failed no_such_program" in shown
