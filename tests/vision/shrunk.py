"""Large families of torchvision with fewer and narrower blocks: their classes in little memory."""

from __future__ import annotations

from typing import Any

import pytest
from torchvision.models import convnext, swin_transformer, vision_transformer

D_VIT = 32  # width of the vision transformers
SMALLER: dict[str, dict[str, Any]] = {
    "vision_transformer": {"num_layers": 2, "num_heads": 2, "hidden_dim": D_VIT, "mlp_dim": 64},
    "swin_transformer": {"embed_dim": 16, "depths": [1, 1, 2, 1], "num_heads": [1, 2, 2, 4]},
}


@pytest.fixture
def shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have torchvision build vision transformers, Swin transformers and ConvNeXts in small."""
    for module in (vision_transformer, swin_transformer):
        name = module.__name__.rpartition(".")[2]
        monkeypatch.setattr(module, f"_{name}", _smaller(getattr(module, f"_{name}"), name))
    build = convnext._convnext
    widths = (16, 32, 48, 64, None)
    blocks = [convnext.CNBlockConfig(widths[i], widths[i + 1], 1 + (i == 2)) for i in range(4)]
    monkeypatch.setattr(
        convnext, "_convnext", lambda _, *args, **more: build(blocks, *args, **more)
    )


def _smaller(build: Any, name: str) -> Any:
    return lambda **settings: build(**settings | SMALLER[name])
