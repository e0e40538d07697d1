from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.helpers.device import run_here
from tests.text.small import RUN, TINY, finetune, reviews, train_lm
from zoo.text.data.labelled import read
from zoo.text.data.parts import parts, split
from zoo.text.data.texts import hashes_of
from zoo.text.language_model import corpus

NUMBERED = [f"text {i}" for i in range(97)]
CLASSES = [int(i % 7 == 0) + int(i % 31 == 0) for i in range(97)]


def drawn_by_class(numbers: Any, fraction: float, seed: int) -> list[int]:
    """The rows that are held out where no text is there twice: published scores rest on them."""
    rng, held = np.random.default_rng(seed), []
    for number in np.unique(numbers).tolist():
        rows = rng.permutation(np.flatnonzero(numbers == number))
        held += rows[: min(max(round(fraction * len(rows)), 1), len(rows) - 1)].tolist()
    return sorted(held)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.25, 0.9])
@pytest.mark.parametrize("seed", [0, 3])
def test_texts_without_copies_are_drawn_class_by_class(fraction: float, seed: int) -> None:
    train, held = split(read((NUMBERED, CLASSES)), fraction, seed)
    assert held is not None
    assert held.texts == [NUMBERED[i] for i in drawn_by_class(np.array(CLASSES), fraction, seed)]
    assert sorted(train.texts + held.texts) == sorted(NUMBERED)


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.5])
def test_documents_without_copies_are_drawn_at_random(fraction: float) -> None:
    train, held = corpus.split(hashes_of(NUMBERED), 1000, fraction, seed=4)
    order = np.random.default_rng(4).permutation(97)
    assert held.tolist() == sorted(order[: round(fraction * 97)].tolist())
    assert sorted([*train, *held]) == list(range(97))


def test_empty_texts_are_no_copies_of_each_other() -> None:
    texts = ["", " "] * 20
    train, held = split(read((texts, [0, 1] * 20)), 0.25, 0)
    assert held is not None
    assert (len(train.texts), len(held.texts)) == (30, 10)


@pytest.mark.parametrize("several", [False, True])
def test_copies_of_a_text_are_never_on_both_sides(several: bool) -> None:
    texts = [form for i in range(60) for form in (f"Text {i}", f"text  {i}", f"text {i}\r\n")]
    classes: Any = [int(i % 4 == 0) for i in range(60) for _ in range(3)]
    data = read((texts, [[one, 2] for one in classes] if several else classes))
    train, held = split(data, 0.2, seed=0)
    assert held is not None
    assert 30 <= len(held.texts) <= 42
    assert not {t.split()[1] for t in train.texts} & {t.split()[1] for t in held.texts}
    assert set(held.labels) == set(data.labels)
    rows, held_rows = corpus.split(hashes_of(texts), 1000, 0.2, seed=0)
    assert not {texts[i].split()[1] for i in rows} & {texts[i].split()[1] for i in held_rows}
    assert len(held_rows) == 36


def test_random_labels_of_copies_are_not_learnt() -> None:
    rng = np.random.default_rng(0)
    texts = [f"film {i} {word}" for i, word in enumerate(rng.choice(["x", "y", "z"], 60))]
    labels = rng.choice(["a", "b"], 60).tolist()
    model = zoo.text.finetune(
        train_lm(texts * 4, epochs=0), (texts * 2, labels * 2), epochs=8, lr=2e-2, batch_size=16,
        drop_mult=0, valid_fraction=0.25, run=RUN,
    )  # fmt: skip
    assert model.history.losses[-1] < 0.1  # the others are learnt by heart
    assert model.metrics["accuracy"] < 0.8


def test_copies_of_too_few_texts_leave_nothing_to_validate_on() -> None:
    with pytest.warns(UserWarning, match="the 20 texts are copies of 2, too few"):
        train, held = split(read((["good", "bad"] * 10, [1, 0] * 10)), 0.1, 0)
    assert (len(train.texts), held) == (20, None)
    with pytest.warns(UserWarning, match="the 20 texts are copies of 1, too few"):
        assert not len(corpus.split(hashes_of(["good"] * 20), 20, 0.1, 0)[1])


# ---- parts that the user or the data give --------------------------------------------------------


def test_texts_to_validate_on_are_not_trained_on(lm: zoo.text.LanguageModel) -> None:
    table = reviews(40)
    valid = pd.concat([reviews(9, seed=9), table.iloc[[3]].map(str.upper)])
    valid["liked"] = "yes"
    with pytest.raises(ValueError, match=r"1 of 10 validation texts that are trained on too"):
        finetune(lm, table, valid=valid, epochs=0)
    with pytest.raises(ValueError, match="1 of 10 validation texts"):
        train_lm(table["review"], valid=valid["review"])


def parts_on_disk(folder: Path) -> Path:
    for part, n in (("train", 12), ("test", 6)):
        for i in range(n):
            path = folder / part / ("pos" if i % 2 else "neg") / f"{i}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{part} {i} good" if i % 2 else f"{part} {i} bad")
    return folder


