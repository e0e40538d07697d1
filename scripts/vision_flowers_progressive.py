"""Five kinds of flowers at growing sizes, 96 to 160 px, with test-time augmentation: >= .79.

The fixed split of `scripts/vision_flowers.py`, three seeds. The steps are those of
`zoo.vision.finetune("efficientnet_lite0", ..., sizes=(96, 128, 160))` with its defaults, taken one
by one so that the gain of each is seen: the linear probe at the first size, the network after each
size, and several looks at a photo. The recipe's constants are those of all photo sets. Rows with a
`mean` are of an earlier recipe, which ended at the mean with the probe; it was dropped for growing
sizes after a comparison on training photos (`scripts/searches/vision_recipe.py flowers --sizes`),
when these scores of the validation part had been seen.

    python -m scripts.vision_flowers_progressive    # writes results/vision_flowers_progressive.csv
"""

from __future__ import annotations

from dataclasses import dataclass

import zoo
from scripts.lib.photos import few
from scripts.lib.program import Program, program, timed
from scripts.vision_flowers import fixed_split
from zoo.core.training.learner import Learner
from zoo.vision.classification.recipe import fit_from_probe, shared, start_from_probe


@dataclass(frozen=True)
class Schedule:
    """The sizes, and the epochs that they share."""

    sizes: tuple[int, ...] = (96, 128, 160)
    epochs: int = 4


def main() -> None:
    """Every seed."""
    asked = program(__doc__, "vision_flowers_progressive.csv", seeds=3)
    for seed in asked.seeds:
        trial(asked, seed, Schedule())


def trial(asked: Program, seed: int, schedule: Schedule) -> None:
    """One run, scored after every step; a row of results."""
    with timed() as spent:
        learn = zoo.vision.learner(
            few(fixed_split()) if asked.smoke else fixed_split(),
            pretrained="efficientnet_lite0",
            size=schedule.sizes[0],
            run=asked.run(seed),
        )
        start_from_probe(learn)
        probe = learn.evaluate()["accuracy"]
        fit_from_probe(learn, schedule.epochs, sizes=schedule.sizes)
    model = learn.as_model()
    scores = model.evaluate(tta=True)
    asked.record(
        seed=seed,
        epochs=schedule.epochs,
        sizes=" ".join(map(str, schedule.sizes)),
        photos=len(learn.data.valid),  # type: ignore[arg-type]
        probe=probe,
        **after_sizes(learn, schedule),
        accuracy=scores["accuracy"],
        **spent(),
    )
    asked.keep(model, seed)


def after_sizes(learn: Learner, schedule: Schedule) -> dict[str, float]:
    """The accuracy after the last epoch of each size."""
    sizes = [size for size, n in shared(schedule.epochs, schedule.sizes) for _ in range(n)]
    rows = zip(sizes, learn.history.rows, strict=True)
    return {f"after_{size}": row["accuracy"] for size, row in rows}


if __name__ == "__main__":
    main()
