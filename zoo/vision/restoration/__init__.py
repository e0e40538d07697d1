"""Restoration: undo what made photos worse, by a U-Net with a pixel and a perceptual loss.

import zoo

model = zoo.vision.restoration.finetune("efficientnet_lite0", "good-photos/", scale=2, quality=10)
model.predict("small.jpg").save("restored.png")
"""

from typing import TYPE_CHECKING

from zoo.core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from zoo.vision.restoration.options import Options as Options
    from zoo.vision.restoration.verbs import finetune as finetune
    from zoo.vision.restoration.verbs import learner as learner
    from zoo.vision.restoration.verbs import train as train

__getattr__, __dir__ = lazy_exports(__name__)
__all__ = list(__dir__())
