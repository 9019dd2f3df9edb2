from __future__ import annotations

import copy
import os

import pytest

from augsynth import _native
from augsynth._native import _cpu, layout
from augsynth.errors import NativeError


def test_extension_and_python_agree_on_the_layout() -> None:
    compiled = _cpu.layout()
    assert compiled["magic"] == layout.PLAN_MAGIC
    assert compiled["row"]["itemsize"] == layout.ROW.itemsize
    assert list(compiled["row"]["fields"]) == list(layout.ROW.names or ())
    _native.check_layout(compiled)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"row": _cpu.layout()["row"] | {"itemsize": 8}},
        {"colour": _cpu.layout()["erasure"]},
        {"row": _cpu.layout()["row"] | {"fields": {**_cpu.layout()["row"]["fields"], "edge": (0, 16)}}},
        {"row": _cpu.layout()["row"] | {"fields": {**_cpu.layout()["row"]["fields"], "hue": (0, 8)}}},
    ],
)
def test_another_layout_is_refused(change: dict[str, object]) -> None:
    compiled = copy.deepcopy(_cpu.layout()) | change
    with pytest.raises(NativeError, match="rebuild"):
        _native.check_layout(compiled)


def test_build_info_names_what_was_built() -> None:
    info = _native.build_info()
    assert info["cxx_standard"] >= 201703
    assert "-ffp-contract=off" in info["flags"]
    assert list(info["isas"])[-2:] == ["baseline", "scalar"]


@pytest.mark.skipif("libasan" not in os.environ.get("LD_PRELOAD", ""), reason="not a run of `make asan`")
def test_a_sanitized_run_uses_the_sanitized_build() -> None:
    assert "-fsanitize=address,undefined" in _native.build_info()["flags"]
