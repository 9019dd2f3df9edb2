"""Near-copies: distances between images that ignore small changes, and tests of copying from a training set."""

from __future__ import annotations

from augsynth.copies.alignment import Alignment
from augsynth.copies.distances import Neighbours, nearest, pairs_within
from augsynth.copies.items import CopiedItems, find_copies
from augsynth.copies.permutation import CopyEvidence, CopyTest
from augsynth.copies.screening import likely_nearest

__all__ = [
    "Alignment",
    "CopiedItems",
    "CopyEvidence",
    "CopyTest",
    "Neighbours",
    "find_copies",
    "likely_nearest",
    "nearest",
    "pairs_within",
]
