from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import zoo
from tests.collab.small import RUN, ratings, train
from tests.helpers.device import run_here
from tests.helpers.harm import Attacks, config, harmed, refused, tensors
from zoo.cli.app import app
from zoo.collab import Recommender
from zoo.core.config import Config


def test_a_loaded_model_says_exactly_the_same(each: Recommender, tmp_path: Path) -> None:
    loaded = zoo.load(each.save(tmp_path / "m"), run=RUN)
    table = ratings()[:50]
    assert (loaded.predict(table) == each.predict(table)).all()
    assert loaded.recommend(k=3).equals(each.recommend(k=3))
    assert loaded.similar(50).equals(each.similar(50))
    assert loaded.fold_in({50: 4.0}).recommend(3).equals(each.fold_in({50: 4.0}).recommend(3))
    assert (loaded.name, loaded.spec, loaded.arguments) == (each.name, each.spec, each.arguments)
    assert loaded.metrics == each.metrics


def test_features_and_titles_come_back(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"kind": ["a", "b"] * 20, "year": range(40), "new": [True, False] * 20},
        index=range(0, 400, 10),
    )
    model = train("svdpp", epochs=2, item_features=table, titles={50: "Fifty"})
    loaded = zoo.load(model.save(tmp_path / "m"), run=RUN)
    assert loaded.spec == model.spec
    assert loaded.predict("u01", 50) == model.predict("u01", 50)
    changed = table.assign(kind="b")
    tuned = zoo.collab.finetune(loaded, ratings()[:50], epochs=1, item_features=changed, run=RUN)
    assert tuned.spec.features == model.spec.features


def test_ids_of_all_plain_kinds_come_back(tmp_path: Path) -> None:
    data = ratings()
    data["item"] = [f"é{i}" if i % 20 else i / 4 for i in data["item"]]
    model = train(data=data, epochs=1)
    assert zoo.load(model.save(tmp_path / "m")).spec == model.spec


def test_ids_that_json_does_not_keep_are_one_sentence(tmp_path: Path) -> None:
    data = ratings()
    data["user"] = [(user, 1) for user in data["user"]]
    with pytest.raises(ValueError, match=r"column of the user: .* got \('u00', 1\), a tuple"):
        train(data=data, run=run_here(out=tmp_path / "m"))
    assert not (tmp_path / "m" / "config.json").exists()


def test_the_card_tells_what_it_is(directory: Path) -> None:
    card = (directory / "README.md").read_text()
    for part in ("model.fold_in({0: 3}).recommend()", "rmse", "users | 60", "# svdpp"):
        assert part in card
    assert "u00" not in card


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"members": "two"}, "members must be a whole number, .* got members='two'"),
        ({"model": "embedding_net", "hidden": []}, r"hidden must be .*, got hidden=\[\]"),
        ({"model": "embedding_net", "hidden": [8, 0]}, r"hidden must be .*, got hidden=\[8, 0\]"),
        ({"n_factors": -3}, "n_factors must be a whole number, 1 or more, .* got n_factors=-3"),
        ({"n_factors": 0}, "1 or more, .* got n_factors=0"),
        ({"batch_size": 0}, "1 or more, or None, got batch_size=0"),
    ],
)
def test_a_network_that_cannot_be_built_is_one_sentence(options, says, tmp_path) -> None:
    with pytest.raises(ValueError, match=says):
        train(run=run_here(out=tmp_path / "m"), **options)


