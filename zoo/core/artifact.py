"""An artifact: a model as a directory of JSON, safetensors and text; never a pickle.

config.json        format, domain, task, model name and arguments, spec, members, licence ...
model.safetensors  the weights; further members of an ensemble as model-2.safetensors ...; matrices
                   may be stored in half precision (`halved`), the loaded model computes in its own
README.md          the model card
history.csv        the record of the training
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zoo.core import checkpoint
from zoo.core.card import render
from zoo.core.history import History

FORMAT = 1
READERS = {1: "0.1.0"}  # the first version of this library that reads a format
MODULE = "module"  # the domain of a user's own module
CONFIG, CARD, HISTORY = "config.json", "README.md", "history.csv"
_REQUIRED: dict[str, type] = {"domain": str, "task": str, "model": dict, "spec": dict}


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
    licence: str = "unknown"
    data: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text of config.json."""
        known = {k: v for k, v in vars(self).items() if k != "extra"}
        tree = {"format": FORMAT, **known, **self.extra}
        return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Artifact:
    """A directory read: the config, the weights of each member, the history."""

    config: Config
    weights: list[dict[str, Tensor]]
    history: History

    @property
    def record(self) -> dict[str, Any]:
        """What a domain's model is told of itself beside its networks and spec."""
        names = ("metrics", "data", "training", "licence", "extra")
        return {name: getattr(self.config, name) for name in names} | {"history": self.history}


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
) -> Path:
    """Write an artifact: beside the directory first, then put in its place whole.

    Raises:
        FileExistsError: the directory holds something else than an artifact.
    """
    target = Path(directory)
    may_replace(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        temporary.chmod(0o755)
        for name, tensors in zip(config.members, weights, strict=True):
            save_file(_plain(tensors), temporary / name, {"format": "pt"})
            (temporary / name).chmod(0o644)  # safetensors leaves it to its owner alone
        (temporary / CONFIG).write_text(config.to_json(), encoding="utf-8")
        (temporary / CARD).write_text(card, encoding="utf-8")
        (temporary / HISTORY).write_text(history.to_csv(), encoding="utf-8")
        _swap(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
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


def save_module(directory: Path | str, module: nn.Module, history: History) -> Path:
    """Write the artifact of a user's own module, of which only the weights can be kept."""
    name = type(module).__name__
    config = Config(MODULE, "own", {"name": name}, {})
    example = f'import zoo\n\nmodule = zoo.load("{Path(directory).name}", model={name}(...))'
    card = render(config, load_example=example)
    return write(directory, config, [module.state_dict()], history, card)


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
        tree = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(
            f"an artifact is a directory with a {CONFIG}, however {str(directory)!r} has none; "
            "give the directory that save() returned"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(
            f"{CONFIG} must be a JSON object, however {str(path)!r} is not ({error}); "
            "save or fetch the artifact again"
        ) from error
    if not isinstance(tree, dict) or "format" not in tree:
        raise ArtifactError(
            f"{CONFIG} must be a JSON object with a format, however {str(path)!r} is not; "
            "save or fetch the artifact again"
        )
    return _checked(tree)


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
        history = History.from_csv(path.read_text(encoding="utf-8")) if path.exists() else History()
    except (ValueError, OSError) as error:
        raise ArtifactError(
            f"{HISTORY} holds numbers, however it does not ({error}); delete it or save again"
        ) from error
    return Artifact(config, weights, history)


def load_weights(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give a model its weights.

    Raises:
        ArtifactError: names or shapes differ from the model's.
    """
    check_weights(model, tensors)
    model.load_state_dict(tensors)


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


def _checked(tree: dict[str, Any]) -> Config:
    version = tree.pop("format")
    if version != FORMAT:
        raise ArtifactError(
            f"this version of transfer-zoo reads format {FORMAT}, however format={version!r}; "
            "install a newer transfer-zoo, or fetch the artifact again if that is no number"
        )
    wrong = [k for k, kind in _REQUIRED.items() if not isinstance(tree.get(k), kind)]
    members = tree.get("members", ["model.safetensors"])
    if not isinstance(members, list) or not members or not all(map(_is_member, members)):
        wrong.append("members")
    elif len(set(members)) < len(members):
        wrong.append("members (twice the same)")
    wrong += [name for name in ("metrics", "training") if not isinstance(tree.get(name, {}), dict)]
    wrong += [name for name in ("licence", "data") if not isinstance(tree.get(name, ""), str)]
    if "metrics" not in wrong and not all(map(_is_number, tree.get("metrics", {}).values())):
        wrong.append("metrics")
    if wrong:
        raise ArtifactError(
            f"{CONFIG} must state {', '.join([*_REQUIRED, 'members'])}, however {wrong=} "
            "are missing or of another kind; save or fetch the artifact again"
        )
    known = {k: tree.pop(k) for k in Config.__dataclass_fields__ if k in tree and k != "extra"}
    return Config(**known, extra=tree)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _is_member(name: object) -> bool:
    """Whether a weight file's name stays in the directory and is safetensors."""
    return isinstance(name, str) and name == Path(name).name and name.endswith(".safetensors")


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ArtifactError(
            f"weights are a whole safetensors file, however {path.name!r} is not ({error}); "
            "it was not opened in any other way: save or fetch the artifact again"
        ) from error


def _plain(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU that share no memory, as safetensors wants them."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def may_replace(target: Path) -> None:
    """Refuse to write where other files lie.

    Raises:
        FileExistsError: the directory holds something else than an artifact or a run.
    """
    ours = (CONFIG, checkpoint.FILE)
    strange = target.is_file() or (
        target.is_dir()
        and any(not path.name.startswith(".") for path in target.iterdir())  # a killed save's
        and not any((target / name).exists() for name in ours)
    )
    if strange:
        raise FileExistsError(
            f"an artifact takes the place of nothing but an artifact, however {str(target)!r} "
            "holds other files; choose another directory"
        )


def _swap(new: Path, target: Path) -> None:
    """Put a finished directory in place; what else the old one held, but weights, stays."""
    if not target.exists():
        new.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent)) / "old"
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    for path in old.iterdir():
        if not (target / path.name).exists() and not path.match("model*.safetensors"):
            path.rename(target / path.name)
    shutil.rmtree(old.parent)
