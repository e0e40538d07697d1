"""Language-model training beside a bare loop over `nn.LSTM` and fastai 2.8: words a CPU second.

The published sizes: vectors of 400, 1,152 units between three layers, 10,000 words, 32 rows of 72
words a step, AdamW. `ours` is the learner with all five dropouts, AR and TAR; `plain` the same
without them; `sampled` is `ours` with `sampled=500`, another estimate of the same loss; `bare` the
shortest loop over torch's own modules, without dropout and penalties; `fastai` its
`language_model_learner` with its dropouts and penalties. The default precision is each side's own:
bf16 for ours on a CPU with units for it, fp32 for the others. Sides take turns within one process
and one thread; CPU seconds of whole steps count, after a first one. `pip install fastai` first; it
is no dependency of the project.

    python -m benchmarks.text_lm_speed         # writes results/text_lm_speed.csv
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import zoo
from scripts.lib.record import append
from zoo.core.batches import Data
from zoo.core.training.learner import Learner
from zoo.text.data.batches import StreamBatches
from zoo.text.data.stream import Stream
from zoo.text.models.language_model import LanguageNet, task

N_WORDS, ROWS, BPTT = 10_000, 32, 72
WIDTHS: Final = (400, 1152, 1152, 400)
RATE, DECAY = 1e-3, 0.01
LONGEST: Final = 1.05  # times the bare loop's time
FASTER: Final = 1.15  # times fastai's words a second


class Clock:
    """Stamps the end of each step; a callback of both learners."""

    def __init__(self) -> None:
        self.stamps: list[float] = []

    def step_end(self, fit: Any = None) -> None:
        """Ours."""
        self.stamps.append(time.process_time())

    def rate(self) -> float:
        """Words a second after the first step."""
        return ROWS * BPTT * (len(self.stamps) - 1) / (self.stamps[-1] - self.stamps[0])


class Bare(nn.Module):
    """The network as one writes it, softmax and words sharing their vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(N_WORDS, WIDTHS[0])
        self.lstms = nn.ModuleList(
            nn.LSTM(i, o, batch_first=True) for i, o in itertools.pairwise(WIDTHS)
        )
        self.decoder = nn.Linear(WIDTHS[-1], N_WORDS)
        self.decoder.weight = self.words.weight

    def forward(self, tokens: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Shape: (B, T) -> (B, T, n_words)."""
        x, after = self.words(tokens), []
        for lstm, state in zip(self.lstms, states, strict=True):
            x, (h, c) = lstm(x, state)
            after.append((h.detach(), c.detach()))
        return self.decoder(x), after


def bare(numbers: np.ndarray, steps: int, precision: Any) -> float:
    """A loop with nothing around it."""
    net, clock = Bare().train(), Clock()
    optimizer = torch.optim.AdamW(
        net.parameters(), RATE, betas=(0.9, 0.99), eps=1e-5, weight_decay=DECAY, fused=True
    )
    rows = torch.from_numpy(numbers[:-1].astype(np.int64)).view(ROWS, -1)
    targets = torch.from_numpy(numbers[1:].astype(np.int64)).view(ROWS, -1)
    states: list[Any] = [None] * 3
    for step in range(steps):
        part = slice(step * BPTT, (step + 1) * BPTT)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            logits, states = net(rows[:, part], states)
            loss = F.cross_entropy(logits.flatten(0, 1), targets[:, part].flatten())
        loss.backward()
        optimizer.step()
        clock.step_end()
    return clock.rate()


def by_learner(numbers: np.ndarray, precision: Any, mult: float, sampled: int = 0) -> float:
    """By the library's learner; dropouts and penalties times `mult`."""
    clock = Clock()
    stream = Stream(numbers.astype(np.int32), np.array([0]), np.array([len(numbers)]))
    net = LanguageNet(n_words=N_WORDS, drop_mult=mult, skips_logits=bool(sampled))
    learn = Learner(
        net,
        Data(StreamBatches(stream, ROWS, BPTT, shuffle=False)),
        task(2.0 * mult, 1.0 * mult, sampled),
        callbacks=[clock],
        run=zoo.Run(device="cpu", precision=precision, progress=False),
    )
    learn.fit(1, RATE)
    return clock.rate()


def by_fastai(numbers: np.ndarray, precision: Any) -> float:
    """By fastai's learner."""
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders
    from fastai.text.data import LMDataLoader
    from fastai.text.learner import language_model_learner
    from fastai.text.models.awdlstm import AWD_LSTM
    from fastcore.foundation import L

    class Stamps(Callback):
        def __init__(self) -> None:
            self.clock = Clock()

        def after_batch(self) -> None:
            self.clock.step_end()

        def before_validate(self) -> None:
            from fastai.callback.core import CancelValidException

            raise CancelValidException

    stamps = Stamps()
    texts = L((torch.from_numpy(numbers.astype(np.int64)),))
    loader = LMDataLoader(
        texts, lens=[len(numbers)], bs=ROWS, seq_len=BPTT, num_workers=0, shuffle=False
    )
    loaders = DataLoaders(loader, loader, device=torch.device("cpu"))
    loaders.vocab = [str(i) for i in range(N_WORDS)]
    learn = language_model_learner(loaders, AWD_LSTM, pretrained=False, cbs=[stamps], wd=DECAY)
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, RATE)
    return stamps.clock.rate()


def main() -> None:
    """Rows of words a second, then ratios of medians."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--rounds", type=int, default=4)
    flags.add_argument(
        "--steps", type=int, default=5, help="of each side and round, the first free"
    )
    flags.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    flags.add_argument("--sides", nargs="+", default=["ours", "plain", "sampled", "bare", "fastai"])
    flags.add_argument("--smoke", action="store_true", help="one round of two steps, no record")
    chosen = flags.parse_args()
    rounds, steps = (1, 2) if chosen.smoke else (chosen.rounds, chosen.steps)
    torch.set_num_threads(1)
    numbers = np.random.default_rng(0).integers(0, N_WORDS, ROWS * BPTT * steps + 1)
    sides: dict[str, Callable[[], float]] = {
        "ours": lambda: by_learner(numbers, chosen.precision, 1.0),
        "plain": lambda: by_learner(numbers, chosen.precision, 0.0),
        "sampled": lambda: by_learner(numbers, chosen.precision, 1.0, 500),
        "bare": lambda: bare(numbers, steps, chosen.precision),
        "fastai": lambda: by_fastai(numbers, chosen.precision),
    }
    rates: dict[str, list[float]] = {name: [] for name in chosen.sides}
    for number in range(rounds):
        for name in chosen.sides if number % 2 == 0 else chosen.sides[::-1]:
            rates[name].append(sides[name]())
            row = {"side": name, "round": number, "precision": chosen.precision, "steps": steps - 1}
            if chosen.smoke:
                print(row, round(rates[name][-1]), flush=True)
            else:
                append("text_lm_speed.csv", **row, words_a_second=round(rates[name][-1]))
    middle = {name: statistics.median(found) for name, found in rates.items()}
    print({name: round(rate) for name, rate in middle.items()})
    for name in [name for name in ("ours", "plain", "sampled") if name in middle]:
        if "bare" in middle:
            print(f"{name}: {middle['bare'] / middle[name]:.3f} of bare's time (<= {LONGEST})")
        if "fastai" in middle:
            print(f"{name}: {middle[name] / middle['fastai']:.3f} of fastai's rate (>= {FASTER})")


if __name__ == "__main__":
    main()
