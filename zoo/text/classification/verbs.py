"""The verbs of classifiers: `finetune`, `train`, `choose` and `learner`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Unpack

import numpy as np
import pandas as pd

from zoo.core.arguments import require_data, require_one_start, require_order
from zoo.core.model import source
from zoo.core.training.learner import Learner
from zoo.core.training.options import Epochs, Rate, SomeEpochs, SomeRate
from zoo.core.trust.blend import warn_of_partners
from zoo.core.trust.gauge import vector_gauge
from zoo.core.trust.judge import train_and_judge
from zoo.core.trust.options import JUDGED
from zoo.core.trust.rivals import Rival
from zoo.core.trust.trial import Recipe, Rivals
from zoo.core.verbs import verb
from zoo.text.classification.candidates import Texts, at_hand, best_start, compared
from zoo.text.classification.encoder_recipe import fine_tuning
from zoo.text.classification.features import look_of
from zoo.text.classification.model import TextClassifier
from zoo.text.classification.new_learner import (
    labelled_texts,
    new_learner,
    reader,
    training_texts,
)
from zoo.text.classification.options import (
    CHEAP_LETTERS,
    FEW_LETTERS,
    FIT_OPTIONS,
    OPTIONS,
    TRAIN_EPOCHS,
    TRAIN_LR,
    FitOptions,
    Gradual,
    Options,
)
from zoo.text.classification.recipe import fit_finetune, fit_gradually
from zoo.text.data.in_time import in_time
from zoo.text.encoder_files import Encoder
from zoo.text.language_model.options import Model, SomeModel
from zoo.text.pretrained import AUTO, Pretrained, Start, names_model, start_of
from zoo.text.recipe import CYCLE
from zoo.text.rivals import rivals_of
from zoo.text.spec import PieceSpec, TextSpec

FEWEST_TEXTS: Final = 25  # different ones, that are divided into folds by default,
FEWEST_ENCODED: Final = 10  # on an encoder
GAUGE: Final = vector_gauge(look_of)


@verb(FIT_OPTIONS)
def finetune(
    pretrained: Pretrained,
    data: Any,
    *,
    epochs: SomeEpochs = None,
    lr: SomeRate = None,
    gradual: Gradual = False,
    **options: Unpack[FitOptions],
) -> TextClassifier:
    """Train a classifier of your texts on a pretrained encoder, or that of a language model.

    On a pretrained encoder (`"minilm"`, `"hf/ORG/NAME"`) the head is fitted to its vectors of the
    texts, which are kept on disk, by logistic regression; then the upper two thirds of the blocks
    train for `epochs` by one cycle, by cross entropy and by drawing texts of one class together
    (`contrast`), the head is fitted anew, and the end lies between both.

    On a language model's encoder the head trains for an epoch, then everything for `epochs`, by one
    cycle each, the words at a quarter of the head's rate. A classifier of the same classes is taken
    further as it is: without the first phase, and at lower rates.

    Two bags of words (or word pieces), TF-IDF with logistic regression and NB-SVM, learn from the
    same texts and are scored on the same others. Probabilities are a mean of all three, by shares
    and a temperature that are fitted on texts which none has seen (`zoo.core.trust.mixing`): of a
    few hundred short texts bags mostly say it all beside a network of words, hardly anything beside
    an encoder (`model.rivals` shows it).

    With `task="regression"` labels are numbers to predict: they are learnt in units of their
    deviation, `predict` gives floats, and the one bag beside the network is TF-IDF with ridge
    regression. `text=("question", "answer")` names both columns of pairs that are read together; an
    encoder leaves out the end of the longer text of a pair that it cannot read at once.

    Args:
        pretrained: an encoder: "minilm" (extra `minilm`), "hf/ORG/NAME" of the Hugging Face hub
            (extra `transformers`), or a directory in its layout; or a language model (best
            fine-tuned on such texts: `finetune_lm`), a classifier, the directory of one, or its
            name on the hub. "auto" takes the installed encoder that suits the training texts best
            (`choose`).
        data: a DataFrame, columns by name or a list of rows; a CSV, TSV, Parquet, JSON or
            JSON-lines file; a data set of Hugging Face or torchtext; a folder with one folder of
            text files per class, perhaps within train/ and valid/; or a pair (texts, labels). A
            text has any number of classes where labels are lists or rows of 0 and 1, where cells
            hold several with "|" or ";" between them, or where `label` names several columns of 0
            and 1. Every text must have a label. A pair of texts is a tuple of two.
        epochs: passes over the texts with everything unfrozen; None makes about 600 steps of them,
            in 2 to 8 epochs: more learn many texts by heart (`scripts/text_imdb.py`). On an encoder
            1 to 20, the fewer the more texts there are; 0 keeps the logistic regression.
        lr: highest rate of the head; None takes 1e-2, or 2e-3 if the head knows the classes; on an
            encoder 1e-4.
        gradual: thaw the last layers one after another first, as ULMFiT does: `fit_gradually`.
        **options: see `Options`.

    Raises:
        FileNotFoundError: the model, file or folder does not exist.
        ValueError: there are no texts, one class, or a setting is out of range.

    Example:
        zoo.text.finetune(lm, reviews, text="review", label="sentiment").predict("So good!")
    """
    require_order("zoo.text.finetune", pretrained, data, names_model=names_model)
    first = _first(pretrained, data, options)
    warn_of_partners(None if isinstance(first, Encoder) else first.blend)
    if isinstance(first.spec, PieceSpec):
        tuning = fine_tuning(epochs, lr, gradual=gradual)

        def rivals(learn: Learner[TextSpec, TextClassifier]) -> list[Rival[TextSpec]]:
            return [*tuning.rivals(learn), *rivals_of(learn)]

        return _judged(data, first, tuning.train, options, rivals)
    fit = fit_gradually if gradual else fit_finetune
    compared = None if epochs == 0 else rivals_of
    return _judged(data, first, partial(_fit, fit, epochs, lr), options, compared)


@verb(FIT_OPTIONS)
def train(
    data: Any,
    *,
    model: Model = "awd_lstm",
    epochs: Epochs = TRAIN_EPOCHS,
    lr: Rate = TRAIN_LR,
    **options: Unpack[FitOptions],
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
    compared = None if epochs == 0 else rivals_of
    return _judged(data, None, partial(_fit, _one_cycle, epochs, lr), options, compared)


@verb(OPTIONS)
def choose(
    data: Any, *, among: Sequence[str] | None = None, **options: Unpack[Options]
) -> pd.DataFrame:
    """Compare ways to a classifier of your texts by cross-validation: bags of words, encoders.

    Encoders are compared by linear probes: each reads every text once, and its vectors are kept, as
    are the scores, so that the second call takes a second or two and `finetune` of the chosen one
    starts at once. A language model, such as "zoo/lstm-wiki", is fine-tuned for each fold, which
    takes minutes. Texts of a validation part take no part.

    Args:
        data: see `finetune`.
        among: names of candidates: "tf-idf", "nb-svm", and starts as `finetune` takes them. None
            takes the bags of words and the encoders that are installed.
        **options: see `Options`.

    Returns:
        A row for each candidate, for each start with the bags beside it, and for the bags together,
        the best score first: score over 5 folds and its spread, loss, `texts_per_second`, `MB`,
        `licence`; see `zoo.core.trust.candidates.comparison`. `auto` marks the row of the start
        that suits best. A warning tells where texts are too few to say much.

    Raises:
        ValueError: an unknown name, no name, or as `finetune`.

    Example:
        zoo.text.choose(reviews, among=["minilm", "tf-idf"], text="review", label="sentiment")
    """
    require_data("zoo.text.choose", data, names_model=names_model)
    is_list = among is None or (not isinstance(among, str) and bool(among))
    if not is_list or not all(isinstance(one, str) for one in among or ()):
        raise ValueError(
            f"among must be names of candidates, got {among=!r}. Try ['minilm', 'tf-idf']."
        )
    texts = _texts_that_choose(data, options)
    return compared(at_hand(texts) if among is None else among, texts)


@verb(OPTIONS)
def learner(
    data: Any,
    *,
    pretrained: Pretrained | None = None,
    model: SomeModel = None,
    **options: Unpack[Options],
) -> Learner[TextSpec, TextClassifier]:
    """Make the learner of a classifier, to train it step by step: freeze, fit, thaw, fit.

    `learner.as_model()` gives what `finetune` returns, `learner.save(directory)` its artifact.

    Args:
        data: see `finetune`.
        pretrained: an encoder, a language model or a classifier to go on from, see `finetune`.
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
    first = None if pretrained is None else _first(pretrained, data, options)
    if first is not None and not isinstance(first, Encoder):
        warn_of_partners(first.blend)
    whole = labelled_texts(data, first, options)
    return new_learner(whole, first, source(data), **options)


