"""An artifact: a model as a directory of JSON, safetensors and text; never a pickle.

config.json             format, domain, task, model name and arguments, spec, members, files ...
model.safetensors       the weights; further members of an ensemble as model-2.safetensors ...;
                        matrices may be stored in half precision (`halved`), the loaded model
                        computes in its own
README.md               the model card
history.csv             the record of the training
trained-on.safetensors  a sketch of the training rows' hashes, see `zoo.core.seen_rows.SeenRows`
familiar.safetensors    statistics of ordinary inputs, see `zoo.core.trust.unknown`
training-examples.safetensors  training examples and their vectors, if `keep_examples` was asked for

Every stored thing either describes all rows together or tells of single rows or users. Together:
classes, scores, the history, the medians, means and deviations of columns, statistics of ordinary
inputs. Single rows and users:

- the ids of a recommender's users, their vectors, and who rated what, which
  `Recommender.without_users` leaves out;
- a category or a word, if it stands in one row or one text alone: columns of names belong into
  `ignore`;
- the examples that `keep_examples=True` keeps: they are never published;
- the sketch, to whoever has a row and asks for it: it is never published;
- the weights, as far as training has memorised its rows.

Format 2 is an artifact in which something changes predictions that a reader of format 1 does not
know; what needs nothing new is still written as format 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zoo.core import state_file
from zoo.core.config import (
    CARD,
    CONFIG,
    EXAMPLES,
    FAMILIAR,
    HISTORY,
    LARGEST_CONFIG,
    SEEN_ROWS,
    TRAINING_STATE,
    ArtifactError,
    Config,
    obsolete_files,
    read_config,
    text_of,
)
from zoo.core.history import History
from zoo.core.messages import warn
from zoo.core.saving import saved_together
from zoo.core.seen_rows import SKETCH_SIZE, SeenRows
from zoo.core.trust.conformal import errors_of
from zoo.core.trust.examples import Examples
from zoo.core.trust.unknown import Familiar

T = TypeVar("T")


@dataclass(frozen=True)
class Artifact:
    """Content of a directory: the config, the weights of each member, the history."""

    config: Config
    weights: list[dict[str, Tensor]]
    history: History
    seen_rows: SeenRows | None = None
    familiar: Familiar | None = None
    examples: Examples | None = None

    @property
    def record(self) -> dict[str, Any]:
        """Keyword arguments of a domain's model beside its networks and spec."""
        names = ("metrics", "spread", "data", "training", "licence", "extra")
        record = {name: getattr(self.config, name) for name in names}
        return record | {
            "history": self.history,
            "seen_rows": self.seen_rows,
            "familiar": self.familiar,
            "examples": self.examples,
            "rivals": self.config.rivals,
            "errors": errors_of(self.config.errors),
        }

    @property
    def networks(self) -> list[dict[str, Tensor]]:
        """The weights of the networks, without those of the partners of a blend."""
        return self.weights[: len(self.weights) - len(self.config.blend)]


@contextmanager
def built(what: str) -> Iterator[None]:
    """Whatever goes wrong while a model is built as config.json says, in one sentence.

    Args:
        what: config.json should describe, such as "a recommender".

    Raises:
        ArtifactError: it does not.
    """
    try:
        yield
    except ArtifactError:
        raise
    except (
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
    ) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise ArtifactError(
            f"{CONFIG} must describe {what} that this version builds, got another ({said:.400}). "
            "Save or fetch the artifact again."
        ) from error


def weight_files(n: int) -> list[str]:
    """Names of the weight files of n members.

    >>> weight_files(2)
    ['model.safetensors', 'model-2.safetensors']
    """
    return ["model.safetensors", *(f"model-{i}.safetensors" for i in range(2, n + 1))]


