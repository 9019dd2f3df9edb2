"""augsynth: fused augmentation and synthetic data for vision models with little training data.

>>> import augsynth
>>> from augsynth import transforms as T
>>> t = T.Compose([T.RandomCrop(28, padding=4), T.RandomHorizontalFlip(), T.ToDtype("float32", scale=True)])

Names are imported when they are first used, so that `augsynth --help` does not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from augsynth import data, errors, evaluate, generators, testing, transforms
    from augsynth.data import AugmentedDataset, MixBatchSampler, SyntheticMixDataset, SyntheticPool, collate
    from augsynth.plan import Plan

__version__ = "0.1.0"

# Python started in a working copy finds these sources before an installed augsynth, which has the compiled extensions.
__path__ = extend_path(__path__, __name__)

_HOMES = {
    "AugmentedDataset": "augsynth.data",
    "MixBatchSampler": "augsynth.data",
    "SyntheticMixDataset": "augsynth.data",
    "SyntheticPool": "augsynth.data",
    "collate": "augsynth.data",
    "Plan": "augsynth.plan",
}
_MODULES = ("data", "errors", "evaluate", "generators", "testing", "transforms")

__all__ = [
    "AugmentedDataset",
    "MixBatchSampler",
    "Plan",
    "SyntheticMixDataset",
    "SyntheticPool",
    "__version__",
    "collate",
    "data",
    "errors",
    "evaluate",
    "generators",
    "testing",
    "transforms",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"augsynth.{name}")
    raise AttributeError(f"module 'augsynth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
