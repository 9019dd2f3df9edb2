"""Running passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from augsynth._native import layout
from augsynth._native.arguments import Array, require
from augsynth._native.extensions import _cpu, cuda
from augsynth._native.processor import num_threads

if TYPE_CHECKING:
    from augsynth._native import _cuda

Images: TypeAlias = Sequence[Array] | Array

_NO_TABLES = layout.Tables()
_UINT16 = np.dtype(np.uint16)
_FLOAT64 = np.dtype(np.float64)


def describe(images: list[Any]) -> tuple[npt.NDArray[np.int64], layout.DType] | None:
    """Return the shapes (n, 3) of images and their common dtype; None unless all are arrays that `run` can read.

    The dtype of an empty list is uint8.

    Args:
        images: arrays (H, W, C).

    >>> describe([np.zeros((4, 6, 3), np.uint8)])
    (array([[4, 6, 3]]), <DType.UINT8: 0>)
    """
    described = _cpu.describe(images)
    return None if described is None else (described[0], layout.DType(described[1]))


def run(
    rows: Array, sources: Images, outputs: Images, *, tables: layout.Tables = _NO_TABLES, threads: int | None = None
) -> None:
    """Apply one pass to a batch, writing into `outputs`.

    Sources may have any strides and are neither copied nor changed. The GIL is released. All is checked
    before the first pixel is written.

    Args:
        rows: `(n,)` array of `augsynth._native.layout.ROW`, one row a sample.
        sources: n arrays `(H, W, C)`, or one array `(n, H, W, C)`; uint8, uint16 or float32.
        outputs: n writable arrays `(C, H, W)`, or one array `(n, C, H, W)`; uint8, uint16, float32 or float16,
            or uint16 for the bits of bfloat16. Lines are contiguous, or the channels of each pixel are, and then
            its line's pixels. The address ranges of different images do not meet.
        tables: the tables that the rows' `lut`, `colour`, `erasures`, `missing` and `displacement` point into.
        threads: the number of threads, 1 to 1024; `num_threads()` by default. The result does not depend on it.

    Raises:
        PlanError: a row or an entry of the tables is invalid or does not fit its images, or an output shares
            memory with another image.
        ArgumentTypeError: a type, dtype, byte order or memory layout that is not supported.
        ArgumentError: `threads` outside 1 to 1024.
    """
    _require_dtypes(rows, tables)
    threads = num_threads() if threads is None else threads
    _cpu.run(rows=rows, sources=sources, outputs=outputs, tables=tables, threads=threads)


def launch(
    rows: Array,
    sources: npt.NDArray[np.int64],
    outputs: npt.NDArray[np.int64],
    *,
    tables: layout.Tables = _NO_TABLES,
) -> _cuda.Launch:
    """A pass over images that lie on a CUDA device, checked as `run` checks it, and laid out but not started.

    No device is used yet. `write(staging, device)` fills `copied` bytes at the host's address `staging`. The caller
    copies them to the address `device`, where as many bytes and `scratch` more are free. Then `run(device, stream)`
    starts the pass on the stream and does not wait. `run_on_host()` runs the same code if the addresses are the
    host's.

    Args:
        rows: as in `run`.
        sources, outputs: `(n, 8)`, a line for each image: address, shape, strides in bytes, and `layout.DType`. The
            axes are those of `run`.
        tables: as in `run`.
    """
    _require_dtypes(rows, tables)
    made: _cuda.Launch = cuda().Launch(rows=rows, sources=sources, outputs=outputs, tables=tables)
    return made


def linear_pass(
    source: Array, output: Array, parameters: Mapping[str, Any], *, adjoint: bool, threads: int | None = None
) -> None:
    """Run a pass that is linear in the image, or its adjoint, on images (n, C, H, W) of float32 or float64.

    Args:
        source: the images; for the adjoint the output's gradient.
        output: the array that is written; the adjoint adds the images' gradient to it.
        parameters: names of `csrc/gradient/linear_pass.h`, each with a contiguous array with an entry for each sample,
            None, or a number.
        adjoint: True runs the adjoint.
        threads: the number of threads, `num_threads()` by default. The result does not depend on it.

    Raises:
        ArgumentError: a shape or a number that does not fit.
        ArgumentTypeError: a type or a dtype that is not supported.
    """
    threads = num_threads() if threads is None else threads
    _cpu.linear_pass(source, output, dict(parameters), adjoint=adjoint, threads=threads)


def cuda_linear_pass(
    source: Any, output: Any, parameters: Mapping[str, Any], means: Any, *, adjoint: bool, device: int, stream: int
) -> None:
    """Queue `linear_pass` for tensors on a CUDA device. Maps are not checked.

    The adjoint adds in any order, so last bits may differ from call to call.

    Args:
        source, output, parameters, adjoint: as in `linear_pass`.
        means: memory (n, C), like the images, for the numbers that `of_mean` adds; None without `of_mean`.
        device: the number of the device.
        stream: a `cudaStream_t`.
    """
    cuda().linear_pass(source, output, dict(parameters), means, adjoint=adjoint, device=device, stream=stream)


def _require_dtypes(rows: Array, tables: layout.Tables) -> None:
    require("rows", rows, layout.ROW, "augsynth._native.layout.ROW")
    require("luts", tables.luts, _UINT16, "uint16")
    require("colours", tables.colours, layout.COLOUR, "augsynth._native.layout.COLOUR")
    require("erasures", tables.erasures, layout.ERASURE, "augsynth._native.layout.ERASURE")
    require("missing", tables.missing, layout.MISSING, "augsynth._native.layout.MISSING")
    require("displacements", tables.displacements, layout.DISPLACEMENT, "augsynth._native.layout.DISPLACEMENT")
    require("offsets", tables.offsets, _FLOAT64, "float64")