def write(
    directory: Path | str,
    config: Config,
    weights: Sequence[dict[str, Tensor]],
    history: History,
    card: str,
    *,
    seen_rows: SeenRows | None = None,
    familiar: Familiar | None = None,
    examples: Examples | None = None,
    own_run: bool = False,
    run_files: dict[str, str] | None = None,
) -> Path:
    """Write an artifact into a directory, whole or not at all.

    What an earlier artifact or a finished run left there is removed; other files stay.

    Args:
        directory: the target; parents are made.
        config: all but `files`, which is what is written.
        weights: tensors of each member.
        history: record of the training.
        card: text of README.md.
        seen_rows: sketch of the training rows.
        familiar: statistics of ordinary inputs.
        examples: those that are kept as evidence.
        own_run: whether the training state in the directory is that of this model, which stays
            until the run is finished.
        run_files: texts of files by name that belong to the run and are never published.

    Raises:
        FileExistsError: the directory holds something else than an artifact or a run.
        OSError: there is no room or no permission; what lay there is unchanged.
        ValueError: the config holds what JSON does not keep.
    """
    target = Path(directory)
    require_replaceable(target, own_run=own_run)
    texts = {CARD: card, HISTORY: history.to_csv()}
    files = [*config.members, *texts, *([SEEN_ROWS] if seen_rows is not None else [])]
    further: dict[str, Familiar | Examples | None] = {FAMILIAR: familiar, EXAMPLES: examples}
    files += [name for name, one in further.items() if one is not None]
    texts[CONFIG] = replace(config, files=files).to_json()
    with saved_together(target, obsolete_files) as folder:
        for name, tensors in zip(config.members, weights, strict=True):
            save_file(_plain(tensors), folder / name, {"format": "pt"})
        if seen_rows is not None:
            _save_seen_rows(seen_rows, folder / SEEN_ROWS)
        for name, one in further.items():
            if one is not None:
                save_file(_plain(one.tensors()), folder / name)
        for name, text in (texts | (run_files or {})).items():
            (folder / name).write_text(text, encoding="utf-8")
        for path in folder.iterdir():
            path.chmod(0o644)  # safetensors leaves it to its owner alone
    if not own_run:
        (target / TRAINING_STATE).unlink(missing_ok=True)
    return target


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices and filters in half precision; vectors, such as norms' statistics, as they are.

    Raises:
        ValueError: a value is beyond what half precision holds.
    """
    halves = {
        name: tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor
        for name, tensor in tensors.items()
    }
    if odd := [name for name, half in halves.items() if not half.isfinite().all()]:
        raise ValueError(
            f"half precision holds values up to 65504, got a larger one in {odd[0]!r}. Store the "
            "weights as they are."
        )
    return halves


def read(directory: Path | str) -> Artifact:
    """Read an artifact. Nothing in it is unpickled or executed.

    Raises:
        ArtifactError: the config or a weight file is missing, damaged or of another kind.
    """
    config = read_config(directory)
    folder = Path(directory)
    weights = [_read_weights(folder / name) for name in config.members]
    path = folder / HISTORY
    try:
        history = History.from_csv(text_of(path, LARGEST_CONFIG)) if path.exists() else History()
    except (ValueError, OSError) as error:
        raise ArtifactError(
            f"{HISTORY} must hold numbers, got something else ({error!s:.300}). Delete it."
        ) from error
    has_seen_rows = SEEN_ROWS in config.files and (folder / SEEN_ROWS).exists()
    seen_rows = _read_seen_rows(folder / SEEN_ROWS) if has_seen_rows else None
    familiar = _read_further(folder, FAMILIAR, config, Familiar.from_tensors)
    examples = _read_further(folder, EXAMPLES, config, Examples.from_tensors)
    return Artifact(config, weights, history, seen_rows, familiar, examples)


def load_weights(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give a model its weights.

    Raises:
        ArtifactError: names or shapes differ from the model's, or a weight is no finite number.
    """
    check_weights(model, tensors)
    require_finite(model, tensors)
    model.load_state_dict(tensors)


