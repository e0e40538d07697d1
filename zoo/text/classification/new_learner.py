"""From a verb's arguments to the learner of a classifier: the texts read, numbered and divided."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.core.batches import Data, Origin
from zoo.core.class_weights import class_weights
from zoo.core.model import learner_of
from zoo.core.run import Run, seeded
from zoo.core.task import Task
from zoo.core.training.learner import Learner
from zoo.core.trust.folds import Fold
from zoo.text.classification.model import TextClassifier
from zoo.text.classification.options import (
    BATCH_SIZE,
    ENCODER,
    ENCODER_BATCH_SIZE,
    LSTM,
    OPTIONS,
    Options,
    TaskName,
)
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.labelled import read
from zoo.text.data.labelled_texts import Labelled
from zoo.text.data.pairs import as_one
from zoo.text.data.parts import parts, unseen
from zoo.text.data.stream import Stream, cache_folder, in_memory, most_frequent, with_own_numbers
from zoo.text.data.tokenizer import Tokenizer
from zoo.text.data.warnings import warn_of_empty, warn_of_long_pairs, warn_of_unknown
from zoo.text.encoder_files import Encoder
from zoo.text.language_model.model import LanguageModel
from zoo.text.models.classifier import ClassifierNet
from zoo.text.models.encoder import EncoderNet
from zoo.text.pretrained import Start, require_like
from zoo.text.rivals import parts_pay
from zoo.text.spec import PieceSpec, Spec, TextSpec
from zoo.text.task import task_of

SMALL = {"d_embedding": 200, "d_hidden": 400, "n_layers": 2}  # a network from random weights
FAR = 10.0  # deviations of the numbers that a head knows, from which on others are not its own
MOST_MEAN = 100_000  # deviations: single precision has seven digits


def labelled_texts(data: Any, first: Start | None, options: Options) -> Labelled:
    """All texts of a verb's call, in the order of the user's rows."""
    settings = OPTIONS.complete(options)
    task, columns = task_asked(settings, first), _columns(first, settings)
    names: Any = {name: settings[name] for name in ("text", "label", "group", "fix")}
    return read(data, **names, usual=columns, task=task)


def task_asked(settings: Options, first: Start | None) -> TaskName | None:
    """What the call asks of a text; a model of numbers goes on with numbers; None asks the labels.

    Raises:
        ValueError: there is a range, and no number is asked for; or the range is none.
    """
    task, y_range = settings["task"], settings["y_range"]
    if y_range is None:
        goes_on = task is None and first is not None and first.spec.task == "regression"
        return "regression" if goes_on else task
    low, high = y_range
    if task not in (None, "regression") or not -math.inf < low < high < math.inf:
        raise ValueError(
            "y_range must be two finite numbers, the lower first, for task='regression', got "
            f"{y_range=}, {task=}. Give such as (0, 10), or leave it out."
        )
    return "regression"


def training_texts(whole: Labelled, options: Options) -> Labelled:
    """Those that a verb's call trains on if none are drawn to validate on."""
    settings = OPTIONS.complete(options)
    if settings["valid"] is None:
        settings["valid_fraction"] = 0.0
    return _divided(whole, settings, _columns(None, settings))[0]


def reader(first: Start | None, options: Options) -> Callable[[Any], Any]:
    """What cuts a text, or a pair of them, into words or pieces, as the learner of a call does."""
    if first is not None:
        return lambda text: list(first.spec.numbered([text]))
    cut = Tokenizer(OPTIONS.complete(options)["language"])
    return lambda text: (cut(as_one(text)), cut(as_one(text)))  # counted first, then numbered


