"""fastai's `tabular_learner` as its tutorial calls it."""

from __future__ import annotations

from fastai.data.transforms import RandomSplitter
from fastai.tabular.all import (
    Categorify,
    CategoryBlock,
    FillMissing,
    Normalize,
    RegressionBlock,
    TabularDataLoaders,
    TabularPandas,
    range_of,
    set_seed,
    tabular_learner,
)

from benchmarks.arena.methods.columns import texts_of
from benchmarks.arena.task import Answer, Task

EPOCHS = 5
BATCH = 64


def network(task: Task) -> Answer:
    """Five epochs by one cycle; a fifth of the rows is validated on."""
    set_seed(task.seed)
    texts = texts_of(task)
    frame = task.train.copy()
    table = TabularPandas(
        frame,
        procs=[Categorify, FillMissing, Normalize],
        cat_names=texts,
        cont_names=[name for name in task.features if name not in texts],
        y_names=task.target,
        y_block=CategoryBlock(task.classes) if task.has_classes else RegressionBlock(),
        splits=RandomSplitter(seed=task.seed)(range_of(frame)),
    )
    loaders: TabularDataLoaders = table.dataloaders(bs=min(BATCH, len(frame) // 4), num_workers=0)
    learn = tabular_learner(loaders)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(EPOCHS)
        says, _ = learn.get_preds(dl=loaders.test_dl(task.inputs.copy()))
    return says.numpy() if task.has_classes else says.numpy().ravel()
