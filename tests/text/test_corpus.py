from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.disk import full_disk
from tests.text.small import reviews, train_lm
from zoo.text.data.batches import StreamBatches
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.labelled import read
from zoo.text.data.parts import split
from zoo.text.data.rules import SPECIAL
from zoo.text.data.stream import Stream, most_frequent, renumbered, with_own_numbers
from zoo.text.data.texts import each, pieces
from zoo.text.data.tokenizer import Tokenizer
from zoo.text.data.vocabulary import Vocabulary, carried_over, chosen

TEXTS = ["One two, two.", "Two THREE!", "four two"]


class Rows(list[dict[str, Any]]):
    """What of a Hugging Face data set is used."""

    column_names = ("body", "id")


def written(folder: Path, name: str) -> Any:
    path = folder / name
    frame = pd.DataFrame({"body": TEXTS, "id": [1, 2, 3]})
    if name.endswith(".csv"):
        frame.to_csv(path, index=False)
    elif name.endswith(".tsv"):
        frame.to_csv(path, index=False, sep="\t")
    elif name.endswith(".jsonl"):
        path.write_text("".join(json.dumps({"body": text}) + "\n" for text in TEXTS))
    elif name == "folder":
        path.mkdir()
        for i, text in enumerate(TEXTS):
            (path / f"{i}.txt").write_text(text)
    elif name == "frame":
        return frame
    elif name == "rows":
        return Rows({"body": text, "id": 0} for text in TEXTS)
    elif name == "iterator":
        return iter(TEXTS)
    return path


@pytest.mark.parametrize(
    "name", ["a.csv", "a.tsv", "a.jsonl", "folder", "frame", "rows", "iterator"]
)
def test_texts_come_from_anywhere(name: str, tmp_path: Path) -> None:
    assert list(each(written(tmp_path, name), "body")) == TEXTS


def test_missing_and_empty_texts_are_left_out() -> None:
    frame = pd.DataFrame({"text": ["a", None, float("nan"), "", "  \n", pd.NA, "b"]})
    assert list(each(frame)) == ["a", "b"]


def test_a_broken_encoding_is_read_as_latin(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("naïve café".encode("latin-1"))
    with pytest.warns(UserWarning, match="read as Windows' Latin"):
        assert list(each(tmp_path)) == ["naïve café"]


def test_one_endless_line_is_cut_between_words() -> None:
    text = "word " * 10_000
    cut = list(pieces(text, 777))
    assert "".join(cut) == text
    assert max(map(len, cut)) <= 777
    assert {piece[:4] for piece in cut if piece} == {"word"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("no-such-folder", "'no-such-folder', which does not exist"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "without 'text'. There is a, b."),
        ([["a", "b"]], r"got \['a', 'b'\], a list"),
    ],
)
def test_texts_that_are_none_are_one_sentence(data: Any, says: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=says) as caught:
        list(each(data))
    assert "\n" not in str(caught.value)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{oh}\n')
    with pytest.raises(ValueError, match=r"got '\{oh\}' in line 2 of 'a\.jsonl'"):
        list(each(tmp_path / "a.jsonl"))


# ---- vocabulary and stream -----------------------------------------------------------------------


def test_the_stream_is_the_tokens_of_each_text(tmp_path: Path) -> None:
    tokenizer = Tokenizer("en")
    stream, words = with_own_numbers(TEXTS, tokenizer, tmp_path)
    assert isinstance(stream.numbers, np.memmap)
    assert list(tmp_path.iterdir()) == []  # the file has no name
    for i, text in enumerate(TEXTS):
        assert [words[n] for n in stream.document(i)] == tokenizer(text)
    counted = Counter(token for text in TEXTS for token in tokenizer(text))
    assert dict(zip(words, stream.counts(len(words)).tolist(), strict=True)) == counted
    vocabulary = most_frequent(stream, words, at_least=2)
    assert vocabulary.words == (*SPECIAL, "two")
    renumbered(stream, words, vocabulary)
    told = [vocabulary.words[n] for n in stream.document(2)]
    assert told == ["xxbos", "xxunk", "two"]


def test_only_training_documents_choose_the_words(tmp_path: Path) -> None:
    stream, words = with_own_numbers(TEXTS, Tokenizer("en"), tmp_path)
    part = stream.take(np.array([0, 1]))
    assert "four" not in most_frequent(part, words, at_least=1).words
    assert len(part) == len(stream) - 3


def test_the_most_frequent_words_come_first_up_to_a_limit() -> None:
    words = [f"w{i}" for i in range(1000)]
    counts = np.arange(1000)
    found = chosen(words, counts, most=500)
    assert found.words[9:12] == ("w999", "w998", "w997")
    assert len(found) == 496  # a multiple of eight
    assert chosen(words, counts, at_least=990).words[-1] == "w990"


