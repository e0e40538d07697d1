"""The library's default call for tables."""

from __future__ import annotations

from benchmarks.arena.task import Answer, Task
from zoo.core.run import Run
from zoo.tabular import train


def default(task: Task) -> Answer:
    """Train with nothing set but the target and whether it is a class."""
    model = train(
        task.train,
        task.target,
        task="classification" if task.has_classes else "regression",
        run=Run(seed=task.seed, progress=False),
    )
    if task.has_classes:
        return (
            model.probabilities(task.inputs).reindex(columns=task.classes, fill_value=0).to_numpy()
        )
    return model.predict(task.inputs).to_numpy(float)
