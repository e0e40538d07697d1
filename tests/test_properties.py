"""What a model says of its data does not depend on their form, dtype, order or company.

The models are stored ones, which load as they are; nothing is trained. Each property is tried on
data that hypothesis draws, the same in every run.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

import zoo
from tests.conformance import RUN
from tests.stored.artifacts import FORMAT_1, unpacked
from zoo.tabular import TableModel

pytestmark = [  # unknown, and as text, on purpose
    pytest.mark.filterwarnings("ignore:the model does not know:UserWarning"),
    pytest.mark.filterwarnings("ignore:the model knows items as numbers:UserWarning"),
    pytest.mark.filterwarnings("ignore:categories must be known:UserWarning"),
]
repeatedly = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=12,
    phases=(Phase.explicit, Phase.generate),  # examples are small as they are drawn
)
seldom = settings(repeatedly, max_examples=5)  # where an example costs more
Load = Callable[[str], Any]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Load a stored model once, by the name of its folder."""
    models: dict[str, Any] = {}

    def loaded(name: str) -> Any:
        if name not in models:
            place = tmp_path_factory.mktemp("stored") / "model"
            model = zoo.load(unpacked(FORMAT_1 / name, place), run=RUN)
            if model.domain == "tabular":  # by the rule of today's models, not that of format 1
                model = TableModel(model.members, replace(model.spec, cells="alike"), run=RUN)
            models[name] = model
        return models[name]

    return loaded


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for files."""
    return tmp_path_factory.mktemp("files")


def tables_of(frame: pd.DataFrame, place: Path) -> Iterator[tuple[str, Any]]:
    """A table in a CSV file as several programs write it, and in a Parquet file."""
    frame.to_csv(place / "comma.csv", index=False)
    frame.to_csv(place / "semicolon.csv", index=False, sep=";", decimal=",")
    frame.to_csv(place / "tab.csv", index=False, sep="\t", encoding="utf-16")
    for name in ("comma", "semicolon", "tab"):
        yield name, place / f"{name}.csv"
    if find_spec("pyarrow"):
        frame.to_parquet(place / "table.parquet")
        yield "parquet", place / "table.parquet"


def require_same(said: Any, expected: Any, form: str, *, atol: float = 0.0) -> None:
    """Numbers, or predictions as numbers, are equal; up to rounding where a batch is another."""
    first, second = np.asarray(numbers(said)), np.asarray(numbers(expected))
    assert first.shape == second.shape, form
    np.testing.assert_allclose(first, second, rtol=atol, atol=atol, err_msg=form)


def numbers(said: Any) -> Any:
    """The numbers of predictions of any kind."""
    if isinstance(said, list):
        return [numbers(one) for one in said]
    if hasattr(said, "probabilities"):
        return list(said.probabilities.values())
    return said.labels if hasattr(said, "labels") else said


# ---- tables --------------------------------------------------------------------------------------

EIGHTHS = st.integers(0, 40_000).map(lambda n: n / 8)  # which 32 bits hold exactly
ROWS = st.fixed_dictionaries(
    {
        "colour": st.sampled_from(["red", "blue", "green", "violet", "a,b", 'a"b', None]),
        "store": st.integers(1, 10),
        "age": EIGHTHS,
        "income": EIGHTHS | st.none(),
        "day": st.dates(date(2019, 1, 1), date(2022, 12, 31)) | st.none(),
        "member": st.booleans(),
    }
)
NUMBER = ("float32", "float64", "Float64", "object", "string", "category")
DTYPES = {
    "colour": ("object", "string", "category"),
    "store": ("int32", "int64", "Int16", *NUMBER),
    "age": NUMBER,
    "income": NUMBER,
    "day": ("datetime64[ns]", "datetime64[s]", "object", "string", "category"),
    "member": ("bool", "boolean", "object", "string", "int8", "float32", "category"),
}
RETYPED = st.fixed_dictionaries({name: st.sampled_from(those) for name, those in DTYPES.items()})
TABLES = ("tabular-mlp", "tabular-several")  # classes, and numbers


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows).astype({"age": "float64", "income": "float64"})
    return frame.assign(day=pd.to_datetime(frame["day"]), colour=frame["colour"].astype(object))


def ask_table(model: Any, rows: Any) -> Any:
    return model.probabilities(rows) if model.spec.task == "classification" else model.predict(rows)


@pytest.mark.parametrize("name", TABLES)
@repeatedly
@given(rows=st.lists(ROWS, min_size=1, max_size=6), dtypes=RETYPED, draw=st.randoms())
def test_a_table_means_the_same_in_every_form(
    name: str, load: Load, place: Path, rows: list[dict[str, Any]], dtypes: Any, draw: Any
) -> None:
    model, frame = load(name), frame_of(rows)
    expected = ask_table(model, frame)
    for form, table in tables_of(frame, place):
        require_same(ask_table(model, table), expected, form)
    names = [*frame.columns, "other"]
    draw.shuffle(names)
    require_same(ask_table(model, frame.assign(other=1)[names]), expected, f"{names}")
    require_same(ask_table(model, frame.to_dict("records")), expected, "records")
    require_same(ask_table(model, rows), expected, "plain records")
    require_same(ask_table(model, frame.astype(dtypes)), expected, f"{dtypes}")


@pytest.mark.parametrize("name", TABLES)
@repeatedly
@given(rows=st.lists(ROWS, min_size=2, max_size=6), draw=st.randoms())
def test_rows_of_a_table_do_not_depend_on_each_other(
    name: str, load: Load, rows: list[dict[str, Any]], draw: Any
) -> None:
    model, frame = load(name), frame_of(rows)
    expected = np.asarray(ask_table(model, frame))
    order = draw.sample(range(len(rows)), len(rows))
    shuffled = ask_table(model, frame.iloc[order])
    assert list(shuffled.index) == order
    require_same(shuffled, expected[order], f"{order}", atol=1e-5)
    some = order[: draw.randint(1, len(rows))]
    require_same(ask_table(model, frame.iloc[some]), expected[some], f"{some}", atol=1e-5)
    one = ask_table(model, rows[order[0]])
    alone = list(one.values()) if isinstance(one, dict) else one
    require_same(alone, expected[order[0]], "a row alone", atol=1e-5)


# ---- ratings -------------------------------------------------------------------------------------

USERS = st.sampled_from([*(f"u{number:02}" for number in range(24)), "nobody", "u,1", "é"])
PAIRS = st.lists(st.tuples(USERS, st.integers(0, 17).map(lambda n: 10 * n)), min_size=1, max_size=8)
ITEMS = ("int16", "int32", "int64", "Int64", "float32", "float64", "object", "string", "category")
RATINGS = ("collab-dot-bias", "collab-softmax")


@pytest.mark.parametrize("name", RATINGS)
@repeatedly
@given(pairs=PAIRS, dtypes=st.tuples(st.sampled_from(DTYPES["colour"]), st.sampled_from(ITEMS)))
def test_pairs_mean_the_same_in_every_form(
    name: str, load: Load, place: Path, pairs: list[tuple[str, int]], dtypes: tuple[str, str]
) -> None:
    model, frame = load(name), pd.DataFrame(pairs, columns=["user", "item"])
    users, items = (list(column) for column in zip(*pairs, strict=True))
    expected = model.predict(users, items)
    for form, table in tables_of(frame.assign(weight=0.5), place):
        require_same(model.predict(table), expected, form)
    typed = frame.astype(dict(zip(frame.columns, dtypes, strict=True)))
    require_same(model.predict(typed[["item", "user"]]), expected, f"{dtypes}")
    require_same(model.predict(typed["user"], typed["item"]), expected, f"columns, {dtypes}")
    require_same(model.predict(np.array(users), np.array(items)), expected, "arrays")


@pytest.mark.parametrize("name", RATINGS)
@repeatedly
@given(pairs=PAIRS, draw=st.randoms())
def test_pairs_do_not_depend_on_each_other(
    name: str, load: Load, pairs: list[tuple[str, int]], draw: Any
) -> None:
    model, frame = load(name), pd.DataFrame(pairs, columns=["user", "item"])
    expected = model.predict(frame)
    order = draw.sample(range(len(pairs)), len(pairs))
    require_same(model.predict(frame.iloc[order]), expected[order], f"{order}", atol=1e-5)
    alone = [model.predict(*pair) for pair in pairs]
    require_same(alone, expected, "one by one", atol=1e-5)


# ---- texts ---------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["we", "I", "found", "the", "film", "isn't", "dull", "GREAT", "warm!", "café", ";", ",", '"']
)
TEXTS = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
ANY_TEXTS = st.lists(TEXTS | st.text(st.characters(exclude_categories=["Cs"])), max_size=6)
FORMS: dict[str, Callable[[list[str]], Any]] = {
    "tuple": tuple,
    "iterator": iter,
    "array": lambda texts: np.array(texts, dtype=object),
    "Series": lambda texts: pd.Series(texts, dtype=object),
    "strings": lambda texts: pd.Series(texts, dtype="string"),
    "category": lambda texts: pd.Series(texts, dtype="category"),
    "table": lambda texts: pd.DataFrame({"number": 1, "text": pd.Series(texts, dtype=object)}),
}


@pytest.mark.filterwarnings("ignore:.* texts are empty:UserWarning")
@repeatedly
@given(texts=ANY_TEXTS, draw=st.randoms())
def test_a_text_is_judged_by_itself_in_every_form(load: Load, texts: list[str], draw: Any) -> None:
    model = load("text-classifier")
    expected = model.predict(texts)
    for form, made in FORMS.items():
        assert model.predict(made(texts)) == expected, form
    assert [model.predict(text) for text in texts] == expected
    order = draw.sample(range(len(texts)), len(texts))
    shuffled = model.predict([texts[i] for i in order], batch_size=draw.randint(1, 4))
    assert shuffled == [expected[i] for i in order]


@seldom
@given(texts=ANY_TEXTS)
def test_the_next_words_are_those_of_a_text_alone(load: Load, texts: list[str]) -> None:
    model = load("text-lm-forward")
    expected = [model.predict(text) for text in texts]
    assert model.predict(texts) == expected
    for form, made in FORMS.items():
        assert model.predict(made(texts)) == expected, form


@seldom
@given(rows=st.lists(st.tuples(TEXTS, st.sampled_from("ny")), min_size=1, max_size=6))
def test_labelled_texts_score_the_same_in_every_form(
    load: Load, place: Path, rows: list[tuple[str, str]]
) -> None:
    model, frame = load("text-classifier"), pd.DataFrame(rows, columns=["text", "label"])
    expected = model.evaluate(frame)
    assert model.evaluate((list(frame["text"]), list(frame["label"]))) == expected
    for dtype in DTYPES["colour"]:
        assert model.evaluate(frame.astype(dtype)[["label", "text"]]) == expected, dtype
    for form, table in tables_of(frame, place):
        assert model.evaluate(table) == expected, form
    assert model.evaluate(frame[::-1]) == pytest.approx(expected, rel=1e-5)


# ---- photos --------------------------------------------------------------------------------------


PHOTOS = "."  # the classifier lies in the folder of the format itself


@st.composite
def pictures(draw: Any) -> np.ndarray[Any, Any]:
    """Pixels of a small picture. Shape: (H, W) or (H, W, 3), uint8."""
    height, width = draw(st.integers(16, 60)), draw(st.integers(16, 60))
    shape = (height, width, 3) if draw(st.booleans()) else (height, width)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    coarse = rng.integers(0, 256, (4, 4, *shape[2:]), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height)))


def photos_of(pixels: np.ndarray[Any, Any], place: Path) -> Iterator[tuple[str, Any]]:
    """A picture in every form that a photo may have."""
    image = Image.fromarray(pixels)
    rgb = np.asarray(image.convert("RGB"))
    image.save(place / "photo.png")
    image.save(place / "photo.bmp")
    yield "array", pixels
    yield "colours", rgb
    yield "floats", rgb / 255
    yield "tensor", torch.from_numpy(rgb.copy()).permute(2, 0, 1)
    yield "tensor of floats", torch.from_numpy(rgb.astype(np.float32) / 255).permute(2, 0, 1)
    yield "path", place / "photo.png"
    yield "text", str(place / "photo.bmp")
    yield "bytes", (place / "photo.png").read_bytes()
    yield "file", io.BytesIO((place / "photo.bmp").read_bytes())


@pytest.mark.parametrize("name", [PHOTOS, "vision-segmenter", "vision-restorer"])
@seldom
@given(pixels=pictures())
def test_a_photo_is_the_same_in_every_form(
    name: str, load: Load, place: Path, pixels: np.ndarray[Any, Any]
) -> None:
    model = load(name)
    expected = model.predict(Image.fromarray(pixels))
    for form, photo in photos_of(pixels, place):
        require_same(model.predict(photo), expected, form)


@seldom
@given(photos=st.lists(pictures(), min_size=2, max_size=5), draw=st.randoms())
def test_photos_do_not_depend_on_each_other(
    load: Load, photos: list[np.ndarray[Any, Any]], draw: Any
) -> None:
    model = load(PHOTOS)
    expected = model.predict(photos)
    assert all(math.isfinite(share) for share in expected[0].probabilities.values())
    order = draw.sample(range(len(photos)), len(photos))
    shuffled = model.predict([photos[i] for i in order], batch_size=draw.randint(1, 3))
    require_same(shuffled, [expected[i] for i in order], f"{order}", atol=1e-4)
    alone = [model.predict(photo) for photo in photos]
    require_same(alone, expected, "one by one", atol=1e-4)
