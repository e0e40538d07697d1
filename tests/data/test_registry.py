from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import zoo.data
from zoo.cli.app import app
from zoo.data.members import stem
from zoo.data.registry import DATA_SETS, DataSet

MIRROR = os.environ.get("ZOO_DATA_MIRROR")  # before a fixture hides it

needs_archives = pytest.mark.skipif(
    MIRROR is None,
    reason="needs the real archives: set ZOO_DATA_MIRROR to a folder with ml-100k.zip",
)


def test_names_and_digests_are_unique_and_archives_have_a_known_form() -> None:
    assert len({data.name for data in DATA_SETS}) == len({data.digest for data in DATA_SETS}) == 13
    assert all(stem(data.archive) and len(data.digest) == 64 for data in DATA_SETS)


def test_an_unknown_name_is_answered_with_the_nearest_and_the_list() -> None:
    with pytest.raises(ValueError, match=r"name='movielens'\. Did you mean 'movielens-100k'\?"):
        zoo.data.get("movielens")


def test_the_list_says_what_is_at_hand(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = cache.parent / "mirror"
    mirror.mkdir()
    (mirror / "aclImdb_v1.tar.xz").touch()
    monkeypatch.setenv("ZOO_DATA_MIRROR", str(mirror))
    adult = next(data for data in DATA_SETS if data.name == "adult")
    (cache / "adult").mkdir(parents=True)
    (cache / "adult" / ".verified").write_text(adult.digest)
    at_hand = {row.name: row.at_hand for row in zoo.data.available()}
    assert (at_hand["adult"], at_hand["imdb"]) == ("cached", "mirror")
    assert (at_hand["hymenoptera"], at_hand["rossmann"]) == ("download", "by hand")


@pytest.mark.parametrize("data", DATA_SETS, ids=lambda data: data.name)
def test_every_data_set_tells_its_origin_and_what_it_must_be(data: DataSet) -> None:
    assert data.licence
    assert data.citation
    assert data.how
    assert data.address is None or data.address.startswith("https://")
    assert data.files > 0
    assert data.unpacked > 0
    done = CliRunner().invoke(app, ["data", "show", data.name])
    assert done.exit_code == 0
    assert data.digest in done.output
    assert data.licence in done.output


def test_the_cache_honours_the_usual_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZOO_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "zoo" / "data" / "rossmann")):
        zoo.data.get("rossmann")


def test_importing_the_data_sets_is_light() -> None:
    code = (
        "import sys, zoo.data; heavy = {'torch', 'pandas', 'numpy', 'rich', 'huggingface_hub'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    root = str(Path(__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": root})


@needs_archives
@pytest.mark.parametrize("name", ["movielens-100k", "adult", "rotten-tomatoes", "wikitext-2"])
def test_a_real_archive_is_what_the_registry_says(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_real(name, monkeypatch)


@needs_archives
@pytest.mark.slow
@pytest.mark.parametrize("name", [data.name for data in DATA_SETS])
def test_every_real_archive_is_what_the_registry_says(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_real(name, monkeypatch)


def check_real(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DATA_MIRROR", str(MIRROR))
    if next(row for row in zoo.data.available() if row.name == name).at_hand != "mirror":
        pytest.skip(f"ZOO_DATA_MIRROR does not hold the archive of {name}")
    data = next(data for data in DATA_SETS if data.name == name)
    found = [path for path in zoo.data.get(name).rglob("*") if path.is_file()]
    sizes = [path.stat().st_size for path in found if path.name != ".verified"]
    assert (len(sizes), sum(sizes)) == (data.files, data.unpacked)
