"""Running plans over images that lie on a CUDA device."""

from __future__ import annotations

from augsynth.device.execute import execute
from augsynth.device.transfer import moved

__all__ = ["execute", "moved"]
