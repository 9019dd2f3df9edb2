"""A small stand-in for `torchvision.tv_tensors`: the same names, signatures and behaviour, as far as they are used."""

from __future__ import annotations

from enum import Enum
from typing import Any

import torch


class BoundingBoxFormat(Enum):
    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"
    XYWHR = "XYWHR"
    CXCYWHR = "CXCYWHR"
    XYXYXYXY = "XYXYXYXY"


class TVTensor(torch.Tensor):
    """Operations on a tv_tensor give plain tensors."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))


class Image(TVTensor):
    def __new__(cls, data: Any) -> Any:
        return torch.as_tensor(data).as_subclass(cls)


class Video(Image):
    pass


class Mask(TVTensor):
    def __new__(cls, data: Any) -> Any:
        return torch.as_tensor(data).as_subclass(cls)


class BoundingBoxes(TVTensor):
    format: BoundingBoxFormat
    canvas_size: tuple[int, int]
    clamping_mode: str | None

    def __new__(
        cls, data: Any, *, format: Any, canvas_size: tuple[int, int], clamping_mode: str | None = "soft"
    ) -> Any:
        result: Any = torch.as_tensor(data).as_subclass(cls)
        result.format = BoundingBoxFormat[format.upper()] if isinstance(format, str) else format
        result.canvas_size, result.clamping_mode = canvas_size, clamping_mode
        return result


class KeyPoints(TVTensor):
    canvas_size: tuple[int, int]

    def __new__(cls, data: Any, *, canvas_size: tuple[int, int]) -> Any:
        result: Any = torch.as_tensor(data).as_subclass(cls)
        result.canvas_size = canvas_size
        return result


def wrap(wrappee: torch.Tensor, *, like: Any, **kwargs: Any) -> Any:
    """`wrappee` as a tv_tensor like `like`; `kwargs` replace its metadata."""
    names = [name for name in ("format", "canvas_size", "clamping_mode") if hasattr(like, name)]
    metadata = {name: kwargs.get(name, getattr(like, name)) for name in names}
    return type(like)(wrappee, **metadata)
