"""What an artifact says of its network, checked before anything is built from it."""

from __future__ import annotations

from typing import Annotated, Final, NotRequired, TypedDict

from zoo.core.annotations import Option
from zoo.core.checked import arguments_of
from zoo.core.config import Config
from zoo.tabular.options import Join, ModelName
from zoo.tabular.spec import Spec

LARGEST: Final = 2**31  # elements of a tensor, beyond which no description is believed
MOST_LAYERS: Final = 100
Some = Annotated[int, Option(low=1, below=LARGEST)]
AnyNumber = Annotated[int, Option(low=0, below=LARGEST)]
Share = Annotated[float, Option(low=0, below=1)]
Limit = Annotated[float, Option(low=-1e30, high=1e30)]


class Arguments(TypedDict):
    """What `build_network` needs to build a network again; fit for JSON."""

    name: ModelName
    rows: list[Some]
    n_numbers: AnyNumber
    n_out: Some
    sizes: list[Some]
    layers: Annotated[list[Some], Option(fewest=1, most=MOST_LAYERS)]
    dropout: Share
    embedding_dropout: Share
    join: Join
    bins: AnyNumber
    d_number: Some
    k: AnyNumber
    members: NotRequired[Some]  # absent where there is one
    y_range: list[Annotated[list[Limit], Option(fewest=2, most=2)]] | None


def network_arguments(config: Config, spec: Spec) -> Arguments:
    """What builds the network, checked.

    Raises:
        ValueError: arguments are missing, unknown or senseless, or differ from the spec's.
    """
    if config.task != spec.task:
        raise ValueError(f"tasks must be the same, got {config.task=}, {spec.task=}")
    arguments = arguments_of(
        config.model, Arguments, n_out=spec.n_out, rows=spec.table_rows, n_numbers=len(spec.numbers)
    )
    arguments.setdefault("members", 1)
    _require_believable(arguments)
    return arguments


def _require_believable(arguments: Arguments) -> None:
    """Refuse sizes whose products no file could hold, before anything is counted out."""
    cells = sum(n * d for n, d in zip(arguments["rows"], arguments["sizes"], strict=False))
    d_number = arguments["d_number"] if arguments["bins"] else 1
    width = sum(arguments["sizes"]) + arguments["n_numbers"] * d_number
    k = max(arguments["k"], arguments["members"])
    elements = [cells, arguments["n_numbers"] * max(arguments["bins"], 1) * d_number]
    elements += [2 * width, 2 * k * width]
    for n in [*arguments["layers"], arguments["n_out"]]:
        elements += [2 * width * n * arguments["members"], k * n, k * width]
        width = n
    elements += [k * width * arguments["n_out"]]
    if max(elements) > LARGEST:
        raise ValueError(
            f"tensors must have at most {LARGEST:,} elements, got one of {max(elements):.3g}"
        )
