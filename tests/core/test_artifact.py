from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.core.tiny import Net, same, weights
from tests.helpers.harm import changed, harmed, pickled, refused, saved_by_torch, truncated
from zoo.core.artifacts import artifact
from zoo.core.artifacts.card import render
from zoo.core.artifacts.own_module import save_module
from zoo.core.config import ArtifactError, Config
from zoo.core.contents import content_hashes
from zoo.core.history import History
from zoo.core.lock import FolderLock
from zoo.core.seen_rows import SeenRows

CONFIG = Config("vision", "classification", {"name": "net", "args": {}}, {"labels": ["a", "b"]})


def save(folder: Path, **changes) -> Path:
    history = History([{"epoch": 0, "train_loss": 1.25, "valid_loss": 0.5}])
    config = Config(**{**vars(CONFIG), **changes})
    return artifact.write(folder, config, [Net().state_dict()], history, "# card\n")


def test_what_is_written_reads_back(tmp_path) -> None:
    net = Net()
    history = History([{"epoch": 0, "train_loss": 1.25}, {"epoch": 1, "train_loss": 0.1, "f1": 1}])
    artifact.write(tmp_path / "a", CONFIG, [net.state_dict()], history, "# card\n")
    back = artifact.read(tmp_path / "a")
    files = ["model.safetensors", "README.md", "history.csv"]
    assert back.config == replace(CONFIG, files=files)
    assert same(back.weights[0], weights(net))
    assert back.history.rows == history.rows
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "config.json",
        "model.safetensors",
        "README.md",
        "history.csv",
    }


def test_unknown_fields_are_kept(tmp_path) -> None:
    folder = save(tmp_path / "a", extra={"from_the_future": {"x": 1}})
    config = artifact.read_config(folder)
    assert config.extra == {"from_the_future": {"x": 1}}
    again = artifact.write(tmp_path / "b", config, [Net().state_dict()], History(), "")
    assert json.loads((again / "config.json").read_text())["from_the_future"] == {"x": 1}


def test_an_artifact_may_be_replaced_but_nothing_else(tmp_path) -> None:
    save(tmp_path / "a")
    (tmp_path / "a" / "notes.txt").write_text("mine")
    with pytest.warns(UserWarning, match=r"'a' holds an earlier model \(vision, classification\)"):
        save(tmp_path / "a", licence="mit")
    assert artifact.read_config(tmp_path / "a").licence == "mit"
    assert (tmp_path / "a" / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "dog.jpg").write_bytes(b"")
    with pytest.raises(FileExistsError, match=r"photos', which holds other files"):
        save(tmp_path / "photos")


@pytest.mark.parametrize(
    "config",
    ['{"architectures": ["BertModel"], "model_type": "bert"}', "[1, 2]", '{"format": 1, "domain"'],
)
def test_another_librarys_model_is_not_replaced(config: str, tmp_path) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    for name, content in {
        "config.json": config,
        "model.safetensors": "w",
        "README.md": "r",
    }.items():
        (folder / name).write_text(content)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    with pytest.raises(FileExistsError, match=r"got .*bert', which holds other files"):
        save(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_an_artifact_names_its_files_and_what_no_longer_belongs_is_removed(tmp_path) -> None:
    both = replace(CONFIG, members=["model.safetensors", "model-2.safetensors"])
    seen = SeenRows.of(content_hashes("abc"))
    folder = artifact.write(
        tmp_path / "a", both, [Net().state_dict()] * 2, History(), "", seen_rows=seen
    )
    for name in ("card.json", "SHA256SUMS", "training-finished.json", "mine.safetensors"):
        (folder / name).write_text("{}")
    back = artifact.read(folder)
    assert back.seen_rows is not None
    assert back.seen_rows.share(content_hashes("ax")) == 0.5
    assert set(back.config.files) == {
        "model.safetensors",
        "model-2.safetensors",
        "README.md",
        "history.csv",
        "trained-on.safetensors",
    }
    with pytest.warns(UserWarning, match="an earlier model"):
        save(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "config.json",
        "history.csv",
        "mine.safetensors",
        "model.safetensors",
    ]


class KilledError(BaseException):
    pass


@pytest.mark.parametrize("moment", range(6))
def test_a_save_that_is_killed_leaves_one_whole_model(moment: int, tmp_path, monkeypatch) -> None:
    folder = save(tmp_path / "a", licence="mit")
    old, new = Net().state_dict(), Net().state_dict()
    with pytest.warns(UserWarning, match="an earlier model"):
        artifact.write(folder, replace(CONFIG, licence="mit"), [old], History(), "")
    moves = iter(range(6))

    def killed(move):
        def maybe(self, target):
            if next(moves) == moment:
                raise KilledError
            return move(self, target)

        return maybe

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed(Path.rename))
        patch.setattr(Path, "replace", killed(Path.replace))
        with pytest.warns(UserWarning, match="an earlier model"):  # noqa: PT031
            try:
                artifact.write(folder, replace(CONFIG, licence="gpl"), [new], History(), "")
            except KilledError:
                assert moment < 5
    back = artifact.read(folder)
    assert back.config.licence == ("mit" if moment == 0 else "gpl")
    assert same(back.weights[0], old if moment == 0 else new)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_two_processes_do_not_save_into_one_folder(tmp_path) -> None:
    folder = save(tmp_path / "a")
    program = (
        "import sys, time; from pathlib import Path\n"
        "from zoo.core.lock import FolderLock\n"
        "lock = FolderLock.of(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.warns(UserWarning, match="an earlier model"),
            pytest.raises(FileExistsError, match="one run at a time, got 'a', which another"),
        ):
            save(folder, licence="gpl")
        holder.kill()
    assert artifact.read_config(folder).licence == "unknown"
    with pytest.warns(UserWarning, match="an earlier model"):
        save(folder, licence="gpl")


