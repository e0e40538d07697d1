"""Which start suits some texts: bags of words, probes of encoders, an LSTM, and their blends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from zoo.core.batches import Batch
from zoo.core.fingerprint import digest
from zoo.core.messages import did_you_mean, warn
from zoo.core.split import Rows
from zoo.core.training.learner import Learner
from zoo.core.trust.candidate_file import KEPT, kept
from zoo.core.trust.candidates import (
    Candidate,
    best_of,
    comparison,
    megabytes,
    per_second,
    probe_of,
    ranked,
    require_enough,
    seconds_per_row,
)
from zoo.core.trust.rivals import predictions_of
from zoo.hub.catalog import entries
from zoo.text.classification.encoder_recipe import START
from zoo.text.classification.model import TextClassifier
from zoo.text.classification.new_learner import new_learner
from zoo.text.classification.options import Options
from zoo.text.classification.recipe import fit_finetune
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.labelled_texts import Labelled
from zoo.text.data.stream import cache_folder
from zoo.text.encoder_files import PACKAGES, Encoder, installed
from zoo.text.pretrained import Start, start_of
from zoo.text.rivals import FITS, fits_of
from zoo.text.spec import TextSpec
from zoo.version import __version__

TIMED: Final = 16  # texts, spread over all, whose time is told
FEW: Final = 10  # texts of a class below which a score tells little
_VERSION: Final = "zoo-candidate-1"

TextLearner = Learner[TextSpec, TextClassifier]
Started = Callable[[str | None], tuple[Start | None, TextLearner]]


@dataclass(frozen=True)
class Texts:
    """The texts that choose.

    Attributes:
        labelled: they themselves.
        source: what they are, in a few words.
        options: how learners read and train on them; none of them sets a part aside.
    """

    labelled: Labelled
    source: str
    options: Options

    def learner(self, first: Start | None, is_valid: Any = None) -> TextLearner:
        """The learner of a start, on all of them or on those that are not to be predicted."""
        labelled = replace(self.labelled, is_valid=is_valid)
        return new_learner(labelled, first, self.source, **self.options)

    @cached_property
    def groups(self) -> list[Any]:
        """A key for each text; copies of a text, and those of a group, have one."""
        return self.labelled.keys


def at_hand(texts: Texts) -> list[str]:
    """Names of the candidates that take no download: bags of words, installed encoders."""
    return [*fits_of(texts.labelled.task), *installed()]


def compared(names: Sequence[str], texts: Texts) -> pd.DataFrame:
    """Candidates compared, see `zoo.core.trust.candidates.comparison`.

    The speed is `texts_per_second`, in one process on this device. Bags of words read what the
    first of the others reads, as they do in its blend. `auto` is the best of the others (of those
    that a standard error does not tell apart the smallest), with the bags beside it: what
    `finetune` makes of it.

    Args:
        names: those of `FITS`, and starts as `finetune` takes them.
        texts: those that choose.

    Raises:
        ValueError: a name is unknown, or that of a classifier, which knows its answers already; or
            there are fewer texts than folds.
    """
    require_enough(len(set(texts.groups)), "texts")
    bags, starts = _divided(names, fits_of(texts.labelled.task))
    _warn_of_few(texts)
    started = lru_cache(maxsize=1)(partial(_started, texts))
    makers = [(name, partial(_of_start, name, texts, started)) for name in starts]
    first = starts[0] if starts else None
    of_bags = [(name, partial(_of_bag, name, first, texts, started)) for name in bags]
    blends = [(name, *bags) for name in starts if bags]
    blends += [tuple(bags)] if len(bags) > 1 else []
    candidates = [*makers[:1], *of_bags, *makers[1:]]  # the bags use the first one's learner
    table = comparison(candidates, per_second("texts"), blends)
    if starts:
        alone: Any = table.loc[starts].drop(columns="auto").reset_index().to_dict("records")
        best = best_of(ranked(alone))
        table["auto"] = table.index == " + ".join([best, *bags])
    return table


def best_start(texts: Callable[[], Texts]) -> str:
    """The encoder at hand that "auto" stands for; where there is one alone, texts are not asked.

    Raises:
        ValueError: there is none.
    """
    names = installed()
    if not names:
        raise ValueError(
            "encoders to choose from must be installed, got none. Run pip install "
            f"'transfer-zoo[{next(iter(PACKAGES))}]', or name one, or train a model of words."
        )
    return names[0] if len(names) == 1 else best_of(compared(names, texts()))


def _divided(names: Sequence[str], bags: Collection[str]) -> tuple[list[str], list[str]]:
    """The bags of words among some names, and the other starts.

    Args:
        names: those that are given.
        bags: names of the bags that can learn the task.

    Raises:
        ValueError: a name is unknown, or that of a bag for other labels.
    """
    if odd := [name for name in names if name in FITS and name not in bags]:
        raise ValueError(
            f"among must be names of candidates for numbers, got {odd[0]!r}, which tells classes "
            f"apart. Try {[*bags]}."
        )
    known = [*FITS, *PACKAGES, *(one.name for one in entries() if one.domain == "text")]
    for name in names:
        if name not in known and "/" not in name and not Path(name).exists():
            raise ValueError(
                f"among must be names of candidates, got {name!r:.80}. {did_you_mean(name, known)}"
            )
    names = list(dict.fromkeys(names))
    return [one for one in names if one in FITS], [one for one in names if one not in FITS]


def _started(texts: Texts, name: str | None) -> tuple[Start | None, TextLearner]:
    """The start of a name, and its learner on all texts; of None, one that reads words.

    Raises:
        ValueError: it is the name of a classifier.
    """
    first = None if name is None else start_of(name)
    if isinstance(first, TextClassifier):
        raise ValueError(
            f"candidates must be encoders or language models, got {name!r:.80}, a classifier, "
            "which may know these texts. Call its evaluate(texts)."
        )
    return first, texts.learner(first)


def _of_start(name: str, texts: Texts, started: Started) -> Candidate:
    """The probe of an encoder; of a language model the classifier that is trained on it."""
    first, learn = started(name)
    assert first is not None
    facts, batches = _facts(learn, texts, first.licence), learn.data.train

    def make() -> Candidate:
        seconds = seconds_per_row(learn.model, _some(batches), learn.device)
        if isinstance(first, Encoder):
            own = {key: facts[key] for key in ("licence", "groups", "seed")}
            return probe_of(learn, START, seconds=seconds, **own)
        predict = partial(_trained, texts, first)
        return Candidate(predict=predict, seconds=seconds, MB=megabytes(learn.model), **facts)

    return kept(_place(learn, texts, name, learn.model), _limit(learn), make, **facts)


def _trained(texts: Texts, first: Start, train: Rows, valid: Rows) -> Tensor:
    """What a classifier that is fine-tuned as `finetune` does says of the others."""
    is_valid = np.zeros(len(train) + len(valid), dtype=bool)
    is_valid[valid] = True
    learn = texts.learner(first, is_valid)
    fit_finetune(learn)
    batches: Any = learn.data.valid
    return learn.predict(batches)[batches.places()]


def _of_bag(name: str, beside: str | None, texts: Texts, started: Started) -> Candidate:
    """A bag of the words or word pieces that another start reads."""
    _, learn = started(beside)
    facts = _facts(learn, texts, licence="")
    batches: Any = learn.data.train

    def fitted(train: DocumentBatches) -> nn.Module:
        return fits_of(learn.data.spec.task)[name](learn.data._replace(train=train, valid=None))

    def predict(train: Rows, valid: Rows) -> Tensor:
        asked = replace(_part(batches, valid), word=learn.data.spec.word)
        bag = fitted(_part(batches, train))
        return predictions_of(bag, asked, learn.task, torch.device("cpu"))[asked.places()]

    def make() -> Candidate:
        bag = fitted(batches)
        some = _some(replace(batches, word=learn.data.spec.word))
        seconds = seconds_per_row(bag, some, torch.device("cpu"))
        return Candidate(predict=predict, seconds=seconds, MB=megabytes(bag), **facts)

    return kept(_place(learn, texts, name, None), _limit(learn), make, **facts)


def _facts(learn: TextLearner, texts: Texts, licence: str) -> dict[str, Any]:
    """What a candidate is beside its predictions, speed and size."""
    batches: Any = learn.data.train
    targets = torch.from_numpy(batches.labels)
    own = {"groups": texts.groups, "seed": batches.seed, "licence": licence}
    return {"task": learn.task, "targets": targets, **own}


def _part(batches: DocumentBatches, rows: Rows) -> DocumentBatches:
    """Some of the documents, the longest first."""
    stream, labels = batches.stream.take(rows), batches.labels[rows]
    return replace(batches, shuffle=False, stream=stream, labels=labels)


def _some(batches: Any) -> Batch:
    """A batch of documents of many lengths."""
    n = len(batches)
    rows = np.unique(np.linspace(0, n - 1, min(n, TIMED)).astype(np.int64))
    part = replace(_part(batches, rows), batch_size=TIMED, most_numbers=None)
    return next(part.epoch(0))


def _place(learn: TextLearner, texts: Texts, name: str, network: nn.Module | None) -> Path:
    """The file that keeps what a candidate says of these texts."""
    batches: Any = learn.data.train
    weights = None if network is None else {**network.state_dict()}
    apart = ("run", "callbacks", "valid", "track")
    options = {key: value for key, value in texts.options.items() if key not in apart}
    data = (texts.labelled.texts, batches.labels, batches.seed, learn.data.spec)
    how = (START.penalties, learn.task.weights, repr(sorted(options.items())))
    what = (_VERSION, __version__, name, data, how, weights)
    return cache_folder(learn.run.cache) / (digest((what, learn.dtype, learn.device.type)) + KEPT)


def _limit(learn: TextLearner) -> int:
    return int(learn.run.cache_gb * 1e9)


def _warn_of_few(texts: Texts) -> None:
    """Tell how little a comparison on few texts says."""
    labelled = texts.labelled
    if labelled.task == "regression":
        return
    truth = labelled.numbers(labelled.classes())
    n, n_each = len(truth), truth.sum(0) if truth.ndim == 2 else np.bincount(truth)
    if (least := int(n_each.min())) < FEW:
        warn(
            f"a comparison needs {FEW} texts of each class to tell much, got {least} of one and "
            f"{n} in all: an accuracy on so few may be off by {min(n**-0.5, 1):.2f} (two standard "
            "errors), so take candidates that lie closer for equally good"
        )
