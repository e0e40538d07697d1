"""Bodies from timm, by ``timm/NAME``, with or without a tag (``timm/resnet50.a1_in1k``).

timm says itself how a network falls into stages (``group_matcher``). Feature maps are used as they
are, channels first; token features are pooled the network's own way (``forward_head``). What the
features do not depend on, such as a layer after the pooling, is dropped.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, cast

import timm
import torch
from huggingface_hub import constants, try_to_load_from_cache
from timm.models._manipulate import group_parameters
from torch import Tensor, nn

from zoo.core.messages import did_you_mean
from zoo.vision.data.preprocessing import Preprocessing
from zoo.vision.models.bodies import Body, Sizes
from zoo.vision.models.downloads import unfetched, unreachable

Form = Literal["NCHW", "NHWC", "pooled"]

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
_MINIMUM = 32  # px; the usual total stride
_NAME = re.compile(r"[a-z0-9_.]+")  # nothing that timm would take for an address or a path


def names() -> list[str]:
    """Every architecture of the installed timm, plain and with each of its tags."""
    return sorted({*timm.list_models(), *timm.list_models(include_tags=True)})


def is_known(name: str) -> bool:
    """Whether ``name``, without ``timm/``, is a registered architecture; never an address."""
    alike = timm.list_models(name) + timm.list_models(name, include_tags=True)
    return bool(_NAME.fullmatch(name)) and timm.is_model(name) and name in alike


def config(name: str) -> Any:
    """The record that timm keeps of the weights of ``name``, or of its default tag."""
    return timm.get_pretrained_cfg(name) or timm.models.PretrainedCfg()


def licence(name: str) -> str:
    """The licence of the weights."""
    return config(name).license or "unknown"


def preprocessing(name: str, size: int | None = None) -> Preprocessing:
    """What the weights were trained with, at ``size`` or at their own."""
    cfg = config(name)
    side = cfg.input_size[1] if size is None else size
    crop = min(cfg.crop_pct, 1.0)  # a few say 1.15: they were shown black edges
    mean, std = tuple(cfg.mean), tuple(cfg.std)
    return Preprocessing(side, mean, std, cfg.interpolation, crop, cfg.crop_mode)


def sizes(name: str) -> Sizes:
    """The sizes that a body can be built for."""
    cfg = config(name)
    own = cfg.input_size[1]
    if not cfg.fixed_input_size:
        return Sizes(cfg.min_input_size[1] if cfg.min_input_size else min(_MINIMUM, own))
    patch = re.search(r"patch(\d+)|_p(\d+)_", name)
    step = int(patch[1] or patch[2]) if patch else own // cfg.pool_size[0] if cfg.pool_size else own
    return Sizes(step, multiple=step) if step < own and own % step == 0 else Sizes.only(own)


def build_body(name: str, *, pretrained: bool, size: int) -> Body:
    """The body of a timm network, with the weights of its tag where ``pretrained``.

    Raises:
        ValueError: There are no such weights, or the network does not take ``size``.
        ConnectionError: The weights are neither in the cache nor reachable.
    """
    sizes(name).check(f"timm/{name}", size)
    fixed = config(name).fixed_input_size
    options: dict[str, Any] = {"num_classes": 0}
    if fixed and size != config(name).input_size[1]:
        options["img_size"] = size
    if pretrained:
        options |= _weights(name)
    try:
        model = timm.create_model(name, pretrained=pretrained, **options)
    except OSError as error:
        raise unfetched(f"timm/{name}", _source(name), error) from error
    except TypeError as error:
        if "img_size" not in str(error):
            raise
        raise _refused(name, size) from error
    return body_of(model, f"timm/{name}", Sizes.only(size) if fixed else sizes(name), size)


def body_of(model: nn.Module, name: str, sizes: Sizes, size: int) -> Body:
    """The body of a timm network that has no classifier any more.

    Raises:
        ValueError: An image of ``size`` does not pass, or its features are neither map nor vector.
    """
    model.eval()
    try:
        with torch.enable_grad():
            features = cast(Any, model).forward_features(torch.zeros(1, 3, size, size))
            trunk = TimmTrunk(model, _form(model, features))
            features = trunk.arrange(features)
    except (RuntimeError, AssertionError, ValueError, IndexError) as error:
        raise _refused(name.removeprefix("timm/"), size) from error
    _drop_idle(model, features)
    d, spatial = features.shape[1], trunk.form != "pooled"
    body = Body(trunk, _ordinals(model), n_features=d, spatial=spatial, sizes=sizes, name=name)
    return body.train()


class TimmTrunk(nn.Module):
    """A timm network up to its features.

    Shape:
        - input: ``(B, 3, H, W)``
        - output: ``(B, C, h, w)``, or ``(B, C)`` where ``form`` is pooled
    """

    def __init__(self, model: nn.Module, form: Form) -> None:
        super().__init__()
        self.model = model
        self.form = form

    def forward(self, x: Tensor) -> Tensor:
        """A feature map with channels first, or features pooled as the network does it."""
        return self.arrange(cast(Any, self.model).forward_features(x))

    def arrange(self, features: Tensor) -> Tensor:
        """The network's raw features, channels first or pooled."""
        if self.form == "NCHW":
            return features
        if self.form == "NHWC":
            return features.permute(0, 3, 1, 2)
        return cast(Tensor, cast(Any, self.model).forward_head(features, pre_logits=True))


