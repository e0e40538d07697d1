"""Part 8: the full-size language model of Wikipedia, IMDB's language model and classifier.

The sizes of Howard & Ruder 2018: words of 400, 1,152 units between three layers of LSTM. Texts come
as numbers of words (`token_file`), Wikipedia's and IMDB's with one vocabulary: of Wikipedia and of
IMDB's training and unlabelled reviews, not of the test reviews. As many passes over Wikipedia as
the time allows, two over the reviews, then ULMFiT's gradual thawing on 25,000 labelled reviews; the
accuracy is that on all 25,000 test reviews. The language model of Wikipedia is kept in half
precision, cut into files of at most 16 MiB (`python -m benchmarks.device checkpoint`).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

import zoo
from benchmarks.device import token_file
from benchmarks.device.checkpoint import PIECES, keep
from benchmarks.device.room import Room
from benchmarks.loop_overhead import timed
from zoo.core.batches import Data
from zoo.core.model import finished, learner_of
from zoo.core.run import seeded
from zoo.core.training.learner import Learner
from zoo.text import LanguageModel, TextClassifier
from zoo.text.classification import options as classifier_options
from zoo.text.classification.recipe import fit_gradually
from zoo.text.data.batches import StreamBatches
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.rules import BOS_ID, SPECIAL
from zoo.text.data.stream import Stream, in_memory
from zoo.text.language_model import options as lm_options
from zoo.text.models.classifier import ClassifierNet
from zoo.text.models.language_model import LanguageNet, task
from zoo.text.recipe import CYCLE
from zoo.text.spec import Spec
from zoo.text.task import task_of

ACCURACY, SECONDS = 0.941, 480.0  # targets
CLASSES: Final = ("neg", "pos")
PROBE: Final = 40  # steps that tell the speed


@dataclass(frozen=True)
class Recipe:
    """Sizes, and how everything is trained.

    Attributes:
        most_epochs: passes over Wikipedia at most.
        reviews_epochs: passes over the reviews of the language model.
        lr: highest rate of the language model.
        drop_mult: factor of the language model's dropouts.
        ar: penalty on large activations.
        tar: penalty on quickly changing ones.
        batch_size: rows that the language model reads side by side.
        classifier_epochs: passes with everything thawed, after three of the last layers.
        classifier_lr: highest rate of the head.
        classifier_drop_mult: factor of the classifier's dropouts.
        classifier_batch_size: documents of a batch.
        reserve: seconds that are kept for the classifier and its score.
    """

    d_embedding: int = 400
    d_hidden: int = 1152
    n_layers: int = 3
    most_epochs: int = 10
    reviews_epochs: int = 2
    lr: float = 3e-3
    drop_mult: float = 0.3
    ar: float = 2.0
    tar: float = 1.0
    batch_size: int = 128
    classifier_epochs: int = 2
    classifier_lr: float = 2e-2
    classifier_drop_mult: float = 0.5
    classifier_batch_size: int = 64
    reserve: float = 150.0

    @property
    def sizes(self) -> dict[str, int]:
        """Those of the networks."""
        names = ("d_embedding", "d_hidden", "n_layers")
        return {name: getattr(self, name) for name in names}


SMOKE: Final = Recipe(
    d_embedding=8,
    d_hidden=12,
    n_layers=2,
    most_epochs=1,
    reviews_epochs=1,
    batch_size=4,
    classifier_epochs=1,
    classifier_batch_size=8,
    reserve=0,
)


def run(room: Room) -> None:
    """All three trainings, and the score."""
    began = time.time()
    recipe = SMOKE if room.at.smoke else Recipe()
    words, parts = made_up() if room.at.smoke else read(room)
    for name, stream in parts.items():
        room.row(name, "words", len(stream), "tokens")
    spec = Spec(words)
    learn = language_learner(room, recipe, spec, parts["wiki"], parts["wiki valid"])
    rate = speed(learn, parts["wiki"], recipe)
    room.row("language model", "rate", rate, "tokens/s")
    spent = time.time() - began
    left = min(room.left, SECONDS - spent) - recipe.reserve
    reviews = together([parts["imdb train"], parts["imdb unlabelled"]])
    left -= recipe.reviews_epochs * len(reviews) / rate
    epochs = min(max(int(left * rate / len(parts["wiki"])), 1), recipe.most_epochs)
    room.row("wikipedia", "epochs", epochs)
    learn.fit(epochs, recipe.lr, CYCLE)
    report(room, "wikipedia", learn)
    keep(finished(learn), room.at.work, room.at.out)
    size = sum(path.stat().st_size for path in room.at.out.glob(PIECES))
    room.row("wikipedia", "bytes of the checkpoint", size)

    batches = language_batches(recipe, reviews), scored(parts["imdb test"])
    learn.set_data(Data(*batches, spec))
    learn.fit(recipe.reviews_epochs, recipe.lr, CYCLE)
    report(room, "reviews", learn)

    classify = classifier(room, recipe, spec, learn.model, parts["imdb train"])
    fit_gradually(classify, recipe.classifier_epochs, recipe.classifier_lr)
    trained = sum(row["seconds"] for row in classify.history.rows)
    room.row("imdb", "seconds of training", trained, "s")
    test = parts["imdb test"]
    size = 2 * recipe.classifier_batch_size
    scores = classify.evaluate(DocumentBatches(test, labels(test), size, shuffle=False))
    room.row("imdb", "accuracy", scores["accuracy"], at_least=ACCURACY)
    room.row("everything", "seconds", time.time() - began, "s", at_most=SECONDS)


def read(room: Room) -> tuple[tuple[str, ...], dict[str, Stream]]:
    """The texts that were carried.

    Raises:
        FileNotFoundError: there are none.
    """
    path = room.at.archive(token_file.FILE)
    if path is None:
        name = token_file.FILE
        raise FileNotFoundError(f"texts must be carried, got no {name}. Run prepare --parts 8.")
    return token_file.read(path)


# ---- the language models -------------------------------------------------------------------------


def language_learner(
    room: Room, recipe: Recipe, spec: Spec, train: Stream, valid: Stream
) -> Learner[Spec, LanguageModel]:
    """The learner of a language model from random weights, as `zoo.text.lm_learner` makes it."""
    run = zoo.Run(device=room.at.device, progress=False)
    settings = lm_options.OPTIONS.complete(
        {"run": run, "clip": 1.0, "batch_size": recipe.batch_size, **recipe.sizes}
    )
    settings |= {"ar": recipe.ar, "tar": recipe.tar, "drop_mult": recipe.drop_mult}
    with seeded(run.seed):
        network = LanguageNet(
            n_words=len(spec.words), **recipe.sizes, drop_mult=recipe.drop_mult, skips_logits=False
        )
    facts = {"words": len(train), "documents": train.n_documents, "vocabulary": len(spec.words)}
    return learner_of(
        network,
        Data(language_batches(recipe, train), scored(valid), spec),
        task(recipe.ar, recipe.tar, 0),
        LanguageModel,
        settings,
        source="long Wikipedia articles",
        record=facts | lm_options.OPTIONS.record(settings),
    )


def language_batches(recipe: Recipe, stream: Stream) -> StreamBatches:
    """Batches to train on."""
    return StreamBatches(stream, recipe.batch_size)


def scored(stream: Stream) -> StreamBatches:
    """Batches to validate on: of many documents, one of 25."""
    every = 25 if stream.n_documents > 1000 else 1
    return StreamBatches(stream.take(np.arange(0, stream.n_documents, every)), 32, shuffle=False)


def speed(learn: Learner[Spec, Any], stream: Stream, recipe: Recipe) -> float:
    """Tokens per second of a copy of the network, after a warm-up."""
    n = PROBE * 72 * recipe.batch_size
    piece = Stream.of(stream.numbers[:n], [min(n, len(stream.numbers))])
    data = Data(language_batches(recipe, piece))
    twin = Learner(copy.deepcopy(learn.model), data, learn.task, clip=learn.clip, run=learn.run)
    twin.fit(1, 1e-4)
    return len(piece) / timed(lambda: twin.fit(1, 1e-4), learn.device.type)


def report(room: Room, name: str, learn: Learner[Spec, Any]) -> None:
    """Rows of the last fit's end."""
    last = learn.history.rows[-1]
    room.row(name, "perplexity", float(np.exp(last["valid_loss"])))
    room.row(name, "seconds of the last epoch", last["seconds"], "s")


