"""Images: fine-tune a pretrained backbone on a folder of photos.

import zoo

model = zoo.vision.finetune("efficientnet_lite0", "photos/")
model.predict("dog.jpg")
"""

from zoo.vision import figures, restoration, segmentation
from zoo.vision.augment import NONE, SIDE_ON, TOP_DOWN, Augment
from zoo.vision.doctor import check
from zoo.vision.features import on_features, on_photos
from zoo.vision.finetune import finetune, learner, train
from zoo.vision.models.catalogue import backbones
from zoo.vision.predictions import Labels, Prediction
from zoo.vision.predictor import PhotoModel
from zoo.vision.recipe import set_size
from zoo.vision.restorer import PhotoRestorer
from zoo.vision.segmenter import PhotoSegmenter
from zoo.vision.stored import load
from zoo.vision.thresholds import tune_threshold
from zoo.vision.tta import TTA

__all__ = [
    "NONE",
    "SIDE_ON",
    "TOP_DOWN",
    "TTA",
    "Augment",
    "Labels",
    "PhotoModel",
    "PhotoRestorer",
    "PhotoSegmenter",
    "Prediction",
    "backbones",
    "check",
    "figures",
    "finetune",
    "learner",
    "load",
    "on_features",
    "on_photos",
    "restoration",
    "segmentation",
    "set_size",
    "train",
    "tune_threshold",
]
