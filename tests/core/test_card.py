from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zoo.core.artifacts.card import Card, render
from zoo.core.config import CARD_FACTS as FACTS
from zoo.core.config import Config

RESULT = {
    **{"metric": "accuracy", "own": 0.9, "mean": 0.9, "sd": 0, "n": 3, "trials": "seeds"},
    "csv": "a.csv",
}
SOUND: dict[str, Any] = {
    **dict.fromkeys(("title", "use", "limits", "preprocessing", "split", "program"), "words"),
    **{"protocol": "adult", "example": "", "machine": "", "data": {"name": "adult"}},
    **{"results": [RESULT], "seconds": 1},
}


def test_a_sound_card_is_read(tmp_path: Path) -> None:
    (tmp_path / FACTS).write_text(json.dumps(SOUND))
    card = Card.read(tmp_path)
    assert card is not None
    assert card.results[0].own == 0.9
    assert Card.read(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"protocol": 3},
            {"protocol": None},
            {"data": []},
            {"data": {"name": 3}},
            {"seconds": "1"},
        ),
        *({"results": 3}, {"results": [3]}, {"results": [RESULT | {"own": "0.9"}]}),
        *({"results": [RESULT | {"own": None}]}, {"results": [RESULT | {"mean": True}]}),
    ],
    ids=str,
)
def test_a_card_with_other_kinds_is_refused_in_one_sentence(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    (tmp_path / FACTS).write_text(json.dumps(SOUND | change))
    with pytest.raises(ValueError, match=r"card\.json must state a card's facts") as caught:
        Card.read(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_card_shows_no_folder_of_the_machine_and_stays_a_table() -> None:
    training = {"pretrained": "/home/me/models/pets", "note": "two\nlines | and a bar"}
    config = Config("vision", "classification", {"name": "x"}, {}, training=training)
    text = render(config, load_example="")
    assert "| pretrained | pets |" in text
    assert r"| note | two lines \| and a bar |" in text
    assert "home" not in text


def test_the_title_says_whether_a_model_was_fine_tuned() -> None:
    config = Config("tabular", "regression", {"name": "mlp"}, {})
    again = Config("tabular", "regression", {"name": "mlp"}, {}, training={"pretrained": "x"})
    assert "\n# mlp\n" in render(config, load_example="")
    assert "\n# mlp, fine-tuned\n" in render(again, load_example="")
