"""The verbs of language models: `train_lm`, `finetune_lm` and `lm_learner`.

Howard & Ruder 2018: a language model of general texts (sec. 3.1) is fine-tuned on those of the task
(sec. 3.2) before a classifier is put on its encoder (`zoo.text.finetune`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import torch

from zoo.core.arguments import require_data, require_one_start, require_order
from zoo.core.batches import Data
from zoo.core.model import learner_of, source
from zoo.core.run import Run, seeded
from zoo.core.training.learner import Learner
from zoo.core.training.options import Epochs, Rate, SomeEpochs
from zoo.core.trust.judge import train_and_judge
from zoo.core.verbs import verb
from zoo.hub.find import names_model
from zoo.text.data.batches import StreamBatches
from zoo.text.data.texts import Texts
from zoo.text.data.torchtext import words_of
from zoo.text.data.vocabulary import carried_over
from zoo.text.language_model.corpus import corpus
from zoo.text.language_model.model import LanguageModel
from zoo.text.language_model.options import (
    FINETUNE_LR,
    FIT_OPTIONS,
    OPTIONS,
    TRAIN_EPOCHS,
    TRAIN_LR,
    FitOptions,
    Model,
    Options,
    SomeModel,
)
from zoo.text.language_model.recipe import fit_finetune, usual_batch_size
from zoo.text.models.language_model import LanguageNet, task
from zoo.text.pretrained import SIZES, language_model, require_like
from zoo.text.recipe import CYCLE
from zoo.text.spec import Spec

Pretrained = str | os.PathLike[str] | LanguageModel
WordLearner = Learner[Spec, LanguageModel]


@verb(FIT_OPTIONS)
def train_lm(
    data: Texts,
    *,
    model: Model = "awd_lstm",
    epochs: Epochs = TRAIN_EPOCHS,
    lr: Rate = TRAIN_LR,
    **options: Unpack[FitOptions],
) -> LanguageModel:
    """Train a language model on your texts from random weights.

    Args:
        data: a folder of text files, a file (text, JSON lines, CSV, TSV, Parquet), a DataFrame, a
            data set of Hugging Face or torchtext, or any iterable of texts; they may be larger than
            memory.
        model: name of the architecture.
        epochs: passes over the texts, by one cycle.
        lr: highest rate.
        **options: see `Options`.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        ValueError: there are too few texts, or a setting is out of range.

    Example:
        zoo.text.train_lm("books/").generate("Once upon a time")
    """
    require_data("zoo.text.train_lm", data, names_model=names_model)

    def fit(learn: WordLearner, like: Sequence[WordLearner]) -> None:
        if epochs:
            learn.fit(epochs, lr, CYCLE)

    return train_and_judge(partial(lm_learner, data, model=model), fit, FIT_OPTIONS, options)


@verb(FIT_OPTIONS)
def finetune_lm(
    pretrained: Pretrained,
    data: Texts,
    *,
    epochs: SomeEpochs = None,
    lr: Rate = FINETUNE_LR,
    **options: Unpack[FitOptions],
) -> LanguageModel:
    """Take a trained language model further on your texts.

    Its vocabulary becomes that of your texts, and of the words that it knows beside them the most
    frequent ones, until it has as many words as before. Words that the model knows keep their
    vectors, others begin at the mean. First the words alone train for an epoch, then everything at
    a tenth of the rate.

    Args:
        pretrained: a language model, its directory, or its name on the hub.
        data: see `train_lm`.
        epochs: passes over the texts with everything unfrozen; None takes 3, up to 8 of few texts.
        lr: highest rate of the first epoch.
        **options: see `Options`.

    Raises:
        FileNotFoundError: the model, file or folder does not exist.
        ValueError: there are too few texts, or a setting is out of range.
    """
    require_order("zoo.text.finetune_lm", pretrained, data, names_model=names_model)
    start = language_model(pretrained)

    def fit(learn: WordLearner, like: Sequence[WordLearner]) -> None:
        fit_finetune(learn, epochs, lr)

    return train_and_judge(partial(lm_learner, data, pretrained=start), fit, FIT_OPTIONS, options)


@verb(OPTIONS)
def lm_learner(
    data: Texts,
    *,
    pretrained: Pretrained | None = None,
    model: SomeModel = None,
    **options: Unpack[Options],
) -> Learner[Spec, LanguageModel]:
    """Make the learner of a language model, to train it step by step.

    `learner.as_model()` gives what `train_lm` returns, `learner.save(directory)` its artifact.

    Args:
        data: see `train_lm`.
        pretrained: a language model to go on from, its directory, or its name on the hub.
        model: name of the architecture, for random weights; give this or `pretrained`.
        **options: see `Options`.

    Raises:
        FileNotFoundError: the model, file or folder does not exist.
        ValueError: there are too few texts, a setting is out of range, or neither or both of
            `pretrained` and `model` are given.
    """
    require_data("zoo.text.lm_learner", data, names_model=names_model)
    example = "zoo.text.lm_learner(data, pretrained='zoo/lstm-wiki')"
    require_one_start("zoo.text.lm_learner", pretrained, model, example=example)
    settings = OPTIONS.complete(options)
    settings["run"] = run = settings["run"] or Run()
    first = None if pretrained is None else language_model(pretrained)
    earlier = None if first is None else first.seen_rows
    if first is not None:
        require_like(first, options)
    known = () if first is None else first.spec.words
    train, valid, rows, spec = corpus(data, _spec(first, settings), settings, earlier, known)
    usual = usual_batch_size(len(train), settings["bptt"])
    settings["batch_size"] = settings["batch_size"] or usual
    batches = partial(
        StreamBatches,
        batch_size=settings["batch_size"],
        bptt=settings["bptt"],
        reverse=spec.reverse,
        seed=run.seed,
    )
    valid_batches = None if valid is None else batches(valid, shuffle=False)
    facts = {
        "pretrained": "" if first is None else repr(first),
        "words": len(train),
        "documents": train.n_documents,
        "vocabulary": len(spec.words),
    }
    return learner_of(
        _network(first, spec, settings, run),
        Data(batches(train), valid_batches, spec, rows),
        task(settings["ar"], settings["tar"], settings["sampled"]),
        LanguageModel,
        settings,
        source=source(data),
        record=facts | OPTIONS.record(settings),
        seen_before=earlier,
    )


def _spec(first: LanguageModel | None, settings: Options) -> Spec:
    """Language, direction and column of the texts; the words if the user states them."""
    words = () if settings["words"] is None else words_of(settings["words"])
    before = first.spec if first else Spec((), settings["language"], settings["reverse"])
    column = before.text_column if settings["text"] is None else settings["text"]
    return Spec(words, before.language, before.reverse, text_column=column)


def _network(first: LanguageModel | None, spec: Spec, settings: Options, run: Run) -> LanguageNet:
    """The network: sizes and weights of the pretrained one, else random weights."""
    sizes: Mapping[str, Any] = settings if first is None else first.arguments
    with seeded(run.seed):
        network = LanguageNet(
            n_words=len(spec.words),
            **{name: sizes[name] for name in SIZES},
            drop_mult=settings["drop_mult"],
            skips_logits=bool(settings["sampled"]),
        )
    if first is not None:
        _take_weights(network, first, spec)
    return network


@torch.no_grad()
def _take_weights(network: LanguageNet, pretrained: LanguageModel, spec: Spec) -> None:
    """Take a trained model's weights; words by themselves, wherever they stand."""
    rows = spec.vocabulary.rows_in(pretrained.spec.vocabulary)
    tensors = {name: tensor.cpu() for name, tensor in pretrained.members[0].state_dict().items()}
    for name in ("encoder.embedding.weight", "decoder.bias"):
        tensors[name] = carried_over(tensors[name], rows)
    network.load_state_dict(tensors)