def test_a_forked_process_does_not_keep_its_parents_lock(tmp_path) -> None:
    lock = FolderLock.of(tmp_path)
    fork = multiprocessing.get_context("fork")
    is_up = fork.Event()
    child = fork.Process(target=lambda: (is_up.set(), time.sleep(60)))
    child.start()
    assert is_up.wait(60)
    with pytest.raises(FileExistsError):
        _lock_anew(tmp_path)
    del lock  # the child lives on
    _lock_anew(tmp_path)
    child.kill()


def _lock_anew(folder: Path) -> None:
    """Lock a folder as another process would."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FileExistsError from error
    finally:
        os.close(descriptor)


def test_numpys_numbers_are_stored_and_what_json_does_not_keep_is_refused(tmp_path) -> None:
    numbers = {"seed": np.int64(3), "lr": np.float32(0.5), "flag": np.bool_(True)}
    folder = save(tmp_path / "a", training=numbers, metrics={"loss": 1.0, "f1": float("nan")})
    config = artifact.read_config(folder)
    assert config.training == {"seed": 3, "lr": 0.5, "flag": True}
    assert config.metrics == {"loss": 1.0}
    for value in (uuid.uuid4(), {1, 2}, float("nan"), b"x"):
        with pytest.raises(ValueError, match="must be stored as JSON, got settings or labels"):
            save(tmp_path / "b", spec={"labels": [value]})
    assert not (tmp_path / "b").exists()


def test_the_weights_of_an_artifact_that_is_replaced_are_gone(tmp_path) -> None:
    both = replace(CONFIG, members=["model.safetensors", "model-2.safetensors"])
    artifact.write(tmp_path / "a", both, [Net().state_dict()] * 2, History(), "")
    with pytest.warns(UserWarning, match="an earlier model"):
        save(tmp_path / "a")
    assert [path.name for path in (tmp_path / "a").glob("*.safetensors")] == ["model.safetensors"]


def test_a_write_that_fails_leaves_the_old_artifact(tmp_path, monkeypatch) -> None:
    save(tmp_path / "a", licence="mit")

    def full(*args, **kwargs) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifact, "save_file", full)
    with (
        pytest.warns(UserWarning, match="an earlier model"),
        pytest.raises(OSError, match=r"needs room and permission .* No space left on device"),
    ):
        save(tmp_path / "a", licence="gpl")
    assert artifact.read_config(tmp_path / "a").licence == "mit"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def header_bomb(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((2**62).to_bytes(8, "little") + b"{}")


def fifo(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")  # whoever opens it waits for ever


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (pickled, "'model.safetensors', which is not"),
        (saved_by_torch, "'model.safetensors', which is not"),
        (truncated, "'model.safetensors', which is not"),
        (header_bomb, "'model.safetensors', which is not"),
        (no_weights, "'model.safetensors', which is not"),
        (changed(format=99), "format=99"),
        (changed(format="1"), "format='1'"),
        (changed(members=["../../secret.safetensors"]), r"got '\.\./\.\./secret\.safetensors'"),
        (changed(members=["model.bin"]), r"got \['model\.bin'\]"),
        (changed(members=["a\\..\\model.safetensors"]), r"got 'a\\.*with '\\\\' in it"),
        (
            changed(members=["model.safetensors", "Model.safetensors"]),
            "got 'model.safetensors' and 'Model.saf",
        ),
        (changed(files=["../README.md"]), r"got '\.\./README\.md'"),
        (changed(files=[3]), r"files\[0\]=3 \(text"),
        (fifo, "must be a JSON object"),
        (changed(members=[]), r"safetensors files, got \[\]"),
        (changed(model="net", spec=None), r"model='net' \(an object\); spec=None \(an object"),
        (lambda f: (f / "config.json").write_text("[" * 100_000), "must be a JSON object"),
        (lambda f: (f / "config.json").write_text("[]"), "must be a JSON object"),
        (lambda f: (f / "config.json").write_bytes(b"\xff\xfe"), "must be a JSON object"),
        (lambda f: (f / "config.json").unlink(), "has none"),
        (lambda f: (f / "history.csv").write_text("epoch\nabc"), "hold numbers"),
    ],
)
def test_a_harmed_artifact_is_refused_and_nothing_runs(harm, said, tmp_path) -> None:
    refused(artifact.read, harmed(save(tmp_path / "a"), tmp_path / "b", harm), said)


def test_weights_of_another_shape_are_refused(tmp_path) -> None:
    folder = save(tmp_path / "a")
    tensors = Net().state_dict()
    tensors["head.1.weight"] = torch.zeros(4, 16)
    tensors["extra"] = torch.zeros(1)
    del tensors["first.bias"]
    save_file(tensors, folder / "model.safetensors")
    net = Net()
    before = weights(net)
    with pytest.raises(ArtifactError, match=r"'first\.bias' is missing.*3 such in all"):
        artifact.load_weights(net, artifact.read(folder).weights[0])
    assert same(before, weights(net))


def test_the_card_parses_as_the_hub_reads_it() -> None:
    from huggingface_hub import ModelCard

    config = Config(**{**vars(CONFIG), "licence": "apache-2.0", "metrics": {"accuracy": 0.95}})
    text = render(config, load_example='zoo.load("a").predict("x.jpg")')
    card = ModelCard(text, ignore_metadata_errors=False)
    assert card.data.license == "apache-2.0"
    assert card.data.pipeline_tag == "image-classification"
    assert "| accuracy | 0.95 |" in text
    for task in ("multi-label", "regression"):
        one = Config(**{**vars(CONFIG), "domain": "text", "task": task})
        tag = ModelCard(render(one, load_example="")).data.pipeline_tag
        assert tag == "text-classification"


def test_matrices_stored_in_half_precision_load_into_the_models_own(tmp_path) -> None:
    net = Net()
    halves = artifact.halved(net.state_dict())
    assert {name for name, half in halves.items() if half.dtype == torch.float16} == {
        name for name, tensor in net.state_dict().items() if tensor.dim() > 1
    }
    artifact.write(tmp_path / "a", CONFIG, [halves], History(), "")
    other = Net()
    artifact.load_weights(other, artifact.read(tmp_path / "a").weights[0])
    for name, tensor in other.state_dict().items():
        assert tensor.dtype == net.state_dict()[name].dtype
        torch.testing.assert_close(tensor, net.state_dict()[name], rtol=1e-3, atol=1e-6)
    with pytest.raises(ValueError, match="got a larger one in 'wide'"):
        artifact.halved({"wide": torch.full((2, 2), 1e5)})


def test_weights_that_are_no_numbers_are_refused_before_they_are_saved(tmp_path) -> None:
    net = Net()
    with torch.no_grad():
        net.first.bias[0] = float("nan")
    with pytest.raises(ArtifactError, match=r"finite numbers, got others in 'first\.bias'"):
        save_module(tmp_path / "a", net, History())
    assert not (tmp_path / "a").exists()


def test_an_error_in_building_is_told_by_its_first_line() -> None:
    with pytest.raises(ArtifactError, match=r"a net .* got another \(too wide\)"):  # noqa: SIM117
        with artifact.built("a net"):
            raise RuntimeError("too wide\nand a page of details")
