"""What the models of all domains share: the record of the training, the artifact, the learner."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, Self

import torch
from torch import Tensor

from zoo import __version__
from zoo.core import artifact
from zoo.core.artifact import Config
from zoo.core.batches import Data
from zoo.core.card import render
from zoo.core.groups import BatchNormMode
from zoo.core.history import History
from zoo.core.learner import Learner
from zoo.core.placed import Network, Placed
from zoo.core.run import Run, accelerator, rank_and_world
from zoo.core.task import Task


class Trained(ABC, Generic[Network]):
    """A trained model; a domain's class adds `predict` and `evaluate`.

    Attributes:
        members: the network, or those of an ensemble.
        spec: what prediction needs besides weights; it has `to_json()`.
        history: the record of the training.
        metrics: scores on the validation part.
        data: what it was trained on, in a few words.
        training: how, for the card.
        licence: of the weights, for the card; set it to state yours.
        extra: what else config.json says, kept as it is.
        run: the circumstances of its predictions.
    """

    domain: ClassVar[str]
    batchnorm: ClassVar[BatchNormMode] = "thawed"  # of further training, see Learner
    layout: ClassVar[torch.memory_format] = torch.preserve_format  # see Placed

    def __init__(
        self,
        members: Sequence[Network],
        spec: Any,
        *,
        history: History | None = None,
        metrics: dict[str, float] | None = None,
        data: str = "",
        training: dict[str, Any] | None = None,
        licence: str = "unknown",
        extra: dict[str, Any] | None = None,
        learner: Learner | None = None,
        run: Run | None = None,
    ) -> None:
        self.members, self.spec, self.run = list(members), spec, run or Run()
        self.history, self.metrics = history or History(), metrics or {}
        self.data, self.training, self.extra = data, training or {}, extra or {}
        self.licence = licence
        self._learner = learner

    def save(self, directory: Path | str) -> Path:
        """Write the artifact: config.json, model.safetensors, README.md, history.csv.

        Raises:
            FileExistsError: the directory holds something else than an artifact.
            ValueError: the spec holds what JSON does not keep.
        """
        task, name, arguments = self._built()
        config = Config(
            domain=self.domain,
            task=task,
            model={"name": name, "args": arguments},
            spec=self.spec.to_json(),
            members=artifact.weight_files(len(self.members)),
            licence=self.licence,
            data=self.data,
            metrics=self.metrics,
            training=self.training,
            extra=self.extra,
        )
        example = f'import zoo\n\nmodel = zoo.load("{Path(directory).name}")\n{self._example()}'
        card = render(config, load_example=example)
        return artifact.write(directory, config, self._weights(), self.history, card)

    def learner(self) -> Learner:
        """The learner that trained the model, or a new one: `set_data` gives it some.

        Raises:
            ValueError: the model is an ensemble, which is not trained as one.
        """
        if len(self.members) > 1:
            raise ValueError(
                f"a learner trains one network, however this ensemble has {len(self.members)=}; "
                "fine-tune one of its members"
            )
        known = self._learner
        if known is not None and known.model is self.members[0]:
            return known
        nothing: Any = None
        self._learner = Learner(
            self.members[0],
            known.data if known else Data(nothing, None, self.spec),
            self._task(),
            batchnorm=self.batchnorm,
            as_model=lambda learn, networks: self._after(networks, learn),
            run=self.run,
        )
        return self._learner

    @property
    def _scored(self) -> str:
        """The metrics in a line."""
        scores = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        return scores or "not scored"

    @cached_property
    def _placed(self) -> Placed[Network]:
        """The networks where they compute."""
        record = all(getattr(member, "bf16_on_cpu", False) for member in self.members)
        return Placed(self.members, self.run, record, self.layout)

    @abstractmethod
    def _built(self) -> tuple[str, str, dict[str, Any]]:
        """For config.json: the task, the network's name and its arguments."""

    @abstractmethod
    def _example(self) -> str:
        """For the card: Python that predicts with `model`."""

    @abstractmethod
    def _task(self) -> Task:
        """Loss and metrics."""

    def _weights(self) -> list[dict[str, Tensor]]:
        """The tensors of each member, as they are stored."""
        return [dict(member.state_dict()) for member in self.members]

    def _after(self, networks: Sequence[Any], learn: Learner) -> Self:
        """What the model has become, its scores yet to be taken."""
        return self._with(
            networks,
            history=learn.history,
            data=self.data,
            training=self.training,
            licence=self.licence,
            extra=self.extra,
            learner=learn,
            run=self.run,
        )

    def _with(self, networks: Sequence[Network], **record: Any) -> Self:
        """A model of other networks, its record as given."""
        return type(self)(networks, self.spec, **record)


def finished(learn: Learner) -> Any:
    """The domain's model with its scores on the validation part; saved if the run has a folder."""
    model = learn.as_model()
    if learn.data.valid is not None:
        model.metrics = model.evaluate()
    if learn.run.out is not None and rank_and_world()[0] == 0:
        model.save(learn.run.out)
    if shared := accelerator():
        shared.wait_for_everyone()  # who goes on may load what the first has saved
    return model


def made(
    learn: Learner,
    networks: Sequence[Any],
    *,
    kind: Callable[..., Any],
    data: str,
    told: dict[str, Any],
) -> Any:
    """The model that a learner has trained; a part of it is the learner's `as_model`.

    Args:
        learn: who trained.
        networks: what became of them.
        kind: makes the domain's model of networks and their record.
        data: see `source`.
        told: what the domain tells of the training, for the card.
    """
    return kind(
        networks,
        history=learn.history,
        data=data,
        training=told | training_of(learn),
        learner=learn,
        run=learn.run,
    )


def source(data: Any) -> str:
    """What a model was trained on, in a few words: a file's name, or the kind of object."""
    return Path(data).name if isinstance(data, (str, os.PathLike)) else type(data).__name__


def training_of(learn: Learner) -> dict[str, Any]:
    """How a learner has trained, for the card: the rates are those of its last fit."""
    rates = {}
    if learn.rates:
        low, high = learn.rates[0], learn.rates[-1]
        rates["lr"] = _short(high)
        if low != high:
            rates["ratio"] = _short(high / low)
    return {
        "epochs": learn.epoch,
        **rates,
        "optimizer": learn.optimizer if isinstance(learn.optimizer, str) else repr(learn.optimizer),
        "batchnorm": learn.batchnorm,
        "weight_decay": learn.weight_decay,
        "clip": learn.clip,
        "seed": learn.run.seed,
        "versions": f"transfer-zoo {__version__}, torch {torch.__version__}",
    }


def _short(rate: float) -> float:
    return float(f"{rate:.6g}")
