"""What the published models say of themselves is what the results say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries
from typer.testing import CliRunner

import zoo
import zoo.hub
from scripts import publish
from scripts.lib.publications import PUBLICATIONS
from zoo.cli.app import app
from zoo.core.artifacts import artifact
from zoo.core.artifacts.card import EVALUATIONS, Card, evaluation_results
from zoo.hub.catalog import ROOM
from zoo.hub.checksums import wrong_files

NAMES = sorted(path.parent.name for path in ROOM.glob("*/config.json"))
each = pytest.mark.parametrize("name", NAMES)
LARGEST = 48e6  # bytes of all together


def rows_of(name: str, csv: str) -> pd.DataFrame:
    """The newest row of each trial, read without the program that wrote the card."""
    rows = pd.read_csv(publish.RESULTS / csv)
    for column, value in PUBLICATIONS[name].where.items():
        rows = rows[rows[column].astype(str) == value]
    return rows.groupby("fold" if "fold" in rows else "seed").last()


def test_every_domain_has_an_embedded_model_and_together_they_are_small() -> None:
    listed = zoo.hub.entries()
    assert sum(entry.size for entry in listed) < LARGEST
    assert [entry.name for entry in listed] == [f"zoo/{name}" for name in NAMES]
    assert {entry.domain for entry in listed} == {"collab", "tabular", "text", "vision"}
    assert all(entry.score is not None and entry.licence for entry in listed)


@each
def test_results_of_a_card_are_those_of_its_csv_as_the_hub_reads_them(name: str) -> None:
    card = ModelCard.load(ROOM / name / "README.md", ignore_metadata_errors=False)
    known = Card.read(ROOM / name)
    assert known is not None
    assert len(card.data.eval_results) == len(known.results) >= 1
    for found, result in zip(card.data.eval_results, known.results, strict=True):
        scores = rows_of(name, result.csv)[result.metric]
        assert found.metric_type == result.metric
        assert found.metric_value == pytest.approx(scores.mean(), rel=1e-5)
        assert result.sd == pytest.approx(scores.std() if len(scores) > 1 else 0, rel=1e-4)
        named = f"mean of {len(scores)} {result.trials}" if len(scores) > 1 else "one seed"
        assert found.metric_name == f"{result.metric}, {named}"
        assert f"| {scores.mean():.4f} ± {result.sd:.4f} | {named} | " in card.text


@each
def test_the_newer_evaluation_results_read_back_are_those_of_the_csv(name: str) -> None:
    text = (ROOM / name / EVALUATIONS).read_text(encoding="utf-8")
    entries = parse_eval_result_entries(yaml.safe_load(text))
    known = Card.read(ROOM / name)
    assert known is not None
    for entry, result in zip(entries, known.results, strict=True):
        scores = rows_of(name, result.csv)[result.metric]
        assert entry.value == pytest.approx(scores.mean(), rel=1e-5)
        assert entry.dataset_id == known.data["name"]
        assert entry.notes is not None
        assert entry.notes.startswith(result.metric)
    assert text == evaluation_results(known, artifact.read_config(ROOM / name))


@each
def test_a_card_is_what_its_records_render(name: str) -> None:
    folder = ROOM / name
    config, card = artifact.read_config(folder), Card.read(folder)
    assert card is not None
    again = publish.card_of(
        PUBLICATIONS[name],
        publish.trials(PUBLICATIONS[name]),
        config.metrics,
        picture=f"{name}.png",
    )
    assert again == card, "run: python -m scripts.publish --cards"
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert publish.text_of(name, folder, card) == text
    assert f"({card.picture})" in text
    assert (folder / card.picture).is_file()
    assert config.licence == PUBLICATIONS[name].licence
    assert wrong_files(folder) == {}


def test_the_index_lists_every_card_and_its_links_lead_somewhere() -> None:
    index = publish.INDEX.read_text(encoding="utf-8")
    assert publish.table() == index, "run: python -m scripts.publish --cards"
    links = [publish.INDEX.parent / link for link in re.findall(r"\]\((.*?)\)", index)]
    assert all(link.is_file() for link in links)
    assert {link.parent.name for link in links if link.name == "README.md"} == set(NAMES)


@each
def test_a_card_loads_in_the_lines_that_it_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    text = (ROOM / name / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0].splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines[:3]), names)
    assert names["model"].domain == artifact.read_config(ROOM / name).domain  # type: ignore[attr-defined]
    halves = artifact.read(ROOM / name).weights[0]
    assert any(str(tensor.dtype) == "torch.float16" for tensor in halves.values())
    loaded = names["model"].members[0].state_dict()  # type: ignore[attr-defined]
    assert all(str(t.dtype) == "torch.float32" for t in loaded.values() if t.is_floating_point())


def test_storing_half_precision_has_not_changed_a_score() -> None:
    rows = pd.read_csv(publish.RESULTS / "published.csv").groupby(["model", "metric"]).last()
    assert set(rows.index.get_level_values("model")) == set(NAMES)
    for (name, metric), row in rows.iterrows():
        card = Card.read(ROOM / name)
        assert card is not None
        result = next(one for one in card.results if one.metric == metric)
        assert row["as_stored"] == pytest.approx(result.own, rel=1e-5)
        change = abs(row["as_stored"] - row["as_trained"])
        assert change <= max(result.sd / 10, 1e-4 * max(1.0, result.own)), (name, metric)


def test_movielens_holds_nobody() -> None:
    config = artifact.read_config(ROOM / "movielens-100k")
    assert all(str(user).startswith("point ") for user in config.spec["users"])
    assert config.spec["titles"] == []
    assert all(isinstance(item, int) for item in config.spec["items"])
    weights = artifact.read(ROOM / "movielens-100k").weights[0]
    assert weights["seen.items"].numel() == 0
    assert "nc" in config.licence


# ---- zoo hub verify ------------------------------------------------------------------------------


def verify(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["hub", "verify", *map(str, words)])
    return done.exit_code, done.output


def test_verifying_measures_again_and_says_whether_the_card_holds(tmp_path: Path) -> None:
    import shutil

    code, said = verify("zoo/digits")
    assert code == 0, said
    assert said.strip().endswith("it holds")
    folder = shutil.copytree(ROOM / "digits", tmp_path / "digits")
    tree = json.loads((folder / "card.json").read_text())
    tree["results"][0]["own"] -= 0.1
    (folder / "card.json").write_text(json.dumps(tree))
    code, said = verify(folder)
    assert code == 1
    assert said.strip().endswith("it does not hold")


def test_verifying_without_the_data_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    monkeypatch.setenv("ZOO_DATA_MIRROR", "http://127.0.0.1:9")
    code, said = verify("zoo/movielens-100k")
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("zoo: a data set must be at hand or reachable, got 'movielens-100k'")


def test_a_model_without_a_protocol_is_verified_on_given_data(tmp_path: Path) -> None:
    from tests.tabular.small import table, train

    model = train()
    folder = model.save(tmp_path / "shop")
    code, said = verify(folder)
    assert (code, said.count("\n")) == (1, 1)
    assert "got protocol='' for" in said
    table(seed=1).to_csv(tmp_path / "rows.csv", index=False)
    code, said = verify(folder, "--data", tmp_path / "rows.csv")
    assert "accuracy" in said
    assert "the card says" in said


@pytest.mark.slow
@each
def test_every_card_holds(name: str) -> None:
    try:
        code, said = verify(f"zoo/{name}")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    if "must lie in the mirror" in said or "must be at hand" in said:
        pytest.skip(said)
    assert code == 0, said