def test_words_keep_their_rows_and_new_ones_get_the_mean() -> None:
    old, new = Vocabulary((*SPECIAL, "a", "b")), Vocabulary((*SPECIAL, "b", "c"))
    table = torch.randn(11, 4)
    moved = carried_over(table, new.rows_in(old))
    assert torch.equal(moved[:9], table[:9])
    assert torch.equal(moved[9], table[10])
    torch.testing.assert_close(moved[10], table.mean(0))


@pytest.mark.parametrize("words", [("a", "b"), (*SPECIAL, "a", "a")])
def test_a_vocabulary_that_is_none_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="must begin with xxunk"):
        Vocabulary(words)


# ---- batches of a language model -----------------------------------------------------------------


def documents(lengths: list[int]) -> Stream:
    """Numbers 0, 1, 2 ... one after another."""
    ends = np.cumsum(lengths)
    return Stream(np.arange(ends[-1], dtype=np.int32), ends - lengths, ends)


@pytest.fixture
def stream() -> Stream:
    rng = np.random.default_rng(0)
    return documents(rng.integers(1, 40, size=60).tolist())


def test_rows_are_read_without_a_gap(stream: Stream) -> None:
    batches = StreamBatches(stream, 4, 16)
    seen = [(*batch.inputs, batch.target) for batch in batches.epoch(0)]
    assert len(seen) == batches.steps(0)
    tokens = torch.cat([tokens for tokens, _, _ in seen], dim=1)
    targets = torch.cat([target for _, _, target in seen], dim=1)
    assert torch.equal(tokens[:, 1:], targets[:, :-1])
    assert tokens.shape == (4, batches.row_length)
    assert len(tokens.unique()) == tokens.numel()  # each word once
    assert torch.equal(tokens[1:, 0], targets[:-1, -1])  # a row begins where the last one ends


def test_documents_stay_whole_in_any_order(stream: Stream) -> None:
    one = StreamBatches(stream, 1, 16)
    words = torch.cat([batch.inputs[0] for batch in one.epoch(3)], dim=1)[0]
    starts = {int(start): int(end) for start, end in zip(stream.starts, stream.ends, strict=True)}
    read, place = [], 0
    while place < len(words) - 40:
        first = int(words[place])
        length = starts[first] - first
        assert words[place : place + length].tolist() == list(range(first, first + length))
        read.append(first)
        place += length
    assert read != sorted(read)


def test_backward_is_each_document_from_its_end(stream: Stream) -> None:
    forward = StreamBatches(stream, 1, 16, shuffle=False)
    back = StreamBatches(stream, 1, 16, shuffle=False, reverse=True)
    words = torch.cat([batch.inputs[0] for batch in back.epoch(0)], dim=1)[0]
    expected = np.concatenate([stream.document(i)[::-1] for i in range(stream.n_documents)])
    assert words.tolist() == expected[: len(words)].tolist()
    assert forward.steps(0) == back.steps(0)


def test_lengths_vary_around_bptt_and_the_rate_follows() -> None:
    batches = StreamBatches(documents([40_000]), 2, 72)
    found = [(batch.target.shape[1], batch.rate) for batch in batches.epoch(0)]
    lengths = np.array([length for length, _ in found[:-1]])
    assert all(rate == length / 72 for length, rate in found)
    full = lengths[lengths > 54]
    assert 0.9 < len(full) / len(lengths) < 1
    assert abs(full.mean() - 72) < 1.5
    assert 3.5 < full.std() < 6.5
    assert abs(lengths[lengths <= 54].mean() - 36) < 4


def test_order_and_cuts_are_functions_of_seed_and_epoch(stream: Stream) -> None:
    def told(seed: int, epoch: int) -> list[list[int]]:
        batches = StreamBatches(stream, 4, 16, seed=seed)
        return [batch.target.flatten().tolist() for batch in batches.epoch(epoch)]

    assert told(0, 1) == told(0, 1)
    assert told(0, 1) != told(0, 2)
    assert told(0, 1) != told(1, 1)


def test_an_epoch_continues_at_any_step(stream: Stream) -> None:
    batches = StreamBatches(stream, 4, 16)
    whole, part = list(batches.epoch(2)), list(batches.epoch(2, 3))
    assert len(part) == len(whole) - 3
    for a, b in zip(whole[3:], part, strict=True):
        assert torch.equal(a.inputs[0], b.inputs[0])
        assert torch.equal(a.inputs[1], b.inputs[1])
        assert a.rate == b.rate


def test_only_the_first_step_is_fresh(stream: Stream) -> None:
    fresh = [batch.inputs[1] for batch in StreamBatches(stream, 4, 16).epoch(0)]
    assert fresh[0].all()
    assert not torch.stack(fresh[1:]).any()


def test_processes_share_the_rows(stream: Stream) -> None:
    batches = StreamBatches(stream, 5, 16)
    parts = [list(batches.shard(rank, 2).epoch(1)) for rank in range(2)]
    for whole, *own in zip(batches.epoch(1), *parts, strict=True):
        assert torch.equal(whole.target, torch.cat([part.target for part in own]))
        assert {part.rate for part in own} == {whole.rate}


