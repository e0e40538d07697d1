"""The verbs of classifiers: `finetune`, `train` and `learner`."""

from __future__ import annotations

from functools import partial
from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.core.arguments import require_data, require_one_start, require_order
from zoo.core.batches import Data
from zoo.core.class_weights import class_weights
from zoo.core.model import finished, learner_of, source
from zoo.core.options import verb
from zoo.core.run import Run, seeded
from zoo.core.task import Task
from zoo.core.training.learner import Learner
from zoo.core.training.options import Epochs, Rate, SomeEpochs, SomeRate
from zoo.hub.find import names_model
from zoo.text.classification.model import TextClassifier
from zoo.text.classification.options import OPTIONS, TRAIN_EPOCHS, TRAIN_LR, Gradual, Options
from zoo.text.classification.recipe import fit_finetune, fit_gradually
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.labelled import read
from zoo.text.data.labelled_texts import Labelled
from zoo.text.data.parts import parts, unseen
from zoo.text.data.stream import cache_folder, in_memory, most_frequent, with_own_numbers
from zoo.text.data.tokenizer import Tokenizer
from zoo.text.data.warnings import warn_of_empty, warn_of_unknown
from zoo.text.language_model.model import LanguageModel
from zoo.text.language_model.options import Model, SomeModel
from zoo.text.models.classifier import ClassifierNet
from zoo.text.pretrained import Pretrained, pretrained_model, require_like
from zoo.text.recipe import CYCLE
from zoo.text.spec import Spec
from zoo.text.task import task_of

Start = LanguageModel | TextClassifier | None
SMALL = {"d_embedding": 200, "d_hidden": 400, "n_layers": 2}  # a network from random weights


@verb(OPTIONS)
def finetune(
    pretrained: Pretrained,
    data: Any,
    *,
    epochs: SomeEpochs = None,
    lr: SomeRate = None,
    gradual: Gradual = False,
    **options: Unpack[Options],
) -> TextClassifier:
    """Train a classifier of your texts on the encoder of a language model.

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
        gradual: thaw the last layers one after another first, as ULMFiT does: `fit_gradually`.
        **options: see `Options`.

    Raises:
        FileNotFoundError: the model, file or folder does not exist.
        ValueError: there are no texts, one class, or a setting is out of range.

    Example:
        zoo.text.finetune(lm, reviews, text="review", label="sentiment").predict("So good!")
    """
    require_order("zoo.text.finetune", pretrained, data, names_model=names_model)
    learn = learner(data, pretrained=pretrained, **options)
    (fit_gradually if gradual else fit_finetune)(learn, epochs, lr)
    return finished(learn)


@verb(OPTIONS)
def train(
    data: Any,
    *,
    model: Model = "awd_lstm",
    epochs: Epochs = TRAIN_EPOCHS,
    lr: Rate = TRAIN_LR,
    **options: Unpack[Options],
) -> TextClassifier:
    """Train a classifier of your texts from random weights.

    Args:
        data: see `finetune`.
        model: name of the architecture.
        epochs: passes over the texts, by one cycle.
        lr: highest rate.
        **options: see `Options`.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        ValueError: there are no texts, one class, or a setting is out of range.
    """
    require_data("zoo.text.train", data, names_model=names_model)
    learn = learner(data, model=model, **options)
    if epochs:
        learn.fit(epochs, lr, CYCLE)
    return finished(learn)


