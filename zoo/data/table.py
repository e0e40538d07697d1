"""The one reader of tables: CSV as programs of many countries write it, JSON and Parquet.

One rule says which cells of a text file are missing, in all domains:

- A cell is missing if it is empty or is what programs write for nothing: nan, NaN, NaT, <NA>, #N/A.
- People's words for nothing (NA, N/A, null, None and their like) are missing in a column whose
  other cells are all numbers, dates or truth values. In any other column they are texts, since a
  country, a class or a user may have that name.
- Where a model has learnt the texts of a column, its words are texts if they are among them.

JSON and Parquet files keep types: there null is missing, and no text is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.core.messages import did_you_mean, few, nearest
from zoo.data.csv_style import Style, style_of
from zoo.data.encoding import COMPRESSED, opened
from zoo.data.json_table import from_json, from_lines

CSV: Final = (".csv", ".tsv")
JSON_LINES: Final = (".jsonl", ".ndjson")
PARQUET: Final = (".parquet", ".pq")
TABLES: Final = (*CSV, ".json", *JSON_LINES, *PARQUET)

EMPTY: Final = frozenset(("", " ", "nan", "NaN", "NaT", "<NA>", "#N/A"))
WORDS: Final = frozenset(
    {"NA", "N/A", "n/a", "#NA", "#N/A N/A", "NULL", "null", "None", "-nan", "-NaN"}
    | {"1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"}
)

TextColumns = Callable[[list[str]], Mapping[str, Collection[str] | None]]
"""From the names of a file's columns to those of text, each with the texts that a model has learnt
of it, or None."""

_ROWS = 10_000  # in a piece of a table
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}
_CODE = r"[+-]?0\d.*"  # 007 is a name, no number
_DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:\D.*)?"
_COMMA = r"[+-]?\d+(?:,\d+)?|[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?"  # 1,5 and 1.234,5


def read_table(path: Path, text_columns: TextColumns = lambda names: {}) -> pd.DataFrame:
    """A table with numbers as numbers, decimal commas among them where no comma divides cells.

    Args:
        path: a file of the suffixes in `TABLES`, or any other that holds CSV; perhaps compressed.
        text_columns: columns of a CSV file that stay text, whatever their cells look like.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no table, or has no rows.
        ModuleNotFoundError: it is a Parquet file and pyarrow is not installed.
    """
    if keeps_types(path):
        return _joined(path).infer_objects()
    require_file(path)
    frame = _csv(path, text_columns)
    return frame if len(frame) else _joined(path)


def read_texts(path: Path) -> pd.DataFrame:
    """A table with all cells of a CSV file as text; see `read_table`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no table, or has no rows.
        ModuleNotFoundError: it is a Parquet file and pyarrow is not installed.
    """
    frame = _joined(path)
    if not keeps_types(path):
        for i in range(len(frame.columns)):  # each keeps a type of its own, as `apply` does not
            frame.isetitem(i, _without_words(frame.iloc[:, i]).array)
    return frame


def pieces_of(path: Path) -> Iterator[pd.DataFrame]:
    """A table, some thousand rows at a time; cells of CSV files are text, words for nothing too.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no table.
        ModuleNotFoundError: it is a Parquet file and pyarrow is not installed.
    """
    require_file(path)
    kind = _kind(path)
    if kind in PARQUET:
        yield _parquet(path)
    elif kind in JSON_LINES:
        yield from from_lines(path, _ROWS)
    elif kind == ".json":
        yield from from_json(path, _ROWS)
    else:
        rows = style_of(path).rows(path)
        header = next(rows)
        while piece := list(islice(rows, _ROWS)):
            frame = pd.DataFrame(piece, columns=header, dtype=object)
            yield frame.mask(frame.isin(EMPTY), None)


def keeps_types(path: Path) -> bool:
    """Whether the file's name is that of JSON or Parquet, which tell numbers from text."""
    return _kind(path) in TABLES and _kind(path) not in CSV


def require_columns(table: Iterable[Any], wanted: Iterable[Any], use: str) -> None:
    """Refuse a table that lacks columns.

    Args:
        table: a DataFrame, or the names of its columns.
        wanted: columns it must have.
        use: what they are for, as the subject of a sentence.

    Raises:
        ValueError: all that lack are named, with the nearest name of the first.
    """
    columns, wanted = list(table), list(wanted)
    missing = [name for name in wanted if name not in columns]
    if missing:
        spare = [name for name in columns if name not in wanted]
        way_out = did_you_mean(missing[0], spare) if spare else "Add what is lacking."
        raise ValueError(
            f"{use} must be in the table, got one without {few([*map(repr, missing)])}. {way_out}"
        )


def truths_of(column: pd.Series) -> NDArray[np.bool_]:
    """A column of true and false, as truth values, 0 and 1, or texts. Shape: (n,)

    Raises:
        ValueError: a cell is neither.
    """
    texts = column.astype(str).str.strip().str.lower().str.removesuffix(".0")
    wrong = list(dict.fromkeys(map(str, column[~texts.isin(_TRUTHS)])))
    if wrong:
        raise ValueError(
            f"column {column.name!r} must hold true or false in each row, got {few(wrong)}. "
            "Correct it, or give the column another name."
        )
    return texts.map(_TRUTHS).to_numpy(dtype=bool)


