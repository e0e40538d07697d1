"""Learner: a model, its data and a task, with the verbs to train it step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.core.artifacts.artifact import save_module
from zoo.core.batches import Batches, Data
from zoo.core.forks import compute_alone_after_fork
from zoo.core.history import History
from zoo.core.memory import keep_freed_blocks
from zoo.core.run import Run, accelerator, deterministic, rank_and_world, seeded
from zoo.core.task import Task
from zoo.core.training import loop
from zoo.core.training.averaging import Snapshots, members
from zoo.core.training.callbacks import collect_hooks
from zoo.core.training.fitting import fit_through
from zoo.core.training.groups import (
    BatchNormMode,
    Rates,
    freeze_to,
    group_rates,
    layer_groups,
    parameter_groups,
    train_mode,
)
from zoo.core.training.loop import Fit
from zoo.core.training.optimizers import OptimizerName as OptimizerName
from zoo.core.training.optimizers import make
from zoo.core.training.resume import TrainingState
from zoo.core.training.schedules import (
    Schedule,
    constant,
    one_cycle,
    sgdr,
    sgdr_epochs,
)

if TYPE_CHECKING:
    from zoo.core.training.lr_finder import LRCurve


class Learner:
    """Trains a model; what `zoo.<domain>.learner` hands out.

    Args:
        model: any module; its `layers()`, if it has them, are the layer groups.
        data: training and, perhaps, validation batches.
        task: loss, decoding and metrics.
        optimizer: "adamw" (fused; betas .9/.99, eps 1e-5), "sgd" (momentum .9), or a function from
            parameter groups to a torch optimizer.
        weight_decay: decoupled for AdamW; norms, biases and bias tables get none.
        clip: largest norm of the gradient; None leaves it alone.
        accumulate: parts that each batch passes through the model in, to save memory; the step
            equals that on the whole batch.
        batchnorm: whose running statistics follow the training data: "live" all, "thawed" those
            of layer groups that train, "fixed" those of the head alone. Of several processes each
            normalises its own part of a batch, and the first one's statistics are kept: with live
            batch norms a run of n processes is one of n times smaller batches, not that of a
            single process.
        callbacks: objects as `zoo.core.training.callbacks` describes, for every fit.
        bf16_on_cpu: the model's record, see `Run.autocast_dtype`.
        as_model: from the learner and its networks (one, or snapshots) to its domain's model.
        run: the circumstances.

    Attributes:
        history: the record of all fits.
        epoch: epochs over the learner's life; a second fit does not replay the first.
        interrupted: whether Ctrl-C ended the last fit.
        cut_short: after how many epochs it did, in words; empty otherwise.
        rates: highest rate of each layer group in the last fit, input first; empty before any.
        snapshots: weights at the ends of SGDR cycles.
        closed: the finished fits, as `zoo.core.training.resume.describe` tells them.
        state: the file that a killed run continues from.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Data,
        task: Task,
        *,
        optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer] = "adamw",
        weight_decay: float = 0.01,
        clip: float | None = None,
        accumulate: int = 1,
        batchnorm: BatchNormMode = "thawed",
        callbacks: Sequence[Any] = (),
        bf16_on_cpu: bool = False,
        as_model: Callable[[Learner, list[nn.Module]], Any] | None = None,
        run: Run | None = None,
    ) -> None:
        _check(accumulate, weight_decay, clip, batchnorm)
        if accumulate > 1 and hasattr(model, "carried"):
            raise ValueError(
                "a model that carries a hidden state takes whole batches, however "
                f"{accumulate=}; use a smaller batch size"
            )
        self.run = run or Run()
        compute_alone_after_fork()
        self.device = self.run.torch_device()
        if self.device.type == "cpu":
            keep_freed_blocks()
        self.dtype = self.run.autocast_dtype(self.device, bf16_on_cpu=bf16_on_cpu)
        self.model = model.to(self.device)
        self.groups = layer_groups(model)
        self.data, self.task, self._as_model = data, task, as_model
        self.optimizer, self.weight_decay, self.clip = optimizer, weight_decay, clip
        self.accumulate, self.batchnorm = accumulate, batchnorm
        self.callbacks = list(callbacks)
        collect_hooks(self.callbacks)
        self.history = History()
        self.snapshots: list[dict[str, Tensor]] = []
        self.epoch, self.interrupted, self.cut_short = 0, False, ""
        self.rates: list[float] = []
        self.closed: list[dict[str, Any]] = []
        self.state = TrainingState(self.run)

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

    def set_data(self, data: Data) -> None:
        """Go on with other data, for example the same photos at a larger size."""
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

    # ---- fitting ------------------------------------------------------------------------------

    def fit(
        self,
        epochs: int,
        lr: Rates = 1e-3,
        schedule: Schedule = constant,
        *,
        callbacks: Sequence[Any] = (),
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

        Returns:
            The learner's history.

        Raises:
            ValueError: a rate or the number of epochs makes no sense, or another call is resumed.
            FloatingPointError: the loss is not finite.
        """
        self.require_data()
        if not hasattr(epochs, "__index__") or epochs < 1:
            raise ValueError(f"a fit takes one whole epoch or more, however {epochs=}; try 4")
        used = [*self.callbacks, *callbacks]
        self.interrupted, self.cut_short = False, ""
        self.rates = group_rates(lr, len(self.groups))
        with (
            seeded(self.run.seed, self.device),
            deterministic(self.run.deterministic),
        ):
            steps = [self.data.train.steps(self.epoch + i) for i in range(epochs)]
            fit_through(self, self.new_fit(steps, lr, schedule, used), used)
        return self.history

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
            ratio: of the head's rate to that of the first layer group, unfrozen.
        """
        self.freeze()
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
            steps: of one sweep; None takes 100, or 40 for each of several sweeps.
            sweeps: over different batches; several tell how stable the suggestions are.
        """
        from zoo.core.training.lr_finder import lr_find

        self.require_data()
        return lr_find(self, start=start, end=end, steps=steps, sweeps=sweeps)

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
            raise ValueError(
                "evaluation needs a validation part, however data.valid=None; pass batches"
            )
        rank, world = rank_and_world()
        shard = chosen if world == 1 else chosen.shard(rank, world)
        models = members(self.model, self.snapshots, snapshots)
        return loop.evaluate(models, shard.epoch(0), self.task, self.device, self.dtype)

    def predict(self, batches: Batches, *, snapshots: int = 0) -> Tensor:
        """Decoded predictions, in the order of the batches, on the CPU.

        Shape: (N, ...), as the task's `decode` gives them.
        """
        predictions: list[Tensor] = []

        def see(outputs: Sequence[Any], mean: Tensor, target: Tensor) -> None:
            predictions.append(mean.cpu())

        models = members(self.model, self.snapshots, snapshots)
        loop.predict_batches(models, batches.epoch(0), self.task, self.device, self.dtype, see)
        return torch.cat(predictions)

    def as_model(self, *, snapshots: int = 0) -> Any:
        """The domain's model, ready to predict, evaluate and save.

        Args:
            snapshots: an ensemble of the last so many snapshots instead.

        Raises:
            ValueError: the learner was made for a bare module, of which no domain knows, or there
                are fewer snapshots.
        """
        if self._as_model is None:
            raise ValueError(
                "a model belongs to a domain, however this learner was made for a bare "
                f"{type(self.model).__name__}; use learner.predict, or learner.save for its weights"
            )
        return self._as_model(self, members(self.model, self.snapshots, snapshots))

    def save(self, directory: Path | str) -> Path:
        """Write the artifact; of a bare module, one that `zoo.load(directory, model=...)` reads."""
        if self._as_model is not None:
            saved: Path = self.as_model().save(directory)
            return saved
        training = {"interrupted": self.cut_short} if self.interrupted else {}
        run = self.state.run_files(directory, is_final=True, learner=self)
        return save_module(directory, self.model, self.history, training=training, **run)

    def require_storable(self) -> None:
        """Refuse a training whose model could not be saved, or not be loaded again.

        Raises:
            ValueError: settings, labels or names are nothing that an artifact keeps.
        """
        if self._as_model is not None:
            self.as_model().require_storable()

    def record(self) -> dict[str, Any]:
        """Architecture, arguments, spec and options of the domain's model, by name."""
        return {} if self._as_model is None else dict(self.as_model().record())

    # ---- one fit, in its parts ----------------------------------------------------------------

    def new_fit(
        self, steps: Sequence[int], lr: Rates, schedule: Schedule, callbacks: Iterable[Any] = ()
    ) -> Fit:
        """A fit that has not begun: its optimizer, and the model as the loop calls it."""
        rates = group_rates(lr, len(self.groups))
        params = parameter_groups(self.groups, rates, self.weight_decay)
        rank, world = rank_and_world()
        return Fit(
            model=self.model,
            forward=self._forward(),
            task=self.task,
            train=self.data.train if world == 1 else self.data.train.shard(rank, world),
            optimizer=make(self.optimizer, params),
            schedule=schedule,
            steps=tuple(steps),
            history=self.history,
            device=self.device,
            dtype=self.dtype,
            clip=self.clip,
            accumulate=self.accumulate,
            hooks=collect_hooks(callbacks),
            first_epoch=self.epoch,
        )

    def train_mode(self) -> None:
        """Training mode, but for batch norms whose statistics stay."""
        train_mode(self.model, self.groups, self.batchnorm)

    def _forward(self) -> nn.Module:
        shared = accelerator()
        forward = torch.compile(self.model) if self.run.compile else self.model
        return shared.prepare_model(forward) if shared else forward  # type: ignore[return-value]


def _check(accumulate: int, weight_decay: float, clip: float | None, batchnorm: str) -> None:
    """Refuse settings out of range, all at once."""
    fine = {
        "accumulate": accumulate >= 1,
        "weight_decay": weight_decay >= 0,
        "clip": clip is None or clip > 0,
        "batchnorm": batchnorm in get_args(BatchNormMode),
    }
    given = dict(zip(fine, (accumulate, weight_decay, clip, batchnorm), strict=True))
    wrong = {name: given[name] for name, is_fine in fine.items() if not is_fine}
    if wrong:
        raise ValueError(
            "accumulate is 1 or more, weight_decay 0 or more, clip positive or None, batchnorm one "
            f"of {', '.join(get_args(BatchNormMode))}, however {wrong=}; the defaults suit most"
        )
