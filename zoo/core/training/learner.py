"""Learner: a model, its data and a task, with the verbs to train it step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, get_args

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.core.artifacts.own_module import save_module
from zoo.core.batches import NO_VALIDATION, Batches, Data, S, require_same_network
from zoo.core.budget import Budget
from zoo.core.forks import compute_alone_after_fork
from zoo.core.history import History
from zoo.core.memory import keep_freed_blocks
from zoo.core.messages import warn
from zoo.core.run import Run, accelerator, deterministic, rank_and_world, seeded
from zoo.core.task import Task
from zoo.core.threads import is_small, one_thread
from zoo.core.training import optimizers
from zoo.core.training.averaging import Snapshots, members
from zoo.core.training.evaluation import evaluate, predict_batches
from zoo.core.training.fit import Fit, Progress, collect_hooks
from zoo.core.training.fitting import fit_through
from zoo.core.training.groups import (
    Rates,
    freeze_to,
    group_rates,
    layer_groups,
    parameter_groups,
)
from zoo.core.training.lr_finder import LRCurve, lr_find
from zoo.core.training.options import BatchNormMode, OptimizerName
from zoo.core.training.pace import Pace
from zoo.core.training.resume import TrainingState
from zoo.core.training.schedules import (
    Schedule,
    constant,
    one_cycle,
    sgdr,
    sgdr_epochs,
)


class Trainee(Protocol):
    """What a learner asks of the domain's model that it trains."""

    metrics: dict[str, float]

    def evaluate(self) -> dict[str, float]:
        """Loss and metrics on the validation part."""
        ...

    def save(self, directory: Path | str) -> Path:
        """Write the artifact."""
        ...

    def record(self) -> dict[str, Any]:
        """Architecture, arguments, spec and options by name."""
        ...

    def require_storable(self) -> None:
        """Refuse what could not be saved, or not be loaded again."""
        ...


M = TypeVar("M", bound=Trainee)


