from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.core.tiny import learner
from tests.helpers.device import run_here
from zoo.core.artifacts.own_module import save_module
from zoo.core.history import History
from zoo.core.output_places import output_file, output_folder


def test_a_files_folder_is_made(tmp_path: Path) -> None:
    place = output_file(tmp_path / "new" / "folder" / "model.onnx", usual="model.onnx")
    assert place.parent.is_dir()
    assert not place.exists()


def test_a_folder_in_a_files_place_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=r"got the folder '.*'. Try '.*/model.onnx'"):
        output_file(tmp_path, usual="model.onnx")


@pytest.mark.parametrize("below", [".", "deeper/still"])
def test_a_file_in_a_folders_place_is_one_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("x")
    folder = tmp_path / "file" / below
    for call in (
        lambda: learner(run_here(out=folder)),
        lambda: save_module(folder, torch.nn.Linear(1, 1), History()),
        lambda: output_file(folder / "model.onnx", usual="model.onnx"),
    ):
        with pytest.raises(FileExistsError, match=r"is a file\. Choose another") as caught:
            call()
        assert "Errno" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "x"


def test_what_is_neither_file_nor_folder_is_in_the_way_too() -> None:
    with pytest.raises(FileExistsError, match="where 'null' is a file"):
        output_folder(Path("/dev/null/x"))


def test_a_folder_that_takes_no_files_is_one_sentence() -> None:
    with pytest.raises(OSError, match=r"can be written to, got '/proc/model\.onnx'"):
        output_file("/proc/model.onnx", usual="model.onnx")
