"""A network for tables: columns joined in one of three ways, a perceptron, a head.

"mlp" is the entity-embedding network (Guo & Berkhahn 2016; layers and order as fastai's), whose
numbers are embedded piecewise-linearly too unless bins=0, with several perceptrons behind them;
"tabm" trains k members that share their weights (Gorishniy et al. 2024).

>>> net = build_network("mlp", rows=[4, 3], n_numbers=2, n_out=1)
>>> twin = build_network(**net.arguments())
>>> net.sizes, twin.arguments() == net.arguments()
([3, 3], True)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict, Unpack

import torch
from torch import Tensor, nn

from zoo.core.training.groups import LayerGroup
from zoo.tabular.models.inputs import Embeddings, Numbers, Piecewise, embedding_size
from zoo.tabular.models.members import Init, MemberLinear, OwnLinear
from zoo.tabular.options import Join, ModelName


class Settings(TypedDict, total=False):
    """What may be chosen of a network.

    Attributes:
        sizes: width of each column's embedding; None takes `embedding_size`.
        layers: widths of the hidden layers.
        dropout: probability after each hidden layer.
        embedding_dropout: probability on the joined inputs.
        join: "input" puts embeddings and numbers side by side into one perceptron; "inside" gives
            each a first layer of its own, joined behind it; "ensemble" makes two networks, whose
            outputs are averaged.
        bins: bins of the piecewise-linear embedding of a number; 0 leaves numbers as they are.
        d_number: width of that embedding.
        k: members that share the perceptron's weights; 0 for plain perceptrons with batch norms.
        members: plain perceptrons side by side behind the same inputs, each with weights of its
            own; the prediction is the mean of theirs.
        y_range: lowest and highest output of each target, as scaled; None sets no limits.
    """

    sizes: Sequence[int] | None
    layers: Sequence[int]
    dropout: float
    embedding_dropout: float
    join: Join
    bins: int
    d_number: int
    k: int
    members: int
    y_range: Sequence[Sequence[float]] | None


# The verbs choose the dropout of "mlp" by the task, see `zoo.tabular.options.DROPOUT`.
_BOTH: Final[Settings] = {"embedding_dropout": 0.0, "join": "input", "bins": 48, "members": 1}
DEFAULTS: Final[dict[ModelName, Settings]] = {
    "mlp": {**_BOTH, "layers": (200, 100), "dropout": 0.0, "d_number": 8, "k": 0, "members": 4},
    "tabm": {**_BOTH, "layers": (256, 256), "dropout": 0.1, "d_number": 16, "k": 16},
}


class TableNet(nn.Module):
    """Embeddings of categories, numbers, a perceptron (of one or k members), a head.

    Args:
        name: "mlp" or "tabm".
        rows: rows of the embedding of each column of categories.
        n_numbers: columns of numbers.
        n_out: outputs.
        settings: all of `Settings`.

    Shape:
        - x_cat: (B, n_cat), int64; x_cont: (B, n_numbers), scaled
        - output: (B, n_out), or (B, k, n_out) of k members, whether they share weights or not
    """

    def __init__(
        self, name: ModelName, rows: Sequence[int], n_numbers: int, n_out: int, settings: Settings
    ) -> None:
        super().__init__()
        self.name, self.n_numbers, self.n_out = name, n_numbers, n_out
        self.rows, self.settings = list(rows), settings
        sizes = settings.get("sizes")
        self.sizes = [embedding_size(n) for n in rows] if sizes is None else list(sizes)
        bins, self.d_number = settings["bins"], settings["d_number"] if settings["bins"] else 1
        self.embeddings = Embeddings(self.rows, self.sizes) if self.rows else None
        self.numbers: nn.Module | None = None
        if n_numbers:
            self.numbers = Piecewise(n_numbers, bins, self.d_number) if bins else Numbers(n_numbers)
        self.drop = nn.Dropout(settings["embedding_dropout"])
        widths = [n for n in (sum(self.sizes), n_numbers * self.d_number) if n]
        self.firsts, self.bodies, self.heads = _perceptrons(widths, n_out, settings)
        limits = settings.get("y_range")
        if limits is not None:
            self.register_buffer("limits", torch.tensor(limits, dtype=torch.float32).T, False)
        self.limited = limits is not None

    def forward(self, x_cat: Tensor, x_cont: Tensor) -> Tensor:
        """Outputs before any softmax, or scaled numbers."""
        hidden = self.hidden(x_cat, x_cont)
        outputs = [head(x) for head, x in zip(self.heads, hidden, strict=True)]
        output: Tensor = outputs[0] if len(outputs) == 1 else (outputs[0] + outputs[1]) / 2
        if self.limited:
            low, high = self.limits  # type: ignore[misc]
            output = torch.sigmoid(output) * (high - low) + low
        return output

    def hidden(self, x_cat: Tensor, x_cont: Tensor) -> list[Tensor]:
        """The last hidden layer of each perceptron. Shape: (B, n) or (B, k, n) each"""
        parts = [] if self.embeddings is None else [self.embeddings(x_cat)]
        if parts and self.drop.p:
            parts = [self.drop(parts[0])]
        parts += [] if self.numbers is None else [self.numbers(x_cont)]
        if len(self.bodies) == 1:
            if len(self.firsts):
                parts = [first(x) for first, x in zip(self.firsts, parts, strict=True)]
            parts = [torch.cat(parts, -1) if len(parts) > 1 else parts[0]]
        return [body(x) for body, x in zip(self.bodies, parts, strict=True)]

    def fit_inputs(self, x_cont: Tensor) -> None:
        """Cut numbers into bins at the quantiles of the training rows. Shape: (N, n_numbers)."""
        if isinstance(self.numbers, Piecewise):
            self.numbers.fit(x_cont)

    def fill_unseen(self) -> None:
        """Give unseen categories the mean vector of their column; evaluation does so by itself."""
        if self.embeddings is not None:
            self.embeddings.fill_unseen()

    def layers(self) -> list[LayerGroup]:
        """The layer groups: inputs, hidden layers, head."""
        inputs = [module for module in (self.embeddings, self.numbers) if module is not None]
        return [
            LayerGroup("inputs", tuple(inputs)),
            LayerGroup("layers", (self.firsts, self.bodies)),
            LayerGroup("head", (self.heads,)),
        ]

    def arguments(self) -> dict[str, Any]:
        """What builds the same architecture again; fit for JSON."""
        limits = self.settings.get("y_range")
        settings = {name: value for name, value in self.settings.items() if name != "members"}
        if self.settings["members"] > 1:  # readers of earlier artifacts know no members
            settings["members"] = self.settings["members"]
        own = {name: getattr(self, name) for name in ("name", "rows", "n_numbers", "n_out")}
        return {
            **own,
            **settings,
            "sizes": self.sizes,
            "layers": list(self.settings["layers"]),
            "y_range": None if limits is None else [list(pair) for pair in limits],
        }


def build_network(
    name: ModelName, rows: Sequence[int], n_numbers: int, n_out: int, **settings: Unpack[Settings]
) -> TableNet:
    """A network with random weights; what is not chosen is as `DEFAULTS` says for the name.

    Raises:
        ValueError: settings contradict each other or the table; all are named.
    """
    chosen: Settings = {**DEFAULTS[name], **settings}
    if chosen["k"] and "members" not in settings:
        chosen["members"] = 1
    _check(chosen, len(rows), n_out)
    return TableNet(name, rows, n_numbers, n_out, chosen)


def _perceptrons(
    widths: list[int], n_out: int, settings: Settings
) -> tuple[nn.ModuleList, nn.ModuleList, nn.ModuleList]:
    """First layers (of "inside" alone), bodies and heads for inputs of these widths."""
    layers, join, k = list(settings["layers"]), settings["join"], settings["k"]
    firsts: list[nn.Module] = []
    if join == "inside" and len(widths) > 1:
        firsts = [_body(width, layers[:1], settings, first=True) for width in widths]
        layers[0] *= len(widths)
        bodies = [_body(layers[0], layers[1:], settings, first=False)]
    else:
        apart = widths if join == "ensemble" else [sum(widths)]
        bodies = [_body(width, layers, settings, first=True) for width in apart]
    n, members = layers[-1], k or settings["members"]
    several = k or members > 1
    heads = [OwnLinear(n, n_out, members) if several else nn.Linear(n, n_out) for _ in bodies]
    return nn.ModuleList(firsts), nn.ModuleList(bodies), nn.ModuleList(heads)


def _body(n_in: int, layers: Sequence[int], settings: Settings, *, first: bool) -> nn.Sequential:
    """Hidden layers: linear, ReLU, batch norm, dropout; of k members without batch norm."""
    k, p = settings["k"], settings["dropout"]
    if settings["members"] > 1:
        return _side_by_side(n_in, layers, settings, first=first)
    modules: list[nn.Module] = []
    for i, n in enumerate(layers):
        if k:
            differ: Init = "normal" if settings["bins"] else "signs"
            init = differ if first and i == 0 else "ones"
            modules += [MemberLinear(n_in, n, k, init), nn.ReLU()]
        else:
            modules += [nn.Linear(n_in, n), nn.ReLU(), nn.BatchNorm1d(n)]
        modules += [nn.Dropout(p)] if p else []
        n_in = n
    return nn.Sequential(*modules)


def _side_by_side(
    n_in: int, layers: Sequence[int], settings: Settings, *, first: bool
) -> nn.Sequential:
    """Hidden layers of members with weights of their own; the first layer of all is one matrix.

    Shape: (B, n_in), or (B, members, n_in) behind a first layer, -> (B, members, n)
    """
    members, p = settings["members"], settings["dropout"]
    modules: list[nn.Module] = []
    for i, n in enumerate(layers):
        shared = first and i == 0
        modules += [nn.Linear(n_in, members * n)] if shared else [OwnLinear(n_in, n, members)]
        modules += [] if shared else [nn.Flatten()]
        modules += [nn.ReLU(), nn.BatchNorm1d(members * n)]
        modules += [nn.Dropout(p)] if p else []
        modules += [nn.Unflatten(1, (members, n))]
        n_in = n
    return nn.Sequential(*modules)


def _check(settings: Settings, n_cat: int, n_out: int) -> None:
    """Refuse settings that contradict each other or the table; the options table has their ranges.

    Raises:
        ValueError: some do; all are named.
    """
    sizes, limits = settings.get("sizes"), settings.get("y_range")
    sound = {
        "layers": len(settings["layers"]) >= 1,
        "sizes": sizes is None or len(sizes) == n_cat,
        "members": not (settings["k"] and settings["members"] > 1),
        "y_range": limits is None or (len(limits) == n_out and all(p[0] < p[1] for p in limits)),
    }
    wrong = {name: settings.get(name) for name, fine in sound.items() if not fine}
    if wrong:
        raise ValueError(
            f"a network must have a hidden layer, {n_cat} sizes of embeddings, {n_out} rising "
            "limits or none, and members that share their weights (k) or do not (members), got "
            f"{wrong}. The defaults suit most."
        )