def test_a_stream_too_short_for_its_rows_has_fewer() -> None:
    assert StreamBatches(documents([100]), 64, 20).rows == 4
    assert StreamBatches(documents([3]), 64, 20).rows == 1
    with pytest.raises(ValueError, match="words=1"):
        StreamBatches(documents([1]), 2, 3)


# ---- batches of documents ------------------------------------------------------------------------


def test_batches_hold_documents_of_like_length(stream: Stream) -> None:
    labels = np.arange(60)
    batches = DocumentBatches(stream, labels, 8)
    seen = list(batches.epoch(0))
    assert sorted(torch.cat([batch.target for batch in seen]).tolist()) == labels.tolist()
    assert len({len(batch.target) for batch in seen}) <= 2
    for batch in seen:
        tokens, lengths = batch.inputs
        assert tokens.shape[1] == lengths.max()
        for row, length, label in zip(tokens, lengths, batch.target, strict=True):
            assert row[:length].tolist() == stream.document(int(label)).tolist()
            assert (row[length:] == 1).all()
    spread = [int(batch.inputs[1].max() - batch.inputs[1].min()) for batch in seen]
    assert np.mean(spread) < 10


def test_documents_have_another_order_each_epoch_and_a_fixed_one_in_evaluation(
    stream: Stream,
) -> None:
    train = DocumentBatches(stream, np.zeros(60, dtype=np.int64), 8)
    assert not np.array_equal(np.concatenate(train.batches(0)), np.concatenate(train.batches(1)))
    fixed = DocumentBatches(stream, np.zeros(60, dtype=np.int64), 8, shuffle=False)
    lengths = torch.cat([batch.inputs[1] for batch in fixed.epoch(5)])
    assert lengths.tolist() == sorted(lengths.tolist(), reverse=True)


def test_processes_share_each_batch(stream: Stream) -> None:
    batches = DocumentBatches(stream, np.arange(60), 7)
    parts = [list(batches.shard(rank, 2).epoch(1)) for rank in range(2)]
    for whole, *own in zip(batches.epoch(1), *parts, strict=True):
        assert torch.equal(whole.target, torch.cat([part.target for part in own]))


# ---- labelled texts ------------------------------------------------------------------------------


def test_labelled_texts_come_from_anywhere(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["a", "b", "c"], "label": ["x", "y", "x"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    for text, label in zip(frame["text"], frame["label"], strict=True):
        (tmp_path / "f" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / label / f"{text}.txt").write_text(text)
    pair = (frame["text"].tolist(), frame["label"].to_numpy())
    for data in (frame, tmp_path / "a.csv", tmp_path / "a.jsonl", tmp_path / "f", pair):
        found = read(data)
        assert sorted(zip(found.texts, found.labels, strict=True)) == [
            ("a", "x"), ("b", "y"), ("c", "x")
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("nothing.csv", "'nothing.csv', which does not exist"),
        (pd.DataFrame({"text": ["a"], "stars": [1]}), "without 'label'. There is text, stars."),
        ((["a", "b"], [0]), "n_texts=2, n_labels=1"),
        ((["a", 5], [0, 1]), "text must be a str, got 5"),
        ((["a", "b"], [0, None]), "1 of 2 labels missing"),
        (("a", "b"), "got a tuple"),
    ],
)
def test_labelled_texts_that_are_none_are_one_sentence(data: Any, says: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=says):
        read(data)


def test_each_class_is_held_out_alike() -> None:
    found = read(([str(i) for i in range(100)], [int(i % 10 == 0) for i in range(100)]))
    train, held = split(found, 0.2, 0)
    assert Counter(held.labels) == {0: 18, 1: 2}
    assert sorted(train.texts + held.texts) == sorted(found.texts)


@pytest.mark.parametrize("length", [10, 3000])
def test_a_full_disk_is_one_sentence(length: int, tmp_path: Path) -> None:
    texts = ["one two " * length] * (20_000 // length)
    with full_disk(), pytest.raises(OSError, match=r"Free space there, or set ZOO_CACHE") as caught:
        with_own_numbers(texts, Tokenizer("xx"), tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match=r"can be written to, got .*file/cache'.*set ZOO_CACHE"):
        with_own_numbers(["one two"], Tokenizer("xx"), tmp_path / "file" / "cache")


def test_each_document_is_held_out_in_one_fold() -> None:
    texts = list(reviews(24)["review"])
    model = train_lm(texts, epochs=1, folds=2)
    assert model.metrics.keys() == model.spread.keys() >= {"loss", "perplexity"}
    assert model.training["documents"] == 24
    with pytest.raises(ValueError, match="can be read again, got an iterator"):
        train_lm(iter(texts), epochs=1, folds=2)
