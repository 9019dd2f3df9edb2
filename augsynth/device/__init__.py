"""Running plans over images that lie on a CUDA device."""

from __future__ import annotations

from augsynth.device.available import checked_device, numbered
from augsynth.device.execute import execute
from augsynth.device.passes import run_pass
from augsynth.device.transfer import Packed, moved

__all__ = ["Packed", "checked_device", "execute", "moved", "numbered", "run_pass"]
