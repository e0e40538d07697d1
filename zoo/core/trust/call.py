"""One call of a verb while it is judged: what it trains, in which order, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from torch import nn

from zoo.core import budget
from zoo.core.artifacts.artifact import require_replaceable
from zoo.core.batches import Data
from zoo.core.messages import warn
from zoo.core.model import finished
from zoo.core.run import Run, rank_and_world
from zoo.core.task import rescaled
from zoo.core.training.learner import Learner
from zoo.core.training.tracking import ALL_ROWS as ALL_ROWS_STAGE
from zoo.core.training.tracking import FOLD as FOLD_STAGE
from zoo.core.training.tracking import Tracking
from zoo.core.trust.blend import Blend
from zoo.core.trust.budget import OF_TRIAL, has_time, hold_out_in_time
from zoo.core.trust.contest import Contest
from zoo.core.trust.folds import Fold
from zoo.core.trust.gauge import Gauge
from zoo.core.trust.rivals import allowed
from zoo.core.trust.trial import Difficulty, Recipe, Rivals, Trial, joined, over_folds, trial_of

MEASURED: Final = ".measured"  # folder of what was scored before all rows are trained on
FOLD: Final = ".fold-"  # what the name of a fold's folder begins with
ALL_ROWS: Final = "before it was trained on all rows"
FOLDS: Final = 5  # of few examples


@dataclass(frozen=True)
class Call:
    """One call of a verb, see `zoo.core.trust.judge.train_and_judge`."""

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

    def in_folds(self, few: int) -> Call:
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
            refuse_refit("data that set a validation part apart", way_out)

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


def refuse_refit(other: str, way_out: str = "Keep one of them.") -> NoReturn:
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
