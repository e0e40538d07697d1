from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from zoo.tabular.data.csv_files import read_csv

FRAME = pd.DataFrame(
    {"shop": ["Zürich", "Köln; West", "Bern, Ost"], "price": [1.5, -2.25, 1234.5], "n": [1, 2, 3]}
)

WRITTEN: dict[str, dict[str, Any]] = {
    "plain": {},
    "semicolons": {"sep": ";"},
    "tabs": {"sep": "\t"},
    "bars": {"sep": "|"},
    "a mark": {"encoding": "utf-8-sig"},
    "Excel in Germany": {"sep": ";", "decimal": ",", "encoding": "cp1252"},
    "Excel's Unicode text": {"sep": "\t", "decimal": ",", "encoding": "utf-16"},
    "quotes": {"quoting": 1},
}


@pytest.mark.parametrize("case", WRITTEN)
def test_files_of_many_countries_are_the_same_table(case: str, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    FRAME.to_csv(path, index=False, **WRITTEN[case])
    pd.testing.assert_frame_equal(read_csv(path, {}), FRAME)


def read(tmp_path: Path, content: str, texts: dict[str, set[str]] | None = None) -> pd.DataFrame:
    path = tmp_path / "t.csv"
    path.write_text(content, encoding="utf-8", newline="")
    return read_csv(path, texts or {})


def test_thousands_have_points_where_decimals_have_commas(tmp_path: Path) -> None:
    frame = read(tmp_path, "a;b\n1.234,5;1,5\n1.000;x\n-7,25;2,5\n")
    assert frame["a"].tolist() == [1234.5, 1000, -7.25]
    assert frame["b"].tolist() == ["1,5", "x", "2,5"]


def test_texts_with_commas_do_not_divide_a_single_column(tmp_path: Path) -> None:
    frame = read(tmp_path, 'text\n"so, what"\nwell\n')
    assert frame["text"].tolist() == ["so, what", "well"]


def test_a_separator_at_the_end_of_lines_shifts_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n1,2,\n3,4,\n")["a"].tolist() == [1, 3]
    named = read(tmp_path, "a,b\nx,1,2\ny,3,4\n")  # as R writes names of rows
    assert (named.index.tolist(), named["a"].tolist()) == (["x", "y"], [1, 3])


def test_known_texts_are_neither_numbers_nor_gaps(tmp_path: Path) -> None:
    content = "code,land,n\n02,NA,1\n10,FR,NA\n7,,3\n"
    frame = read(tmp_path, content, {"code": {"02"}, "land": {"NA", "FR"}})
    assert frame["code"].tolist() == ["02", "10", "7"]
    assert frame["land"].isna().tolist() == [False, False, True]
    assert frame["n"].isna().tolist() == [False, True, False]
    assert read(tmp_path, content)["land"].isna().tolist() == [True, False, True]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2,3,4\n1,2\n", b"\x81\x8d\x00", b'a,b\n"1,2\n'])
def test_what_is_no_table_is_one_clear_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"odd\.csv.*separated by commas, semicolons or tabs"):
        read_csv(path, {})
