from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from benchmarks.device import checkpoint, commit, corpus, suite, token_file
from benchmarks.device.__main__ import attempt_at
from benchmarks.device.cifar_network import FastNet, LookAhead, Pictures, Recipe, whitening_of
from benchmarks.device.room import CSV, Circumstances, Room, rows, statuses
from tests.stored.artifacts import FORMAT_1
from zoo.core.batches import Batch
from zoo.text.data.stream import in_memory


@pytest.fixture
def room(tmp_path: Path) -> Room:
    at = Circumstances(tmp_path, tmp_path, (), "cpu", False, "a card", "2.7", "abc")
    return Room(at, part=5, attempt=1, ends=time.time() + 20)


# ---- rows and parts ------------------------------------------------------------------------------


def test_a_row_says_whether_its_target_is_met_and_on_what_it_was_measured(room: Room) -> None:
    room.row("net", "ratio", 1.02, at_most=1.03)
    room.row("net", "accuracy", 0.93, at_least=0.94)
    first, second = rows(room.at.out / CSV)
    assert (first["target"], first["met"], first["machine"]) == ("<= 1.03", "yes", "a card")
    assert (second["met"], second["commit"], second["size"]) == ("no", "abc", "full")
    assert Room.from_json(room.to_json()) == room


def test_a_line_that_a_kill_broke_off_spoils_no_other(room: Room) -> None:
    path = room.at.out / CSV
    room.status("begun")
    with path.open("a") as file:
        file.write("5,1,half of a l")
    room.status("done")
    assert [row["value"] for row in rows(path)] == ["begun", "done"]
    assert statuses(path, "full") == {5: (1, "done")}
    assert statuses(path, "smoke") == {}


@pytest.mark.parametrize(
    ("code", "word", "reason"),
    [
        ("pass", "done", "lstm"),
        ("import sys; print('Error: no room', file=sys.stderr); sys.exit(1)", "failed", "no room"),
        ("import time; time.sleep(60)", "stopped", "at its limit"),
    ],
)
def test_a_part_ends_as_its_process_does_or_at_its_limit(
    room: Room, code: str, word: str, reason: str
) -> None:
    if word == "stopped":
        room = Room(room.at, room.part, room.attempt, ends=time.time() + 0.2)
    attempt_at(room, [sys.executable, "-S", "-c", code])
    last = list(rows(room.at.out / CSV))[-1]
    assert last["value"] == word
    assert reason in last["case"]


def test_the_report_of_the_tests_becomes_rows(room: Room, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuite><testcase classname="a" name="fails" time="1"><failure message="1 != 2"/>'
        '</testcase><testcase name="passes" time="2"/><testcase name="waits"><skipped/></testcase>'
        "</testsuite>"
    )
    suite.record(room, report)
    found = {(row["case"], row["measure"]): row["value"] for row in rows(room.at.out / CSV)}
    assert found["a::fails", "failed"] == "1 != 2"
    counts = Counter({name: int(found["suite", name]) for name in ("passed", "failed", "skipped")})
    assert counts == {"passed": 1, "failed": 1, "skipped": 1}


def test_code_that_is_not_of_the_carried_commit_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "_git", lambda *words: "")
    monkeypatch.setattr(commit, "digest", lambda: "same")
    (tmp_path / commit.FILE).write_text(json.dumps({"commit": "abc", "digest": "same"}))
    assert commit.commit([tmp_path]) == "abc"
    monkeypatch.setattr(commit, "digest", lambda: "other")
    assert commit.commit([tmp_path]) == "abc+"
    assert commit.commit() == "unknown"


# ---- texts ---------------------------------------------------------------------------------------


def test_texts_come_back_from_their_file_and_fit_into_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    documents = [rng.integers(0, 60_000, n).astype(np.int32) for n in rng.integers(1, 40, 50)]
    parts = {name: in_memory(documents) for name in ("imdb test", "wiki", "imdb unlabelled")}
    token_file.write(tmp_path / "whole.npz", ["a", "b"], corpus.fitting(parts, 10**6))
    words, read = token_file.read(tmp_path / "whole.npz")
    assert words == ("a", "b")
    for stream in read.values():
        assert [stream.document(i).tolist() for i in range(50)] == [d.tolist() for d in documents]

    room = (tmp_path / "whole.npz").stat().st_size * 2 // 3
    token_file.write(tmp_path / "part.npz", ["a", "b"], corpus.fitting(parts, room))
    _, read = token_file.read(tmp_path / "part.npz")
    assert read["imdb test"].n_documents == 50
    assert (tmp_path / "part.npz").stat().st_size < room + corpus.OVERHEAD
    assert 10 < read["wiki"].n_documents == read["imdb unlabelled"].n_documents < 40
    with pytest.raises(SystemExit, match="labelled reviews must fit"):
        corpus.fitting(parts, 100)


