"""The typed face of the compiled extensions.

`docs/design/numerics.md` defines the arithmetic. `csrc/core/plan.h` and `augsynth/_native/layout.py` describe the rows;
importing this package fails where the two differ.
"""

from pkgutil import extend_path

# Python started in a working copy finds the sources first; the compiled extensions lie where augsynth is installed.
__path__ = extend_path(__path__, __name__)

from augsynth._native.extensions import check_layout, cuda
from augsynth._native.maps import Coefficient, about, affine, compose
from augsynth._native.memory import Outgoing, buffer, receive
from augsynth._native.passes import cuda_linear_pass, describe, launch, linear_pass, run
from augsynth._native.processor import build_info, cuda_build_info, cuda_devices, isa, isas, num_threads, set_isa
from augsynth._native.random import draw_bits, draw_pipeline, draw_uniform, permute, spread
from augsynth._native.rows import common_output, distinct, make_rows
from augsynth._native.whole_images import blur, clahe, count_levels, map_levels, sharpen

__all__ = [
    "Coefficient",
    "Outgoing",
    "about",
    "affine",
    "blur",
    "buffer",
    "build_info",
    "check_layout",
    "clahe",
    "common_output",
    "compose",
    "count_levels",
    "cuda",
    "cuda_build_info",
    "cuda_devices",
    "cuda_linear_pass",
    "describe",
    "distinct",
    "draw_bits",
    "draw_pipeline",
    "draw_uniform",
    "isa",
    "isas",
    "launch",
    "linear_pass",
    "make_rows",
    "map_levels",
    "num_threads",
    "permute",
    "receive",
    "run",
    "set_isa",
    "sharpen",
    "spread",
]
