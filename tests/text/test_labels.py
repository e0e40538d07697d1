from __future__ import annotations

import enum
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import zoo
from tests.text.small import RUN
from zoo.text.data.labelled import read

TEXTS = ["a", "b", "c", "d"]
HAS = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]])
NUMBERS = [(0,), (1,), (0, 1), ()]


class Mood(enum.StrEnum):
    GOOD = "good"
    BAD = "bad"


@pytest.mark.parametrize(
    "labels",
    [
        HAS,
        HAS.astype(bool),
        HAS.astype(float),
        HAS.tolist(),
        torch.tensor(HAS),
        pd.DataFrame(HAS),
        pd.DataFrame(HAS).astype("Int64"),
        pd.DataFrame(HAS).astype(str),
        [np.array(row) for row in HAS],
    ],
)
def test_rows_of_0_and_1_are_a_class_for_each_column(labels: Any) -> None:
    labelled = read((TEXTS, labels))
    assert labelled.labels == NUMBERS
    assert labelled.classes() == (0, 1, 2)
    assert labelled.numbers(labelled.classes()).tolist() == HAS.tolist()


def test_columns_keep_their_names_also_where_no_text_has_them() -> None:
    frame = pd.DataFrame(HAS, columns=["r", "b", "g"]).assign(text=TEXTS)
    for names in (["r", "b", "g"], ("r", "b", "g")):
        labelled = read(frame, label=names)
        assert labelled.labels == [("r",), ("b",), ("r", "b"), ()]
        assert labelled.classes() == ("b", "g", "r")
    assert read((TEXTS, frame[["r", "b", "g"]])).classes() == ("b", "g", "r")
    everyone = read((TEXTS, pd.DataFrame({0: [1] * 4, 1: [1] * 4})))
    assert everyone.labels == [(0, 1)] * 4


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA, "", 2, -1, 0.5, "perhaps"])
def test_a_gap_in_columns_of_0_and_1_is_refused(gap: Any) -> None:
    frame = pd.DataFrame({"text": TEXTS, "x": [1, 0, gap, 1], "y": [1, 1, 0, 1]}, dtype=object)
    with pytest.raises(ValueError, match=r"\(1 rows that hold something else or nothing\)"):
        read(frame, label=["x", "y"])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([[1], [0], [1], [0]]), [1, 0, 1, 0]),
        (pd.DataFrame({"y": ["p", "n", "p", "n"]}), ["p", "n", "p", "n"]),
        (torch.tensor([1, 0, 1, 5]), [1, 0, 1, 5]),
        ([1.0, 2.0, 5.0, 9.0], [1, 2, 5, 9]),
        (pd.Series([1, 2, 5, 9], dtype="Int64"), [1, 2, 5, 9]),
        (pd.Series(["p", "n", "p", "n"], dtype="category"), ["p", "n", "p", "n"]),
        ([" p", "p ", "n\n", "\u00a0n"], ["p", "p", "n", "n"]),
        ([np.str_("p"), Mood.GOOD, "n", "n"], ["p", "good", "n", "n"]),
        ([np.bool_(True), False, True, False], [True, False, True, False]),
        ([1, "1", "1.0", "01"], [1, 1, 1, "01"]),
        ([[1], ["1", "b"], ["b"], []], [(1,), (1, "b"), ("b",), ()]),
        ([["p"], ["n", "p"], ["n"], []], [("p",), ("n", "p"), ("n",), ()]),
        (["p|n", " p | n ", "n", ""], [("p", "n"), ("p", "n"), ("n",), ()]),
        (["p;n", "p", "n", None], [("p", "n"), ("p",), ("n",), ()]),
    ],
)
def test_labels_are_plain_values(labels: Any, expected: list[Any]) -> None:
    own = read((TEXTS, labels)).labels
    assert own == expected
    assert [type(one) for one in own] == [type(one) for one in expected]


@pytest.mark.parametrize("gap", [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, "", "  ",
                                 "nan", "<NA>"])  # fmt: skip
