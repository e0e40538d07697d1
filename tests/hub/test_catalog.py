from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import zoo.hub
from tests.hub.test_cli import zoo as command

SOUND = {
    **{"format": 1, "domain": "collab", "task": "rating", "model": {}, "spec": {}},
    **{"metrics": {"loss": 1.0, "rmse": 0.9}, "licence": "mit"},
}
ODD: list[Any] = [
    *(None, True, 3, -0.5, 1e308, "0.9", "\x1b[2J\nx", [], [[]], {}, {"rmse": None}),
    *({"rmse": "0.9"}, {"rmse": [1]}, {"rmse": True}, {"": {}}, {"rmse": 10**400}, {"a": math.nan}),
]


def put(folder: Path, text: str, file: str = "config.json") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)


@pytest.mark.parametrize("field", SOUND)
def test_an_odd_config_does_not_hide_the_other_models(tmp_path: Path, field: str) -> None:
    odd = {f"b{i:02}": SOUND | {field: value} for i, value in enumerate(ODD)}
    for name, config in {"a": SOUND, **odd, "c": SOUND}.items():
        put(tmp_path / "me" / name, json.dumps(config))
    code, listed = command("ls", "--hub", tmp_path)
    assert code == 0
    lines = [line for line in listed.splitlines() if line.startswith("me/")]
    assert [line.split()[0] for line in lines] == ["me/a", *(f"me/{name}" for name in odd), "me/c"]
    assert "rmse 0.900" in lines[0]
    assert "rmse 0.900" in lines[-1]
    assert listed.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{",
            "[]",
            "null",
            "3",
            '"x"',
            "[" * 100_000,
            '{"members": 3}',
            '{"files": {"a": 1}}',
        ),
        *('{"members": ["../x"]}', '{"files": [null]}', '{"domain": "vision"}'),
    ],
    ids=lambda text: text[:20],
)
def test_a_config_that_is_none_is_listed_as_unreadable(tmp_path: Path, text: str) -> None:
    put(tmp_path / "me" / "a", text)
    put(tmp_path / "me" / "b", json.dumps(SOUND))
    entries = {entry.name: entry for entry in zoo.hub.entries(hub=tmp_path)}
    assert entries["me/a"].domain in ("unreadable", "vision")
    assert entries["me/b"].score == 0.9
    with pytest.raises(ValueError, match="'me/a' is not a whole model") as caught:
        zoo.hub.pull("me/a", hub=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("card", [{"results": [{"mean": "x", "metric": 3}]}, {"results": 3}, []])
def test_an_odd_card_does_not_hide_a_model(tmp_path: Path, card: object) -> None:
    put(tmp_path / "me" / "a", json.dumps(SOUND))
    put(tmp_path / "me" / "a", json.dumps(card), "card.json")
    assert command("ls", "--hub", tmp_path)[0] == 0


def test_folders_that_are_no_models_are_not_listed(tmp_path: Path) -> None:
    put(tmp_path / "me" / "a", json.dumps(SOUND))
    put(tmp_path / "me" / "evil\x1b[2J", json.dumps(SOUND))
    (tmp_path / "me" / "b" / "config.json").mkdir(parents=True)
    names = [entry.name for entry in zoo.hub.entries(hub=tmp_path)]
    assert [name for name in names if name.startswith("me/")] == ["me/a"]
