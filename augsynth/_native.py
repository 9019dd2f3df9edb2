"""The typed face of the compiled extensions, and their only importer.

The arithmetic is defined in `docs/design/numerics.md`; `csrc/plan.h` and `augsynth/layout.py` describe the
rows, and importing this module fails where the two differ.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from augsynth import layout
from augsynth.errors import ArgumentError, ArgumentTypeError, NativeError

try:
    from augsynth import _cpu
except ImportError as error:
    raise NativeError(
        f"the compiled extension augsynth._cpu cannot be imported ({error}); build it with `pip install .`, "
        "or `pip install --no-build-isolation -e .` in a working copy"
    ) from error

if TYPE_CHECKING:
    from augsynth import _cuda

Array: TypeAlias = npt.NDArray[Any]
Images: TypeAlias = Sequence[Array] | Array


def check_layout(compiled: Mapping[str, Any]) -> None:
    """Compare the extension's plan layout with `augsynth.layout`; `NativeError` where they differ."""
    expected = {
        "magic": layout.PLAN_MAGIC,
        "version": layout.PLAN_VERSION,
        "row": _described(layout.ROW),
        "colour": _described(layout.COLOUR),
        "erasure": _described(layout.ERASURE),
        "missing": _described(layout.MISSING),
    }
    if compiled != expected:
        raise NativeError(
            f"the compiled extension was built for another plan layout: it has {compiled}, this Python "
            f"package has {expected}; rebuild it with `pip install --no-build-isolation -e .`"
        )


def _described(structure: np.dtype[np.void]) -> dict[str, Any]:
    fields: Mapping[str, Any] = structure.fields or {}
    return {
        "itemsize": structure.itemsize,
        "fields": {name: (field[1], field[0].itemsize) for name, field in fields.items()},
    }


_NO_TABLES = layout.Tables()
_DTYPES = tuple(layout.DType)
_UINT16 = np.dtype(np.uint16)


def run(
    rows: Array, sources: Images, outputs: Images, *, tables: layout.Tables = _NO_TABLES, threads: int | None = None
) -> None:
    """Apply one pass to a batch, writing into `outputs`.

    Sources may have any strides and are neither copied nor changed. The GIL is released. All is checked
    before the first pixel is written.

    Args:
        rows: `(n,)` array of `augsynth.layout.ROW`, one row a sample.
        sources: n arrays `(H, W, C)`, or one array `(n, H, W, C)`; uint8, uint16 or float32.
        outputs: n writable arrays `(C, H, W)`, or one array `(n, C, H, W)`; uint8, uint16, float32 or float16,
            or uint16 for the bits of bfloat16. Lines are contiguous, or the channels of each pixel are, and then
            its line's pixels. The address ranges of different images do not meet.
        tables: what the rows' `lut`, `colour`, `erasures` and `missing` point into.
        threads: how many threads may work; `num_threads()` by default. The result does not depend on it.

    Raises:
        PlanError: a row or an entry of the tables is invalid or does not fit its images, or an output shares
            memory with another image.
        ArgumentTypeError: a type, dtype, byte order or memory layout that is not supported.
        ArgumentError: `threads` outside 1 to 1024.
    """
    _require_dtypes(rows, tables)
    threads = num_threads() if threads is None else threads
    _cpu.run(rows=rows, sources=sources, outputs=outputs, tables=tables, threads=threads)


def _require_dtypes(rows: Array, tables: layout.Tables) -> None:
    _require("rows", rows, layout.ROW, "augsynth.layout.ROW")
    _require("luts", tables.luts, _UINT16, "uint16")
    _require("colours", tables.colours, layout.COLOUR, "augsynth.layout.COLOUR")
    _require("erasures", tables.erasures, layout.ERASURE, "augsynth.layout.ERASURE")
    _require("missing", tables.missing, layout.MISSING, "augsynth.layout.MISSING")


def _require(name: str, array: Array, dtype: np.dtype[Any], expected: str) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        came = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ArgumentTypeError(f"{name} is {came}, expected a NumPy array of {expected}")


def describe(images: list[Any]) -> tuple[npt.NDArray[np.int64], layout.DType] | None:
    """The shapes (n, 3) of images `(H, W, C)` and their one dtype; None unless all are arrays that `run` can read.

    Of no images the dtype is uint8.

    >>> describe([np.zeros((4, 6, 3), np.uint8)])
    (array([[4, 6, 3]]), <DType.UINT8: 0>)
    """
    described = _cpu.describe(images)
    return None if described is None else (described[0], layout.DType(described[1]))


