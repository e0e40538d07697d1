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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from torch import nn

from zoo.core import budget
from zoo.core.artifacts.artifact import require_replaceable
from zoo.core.batches import Data
from zoo.core.messages import each_once, warn
from zoo.core.model import AnyModel, finished
from zoo.core.options import OptionTable
from zoo.core.run import Run, rank_and_world
from zoo.core.task import rescaled
from zoo.core.training.learner import Learner
from zoo.core.training.tracking import ALL_ROWS as ALL_ROWS_STAGE
from zoo.core.training.tracking import FOLD as FOLD_STAGE
from zoo.core.training.tracking import Tracking, tracking_of
from zoo.core.trust.blend import Blend
from zoo.core.trust.budget import (
    OF_TRIAL,
    has_time,
    hold_out_in_time,
    load_libraries,
    require_alone,
    warn_of_haste,
)
from zoo.core.trust.contest import Contest
from zoo.core.trust.folds import Fold
from zoo.core.trust.gauge import Gauge
from zoo.core.trust.options import JUDGED, REPEATED
from zoo.core.trust.rivals import allowed
from zoo.core.trust.trial import Difficulty, Recipe, Rivals, Trial, joined, over_folds, trial_of
from zoo.core.trust.verdict import verdict

JUDGEMENT: Final = ".judged.json"  # how a call with a folder is judged
MEASURED: Final = ".measured"  # folder of what was scored before all rows are trained on
FOLD: Final = ".fold-"  # what the name of a fold's folder begins with
ALL_ROWS: Final = "before it was trained on all rows"
FOLDS: Final = 5  # of few examples
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
    call = _Call(make, recipe, settings, rivals, refits, unscored, gauge, difficulty, tracking)
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


