"""Images: fine-tune a pretrained backbone on a folder of photos.

import zoo

model = zoo.vision.finetune("efficientnet_lite0", "photos/")
model.predict("dog.jpg")
"""

from typing import TYPE_CHECKING

from zoo.core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from zoo.core.explanation import Explanation as Explanation
    from zoo.core.predictions import Labels as Labels
    from zoo.core.predictions import Prediction as Prediction
    from zoo.vision import restoration as restoration
    from zoo.vision import segmentation as segmentation
    from zoo.vision.classification.features import on_features as on_features
    from zoo.vision.classification.features import on_photos as on_photos
    from zoo.vision.classification.model import PhotoModel as PhotoModel
    from zoo.vision.classification.recipe import set_size as set_size
    from zoo.vision.classification.thresholds import tune_threshold as tune_threshold
    from zoo.vision.classification.tta import TTA as TTA
    from zoo.vision.classification.verbs import choose as choose
    from zoo.vision.classification.verbs import finetune as finetune
    from zoo.vision.classification.verbs import learner as learner
    from zoo.vision.classification.verbs import train as train
    from zoo.vision.data.augment import NONE as NONE
    from zoo.vision.data.augment import SIDE_ON as SIDE_ON
    from zoo.vision.data.augment import TOP_DOWN as TOP_DOWN
    from zoo.vision.data.augment import Augment as Augment
    from zoo.vision.data.preprocessing import Preprocessing as Preprocessing
    from zoo.vision.examinations import check as check
    from zoo.vision.inspect import figures as figures
    from zoo.vision.models.catalogue import backbones as backbones
    from zoo.vision.models.declared_bodies import DeclaredBackbone as DeclaredBackbone
    from zoo.vision.restoration.model import PhotoRestorer as PhotoRestorer
    from zoo.vision.segmentation.model import PhotoSegmenter as PhotoSegmenter
    from zoo.vision.stored import load as load

__getattr__, __dir__ = lazy_exports(__name__)
__all__ = list(__dir__())
