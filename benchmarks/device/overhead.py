"""Part 2: what the learner costs beside a bare loop; see `benchmarks.loop_overhead`.

Both sides take turns on random tensors that lie on the device; a round takes about a third of a
second of the bare loop's time. Small networks, whose steps wait for Python, are measured as they
are, and with every mode of `Run` that spares launches.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final

from benchmarks.device.room import Room
from benchmarks.loop_overhead import Case, bare_round, model_and_data, pairs, timed
from zoo.core.run import Run

PAIRS: Final = 5
ROUND: Final = 0.3  # seconds
FEWEST, MOST = 4, 2000  # steps of a round
MOST_PHOTOS: Final = 24  # steps, each of which has photos of its own in memory
RATIO: Final = 1.03  # of ResNet-50 in bf16
ABOVE: Final = 20.0  # microseconds a step of the MLP in the best mode
MODES: Final[dict[str, dict[str, Any]]] = {"plain": {}, "compile": {"compile": True}}


def modes() -> dict[str, dict[str, Any]]:
    """Circumstances by name: as usual, compiled, and with CUDA graphs where `Run` knows them."""
    names = {one.name for one in fields(Run)} & {"graphs", "cuda_graphs"}
    return MODES | {name: {name: True} for name in sorted(names)}


def run(room: Room) -> None:
    """Every case; the figures that have a target first."""
    smoke = room.at.smoke
    for case in cases(room.at.device, smoke=smoke):
        small = case.unit == "us"
        best = []
        for mode, circumstances in (modes() if small else {"plain": {}}).items():
            name = f"{case.name} {case.precision} {case.batch_size} {mode}"
            try:
                best.append(measure(room, case, name, circumstances))
            except Exception as error:  # a mode that fails here must not hide the others
                room.row(name, "failed", f"{type(error).__name__}: {error}"[:300])
        if case.name == "mlp" and best:
            room.row(f"{case.name} best mode", "above", min(best), "us", at_most=ABOVE)


def cases(device: str, *, smoke: bool) -> Iterator[Case]:
    """ResNet-50, small networks, then the other networks of photos."""
    side, sizes = (32, (2,)) if smoke else (224, (64, 256))
    photos = Case("resnet50", 10, 64, 0, PAIRS, RATIO, "ratio", side=side, device=device)
    for name in ("resnet50", "mlp", "dot_bias", "resnet18", "vit_s"):
        if name in ("mlp", "dot_bias"):
            yield replace(photos, name=name, n_classes=3, unit="us")
            continue
        for precision in ("bf16",) if smoke else ("bf16", "fp32"):
            for batch_size in sizes:
                yield replace(photos, name=name, precision=precision, batch_size=batch_size)


def measure(room: Room, case: Case, name: str, circumstances: dict[str, Any]) -> float:
    """A row for each pair, and their median; which is returned, in the case's unit."""
    steps, rounds = (1, 1) if room.at.smoke else (steps_of(case), PAIRS)
    found = []
    for i, pair in enumerate(pairs(case, steps, rounds, **circumstances)):
        room.row(name, "bare", pair.bare, "us", round=i)
        room.row(name, "learner", pair.learner, "us", round=i)
        found.append(pair)
    has_target = case.name == "resnet50" and case.precision == "bf16"
    ratio = statistics.median(pair.ratio for pair in found)
    above = statistics.median(pair.above for pair in found)
    room.row(name, "ratio", ratio, at_most=RATIO if has_target else None)
    room.row(name, "above", above, "us")
    return ratio if case.unit == "ratio" else above


def steps_of(case: Case) -> int:
    """Steps of about a third of a second, by the bare loop's own time."""
    side = bare_round(case, *model_and_data(case, FEWEST))
    side()  # warm up
    seconds = timed(side, case.device) / FEWEST
    most = MOST if case.unit == "us" else MOST_PHOTOS
    return min(max(round(ROUND / seconds), FEWEST), most)