def in_a_column(folder: Path) -> pd.DataFrame:
    labelled = read(parts_on_disk(folder))
    columns = {"text": labelled.texts, "label": labelled.labels}
    return pd.DataFrame({**columns, "is_valid": labelled.is_valid})


def in_files(folder: Path) -> Path:
    table = in_a_column(folder / "folder")
    for name, is_valid in (("train.csv", False), ("valid.csv", True)):
        part = table[table["is_valid"] == is_valid].drop(columns="is_valid")
        part.to_csv(folder / name, index=False)
    return folder


@pytest.mark.parametrize("form", [parts_on_disk, in_a_column, in_files])
def test_data_that_have_parts_are_validated_on_theirs(
    form: Callable[[Path], Any], tmp_path: Path
) -> None:
    learn = zoo.text.learner(form(tmp_path), model="awd_lstm", run=RUN)
    assert (len(learn.data.train), len(learn.data.valid)) == (12, 6)
    assert learn.data.spec.classes == ("neg", "pos")
    data = form(tmp_path / "again" if (tmp_path / "again").mkdir() is None else tmp_path)
    assert len(read(data).to_score().texts) == 6


def test_a_language_model_is_validated_on_the_part_for_it(tmp_path: Path) -> None:
    folder = parts_on_disk(tmp_path)
    (folder / "train" / "unsup").mkdir()
    (folder / "train" / "unsup" / "0.txt").write_text("neither here nor there")
    learn = zoo.text.lm_learner(folder, model="awd_lstm", at_least=1, run=RUN, **TINY)
    assert learn.data.train.stream.n_documents == 13
    assert learn.data.valid.stream.n_documents == 6
    model = learn.as_model()
    assert model.evaluate(folder) == model.evaluate(folder / "test")


def test_texts_without_a_class_are_left_out(tmp_path: Path) -> None:
    folder = parts_on_disk(tmp_path)
    (folder / "train" / "unsup").mkdir()
    (folder / "train" / "unsup" / "0.txt").write_text("neither here nor there")
    with pytest.warns(UserWarning, match=r"\['unsup'\] have no class"):
        assert read(folder).classes() == ("neg", "pos")


def test_folders_named_as_parts_without_classes_are_no_classes(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "0.txt").write_text(part)
    with pytest.raises(ValueError, match=r"\['train', 'test'\] without"):
        read(tmp_path)


def test_copies_between_the_parts_of_data_are_not_validated_on() -> None:
    table = pd.DataFrame({"text": [*NUMBERED, "text 5", "Text  6", "new"], "label": "x"})
    table.loc[50:, "label"] = "y"
    table["is_valid"] = table.index >= 97
    with pytest.warns(UserWarning, match="2 of 3 texts to validate on are trained on too"):
        train, held = parts(read(table), None, 0.1, 0)
    assert held is not None
    assert (len(train.texts), held.texts) == (97, ["new"])


@pytest.mark.parametrize("column", ["is_valid", "valid"])
@pytest.mark.parametrize("truths", [[False, True, False], [0, 1, 0], [0.0, 1.0, 0.0],
                                    ["False", "True", "FALSE"]])  # fmt: skip
def test_a_column_sets_rows_apart_unless_it_is_the_label(column: str, truths: list[Any]) -> None:
    table = pd.DataFrame({"text": ["a", "b", "c"], "label": ["x", "y", "y"], column: truths})
    assert read(table).to_score().texts == ["b"]
    assert read(table, label=column).is_valid is None


def test_a_column_that_is_no_truth_is_named() -> None:
    table = pd.DataFrame({"text": ["a"], "label": ["x"], "is_valid": ["perhaps"]})
    with pytest.raises(ValueError, match=r"got perhaps. Correct it"):
        read(table)


# ---- what a model has been trained on ------------------------------------------------------------


def test_scores_on_texts_that_were_trained_on_are_told(
    classifier: zoo.text.TextClassifier, saved: Path, lm: zoo.text.LanguageModel
) -> None:
    table = reviews(320)
    for model in (classifier, zoo.load(saved, run=RUN)):
        with pytest.warns(UserWarning, match=r"of the 320 rows were trained on"):
            model.evaluate(table)
    with pytest.warns(UserWarning, match=r"of the 160 rows were trained on"):
        lm.evaluate(reviews()["review"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier.evaluate((NUMBERED, ["yes"] * 97))


def test_further_training_does_not_validate_on_what_the_model_knows() -> None:
    table = pd.DataFrame({"text": [f"word {i}" for i in range(80)], "label": ["x", "y"] * 40})
    known = zoo.text.train(table, epochs=0, valid_fraction=0.25, run=RUN)
    again = zoo.text.learner(table, pretrained=known, valid_fraction=0.25, run=RUN)
    assert len(again.data.valid) == 20
    with pytest.warns(UserWarning, match="of 20 that it was trained on. They are left out"):
        other = zoo.text.learner(
            table,
            pretrained=known,
            valid_fraction=0.25,
            run=run_here(seed=1),
        )
    n_new = len(other.data.valid)
    assert 0 < n_new < 15
