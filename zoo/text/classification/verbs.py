"""The verbs of classifiers: `finetune`, `train` and `learner`.

Howard & Ruder 2018, sec. 3.3, thaw the layers one after another, each group of layers at 2.6 times
the rate of the one below, and the rates fall. Networks of a CPU's size learn more at rates that lie
closer and do not fall; it then makes no difference whether all layers thaw at once
(`scripts/text_recipe.py`). So that is the usual way here, theirs another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

import torch
from torch.optim import Optimizer

from zoo.core.batches import Data
from zoo.core.model import finished, made, source
from zoo.core.run import Run, seeded
from zoo.core.training.learner import Learner
from zoo.core.training.options import OptimizerName
from zoo.hub.find import find
from zoo.text.classification.model import TextClassifier, stream_of, task_of
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.labelled import Labelled, read
from zoo.text.data.parts import parts, unseen
from zoo.text.data.stream import cache_folder, most_frequent, with_own_numbers
from zoo.text.data.tokenizer import Tokenizer
from zoo.text.data.vocabulary import AT_LEAST, MOST_WORDS
from zoo.text.language_model.model import LanguageModel
from zoo.text.language_model.verbs import CYCLE
from zoo.text.models.awd_lstm import FOR_CLASSIFIER
from zoo.text.models.classifier import MAX_LEN, ClassifierNet
from zoo.text.options import Options, check_names, check_numbers
from zoo.text.spec import Label, Spec
from zoo.text.stored import load

Pretrained = str | os.PathLike[str] | LanguageModel | TextClassifier

STEPS = 600  # that the usual number of epochs makes, within its limits
FEWEST, MOST = 2, 8  # epochs
LR, FURTHER_LR = 1e-2, 2e-3  # of a new head; of one that knows the classes
RATIO = 4.0  # of the head's rate to that of the words
GRADUAL_RATIO = 2.6  # of a layer group's rate to that of the one below it
THAWED = 2  # groups that thaw on their own after the head, an epoch each
TRAIN_EPOCHS, TRAIN_LR = 10, 5e-3
SMALL = {"d_embedding": 200, "d_hidden": 400, "n_layers": 2}  # a net from random weights


def finetune(
    pretrained: Pretrained,
    data: Any,
    *,
    epochs: int | None = None,
    lr: float | None = None,
    gradual: bool = False,
    **options: Unpack[Options],
) -> TextClassifier:
    """A classifier of your texts on the encoder of a language model.

    The head trains for an epoch, then everything for `epochs`, by one cycle each, the words at a
    quarter of the head's rate. A classifier of the same classes is taken further as it is: without
    the first phase, and at lower rates.

    Args:
        pretrained: a language model (best fine-tuned on such texts: `finetune_lm`), a classifier,
            the directory of one, or its name on the hub.
        data: a DataFrame, columns by name or a list of rows; a CSV, TSV, Parquet, JSON or
            JSON-lines file; a data set of Hugging Face or torchtext; a folder with one folder of
            text files per class, perhaps within train/ and valid/; or a pair (texts, labels). A
            text has any number of classes where labels are lists or rows of 0 and 1, where cells
            hold several with "|" or ";" between them, or where `label` names several columns of 0
            and 1. Every text must have a label.
        epochs: passes over the texts with everything unfrozen; None makes about 600 steps of them,
            in 2 to 8 epochs: more learn many texts by heart (`scripts/text_imdb.py`).
        lr: highest rate of the head; None takes 1e-2, or 2e-3 if the head knows the classes.
        gradual: thaw the last layers one after another before, as ULMFiT does: `fit_gradually`.
        **options: see `zoo.text.options.Options`.

    Raises:
        FileNotFoundError: the model, file or folder does not exist.
        ValueError: there are no texts, one class, or a setting is out of range.

    Example:
        zoo.text.finetune(lm, reviews, text="review", label="sentiment").predict("So good!")
    """
    check_names(options, Options)
    given = {"epochs": epochs, "lr": lr}
    rates = check_numbers(**{name: value for name, value in given.items() if value is not None})
    learn = learner(pretrained, data, **options)
    (fit_gradually if gradual else fit_finetune)(learn, rates.get("epochs"), rates.get("lr"))
    model: TextClassifier = finished(learn)
    return model


def train(
    data: Any,
    *,
    epochs: int = TRAIN_EPOCHS,
    lr: float = TRAIN_LR,
    language: str = "en",
    **options: Unpack[Options],
) -> TextClassifier:
    """A classifier of your texts from random weights; as `finetune` otherwise.

    Args:
        data: see `finetune`.
        epochs: passes over the texts, by one cycle.
        lr: highest rate.
        language: of spaCy's tokenizer.
        **options: see `zoo.text.options.Options`.
    """
    check_names(options, Options)
    rates = check_numbers(epochs=epochs, lr=lr)
    learn = learner(None, data, language=language, **options)
    if rates["epochs"]:
        learn.fit(rates["epochs"], rates["lr"], CYCLE)
    model: TextClassifier = finished(learn)
    return model


def learner(  # noqa: D417 - `Options` describes the others
    pretrained: Pretrained | None,
    data: Any,
    *,
    language: str = "en",
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    valid: Any = None,
    valid_fraction: float = 0.1,
    drop_mult: float = 0.5,
    max_len: int = MAX_LEN,
    bptt: int = 72,
    batch_size: int = 64,
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer] = "adamw",
    weight_decay: float = 0.01,
    clip: float | None = None,
    accumulate: int = 1,
    callbacks: Sequence[Any] = (),
    run: Run | None = None,
) -> Learner[Any, Any]:
    """The learner of a classifier, for the step-by-step way: freeze, fit, thaw, fit.

    `learner.as_model()` gives what `finetune` returns, `learner.save(directory)` its artifact.

    Args:
        pretrained: see `finetune`; None starts from random weights.
        data: see `finetune`.
        language: of spaCy's tokenizer, where nothing pretrained tells it.
        The others: see `zoo.text.options.Options`.
    """
    numbers = check_numbers(
        valid_fraction=valid_fraction, drop_mult=drop_mult, max_len=max_len, bptt=bptt,
        batch_size=batch_size, weight_decay=weight_decay, accumulate=accumulate,
        **({} if clip is None else {"clip": clip}),
    )  # fmt: skip
    run = run or Run()
    first = _pretrained(pretrained)
    columns = _columns(first, text, label)
    whole = read(data, text, label, usual=columns)
    apart = None
    if valid is not None:
        apart = read(valid, text, label, usual=columns, several=whole.multi_label).to_score()
    train_part, held = parts(whole, apart, numbers["valid_fraction"], run.seed)
    earlier = first.seen_rows if isinstance(first, TextClassifier) else None
    held = unseen(held, earlier)
    spec = replace(
        _spec(first, train_part, whole.classes(), language, run),
        multi_label=whole.multi_label,
        text_column=columns[0],
        label_columns=columns[1],
    )
    sizes = {name: (first.arguments if first else SMALL)[name] for name in SMALL}
    arguments = sizes | {name: numbers[name] for name in ("drop_mult", "max_len", "bptt")}
    with seeded(run.seed):
        net = ClassifierNet(
            n_words=len(spec.words),
            n_classes=len(spec.classes),
            dropouts=FOR_CLASSIFIER.times(numbers["drop_mult"]),
            max_len=numbers["max_len"],
            bptt=numbers["bptt"],
            **sizes,
        )
    _take_weights(net, first, spec)
    told = {
        "pretrained": repr(first) if first else "",
        "texts": len(train_part.texts),
        "valid_fraction": numbers["valid_fraction"],
        **{name: numbers[name] for name in ("batch_size", "drop_mult", "max_len", "bptt")},
    }
    return Learner(
        net,
        Data(
            _batches(train_part, spec, numbers["batch_size"], run, shuffle=True),
            _batches(held, spec, numbers["batch_size"], run, shuffle=False) if held else None,
            spec,
            train_part.hashes(),
        ),
        task_of(spec),
        optimizer=optimizer,
        weight_decay=numbers["weight_decay"],
        clip=numbers.get("clip"),
        accumulate=numbers["accumulate"],
        callbacks=callbacks,
        as_model=partial(
            made,
            kind=partial(TextClassifier, arguments=arguments),
            data=source(data),
            told=told,
            seen_before=earlier,
        ),
        run=run,
    )


def fit_finetune(
    learn: Learner[Any, Any], epochs: int | None = None, lr: float | None = None
) -> None:
    """Train the head for an epoch, unless it knows the classes already; then everything.

    Args:
        learn: of a classifier.
        epochs: of the second phase; None: see `finetune`.
        lr: highest rate of the head; None: see `finetune`.
    """
    epochs, lr = _usual(learn, epochs, lr)
    if not learn.model.head_trained:
        learn.freeze()
        learn.fit(1, lr, CYCLE)
    learn.unfreeze()
    if epochs and not learn.interrupted:
        learn.fit(epochs, (lr / RATIO, lr), CYCLE)


def fit_gradually(
    learn: Learner[Any, Any], epochs: int | None = None, lr: float | None = None
) -> None:
    """Train the head, then with each of the last layers, then everything (Howard & Ruder 2018).

    Args:
        learn: of a classifier.
        epochs: of the last phase; None: see `finetune`.
        lr: highest rate of the first phase, halved for each of the next, a fifth of the last of
            these in the last phase; None: see `finetune`.
    """
    epochs, lr = _usual(learn, epochs, lr)
    n, net = len(learn.groups), learn.model
    assert isinstance(net, ClassifierNet)
    phases = [(n - 1 - i, 1, lr / 2**i) for i in range(min(THAWED, n - 2) + 1)]
    if net.head_trained:  # it knows the classes already
        phases = []
    for first, length, rate in [*phases, (0, epochs, lr / 2**THAWED / 5)]:
        if length and not learn.interrupted:
            learn.freeze_to(first)
            learn.fit(length, gradual_rates(rate, n), CYCLE)


def usual_epochs(steps: int) -> int:
    """How often to read texts that are read in so many steps: more often the fewer they are.

    >>> [usual_epochs(steps) for steps in (1, 150, 400, 5000)]
    [8, 4, 2, 2]
    """
    return min(max(round(STEPS / steps), FEWEST), MOST)


def gradual_rates(lr: float, n_groups: int) -> list[float]:
    """One rate a layer group, the head's last: each 2.6 times that of the one below.

    >>> [round(rate, 3) for rate in gradual_rates(2.6, 3)]
    [0.385, 1.0, 2.6]
    """
    return [lr / GRADUAL_RATIO ** (n_groups - 1 - i) for i in range(n_groups)]


def _usual(learn: Learner[Any, Any], epochs: int | None, lr: float | None) -> tuple[int, float]:
    """What is given, and for None what is usual."""
    if epochs is None:
        epochs = usual_epochs(learn.data.train.steps(0))
    if lr is None:
        lr = FURTHER_LR if learn.model.head_trained else LR
    return epochs, lr


def _pretrained(pretrained: object) -> LanguageModel | TextClassifier | None:
    """The model to start from.

    Raises:
        ValueError: it is no model of texts, or has several networks.
    """
    if isinstance(pretrained, (str, os.PathLike)):
        pretrained = load(find(pretrained))
    if pretrained is None:
        return None
    if not isinstance(pretrained, (LanguageModel, TextClassifier)):
        raise ValueError(
            "pretrained must be a model of texts, its directory or its name, got a "
            f"{type(pretrained).__name__}. Call finetune(pretrained, data), the model first."
        )
    if len(pretrained.members) > 1:
        raise ValueError(
            f"training starts from one network, however pretrained has {len(pretrained.members)}; "
            "take one of those that it was made of"
        )
    return pretrained


def _columns(
    first: LanguageModel | TextClassifier | None, text: Any, label: Any
) -> tuple[Any, Any]:
    """The columns of texts and of classes to remember: those named now, or before."""
    before = first.spec.columns if first else (None, None)
    label = tuple(label) if isinstance(label, (list, tuple)) else label
    return before[0] if text is None else text, before[1] if label is None else label


def _spec(
    first: LanguageModel | TextClassifier | None,
    found: Labelled,
    classes: tuple[Label, ...],
    language: str,
    run: Run,
) -> Spec:
    """The pretrained model's vocabulary, or one of the training texts; the classes there are."""
    if first is not None:
        known = first.spec
        if set(classes) <= set(known.classes):
            classes = known.classes
        return Spec(known.words, known.language, known.reverse, classes)
    stream, words = with_own_numbers(found.texts, Tokenizer(language), cache_folder(run.cache))
    vocabulary = most_frequent(stream, words, most=MOST_WORDS, at_least=AT_LEAST)
    return Spec(vocabulary.words, language, classes=classes)


@torch.no_grad()
def _take_weights(
    net: ClassifierNet, first: LanguageModel | TextClassifier | None, spec: Spec
) -> None:
    """The pretrained encoder; of a classifier of the same classes the head as well."""
    if first is None:
        return
    old: Any = first.members[0]
    net.encoder.load_state_dict(old.encoder.state_dict())
    if isinstance(first, TextClassifier) and _says_the_same(first.spec, spec):
        net.take_head(old)


def _says_the_same(one: Spec, other: Spec) -> bool:
    """Whether a head for one spec is a head for the other, however the texts are read."""
    return one == replace(
        other,
        text_column=one.text_column,
        label_columns=one.label_columns,
        normalisation=one.normalisation,
    )


def _batches(
    found: Labelled, spec: Spec, batch_size: int, run: Run, *, shuffle: bool
) -> DocumentBatches:
    return DocumentBatches(
        stream_of(map(spec.numberer, found.texts)),
        found.numbers(spec.classes),
        batch_size,
        shuffle=shuffle,
        reverse=spec.reverse,
        seed=run.seed,
    )
