"""Dogs and cats: accuracy >= .99 on the mean of 3 seeds, each whole call under 3 min on two cores.

1,000 photos of 160 px to train on and 500 to validate, part of the Kaggle set;
`zoo.vision.finetune("efficientnet_lite0", ...)` with its defaults, but for 3 epochs instead of 4,
to keep to the time.

    python -m scripts.vision_dogscats          # writes results/vision_dogscats.csv
"""

import zoo
from scripts.lib.photos import Experiment, run

EXPERIMENT = Experiment(
    results="vision_dogscats.csv",
    data=lambda: zoo.data.get("dogscats-160"),
    seeds=3,
    target=0.99,
    seconds=180,
    epochs=3,
)

if __name__ == "__main__":
    run(EXPERIMENT, __doc__)