def require_file(path: Path, rule: str = "a table must be in a file") -> None:
    """Refuse a path that is no file.

    Args:
        path: the path.
        rule: what it breaks, as the first half of a sentence.

    Raises:
        FileNotFoundError: nothing is there, or a folder; a file of nearly that name is named.
    """
    if path.is_dir():
        raise FileNotFoundError(f"{rule}, got the folder {str(path)!r}. Name a file in it.")
    if not path.is_file():
        near = nearest(path.name, [one.name for one in path.parent.glob("*")])
        raise FileNotFoundError(
            f"{rule}, got {str(path)!r}, which does not exist. "
            + (f"Did you mean {str(path.with_name(near))!r}?" if near else "Check the name.")
        )


def _kind(path: Path) -> str:
    """The suffix in lower case, without that of a compression."""
    return Path(path.stem if path.suffix.lower() in COMPRESSED else path).suffix.lower()


def _joined(path: Path) -> pd.DataFrame:
    pieces = list(pieces_of(path))
    if not sum(map(len, pieces)):
        raise ValueError(f"a table must have rows, got {path.name!r} without. Give another file.")
    return pd.concat(pieces, ignore_index=True) if len(pieces) > 1 else pieces[0]


# ---- CSV -----------------------------------------------------------------------------------------


def _csv(path: Path, text_columns: TextColumns) -> pd.DataFrame:
    """A CSV file as pandas reads it, by way of its rows where pandas would read others."""
    style = style_of(path)
    if style.quoted and style.escape is None:
        first = [cells for _, cells in islice(style.cells(path), 20) if any(cells)]
        longer = [row for row in first[1:] if len(row) > len(first[0])]
        named = longer and all(len(row) == len(first[0]) + 1 and row[-1] for row in first[1:])
        if named or not longer:
            # R writes names of rows below no name of their own. After an error the rows say more.
            with suppress(pd.errors.ParserError), opened(path) as file:
                return _typed(file, style, text_columns, None if named else False)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=style.delimiter).writerows(style.rows(path))
    text.seek(0)
    return _typed(text, replace(style, skipped=0, encoding="utf-8"), text_columns, False)


def _typed(file: IO[Any], style: Style, text_columns: TextColumns, index_col: Any) -> pd.DataFrame:
    options: dict[str, Any] = {
        "sep": style.delimiter,
        "encoding": style.encoding,
        "encoding_errors": "replace",
        "skiprows": style.skipped,
        "skipinitialspace": True,
        "keep_default_na": False,
    }
    raw = list(pd.read_csv(file, nrows=0, **options).columns)
    stripped = [name.strip() for name in raw]
    names = stripped if len(set(stripped)) == len(raw) else raw
    texts = text_columns(names)
    options |= {
        "names": names,
        "header": 0,
        "dtype": {name: str for name in names if name in texts},
        "na_values": {n: sorted(EMPTY - (set(texts.get(n) or ()) - {""})) for n in names},
        "index_col": index_col,
        "low_memory": False,  # one dtype per column, whatever the pieces look like
    }
    file.seek(0)
    frame: pd.DataFrame = pd.read_csv(file, **options)
    for name in names:
        if name in texts:
            frame[name] = _without_words(frame[name], texts[name])
        elif not pd.api.types.is_numeric_dtype(frame[name].dtype):
            frame[name] = _read_again(frame[name], commas=style.delimiter != ",")
    return frame


def _without_words(column: pd.Series, learnt: Collection[str] | None = None) -> pd.Series:
    """A column of text with gaps for the words that are missing cells."""
    if learnt is not None:
        return column.mask(column.isin(WORDS - set(learnt)))
    is_word = column.isin(WORDS)
    if not is_word.any():
        return column
    others = column[~is_word].dropna()
    is_named = _values(others) is None or others.str.fullmatch(_CODE).any()
    return column if is_named else column.mask(is_word)


def _read_again(column: pd.Series, *, commas: bool) -> pd.Series:
    """A column that pandas takes for text, as values if they are such beside words for nothing."""
    is_word = column.isin(WORDS)
    values = _values(column[~is_word].dropna(), commas) if commas or is_word.any() else None
    return column if values is None else values.reindex(column.index)


def _values(cells: pd.Series, commas: bool = False) -> pd.Series | None:
    """Texts as numbers or truth values, or as they are if they are dates; None if they are none."""
    if not len(cells) or (len(cells) > _ROWS and _values(cells.iloc[:100], commas) is None):
        return None
    texts = cells.astype(str).str.strip()
    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.notna().all():
        return numbers
    if commas and texts.str.fullmatch(_COMMA).all() and texts.str.contains(",").any():
        plain = texts.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        return plain.astype(float)
    if texts.str.lower().isin(("true", "false")).all():
        return texts.str.lower().map(_TRUTHS).astype(object)
    return cells if texts.str.fullmatch(_DATE).all() else None


# ---- Parquet -------------------------------------------------------------------------------------


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError:
        raise ModuleNotFoundError(
            f"{path.name!r} needs pyarrow to be read. Run: pip install 'transfer-zoo[parquet]'"
        ) from None
    except (ValueError, OSError) as error:
        raise ValueError(
            f"a Parquet file must be whole, got {path.name!r} that cannot be read "
            f"({str(error).splitlines()[0]:.100}). Write it again."
        ) from None
