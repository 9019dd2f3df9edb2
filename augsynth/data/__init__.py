"""Real and synthetic data: pools of generated images, exact mixes of both, samplers, and reading data sets."""

from __future__ import annotations

from augsynth.data.batch import Batch, collate
from augsynth.data.batch_sampler import MixBatchSampler
from augsynth.data.datasets import ImageData, load_dataset
from augsynth.data.mix import Source, SyntheticMixDataset
from augsynth.data.pool import SyntheticPool

__all__ = [
    "Batch",
    "ImageData",
    "MixBatchSampler",
    "Source",
    "SyntheticMixDataset",
    "SyntheticPool",
    "collate",
    "load_dataset",
]
