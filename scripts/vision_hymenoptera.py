"""Ants and bees: accuracy >= .945 on the mean of 5 seeds, each whole call under 90 s on two cores.

The 398 photos of the transfer-learning tutorial's set, its own train and val folders;
`zoo.vision.finetune("efficientnet_lite0", ...)` with its defaults. Beside it the linear probe on
the same features, and how many validation photos each gets right that the other does not.

    python -m scripts.vision_hymenoptera       # writes results/vision_hymenoptera.csv
"""

import zoo
from scripts.lib.photos import Experiment, run

EXPERIMENT = Experiment(
    results="vision_hymenoptera.csv",
    data=lambda: zoo.data.get("hymenoptera"),
    seeds=5,
    target=0.945,
    seconds=90,
)

if __name__ == "__main__":
    run(EXPERIMENT, __doc__)
