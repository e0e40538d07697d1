"""An adversarial variant of restoration: two learners by turns, the one loop unbent.

The generator is the U-Net of `scripts/vision_restore.py`; the critic tells its pictures from true
ones. Each round the generator restores some photos, the critic trains on those and on the true
ones, then the generator trains with the critic's opinion in its loss (Goodfellow et al. 2014, with
the generator's loss of sec. 3; both without momentum, as fast.ai's course of 2019 has it). PSNR
falls a little by design: pictures are to look true, not to be the mean of what may be true. So this
program claims nothing but that both learn; it records every round.

    python -m scripts.vision_gan --generator restorer   # a model that vision_restore saved
    python -m scripts.vision_gan --smoke                # two tiny rounds, no record
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import AdamW, Optimizer

import zoo
from scripts.lib.program import Program, program, timed
from zoo.core.batches import Data, TensorBatches
from zoo.core.task import Task, classification
from zoo.core.training.learner import Learner
from zoo.vision.data.sources import split
from zoo.vision.models.classifier import Classifier, build_classifier

FALSE, TRUE = 0, 1
VALID = 64  # photos to score on
BACKBONE = "efficientnet_lite0"


@dataclass(frozen=True)
class Settings:
    """The knobs of the game."""

    rounds: int = 10
    photos: int = 160  # a round
    size: int = 96
    generator_lr: float = 1e-4
    critic_lr: float = 4e-4
    adversarial: float = 0.01  # weight of the critic's opinion beside the pixels
    backbone: str = BACKBONE


def without_momentum(groups: list[dict[str, Any]]) -> Optimizer:
    """AdamW whose direction is that of the present batch alone."""
    return AdamW(groups, betas=(0.0, 0.99), eps=1e-5)


class Game:
    """A generator, a critic, and what each sees of the other.

    Args:
        pretrained: the generator, or its backbone.
        paths: photos to train on.
        valid: photos to score on.
        settings: the knobs.
        run: the circumstances.
    """

    def __init__(
        self,
        pretrained: Any,
        paths: Sequence[Path],
        valid: Sequence[Path],
        settings: Settings,
        run: zoo.Run,
    ) -> None:
        self.settings, self.paths = settings, paths
        options: dict[str, Any] = {"size": settings.size, "perceptual": 0.0, "run": run}
        self.generator = zoo.vision.restoration.learner(
            paths, pretrained=pretrained, valid=valid, optimizer=without_momentum, **options
        )
        self.all = self.generator.data
        critic: Classifier = build_classifier(
            settings.backbone, 2, pretrained=True, size=settings.size, hidden=None, dropout=0.0
        )
        nothing: Any = None
        self.critic = Learner(
            critic, Data(nothing), classification(2), optimizer=without_momentum, run=run
        )
        plain = self.generator.task
        self.generator.task = Task(
            lambda output, target: self._judged(plain, output, target),
            plain.decode, plain.metrics, plain.valid_loss,
        )  # fmt: skip

    def round(self, number: int) -> dict[str, float]:
        """Each learns once; their scores."""
        train: Any = replace(self.all.train, seed=number)  # type: ignore[type-var]
        n_steps = max(self.settings.photos // train.batch_size, 1)
        photos = _First(train, n_steps)
        self.critic.set_data(self._opinions(photos))
        self.critic.fit(1, self.settings.critic_lr)
        told_apart = self.critic.evaluate(self.critic.data.train)["accuracy"]
        for p in self.critic.model.parameters():
            p.requires_grad_(False)
        self.critic.model.eval()
        self.generator.set_data(Data(photos, None, self.all.spec))
        self.generator.fit(1, self.settings.generator_lr)
        for p in self.critic.model.parameters():
            p.requires_grad_(True)
        scores = self.generator.evaluate(self.all.valid)
        return {"critic_accuracy": told_apart, **scores}

    def _opinions(self, photos: _First) -> Data:
        """Restored and true pictures for the critic, as it sees them."""
        true = torch.cat([batch.target for batch in photos.epoch(0)])
        false = self.generator.predict(photos).to(true.device)
        pictures = self._seen(torch.cat([false, true]))
        kinds = torch.tensor([FALSE, TRUE], device=true.device).repeat_interleave(len(true))
        return Data(TensorBatches(pictures, kinds, batch_size=16))

    def _judged(self, plain: Task, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor | int]:
        """The plain loss, and how far the critic is from taking the output for true."""
        loss, n = plain.loss(output, target)
        logits = self.critic.model(self._seen(output))
        wanted = torch.full((len(logits),), TRUE, device=logits.device)
        return loss + self.settings.adversarial * F.cross_entropy(logits, wanted), n

    def _seen(self, pictures: Tensor) -> Tensor:
        shown = self.critic.model.preprocessing
        mean, std = (pictures.new_tensor(v).view(3, 1, 1) for v in (shown.mean, shown.std))
        return (pictures - mean) / std


class _First:
    """The first batches of each epoch, always those of its first one."""

    def __init__(self, batches: Any, n_steps: int) -> None:
        self.batches, self.n_steps = batches, min(n_steps, batches.steps(0))

    def steps(self, epoch: int) -> int:
        return self.n_steps

    def epoch(self, epoch: int, start: int = 0) -> Any:
        batches = self.batches.epoch(0, start)
        for _ in range(start, self.n_steps):
            yield next(batches)

    def shard(self, rank: int, world: int) -> _First:
        return _First(self.batches.shard(rank, world), self.n_steps)


def trial(asked: Program, settings: Settings, seed: int) -> None:
    """Play, and record every round."""
    parts = split(zoo.data.get("flowers-128"), seed=0)
    paths, valid = parts.train.paths, parts.valid.paths[:VALID]
    if asked.smoke:
        paths, valid = paths[:32], valid[:4]
    pretrained = asked.further["generator"]
    game = Game(pretrained, paths, valid, settings, asked.run(seed))
    for number in range(settings.rounds):
        with timed() as spent:
            scores = game.round(number)
        asked.record(generator=pretrained, seed=seed, round=number, **scores, **spent())
    asked.keep(game.generator, seed)


def flags(parser: argparse.ArgumentParser) -> None:
    """What to start from, and how long to play."""
    text = "a restoration model, or a backbone (%(default)s)"
    parser.add_argument("--generator", default=BACKBONE, help=text)
    parser.add_argument("--rounds", type=int, default=Settings.rounds)


def main() -> None:
    """Every seed."""
    asked = program(__doc__, "vision_gan.csv", seeds=1, further=flags)
    settings = Settings(rounds=asked.further["rounds"])
    if asked.smoke:
        settings = Settings(rounds=2, photos=16, size=32)
    for seed in asked.seeds:
        trial(asked, settings, seed)


if __name__ == "__main__":
    main()
