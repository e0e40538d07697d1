"""ONNX files whose networks compute in whole numbers of 8 bits, by onnxruntime's own quantization.

Convolutions need to know the range of their inputs beforehand: the first quarter of the labelled
data calibrates it, and the rest are scored. All else is quantized dynamically: weights beforehand,
what they are multiplied with as it comes. Scores before and after are of the files themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.core.artifacts.onnx import require_onnx, write
from zoo.core.batches import Batch
from zoo.core.program import Program
from zoo.core.training.evaluation import evaluate

CALIBRATING: Final = 4  # one batch of so many calibrates,
MOST: Final = 8  # and no more than these

ROW: Final = "exported as int8"  # of the card

Scores = dict[str, dict[str, float]]


def quantized(place: Path, program: Program, data: Any) -> Scores:
    """Quantize the networks of an ONNX file in its place.

    Args:
        place: the file.
        program: what it was written from.
        data: labelled data, by which it is calibrated and scored.

    Returns:
        The scores "fp32" and "int8", and the number of "bytes" of each.

    Raises:
        ModuleNotFoundError: onnxruntime is not installed.
    """
    assert program.feeds is not None
    assert program.to_score is not None
    batches = _two_at_least(list(program.to_score(data).epoch(0)))
    n = min(max(len(batches) // CALIBRATING, 1), MOST)
    before = place.with_name(f"{place.name}.fp32")
    place.rename(before)
    try:
        _quantize(before, place, [program.feeds(batch) for batch in batches[:n]])
        files = {"fp32": before, "int8": place}
        scores = {name: _scores(file, program, batches[n:]) for name, file in files.items()}
        write(place, require_onnx().load(place), {**program.facts, "int8": scores})
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    finally:
        before.unlink()
    return scores


def require_quantizable(program: Program) -> None:
    """Refuse a program before anything is written.

    Raises:
        NotImplementedError: it is not one of those whose files become smaller.
    """
    if program.feeds is None or program.to_score is None:
        raise NotImplementedError(
            "a model must tell classes or numbers of photos or texts to be quantized, got another: "
            "tables of vectors stay as large as they are. Leave quantize out."
        )


def in_words(scores: Scores) -> str:
    """Scores before and after in a line, for the card.

    >>> before, after = {"accuracy": 0.97, "bytes": 8e6}, {"accuracy": 0.96, "bytes": 2e6}
    >>> in_words({"fp32": before, "int8": after})
    'accuracy 0.97 before, 0.96 after; 8 MB before, 2 MB after'
    """
    before, after = scores["fp32"], scores["int8"]
    parts = [
        f"{name} {value:.4g} before, {after[name]:.4g} after"
        for name, value in before.items()
        if name != "bytes"
    ]
    sizes = (f"{one['bytes'] / 1e6:.3g} MB" for one in (before, after))
    return "; ".join([*parts, "{} before, {} after".format(*sizes)])


def session_of(file: Path) -> Any:
    """An ONNX file in onnxruntime, on the CPU.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "onnxruntime must be installed to quantize ONNX files, got none. Run pip install "
            "'transfer-zoo[onnx]'."
        ) from None
    return onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])


class _Answers(nn.Module):
    """The predictions of a file, in the place of a network."""

    def __init__(self, file: Path, program: Program) -> None:
        super().__init__()
        self.session, self.program = session_of(file), program

    def forward(self, *inputs: Tensor) -> Tensor:
        """The first output for a batch. Shape: (B, ...) of what the file gives."""
        assert self.program.feeds is not None
        feeds = self.program.feeds(Batch(inputs, torch.zeros(len(inputs[0]))))
        (said,) = self.session.run([self.program.outputs[0]], dict(feeds))
        return torch.from_numpy(said)[: len(inputs[0])]


def _scores(file: Path, program: Program, batches: Sequence[Batch]) -> dict[str, float]:
    """Loss and metrics of a file, and its bytes."""
    task = program.task
    assert task.score is not None
    decoded = replace(task, decode=lambda said: said, loss=task.score, valid_loss=None)
    answers = [_Answers(file, program)]
    scores = evaluate(answers, batches, decoded, torch.device("cpu"))
    return scores | {"bytes": float(file.stat().st_size)}


@dataclass
class _Examples:
    """What the calibration asks for, one batch after the other."""

    feeds: Iterator[Any]

    def get_next(self) -> Any:
        """The inputs of the next batch; None after the last."""
        return next(self.feeds, None)


def _quantize(source: Path, place: Path, feeds: Sequence[Any]) -> None:
    """Write a file of 8-bit numbers, by calibration where it has convolutions."""
    session_of(source)
    with _quiet():
        from onnxruntime import quantization

        model = require_onnx().load(source)
        if any(node.op_type == "Conv" for node in model.graph.node):
            quantization.quantize_static(model, place, _Examples(iter(feeds)), per_channel=True)
        else:
            quantization.quantize_dynamic(model, place)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the hints that the quantizer logs for its own tool chain."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _two_at_least(batches: list[Batch]) -> list[Batch]:
    """The batches; a single one is divided, a quarter of its rows first.

    Raises:
        ValueError: there are fewer than two rows.
    """
    if len(batches) > 1:
        return batches
    n = len(batches[0].target) if batches else 0
    if n < 2:
        raise ValueError(f"data must have 2 rows or more, got {n}. Pass those of the validation.")
    (batch,), low = batches, max(n // CALIBRATING, 1)
    return [
        batch._replace(inputs=tuple(x[rows] for x in batch.inputs), target=batch.target[rows])
        for rows in (slice(low), slice(low, None))
    ]
