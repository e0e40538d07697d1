"""Part 5: tokens per second of the language model beside a bare cuDNN loop.

See `benchmarks.text_lm_speed`: `ours` is the learner with all dropouts and penalties, `plain` the
same without them, `bare` the shortest loop over `nn.LSTM`. Vectors of 400, 1,152 units between
three layers, 30,000 words, 128 rows of 72 words, bf16 by autocast; sides take turns.
"""

from __future__ import annotations

import statistics
from typing import Final

from benchmarks.device.room import Room
from benchmarks.text_lm_speed import LONGEST, Setting, bare, by_learner

ROUNDS, STEPS, FREE = 5, 40, 5
SIDES: Final = ("ours", "plain", "bare")


def run(room: Room) -> None:
    """Rows of tokens per second, then the ratios of medians."""
    smoke = room.at.smoke
    setting = (
        Setting("bf16", rows=2, n_words=100, widths=(8, 12, 12, 8), device=room.at.device)
        if smoke
        else Setting("bf16", rows=128, n_words=30_000, device=room.at.device, free=FREE)
    )
    rounds, steps = (1, 3) if smoke else (ROUNDS, STEPS)
    numbers = setting.numbers(steps)
    sides = {
        "ours": lambda: by_learner(numbers, setting, 1.0),
        "plain": lambda: by_learner(numbers, setting, 0.0),
        "bare": lambda: bare(numbers, setting),
    }
    rates: dict[str, list[float]] = {name: [] for name in SIDES}
    for i in range(rounds):
        for name in SIDES if i % 2 == 0 else SIDES[::-1]:
            rates[name].append(sides[name]())
            room.row(f"awd_lstm {name}", "rate", rates[name][-1], "tokens/s", round=i)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    for name in SIDES:
        room.row(f"awd_lstm {name}", "median rate", middle[name], "tokens/s")
    for name in SIDES[:-1]:
        room.row(f"awd_lstm {name}", "ratio", middle["bare"] / middle[name], at_most=LONGEST)
