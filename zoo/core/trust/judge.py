"""From a verb's call to its model: train, judge on rows held out, blend, train on all rows.

    learn = make()         the domain's learner, a part of the rows held out; or one for each fold
    recipe(learn, ())      the domain's way to train it
    contest_of(...)        its rivals learn from the same rows; all are scored on the others
    learn = make(no part)  the network and the partners of the blend, on all rows (`refit`)

A run with a folder keeps what was measured in hidden folders inside it, so that a call which was
broken off, or is repeated, does not train again what was finished.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

from zoo.core.messages import each_once
from zoo.core.model import AnyModel
from zoo.core.options import OptionTable
from zoo.core.run import Run, rank_and_world
from zoo.core.training.learner import Learner
from zoo.core.training.tracking import tracking_of
from zoo.core.trust.budget import load_libraries, require_alone, warn_of_haste
from zoo.core.trust.call import Call, refuse_refit
from zoo.core.trust.gauge import Gauge
from zoo.core.trust.options import JUDGED, REPEATED
from zoo.core.trust.trial import Difficulty, Recipe, Rivals
from zoo.core.trust.verdict import verdict

JUDGEMENT: Final = ".judged.json"  # how a call with a folder is judged
WAYS: Final = {"valid_fraction", "time", "split"}  # to hold out a part that a call has stated


def train_and_judge(
    learner: Callable[..., Learner[Any, AnyModel]],
    recipe: Recipe,
    table: OptionTable[Any],
    options: Mapping[str, Any],
    *,
    rivals: Rivals | None = None,
    refits: bool = False,
    few: int = 0,
    unscored: dict[str, float] | None = None,
    gauge: Gauge | None = None,
    difficulty: Difficulty | None = None,
) -> AnyModel:
    """The model of a verb's call, with scores on rows that it has not seen.

    Args:
        learner: makes the learner; it takes the options as keywords.
        recipe: trains it.
        table: options of the verb, those of `zoo.core.trust.options.Judged` among them.
        options: the call's own.
        rivals: those of the domain; None if it has none.
        refits: whether the domain trains on all rows in the end unless the call says otherwise.
        few: examples up to which folds are held out by default: of so few, one part tells little.
        unscored: metrics of a model that is not validated; None leaves it without any.
        gauge: what measures how strange rows are; None if the domain has none.
        difficulty: what says how hard rows are to predict; None if the domain does not.

    Raises:
        ValueError: folds and a stated part contradict each other.
    """
    own = {k: value for k, value in options.items() if k not in JUDGED and k != "track"}
    settings = table.complete(options)
    _require_one_way(settings)
    _require_same_judgement(settings)
    tracking, make = tracking_of(settings), partial(learner, **own)
    time = settings["run"] and settings["run"].budget
    if time is not None:
        require_alone()
        load_libraries()
    call = Call(make, recipe, settings, rivals, refits, unscored, gauge, difficulty, tracking)
    with tracking.finishing() if tracking else nullcontext(), each_once():
        call = call.in_folds(few if not own.keys() & WAYS else 0)
        if call.is_apart:
            call.require_room()
            call.require_drawn()
            _keep_judgement(settings)
        trials = call.trials()
        _keep_judgement(settings)  # now the folder of any run is there
        model: AnyModel = call.model(trials)
        if tracking is not None:
            tracking.finish(model)
    call.say(verdict(model))
    warn_of_haste(time, settings["minutes"])
    return model


def _require_same_judgement(settings: Mapping[str, Any]) -> None:
    """Refuse to resume a call that was judged in another way.

    Raises:
        ValueError: folds, refit or rivals are others.
    """
    run = settings["run"] or Run()
    if run.out is None or rank_and_world()[0] != 0:
        return
    path, own = Path(run.out) / JUDGEMENT, {name: settings.get(name) for name in REPEATED}
    if run.resume and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        if other := [name for name in own if before.get(name) != own[name]]:
            raise ValueError(
                f"resuming must repeat the same call, got {other[0]}={own[other[0]]!r} where it "
                f"was {before.get(other[0])!r}. Give the same settings, or another folder."
            )


def _keep_judgement(settings: Mapping[str, Any]) -> None:
    """Keep in the folder of a run how its call is judged, for a call that is repeated."""
    run = settings["run"] or Run()
    if run.out is not None and rank_and_world()[0] == 0:
        own = {name: settings.get(name) for name in REPEATED}
        Path(run.out).mkdir(parents=True, exist_ok=True)
        (Path(run.out) / JUDGEMENT).write_text(json.dumps(own), encoding="utf-8")


def _require_one_way(settings: Mapping[str, Any]) -> None:
    """Refuse folds beside a part that is stated."""
    stated = [name for name in ("valid", "fold") if settings.get(name) is not None]
    if settings["folds"] is not None and stated:
        raise ValueError(
            f"folds must be drawn from all the data, got folds={settings['folds']} and "
            f"{stated[0]}=... Keep one of them."
        )
    if settings["refit"] and stated:
        refuse_refit(f"{stated[0]}=...")
