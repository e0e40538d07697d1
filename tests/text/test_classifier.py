from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import torch

import zoo
from tests.core.tiny import same, weights
from tests.helpers.device import about_the_cpu
from tests.text.small import RUN, finetune, reviews, train_lm
from zoo.core.training.groups import layer_groups
from zoo.text import LanguageModel, TextClassifier
from zoo.text.models.classifier import ClassifierNet

pytestmark = pytest.mark.device

COLUMNS: dict[str, Any] = {"text": "review", "label": "liked", "run": RUN}


def net(**options: Any) -> ClassifierNet:
    torch.manual_seed(0)
    sizes = {"n_words": 30, "n_classes": 3, "d_embedding": 6, "d_hidden": 8, "n_layers": 2}
    return ClassifierNet(**{**sizes, "drop_mult": 0, **options})


def documents(lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    tokens = torch.randint(9, 30, (len(lengths), max(lengths)), generator=generator)
    for row, length in zip(tokens, lengths, strict=True):
        row[length:] = 1
    return tokens, torch.tensor(lengths)


# ---- the network ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bptt", [3, 5, 100])
def test_pooling_is_over_real_words_whatever_the_pieces(bptt: int) -> None:
    model = net(bptt=bptt).eval()
    tokens, lengths = documents([11, 4, 1, 7])
    pooled = model.pooled(tokens, lengths)
    for row, length, found in zip(tokens, lengths.tolist(), pooled, strict=True):
        features, _ = model.encoder(row[None, :length])
        own = features[0]
        expected = torch.cat([own[-1], own.amax(0), own.mean(0)])
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("sizes", [(6, 8), (17, 33), (32, 48)])
def test_company_changes_nothing_to_the_last_bit(sizes: tuple[int, int]) -> None:
    model = net(bptt=7, d_embedding=sizes[0], d_hidden=sizes[1]).eval()
    tokens, lengths = documents([3, 40, 1, 12, 12, 7, 25, 2])
    together = model(tokens, lengths)
    for i, length in enumerate(lengths.tolist()):
        alone = model(tokens[i : i + 1, :length], lengths[i : i + 1])
        assert torch.equal(alone[0], together[i])
    some = torch.tensor([6, 0, 3])
    assert torch.equal(model(tokens[some], lengths[some]), together[some])


def test_work_is_that_of_the_words_there_are() -> None:
    model = net(bptt=4)
    n_words = 0

    def count(module: Any, inputs: Any, output: Any) -> None:
        nonlocal n_words
        n_words += inputs[0].numel()

    model.encoder.register_forward_hook(count)
    model(*documents([5] * 30 + [400]))
    assert n_words <= 30 * 8 + 400


def test_padding_changes_nothing() -> None:
    model = net(bptt=4).eval()
    tokens, lengths = documents([9, 5])
    longer = torch.cat([tokens, torch.ones(2, 20, dtype=torch.int64)], dim=1)
    torch.testing.assert_close(model(longer, lengths), model(tokens, lengths))


def test_gradients_reach_the_last_words_alone() -> None:
    tokens, lengths = documents([12])
    reached = []
    for max_len in (4, 100):
        model = net(bptt=4, max_len=max_len).eval()
        model(tokens, lengths).sum().backward()
        gradient = model.encoder.embedding.weight.grad
        assert gradient is not None
        reached.append({int(word) for word in tokens[0] if gradient[word].abs().sum() > 0})
    assert reached[0] == set(tokens[0, 8:].tolist())
    assert reached[1] == set(tokens[0].tolist())


@pytest.mark.parametrize("company", [[], [60], [60, 3]])
def test_short_texts_teach_as_much_beside_a_long_one(company: list[int]) -> None:
    model = net(bptt=4, max_len=6).train()
    tokens, lengths = documents([5, 2, *company])
    model.pooled(tokens, lengths)[:2].square().sum().backward()
    gradients = [p.grad for p in model.encoder.parameters()]
    alone = net(bptt=4, max_len=6).train()
    alone.pooled(tokens[:2, :5], lengths[:2]).square().sum().backward()
    for found, parameter in zip(gradients, alone.encoder.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad)


def test_layer_groups_go_from_words_to_head() -> None:
    names = [group.name for group in layer_groups(net(n_layers=3))]
    assert names == ["words", "lstm0", "lstm1", "lstm2", "head"]


# ---- training ------------------------------------------------------------------------------------


def test_it_learns_to_tell_classes_apart(classifier: TextClassifier) -> None:
    assert classifier.metrics["accuracy"] > 0.9
    assert classifier.spec.classes == ("no", "yes")
    assert (
        classifier.predict("we found the story brilliant. we found the cast warm.").label == "yes"
    )
    assert classifier.predict("they found the cast awful. they found the film dull.").label == "no"


def test_the_encoder_is_the_language_model_s(lm: LanguageModel) -> None:
    learn = zoo.text.learner(reviews(), pretrained=lm, **COLUMNS)
    encoder: Any = learn.model.encoder
    assert same(weights(encoder), weights(lm.members[0].encoder))
    assert learn.data.spec.words == lm.spec.words


class Watch:
    """For each epoch, how many layer groups train, and the head's rate to the first group's."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, float]] = []

    def epoch_end(self, fit: Any) -> None:
        groups = layer_groups(fit.model)
        n = sum(any(p.requires_grad for p in group.parameters()) for group in groups)
        first, *_, last = [group["lr"] for group in fit.optimizer.param_groups]
        self.seen.append((n, last / first))


@pytest.mark.parametrize(
    ("gradual", "n_groups", "ratio"), [(False, [1, 4, 4], 4.0), (True, [1, 2, 3, 4, 4], 2.6**3)]
)
def test_layers_thaw(gradual: bool, n_groups: list[int], ratio: float) -> None:
    watch, lm = Watch(), train_lm(n_layers=2, epochs=0)
    finetune(lm, reviews(60), epochs=2, gradual=gradual, callbacks=[watch])
    assert [n for n, _ in watch.seen] == n_groups
    assert watch.seen[-1][1] == pytest.approx(ratio)


class Plans:
    """How many epochs each fit would have; it ends after a step."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def fit_start(self, fit: Any) -> None:
        self.epochs.append(len(fit.steps))

    def step_end(self, fit: Any) -> None:
        fit.stop = True


@pytest.mark.parametrize(("n", "epochs"), [(20, 8), (400, 3)])
def test_few_texts_are_read_more_often(n: int, epochs: int, lm: LanguageModel) -> None:
    plans = Plans()
    more: dict[str, Any] = {"batch_size": 2, "valid_fraction": 0.0, "callbacks": [plans]}
    finetune(lm, reviews(n), epochs=None, **more)
    assert plans.epochs == [1, epochs]


@pytest.mark.filterwarnings("ignore:validation texts must be new")
def test_a_head_that_knows_the_classes_moves_less(
    lm: LanguageModel, classifier: TextClassifier
) -> None:
    highest = [
        max(finetune(first, reviews(40, seed=3), epochs=1, lr=None).history.lrs)
        for first in (lm, classifier)
    ]
    assert highest == pytest.approx([1e-2, 2e-3])


@pytest.mark.filterwarnings("ignore:validation texts must be new")
def test_a_classifier_of_the_same_classes_is_taken_further(classifier: TextClassifier) -> None:
    learn = zoo.text.learner(reviews(40, seed=3), pretrained=classifier, **COLUMNS)
    assert same(weights(learn), weights(classifier.members[0]))
    further = finetune(classifier, reviews(40, seed=3), epochs=1)
    assert len(further.history.rows) == 1
    other = reviews(40).replace({"liked": {"yes": "loved"}})
    fresh = zoo.text.learner(other, pretrained=classifier, **COLUMNS)
    assert fresh.data.spec.classes == ("loved", "no")


def test_random_weights_learn_as_well() -> None:
    rates: dict[str, Any] = {"epochs": 4, "lr": 2e-2, "drop_mult": 0.1, "batch_size": 16}
    alone: dict[str, Any] = {"valid_fraction": 0.25, "rivals": False, "refit": False}
    model = zoo.text.train(reviews(), **COLUMNS, **rates, **alone)
    assert model.metrics["accuracy"] > 0.9
    assert "xxunk" in model.spec.words


class Sizes:
    """How many texts pass through the network at a time in training."""

    def __init__(self, model: ClassifierNet) -> None:
        self.sizes: list[int] = []
        model.register_forward_hook(self)

    def __call__(self, model: Any, inputs: Any, output: Any) -> None:
        if model.training:
            self.sizes.append(len(output))


def without_statistics(model: Any) -> None:
    """Take the norms and dropout out of the head: they depend on what passes at a time."""
    for i, module in enumerate(model.head):
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.Dropout)):
            model.head[i] = torch.nn.Identity()