def blur(image: Array, x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> Array:
    """Convolve an image (H, W, C) of uint8, uint16 or float32 with symmetric kernels along its lines and columns.

    Of a kernel of 2m + 1 weights, m up to 2047, `x` and `y` hold the first m and the one in the middle. With v the
    values under it, a sum is v[m] k[m] + (v[0] + v[2m]) k[0] + (v[1] + v[2m-1]) k[1] + ..., rounded in this order on
    every instruction set; `x` goes first. Beyond its edges the image is reflected about the outermost pixel centres.

    >>> spot = np.array([[[0], [0], [100], [0], [0]]], np.uint8)
    >>> blur(spot, np.array([0.25, 0.5], np.float32), np.ones(1, np.float32)).ravel().tolist()
    [0, 25, 50, 25, 0]
    """
    return _cpu.blur(image, x, y)


def sharpen(image: Array, factor: float) -> Array:
    """Go from the smoothed image (`factor` 0) to the image (1) and beyond; (H, W, C) of uint8, uint16 or float32.

    With s the sum of 3x3 values, columns first, plus four times the middle one, over 13, a value v becomes
    s + (v - s) `factor`, rounded in this order, and clamped to the full scale. Pixels on the edge stay.
    """
    return _cpu.sharpen(image, factor)


def count_levels(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How often each level occurs in each channel (C, 256) of an image (H, W, C).

    >>> count_levels(np.array([[[7], [9], [9]]], np.uint8))[0, 7:10].tolist()
    [1, 0, 2]
    """
    return _cpu.count_levels(image)


def map_levels(image: npt.NDArray[np.uint8], levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """An image with `levels` (C, 256) in the place of those of each channel."""
    return _cpu.map_levels(image, levels)


def linear_pass(
    source: Array, output: Array, parameters: Mapping[str, Any], *, adjoint: bool, threads: int | None = None
) -> None:
    """Run a pass that is linear in the image, or its adjoint, on images (n, C, H, W) of float32 or float64.

    The adjoint adds what the output's gradient, its `source`, owes to the images. `parameters` are named as in
    `csrc/gradient/linear_pass.h`: contiguous arrays with an entry a sample, None, or numbers. The result does not
    depend on `threads`. `ArgumentError` and `ArgumentTypeError` where something does not fit.
    """
    threads = num_threads() if threads is None else threads
    _cpu.linear_pass(source, output, dict(parameters), adjoint=adjoint, threads=threads)


def cuda_linear_pass(
    source: Any, output: Any, parameters: Mapping[str, Any], means: Any, *, adjoint: bool, device: int, stream: int
) -> None:
    """`linear_pass` for tensors on CUDA device `device`, queued on `stream`, a `cudaStream_t`.

    `means` is room for what `of_mean` adds to each sample and channel, `(n, C)` like the images, and None without it.
    Maps are not checked. The adjoint adds in any order, so last bits may differ from call to call.
    """
    cuda().linear_pass(source, output, dict(parameters), means, adjoint=adjoint, device=device, stream=stream)


def buffer(size: int) -> npt.NDArray[np.uint8]:
    """`size` uninitialised bytes on huge pages where the system has them, for large outputs.

    They belong to the array and all views of it. When the last one is gone they serve a later call, so a page is
    fetched from the system once and not for every batch. At most 1 GiB waits for that.

    >>> buffer(10**7).shape
    (10000000,)
    """
    return _cpu.buffer(size)


Outgoing: TypeAlias = _cpu.Outgoing
"""`bytes` of memory that another process can map, by its `file` descriptor, and read without a copy.

`array()` is over that memory and keeps it. When nobody in this process holds it any more, it serves a later `Outgoing`,
but not before every receiver has let it go too; `announce()` counts one that is to come.
"""


def receive(file: int, size: int) -> npt.NDArray[np.uint8]:
    """The memory of an announced `Outgoing` of `size` bytes, for as long as the array or a view of it is held.

    `file` is a descriptor of its file in this process, and may be closed afterwards.
    """
    return _cpu.receive(file, size)


def draw_bits(keys: npt.NDArray[np.int64], op: int, words: int) -> npt.NDArray[np.uint32]:
    """Random words of Philox4x32-10 for operation `op`: `(n, words)` for keys `(n, 3)`.

    Args:
        keys: int64 array of (seed, epoch, index): any seed, 0 <= epoch < 2^32, 0 <= index.
        op: the operation's position in its pipeline, 0 to 2^16 - 1.
        words: how many 32-bit words a key, 0 to 2^18.

    Raises:
        ArgumentError: a number outside its range.

    >>> int(draw_bits(np.zeros((1, 3), np.int64), op=0, words=1)[0, 0]) == 0x6627E8D5
    True
    """
    return _cpu.draw_bits(_int64(keys), op, words)


def draw_uniform(keys: npt.NDArray[np.int64], op: int, count: int) -> npt.NDArray[np.float64]:
    """Uniform numbers in [0, 1) on the grid of 2^-53, two words each: `(n, count)` for keys `(n, 3)`.

    The arguments and errors are those of `draw_bits`, with `count` from 0 to 2^17.
    """
    return _cpu.draw_uniform(_int64(keys), op, count)


def draw_pipeline(keys: npt.NDArray[np.int64], counts: Sequence[int]) -> list[npt.NDArray[np.float64]]:
    """Uniform numbers for the operations 0, 1, … of a pipeline: `(n, counts[op])` each, for keys `(n, 3)`.

    They follow the operation's first four words, which key the noise of its pixels. The errors are those of
    `draw_bits`, with counts from 0 to 2^16.

    >>> [drawn.shape for drawn in draw_pipeline(np.zeros((5, 3), np.int64), [2, 0, 1])]
    [(5, 2), (5, 0), (5, 1)]
    """
    return _cpu.draw_pipeline(_int64(keys), counts)


def spread(u: npt.NDArray[np.float64], column: int, low: float, high: float) -> npt.NDArray[np.float64]:
    """Column `column` of uniform numbers (n, k) in [0, 1), spread over [low, high): low + (high - low) u.

    >>> spread(np.array([[0.0, 0.5]]), 1, -2.0, 4.0).tolist()
    [1.0]
    """
    return _cpu.spread(u, column, low, high)


def _int64(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if not isinstance(keys, np.ndarray) or keys.dtype != np.int64:
        came = f"an array of {keys.dtype}" if isinstance(keys, np.ndarray) else type(keys).__name__
        raise ArgumentTypeError(f"keys is {came}, expected a NumPy array of int64")
    return np.ascontiguousarray(keys)


Coefficient: TypeAlias = npt.NDArray[np.floating[Any] | np.integer[Any]] | float


def affine(
    a: Coefficient, b: Coefficient, c: Coefficient, d: Coefficient, e: Coefficient, f: Coefficient
) -> npt.NDArray[np.float64]:
    """The maps (n, 3, 3) [[a, b, c], [d, e, f], [0, 0, 1]] of coefficients (n,), or one number for all.

    >>> affine(1.0, 0.0, np.array([3.0, 4.0]), 0.0, 1.0, 0.0)[1].tolist()
    [[1.0, 0.0, 4.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return _cpu.affine(a, b, c, d, e, f)


def about(
    a: Coefficient, b: Coefficient, d: Coefficient, e: Coefficient, x: Coefficient, y: Coefficient
) -> npt.NDArray[np.float64]:
    """The linear maps [[a, b], [d, e]] with (x, y), and not the origin, as the point that stays: (n, 3, 3).

    What is added is x - (a x + b y) and y - (d x + e y).

    >>> about(-1.0, 0.0, 0.0, -1.0, np.array([3.0]), 2.0)[0].tolist()
    [[-1.0, 0.0, 6.0], [0.0, -1.0, 4.0], [0.0, 0.0, 1.0]]
    """
    return _cpu.about(a, b, d, e, x, y)


def compose(outer: npt.NDArray[np.float64], inner: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The maps `outer` after `inner`, as matrices (n, 3, 3) or (1, 3, 3) for all: products, rounded alike everywhere.

    NumPy leaves products to a BLAS, whose last bits depend on the processor.

    >>> move = np.array([[[1.0, 0.0, 2.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    >>> compose(move, move)[0, 0].tolist()
    [1.0, 0.0, 4.0]
    """
    return _cpu.compose(outer, inner)


def make_rows(
    row: Array,
    source_sizes: npt.NDArray[np.int64],
    output_sizes: npt.NDArray[np.int64],
    channels: npt.NDArray[np.int64],
    inverse: npt.NDArray[np.float64] | None = None,
    stream: npt.NDArray[np.uint32] | None = None,
) -> Array:
    """n copies of a row (1,) of `augsynth.layout.ROW`, with each sample's own sizes (n, 2), channels (n,) and so on.

    `inverse` is (n, 3, 3), or (1, 3, 3) for all, and `stream` (n, 4); what is None stays as it is in `row`. Nothing is
    checked but shapes.

    >>> sizes = np.array([[4, 6], [5, 7]])
    >>> make_rows(np.zeros(1, layout.ROW), sizes, sizes, np.array([3, 1]))["source_size"].tolist()
    [[4, 6], [5, 7]]
    """
    _require("row", row, layout.ROW, "augsynth.layout.ROW")
    return _cpu.make_rows(row, source_sizes, output_sizes, channels, inverse, stream)


def distinct(numbers: npt.NDArray[np.int64]) -> tuple[int, ...]:
    """The different ones among numbers (n,), in order.

    >>> distinct(np.array([3, 1, 3]))
    (1, 3)
    """
    return _cpu.distinct(numbers)


def common_output(rows: Array) -> tuple[int, int, int, layout.DType] | None:
    """(channels, height, width, dtype) of what rows (n,) write, if that is one shape; None where it is not, or n is 0.

    The dtype is that of the first.
    """
    _require("rows", rows, layout.ROW, "augsynth.layout.ROW")
    found = _cpu.common_output(rows)
    return None if found is None else (*found[:3], _DTYPES[found[3]])


def permute(
    x: npt.NDArray[np.int64], size: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64], *, backwards: bool = False
) -> npt.NDArray[np.int64]:
    """The images (m,) of `x` (m,) under keyed permutations of [0, size), or with `backwards` what is taken to `x`.

    `size` is (m,) or (1,), at most 2**52, and `keys` (m, 12) or (1, 12); `augsynth.data` says what they stand for.

    >>> keys = np.arange(12, dtype=np.uint64)[None]
    >>> permute(permute(np.arange(3), np.array([3]), keys), np.array([3]), keys, backwards=True).tolist()
    [0, 1, 2]
    """
    return _cpu.permute(x, size, keys, backwards)


def num_threads() -> int:
    """How many threads `run` uses by default.

    `AUGSYNTH_NUM_THREADS` where it is set, else torch's own setting, which is 1 in a DataLoader worker.
    """
    value = os.environ.get("AUGSYNTH_NUM_THREADS")
    if value:
        if not value.isdecimal() or int(value) < 1:
            raise ArgumentError(f"AUGSYNTH_NUM_THREADS is {value!r}, expected a whole number of at least 1")
        return int(value)
    import torch

    return torch.get_num_threads()


def isas() -> list[str]:
    """The instruction sets that this build and this CPU can run, the best first."""
    return _cpu.isas()


def isa() -> str:
    """The instruction set that `run` uses."""
    return _cpu.isa()


def set_isa(name: str) -> None:
    """Use another of `isas()` from now on, in the whole process; `NativeError` where it is none of them.

    The environment variable `AUGSYNTH_ISA` does the same at import.
    """
    _cpu.set_isa(name)


def build_info() -> dict[str, Any]:
    """How the extension was built: version, compiler, C++ standard, flags (those of each ISA too), the CPU."""
    return _cpu.build_info()


def cuda() -> ModuleType:
    """The extension of CUDA kernels, imported when it is first asked for; `NativeError` where it was not built."""
    try:
        from augsynth import _cuda
    except ImportError as error:
        raise NativeError(
            f"this build of augsynth has no CUDA kernels ({error}): build it where nvcc is on the PATH, with "
            "`pip install -C cmake.define.AUGSYNTH_CUDA=ON .`, which says what is missing"
        ) from error
    return _cuda


def launch(
    rows: Array,
    sources: npt.NDArray[np.int64],
    outputs: npt.NDArray[np.int64],
    *,
    tables: layout.Tables = _NO_TABLES,
) -> _cuda.Launch:
    """A pass over images that lie on a CUDA device, checked as `run` checks it, and laid out but not started.

    Nothing is asked of a device. `write(staging, device)` fills `copied` bytes at the address `staging`, of the host,
    with what has to be copied to `device`, where as many bytes and `scratch` more are free. Then `run(device, stream)`
    starts the pass on the stream, and waits for nothing; `run_on_host()` runs the same code, where the
    addresses are those of the host.

    Args:
        rows: as in `run`.
        sources, outputs: `(n, 8)`, a line an image: address, shape, strides in bytes, and `augsynth.layout.DType`; the
            axes are those of `run`.
        tables: as in `run`.
    """
    _require_dtypes(rows, tables)
    made: _cuda.Launch = cuda().Launch(rows=rows, sources=sources, outputs=outputs, tables=tables)
    return made


def cuda_build_info() -> dict[str, Any]:
    """How the CUDA kernels were built: version, compiler, architectures; `NativeError` where they were not."""
    built: dict[str, Any] = cuda().build_info()
    return built


def cuda_devices() -> list[dict[str, Any]]:
    """The CUDA devices (name, capability, processors, bytes of memory); `NativeError`, saying why, where none is."""
    found: list[dict[str, Any]] = cuda().devices()
    return found


check_layout(_cpu.layout())
if os.environ.get("AUGSYNTH_ISA"):
    set_isa(os.environ["AUGSYNTH_ISA"])
