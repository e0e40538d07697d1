"""The digits of `zoo/digits`: few of them are drawn from the parts of all."""

from __future__ import annotations

from pathlib import Path

from zoo.published.digits import N_TEST, N_TRAIN, write_digits


def test_few_digits_to_score_are_none_that_the_published_model_has_learnt_from(
    tmp_path: Path,
) -> None:
    def names(folder: Path) -> set[str]:
        return {photo.name for photo in folder.rglob("*.png")}

    everything = write_digits(tmp_path / "all")
    few = write_digits(tmp_path / "few", n_train=60, n_valid=40)
    learnt, kept = names(everything / "train"), names(everything / "valid")

    assert (len(learnt), len(kept), len(learnt & kept)) == (N_TRAIN, N_TEST, 0)
    assert len(names(few / "valid")) == 40
    assert names(few / "valid") <= kept
    assert names(few / "train") <= learnt
