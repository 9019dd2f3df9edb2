"""Operations that need the whole picture, and run between passes: one file each, or one a family.

A file describes its operations (`WholeImageOperation`) in variables, and the registry finds them: nothing else lists
them.

>>> OPERATIONS["gaussian_blur"].keeps_positions
True
"""

from __future__ import annotations

from augsynth.whole_image.description import WholeImageOperation
from augsynth.whole_image.registry import OPERATIONS

__all__ = ["OPERATIONS", "WholeImageOperation"]
