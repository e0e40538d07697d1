"""`zoo.check`: the data doctor of whichever domain the data belong to."""

from __future__ import annotations

import importlib
import inspect
import os
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_type_hints

import pandas as pd

from zoo.collab.data.columns import column_names
from zoo.core.messages import did_you_mean, few
from zoo.core.model import Model
from zoo.core.trust.diagnosis import Report
from zoo.data.table import TABLES, pieces_of
from zoo.text.data.files import visible
from zoo.text.data.sources import table_of
from zoo.vision.data.folders import is_image

Domain = Literal["vision", "text", "tabular", "collab"]
TOLD_BY: Final[dict[str, Domain]] = {
    **dict.fromkeys(("root", "columns", "min_side"), "vision"),
    **dict.fromkeys(("text", "label"), "text"),
    **dict.fromkeys(("target", "group", "ignore"), "tabular"),
    **dict.fromkeys(("user", "item", "rating"), "collab"),
}  # options of one domain alone


def check(
    data: Any,
    valid: Any = None,
    *,
    domain: Domain | None = None,
    against: Model[Any, Any] | str | Path | None = None,
    **options: Any,
) -> Report:
    """What is wrong with data: photos, texts, a table or ratings.

    Args:
        data: in the form that `finetune` of the domain takes.
        valid: rows to validate on, in the same form.
        domain: "vision", "text", "tabular" or "collab"; None tells it from the options, else from
            the data.
        against: a model, its directory or its name: tell instead what of the data has moved away
            from what it was trained on (`zoo.core.trust.drift`).
        **options: those of `zoo.vision.check`, `zoo.text.check`, `zoo.tabular.check` (`target`) or
            `zoo.collab.check`.

    Raises:
        FileNotFoundError: the data do not exist.
        ValueError: nobody can tell what the data are, or they do not suit.

    Example:
        zoo.check("photos/"), zoo.check("sales.csv", target="Sales")
        zoo.check("tomorrow.csv", against="sales")
    """
    if against is not None:
        return _drift(data, against, stated=[*options, *(["valid"] if valid is not None else [])])
    _require_part(data, valid)
    own = domain if domain is not None else domain_of(data, options)
    if own not in get_args(Domain):
        raise ValueError(
            f"domain must be one of {', '.join(get_args(Domain))}, got {domain=}. Leave it out."
        )
    examine = importlib.import_module(f"zoo.{own}").check
    known = inspect.signature(examine).parameters
    if unknown := [name for name in options if name not in known]:
        raise TypeError(
            f"options must be ones that zoo.{own}.check takes, got {unknown[0]}=... "
            f"{did_you_mean(unknown[0], [*known])}"
        )
    report: Report = examine(data, valid=valid, **options)
    return report


def _require_part(data: Any, valid: Any) -> None:
    """Refuse a column where rows to validate on belong."""
    if not isinstance(valid, str) or Path(valid).exists():
        return
    if valid in (_columns(data) or ()):
        raise ValueError(
            f"valid must be rows to validate on, got {valid!r}, a column of the data. Write "
            f"zoo.check(data, target={valid!r})."
        )


def _drift(data: Any, against: Model[Any, Any] | str | Path, stated: list[str]) -> Report:
    """What of the data has moved away from what a model was trained on.

    Raises:
        ValueError: other options are stated.
        NotImplementedError: nobody can tell of a model of this kind.
    """
    if stated:
        raise ValueError(
            f"data are compared with a model as its training says, got {stated[0]}=... beside "
            "against=.... Leave it out."
        )
    is_name = isinstance(against, (str, os.PathLike))
    model: Any = importlib.import_module("zoo").load(against) if is_name else against
    module = importlib.import_module(f"zoo.{model.domain}.drift")
    kind = get_type_hints(module.drift)["model"]
    if not isinstance(model, kind):
        raise NotImplementedError(
            f"drift must be that of a {kind.__name__}, got a {type(model).__name__}. Score some "
            "labelled data by evaluate()."
        )
    report: Report = module.drift(model, data)
    return report


def domain_of(data: Any, options: Any = ()) -> Domain:
    """The domain that options or data tell.

    Raises:
        FileNotFoundError: the data do not exist.
        ValueError: they tell none.
    """
    told = {TOLD_BY[name] for name in options if name in TOLD_BY}
    if len(told) == 1:
        return told.pop()
    if isinstance(data, (str, os.PathLike)) and Path(data).is_dir():
        files = (path for path in visible(Path(data), "**/*") if path.is_file())
        return "vision" if any(is_image(path) for path in files) else "text"
    names = _columns(data)
    if names is None:
        return "text"
    lower = {str(name).strip().lower() for name in names}
    if {"text", "label"} <= lower:
        return "text"
    try:
        column_names(pd.DataFrame(columns=names))
    except ValueError:
        pass
    else:
        return "collab"
    if _holds_photos(data, names):
        return "vision"
    raise ValueError(
        f"a table must tell what it is of, got the columns {few([*map(str, names)])}. Pass "
        "target='...' of a table, text='...' and label='...' of texts, user='...' and item='...' "
        "of ratings, or domain='...'."
    )


def _columns(data: Any) -> list[Any] | None:
    """The names of a table's columns; None of pairs of texts and labels."""
    if isinstance(data, (str, os.PathLike)):
        path = Path(data)
        if not path.is_file():
            raise FileNotFoundError(
                f"data must be a folder or a file, got {str(data)!r}, which does not exist. "
                "Correct the name."
            )
        return list(next(pieces_of(path)).columns) if path.suffix.lower() in TABLES else None
    table = table_of(data)
    return None if table is None else list(table.columns)


def _holds_photos(data: Any, names: list[Any]) -> bool:
    """Whether the first cells of a table's first column are names of pictures."""
    is_file = isinstance(data, (str, os.PathLike))
    table: Any = next(pieces_of(Path(data))) if is_file else table_of(data)
    cells = [str(cell) for cell in table[names[0]].head(5)] if names else []
    return bool(cells) and all(Path(cell).suffix and is_image(Path(cell)) for cell in cells)
