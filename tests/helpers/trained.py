"""One small model of each class, fresh from training on data whose columns have unusual names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

import zoo
from tests.collab import small as collab
from tests.conformance import RUN, Case, case_of
from tests.helpers.digits import write_photos
from tests.stored.make_format_1 import SIDE, scene
from tests.tabular import small as tabular
from tests.text import small as text
from tests.text.encoders import write_encoder
from tests.vision.small import TINY

BODY = "timm/test_convnext2"  # of what draws, with few layers to export


@dataclass(frozen=True)
class Trained:
    """A model fresh from training, and the data that it was validated on.

    Attributes:
        case: the model, and inputs that it is asked about.
        valid: arguments of `evaluate`: the validation part, its columns not named.
        options: further arguments of `evaluate` that the metrics depend on.
        table: the validation part as a table to predict; None for models that take none.
        plain: the same inputs without a table, as arguments of `predict`.
        rate: a learning rate for another epoch.
    """

    case: Case
    valid: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    table: Any = None
    plain: tuple[Any, ...] = ()
    rate: float = 1e-3

    @property
    def model(self) -> Any:
        """The model."""
        return self.case.model


# ---- photos --------------------------------------------------------------------------------------


def photo_model(work: Path) -> Trained:
    photos = write_photos(work / "digits", n_train=24, n_valid=8, side=SIDE)
    train, valid = (_table_of_photos(photos / part) for part in ("train", "valid"))
    model = zoo.vision.train(
        train, valid=valid, columns=("where it is", "what it is"), model=TINY, size=SIDE, epochs=1,
        augment="none", rivals=False, run=RUN,
    )  # fmt: skip
    paths = list(valid["where it is"])
    return Trained(case_of(model, paths[:3]), (valid,), table=valid, plain=(paths,))


def _table_of_photos(folder: Path) -> pd.DataFrame:
    paths = sorted(folder.rglob("*.png"))
    kinds = [path.parent.name for path in paths]
    places = [str(path) for path in paths]
    return pd.DataFrame({"number": range(len(paths)), "what it is": kinds, "where it is": places})


def photo_segmenter(work: Path) -> Trained:
    for i in range(12):
        for kind, picture in zip(("photos", "masks"), scene(i), strict=True):
            picture = picture.resize((2 * SIDE, SIDE), Image.Resampling.NEAREST)
            _save(picture, work / kind / _part(i) / f"{i}.png")
    model = zoo.vision.segmentation.train(
        work / "photos", work / "masks", model=BODY, epochs=1, batch_size=4,
        classes=("ground", "disc", "bar"), run=RUN,
    )  # fmt: skip
    valid = work / "photos" / "valid", work / "masks" / "valid"
    return Trained(case_of(model, sorted(valid[0].iterdir())[:3]), valid)


def photo_restorer(work: Path) -> Trained:
    for i in range(12):
        _save(scene(i)[0], work / "good" / _part(i) / f"{i}.png")
    model = zoo.vision.restoration.train(
        work / "good", model=BODY, epochs=1, size=SIDE, batch_size=4, perceptual=0.0, run=RUN
    )
    valid = work / "good" / "valid"
    return Trained(case_of(model, sorted(valid.iterdir())[:3]), (valid,), {"size": SIDE})


def _part(number: int) -> str:
    return "train" if number < 8 else "valid"


def _save(picture: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


# ---- texts ---------------------------------------------------------------------------------------


def language_model(work: Path) -> Trained:
    train, valid = _remarks()
    model = text.train_lm(train, valid=valid, text="remark", epochs=1, run=RUN)
    texts = list(valid["remark"])
    options = {"batch_size": 8}  # rows that are read side by side, as in training
    return Trained(case_of(model, texts[:3]), (valid,), options, table=valid, plain=(texts,))


def text_classifier(work: Path) -> Trained:
    train, valid = _remarks()
    start = text.train_lm(train, text="remark", epochs=1, run=RUN)
    model = text.finetune(
        start,
        train,
        valid=valid,
        text="remark",
        label="was it liked?",
        epochs=1,
        rivals=True,
        run=RUN,
    )
    texts = list(valid["remark"])
    return Trained(case_of(model, texts[:3]), (valid,), table=valid, plain=(texts,))


def text_classifier_on_an_encoder(work: Path) -> Trained:
    train, valid = _remarks()
    folder = write_encoder(work / "encoder")
    columns = {"text": "remark", "label": "was it liked?"}
    model = zoo.text.finetune(folder, train, valid=valid, **columns, epochs=1, run=RUN)
    texts = list(valid["remark"])
    return Trained(case_of(model, texts[:3]), (valid,), table=valid, plain=(texts,))


def _remarks() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Texts to train on and to validate on, none of which is there twice."""
    table = text.reviews(120)
    table["review"] += [f" This is remark {number}." for number in range(len(table))]
    table = table.rename(columns={"review": "remark", "liked": "was it liked?"})
    table.insert(0, "number", range(len(table)))
    return table[:90], table[90:]


# ---- tables and ratings --------------------------------------------------------------------------


def table_model(work: Path) -> Trained:
    train, valid = _sales()
    model = tabular.train(train, "did they buy?", valid=valid, ignore=["paid"], epochs=1, run=RUN)
    return _of_table(model, valid)


def table_ensemble(work: Path) -> Trained:
    train, valid = _sales()
    learn = tabular.learner(train, "did they buy?", valid=valid, ignore=["paid"], run=RUN)
    learn.fit_sgdr(1e-2, cycles=2, cycle_len=1, cycle_mult=1, snapshots=True)
    model = learn.as_model(snapshots=2)
    model.metrics = model.evaluate()  # as a verb does
    return _of_table(model, valid)


def _sales() -> tuple[pd.DataFrame, pd.DataFrame]:
    names = {
        "bought": "did they buy?",
        "amount": "paid",
        "store": "store no.",
        "age": "age (years)",
    }
    table = tabular.table(200).rename(columns=names)
    return table[:150], table[150:]


def _of_table(model: Any, valid: pd.DataFrame) -> Trained:
    rows = valid.drop(columns=["did they buy?", "paid"]).to_dict("records")
    return Trained(case_of(model, rows[:3]), (valid,), table=valid, plain=(rows,))


def recommender(work: Path) -> Trained:
    names: dict[str, Any] = {"user": "reader", "item": "book no.", "rating": "stars"}
    table = collab.ratings().drop(columns="time").rename(columns=names)
    is_valid = table.index % 5 == 0
    train, valid = table[~is_valid], table[is_valid]
    model = collab.train(data=train, valid=valid, epochs=1, run=RUN, **names)
    users, items = list(valid["reader"]), list(valid["book no."])
    inputs = {"pairs": list(zip(users, items, strict=True))[:3], "visitor": [(items[0], 5.0)]}
    return Trained(case_of(model, inputs), (valid,), table=valid, plain=(users, items))


MAKERS: dict[str, Callable[[Path], Trained]] = {
    "PhotoModel": photo_model,
    "PhotoSegmenter": photo_segmenter,
    "PhotoRestorer": photo_restorer,
    "LanguageModel": language_model,
    "TextClassifier": text_classifier,
    "TextClassifier on an encoder": text_classifier_on_an_encoder,
    "TableModel": table_model,
    "TableModel of two members": table_ensemble,
    "Recommender": recommender,
}
