from __future__ import annotations

import os
import signal

import pytest

from tests.core.tiny import learner
from tests.helpers.device import run_here
from zoo.core.history import History

pytestmark = pytest.mark.device


def test_the_table_is_printed_and_no_bar_where_nobody_looks(capsys) -> None:
    learner(run_here(progress=None)).fit(2, 1e-2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip(" -") == "validation"
    valid = slice(lines[1].index(" valid_loss") + 1, lines[1].index("accuracy") + len("accuracy"))
    assert lines[0][valid].strip("-") == " validation "
    assert not lines[0][: valid.start].strip()
    assert lines[1].split() == ["epoch", "train_loss", "valid_loss", "accuracy", "lr", "seconds"]
    assert [line.split()[0] for line in lines[2:] if line] == ["1/2", "2/2"]


def test_no_progress_prints_nothing(capsys) -> None:
    learner(run_here()).fit(1, 1e-2)
    assert capsys.readouterr().out == ""


def test_plots_show_every_step_and_epoch() -> None:
    learn = learner()
    learn.fit_one_cycle(3, 1e-2)
    assert len(learn.history.plot_lr().lines[0].get_xdata()) == 21
    axes = learn.history.plot_loss()
    assert [len(line.get_xdata()) for line in axes.lines] == [21, 21, 3]
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words[1:] == ["training, smoothed over some 5 steps", "validation, after each epoch"]
    loaded = History.from_csv(learn.history.to_csv())  # knows its epochs alone
    assert [len(line.get_xdata()) for line in loaded.plot_loss().lines] == [3, 3]
    assert [*loaded.plot_lr().lines[0].get_xdata()] == [1, 2, 3]
    with pytest.raises(ValueError, match="got a history without any"):
        History().plot_loss()


def test_rows_survive_csv() -> None:
    learn = learner()
    learn.fit(2, 1e-2)
    assert History.from_csv(learn.history.to_csv()).rows == learn.history.rows


def test_a_fit_that_is_broken_off_says_so(capsys) -> None:
    class PressCtrlC:
        def step_end(self, fit) -> None:
            if fit.step == 10:
                os.kill(os.getpid(), signal.SIGINT)

    learner(run_here(progress=None)).fit(3, 1e-2, callbacks=[PressCtrlC()])
    assert capsys.readouterr().out.splitlines()[-1] == "interrupted after 1 of 3 epochs"


def test_a_history_shows_its_last_losses() -> None:
    rows = [{"epoch": 0.0, "train_loss": 1.5}, {"epoch": 1.0, "train_loss": 0.25}]
    assert repr(History(rows)) == "<History of 2 epochs; train_loss 0.25>"
    assert repr(History([{**rows[0], "valid_loss": 2.0}])).endswith("train_loss 1.5, valid_loss 2>")
    assert repr(History()) == "<History of 0 epochs; no losses>"
