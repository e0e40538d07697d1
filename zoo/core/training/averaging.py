"""Several weights of one model: snapshots of SGDR cycles, and averages of weights."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from zoo.core.training.evaluation import to_device
from zoo.core.training.fit import Fit


class Snapshots:
    """Keep the weights of every cycle's end, on the CPU (Huang et al. 2017, sec. 3).

    Args:
        store: the list to add to.
        lengths: epochs of each cycle.
    """

    def __init__(self, store: list[dict[str, Tensor]], lengths: Sequence[int]) -> None:
        self.store, self.ends = store, set(itertools.accumulate(lengths))

    def epoch_end(self, fit: Fit) -> None:
        """Take a snapshot if a cycle has ended."""
        if fit.epoch in self.ends:
            self._take(fit)

    def fit_end(self, fit: Fit) -> None:
        """Take one of a cycle that a budget has shortened."""
        if fit.is_over and fit.epoch not in self.ends:
            self._take(fit)

    def _take(self, fit: Fit) -> None:
        state = fit.model.state_dict()
        self.store.append({name: t.detach().cpu().clone() for name, t in state.items()})


def members(model: nn.Module, snapshots: list[dict[str, Tensor]], n: int) -> list[nn.Module]:
    """The model itself for n = 0, else a copy with each of the last n snapshots.

    Raises:
        ValueError: there are fewer than n.
    """
    if n == 0:
        return [model]
    if not 0 < n <= len(snapshots):
        raise ValueError(
            f"an ensemble takes snapshots that were kept, got snapshots={n} of {len(snapshots)}. "
            "Train with fit_sgdr(..., snapshots=True)."
        )
    copies = []
    for state in snapshots[-n:]:
        member = copy.deepcopy(model)
        member.load_state_dict(state)
        copies.append(member)
    return copies


class WeightAverage:
    """A callback that ends a fit with averaged weights, through torch's own `AveragedModel`.

    Args:
        kind: "ema" averages exponentially over steps, running statistics too; "swa" takes the mean
            over epoch ends (Izmailov et al. 2018), and estimates the running statistics anew.
        decay: share of the earlier average that a step keeps, for "ema".
        start: epochs of the fit before averaging begins.
    """

    def __init__(
        self, kind: Literal["ema", "swa"] = "ema", *, decay: float = 0.99, start: int = 0
    ) -> None:
        self.kind, self.decay, self.start = kind, decay, start
        self._average: AveragedModel | None = None

    def fit_start(self, fit: Fit) -> None:
        """Begin with nothing averaged."""
        if self.kind == "ema":
            multi = get_ema_multi_avg_fn(self.decay)  # type: ignore[no-untyped-call]
            self._average = AveragedModel(fit.model, multi_avg_fn=multi, use_buffers=True)
        else:
            self._average = AveragedModel(fit.model)

    def step_end(self, fit: Fit) -> None:
        """Add the weights of a step."""
        if self.kind == "ema" and fit.epoch >= self.start:
            self._update(fit)

    def epoch_end(self, fit: Fit) -> None:
        """Add the weights of an epoch."""
        if self.kind == "swa" and fit.epoch > self.start:
            self._update(fit)

    def fit_end(self, fit: Fit) -> None:
        """Give the model the average."""
        if self._average is None or not self._average.n_averaged:
            return
        fit.model.load_state_dict(self._average.module.state_dict())
        if self.kind == "swa":
            estimate_norms(fit)
        of = "steps" if self.kind == "ema" else "epochs"
        fit.notes.append(f"weights averaged over {of} ({self.kind}), which no row has scored")
        self._average = None

    def state(self) -> dict[str, Any]:
        """The average so far."""
        return dict(self._average.state_dict()) if self._average else {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on averaging."""
        if self._average and state:
            self._average.load_state_dict(state)

    def _update(self, fit: Fit) -> None:
        if self._average is not None:
            self._average.update_parameters(fit.model)


class WiSE:
    """A callback that ends a fit between its first and its last weights.

    After a probe the straight line between both keeps what was pretrained and most of what was
    learnt (WiSE-FT: Wortsman et al. 2022, "Robust Fine-Tuning of Zero-Shot Models", sec. 3).

    Args:
        share: share of the last weights, 0..1; 0.5 is the mean.
    """

    def __init__(self, share: float = 0.5) -> None:
        self.share = share
        self._first: dict[str, Tensor] = {}

    def fit_start(self, fit: Fit) -> None:
        """Keep the first weights."""
        self._first = {name: t.detach().clone() for name, t in fit.model.state_dict().items()}

    def fit_end(self, fit: Fit) -> None:
        """Go to the point between."""
        fit.model.load_state_dict(
            {
                name: torch.lerp(self._first[name], t, self.share) if t.is_floating_point() else t
                for name, t in fit.model.state_dict().items()
            }
        )
        fit.notes.append(f"weights at {self.share:.0%} of the way from the first to the last")

    def state(self) -> dict[str, Any]:
        """The first weights."""
        return self._first

    def load_state(self, state: dict[str, Any]) -> None:
        """Remember the first weights of the killed run."""
        self._first = {name: t.to(self._first[name].device) for name, t in state.items()}


@torch.no_grad()
def estimate_norms(fit: Fit) -> None:
    """Estimate anew the running statistics that follow the data, over one epoch of training.

    They become the plain mean over the batches; batch norms that are fixed keep theirs.
    """
    fit.train_mode()
    norms = [m for m in fit.model.modules() if isinstance(m, _BatchNorm) and m.training]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    for batch in fit.train.epoch(0) if norms else ():
        fit.model(*to_device(batch, fit.device).inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