def new_learner(
    whole: Labelled, first: Start | None, source: str, **options: Unpack[Options]
) -> Learner[TextSpec, TextClassifier]:
    """The learner of texts that are read.

    Args:
        whole: all texts.
        first: the model to go on with; None for random weights.
        source: what the texts are, in a few words.
        **options: the given ones.
    """
    on_encoder = first is not None and isinstance(first.spec, PieceSpec)
    is_number = whole.task == "regression"
    one_class = on_encoder and whole.task == "classification"
    facts = {LSTM: not on_encoder, "classes": not is_number, ENCODER: one_class}
    OPTIONS.require_used(options, facts)
    if first is not None:
        require_like(first, options)
    settings = OPTIONS.complete(options)
    usual = ENCODER_BATCH_SIZE if on_encoder else BATCH_SIZE
    settings["batch_size"] = settings["batch_size"] or usual
    settings["run"] = run = settings["run"] or Run()
    earlier = first.seen_rows if isinstance(first, TextClassifier) else None
    columns = _columns(first, settings)
    training, held = _divided(whole, settings, columns)
    drawn = settings["valid"] is None and whole.is_valid is None
    held = unseen(held, earlier, drawn=drawn)
    spec = _spec(first, training, whole, columns, settings, run)
    batches = partial(_batches, spec=spec, batch_size=settings["batch_size"], run=run)
    train_batches = batches(training, shuffle=True)
    warn_of_empty(train_batches.stream)
    if first is not None and isinstance(spec, Spec):
        warn_of_unknown(train_batches.stream, len(spec.words))
    word = spec.word if parts_pay(train_batches.stream) else None
    valid_batches = None if held is None else replace(batches(held, shuffle=False), word=word)
    network = _network(first, spec, settings, run)
    record: dict[str, Any] = {
        "pretrained": repr(first) if first else "",
        "texts": len(training.texts),
    }
    if isinstance(network, EncoderNet):
        record |= _windows(network, train_batches.stream)
    return learner_of(
        network,
        Data(
            train_batches,
            valid_batches,
            spec,
            training.hashes(),
            _origin(whole, held, valid_batches),
        ),
        _task(spec, settings, train_batches.labels, run),
        TextClassifier,
        settings,
        source=source,
        record=record | _recorded(settings, facts),
        seen_before=earlier,
        licence=first.licence if first is not None and on_encoder else "unknown",
    )


def _windows(network: EncoderNet, stream: Stream) -> dict[str, Any]:
    """What the card tells of long texts: what an encoder reads at once, and how many are longer."""
    longer = int((stream.ends - stream.starts > network.room).sum())
    if not network.pair:
        return {"pieces_at_once": network.room, "texts_in_windows": longer}
    warn_of_long_pairs(stream, network.room)
    return {"pieces_at_once": network.room - 1, "pairs_cut_off": longer}


def _recorded(settings: Options, facts: dict[str, bool]) -> dict[str, Any]:
    """What the card tells of the options: those that mean something for the network."""
    each = OPTIONS.settings.items()
    idle = {name for name, one in each if not facts.get(one.option.needs, True)}
    used: Any = {name: value for name, value in settings.items() if name not in idle}
    return OPTIONS.record(used)


def _divided(
    whole: Labelled, settings: Options, columns: tuple[Any, Any]
) -> tuple[Labelled, Labelled | None]:
    """The texts to train on, and those to validate on."""
    apart, run = settings["valid"], settings["run"] or Run()
    if apart is not None:
        names: Any = {"text": settings["text"], "label": settings["label"], "usual": columns}
        apart = read(apart, **names, task=whole.task).to_score()
    fold = settings["fold"] and Fold(*settings["fold"])
    return parts(whole, apart, settings["valid_fraction"], run.seed, fold)


def _origin(
    whole: Labelled, held: Labelled | None, batches: DocumentBatches | None
) -> Origin | None:
    """Which of the user's rows are validated on; None where they are others."""
    if held is None or batches is None or held.rows is None or whole.is_valid is not None:
        return None
    names = range(len(whole.texts)) if whole.names is None else whole.names
    return Origin(names, held.rows[np.concatenate(batches.batches(0))])


def _columns(first: Start | None, settings: Options) -> tuple[Any, Any]:
    """The columns of texts and of classes to remember: those named now, or before."""
    before = first.spec.columns if first else (None, None)
    text, label = settings["text"], settings["label"]
    text, label = (tuple(one) if isinstance(one, (list, tuple)) else one for one in (text, label))
    if isinstance(text, tuple) and len(text) == 1:
        (text,) = text
    return before[0] if text is None else text, before[1] if label is None else label


def _spec(
    first: Start | None,
    training: Labelled,
    whole: Labelled,
    columns: tuple[Any, Any],
    settings: Options,
    run: Run,
) -> Spec | PieceSpec:
    """The pretrained model's way to read texts, or the words of the training texts; the classes."""
    before: TextSpec
    language = settings["language"]
    if first is None:
        folder = cache_folder(run.cache)
        stream, words = with_own_numbers(map(as_one, training.texts), Tokenizer(language), folder)
        before = Spec(most_frequent(stream, words).words, language)
    else:
        before = first.spec
    classes = whole.classes()
    knows = before.task == whole.task != "regression" and set(classes) <= set(before.classes)
    answers: Any = {
        "classes": before.classes if knows else classes,
        "multi_label": whole.task == "multi-label",
        **_scale(before, training, whole, settings["y_range"]),
        "n_texts": whole.n_texts,
        "text_column": columns[0],
        "label_columns": columns[1],
    }
    if isinstance(before, PieceSpec):
        return replace(before, **answers)
    assert isinstance(before, Spec)
    return Spec(before.words, before.language, before.reverse, **answers)


