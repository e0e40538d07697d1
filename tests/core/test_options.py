"""Options: stated once in a table, checked, shown by help, and passed by a shell."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypedDict, Unpack

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import zoo
from zoo.cli.training import settings_of, takes
from zoo.core.arguments import (
    is_model,
    require_data,
    require_kind,
    require_one_start,
    require_order,
    require_own_model,
)
from zoo.core.options import Option, OptionTable
from zoo.core.training.options import Epochs, LabelSmoothing, TrainingOptions
from zoo.core.verbs import verb


class Options(TrainingOptions, LabelSmoothing, total=False):
    size: Annotated[int | None, Option(low=8, help="Side of the input in pixels.", record=True)]
    columns: Annotated[tuple[str, str] | None, Option(help="Names of two columns.")]
    layers: Annotated[Sequence[int], Option(low=1, default=(64,), help="Widths.")]
    mode: Annotated[Literal["fast", "exact"], Option(default="fast", help="Kind of search.")]
    strict: Annotated[bool, Option(default=False, help="Refuse what is unclear.")]
    dropout: Annotated[float | None, Option(above=0, high=1, cli=False, help="Probability.")]
    margin: Annotated[float, Option(default=0.5, needs="strict", help="Allowed share.")]


OPTIONS = OptionTable(Options, batch_size=16)


@verb(OPTIONS)
def train(data: Any, *, epochs: Epochs = 4, **options: Unpack[Options]) -> dict[str, Any]:
    """Train on data.

    Args:
        data: anything.
        epochs: number of passes.
        **options: see `Options`.

    Returns:
        All that it was called with.
    """
    return {"data": data, "epochs": epochs, **OPTIONS.complete(options)}


def test_options_that_are_not_given_have_their_defaults() -> None:
    done = train("a.csv")
    assert (done["batch_size"], done["valid_fraction"], done["epochs"]) == (16, 0.2, 4)
    assert (done["layers"], done["size"], done["callbacks"]) == ((64,), None, ())


def test_a_default_of_none_lets_none_be_passed() -> None:
    table = OptionTable(Options, batch_size=None)
    assert table.settings["batch_size"].type == int | None


def test_the_default_of_one_table_leaves_the_others_alone() -> None:
    assert OptionTable(Options).settings["batch_size"].option.default is None


def test_numbers_of_numpy_and_whole_floats_become_pythons() -> None:
    done: dict[str, Any] = train(
        1,
        epochs=np.int64(3),  # type: ignore[arg-type]
        size=64.0,  # type: ignore[arg-type]
        layers=np.array([3, 4]),  # type: ignore[arg-type]
        clip=np.float32(0.5),  # type: ignore[arg-type]
        strict=np.bool_(True),  # type: ignore[arg-type]
        columns=["a", "b"],  # type: ignore[arg-type]
    )
    taken = {name: done[name] for name in ("epochs", "size", "layers", "clip", "strict", "columns")}
    assert taken == {
        "epochs": 3, "size": 64, "layers": [3, 4], "clip": 0.5, "strict": True,
        "columns": ("a", "b"),
    }  # fmt: skip
    kinds = [type(done[name]) for name in ("epochs", "size", "clip", "strict")]
    assert kinds == [int, int, float, bool]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 4}, r"size must be a whole number, 8 or more, or None, got size=4\."),
        ({"size": 8.5}, r"got size=8\.5"),
        ({"size": True}, "got size=True"),
        ({"epochs": -1}, r"epochs must be a whole number, 0 or more, got epochs=-1\. Try epochs=4"),
        ({"epochs": None}, "got epochs=None"),
        ({"valid_fraction": float("nan")}, "from 0 to 0.999, got valid_fraction=nan"),
        ({"dropout": 0}, "above 0 and up to 1, or None, got dropout=0"),
        ({"dropout": 1.5}, r"got dropout=1\.5"),
        ({"mode": "slow"}, "one of 'fast', 'exact', got mode='slow'. Try mode='fast'"),
        ({"layers": [0]}, r"each a whole number, 1 or more, got layers=\[0\]"),
        ({"layers": "64"}, "got layers='64'"),
        ({"columns": ("a",)}, r"a list of 2, each text, or None, got columns=\('a',\)"),
        ({"strict": "yes"}, "strict must be True or False, got strict='yes'"),
        ({"optimizer": "adam"}, "'adamw', 'sgd' or a function, got optimizer='adam'"),
        ({"size": 4, "batch_size": 0}, r"got size=4 \(.*\); batch_size=0 \(a whole number, 1 or"),
    ],
)
def test_values_out_of_range_are_refused_all_at_once(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train("a.csv", **wrong)


@pytest.mark.parametrize(
    ("name", "nearest"), [("epoch", "epochs"), ("batchsize", "batch_size"), ("Size", "size")]
)
def test_an_unknown_option_is_answered_with_the_nearest_of_the_verb(
    name: str, nearest: str
) -> None:
    wrong: dict[str, Any] = {name: 3}
    with pytest.raises(TypeError, match=rf"train\(\).*got '{name}'\. Did you mean '{nearest}'\?"):
        train("a.csv", **wrong)


def test_values_by_position_are_answered_with_a_call_by_name() -> None:
    wrong: Any = train
    with pytest.raises(TypeError, match=r"got 2 values\. Call train\(data, epochs=\.\.\.\)"):
        wrong("resnet18", "a.csv")


def test_circumstances_are_a_run() -> None:
    wrong: Any = {"run": {"out": "x"}}
    with pytest.raises(TypeError, match=r"run must be a zoo\.Run, got a dict"):
        train("a.csv", **wrong)


def test_a_pretrained_model_keeps_its_architecture() -> None:
    require_own_model("mlp", "mlp", "tabm")
    require_own_model("tabm", "mlp", "tabm")
    with pytest.raises(ValueError, match=r"got model='tabm' for one of 'mlp'\. Leave model out"):
        require_own_model("tabm", "mlp", "mlp")


def test_a_model_of_another_kind_is_refused() -> None:
    require_kind(3, int, "a number")
    with pytest.raises(TypeError, match=r"pretrained must be a number, .* got a str"):
        require_kind("3", int, "a number")


def test_help_shows_every_option_with_its_range_and_default() -> None:
    signature = inspect.signature(train)
    assert list(signature.parameters)[:3] == ["data", "epochs", "size"]
    assert signature.parameters["batch_size"].default == 16
    assert signature.parameters["size"].annotation == int | None
    assert signature.parameters["epochs"].annotation is int
    text = train.__doc__ or ""
    assert "**options" not in text
    assert "        size: Side of the input in pixels (8 or more)." in text
    assert "batch_size: Examples per step (1 or more, default 16)." in text
    assert "\n\n    Returns:\n        All that it was called with.\n" in text


def test_the_card_tells_what_its_table_marks() -> None:
    given: Options = {"size": 64, "clip": 1.0}
    assert OPTIONS.record(OPTIONS.complete(given)) == {
        "valid_fraction": 0.2, "batch_size": 16, "label_smoothing": 0.0, "size": 64,
    }  # fmt: skip


def test_an_option_without_what_it_needs_is_refused_unless_it_says_the_default() -> None:
    with pytest.raises(ValueError, match=r"^margin must come with strict, got margin=0\.2 without"):
        train("a.csv", margin=0.2)
    assert train("a.csv", margin=0.5)["margin"] == 0.5
    assert train("a.csv", margin=0.2, strict=True)["margin"] == 0.2
    OPTIONS.require_used({"label_smoothing": 0.1}, {"classes": True})
    with pytest.raises(
        ValueError, match=r"with classes, got label_smoothing=0\.1 without\. Leave it"
    ):
        OPTIONS.require_used({"label_smoothing": 0.1}, {"classes": False})
    assert "margin: Allowed share (default 0.5, only with strict)." in (train.__doc__ or "")


def test_a_share_in_the_place_of_validation_data_is_answered_with_its_name() -> None:
    with pytest.raises(ValueError, match=r"got valid=0\.3\. .* is valid_fraction=0\.3\.$"):
        train("a.csv", valid=0.3)
    assert train("a.csv", valid=True)["valid"] is True  # the domains say what is wrong with it
    with pytest.raises(ValueError, match=r"got valid=5\. .* is valid_fraction=0\.2\.$"):
        train("a.csv", valid=5)


def test_an_architecture_in_the_place_of_the_data_is_answered_with_the_right_call() -> None:
    with pytest.raises(ValueError, match=r"'dot_bias'\. Call train\(data, model='dot_bias'\)\."):
        zoo.collab.train("dot_bias", model=pd.DataFrame({"user": [1, 2]}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"got size=a DataFrame\. Leave it out\.") as caught:
        train("a.csv", size=pd.DataFrame({"user": [1, 2]}))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_field_without_an_option_is_a_mistake_of_ours() -> None:
    class Wrong(TypedDict, total=False):
        size: int

    with pytest.raises(TypeError, match="size must be annotated with an Option"):
        OptionTable(Wrong)


def test_a_shell_passes_what_it_gives_and_no_more() -> None:
    app = typer.Typer()

    @app.command()
    @takes(OPTIONS)
    def command(data: str, **options: Any) -> None:
        settings = settings_of(options)
        run = settings.pop("run")
        typer.echo(json.dumps({"data": data, "seed": run.seed, **settings}))

    words = "a.csv --size 64 --columns a b --layers 3 --layers 4 --strict --seed 5 --mode exact"
    done = CliRunner().invoke(app, words.split())
    assert json.loads(done.output) == {
        "data": "a.csv", "seed": 5, "size": 64, "columns": ["a", "b"], "layers": [3, 4],
        "strict": True, "mode": "exact",
    }  # fmt: skip
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
    assert "Side of the input in pixels (8 or more)." in shown
    assert "--dropout" not in shown
    assert "--callbacks" not in shown


def test_a_model_where_data_belong_is_answered_with_the_right_call(tmp_path) -> None:
    saved = tmp_path / "pets"
    saved.mkdir()
    (saved / "config.json").write_text("{}")
    names = {"resnet18"}
    with pytest.raises(ValueError, match=r"Call zoo\.vision\.finetune\('resnet18', 'photos'\)\."):
        require_order(
            "zoo.vision.finetune", "photos", "resnet18", names_model=lambda v: is_model(v, names)
        )
    with pytest.raises(ValueError, match=r"got the model '.*pets'\. Call zoo\.vision\.train\(data"):
        require_data("zoo.vision.train", saved, names_model=is_model)
    require_order("zoo.vision.finetune", saved, "photos", names_model=is_model)
    require_data("zoo.vision.train", "photos", names_model=is_model)


@pytest.mark.parametrize(("start", "got"), [((None, None), "neither"), (("a", "b"), "both")])
def test_random_weights_are_never_a_default(start: tuple[Any, Any], got: str) -> None:
    with pytest.raises(ValueError, match=f"exactly one of pretrained= .* got {got}"):
        require_one_start("zoo.text.learner", *start, example="learner(data, pretrained=...)")
