"""Encoders of other libraries come from the hub by an allow-list, and then from the cache."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.text.encoders import write_encoder
from zoo.text.encoder_files import encoder_of
from zoo.text.models.encoder import EncoderNet

from .server import Hub

OTHERS = {
    "pytorch_model.bin": b"\x80\x04.",
    "modeling_own.py": b"import os",
    "onnx/model.onnx": b"",
    "README.md": b"---\nlicense: mit\n---\n",
}


@pytest.fixture
def files(hub: Hub, tmp_path: Path) -> dict[str, bytes]:
    folder = write_encoder(tmp_path / "encoder")
    paths = (path for path in folder.rglob("*") if path.is_file())
    own = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    hub.repositories["someone/encoder"] = own | OTHERS
    return own


def test_an_encoder_comes_by_name_without_code_and_is_kept(
    hub: Hub, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = encoder_of("hf/someone/encoder")
    fetched = [path for path in encoder.folder.rglob("*") if path.is_file()]
    names = {path.relative_to(encoder.folder).as_posix() for path in fetched}
    assert names == {*files, "README.md"}
    assert (repr(encoder), encoder.licence) == ("hf/someone/encoder", "mit")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    again = encoder_of("hf/someone/encoder")
    network = EncoderNet(n_classes=2, **again.arguments)
    again.load_into(network)
    weights = network.encoder.get_input_embeddings().weight
    assert isinstance(weights, torch.Tensor)
    assert weights.isfinite().all()


def test_a_wrong_byte_of_an_encoder_is_refused(hub: Hub, files: dict[str, bytes]) -> None:
    wrong = bytearray(files["model.safetensors"])
    wrong[-1] ^= 1
    hub.damaged["model.safetensors"] = bytes(wrong)
    with pytest.raises(ValueError, match=r"'someone/encoder' is not .*wrong=\{'model.safetensors'"):
        encoder_of("hf/someone/encoder")


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("hf/someone/nothing", FileNotFoundError, "name='someone/nothing', which does not exist"),
        ("hf/encoder", ValueError, "got name='encoder'"),
        ("hf/../encoder", ValueError, "got name='../encoder'"),
    ],
)
def test_a_name_of_no_encoder_is_one_sentence(
    hub: Hub, name: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        encoder_of(name)