def test_a_checkpoint_in_pieces_is_the_model_in_half_precision(tmp_path: Path) -> None:
    model = zoo.load(FORMAT_1 / "text-lm-forward")
    checkpoint.keep(model, tmp_path, tmp_path, piece=4_000)
    assert len(list(tmp_path.glob(checkpoint.PIECES))) > 1
    again = zoo.load(checkpoint.restored(tmp_path, tmp_path / "model"))
    assert again.metrics == model.metrics
    weights = again.members[0].state_dict()
    for name, before in model.members[0].state_dict().items():
        torch.testing.assert_close(weights[name], before, rtol=1e-3, atol=1e-6)


# ---- CIFAR-10 ------------------------------------------------------------------------------------


def pictures(n: int = 6) -> tuple[torch.Tensor, Pictures]:
    pixels = torch.randint(256, (n, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    mean, std = torch.full((3,), 128.0), torch.full((3,), 64.0)
    return (pixels - 128) / 64, Pictures(pixels.to(torch.uint8), mean, std, dtype=torch.float32)


def test_pictures_are_moved_by_two_pixels_at_most_and_mirrored_in_turn() -> None:
    plain, varied = pictures()
    around = torch.nn.functional.pad(plain, (2, 2, 2, 2), mode="reflect")
    numbers = torch.tensor([3, 1, 4])
    first = {}
    for epoch in range(2):
        fit: Any = SimpleNamespace(step=epoch, epoch=epoch)
        found = varied.batch(fit, Batch((numbers,), numbers)).inputs[0]
        for i, picture in zip(numbers.tolist(), found, strict=True):
            moves = {
                (down, right, mirrored): cut.flip(2) if mirrored else cut
                for down in range(5)
                for right in range(5)
                for cut in (around[i, :, down : down + 32, right : right + 32],)
                for mirrored in (False, True)
            }
            is_mirrored = [key[2] for key, cut in moves.items() if torch.equal(cut, picture)]
            assert len(is_mirrored) == 1
            assert is_mirrored[0] != first.setdefault(i, not is_mirrored[0]) or epoch == 0
            first[i] = is_mirrored[0]


def test_views_count_as_one_and_begin_with_the_picture() -> None:
    plain, varied = pictures()
    views = varied.views()
    assert sum(share for share, _ in views) == 1
    assert torch.equal(views[0][1], plain)
    assert torch.equal(views[3][1], views[2][1].flip(3))


def test_whitened_patches_are_uncorrelated_with_one_variance() -> None:
    plain, _ = pictures(40)
    out = torch.nn.functional.conv2d(plain, whitening_of(plain)).permute(1, 0, 2, 3).flatten(1)
    assert torch.equal(out[:12], -out[12:])
    covariance = out[:12] @ out[:12].T / out.shape[1]
    torch.testing.assert_close(covariance, torch.eye(12), rtol=0, atol=2e-2)


def test_the_network_begins_with_copies_and_decays_all_weights_alike() -> None:
    plain, _ = pictures()
    network = FastNet(whitening_of(plain), widths=(32, 32))
    x = torch.randn(2, 24, 5, 5)
    torch.testing.assert_close(network.blocks[0].first(x)[:, :24], x)  # type: ignore[operator]
    assert network(plain).shape == (6, 10)
    recipe = Recipe()
    groups = [{"params": [torch.zeros(1)], "max_lr": rate} for rate in recipe.rates]
    decays = [
        group["weight_decay"] * group["max_lr"] for group in recipe.optimizer(groups).param_groups
    ]
    assert decays == pytest.approx([recipe.decay] * 2)
    factors = [recipe.schedule(step, [50, 50]).rate for step in (0, 23, 99)]
    assert factors == pytest.approx([0.2, 1.0, 0.082], abs=1e-3)


def test_looking_ahead_mixes_with_earlier_weights_ever_more() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    ahead = LookAhead(every=2, decay=0.5)
    fit: Any = SimpleNamespace(model=model, steps=[5], step=0)
    model.weight.data.fill_(0.0)
    ahead.fit_start(fit)
    found = []
    for fit.step in range(1, 6):
        model.weight.data += 1.0
        ahead.step_end(fit)
        found.append(model.weight.item())
    second = 2 * (1 - 0.25 * 0.4**3)  # the average was 0
    fourth = second + 2 * (1 - 0.25 * 0.8**3)
    last = fourth + 0.75  # the last step counts, whatever its number
    assert found == pytest.approx([1, second, second + 1, fourth, last])