@dataclass(frozen=True)
class _Call:
    """One call of a verb, see `train_and_judge`."""

    make: Callable[..., Learner[Any, Any]]
    recipe: Recipe
    settings: Mapping[str, Any]
    rivals: Rivals | None
    refits: bool
    unscored: dict[str, float] | None = None
    gauge: Gauge | None = None
    difficulty: Difficulty | None = None
    tracking: Tracking | None = None

    @property
    def run(self) -> Run:
        """The circumstances."""
        return self.settings["run"] or Run()

    @property
    def keeps_members(self) -> bool:
        """Whether the networks of all folds become one model."""
        return self.settings["folds"] is not None and self.settings["refit"] is False

    @property
    def is_apart(self) -> bool:
        """Whether what is measured is not yet the model, which is made of all rows afterwards."""
        own, refit = self.settings, self.settings["refit"]
        if own["folds"] is not None:
            return True
        is_drawn = own["valid"] is None and own.get("fold") is None and own["valid_fraction"] > 0
        return is_drawn and (self.refits and not own["callbacks"] if refit is None else refit)

    def in_folds(self, few: int) -> _Call:
        """The same call, judged in folds if it has at most so many examples and states no way."""
        if not few or not self.is_apart or self.settings["folds"] is not None:
            return self
        data = self._data()
        n = len(data.train) + len(data.valid or ())  # type: ignore[arg-type]
        if not 2 * FOLDS <= n <= few:
            return self
        try:
            self._data(fold=Fold(0, FOLDS))
        except ValueError:  # too few examples of most classes: a part is held out, if any
            return self
        return replace(self, settings={**self.settings, "folds": FOLDS})

    def model(self, trials: list[Trial]) -> Any:
        """The model of what was measured, trained on all rows if the call does that."""
        last = trials[-1]
        if self.is_apart and not last.learn.interrupted:
            if self.keeps_members:
                return self.members(trials)
            if self._has_time(trials, folds=0):
                return self.on_all_rows(trials)
            trials = [last]
        is_whole = len(trials) == 1 and not last.learn.interrupted
        record = self.record(trials) if is_whole else {}
        model = self._ended(last.learn, record, unscored=self.unscored)
        if self.is_apart and self.run.out is not None and rank_and_world()[0] == 0:
            model.write(self.run.out, {})  # Ctrl-C: where the user looks for what was learnt
        return model

    def require_room(self) -> None:
        """Refuse, before hours of training, a folder that the model cannot be written to."""
        if self.run.out is not None and not self.run.resume:
            require_replaceable(Path(self.run.out))

    def require_drawn(self) -> None:
        """Refuse to train twice on the same rows: a part that the data state is held out again.

        Raises:
            ValueError: `refit` is given, and the data set a validation part apart.
        """
        stays = self.settings["refit"] and self.settings["folds"] is None
        if stays and self._data(valid_fraction=0.0).valid is not None:
            way_out = "Leave refit out, or move all examples into one part."
            _refuse_refit("data that set a validation part apart", way_out)

    def trials(self) -> list[Trial]:
        """What is measured: one learner, or one for each fold until Ctrl-C."""
        if not self.is_apart:
            return [self._trial("")]
        n = self.settings["folds"]
        if n is None:
            return [self._trial("", run=self._apart(MEASURED))]
        done: list[Trial] = []
        while len(done) < n and not (done and done[-1].learn.interrupted):
            i = len(done)
            if done and not self._has_time(done, folds=1):
                break
            self.say(f"fold {i + 1} of {n}")
            folder, stage = self._apart(f"{FOLD}{i + 1}"), FOLD_STAGE.format(i + 1)
            done.append(self._trial(stage, run=folder, fold=Fold(i, n)))
        return done

    def members(self, trials: list[Trial]) -> Any:
        """The networks of all folds as one model, if they agree on what inputs mean."""
        first, *others = (trial.learn for trial in trials)
        if any(learn.data.spec != first.data.spec for learn in others):
            warn(
                "networks of folds must know the same of the data to be one model, got other "
                "vocabularies or statistics in each. A network is trained on all rows instead."
            )
            return self.on_all_rows(trials)
        whole = self.make(run=self.run, valid_fraction=0.0)
        record = self.record(trials, whole)
        record |= {"history": first.history, "seen_rows": whole.as_model().seen_rows}
        record["networks"] = [trial.learn.model for trial in trials]
        return self._ended(first, record, saved_by=whole)

    def on_all_rows(self, trials: list[Trial]) -> Any:
        """The model that is trained on all rows, with the scores of those before it.

        If Ctrl-C ends this training, a measured model is returned in its place: the only one, or
        the network of the last fold, with its scores.
        """
        learn = self._tracked(ALL_ROWS_STAGE)(run=self.run, valid_fraction=0.0)
        self.say("all rows")
        contest = trials[-1].contest
        again = sum(contest.seconds[name] for name in contest.partners) if contest else 0.0
        with learn.time(keep=again):
            self.recipe(learn, [trial.learn for trial in trials])
        if learn.interrupted:
            last = trials[-1]
            kept: dict[str, Any] = {"metrics": last.metrics}
            record = self.record(trials) if len(trials) == 1 else kept
            record |= {"training": {"interrupted": ALL_ROWS}}
            return self._ended(last.learn, record, saved_by=learn)
        record = self.record(trials, learn)
        record["training"] = record.get("training", {}) | {"scored": ALL_ROWS}
        if len(trials) == 1:
            record["history"] = trials[0].learn.history
        return self._ended(learn, record)

    def record(self, trials: list[Trial], whole: Learner[Any, Any] | None = None) -> dict[str, Any]:
        """What the trials say of the model: scores, rivals, a blend, predictions out of fold.

        Args:
            trials: one, or those of all folds.
            whole: the learner on all rows, whose data the partners of a blend learn from too.
        """
        record: dict[str, Any] = self._familiar(trials, whole)
        contests = [trial.contest for trial in trials if trial.contest is not None]
        contest = joined(contests) if contests else None
        if self.settings["folds"] is not None:
            record |= over_folds(trials, contest)
            if len(trials) < self.settings["folds"]:  # there was no time for the others
                record.pop("out_of_fold", None)
                record["spread"] = record["spread"] if len(trials) > 1 else {}
        elif contest is not None and contest.mixture:
            record["metrics"] = contest.metrics(contest.returned)
        elif whole is not None or trials[0].metrics:
            record["metrics"] = trials[0].metrics
        if contest is None:
            return record
        record["errors"] = contest.errors((whole or trials[0].learn).task)
        if contest.mixture:
            partners = self._partners(trials[0], contest, whole)
            shares, temperature = contest.shares.values(), contest.mixture.temperature
            record["blend"] = Blend(partners, tuple(shares), temperature)
        if len(contest.predictions) == 1:
            return record
        record["rivals"], better = contest.standings(), contest.better()
        if better:
            record["training"] = {"rivals": better}
        self._show(record["rivals"], better)
        return record

    def _familiar(self, trials: list[Trial], whole: Learner[Any, Any] | None) -> dict[str, Any]:
        """What the model knows of ordinary inputs; nothing where its networks are several."""
        measured = [one.measured for one in trials if one.measured is not None]
        if self.gauge is None or not measured or (self.keeps_members and self.gauge.of_network):
            return {}
        return {"familiar": self.gauge.familiar(measured, whole)}

    def _data(self, **options: Any) -> Data[Any]:
        """The data of the call, looked at before anything is trained or written."""
        data: Data[Any] = self.make(run=replace(self.run, out=None, resume=False), **options).data
        return data

    def _tracked(self, stage: str) -> Callable[..., Learner[Any, Any]]:
        """What makes a learner, whose epochs are told to the tracker if there is one."""
        if self.tracking is None:
            return self.make
        return partial(self.make, callbacks=[*self.settings["callbacks"], self.tracking.at(stage)])

    def _ended(
        self,
        learn: Learner[Any, Any],
        record: dict[str, Any],
        *,
        saved_by: Learner[Any, Any] | None = None,
        unscored: dict[str, float] | None = None,
    ) -> Any:
        """The model of a learner, whose record tells what there was no time for."""
        time = self.run.budget
        if time is not None and time.book.notes:
            haste = {"minutes": self.settings["minutes"], "left out": "; ".join(time.book.notes)}
            record["training"] = record.get("training", {}) | haste
        for one in filter(None, (learn, saved_by)):
            one.budget = None
        return _finished(learn, record, saved_by, unscored)

    def _has_time(self, trials: list[Trial], *, folds: int) -> bool:
        """Whether there is time to hold out so many further folds, and to train on all rows."""
        time, n, last = self.run.budget, self.settings["folds"], trials[-1]
        if time is None:
            return True
        rest = 1 - (1 / n if n else self.settings["valid_fraction"])
        whole = 0.0 if self.keeps_members else OF_TRIAL * last.seconds / rest
        enough = not last.learn.shortened and has_time(time, folds * last.seconds + whole)
        if not enough and folds:
            time.say(f"{len(trials)} of {n} folds were held out")
        elif not enough:
            time.say("the model is the one that was scored, not trained on all rows")
        return enough

    def _trial(self, stage: str, **options: Any) -> Trial:
        """Make a learner, train it and compare it with its rivals."""
        began, learn = budget.clock(), self._tracked(stage)(**options)
        hold_out_in_time(learn)
        rivals = self.rivals if self.rivals and self.settings["rivals"] else None
        how: dict[str, Any] = {
            "apart": self.is_apart,
            "in_folds": self.settings["folds"] is not None,
            "everything": self.settings.get("rivals") == "all",
            "unscored": self.unscored,
            "gauge": self.gauge,
            "difficulty": self.difficulty,
        }
        trial = trial_of(learn, self.recipe, rivals, **how)
        lasted = budget.clock() - began
        trial.seconds = max(lasted, sum(row["seconds"] for row in learn.history.rows))
        return trial

    def _partners(
        self, trial: Trial, contest: Contest, whole: Learner[Any, Any] | None
    ) -> tuple[nn.Module, ...]:
        """The partners of the blend, fitted on what the returned network has learnt from."""
        if whole is None:
            return tuple(trial.partners[name] for name in contest.shares)
        by_name = {one.name: one for one in (self.rivals(whole) if self.rivals else ())}
        seconds = allowed(sum(contest.seconds.values()))
        if whole.budget is not None:
            seconds = min(seconds, max(whole.budget.left, 0.0))
        return tuple(by_name[name].fit(whole.data, seconds).eval() for name in contest.shares)

    def _apart(self, folder: str) -> Run:
        """The run of a trial, in a hidden folder of the call's own."""
        run = self.run
        return run if run.out is None else replace(run, out=Path(run.out) / folder)

    def say(self, line: str) -> None:
        """Print a line beside the tables of the trainings."""
        from zoo.core.training.display import say_line  # slow to import

        say_line(self.run.progress, line)

    def _show(self, standings: list[dict[str, Any]], better: str) -> None:
        """Print the table of rivals, and who is better."""
        from zoo.core.training.display import say_table  # slow to import

        if rank_and_world()[0] == 0:
            say_table(self.run.progress, standings)
        if better:
            warn(better)


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
        _refuse_refit(f"{stated[0]}=...")


def _refuse_refit(other: str, way_out: str = "Keep one of them.") -> NoReturn:
    """Refuse to train on all rows where the held-out part is stated."""
    raise ValueError(
        "all rows can be trained on if the held-out part is drawn from them, got refit=True and "
        f"{other}. {way_out}"
    )


def _finished(
    learn: Learner[Any, Any],
    record: dict[str, Any],
    saved_by: Learner[Any, Any] | None,
    unscored: dict[str, float] | None,
) -> Any:
    """The model of a learner with its record, and its predictions out of fold as a table."""
    out_of_fold = record.pop("out_of_fold", None)
    model = finished(learn, unscored, record, saved_by)
    if out_of_fold is not None:
        predictions, names, task = out_of_fold
        model.out_of_fold = model.answers(rescaled(predictions, task, learn.task), names)
    return model
