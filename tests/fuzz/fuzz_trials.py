"""Trying inputs: each one runs or is refused in words, and all else is a finding.

An input is made from (seed, subject, number) alone, so these three reproduce it.
"""

from __future__ import annotations

import ctypes
import faulthandler
import traceback
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from augsynth.errors import AugsynthError
from augsynth.plan import Plan

RAN, TOO_LARGE, REFUSED, FOUND = "ran", "too large", "refused", "found"
Subject = Callable[[np.random.Generator], str]

_AFFORDABLE = 2**26
_OVERWHELMING = 2**40
_LONGEST_MESSAGE = 20000
_PERTURB = -6  # glibc's M_PERTURB


def trials(subject: Subject, name: str, seed: int, numbers: range, limit: float) -> Iterator[tuple[str, str]]:
    """The outcome of each input: (what it was, the class of a refusal or the story of a finding).

    Stories that are the same up to their first empty line tell of one defect.

    A process that spends more than `limit` seconds on one input says where it hangs, and ends.
    """
    for number in numbers:
        faulthandler.dump_traceback_later(limit, exit=True)
        try:
            outcome = _outcome(subject, np.random.default_rng((seed, zlib.crc32(name.encode()), number)))
        finally:
            faulthandler.cancel_dump_traceback_later()
        yield outcome


def _outcome(subject: Subject, rng: np.random.Generator) -> tuple[str, str]:
    try:
        with np.errstate(all="ignore"):
            return subject(rng), ""
    except AugsynthError as error:
        if not 10 <= len(str(error)) <= _LONGEST_MESSAGE:
            return FOUND, f"a message too short or too long\n{_places(error)}\n\n{str(error)[:300]}"
        return REFUSED, type(error).__name__
    except Exception as error:
        return FOUND, f"{type(error).__name__}\n{_places(error)}\n\n{str(error)[:300]}"


def _places(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return "\n".join(f"  {frame.filename}:{frame.lineno} {frame.line}" for frame in reversed(frames))


def too_large(plan: Plan) -> bool:
    """Return whether a plan needs more memory than a test may use, but not so much that it must be refused."""
    rows = [one.rows for one in plan.passes]
    sizes = [one["channels"] * 4.0 * np.prod(one["output_size"], axis=1, dtype=float) for one in rows]
    return _AFFORDABLE < sum(float(size.sum()) for size in sizes) < _OVERWHELMING


def same_twice(run: Callable[[], Any]) -> Any:
    """Return the result of `run`; raise `AssertionError` if it depends on the content of fresh memory."""
    results = []
    for byte in (0x55, 0xAA):
        _fill_fresh_memory(byte)
        torch.manual_seed(0)  # whence keys come where none are given
        results.append(run())
    _fill_fresh_memory(0)
    assert _same(*results), "two runs of one input differ"
    return results[0]


def _fill_fresh_memory(byte: int) -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_PERTURB, byte)


def _same(first: Any, second: Any) -> bool:
    if first is second:
        return True
    if isinstance(first, torch.Tensor):
        return first.shape == second.shape and bool(torch.equal(_bits(first), _bits(second)))
    if isinstance(first, np.ndarray) and first.dtype != object:
        return first.shape == second.shape and first.tobytes() == second.tobytes()
    if isinstance(first, dict):
        return list(first) == list(second) and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(_same, first, second))
    return type(first) is type(second)


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().contiguous().view(-1).view(torch.uint8) if tensor.numel() else tensor
