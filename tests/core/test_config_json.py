"""A config.json that is JSON and yet no config is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo import ArtifactError
from zoo.core.artifacts.artifact import read
from zoo.core.config import config_of, read_config


@pytest.mark.parametrize("text", ["{}", "[]", "null", "1", '"format"', '["format"]', '{"a": 1}'])
@pytest.mark.parametrize("reader", [read_config, read])
def test_json_without_a_format_is_refused(text: str, reader, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ArtifactError, match="must be a JSON object"):
        reader(tmp_path)


def test_a_format_alone_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": 1}')
    with pytest.raises(ArtifactError, match=r"domain.*task.*model.*spec"):
        read_config(tmp_path)


def test_a_metric_that_is_no_number_is_left_out() -> None:
    tree = {"format": 1, "domain": "tabular", "task": "regression", "spec": {}}
    tree |= {"model": {"name": "mlp", "args": {}}, "metrics": {"rmse": 0.5, "r2": float("nan")}}
    assert config_of(tree).metrics == {"rmse": 0.5}


def test_a_directory_that_is_none_is_told_from_one_without_a_config(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="which is no directory"):
        read_config(tmp_path / "missing")
    with pytest.raises(ArtifactError, match="which has none"):
        read_config(tmp_path)
