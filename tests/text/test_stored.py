from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import zoo
from tests.helpers.device import run_here
from tests.helpers.harm import Attacks, Harm, changed, config, harmed, pickled, refused, tensors
from tests.text.small import RUN, reviews
from zoo.text import LanguageModel, TextClassifier


def test_a_loaded_model_says_exactly_the_same(
    each: LanguageModel | TextClassifier, tmp_path: Path
) -> None:
    loaded = zoo.load(each.save(tmp_path / "m"), run=RUN)
    assert type(loaded) is type(each)
    assert (loaded.spec, loaded.arguments) == (each.spec, each.arguments)
    assert (loaded.metrics, loaded.training) == (each.metrics, each.training)
    for text in reviews(5, seed=8)["review"]:
        assert loaded.predict(text) == each.predict(text)


def test_scores_without_data_are_those_of_the_training(
    each: LanguageModel | TextClassifier, tmp_path: Path
) -> None:
    assert each.evaluate() == pytest.approx(each.metrics)
    assert zoo.load(each.save(tmp_path / "m"), run=RUN).evaluate() == each.metrics


def test_how_texts_are_normalised_is_stored(saved: Path, tmp_path: Path) -> None:
    tree = json.loads((saved / "config.json").read_text())
    assert (tree["format"], tree["spec"]["normalisation"]) == (2, "unicode")
    loaded = zoo.load(saved, run=RUN)
    assert loaded.predict("we found the cast\u2019s film warm") == loaded.predict(
        "we found the cast's film warm"
    )


def test_a_model_of_format_1_keeps_its_rules_for_ever(saved: Path, tmp_path: Path) -> None:
    def as_format_1(tree: dict[str, Any]) -> None:
        tree["format"] = 1
        for name in ("normalisation", "text_column", "label_columns"):
            del tree["spec"][name]

    old = zoo.load(harmed(saved, tmp_path / "old", config(as_format_1)), run=RUN)
    assert old.spec.normalisation == "none"
    again = old.save(tmp_path / "again")
    tree = json.loads((again / "config.json").read_text())
    assert tree["format"] == 1
    assert "normalisation" not in tree["spec"]
    further = zoo.text.learner(
        reviews(40, seed=3), pretrained=old, text="review", label="liked", run=RUN
    )
    assert further.data.spec.normalisation == "unicode"
    assert further.model.head_trained
    learn = old.learner()
    learn.set_data(further.data)
    assert learn.as_model().spec.normalisation == "unicode"


def test_a_loaded_language_model_goes_on(saved_lm: Path) -> None:
    loaded = zoo.load(saved_lm, run=RUN)
    assert loaded.generate("I", n_words=5) == zoo.load(saved_lm, run=RUN).generate("I", n_words=5)
    learn = zoo.text.learner(
        ([f"film {i}" for i in range(16)], [1, 0] * 8), pretrained=str(saved_lm), run=RUN
    )
    assert learn.data.spec.words == loaded.spec.words


def test_the_shared_words_are_stored_once(saved_lm: Path) -> None:
    tensors = load_file(saved_lm / "model.safetensors")
    config = json.loads((saved_lm / "config.json").read_text())
    wide = [name for name, t in tensors.items() if t.shape[0] == len(config["spec"]["words"])]
    assert sorted(wide) == ["decoder.bias", "encoder.embedding.weight"]


def test_the_card_tells_what_it_is(saved: Path, saved_lm: Path) -> None:
    assert "model.predict(" in (saved / "README.md").read_text()
    card = (saved_lm / "README.md").read_text()
    for part in ("model.generate(", "perplexity", "bptt | 16"):
        assert part in card


def test_a_run_with_a_folder_saves_there(lm: LanguageModel, tmp_path: Path) -> None:
    run = run_here(out=tmp_path / "out")
    model = zoo.text.finetune_lm(lm, reviews(20, seed=5)["review"], epochs=1, batch_size=4, run=run)
    assert zoo.load(tmp_path / "out", run=RUN).predict("I") == model.predict("I")


# ---- artifacts that mean harm --------------------------------------------------------------------


def args(**values: Any) -> Harm:
    return config(lambda t: t["model"]["args"].update(values))


def spec(**values: Any) -> Harm:
    return config(lambda t: t["spec"].update(values))


ATTACKS: Attacks = {
    "another model": (
        config(lambda t: t["model"].update(name="os.system")), "name='os.system'"
    ),
    "no model": (config(lambda t: t["model"].pop("name")), "name=None"),
    "arguments that are none": (
        config(lambda t: t["model"].update(args=[1])), "d_embedding is missing"
    ),
    "an unknown argument": (args(eval="1"), "'eval' is unknown"),
    "an argument less": (
        config(lambda t: t["model"]["args"].pop("n_layers")), "n_layers is missing"
    ),
    "a huge width": (args(d_hidden=10**9), "d_hidden=1000000000"),
    "a wide width": (args(d_embedding=10**5), "fit"),
    "very many layers": (args(n_layers=10**9), "n_layers=1000000000"),
    "a layer more": (args(n_layers=2), "missing|fit"),
    "a negative width": (args(d_embedding=-1), "d_embedding=-1"),
    "half a layer": (args(n_layers=2.5), r"n_layers=2\.5 \(a whole number"),
    "true layers": (args(n_layers=True), r"n_layers=True \(a whole number"),
    "a width of text": (args(d_hidden="16"), "d_hidden='16'"),
    "a dropout of one": (args(drop_mult=9.0), "dropout"),
    "a dropout that is none": (args(drop_mult=float("nan")), "drop_mult=nan"),
    "a word less": (config(lambda t: t["spec"]["words"].pop()), "shape|fit"),
    "a word twice": (
        config(lambda t: t["spec"]["words"].append("the")), r"words=\[.*all different"
    ),
    "a word that is none": (
        config(lambda t: t["spec"]["words"].append(5)), r"words\[\d+\]=5 \(text"
    ),
    "other first words": (config(lambda t: t["spec"]["words"].reverse()), "words must begin with"),
    "no words": (config(lambda t: t["spec"].pop("words")), "words is missing"),
    "a language that is code": (spec(language="os; x"), "language='os; x'"),
    "a direction that is none": (spec(reverse=1), r"reverse=1 \(True or False"),
    "a normalisation that is none": (
        spec(normalisation=["nfc"]), r"normalisation=\['nfc'\] \(one of"
    ),
    "one class": (spec(classes=["a"]), r"classes=\('a',\)"),
    "classes twice": (spec(classes=["a", "a"]), r"classes=\['a', 'a'\]"),
    "weights missing": (tensors(lambda t: t.pop("encoder.embedding.weight")), "missing"),
    "weights of another shape": (
        tensors(lambda t: t.update({"encoder.embedding.weight": torch.zeros(2, 2)})), "fit"
    ),
    "weights too many": (tensors(lambda t: t.update(extra=torch.zeros(1))), "unknown"),
    "another domain": (config(lambda t: t.update(domain="vision")), "."),
    "another task": (config(lambda t: t.update(task="summary")), "task='summary'"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "safetensors"),
    "a pickle": (pickled, "safetensors"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["saved", "saved_lm"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_artifact_that_means_harm_is_one_sentence(
    attack: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    harm, says = ATTACKS[attack]
    refused(zoo.load, harmed(request.getfixturevalue(kind), tmp_path / "m", harm), says)


def test_a_language_model_is_no_classifier(saved: Path, saved_lm: Path, tmp_path: Path) -> None:
    for source, task in ((saved, "language-model"), (saved_lm, "classification")):
        refused(zoo.load, harmed(source, tmp_path / task, changed(task=task)), ".")
