"""Pairs of texts: an encoder reads both in its own frame as transformers does; words are joined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import processors
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner

import zoo
from tests.text.encoders import FAMILIES, config, tokenizer, write_encoder
from tests.text.small import BAD, GOOD, RUN, THINGS
from zoo.cli.app import app
from zoo.core.checked import format_of
from zoo.core.trust.folds import Fold
from zoo.text import TextClassifier
from zoo.text.classification.explain import parts_of
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.labelled import read
from zoo.text.data.parts import parts
from zoo.text.data.stream import in_memory
from zoo.text.models.encoder import EncoderNet
from zoo.text.spec import PieceSpec, Spec

COLUMNS: dict[str, Any] = {"text": ("question", "answer"), "label": "fits"}
PAIRS = [
    ("I found the film", "the film great"),
    ("the cast " * 30, "warm"),
    ("warm", "the story " * 30),
    ("the cast " * 30, "the film dull " * 30),
    ("", "great"),
]
FRAMES: dict[str, Any] = {
    "bert": tokenizer().post_processor,
    "roberta": processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2)),
    "template": processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    ),
}


def asked(n: int = 60, seed: int = 0) -> pd.DataFrame:
    """Questions for a thing, and answers that speak of it or of another."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        own, other = rng.choice(THINGS, 2, replace=False)
        said = rng.choice([*GOOD, *BAD])
        rows.append(
            (
                f"I found the {own} {i + seed}",
                f"the {(own, other)[i % 2]} {said}",
                "no" if i % 2 else "yes",
            )
        )
    return pd.DataFrame(rows, columns=["question", "answer", "fits"])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("frame", FRAMES)
@torch.no_grad()
def test_an_encoder_reads_a_pair_as_transformers_does(family: str, frame: str) -> None:
    own = tokenizer()
    own.post_processor = FRAMES[frame]
    spec = PieceSpec(own.to_str(), classes=("a", "b"), n_texts=2)
    torch.manual_seed(0)
    pad = FAMILIES[family]["pad_token_id"]
    net = EncoderNet(
        config=config(family), n_classes=2, max_tokens=21, pad=pad, pair=spec.pieces.pair_frame()
    ).eval()
    theirs = PreTrainedTokenizerFast(tokenizer_object=own, pad_token="[PAD]")
    batches = DocumentBatches(in_memory(spec.numbered(PAIRS)), np.zeros(len(PAIRS)), shuffle=False)
    (batch,) = batches.epoch(0)
    found = net.pooled(*batch.inputs)[batches.places()]
    for row, pair in zip(found, PAIRS, strict=True):
        inputs = theirs(
            *pair,
            truncation="longest_first",
            max_length=21,
            return_tensors="pt",
            return_token_type_ids=net.reads_types,
        )
        expected = net.encoder(**inputs).last_hidden_state[0].mean(0)
        torch.testing.assert_close(row, expected, atol=1e-5, rtol=1e-5)
    assert net.pooled(batch.inputs[0][:0], batch.inputs[1][:0]).shape == (0, net.d_pooled)


