"""Provenance of a result: the versions, the machine, and a digest of the data."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version

import numpy as np
import torch

from augsynth import _native
from augsynth.data.loading.datasets import ImageData
from augsynth.generators import list_generators


def environment() -> dict[str, str]:
    """Return versions and settings that can change a result or its speed, as text."""
    return {
        "augsynth": version("augsynth"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "native kernels": f"{_native.isa()}, {_native.num_threads()} threads",
    }


def generator_origin(name: str) -> str:
    """Return the name of a generator with its distribution and version."""
    found = [info for info in list_generators() if name in (info.name, info.full_name)]
    return f"{name} ({found[0].distribution} {found[0].version})".replace(" )", ")") if found else name


def data_digest(data: ImageData) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of shapes, images and labels, with the test part."""
    digest = hashlib.sha256()
    for part in (data, data.test):
        if part is not None:
            digest.update(repr(part.images.shape).encode())
            digest.update(part.images.tobytes())
            digest.update(part.labels.tobytes())
    return digest.hexdigest()[:16]
