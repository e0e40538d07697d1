"""A classifier on an encoder as an ONNX file, read by programs that know neither torch nor us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import zoo_runtime

import zoo
from tests.text.encoders import write_encoder
from tests.text.small import RUN, finetune, reviews, train_lm

COLUMNS: dict[str, Any] = {"text": "review", "label": "liked"}


def test_onnxruntime_says_what_the_model_says(tmp_path: Path) -> None:
    for module in ("onnx", "onnxscript"):
        pytest.importorskip(module, reason="pip install 'transfer-zoo[onnx]'")
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'transfer-zoo[onnx]'")
    folder = write_encoder(tmp_path / "tiny")
    options: dict[str, Any] = {**COLUMNS, "epochs": 0, "rivals": False, "run": RUN}
    model = zoo.text.finetune(folder, reviews(40), **options)
    path = model.export(tmp_path / "liked.onnx")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "liked.tokenizer.json"))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["labels"]) == ["no", "yes"]
    most = json.loads(facts["max_tokens"])
    texts = ["the warm film.", "a", "I found the cast dull: " * 3, "we found it great"]
    beginning = " ".join(["warm"] * (most - 2))
    for some in (texts, texts[:1], [beginning]):
        expected = np.array([list(one.probabilities.values()) for one in model.predict(some)])
        said = answers(session, tokenizer, some)
        assert np.abs(said - expected).max() < 1e-4
    assert np.array_equal(answers(session, tokenizer, [beginning + " dull" * 9]), said)
    long = [beginning + " dull" * 99, ".", "SO \ud83d warm"]  # several windows, half a letter
    alone: Any = zoo_runtime.load(path)
    for one, other in zip(model.predict(long), alone.predict(long), strict=True):
        assert other.probabilities == pytest.approx(one.probabilities, abs=1e-4)


def answers(session: Any, tokenizer: tokenizers.Tokenizer, texts: list[str]) -> Any:
    found = tokenizer.encode_batch(texts)
    inputs = {
        "input_ids": np.array([one.ids for one in found]),
        "attention_mask": np.array([one.attention_mask for one in found]),
        "texts": np.arange(len(found)),
    }
    (said,) = session.run(["probabilities"], inputs)
    return said


def test_what_is_no_network_on_an_encoder_is_refused(tmp_path: Path) -> None:
    blended = zoo.text.finetune(
        write_encoder(tmp_path / "tiny"), reviews(60), **COLUMNS, epochs=0, run=RUN
    )
    assert blended.blend is not None
    with pytest.raises(
        NotImplementedError, match=r"got a TextClassifier in which bags .* share of"
    ):
        blended.export(tmp_path / "blended.onnx")
    words = finetune(train_lm(reviews(40)["review"], epochs=1), reviews(40), epochs=1)
    with pytest.raises(NotImplementedError, match="got a TextClassifier that reads words"):
        words.export(tmp_path / "words.onnx")
    assert [*tmp_path.glob("*.onnx")] == []
    near = words.similar("the zebra found it warm", 2, among=reviews(6)["review"])  # a new word
    vectors = words.embed(reviews(6)["review"])
    one = words.embed("the zebra found it warm")[0]
    cosines = vectors @ one / np.linalg.norm(vectors, axis=1) / np.linalg.norm(one)
    assert near.index.tolist() == np.argsort(-cosines)[:2].tolist()
    assert near["similarity"].to_list() == pytest.approx(sorted(cosines)[::-1][:2], abs=1e-6)
