"""What each class of models can do: what is required of it, and what it refuses in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zoo_runtime
from PIL import Image

import zoo
from tests.conformance import require_sentence
from tests.helpers.trained import Trained
from zoo.core.explanation import Explanation

ALL = {"predict", "records", "evaluate", "save", "push", "learner", "interface"}
REQUIRED: dict[str, set[str]] = {
    "PhotoModel": ALL | {"explain", "embed", "similar", "export"},
    "PhotoSegmenter": ALL | {"export"},
    "PhotoRestorer": ALL | {"export"},
    "TextClassifier": ALL | {"explain", "embed", "similar"},  # export: see test_export.py
    "LanguageModel": ALL,  # it has no labels to explain
    "TableModel": ALL | {"explain", "embed", "similar", "export"},
    "Recommender": ALL | {"explain", "embed", "similar", "export"},
}
REFUSED_BY_ENSEMBLES = {"learner"}  # which trains a single network
CAPABILITIES = sorted(set().union(*REQUIRED.values()))


def is_required(capability: str, model: Any) -> bool:
    """Whether a model must be able to do something; otherwise it must refuse."""
    if len(model.members) > 1 and capability in REFUSED_BY_ENSEMBLES:
        return False
    return capability in REQUIRED[type(model).__name__]


def predict(trained: Trained, work: Path) -> None:
    assert trained.case.one(trained.case.items[0]) is not None


def records(trained: Trained, work: Path) -> None:
    """What files hold gives as many plain records, under the names that the class has."""
    model = trained.model
    asked, in_shell = (signature(one).parameters.keys() for one in (model.predict, model.records))
    assert asked & {"coverage", "unknown"} <= in_shell  # zoo predict has what predict has
    if model.domain == "vision":
        files = [Path(one) for one in trained.case.items]
        options = {"out": work / "drawn"} if "out" in signature(model.records).parameters else {}
    else:
        files, options = [work / "new.csv"], {}
        trained.table.to_csv(files[0], index=False)
    found = list(model.records(files, **options))
    assert len(found) == (len(files) if model.domain == "vision" else len(trained.table))
    assert {row["file"] for row in found} == set(map(str, files))
    assert all(row.keys() & {"label", "labels", "value", "values", "picture"} for row in found)
    json.dumps(found)


def evaluate(trained: Trained, work: Path) -> None:
    scores = trained.model.evaluate(*trained.valid, **trained.options)
    assert scores
    assert all(isinstance(value, float) for value in scores.values())


def explain(trained: Trained, work: Path) -> None:
    asked = trained.case.items[0]
    found = trained.model.explain(*asked if trained.model.domain == "collab" else [asked])
    assert isinstance(found, Explanation)
    json.dumps(found.record())
    picture = found.save(work / "why.png")
    assert picture.stat().st_size > 1000  # bytes


def interface(trained: Trained, work: Path) -> None:
    """A page can ask what the fields say, and what comes has the parts that were announced."""
    face, item = trained.model.interface(), trained.case.items[0]
    kinds = {one.kind for one in face.fields}
    values = [one.start for one in face.fields] if kinds & {"choice", "number"} else [item]
    if kinds == {"ratings"}:
        values = [{face.fields[0].choices[0]: face.fields[0].usual[1]}]
    reply = face.answer(*values)
    assert reply.headline
    empty = {part for part in ("shares", "html") if not getattr(reply, part)}
    empty |= {part for part in ("picture", "table") if getattr(reply, part) is None}
    assert face.parts == {"shares", "html", "picture", "table"} - empty
    if "html" not in face.parts and kinds == {"photo"} and reply.shares:
        assert reply.shares == trained.model.predict(item).probabilities


def export(trained: Trained, work: Path) -> None:
    """The file tells the spec and says what the model says, of any number of inputs."""
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module, reason="pip install 'transfer-zoo[onnx]'")
    import onnx

    model = trained.model
    path = model.export(work / "model.onnx")
    onnx.checker.check_model(str(path))
    graph = zoo_runtime.Graph(path)
    assert graph.facts["spec"] == json.loads(json.dumps(model.spec.to_json()))
    if model.domain == "vision" and "steps" not in graph.facts:
        pixels = np.stack([np.asarray(Image.open(photo)) for photo in trained.case.items])
        for some in (pixels, pixels[:1]):
            said = graph.run({"photos": some})
            assert np.abs(said - model._draw(some).numpy()).max() < 1e-4
        with pytest.raises(ValueError, match=f"got one of {model.task}"):
            zoo_runtime.load(path)
        return
    alone: Any = zoo_runtime.load(path)
    if model.domain == "collab":
        users, items = trained.plain
        assert np.abs(alone.predict(users, items) - model.predict(users, items)).max() < 1e-4
        assert alone.predict(users[0], items[0]) == pytest.approx(model.predict(users[0], items[0]))
        return
    (inputs,) = trained.plain
    expected, said = model.predict([*inputs]), alone.predict([*inputs])
    if model.domain == "tabular":
        assert said == expected.tolist()
        expected = list(model.probabilities(inputs).to_dict("index").values())
        said = alone.probabilities(inputs)
        assert alone.predict(inputs[0]) == model.predict(inputs[0])
    else:
        assert [one.label for one in said] == [one.label for one in expected]
        expected, said = ([one.probabilities for one in each] for each in (expected, said))
        assert alone.predict(inputs[0]).label == model.predict(inputs[0]).label
    assert said == [pytest.approx(one, abs=1e-4) for one in expected]


def embed(trained: Trained, work: Path) -> None:
    items = list(trained.case.items)
    vectors = trained.model.embed(
        [i for _, i in items] if trained.model.domain == "collab" else items
    )
    assert (vectors.dtype, len(vectors)) == (np.float32, len(items))
    assert np.isfinite(vectors).all()


def similar(trained: Trained, work: Path) -> None:
    """An input is its own nearest, where it is searched for among others."""
    model, items = trained.model, list(trained.case.items)
    if model.domain == "collab":
        near = model.similar(items[0][1], 3)
        assert items[0][1] not in list(near.iloc[:, 0])
    else:
        near = model.similar(items[1], 3, among=items)
        own = [*items[1].values()] if model.domain == "tabular" else [items[1]]
        assert near.iloc[0].to_list() == [*own, pytest.approx(1.0)]
    assert near["similarity"].is_monotonic_decreasing


def save(trained: Trained, work: Path) -> None:
    folder = trained.model.save(work / "saved")
    assert type(zoo.load(folder, run=trained.model.run)) is type(trained.model)


def push(trained: Trained, work: Path) -> None:
    files = trained.model.push("someone/model", dry_run=True)
    assert {"config.json", "model.safetensors", "README.md"} <= set(files)


def learner(trained: Trained, work: Path) -> None:
    """A model that is loaded again trains for another epoch, and the first one stays as it is."""
    loaded = zoo.load(trained.model.save(work / "saved"), run=trained.model.run)
    learn = loaded.learner()
    require_sentence(lambda: learn.fit(1, trained.rate), "the learner of a loaded model")
    learn.set_data(trained.model.learner().data)
    before = [parameter.clone() for parameter in learn.model.parameters()]
    learn.fit(1, trained.rate)
    pairs = zip(before, learn.model.parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in pairs)
    further = learn.as_model()
    assert len(further.history.rows) == 1
    assert trained.case.one(trained.case.items[0]) is not None
    assert further.metrics.keys() == trained.model.metrics.keys()
    assert further.metrics == pytest.approx(further.evaluate()), "of the weights as they are now"


TRIALS: dict[str, Callable[[Trained, Path], None]] = {
    "predict": predict,
    "records": records,
    "evaluate": evaluate,
    "explain": explain,
    "embed": embed,
    "similar": similar,
    "export": export,
    "save": save,
    "push": push,
    "learner": learner,
    "interface": interface,
}


def refused(capability: str, trained: Trained, work: Path) -> None:
    """A call of what the model cannot do ends in a sentence that names the model."""
    model, path = trained.model, work / "model.onnx"
    calls: dict[str, Callable[[], object]] = {
        "explain": lambda: model.explain(trained.case.items[0]),
        "embed": lambda: model.embed(trained.case.items),
        "similar": lambda: model.similar(trained.case.items[0]),
        "export": lambda: model.export(path),
        "learner": lambda: model.learner(),
    }
    one = capability not in REFUSED_BY_ENSEMBLES
    name = type(model).__name__ if one else f"an ensemble of {len(model.members)}"
    require_sentence(calls[capability], name)
    assert not path.exists()
