"""Tables of other libraries as DataFrames: polars, Arrow, DuckDB, and data sets of Hugging Face.

There is one way in for all that speak Arrow's PyCapsule interface (`__arrow_c_stream__`): pyarrow
reads them, and pandas takes over. Public verbs do it before anything else (`zoo.core.verbs`), since
a stream can be read once; methods of models do it where they read a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

_NAMES: Final = ("columns", "column_names", "schema")  # what a table has and a column lacks


class ArrowTable(Protocol):
    """A table that hands its rows over by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """A capsule with a stream of record batches."""
        ...


def arrow_frame(data: Any) -> Any:
    """A table that speaks Arrow as a DataFrame; a DataFrame and anything else as they are.

    A column of pyarrow alone becomes a list, since its items are no values of Python. Whole numbers
    with gaps keep their type (`Int64`), days become moments, decimals floats.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
        ValueError: pyarrow cannot read the table.
    """
    if speaks_arrow(data):
        return _frame(_arrow().table(data), data)
    is_column = type(data).__module__ == "pyarrow.lib" and hasattr(data, "to_pylist")
    return data.to_pylist() if is_column else data


def frame_of(data: Any) -> Any:
    """As `arrow_frame`; a Hugging Face data set of plain values becomes a DataFrame as well.

    Classes get their names, alone and in lists; -1, which is none, is a gap. Data sets of images or
    other arrays stay as they are.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
        ValueError: pyarrow cannot read the table.
    """
    return frame_of_rows(data) if _is_plain_dataset(data) else arrow_frame(data)


def speaks_arrow(data: object) -> bool:
    """Whether it is a table that speaks Arrow, and no DataFrame; a single column is none."""
    return (
        hasattr(type(data), "__arrow_c_stream__")  # some objects have an attribute of any name
        and any(hasattr(data, name) for name in _NAMES)
        and not isinstance(data, pd.DataFrame)
    )


def frame_of_rows(rows: Any) -> pd.DataFrame:
    """All rows of a Hugging Face data set, with the names of classes instead of their numbers."""
    features: Mapping[str, Any] = getattr(rows, "features", None) or {}
    if hasattr(rows, "with_format") and hasattr(rows, "__len__"):
        frame = _frame(rows.with_format("arrow")[:], rows)
    else:  # streamed
        names = list(rows.column_names or next(iter(rows), {}))
        frame = pd.DataFrame(list(rows), columns=names, dtype=object)
    for name in frame.columns:
        feature, cells = features.get(name), frame[name]
        if classes := _classes(feature):
            frame[name] = pd.Series([_named(one, classes) for one in cells], dtype=object)
        elif classes := _classes(getattr(feature, "feature", None)):
            lists = [None if cell is None else _all_named(cell, classes) for cell in cells]
            frame[name] = pd.Series(lists, dtype=object)
    return frame


def _is_plain_dataset(data: object) -> bool:
    """Whether it is a data set whose cells are values, classes or lists of them, in memory."""
    features = getattr(data, "features", None)
    has_rows = hasattr(data, "with_format") and hasattr(data, "__len__")
    return has_rows and isinstance(features, Mapping) and all(map(_is_plain, features.values()))


def _is_plain(feature: Any) -> bool:
    """Whether a feature is that of values or classes, or of lists of them; bytes are no value."""
    each = getattr(feature, "feature", feature)
    kind = type(each).__name__
    return kind == "ClassLabel" or (kind == "Value" and "binary" not in str(each.dtype))


def _classes(feature: Any) -> list[str] | None:
    """The names of a feature's classes; None if it has none."""
    names: list[str] | None = getattr(feature, "names", None)
    return names


def _named(number: Any, names: Sequence[str]) -> str | None:
    """The name of a class by its number; None for a gap."""
    return None if pd.isna(number) or int(number) < 0 else names[int(number)]


def _all_named(numbers: Sequence[Any], names: Sequence[str]) -> list[str | None]:
    return [_named(number, names) for number in numbers]


def _frame(table: Any, data: object) -> pd.DataFrame:
    """An Arrow table as a DataFrame.

    Raises:
        ValueError: pandas has no such columns.
    """
    arrow = _arrow()
    try:
        table = _cast(table)
        frame: pd.DataFrame = table.to_pandas(date_as_object=False, types_mapper=_mapper(table))
    except (arrow.ArrowException, NotImplementedError) as error:
        raise ValueError(
            f"a table must have columns that pandas has too, got a {type(data).__name__} of which "
            f"pyarrow says: {str(error).splitlines()[0]:.100}. Convert or drop that column."
        ) from error
    for i, (field, column) in enumerate(zip(table.schema, table.columns, strict=True)):
        if arrow.types.is_integer(field.type) and not column.null_count:
            frame.isetitem(i, frame.iloc[:, i].astype(np.dtype(str(field.type))).array)
    return frame


def _cast(table: Any) -> Any:
    """The table with columns of the types that `_known` names."""
    for i, field in enumerate(table.schema):
        if (kind := _known(field.type)) != field.type:
            table = table.set_column(i, field.name, table.column(i).cast(kind))
    return table


def _known(kind: Any) -> Any:
    """The type that pandas has for one of Arrow: floats for decimals, texts for views of them."""
    arrow = _arrow()
    types = arrow.types
    if types.is_decimal(kind):
        return arrow.float64()
    if str(kind) == "string_view":
        return arrow.large_string()
    is_list = types.is_list(kind) or types.is_large_list(kind)
    return arrow.large_list(_known(kind.value_type)) if is_list else kind


def _mapper(table: Any) -> Callable[[Any], Any]:
    """From a type of Arrow to that of pandas which holds gaps among whole numbers exactly.

    As floats, large ids would become others.
    """
    types, gaps = _arrow().types, {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if types.is_integer(field.type) and column.null_count:
            gaps[field.type] = pd.api.types.pandas_dtype(
                str(field.type).title().replace("Ui", "UI")
            )
    return gaps.get


def _arrow() -> Any:
    """The library pyarrow.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        raise ModuleNotFoundError(
            "tables of polars, Arrow and Hugging Face need pyarrow to be read. Run: "
            "pip install 'transfer-zoo[parquet]'"
        ) from None
    return pyarrow
