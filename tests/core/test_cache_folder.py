from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from zoo.core.cache_folder import default_cache, expanded


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without settings, without a home and without a line in passwd."""
    for name in ("HOME", "ZOO_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path


def test_what_the_user_names_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert default_cache("photos", "ZOO_CACHE") == Path("/xdg/zoo/photos")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    assert default_cache("photos", "ZOO_CACHE") == tmp_path
    monkeypatch.setenv("ZOO_CACHE", "~/cache")
    with pytest.raises(ValueError, match=r"ZOO_CACHE must be a folder, got '~/cache'"):
        default_cache("photos", "ZOO_CACHE")


def test_a_home_holds_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache("text", "ZOO_CACHE") == tmp_path / ".cache" / "zoo" / "text"
    assert not (tmp_path / ".cache").exists()
    assert expanded("~/models", "ZOO_HUB") == tmp_path / "models"


@pytest.mark.parametrize("home", [None, "", "/dev/null/home"])
def test_without_a_home_the_cache_is_a_private_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str | None
) -> None:
    if home is not None:
        monkeypatch.setenv("HOME", home)
    folder = default_cache("data", "ZOO_DATA")
    assert folder.parent.parent == tmp_path / "temporary"
    assert folder == default_cache("data", "ZOO_DATA")
    assert folder.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["link", "open to all"])
def test_a_temporary_folder_that_somebody_prepared_is_not_used(tmp_path: Path, kind: str) -> None:
    trap = default_cache("data", "ZOO_DATA").parent
    if kind == "link":
        trap.rmdir()
        os.symlink(tmp_path, trap)  # noqa: PTH211 - reads as what an attacker does
    else:
        trap.chmod(0o777)
    assert trap not in default_cache("data", "ZOO_DATA").parents
