"""Layers of the classifier, for any number of pixels, channels and classes."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

_LEAST_HALVED = 8
_LONGEST_SIDE = 64


def build_network(shape: tuple[int, int, int], num_classes: int, width: int) -> nn.Sequential:
    """Return a network with blocks of convolution, batch norm and ReLU, and a linear layer.

    Convolutions with a stride of 2 come first, while a side has more than 64 pixels. Then sides are halved after each
    block while both are at least 8. The first batch norm standardises the input, so the scale of float images does not
    matter.

    Args:
        shape: (C, H, W) of the images.
        num_classes: number of classes.
        width: channels of the first block; they double in each block, up to 128.

    >>> sum(p.numel() for p in build_network((3, 480, 640), 10, 16).parameters())
    308474
    """
    channels, rows, columns = shape
    layers: list[nn.Module] = [nn.BatchNorm2d(channels, affine=False)]
    while max(rows, columns) > _LONGEST_SIDE:
        stride = (1 + (rows > _LONGEST_SIDE), 1 + (columns > _LONGEST_SIDE))
        layers += _layer(channels, width, stride)
        channels, rows, columns = width, -(-rows // stride[0]), -(-columns // stride[1])
    layers += _block(channels, width)
    while min(rows, columns) >= _LEAST_HALVED:
        wider = min(2 * width, 128)
        layers += [nn.MaxPool2d(2), *_block(width, wider)]
        width, rows, columns = wider, rows // 2, columns // 2
    layers += [nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(4 * width, num_classes)]
    # torch's stubs have no memory_format; this layout makes training a third faster on a CPU.
    network: nn.Sequential = cast("Any", nn.Sequential(*layers)).to(memory_format=torch.channels_last)
    return network


def _block(before: int, after: int) -> list[nn.Module]:
    return [*_layer(before, after), *_layer(after, after)]


def _layer(before: int, after: int, stride: tuple[int, int] = (1, 1)) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU()]