@verb(OPTIONS)
def learner(
    data: Any,
    *,
    pretrained: Pretrained | None = None,
    model: SomeModel = None,
    **options: Unpack[Options],
) -> Learner[Spec, TextClassifier]:
    """Make the learner of a classifier, to train it step by step: freeze, fit, thaw, fit.

    `learner.as_model()` gives what `finetune` returns, `learner.save(directory)` its artifact.

    Args:
        data: see `finetune`.
        pretrained: a language model or a classifier to go on from, its directory or its name.
        model: name of the architecture, for random weights; give this or `pretrained`.
        **options: see `Options`.

    Raises:
        FileNotFoundError: the model, file or folder does not exist.
        ValueError: there are no texts, one class, a setting is out of range, or neither or both of
            `pretrained` and `model` are given.
    """
    require_data("zoo.text.learner", data, names_model=names_model)
    example = "zoo.text.learner(data, pretrained='zoo/lstm-wiki')"
    require_one_start("zoo.text.learner", pretrained, model, example=example)
    settings = OPTIONS.complete(options)
    settings["run"] = run = settings["run"] or Run()
    first = None if pretrained is None else pretrained_model(pretrained)
    earlier = first.seen_rows if isinstance(first, TextClassifier) else None
    if first is not None:
        require_like(first, options)
    columns = _columns(first, settings)
    labelled = partial(read, text=settings["text"], label=settings["label"], usual=columns)
    whole, valid = labelled(data), settings["valid"]
    apart = None if valid is None else labelled(valid, several=whole.multi_label).to_score()
    training, held = parts(whole, apart, settings["valid_fraction"], run.seed)
    held = unseen(held, earlier)
    spec = _spec(first, training, whole, columns, settings["language"], run)
    batches = partial(_batches, spec=spec, batch_size=settings["batch_size"], run=run)
    train_batches = batches(training, shuffle=True)
    warn_of_empty(train_batches.stream)
    if first is not None:
        warn_of_unknown(train_batches.stream, len(spec.words))
    valid_batches = None if held is None else batches(held, shuffle=False)
    facts = {"pretrained": repr(first) if first else "", "texts": len(training.texts)}
    return learner_of(
        _network(first, spec, settings, run),
        Data(train_batches, valid_batches, spec, training.hashes()),
        _task(spec, settings, train_batches.labels, run),
        TextClassifier,
        settings,
        source=source(data),
        record=facts | OPTIONS.record(settings),
        seen_before=earlier,
    )


def _columns(first: Start, settings: Options) -> tuple[Any, Any]:
    """The columns of texts and of classes to remember: those named now, or before."""
    before = first.spec.columns if first else (None, None)
    text, label = settings["text"], settings["label"]
    label = tuple(label) if isinstance(label, (list, tuple)) else label
    return before[0] if text is None else text, before[1] if label is None else label


def _spec(
    first: Start,
    training: Labelled,
    whole: Labelled,
    columns: tuple[Any, Any],
    language: str,
    run: Run,
) -> Spec:
    """The pretrained model's vocabulary, or one of the training texts; the classes there are."""
    if first is None:
        folder = cache_folder(run.cache)
        stream, words = with_own_numbers(training.texts, Tokenizer(language), folder)
        before = Spec(most_frequent(stream, words).words, language)
    else:
        before = first.spec
    classes = whole.classes()
    classes = before.classes if set(classes) <= set(before.classes) else classes
    kept = (before.words, before.language, before.reverse)
    return Spec(*kept, classes, whole.multi_label, *columns)


@torch.no_grad()
def _network(first: Start, spec: Spec, settings: Options, run: Run) -> ClassifierNet:
    """The network with the pretrained encoder; of a classifier of the same classes the head too."""
    sizes = SMALL if first is None else first.arguments
    with seeded(run.seed):
        network = ClassifierNet(
            n_words=len(spec.words),
            n_classes=len(spec.classes),
            **{name: sizes[name] for name in SMALL},
            drop_mult=settings["drop_mult"],
            max_len=settings["max_len"],
            bptt=settings["bptt"],
        )
    if first is not None:
        network.encoder.load_state_dict(first.members[0].encoder.state_dict())
    if isinstance(first, TextClassifier) and first.spec.is_like(spec):
        network.head.load_state_dict(first.members[0].head.state_dict())
        network.head_trained = True
    return network


def _task(spec: Spec, settings: Options, labels: NDArray[Any], run: Run) -> Task:
    """The task, its loss smoothed and weighted as the user says."""
    n, several = len(spec.classes), spec.multi_label
    n_each = labels.sum(0) if several else np.bincount(labels, minlength=n)
    chosen = settings["class_weights"]
    weights = class_weights(chosen, n_each, len(labels), spec.classes, several=several)
    weights = weights if weights is None else weights.to(run.torch_device())
    return task_of(spec, label_smoothing=settings["label_smoothing"], weights=weights)


def _batches(
    texts: Labelled, spec: Spec, batch_size: int, run: Run, *, shuffle: bool
) -> DocumentBatches:
    return DocumentBatches(
        in_memory(map(spec.numberer, texts.texts)),
        texts.numbers(spec.classes),
        batch_size,
        shuffle=shuffle,
        reverse=spec.reverse,
        seed=run.seed,
    )
