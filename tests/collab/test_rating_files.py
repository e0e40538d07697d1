from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

import zoo
from tests.collab.small import RUN, ratings
from zoo.collab.data.ratings import Columns, read

ROWS = [("u1", "x", 4.5), ("u1", "y", 3.0), ("u2", "x", 5.0)]
ANY = Columns()


def rows_of(path: Path, text: str, encoding: str = "utf-8") -> list[tuple[object, ...]]:
    path.write_text(text, encoding=encoding)
    return list(read(path, ANY, learns=True).itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.csv", "user,item,rating\nu1,x,4.5\nu1,y,3\nu2,x,5\n"),
        ("r.csv", "user;item;rating\nu1;x;4,5\nu1;y;3\nu2;x;5\n"),
        ("r.csv", "user;item;rating\nu1;x;4.5\nu1;y;3\nu2;x;5\n"),
        ("r.csv", "user\titem\trating\nu1\tx\t4.5\nu1\ty\t3\nu2\tx\t5\n"),
        ("r.CSV", "User, Item , Rating\nu1, x, 4.5\nu1, y, 3\nu2, x, 5\n"),
        ("r.csv", "user,item,rating\r\nu1,x,4.5\r\nu1,y,3\r\nu2,x,5\r\n"),
        ("r.tsv", "user\titem\trating\nu1\tx\t4.5\nu1\ty\t3\nu2\tx\t5\n"),
        ("r.tsv", 'user\titem\trating\tsaid\nu1\tx\t4.5\t"Wow\nu1\ty\t3\ta "b"\nu2\tx\t5\t"no"\n'),
    ],
)
def test_tables_as_programs_write_them_are_the_same(name: str, text: str, tmp_path: Path) -> None:
    assert rows_of(tmp_path / name, text) == ROWS


def test_a_mark_of_the_encoding_is_no_part_of_a_name(tmp_path: Path) -> None:
    text = "user,item,rating\nu1,x,4.5\nu1,y,3\nu2,x,5\n"
    assert rows_of(tmp_path / "r.csv", text, "utf-8-sig") == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_files_of_excel_are_read_in_its_encoding(encoding: str, tmp_path: Path) -> None:
    text = "user;item;rating\nZo\u00eb;x;4,5\nZo\u00eb;y;3\nu2;x;5\n"
    assert rows_of(tmp_path / "r.csv", text, encoding)[0] == ("Zo\u00eb", "x", 4.5)


def test_a_field_too_many_shifts_no_column(tmp_path: Path) -> None:
    text = "user,item,rating\nu1,x,4.5,\nu1,y,3,\nu2,x,5,\n"
    assert rows_of(tmp_path / "r.csv", text) == ROWS


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("r.csv", b"", "must be a CSV table, but 'r.csv' is not"),
        ("r.csv", b"\xff\xfeu", "must be a CSV table, but 'r.csv' is not"),
        ("r.csv", b"user,item,rating\nu1,x,3\nu1,x,3,4,5,6\n", "must be a CSV table"),
        ("r.parquet", b"no table", "pyarrow|must be whole"),
    ],
)
def test_what_is_no_table_is_one_sentence(
    name: str, content: bytes, says: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((ValueError, ModuleNotFoundError), match=says):
        read(tmp_path / name, ANY)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="must be in one file, got the folder"):
        read(tmp_path, ANY)


@pytest.mark.skipif(find_spec("pyarrow") is not None, reason="pyarrow is installed")
def test_parquet_without_its_reader_names_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'transfer-zoo\[parquet\]'"):
        zoo.collab.train(tmp_path / "r.parquet", run=RUN)


def test_cells_of_blanks_are_gaps() -> None:
    table = ratings()[:4]
    table["user"] = ["u00", "", " ", "u01"]
    with pytest.warns(UserWarning, match="2 of 4 ratings lack a value"):
        assert read(table, ANY)["user"].tolist() == ["u00", "u01"]
