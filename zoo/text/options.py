"""What the verbs for texts take beside the model and the texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from torch.optim import Optimizer

from zoo.core.messages import did_you_mean
from zoo.core.run import Run
from zoo.core.training.options import OptimizerName
from zoo.text.data.texts import Texts


class LanguageOptions(TypedDict, total=False):
    """What the verbs of language models take beside the model and the texts.

    Attributes:
        text: the column of texts; None takes "text", or the only column.
        valid: texts to validate on, none of which is trained on; None takes those that the data set
            apart (folders or files train and valid), else a fraction of the documents.
        valid_fraction: fraction of the documents to hold out, copies of one together; 0 trains on
            all.
        language: of spaCy's tokenizer.
        reverse: read texts from their end.
        most_words: of the vocabulary.
        at_least: occurrences of a word that is in the vocabulary.
        words: the vocabulary itself instead: a list, or a torchtext `Vocab` or `Field` with one.
        d_embedding: width of a word's vector.
        d_hidden: width of the layers between.
        n_layers: of LSTM.
        drop_mult: factor for all five dropouts.
        ar: weight of the penalty on large activations.
        tar: weight of that on quickly changing ones.
        sampled: words that each training step weighs against the next one: so many most frequent
            ones and as many drawn from the others; 0 takes all. A few hundred to thousand make
            training on a CPU several times faster.
        batch_size: rows that are read side by side.
        bptt: words of a row that a step reads, on average.
        optimizer: "adamw", "sgd", or a function from parameter groups to a torch optimizer.
        weight_decay: decoupled for AdamW.
        clip: largest norm of the gradient.
        callbacks: see `zoo.core.training.callbacks`.
        run: the circumstances.
    """

    text: str | None
    valid: Texts | None
    valid_fraction: float
    language: str
    reverse: bool
    most_words: int
    at_least: int
    words: Any
    d_embedding: int
    d_hidden: int
    n_layers: int
    drop_mult: float
    ar: float
    tar: float
    sampled: int
    batch_size: int
    bptt: int
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer]
    weight_decay: float
    clip: float | None
    callbacks: Sequence[Any]
    run: Run | None


class Options(TypedDict, total=False):
    """What the verbs of classifiers take beside the model and the texts.

    Attributes:
        text: the column of texts; None takes "text".
        label: the column of classes; None takes "label"; several columns are a class each, in which
            1 says that a text has it.
        valid: labelled texts to validate on, in the same form, none of which is trained on; None
            takes those that the data set apart (folders train/ and valid/, a column "is_valid"),
            else a fraction.
        valid_fraction: fraction of the texts to hold out, copies of a text together; 0 trains on
            all.
        drop_mult: factor for all dropouts of encoder and head.
        max_len: gradients reach back so many words from the end of each text.
        bptt: words that pass through the encoder at a time.
        batch_size: texts a step.
        optimizer: "adamw", "sgd", or a function from parameter groups to a torch optimizer.
        weight_decay: decoupled for AdamW.
        clip: largest norm of the gradient.
        accumulate: parts that a batch passes in, to save memory.
        callbacks: see `zoo.core.training.callbacks`.
        run: the circumstances.
    """

    text: str | None
    label: str | Sequence[str] | None
    valid: Any
    valid_fraction: float
    drop_mult: float
    max_len: int
    bptt: int
    batch_size: int
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer]
    weight_decay: float
    clip: float | None
    accumulate: int
    callbacks: Sequence[Any]
    run: Run | None


_RANGES: Mapping[str, tuple[float, float]] = {
    "epochs": (0, 1e6),
    "lr": (1e-12, 1e3),
    "valid_fraction": (0, 0.999),
    "most_words": (16, 1e7),
    "at_least": (1, 1e9),
    "d_embedding": (1, 1e5),
    "d_hidden": (1, 1e5),
    "n_layers": (1, 64),
    "drop_mult": (0, 10),
    "ar": (0, 1e6),
    "tar": (0, 1e6),
    "sampled": (0, 1e7),
    "batch_size": (1, 1e6),
    "bptt": (1, 1e6),
    "max_len": (1, 1e9),
    "weight_decay": (0, 1e3),
    "accumulate": (1, 1e6),
    "clip": (1e-12, 1e12),
}


_WHOLE = (
    "epochs", "most_words", "at_least", "d_embedding", "d_hidden", "n_layers", "sampled",
    "batch_size", "bptt", "max_len", "accumulate",
)  # fmt: skip


def check_numbers(**given: Any) -> dict[str, Any]:
    """Settings as Python's numbers: 16 for NumPy's 16 and for 16.0.

    Raises:
        ValueError: some are out of range, no numbers, or not whole where they must be; all are
            named.
    """
    numbers = {name: _number(name, value) for name, value in given.items()}
    wrong = [
        f"{name}={given[name]!r:.40} ({'a whole number ' if name in _WHOLE else ''}from "
        f"{_RANGES[name][0]:g} to {_RANGES[name][1]:g})"
        for name, number in numbers.items()
        if number is None
    ]
    if wrong:
        raise ValueError(
            f"settings must be numbers in range, got {'; '.join(wrong)}. The defaults suit most."
        )
    return numbers


def check_names(options: Mapping[str, Any], known: type) -> None:
    """Refuse options that do not exist, with the nearest one that does.

    Raises:
        TypeError: there are some.
    """
    names = list(known.__annotations__)
    for name in options.keys() - set(names):
        hint = did_you_mean(name, [*names, "epochs", "lr"])
        raise TypeError(f"options must be known ones, got {name}={options[name]!r:.40}. {hint}")


def _number(name: str, value: object) -> int | float | None:
    """The value as a plain number, or None if it is out of range or of another kind."""
    low, high = _RANGES[name]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return None
    if not low <= value <= high:
        return None
    if name in _WHOLE:
        return int(value) if value == int(value) else None
    return int(value) if isinstance(value, (int, np.integer)) else float(value)
