"""The runtime where nothing else is: a new environment, made from the package index."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from scripts.lib.record import ROOT


@pytest.mark.slow
def test_a_table_is_predicted_without_torch() -> None:
    try:
        socket.create_connection(("pypi.org", 443), timeout=5).close()
    except OSError:
        pytest.skip("the package index cannot be reached")
    program = [sys.executable, "-m", "benchmarks.runtime_alone", "--smoke"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "domain=rows" in done.stdout
