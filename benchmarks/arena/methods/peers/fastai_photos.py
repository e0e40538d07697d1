"""fastai's `fine_tune(4)` as its tutorial calls it, with the same weights as the others."""

from __future__ import annotations

from fastai.vision.all import (
    ImageDataLoaders,
    Normalize,
    Resize,
    accuracy,
    aug_transforms,
    set_seed,
    vision_learner,
)

from benchmarks.arena.methods import lite0
from benchmarks.arena.task import Answer, Task

EPOCHS = 4
RESIZED = 256  # pixels, before a part is cut out
BATCH = 32


def network(task: Task) -> Answer:
    """Four epochs; a fifth of the photos is validated on."""
    set_seed(task.seed)
    loaders = ImageDataLoaders.from_df(
        task.train,
        path="/",
        seed=task.seed,
        item_tfms=Resize(RESIZED),
        batch_tfms=[*aug_transforms(size=lite0.SIZE), Normalize.from_stats(lite0.MEAN, lite0.STD)],
        bs=BATCH,
        num_workers=0,
    )
    learn = vision_learner(loaders, lite0.NAME, pretrained=False, metrics=accuracy)
    weights = lite0.network().state_dict()
    learn.model[0].model.load_state_dict(
        {name: value for name, value in weights.items() if not name.startswith("classifier")}
    )
    learn.freeze()
    with learn.no_bar(), learn.no_logging():
        learn.fine_tune(EPOCHS)
        says, _ = learn.get_preds(dl=loaders.test_dl(task.inputs["path"].tolist()))
    return says.numpy()