# ---- the classifier ------------------------------------------------------------------------------


def classifier(
    room: Room, recipe: Recipe, spec: Spec, language: Any, train: Stream
) -> Learner[Spec, TextClassifier]:
    """The learner of a classifier on the language model's encoder, see `zoo.text.learner`."""
    run = zoo.Run(device=room.at.device, progress=False)
    spec = replace(spec, classes=CLASSES)
    size = recipe.classifier_batch_size
    settings = classifier_options.OPTIONS.complete({"run": run, "batch_size": size})
    with seeded(run.seed):
        network = ClassifierNet(
            n_words=len(spec.words),
            n_classes=len(CLASSES),
            **recipe.sizes,
            drop_mult=recipe.classifier_drop_mult,
        )
    network.encoder.load_state_dict(language.encoder.state_dict())
    return learner_of(
        network,
        Data(DocumentBatches(train, labels(train), size), None, spec),
        task_of(spec),
        TextClassifier,
        settings,
        source="IMDB",
        record={"texts": train.n_documents},
    )


def labels(reviews: Stream) -> np.ndarray:
    """Classes of an official part: the first half blames. Shape: (n,), int64"""
    return (np.arange(reviews.n_documents) >= reviews.n_documents // 2).astype(np.int64)


def together(streams: Iterable[Stream]) -> Stream:
    """The documents of several streams."""
    return in_memory(one.document(i) for one in streams for i in range(one.n_documents))


def made_up() -> tuple[tuple[str, ...], dict[str, Stream]]:
    """Documents of random words; in the second half of each part one word is frequent."""
    rng = np.random.default_rng(0)
    words = (*SPECIAL, *(f"word{i}" for i in range(91)))

    def part(n: int) -> Stream:
        documents = []
        for i in range(n):
            numbers = rng.integers(len(SPECIAL), len(words), rng.integers(20, 60))
            if i >= n // 2:
                numbers[::3] = len(words) - 1
            documents.append(np.append(BOS_ID, numbers).astype(np.int32))
        return in_memory(documents)

    sizes = {"wiki": 40, "wiki valid": 10, "imdb train": 32, "imdb test": 32, "imdb unlabelled": 16}
    return words, {name: part(n) for name, n in sizes.items()}