def test_what_could_not_be_loaded_again_is_refused_before_training(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("zoo.collab.model.check_config", refuse)
    with pytest.raises(ValueError, match=r"can be loaded again, got one of which no name suits"):
        train(run=run_here(out=tmp_path / "m"))
    assert not (tmp_path / "m" / "config.json").exists()


def refuse(config: Config) -> None:
    raise ValueError("no name suits")


def test_a_run_with_a_folder_saves_there(tmp_path: Path) -> None:
    run = run_here(out=tmp_path / "out")
    model = train(epochs=1, run=run)
    assert zoo.load(tmp_path / "out").predict("u01", 50) == model.predict("u01", 50)


# ---- artifacts that mean harm --------------------------------------------------------------------


ATTACKS: Attacks = {
    "another model": (
        config(lambda t: t["model"].update(name="softmax")), "that of softmax, got task='rating'"
    ),
    "no model": (config(lambda t: t["model"].pop("name")), "with arguments, got"),
    "an unknown model": (
        config(lambda t: t["model"].update(name="os.system")), "model must be one of dot_bias"
    ),
    "an unknown argument": (config(lambda t: t["model"]["args"].update(eval="1")), "eval"),
    "a huge width": (config(lambda t: t["model"]["args"].update(n_factors=10**9)), "shape|fit"),
    "many members": (config(lambda t: t["model"]["args"].update(members=10**6)), "shape|fit"),
    "a negative width": (config(lambda t: t["model"]["args"].update(n_factors=-1)), "."),
    "a user less": (config(lambda t: t["spec"]["users"].pop()), "shape|rows of known"),
    "a user twice": (
        config(lambda t: t["spec"]["users"].append("u00")), r"users=\[.*all different"
    ),
    "an id that is none": (
        config(lambda t: t["spec"]["items"].append([1])), r"items\[\d+\]=\[1\] "
    ),
    "no users": (config(lambda t: t["spec"].update(users=[])), r"users=\[\] \(a list, at least 1"),
    "no mean": (config(lambda t: t["spec"].pop("mean")), "mean is missing"),
    "a mean that is none": (config(lambda t: t["spec"].update(mean="3")), "mean='3'"),
    "a scale upside down": (
        config(lambda t: t["spec"].update(low=9)), "low must be below high, got low=9"
    ),
    "half a scale": (
        config(lambda t: t["spec"].update(low=None)), "low and high go together, got low=None"
    ),
    "titles that are none": (
        config(lambda t: t["spec"].update(titles=[[1]])), r"titles\[0\]=\[1\]"
    ),
    "features that are none": (config(lambda t: t["spec"].update(features=[])), r"features=\[\]"),
    "features of nobody": (
        config(lambda t: t["spec"].update(features={"user": {"a": {"values": ["x"] * 9}}})),
        "missing|fit",
    ),
    "no history": (tensors(lambda t: t.pop("seen.items")), r"missing=\['seen.items'\]"),
    "items that are not there": (
        tensors(lambda t: t["seen.items"].fill_(10**6)), "rows of known users and items"
    ),
    "a negative item": (tensors(lambda t: t["seen.items"].fill_(-1)), "rows of known"),
    "offsets that go back": (
        tensors(lambda t: t["seen.offsets"][3].fill_(10**9)), "rows of known"
    ),
    "offsets of another kind": (
        tensors(lambda t: t.update({"seen.offsets": t["seen.offsets"].float()})), "rows of known"
    ),
    "a held-out rating more": (
        config(lambda t: t["spec"].update(n_held_out=10**9)), "n_held_out must be the number of"
    ),
    "held-out ratings of nobody": (
        tensors(lambda t: t["held_out.items"].fill_(-1)), "rows of known users and items"
    ),
    "held-out ratings missing": (
        tensors(lambda t: t.pop("held_out.items")), r"missing=\['held_out.items'\]"
    ),
    "fewer held-out ratings than none": (
        config(lambda t: t["spec"].update(n_held_out=-1)), "n_held_out=-1"
    ),
    "columns that are none": (
        config(lambda t: t["spec"].update(columns={"user": ["a"]})), r"columns\.user=\['a'\]"
    ),
    "columns of no role": (
        config(lambda t: t["spec"].update(columns={"who": "a"})), "columns.'who' is unknown"
    ),
    "a feature in two ways": (
        config(lambda t: t["spec"].update(features={"user": {"a": {"flag": True, "edges": []}}})),
        r"features\['user'\]\['a'\]",
    ),
    "weights missing": (tensors(lambda t: t.pop("users.factors")), "."),
    "another domain": (config(lambda t: t.update(domain="vision")), "."),
    "another task": (config(lambda t: t.update(task="ranking")), "got task='ranking'"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_artifact_that_means_harm_is_one_sentence(attack, directory, tmp_path) -> None:
    harm, says = ATTACKS[attack]
    refused(zoo.load, harmed(directory, tmp_path / "m", harm), says)


def test_every_door_to_the_hub_leaves_users_out(tmp_path: Path) -> None:
    """A model, its directory and the command line publish the same, whatever lies beside it."""
    secret = "nina@example.org"
    table = ratings().replace({"user": {"u01": secret}})
    model = train(data=table, epochs=1, lists="ease")
    model.extra["note"] = f"asked by {secret}"
    folder = model.save(tmp_path / "films")
    with (folder / "README.md").open("a") as card:
        card.write(f"\nThanks to {secret}.\n")
    hub, words = tmp_path / "hub", ["hub", "push", str(folder), "me/shell", "--hub"]
    places = [
        model.push("me/method", hub=hub),
        zoo.hub.push(model, "me/model", hub=hub),
        zoo.hub.push(folder, "me/folder", hub=hub),
    ]
    assert CliRunner().invoke(app, [*words, str(hub)]).exit_code == 0
    for place in [*map(Path, places), hub / "me" / "shell"]:
        files = [file for file in place.rglob("*") if file.is_file()]
        assert len(files) >= 5
        assert not [file.name for file in files if secret.encode() in file.read_bytes()]
        assert zoo.load(place, Recommender).spec.is_anonymous
    assert secret.encode() in (folder / "config.json").read_bytes()
    assert CliRunner().invoke(app, [*words, str(tmp_path / "all"), "--users"]).exit_code == 0
    assert secret.encode() in (tmp_path / "all" / "me" / "shell" / "config.json").read_bytes()
