"""The compiled extensions, imported here alone.

`csrc/core/plan.h` and `augsynth/_native/layout.py` describe the rows of a plan. Importing this module fails where the
two differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from augsynth._native import layout
from augsynth.errors import NativeError

try:
    from augsynth._native import _cpu as _cpu
except ImportError as error:
    raise NativeError(
        f"the compiled extension augsynth._native._cpu cannot be imported ({error}); build it with `pip install .`, "
        "or `pip install --no-build-isolation -e .` in a working copy"
    ) from error


def check_layout(compiled: Mapping[str, Any]) -> None:
    """Raise `NativeError` if the plan layout of an extension differs from `augsynth._native.layout`.

    Args:
        compiled: magic, version and structures, as `layout()` of an extension returns them.
    """
    expected = {
        "magic": layout.PLAN_MAGIC,
        "version": layout.PLAN_VERSION,
        "row": _described(layout.ROW),
        "colour": _described(layout.COLOUR),
        "erasure": _described(layout.ERASURE),
        "missing": _described(layout.MISSING),
        "displacement": _described(layout.DISPLACEMENT),
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


def cuda() -> ModuleType:
    """The extension of CUDA kernels, imported when it is first asked for; `NativeError` where it was not built."""
    try:
        from augsynth._native import _cuda
    except ImportError as error:
        raise NativeError(
            f"this build of augsynth has no CUDA kernels ({error}): build it where nvcc is on the PATH, with "
            "`pip install -C cmake.define.AUGSYNTH_CUDA=ON .`, which says what is missing"
        ) from error
    return _cuda


check_layout(_cpu.layout())