def _form(model: Any, features: object) -> Form:
    if isinstance(features, Tensor) and features.ndim == 4:
        last = features.shape[-1] == model.num_features != features.shape[1]
        return "NHWC" if last else "NCHW"
    return "pooled"


def _drop_idle(model: nn.Module, features: Tensor) -> None:
    """Put an identity in place of each module that the features do not depend on.

    Such as the norm and the layer after the pooling: a parameter without a gradient would be saved,
    counted and, in distributed training, waited for.
    """
    if features.ndim not in (2, 4):
        raise ValueError(f"features must be a map or a vector, got {features.shape=}")
    used = _parameters_of(features)
    idle = {path for path, p in model.named_parameters() if p.requires_grad and p not in used}

    def visit(module: nn.Module, prefix: str) -> None:
        for name, child in list(module.named_children()):
            inside = {f"{prefix}{name}.{path}" for path, _ in child.named_parameters()}
            if inside and inside <= idle:
                setattr(module, name, nn.Identity())
            elif inside & idle:
                visit(child, f"{prefix}{name}.")

    visit(model, "")


def _parameters_of(features: Tensor) -> set[Tensor]:
    """The parameters that features were computed from, by the graph that gradients would take."""
    seen: set[Any] = {features.grad_fn}
    left = list(seen)
    while left:
        node = left.pop()
        new = {before for before, _ in node.next_functions if before is not None} - seen
        seen |= new
        left += new
    return {node.variable for node in seen if hasattr(node, "variable")}


def _ordinals(model: nn.Module) -> dict[str, int]:
    """The layer group of every parameter, by timm's stages, or by blocks where those are few."""
    for coarse in (True, False):
        try:
            groups = group_parameters(model, cast(Any, model).group_matcher(coarse=coarse))
        except (AttributeError, AssertionError):  # none, or none of this kind
            continue
        if len(groups) > 2:
            return {f"model.{path}": i for i, paths in groups.items() for path in paths}
    return _ordinals_by_name(model)


def _ordinals_by_name(model: nn.Module) -> dict[str, int]:
    """The layer group of every parameter by the first words of its name, such as ``stages.2``."""
    ordinal_of: dict[str, int] = {}
    groups: dict[str, int] = {}
    for path, _ in model.named_parameters():
        part = cast("re.Match[str]", re.match(r"\w+(\.\d+)?", path))[0]
        if "." not in path:  # a token or an embedding joins what is already there
            part = next(reversed(ordinal_of), part)
        groups[f"model.{path}"] = ordinal_of.setdefault(part, len(ordinal_of))
    return groups


def _weights(name: str) -> dict[str, Any]:
    """Where timm is to read the weights: from the cache if they lie there, so without network."""
    cfg = config(name)
    if not cfg.has_weights:
        raise ValueError(
            f"a pretrained backbone must have published weights, got timm/{name}, which has none. "
            f"{did_you_mean(name, timm.list_pretrained(), cutoff=0)}"
        )
    if not cfg.hf_hub_id:
        return {}
    for file in WEIGHT_FILES:
        path = try_to_load_from_cache(cfg.hf_hub_id, file)
        if isinstance(path, str) and Path(path).is_file():
            return {"pretrained_cfg_overlay": {"file": path, "custom_load": False}}
    if not constants.HF_HUB_OFFLINE and (reason := unreachable(constants.ENDPOINT)):
        raise unfetched(f"timm/{name}", _source(name), reason)
    return {}


def _source(name: str) -> str:
    cfg = config(name)
    return f"{constants.ENDPOINT}/{cfg.hf_hub_id}" if cfg.hf_hub_id else str(cfg.url)


def _refused(name: str, size: int) -> ValueError:
    own = config(name).input_size[1]
    return ValueError(
        f"images for timm/{name} must be of {sizes(name)} that its stages divide evenly, got "
        f"{size=}. Try size={own}, its own."
    )
