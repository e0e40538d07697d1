"""Run: the circumstances of a training in one frozen object, and what they mean to torch."""

from __future__ import annotations

import contextlib
import functools
import operator
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import torch

from zoo.core.budget import Budget
from zoo.core.messages import warn

if TYPE_CHECKING:
    from accelerate import Accelerator

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_DTYPES: dict[str, torch.dtype | None] = {
    "fp32": None,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where, how exactly and how loudly to train; never what to learn.

    Args:
        device: "auto" takes CUDA, then MPS, then the CPU; else any name that torch knows.
        precision: "auto" is bf16 on GPUs that have it and fp32 elsewhere. On a CPU that has
            instructions for bf16, models whose record says that it is faster train in it, and
            the table of a training is of it; what they predict later, and their scores, is fp32.
        seed: seed of initial weights, order, augmentation and dropout.
        threads: number of threads that decode photos; None takes one for each core, at most eight.
        deterministic: have torch use deterministic algorithms during training, so that runs on
            CUDA repeat bit by bit; slower there.
        compile: pass the model through torch.compile.
        out: folder for the training state (and what a verb puts there).
        resume: continue the same call from the state in `out`: finished fits are skipped.
        save_every: seconds between saves of the training state, besides those at epoch ends.
        cache: folder for decoded photos and features; None takes ZOO_CACHE or the user's cache
            folder.
        cache_gb: gigabytes of both to keep at most.
        keep_memory: on a CPU, have the C library keep freed memory instead of asking the system for
            it anew at every step, as PyTorch does on GPUs (`benchmarks/allocator.py` measures the
            gain). That holds for the whole process from then on; the `zoo` command does it.
        progress: the bar and the table; None shows the bar on terminals and in notebooks alone,
            False shows neither.
        budget: time of the call, which a verb sets by its option `minutes`.

    Raises:
        ValueError: an unknown precision, or resume without out.
    """

    device: str = "auto"
    precision: Precision = "auto"
    seed: int = 0
    threads: int | None = None
    deterministic: bool = False
    compile: bool = False
    out: Path | str | None = None
    resume: bool = False
    save_every: float = 60.0
    cache: Path | str | None = None
    cache_gb: float = 8.0
    keep_memory: bool = False
    progress: bool | None = None
    budget: Budget | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise ValueError(
                f"precision must be one of {', '.join(get_args(Precision))}, got "
                f"precision={self.precision!r}. Try 'auto', which suits most."
            )
        if self.resume and self.out is None:
            raise ValueError(
                "resuming needs the folder of the earlier call, got out=None. Give Run(out=...)."
            )
        if not hasattr(self.seed, "__index__") or self.seed < 0:
            raise ValueError(f"a seed must be 0 or more, got seed={self.seed!r}. Try seed=0.")
        wrong = [
            f"{name}={value!r} ({allowed})"
            for name, value, is_fine, allowed in (
                ("seed", self.seed, self.seed < 2**63, "below 2**63"),
                ("threads", self.threads, self.threads is None or self.threads >= 1, "1 or more"),
                ("save_every", self.save_every, self.save_every >= 0, "0 or more seconds"),
                ("cache_gb", self.cache_gb, self.cache_gb >= 0, "0 or more"),
            )
            if not is_fine
        ]
        if wrong:
            raise ValueError(
                f"circumstances must be in their ranges, got {'; '.join(wrong)}. The defaults suit "
                "most."
            )
        object.__setattr__(self, "seed", operator.index(self.seed))  # NumPy's numbers too

    @property
    def shows_progress(self) -> bool:
        """Whether a bar is shown."""
        import rich  # slow to import

        console = rich.get_console()
        return (
            (console.is_terminal or console.is_jupyter) if self.progress is None else self.progress
        )

    @property
    def n_threads(self) -> int:
        """Threads for decoding."""
        return self.threads or min(os.cpu_count() or 1, 8)

    def torch_device(self) -> torch.device:
        """The device to train on.

        Raises:
            ValueError: torch does not know the device, or it is not there.
        """
        if self.device == "auto":
            shared = accelerator()
            return shared.device if shared else _best_device()
        try:
            return torch.empty(0, device=self.device).device  # with its number: cuda:0, not cuda
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            raise ValueError(
                f"the device must be there, got device={self.device!r}. Try device='auto', which "
                f"takes {_best_device().type!r} here."
            ) from error

    def autocast_dtype(
        self, device: torch.device, *, bf16_on_cpu: bool = False
    ) -> torch.dtype | None:
        """What autocast computes in; None is plain fp32.

        Args:
            device: where the model runs.
            bf16_on_cpu: whether it trains a model that, by its record (a paired measurement),
                does so faster in bf16 on a CPU with AVX512-BF16 or AMX. Predictions leave it out.
        """
        if self.precision != "auto":
            return _DTYPES[self.precision]
        if device.type == "cuda":
            has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
            return torch.bfloat16 if has_bf16 else None
        return torch.bfloat16 if device.type == "cpu" and bf16_on_cpu and cpu_units() else None


def in_fp32(run: Run, kind: str) -> Run:
    """The run with precision fp32; one warning says so to a user who wants another.

    For networks that are small and whose predictions lie near to each other.

    Args:
        run: the run.
        kind: what the model is of, such as "tables".

    >>> in_fp32(Run(), "tables").precision
    'fp32'
    """
    if run.precision not in ("auto", "fp32"):
        warn(
            f"models of {kind} must compute in fp32, got precision={run.precision!r}. It is not "
            "used, because it would make near predictions equal."
        )
    return run if run.precision == "fp32" else replace(run, precision="fp32")


def versions() -> str:
    """The versions that a training depends on."""
    from zoo.version import NUMERICS, __version__

    return f"transfer-zoo {__version__} (numerics {NUMERICS}), torch {torch.__version__}"


@functools.cache
def accelerator() -> Accelerator | None:
    """The process group under `torchrun` or `accelerate launch`; None in a single process."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return None
    from accelerate import Accelerator

    return Accelerator(mixed_precision="no", cpu=not torch.cuda.is_available())


def rank_and_world() -> tuple[int, int]:
    """This process's number and how many there are."""
    shared = accelerator()
    return (shared.process_index, shared.num_processes) if shared else (0, 1)


@contextlib.contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Torch's global generators start from `seed` inside, and are as before afterwards."""
    devices = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Torch's deterministic algorithms inside, if wanted; the user's setting afterwards."""
    before = torch.are_deterministic_algorithms_enabled()
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def cpu_units() -> list[str]:
    """What this CPU has to compute in bf16, for torch to use: none of it, AVX512-BF16, AMX."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return []
    units = {"AVX512-BF16": "_is_avx512_bf16_supported", "AMX": "_is_amx_tile_supported"}
    return [unit for unit, test in units.items() if getattr(torch.cpu, test, bool)()]
