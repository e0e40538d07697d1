from __future__ import annotations

import math
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from tests.core.tiny import same, weights
from tests.helpers.device import run_here
from tests.text.small import RUN, TINY, reviews, train_lm
from zoo.text import LanguageModel

pytestmark = pytest.mark.device


def learner(run: zoo.Run = RUN, **options: Any) -> Any:
    given = {"model": "awd_lstm", "batch_size": 8, "bptt": 16, "run": run, **TINY}
    return zoo.text.lm_learner(reviews()["review"], **{**given, **options})


def test_it_learns_what_follows_what(lm: LanguageModel) -> None:
    losses = [row["valid_loss"] for row in lm.history.rows]
    assert losses[-1] < 0.6 * math.log(len(lm.spec.words)) < losses[0] + 5
    assert lm.metrics["perplexity"] == pytest.approx(math.exp(lm.metrics["loss"]))
    words = dict(lm.predict("I found the", k=4))
    assert set(words) == {"film", "story", "cast", "ending"}
    assert sum(words.values()) > 0.7


def test_a_text_is_scored_as_its_words_one_by_one(lm: LanguageModel) -> None:
    text = "We found the story dull. They found the cast warm."
    numbers = lm.spec.numbers(text)
    net = lm.members[0]
    with torch.inference_mode():
        features, _ = net.encoder(torch.from_numpy(numbers.astype(np.int64))[None, :-1])
        chances = net.decoder(features, net.encoder.embedding.weight).logits[0].log_softmax(1)
    by_hand = -chances[range(len(numbers) - 1), numbers[1:]].mean()
    assert lm.evaluate([text])["loss"] == pytest.approx(float(by_hand), rel=1e-5)


def test_texts_of_its_own_repeat_by_seed_alone(lm: LanguageModel) -> None:
    one = lm.generate("We found", n_words=20, seed=1)
    assert one.startswith("We found")
    assert one == lm.generate("We found", n_words=20, seed=1)
    assert one != lm.generate("We found", n_words=20, seed=2)
    greedy = {lm.generate("I found", n_words=12, top_k=1, seed=seed) for seed in range(3)}
    assert len(greedy) == 1
    assert len({lm.generate(n_words=15, temperature=1e-3, seed=seed) for seed in range(3)}) == 1


def test_what_is_never_said(lm: LanguageModel) -> None:
    text = lm.generate(n_words=300, temperature=5.0)
    assert not any(mark in text for mark in ("xxunk", "xxpad", "xxbos", "xxmaj", "…"))


def test_asking_leaves_the_model_as_it_was(lm: LanguageModel) -> None:
    net = lm.members[0]
    before, carried = weights(net), net.carried
    lm.generate("I", n_words=5)
    lm.predict("I")
    lm.evaluate(["I found the film dull."])
    assert same(before, weights(net))
    assert net.carried is carried
    assert not net.training


def test_threads_read_and_write_texts_of_their_own(lm: LanguageModel) -> None:
    prompts = ["I found", "They found the", "We", "Critics found the film"] * 4

    def ask(prompt: str) -> Any:
        return (
            lm.generate(prompt, n_words=12, seed=4),
            lm.predict(prompt),
            lm.evaluate([prompt] * 3),
        )

    alone = [ask(prompt) for prompt in prompts]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, prompts)) == alone


def test_writing_moves_no_generator_but_its_own(lm: LanguageModel) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[union-attr]  # noqa: NPY002
    lm.generate("We found", n_words=5, seed=1)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.random.get_state()[1].tolist() == before[1]  # type: ignore[union-attr]  # noqa: NPY002
    assert random.getstate() == before[2]


def test_a_very_low_temperature_takes_the_likeliest(lm: LanguageModel) -> None:
    assert lm.generate("I", n_words=8, temperature=1e-40) == lm.generate("I", n_words=8, top_k=1)


def test_a_long_beginning_is_read_in_pieces(
    lm: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "We found the story dull. They found the cast warm. I found the"
    whole = dict(lm.predict(text, k=4))
    monkeypatch.setattr("zoo.text.models.language_model.READ", 4)
    assert dict(lm.predict(text, k=4)) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"temperature": 0}, r"wrong=\{'temperature': 0\}"),
        ({"top_k": 0, "n_words": -1}, r"wrong=\{'n_words': -1, 'top_k': 0\}"),
        ({"n_words": 2.5, "seed": "1"}, r"wrong=\{'n_words': 2.5, 'seed': '1'\}"),
        ({"seed": 2**64}, r"'seed': 18446744073709551616"),
    ],
)
def test_settings_out_of_range_are_named(
    settings: dict[str, Any], says: str, lm: LanguageModel
) -> None:
    with pytest.raises(ValueError, match=says):
        lm.generate(**settings)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bptt": 0, "drop_mult": -1}, "drop_mult=-1 .*bptt=0|bptt=0.*drop_mult=-1"),
        ({"drop_mult": 5.0}, r"below 1, got \{'input': 1.25"),
        ({"language": "klingon"}, "klingon"),
        ({"texts": []}, "at least one text, got none"),
        ({"texts": ["one text alone"]}, "got 1 of 4 words"),
    ],
)
def test_mistakes_are_one_sentence(options: dict[str, Any], says: str) -> None:
    texts = options.pop("texts", reviews(10)["review"])
    with pytest.raises(ValueError, match=says) as caught:
        zoo.text.train_lm(texts, **{"run": RUN, **TINY, **options})
    assert "\n" not in str(caught.value)


