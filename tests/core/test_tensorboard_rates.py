from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.core.tiny import learner
from zoo.core.training.callbacks import TensorBoardLog


def test_the_tensorboard_log_has_the_rate_of_every_step_once(tmp_path: Path) -> None:
    learn = learner(callbacks=[TensorBoardLog(tmp_path)])
    learn.fit_one_cycle(2, 1e-2)
    events = EventAccumulator(str(tmp_path)).Reload().Scalars("train/lr")
    assert [event.step for event in events] == list(range(len(learn.history.lrs)))
    assert [event.value for event in events] == pytest.approx(learn.history.lrs, rel=1e-6)
    assert max(learn.history.lrs) > 2 * learn.history.lrs[0]