def test_parts_of_a_batch_weigh_as_the_whole(lm: LanguageModel) -> None:
    settings: dict[str, Any] = {"batch_size": 9, "drop_mult": 0.0, "optimizer": "sgd"}
    learners, sizes = [], []
    for accumulate in (1, 2):
        learn = zoo.text.learner(
            reviews(40), pretrained=lm, **COLUMNS, accumulate=accumulate, **settings
        )
        without_statistics(learn.model)
        before = weights(learn)
        learners.append(learn)
        sizes.append(Sizes(learn.model))
        learn.fit(2, 1.0)
    assert [one.sizes for one in sizes] == [[9] * 8, [5, 4] * 8]
    whole, parts = learners
    assert parts.history.losses == pytest.approx(whole.history.losses, rel=1e-4)
    moved, moved_in_parts = (
        torch.cat([(w[name] - before[name]).flatten() for name in before])
        for w in (weights(whole), weights(parts))
    )
    assert moved.norm() > 0.1
    assert (moved - moved_in_parts).norm() < 1e-3 * moved.norm()


# ---- using ---------------------------------------------------------------------------------------


@about_the_cpu("company changes the last bits on a GPU")
@pytest.mark.filterwarnings("ignore:1 of .* are empty")
def test_one_text_or_many_in_their_order(classifier: TextClassifier) -> None:
    texts = [*reviews(30, seed=9)["review"], "", "film " * 300]
    many = classifier.predict(texts, batch_size=7)
    assert len(many) == 32
    for text, prediction in zip(texts, many, strict=True):
        assert classifier.predict(text) == prediction  # to the last bit
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert classifier.predict(texts[::-1], batch_size=5) == many[::-1]
    assert classifier.predict([]) == []
    assert len(classifier.predict(iter(texts[:2]))) == 2


