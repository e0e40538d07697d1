"""A small network for CIFAR-10 that learns fast, and what it is trained with.

The ideas are Keller Jordan's, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (2024,
arXiv:2404.00498), after Tysam Balsam's hlb-CIFAR10: the first convolution whitens patches and is
not trained (sec. 3.1 and 3.2), filters begin as copies of their input (3.3), biases of norms take
higher rates than weights (3.4), weights look ahead (3.4), pictures are mirrored in every other
epoch (3.6), predictions are means over views (3.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.batches import Batch, seed_of
from zoo.core.training.fit import Fit
from zoo.core.training.groups import LayerGroup
from zoo.core.training.schedules import Factors

SIDE: Final = 32  # pixels
EDGE: Final = 2  # pixels that a picture moves at most, and that are mirrored around it
PATCH: Final = 2  # side of the patches that are whitened
SMALLEST: Final = 5e-4  # added to the variances of patches
SCALE: Final = 1 / 9  # of the logits


@dataclass(frozen=True)
class Recipe:
    """How the network is trained.

    Attributes:
        epochs: passes.
        batch_size: pictures per step.
        lr: highest rate of the weights, for batches of 1,024 and the mean loss.
        bias_ratio: rate of the biases over that of the weights.
        momentum: of Nesterov's kind.
        decay: share of a weight that a step at the highest rate takes away.
        label_smoothing: see `zoo.core.task.classification`.
        warm_up: share of the steps in which the rate rises.
        first: rate of the first step over the highest.
        last: rate of the last step over the highest.
    """

    epochs: int = 11
    batch_size: int = 1000
    lr: float = 1.5
    bias_ratio: float = 64.0
    momentum: float = 0.85
    decay: float = 2e-3
    label_smoothing: float = 0.2
    warm_up: float = 0.23
    first: float = 0.2
    last: float = 0.07

    @property
    def rates(self) -> list[float]:
        """Highest rates of biases and weights."""
        lr = self.lr * self.batch_size / 1024
        return [lr * self.bias_ratio, lr]

    def optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """SGD whose decay does not depend on a group's rate."""
        own = [{**group, "weight_decay": self.decay / group["max_lr"]} for group in groups]
        return torch.optim.SGD(own, momentum=self.momentum, nesterov=True, fused=True)

    def schedule(self, step: int, steps: Sequence[int]) -> Factors:
        """Straight up, then straight down."""
        done = step / sum(steps)
        if done < self.warm_up:
            return Factors(self.first + (1 - self.first) * done / self.warm_up)
        return Factors(1 + (self.last - 1) * (done - self.warm_up) / (1 - self.warm_up))


class Norm(nn.BatchNorm2d):
    """A batch norm of which only the bias is trained, and whose statistics follow quickly."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6, momentum=0.4)
        self.weight.requires_grad_(False)


class Block(nn.Module):
    """Two convolutions, the first of which halves the picture. Shape: (B, C, H, W)."""

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__()
        self.first, self.second = convolution(d_in, d_out), convolution(d_out, d_out)
        self.norms = nn.ModuleList(Norm(d_out) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Half as high and wide."""
        x = F.gelu(self.norms[0](F.max_pool2d(self.first(x), 2)))
        return F.gelu(self.norms[1](self.second(x)))


