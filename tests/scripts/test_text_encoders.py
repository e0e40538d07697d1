from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.arena import rows
from benchmarks.arena.sets import texts
from scripts import text_encoders
from scripts.text_encoders import BUDGET, problem, report


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of 3 classes, a tenth, three tenths and the rest of 3,000 rows; indices repeat."""

    def read(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        labels = [(0, 1, 1, 1, 2, 2, 2, 2, 2, 2)[row % 10] for row in range(3_000)]
        frame = pd.DataFrame({"text": [f"text {row}" for row in range(3_000)], "label": labels})
        frame.index = frame.index % 700
        return frame.iloc[:1_500], frame.iloc[1_500:]

    monkeypatch.setitem(texts.WHOLE, "made_up", read)


@pytest.mark.usefixtures("made_up")
def test_labels_are_drawn_by_class_or_in_all_and_the_seed_draws_others() -> None:
    few, again, others, many = (
        problem("made_up", *of) for of in ((8, 0), (8, 0), (8, 1), (1_000, 0))
    )
    assert few.task.train["label"].value_counts().to_dict() == {"0": 8, "1": 8, "2": 8}
    assert few.task.train["text"].is_unique
    assert few.task.train.equals(again.task.train)
    assert not few.task.train["text"].isin(others.task.train["text"]).all()
    assert many.task.train["label"].value_counts().to_dict() == {"2": 600, "1": 300, "0": 100}
    assert len(few.truth) == len(few.task.inputs) == 1_000
    assert few.task.inputs["text"].is_unique


def test_ours_is_beside_the_best_rival_of_the_cell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.csv"
    scores = {"tfidf": (0.6, 0.7), "minilm": (0.7, 0.8), text_encoders.OURS: (0.68, 0.79)}
    for method, found in scores.items():
        for seed, score in enumerate(found):
            row = {"set": "few/8", "method": method, "budget_s": f"{BUDGET:g}", "seed": str(seed)}
            rows.add(
                path,
                row
                | {
                    "status": rows.DONE,
                    "score": str(score),
                    "cpu_s": "2",
                    "peak_mb": "",
                    "domain": "texts",
                    "metric": "accuracy",
                },
            )
    report(path)
    shown = capsys.readouterr().out
    assert "minilm 0.750 (2 CPU s)" in shown
    assert "below minilm: -0.015, margin 0.010" in shown
