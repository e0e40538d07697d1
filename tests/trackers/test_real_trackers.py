"""Trackio, Weights & Biases and MLflow themselves, writing to a folder and sending nothing.

They need their packages: pip install 'transfer-zoo[trackers]'
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tabular.small import table

pytestmark = pytest.mark.slow

QUIET = {
    "DO_NOT_TRACK": "true",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_MODE": "offline",
}
KILLED = """
import sys
from tests.helpers.device import run_here
from tests.tabular.small import train

class Crash:
    def epoch_end(self, fit):
        if fit.row["epoch"] == 1 and sys.argv[2] == "killed":
            raise RuntimeError("killed")

run = run_here(out="shop", resume=sys.argv[2] != "killed")
print(train(epochs=3, track=sys.argv[1], callbacks=[Crash()], run=run).metrics["accuracy"])
"""
READ = {
    "trackio": """
from trackio.sqlite_storage import SQLiteStorage as storage
runs = storage.get_runs("zoo")
rows = storage.get_logs("zoo", runs[0])
losses = [row["valid_loss"] for row in rows if "valid_loss" in row]
final = rows[-1]["final/accuracy"]
config = storage.get_run_config("zoo", runs[0])
pictures = [row["history"]["file_path"] for row in rows if "history" in row]
""",
    "mlflow": """
import mlflow
client = mlflow.MlflowClient()
runs = client.search_runs([client.get_experiment_by_name("zoo").experiment_id])
own = runs[0].info.run_id
losses = [one.value for one in client.get_metric_history(own, "valid_loss")]
final, config = runs[0].data.metrics["final/accuracy"], runs[0].data.params
pictures = [one.path for one in client.list_artifacts(own)]
assert runs[0].info.status == "FINISHED"
""",
    "wandb": """
import json
import struct
from pathlib import Path
from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32768  # of LevelDB's log format, behind a header of seven bytes

def records(file):
    content, at, whole = file.read_bytes(), 7, b""
    while at + 7 <= len(content):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        length, kind = struct.unpack("<HB", content[at + 4 : at + 7])
        whole = (b"" if kind in (1, 2) else whole) + content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            record = Record()
            record.ParseFromString(whole)
            yield record

def number(items, name):
    found = (one.value_json for one in items if name in (one.key, "/".join(one.nested_key)))
    return next(map(json.loads, found), None)

losses, config, final, runs = [], {}, None, set()
files = sorted(Path("wandb").glob("offline-run-*/*.wandb"), key=lambda file: file.stat().st_mtime)
for record in (record for file in files for record in records(file)):
    if record.HasField("run"):
        runs.add(record.run.run_id)
        config |= {one.key: json.loads(one.value_json) for one in record.run.config.update}
    loss = number(record.history.item, "valid_loss")
    said = number(record.summary.update, "final/accuracy")
    losses += [] if loss is None else [loss]
    final = final if said is None else said
pictures, runs = [*Path("wandb").glob("offline-run-*/files/media/images/*.png")], [*runs]
pictures = [*map(str, pictures)]
""",
}
SAY = """
import json
print(json.dumps([len(runs), losses, final, str(config["batch_size"]), len(pictures)]))
"""


def python(folder: Path, *arguments: str, fails: bool = False) -> str:
    """What a process says that sends nothing; its trackers write to the folder."""
    root = str(Path(__file__).parents[2])
    own = {"PYTHONPATH": root, "TRACKIO_DIR": str(folder / "trackio")}
    environment = {**os.environ, **QUIET, **own}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout


def require(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip("pip install 'transfer-zoo[trackers]'")


@pytest.mark.parametrize("name", READ)
def test_a_killed_and_resumed_training_is_one_run(name: str, tmp_path: Path) -> None:
    require(name)
    python(tmp_path, "-c", KILLED, name, "killed", fails=True)
    accuracy = float(python(tmp_path, "-c", KILLED, name, "resumed"))
    said = python(tmp_path, "-c", READ[name] + SAY).splitlines()[-1]
    n_runs, losses, final, batch_size, n_pictures = json.loads(said)
    history = (tmp_path / "shop" / "history.csv").read_text().splitlines()
    column = history[0].split(",").index("valid_loss")
    assert n_runs == 1
    assert losses == pytest.approx([float(row.split(",")[column]) for row in history[1:]])
    assert final == pytest.approx(accuracy)
    assert (batch_size, n_pictures) == ("32", 1)


def test_the_command_has_an_option_for_them(tmp_path: Path) -> None:
    require(name := "trackio")
    table(80).drop(columns="amount").to_csv(tmp_path / "shop.csv", index=False)
    options = (
        "--target",
        "bought",
        "--epochs",
        "1",
        "--out",
        "shop",
        "--batch-size",
        "32",
        "--track",
        name,
        "--json",
    )
    said = python(tmp_path, "-m", "zoo", "tabular", "train", "shop.csv", *options)
    model: dict[str, Any] = json.loads(said)  # whatever the tracker has to say goes elsewhere
    read = python(tmp_path, "-c", READ[name] + SAY).splitlines()[-1]
    assert json.loads(read)[2] == pytest.approx(model["metrics"]["accuracy"])
