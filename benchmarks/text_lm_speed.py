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
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Setting:
    """What all sides share.

    Attributes:
        precision: "fp32" or "bf16".
        rows: that are read side by side.
        n_words: words of the vocabulary.
        widths: of a word, and of each layer's output.
        device: where all sides train.
        free: first steps that are not timed.
    """

    precision: Any = "fp32"
    rows: int = ROWS
    n_words: int = N_WORDS
    widths: tuple[int, ...] = WIDTHS
    device: str = "cpu"
    free: int = 1

    def numbers(self, steps: int) -> np.ndarray:
        """Words at random for so many steps. Shape: (rows * BPTT * steps + 1,)"""
        n = self.rows * BPTT * steps + 1
        return np.random.default_rng(0).integers(0, self.n_words, n)


class Clock:
    """Stamps the end of each step; a callback of both learners.

    On a CPU the stamps are CPU seconds, on a GPU its own events, which nobody has to wait for.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting, self.stamps = setting, list[Any]()

    def step_end(self, fit: Any = None) -> None:
        """Ours."""
        if self.setting.device == "cpu":
            self.stamps.append(time.process_time())
        else:
            self.stamps.append(torch.cuda.Event(enable_timing=True))
            self.stamps[-1].record()

    def rate(self) -> float:
        """Words a second after the free steps."""
        first, last = self.stamps[self.setting.free - 1], self.stamps[-1]
        if self.setting.device == "cpu":
            seconds = last - first
        else:
            torch.cuda.synchronize()
            seconds = first.elapsed_time(last) / 1000
        return self.setting.rows * BPTT * (len(self.stamps) - self.setting.free) / seconds


class Bare(nn.Module):
    """The network as one writes it, softmax and words sharing their vectors."""

    def __init__(self, n_words: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.words = nn.Embedding(n_words, widths[0])
        self.lstms = nn.ModuleList(
            nn.LSTM(i, o, batch_first=True) for i, o in itertools.pairwise(widths)
        )
        self.decoder = nn.Linear(widths[-1], n_words)
        self.decoder.weight = self.words.weight

    def forward(self, tokens: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Shape: (B, T) -> (B, T, n_words)."""
        x, after = self.words(tokens), []
        for lstm, state in zip(self.lstms, states, strict=True):
            x, (h, c) = lstm(x, state)
            after.append((h.detach(), c.detach()))
        return self.decoder(x), after


def bare(numbers: np.ndarray, setting: Setting) -> float:
    """A loop with nothing around it."""
    device, clock = setting.device, Clock(setting)
    net = Bare(setting.n_words, setting.widths).to(device).train()
    optimizer = torch.optim.AdamW(
        net.parameters(), RATE, betas=(0.9, 0.99), eps=1e-5, weight_decay=DECAY, fused=True
    )
    rows, targets = (
        torch.from_numpy(part.astype(np.int64)).to(device).view(setting.rows, -1)
        for part in (numbers[:-1], numbers[1:])
    )
    states: list[Any] = [None] * len(net.lstms)
    for start in range(0, rows.shape[1], BPTT):
        part = slice(start, start + BPTT)
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=setting.precision == "bf16"):
            logits, states = net(rows[:, part], states)
            loss = F.cross_entropy(logits.flatten(0, 1), targets[:, part].flatten())
        loss.backward()
        optimizer.step()
        clock.step_end()
    return clock.rate()


def by_learner(numbers: np.ndarray, setting: Setting, mult: float, sampled: int = 0) -> float:
    """By the library's learner; dropouts and penalties times `mult`."""
    clock = Clock(setting)
    stream = Stream(numbers.astype(np.int32), np.array([0]), np.array([len(numbers)]))
    d_embedding, d_hidden, *_ = setting.widths
    net = LanguageNet(
        n_words=setting.n_words,
        d_embedding=d_embedding,
        d_hidden=d_hidden,
        n_layers=len(setting.widths) - 1,
        drop_mult=mult,
        skips_logits=bool(sampled),
    )
    learn = Learner(
        net,
        Data(StreamBatches(stream, setting.rows, BPTT, shuffle=False)),
        task(2.0 * mult, 1.0 * mult, sampled),
        callbacks=[clock],
        run=zoo.Run(device=setting.device, precision=setting.precision, progress=False),
    )
    learn.fit(1, RATE)
    return clock.rate()


def by_fastai(numbers: np.ndarray, setting: Setting) -> float:
    """By fastai's learner."""
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders
    from fastai.text.data import LMDataLoader
    from fastai.text.learner import language_model_learner
    from fastai.text.models.awdlstm import AWD_LSTM
    from fastcore.foundation import L

    class Stamps(Callback):
        def __init__(self) -> None:
            self.clock = Clock(setting)

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
    setting = Setting(chosen.precision)
    numbers = setting.numbers(steps)
    sides: dict[str, Callable[[], float]] = {
        "ours": lambda: by_learner(numbers, setting, 1.0),
        "plain": lambda: by_learner(numbers, setting, 0.0),
        "sampled": lambda: by_learner(numbers, setting, 1.0, 500),
        "bare": lambda: bare(numbers, setting),
        "fastai": lambda: by_fastai(numbers, setting),
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
