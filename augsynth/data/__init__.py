"""Real and synthetic data: pools of generated images, exact mixes of both, samplers, and reading data sets."""

from __future__ import annotations

from augsynth.data.loading.datasets import ImageData, load_dataset
from augsynth.data.loading.decoding import DecodingTransform
from augsynth.data.loading.encoded import EncodedImage
from augsynth.data.loading.encoded_folder import EncodedImageFolder
from augsynth.data.loading.mask_folder import MaskFolder
from augsynth.data.loading.voc_folder import VOCFolder
from augsynth.data.mixing.augmented import AugmentedDataset
from augsynth.data.mixing.items.batch import Batch, collate
from augsynth.data.mixing.items.soft_labels import SoftLabels
from augsynth.data.mixing.mix import NamedSource, Source, SyntheticMixDataset
from augsynth.data.mixing.rule.label_space import LabelSpace
from augsynth.data.mixing.samplers.batch_sampler import MixBatchSampler
from augsynth.data.mixing.samplers.sampler import MixSampler
from augsynth.data.mixing.streams.stream import MixStream
from augsynth.data.pools.cluster import RayEngine
from augsynth.data.pools.pool import SyntheticPool
from augsynth.data.pools.view import PoolView
from augsynth.data.prefetching.planned import Planned, PlannedBatch
from augsynth.data.prefetching.prefetcher import DevicePrefetcher
from augsynth.data.refreshing.pool import RefreshingPool

__all__ = [
    "AugmentedDataset",
    "Batch",
    "DecodingTransform",
    "DevicePrefetcher",
    "EncodedImage",
    "EncodedImageFolder",
    "ImageData",
    "LabelSpace",
    "MaskFolder",
    "MixBatchSampler",
    "MixSampler",
    "MixStream",
    "NamedSource",
    "Planned",
    "PlannedBatch",
    "PoolView",
    "RayEngine",
    "RefreshingPool",
    "SoftLabels",
    "Source",
    "SyntheticMixDataset",
    "SyntheticPool",
    "VOCFolder",
    "collate",
    "load_dataset",
]
