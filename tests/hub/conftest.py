from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import Hub, serve


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty hub that this process talks to."""
    import huggingface_hub.constants  # noqa: F401  (it reads the environment once, before this)

    made = Hub()
    server = serve(made)
    monkeypatch.setenv("HF_ENDPOINT", made.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))  # of processes that are started
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    monkeypatch.setenv("HF_TOKEN", "a-token")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.delenv("ZOO_HUB", raising=False)
    yield made
    server.shutdown()
    server.server_close()
