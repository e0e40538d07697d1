from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import zoo.hub
from tests.collab import small as collab
from tests.helpers.device import run_here
from tests.tabular import small as tabular

SECRET = "hf_" + "a1B2" * 9


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tabular.train(epochs=1).save(tmp_path_factory.mktemp("saved") / "shop")
    return folder


@pytest.fixture
def shop(saved: Path, tmp_path: Path) -> Path:
    return shutil.copytree(saved, tmp_path / "work" / "shop")


def change(folder: Path, **fields: Any) -> None:
    """Change what config.json says."""
    tree = json.loads((folder / "config.json").read_text())
    for name, value in fields.items():
        tree[name] = tree[name] | value if isinstance(value, dict) else value
    (folder / "config.json").write_text(json.dumps(tree))


def sent(folder: Path, hub: Path) -> dict[str, bytes]:
    place = Path(zoo.hub.push(folder, "me/shop", hub=hub))
    files = (path for path in place.rglob("*") if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


def test_what_else_lies_in_the_folder_is_not_published(shop: Path, tmp_path: Path) -> None:
    others = (
        *("training-state.safetensors", "training-finished.json", "old.safetensors", "notes.txt"),
        *("model-2.safetensors", "customers.png", "data.csv", "other.json", ".secret.png"),
        *("full/config.json", "full/model.safetensors", "photos/private.png"),
        *(".eval_results/deep/a.yaml", ".eval_results/a.csv", ".git/config.json"),
    )
    for name in others:
        (shop / name).parent.mkdir(parents=True, exist_ok=True)
        (shop / name).write_bytes(b"mine")
    (shop / ".eval_results" / "scores.yaml").write_text("- value: 1\n")
    (shop / "curve.png").write_bytes(b"shown")
    with (shop / "README.md").open("a") as card:
        card.write("\n![Losses](curve.png)\n![Private](photos/private.png)\n")
    own = {"README.md", "SHA256SUMS", "config.json", "history.csv", "model.safetensors"}
    own |= {"familiar.safetensors"}  # statistics of all rows together
    assert set(sent(shop, tmp_path / "hub")) == own | {"curve.png", ".eval_results/scores.yaml"}


def test_an_artifact_of_an_earlier_version_publishes_what_it_wrote(
    shop: Path, tmp_path: Path
) -> None:
    tree = json.loads((shop / "config.json").read_text())
    del tree["files"]
    (shop / "config.json").write_text(json.dumps(tree))
    (shop / "other.safetensors").write_bytes(b"mine")
    own = {"README.md", "SHA256SUMS", "config.json", "history.csv", "model.safetensors"}
    assert set(sent(shop, tmp_path)) == own


def test_a_dry_run_names_files_and_bytes_and_sends_nothing(shop: Path, tmp_path: Path) -> None:
    files = zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub", dry_run=True)
    assert not (tmp_path / "hub").exists()
    assert files["model.safetensors"] == (shop / "model.safetensors").stat().st_size
    assert set(files) == set(sent(shop, tmp_path / "hub"))


def test_folders_of_this_machine_are_not_published(shop: Path, tmp_path: Path) -> None:
    place = "/home/somebody/secret|project/pets"
    change(shop, data=place, training={"pretrained": place, "valid": ["~/x/valid.csv", 3]})
    with (shop / "README.md").open("a") as card:
        card.write(f"\n| pretrained | {place} |\n| valid | ~/x/valid.csv |\n")
    files = sent(shop, tmp_path)
    for name in ("config.json", "README.md"):
        assert b"somebody" not in files[name]
        assert b"~/x" not in files[name]
    tree = json.loads(files["config.json"])
    assert (tree["data"], tree["training"]["pretrained"]) == ("pets", "pets")
    assert tree["training"]["valid"] == ["valid.csv", 3]
    assert zoo.load(zoo.hub.pull("me/shop", hub=tmp_path)).training["pretrained"] == "pets"


@pytest.mark.parametrize("file", ["config.json", "README.md"])
def test_an_access_token_is_never_published_nor_shown(
    shop: Path, tmp_path: Path, file: str
) -> None:
    if file == "config.json":
        change(shop, training={"note": f"token={SECRET}"})
    else:
        (shop / file).write_text(f"# Shop\n{SECRET}\n")
    with pytest.raises(ValueError, match=rf"no access token, got one in '{file}'") as caught:
        zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub")
    assert SECRET not in str(caught.value)


def test_the_card_of_a_recommender_names_none_of_its_users(tmp_path: Path) -> None:
    ratings = collab.ratings()
    model = zoo.collab.train(
        ratings.assign(user=[f"private-{user}" for user in ratings["user"]]),
        epochs=1,
        run=run_here(),
    )
    card = (model.save(tmp_path / "films") / "README.md").read_text()
    assert "private-" not in card


def test_an_interrupted_training_is_published_with_a_warning(shop: Path, tmp_path: Path) -> None:
    change(shop, training={"interrupted": "after 13 of 80 epochs"})
    with pytest.warns(UserWarning, match=r"interrupted \(after 13 of 80 epochs\)"):
        zoo.hub.push(shop, "me/shop", hub=tmp_path)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "longer", "other"])
def test_weights_that_cannot_be_loaded_are_neither_published_nor_fetched(
    shop: Path, tmp_path: Path, damage: str
) -> None:
    place = Path(zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub"))
    weights = (shop / "model.safetensors").read_bytes()
    films = collab.train(epochs=1).save(tmp_path / "films")
    broken = {
        "cut": weights[:3000],
        "empty": b"",
        "text": b"version https://git-lfs.github.com/spec/v1\n",
        "longer": weights + b"x",
        "other": (films / "model.safetensors").read_bytes(),
    }[damage]
    (shop / "model.safetensors").write_bytes(broken)
    for dry_run in (True, False):
        with pytest.raises(ValueError, match=r"weights must (be a whole|fit)") as caught:
            zoo.hub.push(shop, "me/again", hub=tmp_path / "hub", dry_run=dry_run)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "hub" / "me" / "again").exists()
    if damage != "other":  # only loading tells whether weights fit
        (place / "model.safetensors").write_bytes(broken)
        (place / "SHA256SUMS").unlink()
        with pytest.raises(ValueError, match=r"'me/shop' is not a whole model: weights must"):
            zoo.hub.pull("me/shop", hub=tmp_path / "hub")


def test_weights_that_change_while_they_are_sent_are_not_published(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copyfile

    def changed(source: Path, target: Path) -> Path:
        if source.name == "model.safetensors":
            source.write_bytes(source.read_bytes()[:-1] + b"\x01")
        return Path(copy(source, target))

    monkeypatch.setattr("zoo.hub.local_hub.shutil.copyfile", changed)
    with pytest.raises(ValueError, match=r"must stay as it is .*'model.safetensors'"):
        zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub")
    assert [path for path in (tmp_path / "hub" / "me").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("act", ["pull", "push"])
def test_a_push_that_was_killed_between_its_renames_loses_nothing(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    place = Path(zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub"))

    def killed(new: Path, target: Path, old: Path) -> None:
        target.rename(old)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("zoo.hub.local_hub._exchange", killed)
        patch.setattr("zoo.hub.local_hub.shutil.rmtree", lambda *args, **kwargs: None)
        with pytest.raises(KeyboardInterrupt):
            zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub")
    assert not place.exists()
    if act == "push":
        zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub")
    assert zoo.hub.pull("me/shop", hub=tmp_path / "hub") == place
