from __future__ import annotations

from typing import Any

import pytest
import torch

import zoo
from tests.text.small import RUN, TINY, finetune, reviews, train_lm
from zoo.text import LanguageModel, TextClassifier
from zoo.text.data.rules import SPECIAL
from zoo.text.data.torchtext import table

data = pytest.importorskip("torchtext.data", reason="pip install torchtext==0.6.0")


def dataset(n: int = 40) -> Any:
    """Reviews as torchtext holds them: cut by its own field."""
    fields = [("review", data.Field(lower=True)), ("liked", data.LabelField())]
    rows = reviews(n).itertuples(index=False)
    return data.Dataset([data.Example.fromlist(list(row), fields) for row in rows], fields)


def test_a_field_numbers_texts_as_the_model_does(classifier: TextClassifier) -> None:
    field = zoo.text.to_field(classifier.spec)
    texts = ["We found the film GREAT!!!", "Zyzzyva."]
    tokens, lengths = field.process([field.preprocess(text) for text in texts])
    for row, length, text in zip(tokens.tolist(), lengths.tolist(), texts, strict=True):
        assert row[:length] == classifier.spec.numbers(text).tolist()
        assert set(row[length:]) <= {1}
    with torch.no_grad():
        logits = classifier.members[0](tokens, lengths)
    said = [one.probabilities["yes"] for one in classifier.predict(texts)]
    assert logits.softmax(1)[:, 1].tolist() == pytest.approx(said, abs=1e-5)


def test_its_iterators_feed_the_network(classifier: TextClassifier) -> None:
    field = zoo.text.to_field(classifier.spec)
    fields = [("review", field)]
    examples = [data.Example.fromlist([text], fields) for text in reviews(10)["review"]]
    batches = data.BucketIterator(
        data.Dataset(examples, fields), batch_size=4, train=False, sort=False
    )
    shapes = [tuple(classifier.members[0](*batch.review).shape) for batch in batches]
    assert shapes == [(4, 2), (4, 2), (2, 2)]


def test_its_vocabulary_becomes_ours() -> None:
    given = dataset()
    field = given.fields["review"]
    with pytest.raises(ValueError, match="got a Field without"):
        zoo.text.train_lm(given, text="review", words=field, epochs=0, run=RUN, **TINY)
    field.build_vocab(given, max_size=12)
    for words in (field, field.vocab, field.vocab.itos):
        model = zoo.text.train_lm(given, text="review", words=words, epochs=0, run=RUN, **TINY)
        assert model.spec.words == (*SPECIAL, *field.vocab.itos[2:])


def test_its_data_sets_are_trained_on(lm: LanguageModel) -> None:
    given = dataset(160)
    assert len(train_lm(given, text="review", epochs=1).spec.words) > 15
    model = finetune(lm, given)
    assert model.metrics["accuracy"] > 0.8
    with pytest.raises(ValueError, match=r"without 'text'\. There is review, liked"):
        zoo.text.train(given, run=RUN)


def test_fields_that_torchtext_leaves_out_are_left_out() -> None:
    fields = [("number", None), ("review", data.Field())]
    rows = [data.Example.fromlist([i, "so good"], fields) for i in range(3)]
    read = table(data.Dataset(rows, fields))
    assert read.to_dict("list") == {"review": ["so good"] * 3}


def test_a_backward_model_has_no_field() -> None:
    back = train_lm(reverse=True, epochs=0)
    with pytest.raises(ValueError, match=r"spec\.reverse=True"):
        zoo.text.to_field(back.spec)


def test_a_model_in_the_place_of_its_spec_is_told(classifier: TextClassifier) -> None:
    with pytest.raises(ValueError, match=r"got a TextClassifier\. Try to_field\(model\.spec\)"):
        zoo.text.to_field(classifier)  # type: ignore[arg-type]
