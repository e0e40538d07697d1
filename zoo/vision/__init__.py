"""Images: fine-tune a pretrained backbone on a folder of photos.

import zoo

model = zoo.vision.finetune("efficientnet_lite0", "photos/")
model.predict("dog.jpg")
"""

from zoo.vision import restoration, segmentation
from zoo.vision.augment import NONE, SIDE_ON, TOP_DOWN, Augment
from zoo.vision.finetune import finetune, learner, train
from zoo.vision.models.catalogue import backbones
from zoo.vision.predictions import Labels, Prediction
from zoo.vision.predictor import PhotoModel
from zoo.vision.restorer import PhotoRestorer
from zoo.vision.segmenter import PhotoSegmenter
from zoo.vision.stored import load

__all__ = [
    "NONE",
    "SIDE_ON",
    "TOP_DOWN",
    "Augment",
    "Labels",
    "PhotoModel",
    "PhotoRestorer",
    "PhotoSegmenter",
    "Prediction",
    "backbones",
    "finetune",
    "learner",
    "load",
    "restoration",
    "segmentation",
    "train",
]
