"""Running plans over images that lie on a CUDA device."""

from __future__ import annotations

from augsynth.device.available import require_cuda
from augsynth.device.execute import execute
from augsynth.device.transfer import copied, moved

__all__ = ["copied", "execute", "moved", "require_cuda"]
