"""Networks by name: of torchvision, of timm, or of a function of the user."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from torch import Tensor, nn

from augsynth.errors import ArgumentError, PluginError

Build = Callable[..., nn.Module]


class _Grey(nn.Module):
    """A network for colour images that is given grey ones."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return cast("Tensor", self.network(images.expand(-1, 3, -1, -1)))


def classifier_of(model: str | Build, num_classes: int, channels: int) -> nn.Module:
    """Return a new network without trained weights, which takes (n, C, H, W) and returns scores (n, K).

    Args:
        model: "torchvision:resnet18", "timm:resnet18", "module:function", or the function itself. A function of the
            user is called with the number of classes and the number of channels.
        num_classes: number K of classes.
        channels: number C of channels. Models of torchvision take 3; grey images are given to them as colour images.
    """
    package, _, name = ("", "", "") if callable(model) else model.partition(":")
    if package == "timm":
        made = _module("timm").create_model(name, pretrained=False, num_classes=num_classes, in_chans=channels)
        return cast("nn.Module", made)
    if package != "torchvision":
        return function_of(model)(num_classes, channels)
    if channels not in (1, 3):
        raise ArgumentError(f"models of torchvision take 3 channels, and these images have {channels}")
    network = torchvision_model(name, num_classes=num_classes)
    return network if channels == 3 else _Grey(network)


def torchvision_model(name: str, **options: Any) -> nn.Module:
    """Return a model of torchvision without trained weights; nothing is downloaded.

    Args:
        name: its name, as `torchvision.models.list_models()` has it.
        options: its arguments.
    """
    return cast("nn.Module", _module("torchvision.models").get_model(name, weights=None, **options))


def model_of(model: str | Build, num_classes: int) -> nn.Module:
    """Return a new model of detection or segmentation without trained weights.

    Args:
        model: "torchvision:name", "module:function", or a function of the number of classes.
        num_classes: number of classes.
    """
    if isinstance(model, str) and model.startswith("torchvision:"):
        name = model.removeprefix("torchvision:")
        return torchvision_model(name, weights_backbone=None, num_classes=num_classes)
    return function_of(model)(num_classes)


def function_of(model: str | Build) -> Build:
    """Return the function that a text "module:function" names, or a function as it is.

    Args:
        model: the text or the function.
    """
    if callable(model):
        return model
    package, _, name = model.partition(":")
    try:
        return cast("Build", getattr(import_module(package), name))
    except (ImportError, AttributeError, ValueError) as error:
        raise ArgumentError(
            f"model must be 'torchvision:name', 'timm:name' or 'module:function', got {model!r}: {error}"
        ) from error


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise PluginError(f"this model needs {name.partition('.')[0]}, which is not installed: {error}") from error