def test_a_backward_model_reads_from_the_end() -> None:
    back = train_lm(reverse=True, epochs=4)
    before = dict(back.predict("found the film", k=5))
    assert set(before) & {"i", "we", "they", "critics", "xxmaj"}
    text = back.generate("film great.", n_words=10, seed=3)
    assert text.endswith("film great.")


# ---- training ------------------------------------------------------------------------------------


def test_known_words_keep_their_vectors_and_new_ones_begin_at_the_mean(lm: LanguageModel) -> None:
    texts = [text.replace("film", "musical") for text in reviews()["review"]]
    learn = zoo.text.lm_learner(texts, pretrained=lm, run=RUN)
    new, old = learn.model, lm.members[0]
    vocabulary = learn.data.spec.vocabulary
    assert "film" not in vocabulary.words
    for word in ("musical", "found", "xxmaj"):
        row = vocabulary.number(word)
        at = lm.spec.vocabulary.number(word)
        for table in ("encoder.embedding.weight", "decoder.bias"):
            before = old.state_dict()[table]
            expected = before[at] if at else before.mean(0)
            torch.testing.assert_close(new.state_dict()[table][row], expected)
    assert torch.equal(new.encoder.lstms[0].weight_hh_l0, old.encoder.lstms[0].weight_hh_l0)


def test_few_texts_do_not_make_the_model_forget_its_words(lm: LanguageModel) -> None:
    texts = [f"the musical number {i} was great" for i in range(12)]
    learn = zoo.text.lm_learner(texts, pretrained=lm, run=RUN)
    words, before = learn.data.spec.words, lm.spec.words
    assert len(words) == len(before)
    assert "musical" in words
    assert len({*before} - {*words}) == len({*words} - {*before}) < 10  # the rarest make room
    row, at = words.index("film"), before.index("film")
    vectors = [one.state_dict()["encoder.embedding.weight"] for one in (learn.model, lm.members[0])]
    assert torch.equal(vectors[0][row], vectors[1][at])
    fewer = zoo.text.lm_learner(texts, pretrained=lm, most_words=20, run=RUN)
    assert len(fewer.data.spec.words) == 20


def test_finetuning_is_better_than_it_began(lm: LanguageModel) -> None:
    texts = [text.replace("film", "musical") for text in reviews(seed=5)["review"]]
    tuned = zoo.text.finetune_lm(
        lm, texts, epochs=1, lr=1e-2, drop_mult=0.1, batch_size=8, bptt=16, run=RUN
    )
    assert tuned.metrics["loss"] < lm.evaluate(texts)["loss"]
    assert tuned.arguments == lm.arguments
    rows = tuned.history.rows
    assert len(rows) == 2


def test_frozen_layers_stay_and_words_move() -> None:
    learn = learner(drop_mult=0.1)
    before = weights(learn)
    learn.freeze()
    learn.fit(1, 1e-2)
    moved = {
        name for name, tensor in weights(learn).items() if not torch.equal(tensor, before[name])
    }
    assert moved == {"encoder.embedding.weight", "decoder.bias"}


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    class Kill:
        def step_end(self, fit: Any) -> None:
            if fit.step == 14:
                fit.flush()
                learn.state.save(fit)
                raise KilledError

    whole = learner()
    whole.fit(2, 1e-2)
    out = run_here(out=tmp_path / "run")
    learn = learner(out)
    with pytest.raises(KilledError):
        learn.fit(2, 1e-2, callbacks=[Kill()])
    assert learn.data.train.steps(0) > 14
    again = learner(run_here(out=tmp_path / "run", resume=True))
    again.fit(2, 1e-2)
    assert same(weights(whole), weights(again))
    assert whole.history.losses == again.history.losses


def test_the_rate_of_a_step_follows_its_length() -> None:
    learn = learner()
    learn.fit(1, 1e-2)
    expected = [1e-2 * batch.rate for batch in learn.data.train.epoch(0)]
    assert learn.history.lrs == pytest.approx(expected)


def test_a_batch_can_be_overfitted() -> None:
    texts = ["the same words again and again in one order"] * 20
    model = train_lm(texts, at_least=1, epochs=30, batch_size=2, valid_fraction=0)
    assert model.history.losses[-1] < 0.4


def test_lr_find_leaves_the_state_alone() -> None:
    learn = learner()
    learn.fit(1, 1e-3)
    before, carried = weights(learn), [part.clone() for part in learn.model.carried]
    learn.lr_find(steps=20)
    assert same(before, weights(learn))
    assert all(map(torch.equal, carried, learn.model.carried))


def test_parts_of_a_batch_are_refused_for_a_carried_state() -> None:
    with pytest.raises(ValueError, match="accumulate=2"):
        learner(accumulate=2)
