"""Hashes of contents: equal for equal contents, in every process and for ever."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from zoo.core.contents import content_hashes


def test_equal_contents_have_equal_hashes_and_others_do_not() -> None:
    same = content_hashes([1, 1.0, np.int64(1), np.float32(1), True])
    assert len(set(same.tolist())) == 1
    values = ["1", 1, b"1", None, 1.5, (1,), ("a", "b"), ("ab", ""), "", float("nan"), "\ud83d"]
    assert len(set(content_hashes(values).tolist())) == len(values)


def test_hashes_are_the_same_in_every_process() -> None:
    code = (
        "from zoo.core.contents import content_hashes as h; print(h(['text', ('a', 2)]).tolist())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == str(content_hashes(["text", ("a", 2)]).tolist())


def test_content_hashes_are_those_of_every_artifact_so_far() -> None:
    hashes = content_hashes(["a text", 3, ("1", 1.0), None]).tolist()
    assert hashes[:2] == [8722198475935230680, 4982723058291715516]
    assert hashes[2:] == [6069423880686824698, 14621344478382084487]
