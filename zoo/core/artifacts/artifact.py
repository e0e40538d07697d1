"""An artifact: a model as a directory of JSON, safetensors and text; never a pickle.

config.json             format, domain, task, model name and arguments, spec, members, files ...
model.safetensors       the weights; further members of an ensemble as model-2.safetensors ...;
                        matrices may be stored in half precision (`halved`), the loaded model
                        computes in its own
README.md               the model card
history.csv             the record of the training
trained-on.safetensors  a sketch of the training rows' hashes, see `zoo.core.split.SeenRows`; it
                        tells of single rows to whoever has them, and is never published

Format 2 is an artifact in which something changes predictions that a reader of format 1 does not
know; what needs nothing new is still written as format 1.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zoo.core.artifacts.card import FACTS, render
from zoo.core.artifacts.names import plain_name, require_distinct
from zoo.core.artifacts.saving import finish, saved_together
from zoo.core.history import History
from zoo.core.split import SKETCH_SIZE, SeenRows
from zoo.core.training import checkpoint

FORMATS: Final = (1, 2)
MODULE = "module"  # the domain of a user's own module
CONFIG, CARD, HISTORY = "config.json", "README.md", "history.csv"
SEEN_ROWS: Final = "trained-on.safetensors"
FINISHED: Final = "training-finished.json"  # what tells a repeated call that its run is over
LARGEST_CONFIG: Final = 2**28  # bytes; long vocabularies and lists of ids take some millions
_REQUIRED: dict[str, type] = {"domain": str, "task": str, "model": dict, "spec": dict}
_WEIGHTS = re.compile(r"model(-\d+)?\.safetensors")
_OF_AN_ARTIFACT: Final = (SEEN_ROWS, FINISHED, checkpoint.FILE, FACTS, "SHA256SUMS")


class ArtifactError(ValueError):
    """A directory that is not an artifact this library can trust and read."""


@dataclass(frozen=True)
class Config:
    """What config.json says. Fields that this version does not know are kept in `extra`.

    Attributes:
        domain: vision, text, tabular or collab.
        task: such as classification.
        model: {"name": ..., "args": {...}}: enough to build it again without weights.
        spec: what prediction needs besides weights.
        members: weight files, usually one.
        files: all files of the artifact beside config.json; nothing else is ever published.
        licence: of the weights, as an SPDX identifier where there is one.
        data: where the training data came from.
        metrics: scores on the validation part, by name.
        training: the recipe: settings, seed, versions.
    """

    domain: str
    task: str
    model: dict[str, Any]
    spec: dict[str, Any]
    members: list[str] = field(default_factory=lambda: ["model.safetensors"])
    files: list[str] = field(default_factory=list)
    licence: str = "unknown"
    data: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    format: int = 1

    def to_json(self) -> str:
        """The text of config.json.

        Raises:
            ValueError: something in it is no JSON, such as a UUID or a number that is not finite.
        """
        known = {k: v for k, v in vars(self).items() if k not in ("extra", "format")}
        known["metrics"] = {k: v for k, v in self.metrics.items() if math.isfinite(v)}
        tree = {"format": self.format, **known, **self.extra}
        try:
            text = json.dumps(
                tree, indent=2, ensure_ascii=False, default=_python_number, allow_nan=False
            )
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"a model must be stored as JSON, got settings or labels that cannot be ({error}). "
                "Use strings, whole numbers and finite numbers."
            ) from error
        return text + "\n"


@dataclass(frozen=True)
class Artifact:
    """Content of a directory: the config, the weights of each member, the history."""

    config: Config
    weights: list[dict[str, Tensor]]
    history: History
    seen_rows: SeenRows | None = None

    @property
    def record(self) -> dict[str, Any]:
        """Keyword arguments of a domain's model beside its networks and spec."""
        names = ("metrics", "data", "training", "licence", "extra")
        record = {name: getattr(self.config, name) for name in names}
        return record | {"history": self.history, "seen_rows": self.seen_rows}


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
            f"config.json must describe {what} that this version builds, however it does not "
            f"({said:.400}); save or fetch the artifact again"
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
    texts[CONFIG] = replace(config, files=files).to_json()
    with saved_together(target, _obsolete) as folder:
        for name, tensors in zip(config.members, weights, strict=True):
            save_file(_plain(tensors), folder / name, {"format": "pt"})
        if seen_rows is not None:
            _save_seen_rows(seen_rows, folder / SEEN_ROWS)
        for name, text in (texts | (run_files or {})).items():
            (folder / name).write_text(text, encoding="utf-8")
        for path in folder.iterdir():
            path.chmod(0o644)  # safetensors leaves it to its owner alone
    if not own_run:
        (target / checkpoint.FILE).unlink(missing_ok=True)
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
            f"half precision holds values up to 65504, however {odd[0]!r} has a larger one; store "
            "the weights as they are"
        )
    return halves