def _scale(
    before: TextSpec, training: Labelled, whole: Labelled, y_range: tuple[float, float] | None
) -> dict[str, Any]:
    """Fields of the spec on numbers: a trained head's, or those of the training texts.

    A head of numbers that lie elsewhere, such as stars for prices, does not count as trained.

    Raises:
        ValueError: numbers lie outside their range or so close together that single precision does
            not tell them apart, or a trained head is to answer in another range.
    """
    if whole.task != "regression":
        return {"y_scale": None, "y_range": None}
    own = np.array(training.labels, dtype=np.float64)
    mean, spread = float(own.mean()), float(own.std())
    if abs(mean) > MOST_MEAN * spread > 0:
        raise ValueError(
            f"numbers must differ by more than a part in {MOST_MEAN:,} of their mean, got mean "
            f"{mean:.10g} and deviation {spread:.3g}. Subtract {mean:.6g} from them."
        )
    scale = before.y_scale
    if scale is not None and np.hypot(mean - scale[0], spread) > FAR * scale[1]:
        scale = None
    if scale is not None and y_range not in (None, before.y_range):
        raise ValueError(
            f"a trained head must keep its range {before.y_range}, got {y_range=}. Leave it out, "
            "or start from a model of other answers."
        )
    limits = before.y_range if scale is not None else y_range
    numbers = whole.numbers(()).astype(np.float64)
    low, high = limits or (-np.inf, np.inf)
    if numbers.min() < low or numbers.max() > high:
        raise ValueError(
            f"all numbers must lie within y_range, got {numbers.min():g} to {numbers.max():g} for "
            f"y_range={limits}. Widen it, best by a tenth."
        )
    if scale is None:
        scale = (mean, spread or 1.0)
    return {"y_scale": scale, "y_range": limits and (float(limits[0]), float(limits[1]))}


@torch.no_grad()
def _network(
    first: Start | None, spec: Spec | PieceSpec, settings: Options, run: Run
) -> ClassifierNet | EncoderNet:
    """The network with the pretrained encoder; of a classifier of the same classes the head too."""
    network: ClassifierNet | EncoderNet
    with seeded(run.seed):
        if isinstance(spec, PieceSpec):
            network = _on_encoder(first, spec)
        else:
            network = _lstm(first, spec, settings)
    if isinstance(first, TextClassifier) and first.spec.is_like(spec):
        network.head.load_state_dict(first.members[0].head.state_dict())
        network.head_trained = True
    return network


def _lstm(first: Start | None, spec: Spec, settings: Options) -> ClassifierNet:
    """An LSTM with the pretrained one's sizes and weights, or with random ones."""
    sizes = SMALL if first is None else first.arguments
    network = ClassifierNet(
        n_words=len(spec.words),
        n_classes=spec.n_out,
        **{name: sizes[name] for name in SMALL},
        drop_mult=settings["drop_mult"],
        max_len=settings["max_len"],
        bptt=settings["bptt"],
    )
    if isinstance(first, (LanguageModel, TextClassifier)):
        network.encoder.load_state_dict(first.members[0].encoder.state_dict())
    return network


def _on_encoder(first: Start | None, spec: PieceSpec) -> EncoderNet:
    """A network on a pretrained encoder, or on that of a classifier."""
    assert isinstance(first, (Encoder, TextClassifier))
    frames = {"pair": spec.pieces.pair_frame() if spec.n_texts > 1 else ()}
    network = EncoderNet(n_classes=spec.n_out, **first.arguments | frames)
    if isinstance(first, Encoder):
        first.load_into(network)
    else:
        network.encoder.load_state_dict(first.members[0].encoder.state_dict())
    return network


def _task(spec: TextSpec, settings: Options, labels: NDArray[Any], run: Run) -> Task:
    """The task, its loss smoothed and weighted as the user says."""
    if spec.task == "regression":
        return task_of(spec)
    n, several = len(spec.classes), spec.multi_label
    n_each = labels.sum(0) if several else np.bincount(labels, minlength=n)
    chosen = settings["class_weights"]
    weights = class_weights(chosen, n_each, len(labels), spec.classes, several=several)
    weights = weights if weights is None else weights.to(run.torch_device())
    smoothed, contrast = settings["label_smoothing"], 0.0 if several else settings["contrast"]
    return task_of(spec, label_smoothing=smoothed, weights=weights, contrast=contrast)


def _batches(
    texts: Labelled, spec: TextSpec, batch_size: int, run: Run, *, shuffle: bool
) -> DocumentBatches:
    return DocumentBatches(
        in_memory(spec.numbered(texts.texts)),
        texts.numbers(spec.classes),
        batch_size,
        shuffle=shuffle,
        reverse=spec.reverse,
        seed=run.seed,
        most_numbers=spec.MOST_NUMBERS,
    )
