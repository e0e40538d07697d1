"""A corpus to train a language model on, and another to validate it on, as numbers of words."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from zoo.core.contents import Hashes
from zoo.core.run import Run
from zoo.core.seen_rows import SeenRows
from zoo.core.split import nearest_to, require_disjoint
from zoo.core.trust.folds import MARKED, Fold, rows_of_fold
from zoo.text.data.parts import WAY_OUT, Rows, are_too_few, units_of, warn_of_copies, without
from zoo.text.data.stream import (
    Stream,
    cache_folder,
    most_frequent,
    renumbered,
    with_own_numbers,
    written,
)
from zoo.text.data.texts import Texts, each, hashes_of, parts
from zoo.text.data.tokenizer import Tokenizer
from zoo.text.language_model.options import Options
from zoo.text.spec import Spec


class Documents:
    """Texts one by one, whose content hashes are kept as they pass."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self._hashes = array("Q")  # a corpus may have millions of texts

    def __iter__(self) -> Iterator[str]:
        for text in self._texts:
            self._hashes.extend(hashes_of([text]).tolist())
            yield text

    @property
    def hashes(self) -> Hashes:
        """The content hash of each text that has passed. Shape: (n,)"""
        return np.array(self._hashes, dtype=np.uint64)


def corpus(
    texts: Texts,
    spec: Spec,
    settings: Options,
    earlier: SeenRows | None,
    known: Sequence[str] = (),
) -> tuple[Stream, Stream | None, Hashes, Spec]:
    """Streams to train and to validate on, the hashes of the former, the spec with its vocabulary.

    Args:
        texts: all texts, or those to train on.
        spec: language and column of the texts; its vocabulary is kept if it has one, else that of
            the training part is taken first.
        settings: all options of the verb.
        earlier: documents that the pretrained model was trained on.
        known: words of the pretrained model, the most frequent first: those that the training part
            lacks fill the vocabulary up to as many words as the model has.

    Raises:
        ValueError: a document to validate on is trained on as well, or there are too few.
    """
    tokenizer = Tokenizer(spec.language, spec.normalisation)
    run, column, valid = settings["run"] or Run(), settings["text"], settings["valid"]
    fraction, folder = settings["valid_fraction"], cache_folder(run.cache)
    fold = settings["fold"]
    if fold is not None and isinstance(texts, Iterator):
        raise ValueError(
            "folds must be drawn from texts that can be read again, got an iterator, which ends "
            "after once. Give a list or a file."
        )
    texts, apart = parts(texts)
    if fold is not None and apart is not None:
        raise ValueError(MARKED)
    documents = Documents(each(texts, column, spec.text_column))
    train, words = with_own_numbers(documents, tokenizer, folder)
    hashes, held = documents.hashes, None
    if valid is None and apart is None and (fraction or fold is not None):
        if fold is not None:
            rows, held_rows = rows_of_fold(Fold(*fold), len(hashes), run.seed, groups=hashes)
        else:
            rows, held_rows = split(hashes, len(train), fraction, run.seed)
        held_rows = held_rows[without(hashes[held_rows], earlier)]
        held = train.take(held_rows) if len(held_rows) else None
        train, hashes = train.take(rows), hashes[rows]
    limits = {"most": settings["most_words"], "at_least": settings["at_least"]}
    if spec.words:
        vocabulary = spec.vocabulary
    else:
        own, n_known = most_frequent(train, words, **limits), min(len(known), limits["most"])
        vocabulary = own.filled_up(known, n_known)
    renumbered(train, words, vocabulary)
    spec = replace(spec, words=vocabulary.words)
    others = apart if valid is None else valid
    if others is not None:
        documents = Documents(each(others, column, spec.text_column))
        held = written(map(spec.numberer, documents), folder)
        if valid is not None:
            require_disjoint(hashes, documents.hashes, rows="texts", way_out=WAY_OUT)
        held_rows = without(documents.hashes, earlier, trained=hashes, drawn=False)
        held = held.take(held_rows) if len(held_rows) else None
    return train, held, hashes, spec


def split(hashes: Hashes, n_words: int, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """The documents in two parts at random, the second with this fraction; copies stay together.

    Nothing is held out, with a warning, where all are copies of one.

    Args:
        hashes: content of each document.
        n_words: in all documents, for the message.
        fraction: fraction of the documents to hold out.
        seed: seed of the draw.

    Raises:
        ValueError: there is but one document.
    """
    n = len(hashes)
    if n < 2:
        raise ValueError(
            f"there must be several documents to hold out some, got {n} of {n_words} words. Give "
            "valid=..., or valid_fraction=0."
        )
    n_held = min(max(round(fraction * n), 1), n - 1)
    rng = np.random.default_rng(seed)
    is_held = np.zeros(n, dtype=bool)
    if len(np.unique(hashes)) == n:  # millions of documents need no list of rows each
        is_held[rng.permutation(n)[:n_held]] = True
        return np.flatnonzero(~is_held), np.flatnonzero(is_held)
    units = units_of(hashes.tolist())
    sizes = np.array([len(rows) for rows in units])
    held = nearest_to(n_held, rng.permutation(len(units)), sizes, len(units) - 1)
    if not held or are_too_few(units, n, fraction):
        held = []
        warn_of_copies(units, n)
    is_held[[row for unit in held for row in units[unit]]] = True
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)
