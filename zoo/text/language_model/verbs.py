"""The verbs of language models: `train_lm`, `finetune_lm` and `lm_learner`.

Howard & Ruder 2018: a language model of general texts (sec. 3.1) is fine-tuned on those of the task
(sec. 3.2) before a classifier is put on its encoder (`zoo.text.finetune`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Unpack

import torch
from torch.optim import Optimizer

from zoo.core.batches import Data
from zoo.core.model import finished, made, source
from zoo.core.run import Run, seeded
from zoo.core.training.learner import Learner
from zoo.core.training.options import OptimizerName
from zoo.core.training.schedules import one_cycle
from zoo.hub.find import find
from zoo.text.data.batches import BPTT, StreamBatches
from zoo.text.data.corpus import corpus
from zoo.text.data.texts import Texts
from zoo.text.data.torchtext import words_of
from zoo.text.data.vocabulary import AT_LEAST, MOST_WORDS, carried_over
from zoo.text.language_model.model import LanguageModel
from zoo.text.models.awd_lstm import Dropouts
from zoo.text.models.language_model import AR, TAR, LanguageNet, task
from zoo.text.options import LanguageOptions, check_names, check_numbers
from zoo.text.spec import Spec
from zoo.text.stored import load

Pretrained = str | os.PathLike[str] | LanguageModel

MOMENTUMS = (0.8, 0.7)  # of Adam's first beta, down and up again
CYCLE = partial(one_cycle, momentums=MOMENTUMS)
TRAIN_EPOCHS, TRAIN_LR = 10, 5e-3
FINETUNE_EPOCHS, FINETUNE_LR = 3, 2e-2


def train_lm(
    texts: Texts,
    *,
    epochs: int = TRAIN_EPOCHS,
    lr: float = TRAIN_LR,
    **options: Unpack[LanguageOptions],
) -> LanguageModel:
    """A language model trained on your texts from random weights.

    Args:
        texts: a folder of text files, a file (text, JSON lines, CSV, TSV, Parquet), a DataFrame, a
            data set of Hugging Face or torchtext, or any iterable of texts; they may be larger than
            memory.
        epochs: passes over the texts, by one cycle.
        lr: highest rate.
        **options: see `LanguageOptions`.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        ValueError: there are too few texts, or a setting is out of range.

    Example:
        zoo.text.train_lm("books/").generate("Once upon a time")
    """
    check_names(options, LanguageOptions)
    rates = check_numbers(epochs=epochs, lr=lr)
    learn = lm_learner(texts, **options)
    if rates["epochs"]:
        learn.fit(rates["epochs"], rates["lr"], CYCLE)
    return scored(learn)


def finetune_lm(
    pretrained: Pretrained,
    texts: Texts,
    *,
    epochs: int = FINETUNE_EPOCHS,
    lr: float = FINETUNE_LR,
    **options: Unpack[LanguageOptions],
) -> LanguageModel:
    """A trained language model taken further on your texts, with their vocabulary.

    Words that the model knows keep their vectors, others begin at the mean. First the words alone
    train for an epoch, then everything at a tenth of the rate.

    Args:
        pretrained: a language model, its directory, or its name on the hub.
        texts: see `train_lm`.
        epochs: passes with everything unfrozen.
        lr: highest rate of the first epoch.
        **options: see `LanguageOptions`; the network's sizes stay what they are.

    Raises:
        FileNotFoundError: the model, file or folder does not exist.
        ValueError: as for `train_lm`.
    """
    check_names(options, LanguageOptions)
    rates = check_numbers(epochs=epochs, lr=lr)
    learn = lm_learner(texts, pretrained=language_model(pretrained), **options)
    learn.freeze()
    learn.fit(1, rates["lr"], CYCLE)
    learn.unfreeze()
    if rates["epochs"] and not learn.interrupted:
        learn.fit(rates["epochs"], rates["lr"] / 10, CYCLE)
    return scored(learn)


def lm_learner(  # noqa: D417 - `LanguageOptions` describes the others
    texts: Texts,
    *,
    pretrained: LanguageModel | None = None,
    text: str | None = None,
    valid: Texts | None = None,
    valid_fraction: float = 0.1,
    language: str = "en",
    reverse: bool = False,
    most_words: int = MOST_WORDS,
    at_least: int = AT_LEAST,
    words: Any = None,
    d_embedding: int = 400,
    d_hidden: int = 1152,
    n_layers: int = 3,
    drop_mult: float = 1.0,
    ar: float = AR,
    tar: float = TAR,
    sampled: int = 0,
    batch_size: int = 64,
    bptt: int = BPTT,
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer] = "adamw",
    weight_decay: float = 0.01,
    clip: float | None = None,
    callbacks: Sequence[Any] = (),
    run: Run | None = None,
) -> Learner[Any, Any]:
    """The learner of a language model, for the step-by-step way.

    `learner.as_model()` gives what `train_lm` returns, `learner.save(directory)` its artifact.

    Args:
        texts: see `train_lm`.
        pretrained: the model to go on from, which sizes, language and direction then follow.
        The others: see `LanguageOptions`.
    """
    numbers = check_numbers(
        valid_fraction=valid_fraction, most_words=most_words, at_least=at_least, bptt=bptt,
        d_embedding=d_embedding, d_hidden=d_hidden, n_layers=n_layers, drop_mult=drop_mult,
        ar=ar, tar=tar, sampled=sampled, batch_size=batch_size, weight_decay=weight_decay,
        **({} if clip is None else {"clip": clip}),
    )  # fmt: skip
    run = run or Run()
    sizes = {name: numbers[name] for name in ("d_embedding", "d_hidden", "n_layers")}
    column: Any = text
    if pretrained:
        sizes = {name: pretrained.arguments[name] for name in sizes}
        language, reverse = pretrained.spec.language, pretrained.spec.reverse
        column = pretrained.spec.text_column if text is None else text
    arguments = sizes | {"drop_mult": numbers["drop_mult"]}
    own_words = words_of(words) if words is not None else ()
    earlier = pretrained.seen_rows if pretrained else None
    train, held, rows, spec = corpus(
        texts,
        valid,
        Spec(own_words, language, reverse, text_column=column),
        run,
        column=text,
        fraction=numbers["valid_fraction"],
        most=numbers["most_words"],
        at_least=numbers["at_least"],
        seen=earlier,
    )
    with seeded(run.seed):
        dropouts = Dropouts().times(numbers["drop_mult"])
        net = LanguageNet(
            n_words=len(spec.words),
            dropouts=dropouts,
            skips_logits=bool(numbers["sampled"]),
            **sizes,
        )
    if pretrained:
        take_words(net, pretrained, spec)
    batches = partial(
        StreamBatches, batch_size=numbers["batch_size"], bptt=numbers["bptt"], reverse=reverse
    )
    told = {
        "pretrained": repr(pretrained) if pretrained else "",
        "words": len(train),
        "documents": train.n_documents,
        "vocabulary": len(spec.words),
        **{
            name: numbers[name]
            for name in ("valid_fraction", "batch_size", "bptt", "ar", "tar", "sampled")
        },
    }
    return Learner(
        net,
        Data(
            batches(train, seed=run.seed),
            batches(held, shuffle=False) if held is not None else None,
            spec,
            rows,
        ),
        task(numbers["ar"], numbers["tar"], numbers["sampled"]),
        optimizer=optimizer,
        weight_decay=numbers["weight_decay"],
        clip=numbers.get("clip"),
        callbacks=callbacks,
        as_model=partial(
            made,
            kind=partial(LanguageModel, arguments=arguments),
            data=source(texts),
            told=told,
            seen_before=earlier,
        ),
        run=run,
    )


@torch.no_grad()
def take_words(net: LanguageNet, pretrained: LanguageModel, spec: Spec) -> None:
    """Weights of a trained model; words by themselves, wherever they stand in the vocabulary."""
    old: Any = pretrained.members[0]
    rows = spec.vocabulary.rows_in(pretrained.spec.vocabulary)
    tensors = {name: tensor.cpu() for name, tensor in old.state_dict().items()}
    for name in ("encoder.embedding.weight", "decoder.bias"):
        tensors[name] = carried_over(tensors[name], rows)
    net.load_state_dict(tensors)


def language_model(pretrained: Pretrained) -> LanguageModel:
    """The language model itself, read from its directory or the hub if need be.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is another kind of model.
    """
    model: Any = pretrained
    if isinstance(pretrained, (str, os.PathLike)):
        model = load(find(pretrained))
    if not isinstance(model, LanguageModel):
        raise ValueError(
            "fine-tuning a language model takes a language model, however pretrained is a "
            f"{type(model).__name__}; zoo.text.train_lm makes one"
        )
    return model


def scored(learn: Learner[Any, Any]) -> LanguageModel:
    """The model with its scores."""
    model: LanguageModel = finished(learn)
    return model
