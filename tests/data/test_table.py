from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from zoo.collab.data.ratings import read as read_ratings
from zoo.data.table import WORDS, pieces_of, read_table, read_texts, require_columns
from zoo.tabular.data.tables import read_table as read_rows
from zoo.text.data.labelled import read as read_labelled
from zoo.vision.data.labels import LabelOptions
from zoo.vision.data.tables import from_table


def written(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---- what every domain promises: the column "name", None where a cell is missing


def of_rows(path: Path) -> list[Any]:
    return read_rows(path)["name"].astype(object).where(lambda c: c.notna(), None).tolist()


def of_ratings(path: Path) -> list[Any]:
    return read_ratings(path, {"user": "name", "item": "item"}, learns=True)["user"].tolist()


def of_texts(path: Path) -> list[Any]:
    return list(read_labelled(path, "item", "name").labels)


def of_photos(path: Path) -> list[Any]:
    for number in range(20):
        (path.parent / f"{number}.png").touch()
    return list(from_table(path, None, ("item", "name"), None, LabelOptions())[1])


DOMAINS: dict[str, Callable[[Path], list[Any]]] = {
    "tabular": of_rows,
    "collab": of_ratings,
    "text": of_texts,
    "vision": of_photos,
}
in_every_domain = pytest.mark.parametrize("read", DOMAINS.values(), ids=DOMAINS)

NAMES = ["Zoë", "Bern, Ost", 'the "best"', "NA"]
FRAME = pd.DataFrame({"item": [f"{i}.png" for i in range(4)], "name": NAMES, "price": [1.5] * 4})

WRITTEN: dict[str, dict[str, Any]] = {
    "plain": {},
    "semicolons": {"sep": ";"},
    "tabs": {"sep": "\t"},
    "bars": {"sep": "|"},
    "a mark": {"encoding": "utf-8-sig"},
    "Excel in Germany": {"sep": ";", "decimal": ",", "encoding": "cp1252"},
    "Excel's Unicode text": {"sep": "\t", "decimal": ",", "encoding": "utf-16"},
    "quotation marks": {"quoting": 1},
    "escapes": {"doublequote": False, "escapechar": "\\", "quoting": 1},
    "lines of Windows": {"lineterminator": "\r\n"},
    "an index": {"index": True},
}


@in_every_domain
@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("name", ["t.csv", "t.CSV", "t.tsv"])
@pytest.mark.filterwarnings("ignore:A file of texts is not UTF-8")
def test_files_of_many_countries_are_the_same_table(
    form: str, name: str, read: Callable[[Path], list[Any]], tmp_path: Path
) -> None:
    FRAME.to_csv(tmp_path / name, **{"index": False, **WRITTEN[form]})
    assert read(tmp_path / name) == NAMES


@in_every_domain
def test_a_word_for_nothing_is_a_name_among_names(
    read: Callable[[Path], list[Any]], tmp_path: Path
) -> None:
    words = sorted(WORDS - {"1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"})
    lines = "".join(f"{i}.png,{word}\n" for i, word in enumerate(["x", *words]))
    assert read(written(tmp_path, "item,name\n" + lines)) == ["x", *words]


@in_every_domain
@pytest.mark.parametrize("gap", ["", " ", "nan", "NaN", "<NA>", "NaT", "#N/A"])
def test_what_programs_write_for_nothing_is_missing(
    gap: str, read: Callable[[Path], list[Any]], tmp_path: Path
) -> None:
    path = written(tmp_path, f"item,name\n0.png,x\n1.png,{gap}\n2.png,y\n")
    assert_second_is_missing(read, path, ["x", "y"])


@in_every_domain
@pytest.mark.parametrize("word", ["NA", "N/A", "null", "None"])
def test_a_word_for_nothing_is_missing_among_numbers(
    word: str, read: Callable[[Path], list[Any]], tmp_path: Path
) -> None:
    path = written(tmp_path, f"item,name\n0.png,5\n1.png,{word}\n2.png,7\n")
    assert_second_is_missing(read, path, [5, 7])


def assert_second_is_missing(
    read: Callable[[Path], list[Any]], path: Path, others: list[Any]
) -> None:
    if read is of_rows:
        assert read(path) == [others[0], None, others[1]]
    elif read is of_ratings:
        with pytest.warns(UserWarning, match="1 of 3 ratings lack a value"):
            assert read(path) == others
    else:
        with pytest.raises(
            ValueError, match=r"1 of 3 labels missing|gaps in column 'name', rows 1\."
        ):
            read(path)


@in_every_domain
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "row of names and rows of cells, got 't.csv' without"),
        (b",,\n;\n", "row of names and rows of cells, got 't.csv' without"),
        (b"item,name\n", "must have rows, got 't.csv' without"),
        (b"item,name\n1,2\n1,2,3,4\n", "got 4 cells for 2 names in line 3 of 't.csv'"),
        (b"item,name\n1,2,3,4\n1,2\n", "got 4 cells for 2 names in line 2 of 't.csv'"),
        (b'item,name\n"a" b,c,x\n', "quotation marks must be doubled"),
        (b"item\0\1\2 and more of it", "'t.csv', which is binary"),
        (b"PK\x03\x04\0\0", "as Word and Excel write them"),
    ],
)
def test_what_is_no_table_is_two_sentences(
    content: bytes, says: str, read: Callable[[Path], list[Any]], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        read(written(tmp_path, content))
    assert str(caught.value).count(". ") == 1
    assert "\n" not in str(caught.value)


@in_every_domain
def test_a_file_that_is_not_there_is_named(
    read: Callable[[Path], list[Any]], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=r"sale\.csv', which does not exist"):
        read(tmp_path / "sale.csv")


@in_every_domain
def test_parquet_says_what_it_needs(
    read: Callable[[Path], list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, b"PAR1", "t.PARQUET")
    if find_spec("pyarrow") is None:
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'transfer-zoo\[parquet\]'"):
            read(path)
    else:
        with pytest.raises(ValueError, match=r"must be whole, got 't\.PARQUET'"):
            read(path)


@in_every_domain
@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.NDJSON"])
def test_json_is_a_table(name: str, read: Callable[[Path], list[Any]], tmp_path: Path) -> None:
    rows = FRAME[["item", "name"]].to_dict("records")
    lines = "\n".join(map(json.dumps, rows))
    path = written(tmp_path, json.dumps(rows) if name == "t.json" else lines, name)
    assert read(path) == NAMES


# ---- numbers, texts and their columns ------------------------------------------------------------


def test_a_near_name_is_offered_for_a_missing_file(tmp_path: Path) -> None:
    written(tmp_path, "a\n1\n", "sales.csv")
    with pytest.raises(FileNotFoundError, match=r"Did you mean '.*sales\.csv'\?"):
        read_table(tmp_path / "sale.csv")
    with pytest.raises(FileNotFoundError, match="got the folder"):
        read_table(tmp_path)


def test_missing_columns_are_named_with_the_nearest_one() -> None:
    with pytest.raises(
        ValueError, match=r"a key must .* without 'stroe', 3\. Did you mean 'store'"
    ):
        require_columns(["store", "day"], ["day", "stroe", 3], "a key")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_thousands_have_points_where_decimals_have_commas(separator: str, tmp_path: Path) -> None:
    rows = ["a;b;c", "1.234,5;1,5;NA", "1.000;x;1,5", "-7,25;2,5;2"]
    frame = read_table(written(tmp_path, "\n".join(rows).replace(";", separator)))
    assert frame["a"].tolist() == [1234.5, 1000, -7.25]
    assert frame["b"].tolist() == ["1,5", "x", "2,5"]
    assert frame["c"].dropna().tolist() == [1.5, 2]


def test_texts_with_commas_do_not_divide_a_single_column(tmp_path: Path) -> None:
    frame = read_table(written(tmp_path, 'text\n"so, what"\nwell\n'))
    assert frame["text"].tolist() == ["so, what", "well"]


def test_a_comma_in_a_name_is_no_separator(tmp_path: Path) -> None:
    frame = read_table(written(tmp_path, "price, net;shop\n1;a\n2,5;b\n"))
    assert frame.to_dict("list") == {"price, net": [1, 2.5], "shop": ["a", "b"]}


def test_a_separator_at_the_end_of_lines_shifts_nothing(tmp_path: Path) -> None:
    for lines in ("a,b\n1,2,\n3,4,\n", "a,b\n1,2\n3,4,\n", "a,b,\n1,2,\n3,4,\n"):
        assert read_table(written(tmp_path, lines))["a"].tolist() == [1, 3]
    named = read_table(written(tmp_path, "a,b\nx,1,2\ny,3,4\n"))  # as R writes names of rows
    assert (named.index.tolist(), named["a"].tolist()) == (["x", "y"], [1, 3])


@pytest.mark.parametrize("sign", ["sep=;\n", ""])
def test_names_have_no_spaces_around_them(sign: str, tmp_path: Path) -> None:
    frame = read_table(written(tmp_path, sign + " a ; b\n1; x\n"))
    assert frame.to_dict("list") == {"a": [1], "b": ["x"]}


def test_truths_and_dates_have_gaps_as_numbers_have(tmp_path: Path) -> None:
    frame = read_table(
        written(tmp_path, "t,d,c\nTrue,2024-01-05,DE\nNA,NA,NA\nfalse,2024-02-01,\n")
    )
    assert frame["t"].isna().tolist() == frame["d"].isna().tolist() == [False, True, False]
    assert frame["t"].dropna().tolist() == [True, False]
    assert frame["c"].isna().tolist() == [False, False, True]


def test_columns_of_text_stay_text(tmp_path: Path) -> None:
    path = written(tmp_path, "code,land,n\n02,NA,1\n10,FR,NA\n7,null,3\n")
    frame = read_table(path, lambda names: {"code": None, "land": {"NA", "FR"}})
    assert frame["code"].tolist() == ["02", "10", "7"]
    assert frame["land"].isna().tolist() == [False, False, True]
    assert frame["n"].isna().tolist() == [False, True, False]
    assert read_table(path)["land"].tolist() == ["NA", "FR", "null"]
    assert read_texts(path)["code"].tolist() == ["02", "10", "7"]


def test_names_with_leading_zeros_are_no_numbers(tmp_path: Path) -> None:
    assert read_texts(written(tmp_path, "a,b\n007,5\nNA,NA\n"))["a"].tolist() == ["007", "NA"]


@pytest.mark.parametrize(
    ("packed", "name"), [(gzip, "t.csv.gz"), (bz2, "t.CSV.bz2"), (lzma, "t.jsonl.xz")]
)
def test_compressed_files_are_read_by_their_names(packed: Any, name: str, tmp_path: Path) -> None:
    content = '{"a": 1, "b": "x"}' if "json" in name else "a;b\n1;x\n"
    frame = read_table(written(tmp_path, packed.compress(content.encode()), name))
    assert frame.to_dict("list") == {"a": [1], "b": ["x"]}


def test_pieces_of_a_long_table_are_the_table(tmp_path: Path) -> None:
    rows = [(f"text {i}", str(i)) for i in range(25_000)]
    path = written(tmp_path, "text,label\n" + "".join(f"{a},{b}\n" for a, b in rows))
    pieces = list(pieces_of(path))
    assert [len(piece) for piece in pieces] == [10_000, 10_000, 5_000]
    assert list(pd.concat(pieces).itertuples(index=False, name=None)) == rows
    assert read_table(path)["label"].tolist() == list(range(25_000))


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_lone_quotation_marks_swallow_no_rows_of_numbers(delimiter: str, tmp_path: Path) -> None:
    lines = [f"{'' if i % 4 else chr(34)}text {i}{delimiter}{i}" for i in range(12)]
    frame = read_table(written(tmp_path, "\n".join(["text" + delimiter + "n", *lines])))
    assert frame["n"].tolist() == list(range(12))


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="pip install 'transfer-zoo[parquet]'")
@in_every_domain
def test_parquet_is_a_table(read: Callable[[Path], list[Any]], tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "t.pq")
    assert read(tmp_path / "t.pq") == NAMES
