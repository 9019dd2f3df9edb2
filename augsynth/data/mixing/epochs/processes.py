"""Processes that share an epoch: their numbers as users give them, and the refusal where nobody says how to divide."""

from __future__ import annotations

from typing import Any

import torch.distributed

from augsynth.core.checks import check_integer
from augsynth.errors import ArgumentError

ProcessShare = tuple[int, int]
"""Number of processes that share an epoch, and number of this one."""


def check_share(num_replicas: Any, rank: Any) -> ProcessShare:
    """Return both as integers if the rank is in [0, num_replicas); raise `ArgumentError` otherwise."""
    replicas = check_integer("num_replicas", num_replicas, 1)
    own = check_integer("rank", rank, 0)
    if own >= replicas:
        raise ArgumentError(f"rank must be in [0, num_replicas), got {rank} of {num_replicas}")
    return replicas, own


def check_given_share(num_replicas: Any, rank: Any) -> ProcessShare | None:
    """Return both as integers, or None if neither is given; raise `ArgumentError` for one without the other."""
    if (num_replicas is None) != (rank is None):
        raise ArgumentError("num_replicas and rank go together: give both, or neither")
    return None if num_replicas is None else check_share(num_replicas, rank)


def own_share(given: ProcessShare | None, name: str) -> ProcessShare:
    """Return the share of this process: the given one, or all if it runs alone; raise `ArgumentError` otherwise.

    It is asked when an epoch starts, because trainers start the processes after samplers and streams are made.

    Args:
        given: result of `check_given_share`.
        name: name of the class in the message.
    """
    if given is not None:
        return given
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    processes = torch.distributed.get_world_size() if distributed else 1
    if processes > 1:
        raise ArgumentError(
            f"{processes} processes run: give {name} num_replicas and rank, so that it divides an epoch among them, or "
            "num_replicas=1 and rank=0 where the trainer divides it, as Accelerate and Hugging Face do"
        )
    return 1, 0
