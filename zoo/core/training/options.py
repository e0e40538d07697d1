"""The options that training takes in every domain, stated once; a domain's table extends this one.

It imports no torch, so that the command line reads it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypedDict

from zoo.core.options import Option
from zoo.core.training.tracker import Tracker, TrackerName

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from zoo.core.run import Run
else:  # what a shell cannot pass needs no type at run time
    Optimizer = Run = Any

OptimizerName = Literal["adamw", "sgd"]
BatchNormMode = Literal["live", "thawed", "fixed"]

Epochs = Annotated[int, Option(low=0, help="Passes over the training part.")]
SomeEpochs = Annotated[int | None, Option(low=0, help="Passes over the training part.")]
Rate = Annotated[float, Option(above=0, help="Highest learning rate.")]
SomeRate = Annotated[float | None, Option(above=0, help="Highest learning rate.")]


_GROUP: Final = "Training"
_VALIDATION: Final = "Validation"


class TrainingOptions(TypedDict, total=False):
    """What every verb takes beside the model and the data."""

    valid: Annotated[
        Any,
        Option(
            group=_VALIDATION,
            cli=str,
            help="Validation part in the form of the data, none of which is trained on; without "
            "one, what the data set apart, else a share of them.",
        ),
    ]
    valid_fraction: Annotated[
        float,
        Option(
            group=_VALIDATION,
            default=0.2,
            low=0,
            high=0.999,
            record=True,
            help="Share of the data to validate on where nothing is set apart, drawn by the run's "
            "seed; 0 trains on everything.",
        ),
    ]
    batch_size: Annotated[int, Option(group=_GROUP, low=1, record=True, help="Examples per step.")]
    optimizer: Annotated[
        OptimizerName | Callable[[list[dict[str, Any]]], Optimizer],
        Option(
            group=_GROUP,
            default="adamw",
            cli=str,
            help="'adamw' (betas .9 and .99, eps 1e-5) or 'sgd' (momentum .9).",
            python="A function from parameter groups to a torch optimizer is taken as well.",
        ),
    ]
    weight_decay: Annotated[
        float,
        Option(
            group=_GROUP,
            default=0.01,
            low=0,
            help="Decoupled weight decay; norms and biases get none.",
        ),
    ]
    clip: Annotated[
        float | None,
        Option(group=_GROUP, above=0, help="Largest norm of the gradient, if there is one."),
    ]
    accumulate: Annotated[
        int,
        Option(
            group=_GROUP,
            default=1,
            low=1,
            help="Parts that a batch passes in, to save memory; batch norms see one at a time.",
        ),
    ]
    callbacks: Annotated[
        Sequence[Any],
        Option(
            group=_GROUP,
            default=(),
            cli=False,
            help="Objects as `zoo.core.training.callbacks` describes.",
        ),
    ]
    track: Annotated[
        TrackerName | Tracker | None,
        Option(
            group=_GROUP,
            help="Tracker that is told the options, each epoch, the scores and the losses.",
            python="An object of `zoo.trackers` is taken as well.",
        ),
    ]
    run: Annotated[
        Run | None,
        Option(
            group=_GROUP,
            cli=False,
            help="Circumstances: device, precision, seed, folder, resuming.",
        ),
    ]


class LabelSmoothing(TypedDict, total=False):
    """What verbs take that learn classes by cross entropy."""

    label_smoothing: Annotated[
        float,
        Option(
            group=_GROUP,
            default=0.0,
            low=0,
            below=1,
            record=True,
            needs="classes",
            help="Share of the target that is spread over all classes.",
        ),
    ]


class BatchNorm(TypedDict, total=False):
    """What verbs take whose networks have batch norms."""

    batchnorm: Annotated[
        BatchNormMode,
        Option(
            group=_GROUP,
            default="thawed",
            help="Whose running statistics follow the data: 'live' all, 'thawed' those of the "
            "layer groups that train, 'fixed' those of the head alone.",
        ),
    ]