class Learner(Generic[S, M]):
    """Trains a model; what `zoo.<domain>.learner` hands out.

    Args:
        model: any module; its `layers()`, if it has them, are the layer groups.
        data: training and, perhaps, validation batches, with the spec of their model.
        task: loss, decoding and metrics.
        optimizer: "adamw" (fused; betas .9/.99, eps 1e-5), "sgd" (momentum .9), or a function from
            parameter groups to a torch optimizer.
        weight_decay: decoupled for AdamW; norms, biases and bias tables get none.
        clip: largest norm of the gradient; None leaves it alone.
        accumulate: parts that each batch passes through the model in, to save memory; fewer where
            a part would have a single row, from which batch norms of vectors cannot learn. The step
            equals that on the whole batch, unless batch norms learn: each part is then normalised
            by its own mean and deviation, as a batch of its size is.
        batchnorm: whose running statistics follow the training data: "live" all, "thawed" those
            of layer groups that train, "fixed" those of the head alone. Each of several processes
            normalises its own part of a batch, and the first one's statistics are kept: with live
            batch norms a run of n processes is one of n times smaller batches, not that of a
            single process.
        callbacks: objects as `zoo.core.training.callbacks` describes, for every fit.
        as_model: makes the domain's model of the learner, its networks (one, or snapshots), and
            what else is known of the model, as keywords.
        run: the circumstances.

    Attributes:
        progress: epochs, history, snapshots and finished fits so far.
        interrupted: whether Ctrl-C ended the last fit.
        cut_short: after how many epochs it did, in words; empty otherwise.
        budget: the time that is left to the learner; None if there is enough.
        shortened: whether a fit had no time for all of its steps.
        rates: highest rate of each layer group in the last fit, input first; empty before any.
        state: the file that a killed run continues from.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Data[S],
        task: Task,
        *,
        optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer] = "adamw",
        weight_decay: float = 0.01,
        clip: float | None = None,
        accumulate: int = 1,
        batchnorm: BatchNormMode = "thawed",
        callbacks: Sequence[Any] = (),
        as_model: Callable[..., M] | None = None,
        run: Run | None = None,
    ) -> None:
        _check(accumulate, weight_decay, clip, batchnorm)
        if accumulate > 1 and hasattr(model, "carried"):
            raise ValueError(
                f"a model that carries a hidden state takes whole batches, got {accumulate=}. Use "
                "a smaller batch_size."
            )
        run = run or Run()
        self.run, self.budget = replace(run, budget=None), run.budget
        compute_alone_after_fork()
        self.device = self.run.torch_device()
        if self.run.keep_memory and self.device.type == "cpu":
            keep_freed_blocks()
        bf16_on_cpu = getattr(model, "bf16_on_cpu", False)
        self.dtype = self.run.autocast_dtype(self.device, bf16_on_cpu=bf16_on_cpu)
        self.model = model.to(self.device)
        self.groups = layer_groups(model)
        self.data, self.task, self._as_model = data, task, as_model
        self.optimizer, self.weight_decay, self.clip = optimizer, weight_decay, clip
        self.accumulate, self.batchnorm = accumulate, batchnorm
        self._parts = accumulate  # or more, where memory did not hold these
        self.callbacks = list(callbacks)
        collect_hooks(self.callbacks)
        self.progress = Progress()
        self.interrupted, self.cut_short, self.shortened = False, "", False
        self.rates: list[float] = []
        self.state = TrainingState(self.run)

    def __repr__(self) -> str:
        name, n = getattr(self.model, "name", type(self.model).__name__), len(self.groups)
        frozen = sum(not any(p.requires_grad for p in group.parameters()) for group in self.groups)
        return f"<Learner of {name:.40}; {n} layer groups, {frozen} frozen; {self.epoch} epochs>"

    @property
    def history(self) -> History:
        """The record of all fits."""
        return self.progress.history

    @property
    def epoch(self) -> int:
        """Epochs over the learner's life; a second fit does not replay the first."""
        return self.progress.epoch

    @property
    def snapshots(self) -> list[dict[str, Tensor]]:
        """Weights at the ends of SGDR cycles."""
        return self.progress.snapshots

    # ---- what trains --------------------------------------------------------------------------

    def freeze(self) -> None:
        """Train the head alone."""
        self.freeze_to(-1)

    def unfreeze(self) -> None:
        """Train every layer group."""
        self.freeze_to(0)

    def freeze_to(self, n: int) -> None:
        """Freeze the first n layer groups; n < 0 counts from the head.

        Raises:
            ValueError: nothing would be left to train.
        """
        freeze_to(self.groups, n)

    def set_data(self, data: Data[S]) -> None:
        """Go on with other data, for example the same photos at a larger size.

        The model takes the spec of these data.

        Raises:
            TypeError: they are no learner's data.
            ValueError: the network does not fit them, such as other classes or another vocabulary.
        """
        if not isinstance(data, Data):
            raise TypeError(
                f"set_data must be given the data of a learner, got a {type(data).__name__}. Call "
                "learner(...).data."
            )
        require_same_network(self.data.spec, data.spec)
        self.data = data

    def require_data(self) -> None:
        """Refuse to train without data, as the learner of a loaded model is.

        Raises:
            ValueError: there are none.
        """
        if self.data.train is None:
            raise ValueError(
                "training needs data, got the learner of a loaded model, which has none. Give it "
                "some by set_data(other_learner.data), or use finetune(model, data)."
            )

    @contextmanager
    def time(self, share: float = 1.0, *, passes: float = 0.0, keep: float = 0.0) -> Iterator[None]:
        """Within this context a part of the budget, if there is one, is all that there is.

        Args:
            share: of the time that is left to train.
            passes: over the validation part, that come after what trains in the context.
            keep: seconds for what else comes after it.
        """
        whole = self.budget
        self.budget = None if whole is None else whole.part(share, passes=passes, keep=keep)
        try:
            yield
        finally:
            self.budget = whole

    # ---- fitting ------------------------------------------------------------------------------

    def fit(
        self,
        epochs: int,
        lr: Rates = 1e-3,
        schedule: Schedule = constant,
        *,
        callbacks: Sequence[Any] = (),
        minutes: float | None = None,
    ) -> History:
        """Train for some epochs.

        Ctrl-C ends the fit after the current step, as if its epochs were over: averages of weights
        are taken, and what was learnt is kept. A second Ctrl-C breaks off at once. A run with a
        folder can be resumed after both.

        Args:
            epochs: passes over the training part.
            lr: highest rate: a float; one a layer group; (low, high) or slice, geometric.
            schedule: (step, steps of each epoch) -> factors, from `zoo.core.training.schedules`.
            callbacks: for this fit only, beside the learner's.
            minutes: that the fit may take: where its epochs do not fit, fewer steps go through the
                same schedule.

        Returns:
            The learner's history.

        Raises:
            ValueError: a rate or the number of epochs makes no sense, or another call is resumed.
            FloatingPointError: the loss is not finite.
        """
        self.require_data()
        if not hasattr(epochs, "__index__") or epochs < 1:
            raise ValueError(f"epochs must be 1 or more, got {epochs=}. Try epochs=4.")
        if minutes is not None and not minutes > 0:
            raise ValueError(f"minutes must be above 0, got {minutes=}. Leave them out.")
        budget = self.budget if minutes is None else Budget.of(minutes)
        self.interrupted, self.cut_short = False, ""
        self.rates = group_rates(lr, len(self.groups))
        if not self.progress.closed:
            self.require_storable()
        calm = deterministic(self.run.deterministic)
        with seeded(self.run.seed, self.device), calm, self._threads():
            steps = [self.data.train.steps(self.epoch + i) for i in range(epochs)]
            fit = self.new_fit(steps, lr, schedule, [*self.callbacks, *callbacks])
            fit.call = self.state.call(fit, self._settings)
            fit.parts = self._parts
            if budget is not None:
                fit.pace = Pace(budget, schedule, fit.steps, validates=fit.valid is not None)
            fit_through(fit, self.run, self.state)
        self.interrupted, self._parts = fit.interrupted, fit.parts
        if fit.made < 1:
            self._tell_of_haste(budget, minutes, f"{fit.made * epochs:.2g} of {epochs} epochs")
        if fit.interrupted:
            self.cut_short = f"after {fit.epoch} of {epochs} epochs"
        return self.history

    def _tell_of_haste(self, budget: Budget | None, minutes: float | None, made: str) -> None:
        """Remember that a fit had no time for all of its steps, perhaps in an earlier call."""
        self.shortened = True
        if minutes is not None:
            warn(f"minutes must suffice for the fit, got {minutes:g}, and so {made} were made.")
        elif budget is not None:  # of a verb, which warns in the end
            budget.say(f"{made} were trained for")
        else:
            warn(
                f"a run that goes on must have had time for its fits, got one of {made}, as long "
                "as the minutes of an earlier call had lasted. Take another folder for all of them."
            )

    def fit_one_cycle(
        self, epochs: int, lr: Rates = 1e-3, *, pct_start: float = 0.25, div: float = 25.0
    ) -> History:
        """Rate up and down once, momentum down and up (Smith 2018)."""
        return self.fit(epochs, lr, partial(one_cycle, pct_start=pct_start, div=div))

    def fit_sgdr(
        self,
        lr: Rates = 1e-3,
        *,
        cycles: int = 3,
        cycle_len: int = 1,
        cycle_mult: int = 2,
        snapshots: bool = False,
    ) -> History:
        """Cosine cycles with warm restarts (Loshchilov & Hutter 2017).

        Args:
            lr: highest rate, as in `fit`.
            cycles: how many.
            cycle_len: epochs of the first cycle.
            cycle_mult: each cycle lasts so many times the one before.
            snapshots: keep the weights of every cycle's end for an ensemble (Huang et al. 2017);
                `predict`, `evaluate` and `as_model` take them by `snapshots=n`.
        """
        lengths = sgdr_epochs(cycles, cycle_len, cycle_mult)
        schedule = partial(sgdr, cycle_len=cycle_len, cycle_mult=cycle_mult)
        keep = [Snapshots(self.snapshots, lengths)] if snapshots else []
        return self.fit(sum(lengths), lr, schedule, callbacks=keep)

    def fit_finetune(
        self, epochs: int, lr: float = 2e-3, *, frozen_epochs: int = 1, ratio: float = 100.0
    ) -> History:
        """Train the head on the frozen body, then everything at lower rates.

        The two-phase recipe of fastai 2: one-cycle at `lr` with the body frozen; then one-cycle at
        lr / 2 for the head, spread geometrically down to lr / (2 ratio) for the first layer group.

        Args:
            epochs: unfrozen ones.
            lr: highest rate of the frozen phase.
            frozen_epochs: epochs of the first phase.
            ratio: the head's rate divided by that of the first layer group, when unfrozen.
        """
        self.freeze()
        with self.time(frozen_epochs / (frozen_epochs + epochs)):
            self.fit_one_cycle(frozen_epochs, lr, pct_start=0.99)
        self.unfreeze()
        if epochs and not self.interrupted:
            self.fit_one_cycle(epochs, (lr / 2 / ratio, lr / 2), pct_start=0.3, div=5.0)
        return self.history

    def lr_find(
        self,
        *,
        start: float = 1e-7,
        end: float = 10.0,
        steps: int | None = None,
        sweeps: int = 1,
    ) -> LRCurve:
        """Loss against rate over a short sweep; everything is as before afterwards.

        Args:
            start: lowest rate of the head; other groups keep their share as in `fit(lr=...)`.
            end: highest rate.
            steps: steps of one sweep; None takes 100, or 40 for each of several sweeps.
            sweeps: over different batches; several tell how stable the suggestions are.
        """
        self.require_data()

        def new_fit(n: int, schedule: Schedule, callbacks: Sequence[Any]) -> Fit:
            return self.new_fit([n], 1.0, schedule, callbacks, Progress(self.epoch))

        with self._threads():
            return lr_find(
                new_fit, self.model, self.run.seed, start=start, end=end, steps=steps, sweeps=sweeps
            )

    # ---- using --------------------------------------------------------------------------------

    def evaluate(self, batches: Batches | None = None, *, snapshots: int = 0) -> dict[str, float]:
        """Loss and metrics on the validation part, or on other batches.

        Args:
            batches: None takes the validation part.
            snapshots: average the predictions of the last so many snapshots instead.

        Raises:
            ValueError: there is no validation part, or there are fewer snapshots.
        """
        chosen = batches or self.data.valid
        if chosen is None:
            raise ValueError(NO_VALIDATION)
        models = members(self.model, self.snapshots, snapshots)
        dtype = self.run.autocast_dtype(self.device)  # that of the model, which predicts in it
        with self._threads():
            return evaluate(models, _shard(chosen).epoch(0), self.task, self.device, dtype)

    def predict(self, batches: Batches, *, snapshots: int = 0) -> Tensor:
        """Decoded predictions, in the order of the batches, on the CPU.

        Shape: (N, ...), as the task's `decode` gives them.
        """
        models = members(self.model, self.snapshots, snapshots)
        dtype = self.run.autocast_dtype(self.device)
        with self._threads():
            outputs = predict_batches(models, batches.epoch(0), self.task, self.device, dtype)
            return torch.cat([one.mean.cpu() for one in outputs])

    def as_model(
        self, *, snapshots: int = 0, networks: Sequence[nn.Module] = (), **record: Any
    ) -> M:
        """The domain's model with its scores on the validation part, ready to predict and save.

        Args:
            snapshots: number of latest snapshots to make an ensemble of, in place of the network.
            networks: members of an ensemble instead, such as those of folds.
            **record: what else is known of the model, see `zoo.core.model.Model`; metrics among it
                stand for those that would be taken now.

        Raises:
            ValueError: the learner was made for a bare module, of which no domain knows, or there
                are fewer snapshots.
        """
        if self._as_model is None:
            raise ValueError(
                "a model must belong to a domain, got the learner of a bare "
                f"{type(self.model).__name__}. Use learner.predict, or learner.save."
            )
        own = list(networks) or members(self.model, self.snapshots, snapshots)
        model = self._as_model(self, own, **record)
        if self.data.valid is not None and "metrics" not in record:
            model.metrics = model.evaluate()
        return model

    def save(self, directory: Path | str) -> Path:
        """Write the artifact; of a bare module, one that `zoo.load(directory, model=...)` reads."""
        if self._as_model is not None:
            return self.as_model().save(directory)
        training = {"interrupted": self.cut_short} if self.interrupted else {}
        run = self.run_files(directory, [self.model])
        return save_module(directory, self.model, self.history, training=training, **run)

    def run_files(self, directory: Path | str, networks: Sequence[nn.Module]) -> dict[str, Any]:
        """Keyword arguments of `artifact.write` for networks that this learner has trained."""
        is_final = not self.interrupted and list(networks) == [self.model]
        return self.state.run_files(directory, self.model if is_final else None, self.progress)

    def require_storable(self) -> None:
        """Refuse a training whose model could not be saved, or not be loaded again.

        Raises:
            ValueError: settings, labels or names are nothing that an artifact keeps.
        """
        if self._as_model is not None:
            self._as_model(self, [self.model]).require_storable()

    def _threads(self) -> AbstractContextManager[None]:
        """As many threads as pay for the steps of this training."""
        return one_thread(self.device.type == "cpu" and is_small(self.model, self.data.train))

    def _settings(self) -> dict[str, Any]:
        """What a repeated call must equal, beside what a fit knows, by name."""
        domain = self._as_model
        model = {} if domain is None else domain(self, [self.model]).record()
        return model | {"optimizer": self.optimizer, "weight_decay": self.weight_decay}

    def new_fit(
        self,
        steps: Sequence[int],
        lr: Rates,
        schedule: Schedule,
        callbacks: Sequence[Any] = (),
        progress: Progress | None = None,
    ) -> Fit:
        """A fit that has not begun: its optimizer, and the model as the loop calls it.

        Args:
            steps: number of steps of each epoch.
            lr: highest rate, as in `fit`.
            schedule: see `fit`.
            callbacks: those that take part.
            progress: what the fit adds to; None takes the learner's own.
        """
        rates = group_rates(lr, len(self.groups))
        params = parameter_groups(self.groups, rates, self.weight_decay)
        return Fit(
            model=self.model,
            forward=self._forward(),
            groups=self.groups,
            task=self.task,
            train=_shard(self.data.train),
            valid=None if self.data.valid is None else _shard(self.data.valid),
            optimizer=optimizers.make(self.optimizer, params),
            schedule=schedule,
            steps=tuple(steps),
            progress=progress or self.progress,
            device=self.device,
            dtype=self.dtype,
            batchnorm=self.batchnorm,
            clip=self.clip,
            accumulate=self.accumulate,
            callbacks=callbacks,
        )

    def _forward(self) -> nn.Module:
        shared = accelerator()
        forward = torch.compile(self.model) if self.run.compile else self.model
        return shared.prepare_model(forward) if shared else forward  # type: ignore[return-value]


def _shard(batches: Batches) -> Batches:
    """This process's part of every batch."""
    rank, world = rank_and_world()
    return batches if world == 1 else batches.shard(rank, world)


def _check(accumulate: int, weight_decay: float, clip: float | None, batchnorm: str) -> None:
    """Refuse settings out of range, all at once."""
    modes = get_args(BatchNormMode)
    wrong = [
        f"{accumulate=} (1 or more)" if accumulate < 1 else "",
        f"{weight_decay=} (0 or more)" if weight_decay < 0 else "",
        f"{clip=} (above 0, or None)" if clip is not None and clip <= 0 else "",
        f"{batchnorm=} (one of {', '.join(modes)})" if batchnorm not in modes else "",
    ]
    if any(wrong):
        raise ValueError(
            f"settings must be in their ranges, got {'; '.join(filter(None, wrong))}. The defaults "
            "suit most."
        )
