"""Segmentation: what does every pixel of a photo show? A U-Net on any backbone with feature maps.

import zoo

model = zoo.vision.segmentation.finetune("efficientnet_lite0", "street/photos", "street/masks")
model.predict("road.jpg").save("mask.png")
"""

from typing import TYPE_CHECKING

from zoo.core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from zoo.vision.segmentation.options import Options as Options
    from zoo.vision.segmentation.verbs import check as check
    from zoo.vision.segmentation.verbs import finetune as finetune
    from zoo.vision.segmentation.verbs import learner as learner
    from zoo.vision.segmentation.verbs import train as train

__getattr__, __dir__ = lazy_exports(__name__)
__all__ = list(__dir__())