class FastNet(nn.Module):
    """Whitened patches, three blocks, one linear layer.

    Args:
        whitening: filters of the first convolution, from `whitening_of`.
        widths: channels of the blocks.
        n_classes: width of the output.
    """

    def __init__(
        self, whitening: Tensor, widths: Sequence[int] = (64, 256, 256), n_classes: int = 10
    ) -> None:
        super().__init__()
        self.register_buffer("whitening", whitening)
        self.bias = nn.Parameter(torch.zeros(len(whitening)))
        self.blocks = nn.ModuleList(
            Block(*pair) for pair in zip([len(whitening), *widths], widths, strict=False)
        )
        self.head = nn.Linear(widths[-1], n_classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits. Shape: (B, 3, 32, 32), normalised -> (B, n_classes)."""
        x = F.gelu(F.conv2d(x, self.whitening, self.bias))
        for block in self.blocks:
            x = block(x)
        return self.head(x.amax((2, 3))) * SCALE

    def layers(self) -> list[LayerGroup]:
        """Biases, then weights: their rates differ."""
        named = list(self.named_parameters())
        biases = tuple(p for name, p in named if name.endswith("bias"))
        weights = tuple(p for name, p in named if not name.endswith("bias"))
        return [LayerGroup("biases", bare=biases), LayerGroup("weights", bare=weights)]


def convolution(d_in: int, d_out: int) -> nn.Conv2d:
    """A 3 x 3 convolution whose first filters begin as copies of the channels of the input."""
    layer = nn.Conv2d(d_in, d_out, 3, padding=1, bias=False)
    with torch.no_grad():
        nn.init.dirac_(layer.weight[:d_in])
    return layer


def whitening_of(pictures: Tensor) -> Tensor:
    """Filters that make patches uncorrelated and of one variance, each beside its negative.

    Shape: (N, 3, H, W), normalised -> (24, 3, 2, 2).
    """
    patches = pictures.float().unfold(2, PATCH, 1).unfold(3, PATCH, 1)
    flat = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3 * PATCH * PATCH)
    variances, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))
    filters = (vectors / (variances + SMALLEST).sqrt()).T.flip(0)
    filters = filters.reshape(-1, 3, PATCH, PATCH)
    return torch.cat([filters, -filters])


class Pictures:
    """Pictures on the device by number, moved and mirrored as they are asked for; a callback.

    A picture is mirrored at random in the first epoch, and then in every other epoch.

    Args:
        pixels: uint8. Shape: (N, 3, 32, 32).
        mean: of each channel, 0..255. Shape: (3,)
        std: of each channel. Shape: (3,)
        seed: of the draws.
        dtype: of what the network gets.
    """

    def __init__(
        self, pixels: Tensor, mean: Tensor, std: Tensor, *, seed: int = 0, dtype: torch.dtype
    ) -> None:
        plain = (pixels.float() - mean[:, None, None]) / std[:, None, None]
        self.plain = plain.to(dtype).contiguous(memory_format=torch.channels_last)
        around = F.pad(plain, (EDGE,) * 4, mode="reflect")
        self.around = around.permute(0, 2, 3, 1).to(dtype).contiguous()  # (N, H, W, 3)
        self.seed = seed
        self.mirrored = torch.randint(2, (len(pixels),), device=pixels.device)

    def batch(self, fit: Fit, batch: Batch) -> Batch:
        """Put pictures in the place of numbers. Shape: (B,) int64 -> (B, 3, 32, 32)."""
        numbers = batch.inputs[0]
        device, n = numbers.device, len(numbers)
        draw = torch.Generator(device).manual_seed(seed_of(self.seed, fit.step))
        moves = torch.randint(2 * EDGE + 1, (2, n, 1), device=device, generator=draw)
        along = torch.arange(SIDE, device=device)
        is_mirrored = (self.mirrored[numbers] + fit.epoch) % 2
        across = torch.where(is_mirrored[:, None] == 1, along.flip(0), along)
        rows, columns = moves[0] + along, moves[1] + across
        moved = self.around[numbers[:, None, None], rows[:, :, None], columns[:, None, :]]
        return batch._replace(inputs=(moved.permute(0, 3, 1, 2),))

    def views(self) -> list[tuple[float, Tensor]]:
        """Views of every picture, and how much each counts: as it is and moved, and mirrored."""
        last = 2 * EDGE + SIDE
        moved = [
            self.around[:, low : last - high, low : last - high].permute(0, 3, 1, 2)
            for low, high in ((EDGE - 1, EDGE + 1), (EDGE + 1, EDGE - 1))
        ]
        shares = [(0.5, self.plain), *((0.25, view) for view in moved)]
        return [(share / 2, x) for share, view in shares for x in (view, view.flip(3))]


class LookAhead:
    """Go back towards an average of earlier weights every few steps, ever more slowly.

    Zhang et al. 2019, "Lookahead Optimizer", with the schedule of the paper above: the share of the
    average grows with the cube of the training.

    Args:
        every: steps.
        decay: share of the average that a step keeps in the end.
    """

    def __init__(self, every: int = 5, decay: float = 0.95) -> None:
        self.every, self.decay = every, decay**every
        self.slow: list[Tensor] = []

    def fit_start(self, fit: Fit) -> None:
        """Begin the average with the first weights."""
        self.slow = [tensor.clone() for tensor in self._fast(fit)]

    @torch.no_grad()
    def step_end(self, fit: Fit) -> None:
        """Move the average to the weights, and these to it."""
        total = sum(fit.steps)
        if fit.step % self.every and fit.step < total:
            return
        keep = self.decay * (fit.step / total) ** 3
        fast = self._fast(fit)
        torch._foreach_lerp_(self.slow, fast, 1 - keep)
        for tensor, slow in zip(fast, self.slow, strict=True):
            tensor.copy_(slow)

    def _fast(self, fit: Fit) -> list[Tensor]:
        """Weights and statistics as they are."""
        return [t for t in fit.model.state_dict().values() if t.is_floating_point()]