@pytest.mark.parametrize("label", ["pos", 1])
def test_a_missing_label_is_never_a_class(gap: Any, label: Any) -> None:
    labels = [label, gap, label, gap]
    for data in ((TEXTS, labels), pd.DataFrame({"text": TEXTS, "label": labels}, dtype=object)):
        with pytest.raises(ValueError, match="2 of 4 labels missing"):
            read(data)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0.5, 1, 2, 3], "got 0.5"),
        ([uuid.UUID(int=0), "a", "b", "c"], "got UUID"),
        ([pd.Timestamp("2020"), "a", "b", "c"], "got Timestamp"),
        (np.array([[0.2, 0.8]] * 4), r"got \[0.2, 0.8\]"),
        ([["x"], ["y"], None, ["x"]], "and None, which is no list"),
        ([["x"], ["y", None], ["x"], ["x"]], "1 of 5 labels missing"),
    ],
)
def test_labels_that_are_none_are_one_sentence(labels: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        read((TEXTS, labels))
    assert "\n" not in str(caught.value)


def test_a_label_in_another_form_is_the_same_class() -> None:
    classes = (1, 2, "x ", True)
    assert read((TEXTS, ["1", " 2", "x", 2])).numbers(("1", "2", "x ")).tolist() == [0, 1, 2, 1]
    assert read((TEXTS, ["1", "2", "1", 2])).numbers((1, 2)).tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match="got '1'"):  # 1 or True?
        read((TEXTS, ["1", "1", "1", "2"])).numbers(classes[:1] + classes[2:])


class Feature:
    def __init__(self, names: list[str] | None = None, feature: Any = None) -> None:
        self.names, self.feature = names, feature


class Rows(list[dict[str, Any]]):
    """What of a Hugging Face data set is used."""

    column_names = ("text", "label")
    features: Any = None


def rows(labels: list[Any], texts: list[str] = TEXTS, feature: Any = None) -> Rows:
    found = Rows({"text": t, "label": label} for t, label in zip(texts, labels, strict=True))
    found.features = {"label": feature} if feature else None
    return found


def test_data_sets_of_hugging_face_are_labelled_texts() -> None:
    named = Feature(["neg", "pos"])
    assert read(rows(["p", "n", "n", "p"])).labels == ["p", "n", "n", "p"]
    assert read(rows([1, 0, 0, 1], feature=named)).labels == ["pos", "neg", "neg", "pos"]
    several = rows([[1], [0, 1], [], [0]], feature=Feature(feature=named))
    assert read(several).labels == [("pos",), ("neg", "pos"), (), ("neg",)]
    with pytest.raises(ValueError, match="1 of 4 labels missing"):  # as in test parts of benchmarks
        read(rows([1, 0, -1, 1], feature=named))
    parts = {"train": rows([1, 0, 0, 1]), "test": rows([1, 0], ["e", "f"])}
    whole = read(parts)
    assert whole.to_score().texts == ["e", "f"]
    assert len(whole.texts) == 6


@pytest.mark.parametrize(
    "data",
    [
        {"text": TEXTS, "label": ["p", "n", "p", "n"]},
        [{"text": t, "label": label} for t, label in zip(TEXTS, "pnpn", strict=True)],
        list(zip(TEXTS, "pnpn", strict=True)),
        (pd.DataFrame({"text": TEXTS}), np.array(list("pnpn"))),
    ],
)
def test_rows_and_columns_by_name_are_labelled_texts(data: Any) -> None:
    labelled = read(data)
    assert (labelled.texts, labelled.labels) == (TEXTS, ["p", "n", "p", "n"])


def test_two_pairs_of_strings_might_be_rows_or_columns() -> None:
    with pytest.raises(ValueError, match="two pairs of strings"):
        read([("so good", "so bad"), ("pos", "neg")])
    assert read((("so good", "so bad"), ("pos", "neg"))).texts == ["so good", "so bad"]


def test_a_name_that_two_columns_have_is_refused() -> None:
    frame = pd.DataFrame([["a", "b", "x"]], columns=["text", "text", "label"])
    with pytest.raises(ValueError, match="2 columns named 'text'"):
        read(frame)


def test_a_misspelt_column_is_answered_with_the_nearest() -> None:
    frame = pd.DataFrame({"review": TEXTS, "sentiment": list("pnpn")})
    with pytest.raises(ValueError, match="Did you mean 'sentiment'"):
        read(frame, "review", "sentimant")


def test_a_model_of_several_labels_keeps_columns_that_no_text_has() -> None:
    texts = [f"text {i} of many" for i in range(30)]
    has = np.array([[1, 0, 0]] * 15 + [[0, 1, 0]] * 15)
    model = zoo.text.train((texts, has), epochs=0, valid_fraction=0, run=RUN)
    assert model.spec.classes == (0, 1, 2)
    assert len(model.predict("text").probabilities) == 3
