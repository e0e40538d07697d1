from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.text import LanguageModel, TextClassifier
from zoo.text.data.queries import one_text, texts_in, texts_of

TEXTS = ["a great film", "an awful film"]
TABLE = pd.DataFrame({"id": [1, 2], "text": TEXTS}, index=[7, 3])


@pytest.mark.parametrize(
    "query",
    [
        TEXTS,
        tuple(TEXTS),
        iter(TEXTS),
        pd.Series(TEXTS, index=[5, 1]),
        pd.Series(TEXTS, dtype="category"),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        TABLE,
        TABLE[["text"]],
        TABLE.rename(columns={"text": "words"})[["words"]],
        dict.fromkeys(TEXTS).keys(),
    ],
    ids=lambda query: type(query).__name__,
)
def test_texts_come_in_many_containers(query: Any) -> None:
    assert texts_of(query) == (TEXTS, False)


def test_a_table_tells_its_column_of_texts() -> None:
    table = TABLE.rename(columns={"text": "review"})
    assert texts_of(table, "review") == (TEXTS, False)
    assert texts_of(TABLE, "review") == (TEXTS, False)  # other names than in training
    with pytest.raises(ValueError, match="'text'"):
        texts_of(table)


def test_a_data_set_of_rows_is_a_table() -> None:
    class Rows:
        column_names = ("id", "text")

        def __getitem__(self, name: str) -> list[str]:
            return {"text": TEXTS}[name]

    assert texts_of(Rows()) == (TEXTS, False)


@pytest.mark.parametrize("query", ["so", np.str_("so"), np.array("so")], ids=repr)
def test_one_text_is_one(query: Any) -> None:
    assert texts_of(query) == (["so"], True)
    assert type(one_text(query)) is str


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (5, "got 5, a int"),
        (None, "got None, a NoneType"),
        (float("nan"), "got nan, a float"),
        (b"so good", r"got b'so good'. Try text.decode"),
        (["so", None], "got None, a NoneType, in place 1"),
        (pd.Series(["so", np.nan, np.nan]), r"got nan, a float, in place 1 \(2 such"),
        (pd.Series(["so", None], dtype="string"), "got <NA>, a NAType"),
        ([b"so"], "a bytes, in place 0"),
        ([["so"]], r"got \['so'\], a list"),
        (np.array(5), "got 5, a int"),
        (np.array([[1, 2]]), "a ndarray"),
        ({"text": "so"}, "got a dict"),
        ({"good"}, "got a set"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "2 columns named 'text'"),
        (pd.DataFrame({"a": ["so"], "b": ["so"]}), "'text'"),
    ],
    ids=lambda one: repr(one)[:20],
)
def test_what_is_no_text_is_one_sentence(
    query: Any, says: str, classifier: TextClassifier, lm: LanguageModel
) -> None:
    for ask in (classifier.predict, lm.predict, classifier.explain, lm.generate):
        with pytest.raises(ValueError, match=says) as caught:
            ask(query)
        assert "\n" not in str(caught.value)


def test_one_text_is_not_several(classifier: TextClassifier, lm: LanguageModel) -> None:
    for ask in (classifier.explain, lm.generate):
        with pytest.raises(ValueError, match="got a list of 2"):
            ask(TEXTS)  # type: ignore[operator]


def test_each_model_predicts_the_rows_of_a_table(
    classifier: TextClassifier, lm: LanguageModel
) -> None:
    assert classifier.predict(TABLE) == classifier.predict(TEXTS)
    assert lm.predict(TABLE) == lm.predict(TEXTS)


def test_paths_are_read_and_a_str_is_a_text_with_a_warning_if_a_table_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert texts_of("new.csv") == (["new.csv"], True)  # a text, as any other
    TABLE.to_csv("new.csv", index=False)
    Path("one.txt").write_text(TEXTS[0])
    assert texts_of(Path("new.csv")) == (TEXTS, False)
    with pytest.warns(UserWarning, match=r"got 'new\.csv', which a table is named") as caught:
        assert texts_of("new.csv") == (["new.csv"], True)
    assert caught[0].filename == __file__
    assert texts_of(Path("one.txt")) == ([TEXTS[0]], True)
    assert texts_of("one.txt") == (["one.txt"], True)
    assert texts_of(["new.csv"]) == (["new.csv"], False)
    long = "so good " * 1000 + ".csv"
    assert texts_of(long) == ([long], True)
    with pytest.raises(FileNotFoundError, match=r"got 'nowhere\.csv', which is none"):
        texts_of(Path("nowhere.csv"))


def test_a_text_in_a_shell_is_no_name_of_a_file_or_folder(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    assert [texts for _, texts in texts_in(["So good!", "fine"])] == [["So good!"], ["fine"]]
    for name in (str(tmp_path / "kept"), "notes.md", "new.csv", tmp_path):
        with pytest.raises(FileNotFoundError, match="must be in files, got"):
            list(texts_in([name]))
