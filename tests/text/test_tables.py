from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from zoo.text.data.labelled import read
from zoo.text.data.texts import each, files_in

ROWS = [("so good", "pos"), ("so bad", "neg"), ('"odd", she said', "neg"), ("café\nor tea", "pos")]


def table(folder: Path, name: str, text: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def quoted(delimiter: str = ",", rows: list[tuple[str, str]] = ROWS) -> str:
    return pd.DataFrame(rows, columns=["text", "label"]).to_csv(sep=delimiter, index=False)


def escaped() -> str:
    cells = [[cell.replace('"', '\\"') for cell in row] for row in ROWS]
    return "text,label\n" + "".join(f'"{text}","{label}"\n' for text, label in cells)


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("a.csv", quoted(), "utf-8"),
        ("a.csv", quoted().replace("\n", "\r\n").replace("fé\r\n", "fé\n"), "utf-8-sig"),
        ("a.csv", quoted(";"), "cp1252"),
        ("a.csv", "sep=;\n" + quoted(";"), "utf-8-sig"),
        ("a.csv", quoted("\t"), "utf-16"),
        ("a.csv", quoted("|"), "utf-16-le"),
        ("a.csv", escaped(), "utf-8"),
        ("a.csv", quoted().replace("text,label", " text , label "), "utf-8"),
        ("a.csv", quoted().replace(",pos", ", pos ").replace(",neg", ",neg "), "utf-8"),
        ("a.tsv", quoted("\t"), "utf-8"),
        ("a.tsv", quoted(";"), "utf-8"),
    ],
)
@pytest.mark.filterwarnings("ignore:A file of texts is not UTF-8")
def test_a_table_is_read_however_it_was_saved(
    name: str, text: str, encoding: str, tmp_path: Path
) -> None:
    path = table(tmp_path, name, text, encoding)
    labelled = read(path)
    assert list(zip(labelled.texts, labelled.labels, strict=True)) == ROWS
    assert list(each(path)) == labelled.texts


@pytest.mark.parametrize("delimiter", ["\t", ","])
@pytest.mark.parametrize("second", ['"text 9', 'text 9"', '"text 9 "so"'])
def test_lone_quotation_marks_swallow_no_rows(delimiter: str, second: str, tmp_path: Path) -> None:
    texts = [f"text {i}" for i in range(12)]
    texts[2], texts[9] = '"text 2', second
    lines = ["text" + delimiter + "label", *(f"{text}{delimiter}a" for text in texts)]
    name = "a.tsv" if delimiter == "\t" else "a.csv"
    path = table(tmp_path, name, "\n".join(lines))
    assert read(path).texts == texts
    assert list(each(path)) == texts


def test_one_column_of_texts_needs_no_quotation_marks(tmp_path: Path) -> None:
    path = table(tmp_path, "a.csv", 'text\ngood, very good; really\n"two\nlines"\n\nlast\n')
    assert list(each(path)) == ["good, very good; really", "two\nlines", "last"]


def test_a_gap_of_a_file_is_no_class(tmp_path: Path) -> None:
    for gap in ("", " ", "nan", "NaN", "<NA>"):
        path = table(tmp_path, "b.csv", f"text,label\na,x\nb,{gap}\nc,y\n")
        with pytest.raises(ValueError, match="1 of 3 labels missing"):
            read(path)


def test_numbers_in_a_file_are_numbers_and_names_with_zeros_stay_names(tmp_path: Path) -> None:
    forms = {"5 1": (5, 1), "1.0 2.0": (1, 2), "007 7": ("007", "7"), "True FALSE": (True, False)}
    for spelt, labels in forms.items():
        one, two = spelt.split()
        path = table(tmp_path, "a.csv", f"text,label\na,{one}\nb,{two}\n")
        assert read(path).labels == list(labels)


@pytest.mark.parametrize(
    "tree",
    [
        [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}],
        {"data": [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]},
        {"text": ["a", "b"], "label": ["x", "y"]},
        {"text": {"0": "a", "1": "b"}, "label": {"0": "x", "1": "y"}},
    ],
)
def test_json_is_a_table_in_every_usual_form(tree: object, tmp_path: Path) -> None:
    path = table(tmp_path, "a.json", json.dumps(tree))
    assert read(path).texts == list(each(path)) == ["a", "b"]
    assert read(path).labels == ["x", "y"]


def test_json_of_texts_alone_and_lines_under_its_name(tmp_path: Path) -> None:
    assert list(each(table(tmp_path, "a.json", '["a", "b"]'))) == ["a", "b"]
    assert list(each(table(tmp_path, "b.json", '{"text": "a"}\n{"text": "5"}\n'))) == ["a", "5"]


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("a.csv", b"", "'a.csv' without"),
        ("a.csv", b"text,label\ngood, fine,x\n", "got 3 cells for 2 names in line 2 of 'a.csv'"),
        ("a.csv", b'text,label\n"a" b,c,x\n', "quotation marks must be doubled"),
        ("a.json", b'"text"', "'a.json'"),
        ("a.json", b"[1, 2]", "'a.json' with another form"),
        ("a.jsonl", b'["a"]\n', "in line 1 of 'a.jsonl'"),
        ("a.txt", b"%PDF-1.4 stream", "'a.txt', which is a PDF"),
        ("a.txt", gzip.compress(b"good film", mtime=0), "compressed by gzip"),
        ("a.csv", b"PK\x03\x04\0\0", "as Word and Excel write them"),
        ("a.txt", b"text\0\1\2 and more of it", "'a.txt', which is binary"),
    ],
)
def test_files_that_are_no_texts_are_one_sentence(
    name: str, raw: bytes, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        list(each(table(tmp_path, name, raw)))
    assert "\n" not in str(caught.value)


def test_what_systems_leave_in_folders_is_no_text_and_no_class(tmp_path: Path) -> None:
    for name in ("pos/0.txt", "neg/0.txt", "pos/deeper/1", ".ipynb_checkpoints/0.txt",
                 "neg/.hidden.txt", "pos/.git/1.txt", "__MACOSX/pos/._0.txt", "pos/~$0.txt",
                 "neg/0.txt~"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"text of {name}")
    (tmp_path / "pos" / "Thumbs.db").write_bytes(bytes(range(256)))
    (tmp_path / "neg" / "desktop.ini").write_bytes(b"\xff\xfe[\0")
    labelled = read(tmp_path)
    assert sorted(zip(labelled.texts, labelled.labels, strict=True)) == [
        ("text of neg/0.txt", "neg"),
        ("text of pos/0.txt", "pos"),
        ("text of pos/deeper/1", "pos"),
    ]
    names = [path.name for path in files_in(tmp_path)]
    assert names == ["0.txt", "0.txt"]


def test_a_picture_among_texts_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.txt").write_text(name)
    (tmp_path / "b" / "cover.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ValueError, match=r"'cover\.png', which is a picture"):
        read(tmp_path)
