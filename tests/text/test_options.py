from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from tests.text.small import RUN, TINY, reviews
from zoo.text.data.stream import Stream, written

PAIR = ([f"text {i}" for i in range(20)], [0, 1] * 10)


@pytest.mark.parametrize(
    "setting",
    [
        {"bptt": 10.5}, {"max_len": True}, {"batch_size": "8"}, {"batch_size": 0},
        {"drop_mult": float("nan")}, {"epochs": 1.5}, {"lr": None}, {"accumulate": 0},
        {"clip": -1.0}, {"epochs": np.inf}, {"batch_size": np.bool_(True)},
    ],
)  # fmt: skip
def test_settings_that_are_none_are_named(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(ValueError, match=f"{name} must be a.* got {name}="):
        zoo.text.train(PAIR, **{"epochs": 0, "run": RUN, **setting})


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"head with batch norms, got batch_size=1\. Try"):
        zoo.text.learner(PAIR, model="awd_lstm", batch_size=1, run=RUN)
    with pytest.raises(ValueError, match=r"bptt=0 .*; batch_size=0\.5"):
        zoo.text.learner(PAIR, model="awd_lstm", bptt=0, batch_size=0.5)  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    "call",
    [
        lambda: zoo.text.train(PAIR, batchsize=8, run=RUN),  # type: ignore[call-arg]
        lambda: zoo.text.train_lm(PAIR[0], batchsize=8, run=RUN),  # type: ignore[call-arg]
        lambda: zoo.text.finetune("nowhere", PAIR, batchsize=8),  # type: ignore[call-arg]
    ],
)
def test_a_misspelt_option_is_answered_with_the_nearest(call: Any) -> None:
    with pytest.raises(TypeError, match=r"got 'batchsize'. Did you mean 'batch_size'\?"):
        call()


@pytest.mark.filterwarnings("ignore:100% of the words")
def test_settings_in_numpy_s_form_are_saved_and_loaded(tmp_path: Path) -> None:
    sizes: dict[str, Any] = {name: np.float64(value) for name, value in TINY.items()}
    lm = zoo.text.train_lm(reviews(20)["review"], epochs=0, drop_mult=np.float32(0.5), **sizes,
                           run=RUN)  # fmt: skip
    model = zoo.text.finetune(lm, PAIR, epochs=0, max_len=np.int64(50), bptt=20.0, run=RUN)  # type: ignore[arg-type]
    for one in (lm, model):
        loaded = zoo.load(one.save(tmp_path / type(one).__name__), run=RUN)
        assert loaded.arguments == one.arguments
        assert loaded.arguments["d_hidden"] == 48


def test_what_cannot_be_stored_is_refused_before_training() -> None:
    learn = zoo.text.learner(PAIR, model="awd_lstm", run=RUN)
    model = learn.as_model()
    model.require_storable()
    model.members[0].arguments["max_len"] = 2.5
    with pytest.raises(ValueError, match=r"max_len=2\.5"):
        model.require_storable()


def test_arguments_the_wrong_way_round_are_told(lm: zoo.text.LanguageModel) -> None:
    with pytest.raises(ValueError, match=r"Call zoo\.text\.finetune\(LanguageModel, tuple\)"):
        zoo.text.finetune(PAIR, lm, run=RUN)  # type: ignore[arg-type]


@pytest.mark.parametrize("start", [{}, {"pretrained": "zoo/lstm-wiki", "model": "awd_lstm"}])
@pytest.mark.parametrize("learner", [zoo.text.learner, zoo.text.lm_learner])
def test_a_learner_starts_from_one_of_two(learner: Any, start: dict[str, str]) -> None:
    got = "both" if start else "neither"
    with pytest.raises(ValueError, match=rf"random weights\), got {got}\. Call zoo\.text\."):
        learner(PAIR, run=RUN, **start)


@pytest.mark.parametrize("train", [zoo.text.train, zoo.text.train_lm, zoo.text.lm_learner])
def test_a_model_in_the_place_of_data_is_told(train: Any) -> None:
    with pytest.raises(ValueError, match=r"data first, got the model 'zoo/lstm-wiki'"):
        train("zoo/lstm-wiki", run=RUN)


