"""A classifier on an encoder, fine-tuned by two processes as torchrun starts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

import zoo
from tests.core.test_processes import by_torchrun
from tests.text.encoders import write_encoder
from tests.text.small import reviews
from zoo.core.run import Run, rank_and_world

DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")


def both(folder: str) -> None:
    """Fine-tune beside what the folder holds; the first process writes the weights and scores."""
    model = zoo.text.finetune(
        Path(folder, "encoder"), reviews(41), text="review", label="liked", epochs=2, lr=1e-3,
        batch_size=6, folds=2, rivals=False,
        run=Run(out=f"{folder}/run", cache=Path(folder, "cache"), device="cpu", progress=False),
    )  # fmt: skip
    rank, world = rank_and_world()
    if rank == 0:
        save_file(model.members[0].state_dict(), Path(folder, f"{world}.safetensors"))
        Path(folder, f"{world}.json").write_text(json.dumps(model.metrics))


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one(tmp_path: Path) -> None:
    for name in ("1", "2"):
        encoder = write_encoder(tmp_path / name / "encoder")
        config = json.loads((encoder / "config.json").read_text())
        no_chance = dict.fromkeys(DROPOUTS, 0.0)  # each process would draw its own
        (encoder / "config.json").write_text(json.dumps(config | no_chance))
    both(str(tmp_path / "1"))
    by_torchrun(tmp_path / "2", __name__)
    one, two = load_file(tmp_path / "1/1.safetensors"), load_file(tmp_path / "2/2.safetensors")
    assert one.keys() == two.keys()
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 5e-5  # of 1e-3 a step
    scores = [json.loads((tmp_path / name).read_text()) for name in ("1/1.json", "2/2.json")]
    assert scores[1] == pytest.approx(scores[0], abs=1e-5)