def test_scores_are_those_of_the_predictions(classifier: TextClassifier) -> None:
    table = reviews(50, seed=4)
    scores = classifier.evaluate(table, text="review", label="liked")
    labels = [one.label for one in classifier.predict(table["review"])]
    assert scores["accuracy"] == pytest.approx((table["liked"] == labels).mean())


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda m: m.evaluate((["a"], ["perhaps"])), "got 'perhaps'"),
        (
            lambda m: zoo.text.finetune(m, reviews().rename(columns={"review": "body"}), run=RUN),
            "without 'text'. There is body",
        ),
        (
            lambda m: zoo.text.finetune(m, (["a", "b"], [1, 1]), run=RUN),
            "at least two classes, got \\[1\\]",
        ),
        (
            lambda m: zoo.text.finetune(m, (["a", "b", "a"], ["so so", "well", "ill"]), run=RUN),
            "got 3 classes in 3 labels, such as 'ill'.*swapped",
        ),
    ],
)
def test_mistakes_are_one_sentence(ask: Any, says: str, classifier: TextClassifier) -> None:
    with pytest.raises((ValueError, TypeError), match=says) as caught:
        ask(classifier)
    assert "\n" not in str(caught.value)


def test_a_language_model_s_verb_refuses_a_classifier(classifier: TextClassifier) -> None:
    with pytest.raises(ValueError, match="must be a language model, got a TextClassifier"):
        zoo.text.finetune_lm(classifier, ["a b c", "d e f"], run=RUN)


def test_labels_may_be_numbers() -> None:
    texts = [f"{word} {i}" for i in range(10) for word in ("good", "bad")]
    table = pd.DataFrame({"text": texts, "label": [1, 0] * 10})
    model = zoo.text.train(table, epochs=1, run=RUN)
    assert model.predict("good").label in (0, 1)
    assert model.spec.classes == (0, 1)