def require_finite(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Refuse weights that are no numbers; buffers may be infinite, as masks of attention are.

    Raises:
        ArtifactError: a weight is NaN or infinite.
    """
    learnt = dict(model.named_parameters())
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            continue
        if tensor.isnan().any() or (name in learnt and tensor.isinf().any()):
            raise ArtifactError(
                f"weights must be finite numbers, got others in {name!r}. Train with a lower rate, "
                "or save or fetch the artifact again."
            )


def check_weights(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Refuse weights whose names or shapes differ from the model's; it may be on the meta device.

    Raises:
        ArtifactError: they do.
    """
    own = model.state_dict()
    wrong = [
        f"{name!r} {tuple(tensors[name].shape) if name in tensors else 'is missing'}"
        for name in own
        if name not in tensors or tensors[name].shape != own[name].shape
    ] + [f"{name!r} is unknown" for name in tensors if name not in own]
    if wrong:
        raise ArtifactError(
            f"weights must fit the model that {CONFIG} names, got some that do not: {wrong[0]} "
            f"({len(wrong)} such in all). Save or fetch the artifact again."
        )


def require_replaceable(target: Path, *, own_run: bool = False) -> None:
    """Refuse to write where other files lie than an artifact's or a run's; warn of a replacement.

    Args:
        target: the directory.
        own_run: whether the run in the directory is the caller's own.

    Raises:
        FileExistsError: the directory holds something else, or an unfinished run.
    """
    if own_run or not target.exists() or (target.is_dir() and not any(_visible(target))):
        return
    if state_file.is_unfinished(target / TRAINING_STATE):
        raise FileExistsError(
            f"a folder holds one run, got {target.name!r}, which has an unfinished one. Continue "
            f"it with Run(resume=True), delete {TRAINING_STATE} there, or choose another folder."
        )
    if target.is_dir() and (described := _description(target)) is not None:
        if described:
            warn(f"{target.name!r} holds an earlier model ({described}), which is replaced")
        return
    other = "holds other files" if target.is_dir() else "is a file"
    raise FileExistsError(
        f"a model may take the place of a model of this library alone, got {str(target)!r}, which "
        f"{other}. Choose another directory."
    )


def _visible(folder: Path) -> Iterator[Path]:
    """Files and folders but hidden ones, such as what a killed save left."""
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _description(folder: Path) -> str | None:
    """The model in a folder, in a few words; empty for a run without one; None for neither."""
    try:
        config = read_config(folder)
    except ArtifactError:
        if (folder / CONFIG).exists():  # another library's, or a damaged one of ours
            return None
        is_run = state_file.is_unfinished(folder / TRAINING_STATE) is not None
        return "" if is_run else None
    return f"{config.domain}, {config.task}"


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no regular file")
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ArtifactError(
            f"weights must be a whole safetensors file, got {path.name!r}, which is not "
            f"({error!s:.300}). It was not opened in any other way: save or fetch the artifact "
            "again."
        ) from error


def _save_seen_rows(seen: SeenRows, path: Path) -> None:
    hashes = torch.from_numpy(seen.hashes.view(np.int64).copy())
    save_file({"hashes": hashes, "n": torch.tensor(seen.n)}, path)


def _read_seen_rows(path: Path) -> SeenRows:
    tensors = _read_weights(path)
    hashes, n = tensors.get("hashes"), tensors.get("n")
    fits = (
        hashes is not None
        and n is not None
        and hashes.dtype == n.dtype == torch.int64
        and hashes.dim() == 1
        and n.dim() == 0
        and len(hashes) <= SKETCH_SIZE
    )
    if not fits or hashes is None or n is None:
        raise ArtifactError(
            f"{SEEN_ROWS} must hold up to {SKETCH_SIZE} hashes and a number of rows, got other "
            "tensors. Save or fetch the artifact again."
        )
    return SeenRows(np.sort(hashes.numpy().view(np.uint64)), max(int(n), 0))


def _read_further(
    folder: Path, name: str, config: Config, read: Callable[[dict[str, Tensor]], T]
) -> T | None:
    """What a further file of an artifact holds; None if it has none."""
    if name not in config.files or not (folder / name).exists():
        return None
    tensors = _read_weights(folder / name)
    try:
        return read(tensors)
    except ValueError as error:
        raise ArtifactError(
            f"{name} must hold what this library has written there, got something else "
            f"({error!s:.300}). Save or fetch the artifact again."
        ) from error


def _plain(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU that share no memory, as safetensors wants them."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
