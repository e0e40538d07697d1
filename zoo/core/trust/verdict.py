"""The line below the tables of a call: whose score its model has."""

from __future__ import annotations

from typing import Any

from zoo.core.model import Model


def verdict(model: Model[Any, Any]) -> str:
    """Why the scores of a model are not those of the last row of a table; empty where they are.

    A blend has scores of its own, folds have their mean, and a model that was trained on all rows
    keeps the scores of the one before.
    """
    blend, is_whole = model.blend, "scored" in model.training
    reasons = ["the mean of the folds"] if model.spread else []
    if blend is not None and blend.partners:
        partners: Any = blend.partners
        parts = [(blend.rest, "network")] if blend.rest else []
        parts += [(part, one.name) for one, part in zip(partners, blend.shares, strict=True)]
        reasons.append("of " + " and ".join(f"{part:.0%} {name}" for part, name in parts))
    elif blend is not None and blend.temperature is not None:
        reasons.append(f"of probabilities at temperature {blend.temperature:.2f}")
    reasons += ["measured before the training on all rows"] if is_whole else []
    if not (reasons and model.metrics):
        return ""
    scores = [f"{name} {value:.4f}{_spread(model, name)}" for name, value in model.metrics.items()]
    return f"score of the model: {', '.join(scores)}; {', '.join(reasons)}"


def _spread(model: Model[Any, Any], name: str) -> str:
    return f" ± {model.spread[name]:.4f}" if name in model.spread else ""