@pytest.fixture(scope="module", params=["encoder", "awd_lstm"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    options: dict[str, Any] = {"epochs": 1, "valid_fraction": 0.25, "run": RUN} | COLUMNS
    if request.param == "awd_lstm":
        return zoo.text.train(asked(), **options)
    folder = write_encoder(tmp_path_factory.mktemp("encoders") / "tiny")
    return zoo.text.finetune(folder, asked(), **options, rivals=False)


def test_all_ways_to_give_pairs_are_one(model: TextClassifier, tmp_path: Path) -> None:
    frame = asked(6, seed=100)
    frame.to_csv(table := tmp_path / "pairs.csv", index=False)
    pairs = list(zip(frame["question"], frame["answer"], strict=True))
    expected = [one.probability for one in model.predict(pairs)]
    one: Any = model.predict(pairs[0])
    assert one.probability == pytest.approx(expected[0], abs=1e-5)
    for query in (frame, table, map(list, pairs), np.array(pairs)):
        found: Any = model.predict(query)
        assert [one.probability for one in found] == pytest.approx(expected, abs=1e-5)
    assert [record["row"] for record in model.records([table])] == list(range(6))
    scores = model.evaluate(table)
    assert scores == pytest.approx(model.evaluate((pairs, frame["fits"])), abs=1e-5)
    turned: Any = model.predict([pair[::-1] for pair in pairs])
    assert [one.probability for one in turned] != pytest.approx(expected, abs=1e-5)
    assert len(model.embed([("the film", "the story")])) == 1


def test_words_of_both_are_explained_and_the_pair_stays_one(model: TextClassifier) -> None:
    explanation = model.explain(("We found the film.", "the story great"))
    words = [word.lower() for word in explanation.names]
    assert words == ["we", "found", "the", "film", ".", "the", "story", "great"]
    label = explanation.label
    said: Any = model.predict([("We found the film.", "the story great"),
                               ("We found the film", "the story great")])  # fmt: skip
    whole, without = (torch.tensor(one.probabilities[label]).logit().item() for one in said)
    assert explanation.scores[4] == pytest.approx(whole - without, abs=1e-3)
    long = ("the film " * 80, "the cast " * 80)  # in runs of words
    runs = [run for _, run in parts_of(model.spec.reading(long))]
    assert " ".join(runs).split() == " ".join(long).split()


def test_a_saved_one_says_the_same_and_goes_on_with_pairs(
    model: TextClassifier, tmp_path: Path
) -> None:
    again = zoo.load(model.save(tmp_path / "m"))
    assert format_of(again.spec) == 2
    pair = ("We found the film.", "the film great")
    assert again.predict(pair) == model.predict(pair)
    learn = zoo.text.learner(asked(20), pretrained=again, valid_fraction=0.0, run=RUN)
    assert learn.model.head_trained
    single = zoo.text.learner(
        asked(20), pretrained=again, text="answer", label="fits", valid_fraction=0.0, run=RUN
    )
    assert single.data.spec.n_texts == 1
    assert not single.model.head_trained
    learn.model.eval()(*next(learn.data.train.epoch(0)).inputs)
    single.model.eval()(*next(single.data.train.epoch(0)).inputs)


@pytest.mark.parametrize(
    "query", ["a", ["a", "b", "c"], [("a", None)], [("a", "b", "c")], {"a": "b"}]
)
def test_what_is_no_pair_is_one_sentence(model: TextClassifier, query: Any) -> None:
    with pytest.raises(ValueError, match=r"must be a pair of two str for this model, got"):
        model.predict(query)


def test_what_cannot_be_read_as_pairs_is_said(model: TextClassifier, tmp_path: Path) -> None:
    (text := tmp_path / "a.txt").write_text("So good?")
    with pytest.raises(ValueError, match=r"must end in .*, got 'a\.txt'"):
        model.predict(text)
    with pytest.raises(ValueError, match="'answer'"):
        model.predict(asked().drop(columns="answer"))
    with pytest.raises(ValueError, match="a pair of two str here, got 'x'"):
        model.evaluate((["x", "y"], ["yes", "no"]))
    with pytest.raises(
        ValueError, match=r"one column or two, got \['question', 'answer', 'fits'\]"
    ):
        read(asked(), text=["question", "answer", "fits"])
    if isinstance(model.spec, Spec):
        return
    with pytest.warns(UserWarning, match="1 of 2 pairs are longer than the encoder reads at once"):
        model.predict([("so good " * 40, "no"), ("so good", "no")])


def test_copies_are_pairs_with_the_same_texts_in_the_same_places() -> None:
    pairs = [("a", "b"), ("b", "a"), ("A ", "b"), ("a b", ""), ("", "a b"), ("", "")]
    labelled = read((pairs, list("xyxyxy")))
    assert labelled.n_different == 5
    assert len(set(labelled.hashes().tolist())) == 4


def test_the_command_line_names_two_columns(tmp_path: Path) -> None:
    asked(30).to_csv(table := tmp_path / "t.csv", index=False)
    words = ["text", "train", table, "--text", "question", "--text", "answer", "--label", "fits"]
    options = ["--epochs", 0, "--out", tmp_path / "m", "--device", "cpu", "--valid-fraction", 0.2]
    done = CliRunner().invoke(app, [str(word) for word in [*words, *options]])
    assert done.exit_code == 0, done.output
    said = CliRunner().invoke(app, ["predict", str(tmp_path / "m"), str(table)])
    assert said.output.count("t.csv:") == 30, said.output
    single = CliRunner().invoke(app, ["predict", str(tmp_path / "m"), "so warm"])
    assert "pairs to predict must be in tables, got 'so warm'" in " ".join(single.output.split())


def test_pairs_of_a_question_stay_on_one_side_or_are_told_of() -> None:
    table = pd.concat([asked(20), asked(20).assign(answer="the plot")]).reset_index(drop=True)
    data = read(table, **COLUMNS)
    for fold in (None, Fold(0, 3)):
        with pytest.warns(UserWarning, match="more than 10% of the pairs .* name its column as gr"):
            parts(data, None, 0.3, 0, fold)
        train, held = parts(read(table, **COLUMNS, group="question"), None, 0.3, 0, fold)
        assert held is not None
        assert 6 <= len(held.texts) <= 18
        assert not {one for one, _ in train.texts} & {one for one, _ in held.texts}
    with pytest.raises(ValueError, match="group='question' for parts"):
        read(table.assign(is_valid=table.index > 30), **COLUMNS, group="question")
