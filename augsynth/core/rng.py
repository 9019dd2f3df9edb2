"""Keyed random bits: a pure function of (seed, epoch, index, op), never a state.

Philox4x32 of ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11). `draw_bits` and
`uniform` run natively; `philox` is the same generator in NumPy, the specification that tests compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth import _native
from augsynth.core.arrays import to_numpy
from augsynth.core.typing import Bits
from augsynth.errors import ArgumentError, ArgumentTypeError, shown

Keys = npt.NDArray[np.int64]
KeysLike = Sequence[tuple[int, int, int]] | npt.NDArray[np.integer]

_FLAGS = {bool, np.bool_}
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint32(0x9E3779B9), np.uint32(0xBB67AE85))

_NIBBLES = np.array([-127, -79, -57, -44, -33, -23, -13, -4, 4, 13, 23, 33, 44, 57, 79, 127], dtype=np.int64)
_BYTES = np.arange(256)
_EVEN = 53 * _NIBBLES[_BYTES & 15] + 56 * _NIBBLES[_BYTES >> 4]
_ODD = 60 * _NIBBLES[_BYTES & 15] + 59 * _NIBBLES[_BYTES >> 4]
_NORMAL_SCALE = float(np.sqrt(3132762587136 / 65536))


def as_keys(keys: KeysLike) -> Keys:
    """Return keys as an int64 array (n, 3) of (seed, epoch, index).

    `seed` is any 64-bit integer, 0 <= epoch < 2**32 and 0 <= index < 2**63. The functions that draw from keys check
    these ranges.

    Args:
        keys: sequence of three integers each, or an integer array (n, 3).

    >>> as_keys([(7, 0, 42)])
    array([[ 7,  0, 42]])
    """
    try:
        array = np.asarray(to_numpy(keys, "keys") if isinstance(keys, (np.ndarray, torch.Tensor)) else keys)
        if array.size and array.dtype.kind not in "iu":
            array = _integers(keys, array.dtype)
        array = array.astype(np.int64, copy=False) if array.size else np.empty((0, 3), np.int64)
    except (TypeError, RuntimeError) as error:  # a tensor that is no array, or an object that is no number
        raise ArgumentTypeError(f"keys must be integers (seed, epoch, index), {error}") from error
    except (OverflowError, ValueError) as error:
        raise ArgumentError(f"keys must be 64-bit integer triples (seed, epoch, index): {error}") from error
    if array.ndim != 2 or array.shape[1] != 3:
        raise ArgumentError(f"keys must have shape (n, 3): (seed, epoch, index) each, got shape {array.shape}")
    return array


def single_key(key: tuple[int, int, int] | None) -> KeysLike | None:
    """Return the keys of a call for one image: None without a key, or a list of the one.

    NumPy takes flags among integers for 0 and 1, so they are refused here. A batch of keys is not searched for them,
    which would take time.

    Args:
        key: (seed, epoch, index), or None.

    >>> single_key((7, 0, 42))
    [(7, 0, 42)]
    """
    if isinstance(key, (tuple, list)) and not _FLAGS.isdisjoint(map(type, key)):
        raise ArgumentTypeError(f"key must be integers (seed, epoch, index), got {shown(key)}")
    return None if key is None else [key]


def _integers(keys: KeysLike, dtype: np.dtype[Any]) -> npt.NDArray[np.object_]:
    """Return integers that NumPy converted to another type, such as floats for integers beyond 64 bits."""
    array = np.asarray(keys, dtype=object)
    if not all(isinstance(value, Integral) and not isinstance(value, bool) for value in array.flat):
        raise TypeError(f"got {shown(keys)}, of dtype {dtype}")
    return array


def draw_bits(keys: KeysLike, op: int, words: int) -> Bits:
    """Return random 32-bit words (n, words) of each key.

    Args:
        keys: n keys (seed, epoch, index).
        op: number in [0, 2**16) that separates the uses of one key.
        words: words for each key.

    >>> draw_bits([(0, 0, 0)], op=0, words=2).shape
    (1, 2)
    """
    return _native.draw_bits(as_keys(keys), op, words)


def uniform(keys: KeysLike, op: int, count: int) -> npt.NDArray[np.float64]:
    """Return uniform numbers (n, count) in [0, 1), each from 53 random bits.

    Args:
        keys: n keys (seed, epoch, index).
        op: number in [0, 2**16) that separates the uses of one key.
        count: numbers for each key.

    >>> bool(uniform([(0, 0, 0)], op=0, count=1)[0, 0] < 1)
    True
    """
    return _native.draw_uniform(as_keys(keys), op, count)


def bits_to_uniform(bits: Bits) -> npt.NDArray[np.float64]:
    """Return uniform numbers (n, k) in [0, 1) from pairs of words (n, 2k)."""
    high = (bits[:, 0::2] >> np.uint32(5)).astype(np.float64)
    low = (bits[:, 1::2] >> np.uint32(6)).astype(np.float64)
    result: npt.NDArray[np.float64] = (high * 2.0**26 + low) / 2.0**53
    return result


def keys_from_torch(count: int) -> Keys:
    """Return keys for a call that has none: a seed from torch's global generator, and indices 0 … count−1.

    Therefore `torch.manual_seed` and the seeds of DataLoader workers have the usual effect.

    Args:
        count: number of keys.
    """
    seed = int(torch.randint(0, 2**63 - 1, (), dtype=torch.int64, device="cpu"))
    keys = np.zeros((count, 3), dtype=np.int64)
    keys[:, 0] = seed
    keys[:, 2] = np.arange(count)
    return keys


def philox(counter: Bits, key: Bits, rounds: int = 10) -> Bits:
    """Return random words (..., 4) of Philox4x32.

    Args:
        counter: uint32 (..., 4).
        key: uint32 (..., 2).
        rounds: number of rounds, 10 by default.
    """
    c = [counter[..., i].astype(np.uint32) for i in range(4)]
    k = [key[..., i].astype(np.uint32) for i in range(2)]
    with np.errstate(over="ignore"):
        for _ in range(rounds):
            even = c[0].astype(np.uint64) * _MULTIPLIERS[0]
            odd = c[2].astype(np.uint64) * _MULTIPLIERS[1]
            c = [
                (odd >> np.uint64(32)).astype(np.uint32) ^ c[1] ^ k[0],
                odd.astype(np.uint32),
                (even >> np.uint64(32)).astype(np.uint32) ^ c[3] ^ k[1],
                even.astype(np.uint32),
            ]
            k = [k[0] + _WEYL[0], k[1] + _WEYL[1]]
    return np.stack(np.broadcast_arrays(*c), axis=-1)


def philox_bits(keys: KeysLike, op: int, words: int) -> Bits:
    """Return the words of `draw_bits`, computed by `philox`."""
    array = as_keys(keys).astype(np.uint64)
    blocks = -(-words // 4)
    counter = np.empty((len(array), blocks, 4), dtype=np.uint32)
    counter[..., 0] = np.arange(blocks, dtype=np.uint32) | np.uint32(op << 16)
    counter[..., 1] = array[:, None, 1].astype(np.uint32)
    counter[..., 2] = (array[:, None, 2] & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    counter[..., 3] = (array[:, None, 2] >> np.uint64(32)).astype(np.uint32)
    key = np.stack([array[:, 0] & np.uint64(0xFFFFFFFF), array[:, 0] >> np.uint64(32)], axis=-1)
    return philox(counter, key.astype(np.uint32)[:, None, :]).reshape(len(array), blocks * 4)[:, :words]


def normal_of(bits: Bits) -> npt.NDArray[np.float64]:
    """Return standard normal numbers, each from 16 random bits. No number is larger than 4.3.

    Args:
        bits: integers below 2**16, of any shape.

    >>> float(abs(normal_of(np.arange(2**16, dtype=np.uint32)).mean()))
    0.0
    """
    result: npt.NDArray[np.float64] = (_EVEN[bits & 0xFF] + _ODD[bits >> 8]) / _NORMAL_SCALE
    return result
