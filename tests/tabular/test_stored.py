from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.harm import (
    Attacks,
    changed,
    config,
    harmed,
    pickled,
    refused_quickly,
    saved_by_torch,
    truncated,
    without,
)
from zoo.tabular.spec import Spec
from zoo.tabular.stored import load

MANY = [str(i) for i in range(100_000)]
ATTACKS: Attacks = {
    "another model": (changed(model__name="forest"), "name='forest'"),
    "a name that is none": (changed(model__name=["mlp"]), r"name=\['mlp'\]"),
    "no name": (without("model", "name"), "name=None"),
    "no arguments": (without("model", "args"), "rows is missing"),
    "arguments of another kind": (changed(model__args=[1]), "rows is missing"),
    "an unknown argument": (changed(model__args__path="/etc/passwd"), "'path' is unknown"),
    "a huge layer": (changed(model__args__layers=[10**12]), r"layers\[0\]=1000000000000 "),
    "large layers": (changed(model__args__layers=[10**6, 10**6]), "at most 2,147,483,648"),
    "many layers": (changed(model__args__layers=[1] * 10**5), "layers="),
    "no layers": (changed(model__args__layers=[]), r"layers=\[\]"),
    "layers of text": (changed(model__args__layers=["200"]), r"layers\[0\]='200' "),
    "wide layers": (changed(model__args__layers=[20000, 100]), "that do not"),
    "huge embeddings": (changed(model__args__sizes=[10**9] * 3), "at most 2,147,483,648"),
    "wide embeddings": (changed(model__args__sizes=[10**5] * 3), "'embeddings.weight'"),
    "few embeddings": (changed(model__args__sizes=[3]), "sizes"),
    "huge bins": (changed(model__args__bins=10**9), "at most 2,147,483,648"),
    "other bins": (changed(model__args__bins=7), r"'numbers.weight' \(2, 49, 8\)"),
    "no bins": (changed(model__args__bins=0), "that do not"),
    "negative bins": (changed(model__args__bins=-1), "bins=-1"),
    "many members": (changed(model__args__members=10**9), "at most 2,147,483,648"),
    "members that share and do not": (changed(model__args__k=4), "'members': 4"),
    "fewer members": (changed(model__args__members=2), "that do not"),
    "a truth for a number": (changed(model__args__k=True), "k=True"),
    "dropout": (changed(model__args__dropout=7), "dropout=7"),
    "join": (changed(model__args__join="late"), "'late'"),
    "y_range": (changed(model__args__y_range=[[0]]), "y_range"),
    "a range that falls": (changed(model__args__y_range=[[1, 0], [0, 1]]), "y_range"),
    "n_out": (changed(model__args__n_out=3), "n_out=3 is not the spec's 2"),
    "rows": (changed(model__args__rows=[4, 9, 9]), r"rows=\[4, 9, 9\] is not the spec's"),
    "another class": (changed(spec__targets__0__classes=["a", "b", "c"]), "n_out=2 is not"),
    "one class": (changed(spec__targets__0__classes=["a"]), r"wrong=\['classes'\]"),
    "a class twice": (
        changed(spec__targets__0__classes=["a", "a"]),
        r"targets\[0\]: values must differ, got \('a', 'a'\)",
    ),
    "classes of lists": (
        changed(spec__targets__0__classes=[["a"], ["b"]]),
        r"targets\[0\]\.classes\[0\]=\['a'\]",
    ),
    "no target": (changed(spec__targets=[]), r"targets=\[\] \(a list, at least 1"),
    "two targets": (
        config(lambda tree: tree["spec"].update(targets=tree["spec"]["targets"] * 2)),
        r"wrong=\['columns named twice', 'classes'\], twice=\['bought'\]",
    ),
    "another task": (changed(task="regression"), "config.task='regression'"),
    "an unknown task": (changed(task="ranking"), "task='ranking'"),
    "another domain": (changed(domain="vision"), "domain='vision'"),
    "a spec's task": (changed(spec__task="ranking"), "got task='ranking'"),
    "log of classes": (changed(spec__log_target=True), r"wrong=\['log_target'\]"),
    "log as text": (changed(spec__log_target="no"), "log_target='no'"),
    "no deviation": (changed(spec__numbers__0__std=0), r"numbers\[0\]\.std=0 "),
    "an infinite mean": (changed(spec__numbers__0__mean=float("inf")), r"numbers\[0\]\.mean=inf"),
    "not a number": (changed(spec__numbers__0__median=float("nan")), r"numbers\[0\]\.median=nan"),
    "a huge mean": (changed(spec__numbers__0__mean=10**400), r"numbers\[0\]\.mean=1000"),
    "a kind": (changed(spec__numbers__0__kind="date"), r"numbers\[0\]\.kind='date'"),
    "gaps as text": (changed(spec__numbers__0__gaps="no"), r"numbers\[0\]\.gaps='no'"),
    "more gaps": (changed(spec__numbers__0__gaps=True), "rows="),
    "a field too many": (changed(spec__numbers__0__more=1), r"numbers\[0\]\.'more' is unknown"),
    "a field too few": (without("spec", "numbers", 0, "std"), r"numbers\[0\]\.std is missing"),
    "numbers of text": (changed(spec__numbers="age"), r"numbers='age' \(a list"),
    "a name of a list": (
        changed(spec__categories__0__name=["colour"]),
        r"categories\[0\]\.name=\['colour'\]",
    ),
    "a value of a list": (
        changed(spec__categories__0__values=[["red"]]),
        r"categories\[0\]\.values\[0\]=\['red'\]",
    ),
    "a value twice": (
        changed(spec__categories__0__values=["a", "a"]),
        r"categories\[0\]: values must differ",
    ),
    "a huge value": (
        changed(spec__categories__0__values=[10**400]),
        r"categories\[0\]\.values\[0\]=1000",
    ),
    "many values": (changed(spec__categories__0__values=MANY), r"wrong=\['distributions'\]"),
    "a column twice": (changed(spec__categories__0__name="store"), r"twice=\['store'\]"),
    "the target as input": (changed(spec__categories__0__name="bought"), r"twice=\['bought'\]"),
    "left out": (changed(spec__left_out="x"), r"left_out='x' \(a list"),
    "a missing field": (without("spec", "numbers"), "got numbers is missing"),
    "no spec": (without("spec"), "got spec is missing"),
    "another format": (changed(format=99), "format=99"),
    "members elsewhere": (changed(members=["/etc/passwd"]), r"got \['/etc/passwd'\]"),
    "a missing member": (changed(members=["model-2.safetensors"]), "model-2.safetensors"),
    "a pickle": (pickled, "'model.safetensors', which is not"),
    "a file of torch": (saved_by_torch, "'model.safetensors', which is not"),
    "half a file": (truncated, "'model.safetensors', which is not"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_harmful_artifact_is_refused_quickly_and_nothing_runs(
    attack: str, directory: Path, tmp_path: Path
) -> None:
    harm, said = ATTACKS[attack]
    folder = harmed(directory, tmp_path / "model", harm)
    refused_quickly(load, folder, said, seconds=5, megabytes=300)


def test_a_spec_survives_json_exactly(directory: Path) -> None:
    spec = Spec.from_json(json.loads((directory / "config.json").read_text())["spec"])
    assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    mixed = [1, 1.0, True, "1", None, "a"]
    tree = spec.to_json()
    tree["categories"][0]["values"] = mixed
    del tree["distributions"]
    again = Spec.from_json(json.loads(json.dumps(tree)))
    pairs = [(type(value), value) for value in again.categories[0].values]
    assert pairs == [(type(value), value) for value in mixed]


def test_unknown_fields_are_kept(directory: Path, tmp_path: Path) -> None:
    folder = harmed(directory, tmp_path / "model", changed(maker="someone"))
    load(folder).save(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "config.json").read_text())["maker"] == "someone"
