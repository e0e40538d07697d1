"""Encoders of the library transformers: built from a plain config, and taken apart into layers.

What a config says of code is never followed: neither a repository's own code nor kernels that would
be fetched. Nothing here reads weights.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Final

from torch import nn

from zoo.core.batches import bounds
from zoo.core.training.groups import LayerGroup
from zoo.text.data.pieces import LACKING

N_BLOCK_GROUPS: Final = 3  # layer groups of the blocks between embeddings and head
MOST_LAYERS: Final = 256
_NOT_OURS: Final = {  # what a config may say beside the encoder: code, precision, labels, outputs
    *("model_type", "auto_map", "architectures", "dtype", "torch_dtype", "quantization_config"),
    *("id2label", "label2id", "problem_type", "return_dict", "transformers_version"),
    *("output_attentions", "output_hidden_states"),
}


def plain_config(tree: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says of an encoder itself, fit for JSON; nothing of the code that runs it.

    Args:
        tree: the content of the config.json of an encoder.

    Raises:
        ModuleNotFoundError: transformers is not installed.
        ValueError: transformers knows no such encoder, or it has a decoder too.
    """
    name = tree.get("model_type")
    usual = config_of({"model_type": name}).to_dict()
    stated = {key: value for key, value in tree.items() if _is_ours(key)}
    whole = config_of(stated | {"model_type": name}).to_dict()  # older spellings brought up to date
    return {"model_type": name} | {
        key: value
        for key, value in whole.items()
        if _is_ours(key) and key in usual and (key in stated or value != usual[key])
    }


def library() -> Any:
    """The library transformers.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise ModuleNotFoundError(LACKING) from error
    return transformers


def config_of(tree: Mapping[str, Any]) -> Any:
    """The config object of transformers; see `plain_config` for the errors."""
    settings = {key: value for key, value in tree.items() if key != "model_type"}
    name = tree.get("model_type")
    auto = library().AutoConfig
    try:
        with quiet():
            config = auto.for_model(name, **settings)
    except Exception as error:  # of the library's own kinds too
        raise ValueError(
            f"an encoder must be one that this version of transformers knows, got model_type="
            f"{name!r:.60} ({str(error).splitlines()[0]:.200}). Install a newer one."
        ) from error
    if getattr(config, "is_encoder_decoder", False):
        raise ValueError(
            f"an encoder must have no decoder, got model_type={name!r:.60}, which has one. Take "
            "BERT or another encoder, such as 'minilm'."
        )
    return config


def body_of(config: Mapping[str, Any]) -> Any:
    """The encoder with random weights, without a layer after the vectors of pieces.

    Raises:
        ModuleNotFoundError: transformers is not installed.
        ValueError: see `plain_config`.
    """
    built = config_of(plain_config(config))
    if not 1 <= getattr(built, "num_hidden_layers", 0) <= MOST_LAYERS:
        raise ValueError(f"an encoder must have 1 to {MOST_LAYERS} layers, got {config!r:.200}")
    try:
        with quiet():
            body = library().AutoModel.from_config(built, trust_remote_code=False)
    except NotImplementedError:  # nothing of the config: what a device lacks
        raise
    except Exception as error:
        raise ValueError(f"an encoder must be one that can be built, got {error!s:.200}") from error
    return without_pooler(body)


def without_pooler(body: Any) -> Any:
    """The encoder without its layer for pairs of sentences, which no vector of a piece needs."""
    if getattr(body, "pooler", None) is not None:
        body.pooler = None
    return body


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Leave out what transformers prints and warns of while it builds or reads an encoder."""
    logging = library().utils.logging
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def longest(body: nn.Module) -> int:
    """Pieces that an encoder has positions for; some families begin theirs after the padding's."""
    tables = [
        module
        for name, module in body.named_modules()
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding)
    ]
    if tables:
        return min(one.num_embeddings - _after_padding(one.padding_idx) for one in tables)
    stated = getattr(body.config, "max_position_embeddings", None)  # of turning or relative ones
    return int(stated) if isinstance(stated, int) and stated > 0 else 2**31


def n_types_of(body: Any) -> int:
    """Types of pieces that an encoder tells apart; 1 if it reads none."""
    reads = "token_type_ids" in inspect.signature(body.forward).parameters
    return max(int(getattr(body.config, "type_vocab_size", 0) or 0), 1) if reads else 1


def groups_of(body: nn.Module) -> list[LayerGroup]:
    """The layer groups of an encoder: embeddings, then its blocks in a few groups.

    What comes after the blocks belongs to the last of them.
    """
    blocks = blocks_of(body)
    n = min(N_BLOCK_GROUPS, len(blocks))
    early, late = _around(body, {module for block in blocks for module in block.modules()})
    parts = [tuple(blocks[slice(*bounds(len(blocks), n, i))]) for i in range(n)]
    groups = [LayerGroup(f"blocks{i}", part) for i, part in enumerate(parts)]
    groups[-1] = LayerGroup(groups[-1].name, groups[-1].modules + late.modules, late.bare)
    return [early, *groups]


def blocks_of(body: nn.Module) -> list[nn.Module]:
    """The encoder's blocks, input first: the list of modules with the most parameters."""
    lists = [module for module in body.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise ValueError(f"an encoder must have a list of blocks, got {type(body).__name__}")
    return [*max(lists, key=lambda one: sum(p.numel() for p in one.parameters()))]


def _around(body: nn.Module, inside: set[nn.Module]) -> tuple[LayerGroup, LayerGroup]:
    """What stands before the blocks, embeddings wherever they are, and what comes after."""
    groups: list[tuple[list[nn.Module], list[nn.Parameter]]] = [([], []), ([], [])]
    is_late = False
    for module in body.modules():
        is_late |= module in inside
        own = [*module.parameters(recurse=False)]
        if module in inside or not own:
            continue
        modules, bare = groups[is_late and not isinstance(module, nn.Embedding)]
        if next(module.children(), None) is None:
            modules.append(module)
        else:
            bare.extend(own)
    (first, second), (third, fourth) = groups
    early = LayerGroup("embeddings", tuple(first), tuple(second))
    return early, LayerGroup("late", tuple(third), tuple(fourth))


def _after_padding(index: int | None) -> int:
    return 0 if index is None else index + 1


def _is_ours(key: str) -> bool:
    """Whether a key of a config tells of the encoder, and not of how code runs it."""
    return key not in _NOT_OURS and not key.startswith("_") and "implementation" not in key