def save_module(
    directory: Path | str,
    module: nn.Module,
    history: History,
    *,
    training: dict[str, Any] | None = None,
    **run: Any,
) -> Path:
    """Write the artifact of a user's own module, of which only the weights can be kept."""
    name = type(module).__name__
    require_finite(module, module.state_dict())
    config = Config(MODULE, "own", {"name": name}, {}, training=training or {})
    example = f'import zoo\n\nmodule = zoo.load("{Path(directory).name}", model={name}(...))'
    card = render(config, load_example=example)
    return write(directory, config, [module.state_dict()], history, card, **run)


def load_module(directory: Path | str, module: nn.Module) -> nn.Module:
    """Give a user's own module the weights of an artifact.

    Raises:
        ArtifactError: the artifact is another's, or its weights do not fit the module.
    """
    stored = read(directory)
    load_weights(module, stored.weights[0])
    return module.eval()


def read_config(directory: Path | str) -> Config:
    """Read and check config.json alone.

    Raises:
        ArtifactError: it is missing, is no JSON, has an unknown format or lacks a field.
    """
    path = Path(directory) / CONFIG
    if not path.parent.is_dir():
        raise ArtifactError(
            f"an artifact is a directory with a {CONFIG}, however {str(directory)!r} is none; "
            "give the directory that save() returned"
        )
    try:
        finish(path.parent, _obsolete)
        tree = json.loads(_text(path, LARGEST_CONFIG))
    except FileNotFoundError:
        raise ArtifactError(
            f"an artifact is a directory with a {CONFIG}, however {str(directory)!r} has none; "
            "give the directory that save() returned"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(
            f"{CONFIG} must be a JSON object, however {str(path)!r} is not ({error!s:.300}); "
            "save or fetch the artifact again"
        ) from error
    if not isinstance(tree, dict) or "format" not in tree:
        raise ArtifactError(
            f"{CONFIG} must be a JSON object with a format, however {str(path)!r} is not; "
            "save or fetch the artifact again"
        )
    return config_of(tree)


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
        history = History.from_csv(_text(path, LARGEST_CONFIG)) if path.exists() else History()
    except (ValueError, OSError) as error:
        raise ArtifactError(
            f"{HISTORY} holds numbers, however it does not ({error!s:.300}); delete it"
        ) from error
    has_seen_rows = SEEN_ROWS in config.files and (folder / SEEN_ROWS).exists()
    seen_rows = _read_seen_rows(folder / SEEN_ROWS) if has_seen_rows else None
    return Artifact(config, weights, history, seen_rows)


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
            f"weights must fit the model that {CONFIG} names, however {wrong[0]} does not "
            f"({len(wrong)} such in all); save or fetch the artifact again"
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
    if checkpoint.is_unfinished(target / checkpoint.FILE):
        raise FileExistsError(
            f"a folder holds one run, got {target.name!r}, which has an unfinished one. Continue "
            f"it with Run(resume=True), delete {checkpoint.FILE} there, or choose another folder."
        )
    if target.is_dir() and (described := _description(target)) is not None:
        if described:
            warnings.warn(
                f"{target.name!r} holds an earlier model ({described}), which is replaced",
                UserWarning,
                stacklevel=3,
            )
        return
    raise FileExistsError(
        f"a model may take the place of a model of this library alone, got {str(target)!r}, which "
        "holds other files. Choose another directory."
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
        is_run = checkpoint.is_unfinished(folder / checkpoint.FILE) is not None
        return "" if is_run else None
    return f"{config.domain}, {config.task}"


def _obsolete(folder: Path) -> list[Path]:
    """Files of the parent that do not belong beside the artifact that lies whole in `folder`."""
    try:
        config = config_of(json.loads(_text(folder / CONFIG, LARGEST_CONFIG)))
    except (OSError, ValueError, RecursionError):
        return []
    new = {*config.files, *(path.name for path in folder.iterdir())}
    if FINISHED not in new:
        new.add(checkpoint.FILE)
    old = {path.name for path in folder.parent.iterdir() if not path.is_dir()}
    return [
        folder.parent / name
        for name in old - new
        if name in _OF_AN_ARTIFACT or _WEIGHTS.fullmatch(name)
    ]


def config_of(tree: dict[str, Any]) -> Config:
    """The config that a JSON object states.

    Raises:
        ArtifactError: its format is unknown, or a field is missing or of another kind.
    """
    tree = dict(tree)
    version = tree.pop("format")
    if version not in FORMATS or type(version) is not int:
        raise ArtifactError(
            f"a format must be one of {FORMATS} for this version of transfer-zoo, got "
            f"format={version!r:.60}. Install a newer version, or fetch the artifact again if that "
            "is no number."
        )
    wrong = [k for k, kind in _REQUIRED.items() if not isinstance(tree.get(k), kind)]
    members = tree.get("members", ["model.safetensors"])
    if not isinstance(members, list) or not members or not all(map(_is_member, members)):
        wrong.append("members")
    elif not _are_distinct(members):
        wrong.append("members (twice the same)")
    files = tree.get("files", [])
    if not isinstance(files, list) or not all(map(_is_plain, files)):
        wrong.append("files")
    wrong += [name for name in ("metrics", "training") if not isinstance(tree.get(name, {}), dict)]
    wrong += [name for name in ("licence", "data") if not isinstance(tree.get(name, ""), str)]
    if "metrics" not in wrong and not all(map(_is_number, tree.get("metrics", {}).values())):
        wrong.append("metrics")
    if wrong:
        raise ArtifactError(
            f"{CONFIG} must state {', '.join([*_REQUIRED, 'members'])}, however {wrong=} "
            "are missing or of another kind; save or fetch the artifact again"
        )
    names = [k for k in Config.__dataclass_fields__ if k in tree and k not in ("extra", "format")]
    known = {k: tree.pop(k) for k in names}
    return Config(**known, extra=tree, format=version)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _is_member(name: object) -> bool:
    """Whether a weight file's name stays in the directory and is safetensors."""
    return _is_plain(name) and str(name).endswith(".safetensors")


def _is_plain(name: object) -> bool:
    try:
        return bool(plain_name(name))
    except ValueError:
        return False


def _are_distinct(names: list[str]) -> bool:
    try:
        require_distinct(names)
    except ValueError:
        return False
    return len(set(names)) == len(names)


def _text(path: Path, largest: int) -> str:
    """The text of a regular file.

    Raises:
        OSError: there is none.
        ValueError: it is too large, or no UTF-8.
    """
    size = path.stat().st_size
    if not path.is_file() or size > largest:
        raise ValueError(f"it must be a regular file of at most {largest:,} bytes, got {size:,}")
    return path.read_text(encoding="utf-8")


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no regular file")
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ArtifactError(
            f"weights are a whole safetensors file, however {path.name!r} is not ({error!s:.300}); "
            "it was not opened in any other way: save or fetch the artifact again"
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


def _plain(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU that share no memory, as safetensors wants them."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def _python_number(value: Any) -> Any:
    """A NumPy number as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r:.60} is no JSON")
