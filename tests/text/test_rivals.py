"""Bags of words equal scikit-learn's pipelines on the same words."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

import zoo
from tests.text.small import RUN, reviews
from zoo.core.batches import Data
from zoo.text import LanguageModel, TextClassifier, rivals
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.rules import SPECIAL
from zoo.text.data.stream import in_memory
from zoo.text.models.bag_of_words import BagOfWords
from zoo.text.models.classifier import ClassifierNet
from zoo.text.spec import Spec

WORDS = (*SPECIAL, "the", "film", "good")  # others have no number in the vocabulary
SPEC = Spec(WORDS)
TOPICS = {"film": ("actor", "plot", "good"), "food": ("soup", "cook", "good"), "sport": ("goal",)}


def texts(n: int = 60) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Texts of several words about one of three topics, the longest first."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n)
    words = list(TOPICS.values())
    own = [" ".join(rng.choice([*words[k], "the", "SO", "so"], 9)) + "!!!" for k in labels]
    return own, labels


def data(labels: Any, spec: Spec, **options: Any) -> Data[Spec]:
    stream = in_memory(map(spec.numberer, texts()[0]))
    return Data(DocumentBatches(stream, labels, 16, **options), None, spec)


@functools.cache
def words_of(text: str) -> list[str]:
    return [word for word in SPEC.numberer.tokenizer(text) if word not in SPECIAL]


def words_and_pairs(text: str) -> list[str]:
    words = words_of(text)
    return [*words, *(" ".join(pair) for pair in itertools.pairwise(words))]


def and_parts(text: str) -> list[str]:
    words = [f"<{word}>" for word in words_of(text)]
    parts = [word[i : i + n] for word in words for n in (3, 4, 5) for i in range(len(word) - n + 1)]
    return [*words_and_pairs(text), *(f"part {part}" for part in parts)]


def logits_of(bag: BagOfWords, spec: Spec, some: list[str]) -> torch.Tensor:
    stream = in_memory(map(spec.numberer, some))
    batches = DocumentBatches(
        stream, np.arange(len(some)), shuffle=False, word=spec.vocabulary.word
    )
    (batch,) = batches.epoch(0)
    logits: torch.Tensor = bag(*batch.inputs)[batch.target.argsort()]
    return logits.detach()


def probabilities(bag: BagOfWords, spec: Spec, some: list[str]) -> np.ndarray[Any, Any]:
    logits = logits_of(bag, spec, some)
    return (logits.sigmoid() if spec.multi_label else logits.softmax(1)).numpy()


NEW = ["the plot, the PLOT and soup", "cook!!! goal", "nothing known", ""]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_tfidf_regression_equals_scikit_learn(
    n_classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, labels = texts()
    labels = labels.clip(max=n_classes - 1)
    spec = Spec(WORDS, classes=tuple(TOPICS)[:n_classes])
    monkeypatch.setattr(rivals, "CHEAP", 0)  # strengths are not compared
    bag = rivals.tfidf_regression(data(labels, spec))
    words = TfidfVectorizer(analyzer=words_and_pairs, sublinear_tf=True)
    theirs = make_pipeline(words, LogisticRegression(C=rivals.STRENGTHS[0], max_iter=1000))
    expected = theirs.fit(own, labels).predict_proba(NEW)
    np.testing.assert_allclose(probabilities(bag, spec, NEW), expected, atol=1e-5)


def test_several_labels_per_text_are_one_regression_each(monkeypatch: pytest.MonkeyPatch) -> None:
    own, labels = texts()
    table = np.eye(3, dtype=np.float32)[labels]
    table[::4, 0] = 1
    spec = Spec(WORDS, classes=tuple(TOPICS), multi_label=True)
    words = TfidfVectorizer(analyzer=words_and_pairs, sublinear_tf=True)
    each = LogisticRegression(C=rivals.STRENGTHS[0], max_iter=1000, solver="liblinear")
    theirs = make_pipeline(words, OneVsRestClassifier(each))
    expected = theirs.fit(own, table).predict_proba(NEW)
    monkeypatch.setattr(rivals, "CHEAP", 0)
    bag = rivals.tfidf_regression(data(table, spec))
    np.testing.assert_allclose(probabilities(bag, spec, NEW), expected, atol=1e-4)
    assert probabilities(rivals.nb_svm(data(table, spec)), spec, NEW).shape == (4, 3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_nb_svm_is_regression_on_log_ratios_drawn_to_naive_bayes(n_classes: int) -> None:
    own, labels = texts()
    labels = labels.clip(max=n_classes - 1)
    spec = Spec(WORDS, classes=tuple(TOPICS)[:n_classes])
    words = CountVectorizer(analyzer=and_parts, binary=True)
    x, others = words.fit_transform(own).toarray(), words.transform(NEW).toarray()
    expected = np.empty((len(NEW), n_classes))
    for label in range(n_classes):
        has, lacks = (x[mask].sum(0) + 1.0 for mask in (labels == label, labels != label))
        ratio = np.log((has / has.sum()) / (lacks / lacks.sum()))
        each = LogisticRegression(solver="liblinear").fit(x * ratio, labels == label)
        weights = 0.75 * np.abs(each.coef_[0]).mean() + 0.25 * each.coef_[0]
        expected[:, label] = (others * ratio) @ weights + 0.25 * each.intercept_[0]
    found = logits_of(rivals.nb_svm(data(labels, spec)), spec, NEW).numpy()
    scale = (found * expected).sum() / (expected**2).sum()  # the one for the best probabilities
    assert scale > 0
    np.testing.assert_allclose(found, scale * expected, rtol=1e-4, atol=1e-4)


def test_a_bag_is_built_again_of_its_arguments_and_weights() -> None:
    _, labels = texts()
    spec = Spec(WORDS, classes=tuple(TOPICS))
    for fit in (rivals.tfidf_regression, rivals.nb_svm):
        bag = fit(data(labels, spec))
        again = BagOfWords(**bag.arguments)
        again.load_state_dict(load(save(dict(bag.state_dict()))))
        assert (probabilities(again, spec, NEW) == probabilities(bag, spec, NEW)).all()


def test_a_text_says_the_same_in_any_company() -> None:
    _, labels = texts()
    spec = Spec(WORDS, classes=tuple(TOPICS))
    bag = rivals.tfidf_regression(data(labels, spec))
    together = probabilities(bag, spec, NEW)
    alone = [probabilities(bag, spec, [text])[0] for text in NEW]
    assert (together == np.stack(alone)).all()


def test_a_class_without_texts_is_unlikely_and_finite() -> None:
    labels = texts()[1].clip(max=1)
    spec = Spec(WORDS, classes=tuple(TOPICS))
    for fit in (rivals.tfidf_regression, rivals.nb_svm):
        chances = probabilities(fit(data(labels, spec)), spec, NEW)
        assert np.isfinite(chances).all()
        assert (chances[:, 2] < 0.1).all()


def test_the_most_frequent_features_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "MOST_FEATURES", 4)
    spec = Spec(WORDS, classes=tuple(TOPICS))
    bag = rivals.tfidf_regression(data(texts()[1], spec))
    n_with = CountVectorizer(analyzer=words_and_pairs, binary=True).fit_transform(texts()[0]).sum(0)
    idf = 1 + np.log(61 / (1 + np.sort(np.asarray(n_with).ravel())[-4:]))
    np.testing.assert_allclose(np.sort(bag.idf.numpy()), np.sort(idf), atol=1e-6)


def test_the_network_reads_every_unknown_word_as_one() -> None:
    net = ClassifierNet(n_words=12, n_classes=2, d_embedding=4, d_hidden=6, n_layers=1).eval()
    spec = Spec(WORDS, classes=("a", "b"))
    known = torch.from_numpy(spec.numbers("the zebra")).long()[None]
    assert known[0, -1] >= len(WORDS)
    lengths = torch.tensor([known.shape[1]])
    assert torch.equal(net(known, lengths), net(known.where(known < 12, 0), lengths))


def test_texts_of_unknown_words_and_empty_ones_are_told(lm: LanguageModel) -> None:
    foreign: Any = (["这部 电影 好", "这部 故事 坏"] * 8, ["a", "b"] * 8)
    with pytest.warns(UserWarning, match="100% of the words .* are unknown"):
        zoo.text.learner(foreign, pretrained=lm, valid_fraction=0, run=RUN)
    with pytest.warns(UserWarning, match="2 of 20 texts are empty"):
        zoo.text.learner(
            (["the film", "the story"] * 9 + ["", " "], ["a", "b"] * 10),
            pretrained=lm,
            valid_fraction=0,
            run=RUN,
        )


def weak(lm: LanguageModel, **options: Any) -> TextClassifier:
    """A call whose network has hardly more than its first weights."""
    columns = {"text": "review", "label": "liked"}
    table = reviews(60).set_axis(range(500, 560))
    return zoo.text.finetune(lm, table, lr=1e-6, epochs=1, **columns, **options, run=RUN)


def test_the_better_model_answers_and_the_blend_survives_storage(
    lm: LanguageModel, tmp_path: Path
) -> None:
    model = weak(lm)
    assert model.blend is not None
    assert model.rivals is not None
    assert model.out_of_fold is not None  # of so few texts folds are held out
    assert list(model.rivals.index) == ["network", "tf-idf", "nb-svm", "returned"]
    assert sum(model.blend.shares) > 0.5
    assert model.metrics["accuracy"] > 0.9
    truth = reviews(60).set_axis(range(500, 560))["liked"]
    assert list(model.out_of_fold.index) == list(truth.index)
    assert (model.out_of_fold.idxmax(axis=1) == truth).mean() > 0.9
    loaded = zoo.load(model.save(tmp_path / "m"), run=RUN)
    texts = ["We found it lovely. A zyzzyva.", "Tired!"]
    assert loaded.predict(texts) == model.predict(texts)
    assert loaded.explain("We found the film lovely.").top(1)[0][0] == "lovely"
    assert model.training["texts"] == 60
    with pytest.raises(ValueError, match="must be networks alone"):
        zoo.text.ensemble([model, loaded])


def test_a_part_of_the_texts_may_be_named(lm: LanguageModel) -> None:
    one = weak(lm, fold=(1, 3), rivals=False)
    assert one.training["texts"] == 40
    assert one.blend is None
    parts = reviews(40).assign(is_valid=[True, False] * 20)
    with pytest.raises(ValueError, match="data that set a validation part apart"):
        zoo.text.learner(parts, text="review", label="liked", pretrained=lm, fold=(0, 3), run=RUN)
