"""Samplers of torch that ask a data set for its length."""

from __future__ import annotations

import sys

from torch.utils.data import DistributedSampler, Sampler

from augsynth.errors import ArgumentError


def starting_sampler() -> Sampler[int] | None:
    """Return the sampler that asks for the length in its `__iter__`, two calls up; None for other callers.

    A data set has no other sign that an iteration starts: a DataLoader asks its sampler, and the sampler asks for the
    length.
    """
    frame = sys._getframe(2)
    caller = frame.f_locals.get("self") if frame.f_code.co_name == "__iter__" else None
    return caller if isinstance(caller, Sampler) else None


def share_of(sampler: Sampler[int], length: int) -> int:
    """Return how many of `length` items a sampler of torch gives: all of them, or the share of one process.

    Raises `ArgumentError` if a `DistributedSampler` was made for an epoch of another length: it would leave items out,
    repeat some, or fail in an assertion.
    """
    if not isinstance(sampler, DistributedSampler):
        return length
    spare = sampler.num_replicas - 1 if not sampler.drop_last else 0
    if sampler.num_samples != (length + spare) // sampler.num_replicas:
        raise ArgumentError(
            f"this epoch has {length} items, and the {type(sampler).__name__} was made for an epoch with "
            f"{sampler.num_samples} for each of {sampler.num_replicas} processes: make it anew when the length "
            "changes, or use MixSampler or MixBatchSampler, which follow it"
        )
    return min(sampler.num_samples, length)
