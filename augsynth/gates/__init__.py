"""Gates: checks that say which items of a data set should not be used, and rules that choose the best of a pool."""

from __future__ import annotations

from augsynth.gates.copying import CopyFindings, check_copies
from augsynth.gates.doubtful import DoubtfulLabels, find_doubtful_labels
from augsynth.gates.duplicates import Duplicates, find_duplicates
from augsynth.gates.odd import OddImages, find_odd_images
from augsynth.gates.selection import TimmFeatures

__all__ = [
    "CopyFindings",
    "DoubtfulLabels",
    "Duplicates",
    "OddImages",
    "TimmFeatures",
    "check_copies",
    "find_doubtful_labels",
    "find_duplicates",
    "find_odd_images",
]