def test_a_language_model_may_be_named_by_its_directory(
    lm: zoo.text.LanguageModel, tmp_path: Path
) -> None:
    place = str(lm.save(tmp_path / "lm"))
    table, options = reviews(40), {"text": "review", "valid_fraction": 0, "run": RUN}
    learn = zoo.text.lm_learner(table, pretrained=place, **options)
    assert learn.model.arguments["d_hidden"] == lm.arguments["d_hidden"]
    assert learn.as_model().spec.text_column == "review"


def test_columns_are_remembered(tmp_path: Path, lm: zoo.text.LanguageModel) -> None:
    assert (lm.spec.columns, lm.spec.format) == ((None, None), lm.spec.format)
    table = reviews(40)
    model = zoo.text.finetune(
        lm, table, text="review", label="liked", epochs=0, valid_fraction=0, run=RUN
    )
    loaded = zoo.load(model.save(tmp_path / "m"), run=RUN)
    assert loaded.spec == model.spec
    assert (loaded.spec.columns, loaded.spec.format) == (("review", "liked"), 2)
    new = reviews(30, seed=7)
    scores = loaded.evaluate(new)
    assert scores == loaded.evaluate(new.rename(columns={"review": "text", "liked": "label"}))
    assert (
        zoo.text.learner(new, pretrained=loaded, valid_fraction=0, run=RUN).data.spec == model.spec
    )
    with pytest.raises(ValueError, match="without 'text'"):
        loaded.evaluate(new.rename(columns={"review": "body"}))


def test_several_columns_are_remembered() -> None:
    table = reviews(40).assign(yes=[0, 1] * 20, no=[1, 0] * 20)
    model = zoo.text.train(
        table, text="review", label=["yes", "no"], epochs=0, valid_fraction=0, run=RUN
    )
    assert model.spec.label_columns == ("yes", "no")
    assert type(model.spec).from_json(model.spec.to_json()) == model.spec
    assert "f1" in model.evaluate(reviews(30, seed=7).assign(yes=[0, 1] * 15, no=[1, 0] * 15))


def test_the_fingerprint_of_a_stream_is_its_content_wherever_it_lies(tmp_path: Path) -> None:
    documents = [np.arange(i + 3, dtype=np.int32) for i in range(9)]

    def print_of(order: list[int], folder: str) -> str:
        return written([documents[i] for i in order], tmp_path / folder).fingerprint()

    first = print_of([*range(9)], "a")
    assert first == print_of([*range(9)], "b")
    assert first != print_of([*range(8), 7], "a")
    assert first != print_of([1, 0, *range(2, 9)], "a")
    stream = written(documents, tmp_path)
    assert (
        stream.take(np.array([0, 1])).fingerprint() != stream.take(np.array([1, 0])).fingerprint()
    )
    assert isinstance(stream, Stream)


@pytest.mark.parametrize(
    ("call", "given", "named"),
    [
        (zoo.text.finetune, {"language": "de"}, "language='de', not 'en'"),
        (zoo.text.finetune_lm, {"reverse": True}, "reverse=True, not False"),
        (zoo.text.finetune_lm, {"n_layers": 3, "d_hidden": 9}, "n_layers=3, not 1"),
    ],
)
def test_what_a_pretrained_model_settles_is_not_set_again(
    lm: zoo.text.LanguageModel, call: Any, given: dict[str, Any], named: str
) -> None:
    data: Any = reviews(20)[["review", "liked"]].set_axis(["text", "label"], axis=1)
    with pytest.raises(ValueError, match="must be as in the pretrained model, got.*" + named):
        call(lm, data, epochs=0, run=RUN, **given)
    call(lm, data, epochs=0, run=RUN, language="en", valid_fraction=0)


def test_classes_count_as_the_user_says(lm: zoo.text.LanguageModel) -> None:
    table = reviews(40)
    options: dict[str, Any] = {"text": "review", "label": "liked", "pretrained": lm, "run": RUN}
    learn = zoo.text.learner(table, class_weights={"yes": 3}, **options)
    assert learn.task.weights is not None
    assert learn.task.weights.tolist() == [1, 3]
    balanced = zoo.text.learner(table.iloc[5:], class_weights="balanced", **options).task.weights
    labels = zoo.text.learner(table.iloc[5:], **options).data.train.labels  # type: ignore[attr-defined]
    n = np.bincount(labels)
    assert balanced is not None
    assert balanced.tolist() == pytest.approx((len(labels) / 2 / n).tolist())
    with pytest.raises(ValueError, match="positive and of a class, got maybe"):
        zoo.text.learner(table, class_weights={"maybe": 1}, **options)
