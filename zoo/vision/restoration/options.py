"""The options of restoration, stated once; see `zoo.core.options`. It imports no torch."""

from __future__ import annotations

from typing import Annotated, Final

from zoo.core.options import Option, OptionTable
from zoo.core.training.options import BatchNorm, TrainingOptions
from zoo.core.trust.options import InFolds, Measured

EPOCHS: Final = 4  # of fine-tuning
TRAIN_EPOCHS: Final = 8
LR: Final = 2e-3
PERCEPTUAL: Final = 0.01  # weight of the perceptual loss beside that of the pixels


class Options(TrainingOptions, BatchNorm, InFolds, total=False):
    """What every verb takes beside the model and the photos."""

    scale: Annotated[
        int,
        Option(default=2, low=1, high=16, record=True, help="How many times photos are shrunk."),
    ]
    quality: Annotated[
        int | None,
        Option(default=10, low=1, high=95, record=True, help="JPEG quality after that, if any."),
    ]
    size: Annotated[
        int,
        Option(default=128, low=16, high=4096, record=True, help="Side in pixels of cut squares."),
    ]
    perceptual: Annotated[
        float,
        Option(default=PERCEPTUAL, low=0, record=True, help="Weight of the perceptual loss, or 0."),
    ]


OPTIONS = OptionTable(Options, batch_size=16, valid_fraction=0.1, batchnorm="live", clip=1.0)


class FitOptions(Options, Measured, total=False):
    """What `train` and `finetune` take beside the model and the photos."""


FIT_OPTIONS = OPTIONS.extended(FitOptions)
