"""Detection: models of torchvision or of the user, scored by the mean average precision of COCO."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from augsynth.errors import PluginError
from augsynth.evaluate.sweeping.networks import Build, model_of
from augsynth.evaluate.sweeping.tasks import Task
from augsynth.evaluate.sweeping.updates import trained


@dataclass(frozen=True)
class Detection(Task):
    """Detection with a model that follows the contract of torchvision's detection models.

    In training, the model takes a list of images (C, H, W) and a list of `{"boxes": (n, 4), "labels": (n,)}`, and
    returns losses by name. Otherwise it takes images and returns a list of `{"boxes", "labels", "scores"}`. Label 0 is
    the background, so labels of the data set are counted from 1 there.

    Args:
        model: "torchvision:ssdlite320_mobilenet_v3_large", "module:function", or a function of the number of classes,
            background included.
        num_classes: number of classes of the data set, without the background.
        steps: number of updates; default 600.
        batch_size: images of an update; default 4.
        learning_rate: rate of AdamW; default 0.0003.
        device: device of torch; default "cpu".
        metric: "mAP" (default), the mean over IoU from 0.5 to 0.95 as COCO has it, or "mAP 50".

    `training` and `test` of `score` are data sets of (float32 image (C, H, W), target). A target is a dict of "boxes",
    (n, 4) XYXY, and "labels", (n,). Needs pycocotools.
    """

    model: str | Build
    num_classes: int
    steps: int = 600
    batch_size: int = 4
    learning_rate: float = 3e-4
    device: str = "cpu"
    metric: str = "mAP"

    def score(self, training: Any, test: Any, *, seed: int) -> dict[str, float]:
        device = torch.device(self.device)

        def loss(model: nn.Module, items: Sequence[tuple[Tensor, Mapping[str, Any]]]) -> Tensor:
            images = [image.to(device) for image, _ in items]
            targets = [_target(target, device) for _, target in items]
            return cast("Tensor", sum(model(images, targets).values()))

        model = trained(lambda: model_of(self.model, self.num_classes + 1), training, loss, self, seed)
        with torch.inference_mode():
            found = [model([test[k][0].to(device)])[0] for k in range(len(test))]
        return coco_precision([test[k][1] for k in range(len(test))], found)


def coco_precision(targets: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean average precision of COCO, by pycocotools: over IoU from 0.5 to 0.95, and at 0.5 alone.

    Args:
        targets: for each image "boxes" (n, 4) XYXY and "labels" (n,), counted from 0.
        found: for each image "boxes", "labels", counted from 1, and "scores".
    """
    try:
        coco, cocoeval = (import_module(f"pycocotools.{name}") for name in ("coco", "cocoeval"))
    except ImportError as error:
        raise PluginError("detection is scored by pycocotools: pip install pycocotools") from error
    answers: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = [
        {"image_id": k, "category_id": int(label) + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for k, target in enumerate(targets)
        for box, label in zip(_as_xywh(target["boxes"]), np.asarray(target["labels"]), strict=True)
    ]
    for k, each in enumerate(found):
        parts = zip(_as_xywh(each["boxes"]), each["labels"].tolist(), each["scores"].tolist(), strict=True)
        answers += [{"image_id": k, "category_id": label, "bbox": box, "score": score} for box, label, score in parts]
    categories = sorted({entry["category_id"] for entry in annotations})
    truth = coco.COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": k} for k in range(len(targets))],
        "annotations": [{**annotation, "id": number} for number, annotation in enumerate(annotations, 1)],
        "categories": [{"id": category} for category in categories],
    }
    if not answers:
        return {"mAP": 0.0, "mAP 50": 0.0}
    with redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = cocoeval.COCOeval(truth, truth.loadRes(answers), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {"mAP": max(0.0, float(evaluation.stats[0])), "mAP 50": max(0.0, float(evaluation.stats[1]))}


def _as_xywh(boxes: Any) -> list[list[float]]:
    corners = np.asarray(boxes.cpu() if isinstance(boxes, Tensor) else boxes, np.float64).reshape(-1, 4)
    return cast("list[list[float]]", np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]]).tolist())


def _target(target: Mapping[str, Any], device: torch.device) -> dict[str, Tensor]:
    boxes = torch.as_tensor(np.asarray(target["boxes"]), dtype=torch.float32).reshape(-1, 4)
    labels = torch.as_tensor(np.asarray(target["labels"]), dtype=torch.int64) + 1
    return {"boxes": boxes.to(device), "labels": labels.to(device)}
