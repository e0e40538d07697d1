"""Tables of other libraries: each form of data trains the model that its DataFrame does.

They need packages that the library does not: pip install datasets polars pyarrow
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from PIL import Image
from torch.utils.data import Subset

import zoo
from tests.collab import small as collab
from tests.helpers.device import run_here
from tests.helpers.digits import write_photos
from tests.tabular import small as tabular
from tests.text import small as text
from zoo.core.frames import arrow_frame, frame_of, speaks_arrow

WHY = "pip install datasets polars pyarrow"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:datasets.*")


def as_polars(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("polars", reason=WHY).from_pandas(frame.reset_index(drop=True))


def as_arrow(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("pyarrow", reason=WHY).table(as_polars(frame))


def as_stream(frame: pd.DataFrame) -> Any:
    """What can be read once, as DuckDB hands it over."""
    return as_arrow(frame).to_reader(max_chunksize=7)


def as_dataset(frame: pd.DataFrame) -> Any:
    """A data set in another order of rows than its file, whose texts of few values are classes."""
    datasets = pytest.importorskip("datasets", reason=WHY)
    backwards = frame.iloc[::-1].reset_index(drop=True)
    data = datasets.Dataset.from_pandas(backwards, preserve_index=False)
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]) and frame[name].nunique() < 4:
            data = data.class_encode_column(name)
    return data.select(range(len(frame))[::-1])


FORMS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "polars": as_polars,
    "arrow": as_arrow,
    "stream": as_stream,
    "datasets": as_dataset,
}


def require_equal(model: Any, twin: Any, *, spec: bool = True) -> None:
    """The same record and the same weights, bit for bit."""
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in one.history.rows]
            for one in (model, twin)]  # fmt: skip
    assert rows[0] == rows[1]
    assert model.metrics == twin.metrics
    assert not spec or model.spec.to_json() == twin.spec.to_json()
    for member, other in zip(model.members, twin.members, strict=True):
        assert tabular.same(dict(member.state_dict()), dict(other.state_dict()))


@pytest.mark.parametrize("form", FORMS)
def test_tables_train_the_same_model_in_every_form(form: str) -> None:
    frame, new = tabular.table(120).drop(columns="amount"), tabular.table(30, seed=1)
    frame["floor"] = pd.array([None, 3, 1] * 40, "Int64")
    new["floor"], how = pd.array([None, 3, 1] * 10, "Int64"), FORMS[form]
    model, twin = tabular.train(frame, epochs=1), tabular.train(how(frame), epochs=1)
    require_equal(model, twin)
    assert model.predict(new).tolist() == twin.predict(how(new)).tolist()
    assert model.evaluate(new) == twin.evaluate(how(new))
    apart = tabular.train(how(frame), valid=how(new), epochs=1)
    require_equal(tabular.train(frame, valid=new, epochs=1), apart)
    assert len(model.predict(how(new).slice(0, 0) if form == "polars" else new[:0])) == 0


@pytest.mark.parametrize("form", FORMS)
def test_ratings_train_the_same_model_in_every_form(form: str) -> None:
    frame, how = collab.ratings(share=0.2), FORMS[form]
    train: Callable[..., Any] = lambda data: collab.train(data=data, epochs=1)  # noqa: E731
    model, twin = train(frame), train(how(frame))
    require_equal(model, twin)
    assert np.array_equal(model.predict(frame), twin.predict(how(frame)))
    with pytest.warns(UserWarning, match="trained on"):
        scores = model.evaluate(frame), twin.evaluate(how(frame))
    assert scores[0] == scores[1]
    mine = frame.loc[frame["user"] == "u01", ["item", "rating"]]
    lists = model.fold_in(mine).recommend(3), twin.fold_in(how(mine)).recommend(3)
    assert_frame_equal(*lists)


@pytest.mark.parametrize("form", FORMS)
def test_texts_train_the_same_model_in_every_form(form: str, reader: Any) -> None:
    frame, how = text.reviews(40), FORMS[form]
    model, twin = (text.finetune(reader, data, epochs=1) for data in (frame, how(frame)))
    require_equal(model, twin)
    new = text.reviews(8, seed=1)
    assert model.predict(new) == twin.predict(how(new))
    assert model.evaluate(new) == twin.evaluate(how(new))


@pytest.fixture(scope="module")
def reader() -> Any:
    pytest.importorskip("spacy", reason="pip install 'transfer-zoo[text]'")
    return text.train_lm(text.reviews(20)["review"], epochs=1)


def labels_and_files(folder: Path) -> pd.DataFrame:
    files = sorted(folder.rglob("*.png"))
    return pd.DataFrame({"photo": map(str, files), "label": [one.parent.name for one in files]})


@pytest.mark.parametrize("form", ["polars", "arrow", "stream"])
def test_tables_of_photos_train_the_same_model_in_every_form(form: str, tmp_path: Path) -> None:
    frame = labels_and_files(write_photos(tmp_path / "digits", n_train=6, n_valid=0, side=32))
    how = FORMS[form]
    settings: dict[str, Any] = {"model": "timm/test_efficientnet", "epochs": 1, "size": 32}
    settings |= {"rivals": False, "refit": False, "run": run_here(cache=tmp_path / "cache")}
    settings |= {"columns": ("photo", "label")}
    model, twin = (zoo.vision.train(data, **settings) for data in (frame, how(frame)))
    require_equal(model, twin)
    assert model.predict(frame) == twin.predict(how(frame))
    with pytest.warns(UserWarning, match="were trained on"):
        assert model.evaluate(frame) == twin.evaluate(how(frame))


def test_images_and_classes_of_a_data_set_are_photos_to_train_on(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason=WHY)
    frame = labels_and_files(write_photos(tmp_path / "digits", n_train=6, n_valid=0, side=32))
    names = sorted(frame["label"].unique())
    numbers = [names.index(label) for label in frame["label"]]
    features = {"photo": datasets.Image(), "label": datasets.ClassLabel(names=names)}
    data = datasets.Dataset.from_dict({"photo": frame["photo"].tolist(), "label": numbers},
                                      features=datasets.Features(features))  # fmt: skip
    tags = [[], [0], [1], [0, 1]] * 3
    several = data.remove_columns("label").add_column("tags", tags).cast_column(
        "tags", datasets.Sequence(datasets.ClassLabel(names=["dark", "thick"])))  # fmt: skip
    settings: dict[str, Any] = {"epochs": 0, "size": 32, "rivals": False, "refit": False}
    settings |= {"run": run_here(cache=tmp_path / "cache"), "model": "timm/test_efficientnet"}
    model = zoo.vision.train(data, **settings)
    assert list(model.spec.classes) == names
    with pytest.warns(UserWarning, match="were trained on"):
        own = model.evaluate(data)
    assert model.evaluate(frame) == own  # of files
    photos = [Image.open(one).convert("RGB") for one in frame["photo"]]
    pairs = Subset([*zip(photos, numbers, strict=True)], range(len(photos)))
    with pytest.warns(UserWarning, match="were trained on"):
        assert model.evaluate(pairs) == own
    require_equal(model, zoo.vision.train(pairs, **settings), spec=False)  # classes 0 and 1
    tagged = zoo.vision.train(several, columns=("photo", "tags"), **settings)
    assert (tagged.spec.task, [*tagged.spec.classes]) == ("multi-label", ["dark", "thick"])


def test_cells_come_as_pandas_has_them() -> None:
    pl = pytest.importorskip("polars", reason=WHY)
    big = 2**60 + 1  # which no float holds
    table = pl.DataFrame(
        {
            "id": [big, None, 3],
            "n": [1, 2, 3],
            "day": [datetime.date(2024, 2, 29), None, datetime.date(2024, 3, 1)],
            "price": [Decimal("1.25"), None, Decimal("2.50")],
            "kind": pl.Series(["a", None, "b"], dtype=pl.Categorical),
            "tags": [["x", "y"], [], ["x"]],
            "is": [True, False, True],
        }
    )
    frame = arrow_frame(table)
    assert frame["id"].tolist() == [big, pd.NA, 3]
    assert [*map(str, frame.dtypes[["n", "price", "is"]])] == ["int64", "float64", "bool"]
    assert pd.api.types.is_datetime64_dtype(frame["day"])
    assert frame["day"][0] == pd.Timestamp("2024-02-29")
    assert frame["kind"].dropna().tolist() == ["a", "b"]
    assert [list(cell) for cell in frame["tags"]] == [["x", "y"], [], ["x"]]
    assert frame_of(frame) is frame
    assert arrow_frame(table["n"].to_arrow()) == [1, 2, 3]
    for column in (table["n"], frame["n"], table.lazy(), [1, 2], "a", None):
        assert not speaks_arrow(column)
        assert arrow_frame(column) is column


def test_classes_of_a_data_set_get_their_names() -> None:
    datasets = pytest.importorskip("datasets", reason=WHY)
    sort = datasets.ClassLabel(names=["no", "yes"])
    features = datasets.Features({"one": sort, "many": datasets.Sequence(sort)})
    data = datasets.Dataset.from_dict({"one": [1, -1, None], "many": [[0, 1], [], None]},
                                      features=features)  # fmt: skip
    frame = frame_of(data)
    assert frame["one"].tolist() == ["yes", None, None]
    assert frame["many"].tolist() == [["no", "yes"], [], None]


def test_without_pyarrow_a_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    class Table:
        columns = ("a",)

        def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
            raise AssertionError("nobody can read it")

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'transfer-zoo\[parquet\]'"):
        zoo.tabular.train(Table(), "a")
