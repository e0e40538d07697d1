"""Loss and metrics of segmentation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zoo.core.task import Task, classification
from zoo.vision.segmentation.spec import SegmentationSpec


def task_of(spec: SegmentationSpec) -> Task:
    """Cross entropy of every pixel that counts; their accuracy, and the mean IoU of the classes."""

    def metrics() -> dict[str, Any]:
        from torchmetrics.classification import MulticlassJaccardIndex

        iou = MulticlassJaccardIndex(len(spec.classes), ignore_index=ignored, validate_args=False)
        return {**plain.metrics(), "iou": iou}

    ignored = spec.ignored_target
    plain = classification(len(spec.classes), ignore_index=ignored)
    return replace(plain, metrics=metrics)