def _first(pretrained: Pretrained, data: Any, options: Mapping[str, Any]) -> Start:
    """What a call starts from; "auto" is the encoder at hand that the training texts choose."""
    if pretrained == AUTO and not Path(AUTO).exists():
        pretrained = best_start(partial(_texts_that_choose, data, options))
    return start_of(pretrained)


def _texts_that_choose(data: Any, options: Mapping[str, Any]) -> Texts:
    """The training texts of a call, and its options but for those that set a part aside."""
    own: Any = {name: value for name, value in options.items() if name not in JUDGED}
    texts = training_texts(labelled_texts(data, None, own), own)
    kept: Any = {
        name: value for name, value in own.items() if name not in ("valid", "fold", "track")
    }
    return Texts(texts, source(data), kept | {"valid_fraction": 0.0})


def _judged(
    data: Any,
    first: Start | None,
    recipe: Recipe,
    options: FitOptions,
    rivals: Rivals | None,
) -> TextClassifier:
    """The model of a call, measured beside its rivals, and few texts trained on as a whole."""
    own: Any = {name: value for name, value in options.items() if name not in JUDGED}
    whole = in_time(labelled_texts(data, first, own), reader(first, own), own.get("run"))
    n_letters = whole.n_letters
    cheap = rivals is not None and n_letters <= CHEAP_LETTERS and whole.is_valid is None
    is_encoder = first is not None and isinstance(first.spec, PieceSpec)
    fewest = FEWEST_ENCODED if is_encoder else FEWEST_TEXTS
    few = cheap and n_letters <= FEW_LETTERS and whole.n_different >= fewest
    trained: TextClassifier = train_and_judge(
        partial(new_learner, whole, first, source(data)),
        recipe,
        FIT_OPTIONS,
        options,
        rivals=rivals,
        refits=cheap,
        few=len(whole.texts) if few else 0,
        gauge=GAUGE,
    )
    if not options.get("keep_examples"):
        return trained
    own = np.flatnonzero(trained.trained_on(whole.hashes())).tolist()
    texts, labels = ([column[i] for i in own] for column in (whole.texts, whole.labels))
    return trained.keep_examples(texts, {"text": texts, "label": labels})


def _fit(
    fit: Callable[..., None],
    epochs: int | None,
    lr: float | None,
    learn: Learner[TextSpec, TextClassifier],
    like: Sequence[Learner[TextSpec, TextClassifier]],
) -> None:
    """Train a learner, whatever was measured before: the number of steps follows the texts."""
    fit(learn, epochs, lr)


def _one_cycle(learn: Learner[TextSpec, TextClassifier], epochs: int, lr: float) -> None:
    if epochs:
        learn.fit(epochs, lr, CYCLE)
