from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_rows import make_rows, picture

from augsynth import _native
from augsynth._native.layout import NoiseKind
from augsynth.errors import ArgumentError, ArgumentTypeError, PlanError
from augsynth.plan import check_rows

INVALID = [
    ("source_size", 0, 0),
    ("source_size", 1, -1),
    ("output_size", 0, 2**24 + 1),
    ("output_size", 1, -(2**31)),
    ("channels", None, 0),
    ("channels", None, 17),
    ("channels", None, -1),
    ("source_dtype", None, 3),
    ("output_dtype", None, 255),
    ("interpolation", None, 3),
    ("antialias", None, 2),
    ("border", None, 5),
    ("noise", None, 7),
    ("inverse", (0, 0), np.nan),
    ("inverse", (1, 2), np.inf),
    ("inverse", (0, 2), 2.0**24 + 1),
    ("inverse", (1, 1), -1e300),
    ("inverse", (2, 2), 0.0),
    ("inverse", (2, 2), -1.0),
    ("inverse", (2, 0), -0.25),
    ("fill", 2, np.inf),
    ("gain", 0, np.nan),
    ("bias", 1, -np.inf),
    ("edge", 0, 0.0),
    ("edge", 1, np.nan),
    ("edge", 1, 2.0**24 + 2),
    ("support", 0, 0.999),
    ("support", 1, np.inf),
    ("clamp", 0, np.nan),
    ("clamp", 1, np.nan),
    ("clamp", 1, -np.inf),
    ("noise_parameters", 3, np.inf),
    ("noise_parameters", 0, np.nan),
]


@pytest.mark.parametrize(("field", "at", "value"), INVALID)
def test_an_invalid_field_is_named_with_its_row(source: Any, output: Any, field: str, at: Any, value: Any) -> None:
    rows = make_rows(source, output, clamp=(0, 255))
    rows = np.concatenate([rows, rows])
    if at is None:
        rows[field][1] = value
    else:
        rows[field][1][at] = value
    outputs = [output, output.copy()]
    with pytest.raises(PlanError, match=f"^row 1: {field}.* expected "):
        _native.run(rows, [source, source], outputs)
    assert (outputs[0] == 7).all()
    assert (outputs[1] == 7).all()


def test_antialiasing_that_would_take_minutes_is_refused(source: Any) -> None:
    output = np.empty((3, 5, 5), np.uint8)
    rows = make_rows(source, output, interpolation=1, support=(1.0, 2.0**24))
    check_rows(rows)
    rows["antialias"] = 1
    with pytest.raises(PlanError, match=r"^row 0: support\[1\] is .*, expected at most 2\^28"):
        _native.run(rows, [source], [output])
    with pytest.raises(PlanError, match="support must be at most"):
        check_rows(rows)


@pytest.mark.parametrize(
    ("kind", "parameters", "at"),
    [
        (NoiseKind.GAUSSIAN, (0, -1e-9), 1),
        (NoiseKind.EXACT_GAUSSIAN, (0, -1e-9), 1),
        (NoiseKind.SPECKLE, (0, -1e-9), 1),
        (NoiseKind.UNIFORM, (1, 0.999), 1),
        (NoiseKind.SALT_AND_PEPPER, (-1e-9, 0), 0),
        (NoiseKind.SALT_AND_PEPPER, (0.5, 0.4), 1),
        (NoiseKind.SALT_AND_PEPPER, (0.5, 1.001), 1),
        (NoiseKind.POISSON, (0, 0), 0),
    ],
)
def test_the_parameters_of_each_kind_of_noise_have_a_range(
    source: Any, output: Any, kind: NoiseKind, parameters: tuple[float, float], at: int
) -> None:
    rows = make_rows(source, output, noise=kind, noise_parameters=(*parameters, 0, 0))
    with pytest.raises(PlanError, match=rf"^row 0: noise_parameters\[{at}\] is .*, expected "):
        _native.run(rows, [source], [output])
    with pytest.raises(PlanError, match="noise_parameters must be finite and in the range of their kind"):
        check_rows(rows)
    rows["noise_parameters"] = (0.25, 0.25, 0, 0)
    check_rows(rows)
    _native.run(rows, [source], [output])


def test_unused_channels_are_not_looked_at(source: Any, output: Any) -> None:
    rows = make_rows(source, output)
    for field in ("fill", "gain", "bias"):
        rows[field][0, 3:] = np.nan
    _native.run(rows, [source], [output])
    np.testing.assert_array_equal(output, source.transpose(2, 0, 1))


def test_no_rows_are_no_work() -> None:
    rows = make_rows(picture((4, 4, 3)), np.zeros((3, 4, 4), np.uint8))[:0]
    _native.run(rows, [], [])
    _native.run(rows, np.zeros((0, 4, 4, 3), np.uint8), np.zeros((0, 3, 4, 4), np.uint8))


def test_shapes_dtypes_and_counts_must_match(source: Any, output: Any) -> None:
    rows = make_rows(source, output)
    with pytest.raises(PlanError, match=r"row 0: the source has shape \(4, 3, 3\), expected .*\(4, 4, 3\)"):
        _native.run(rows, [source[:, :3]], [output])
    with pytest.raises(PlanError, match=r"row 0: the output has shape \(3, 4, 5\), expected .*\(3, 4, 4\)"):
        _native.run(rows, [source], [np.zeros((3, 4, 5), np.uint8)])
    with pytest.raises(PlanError, match="row 0: the source has dtype uint16, expected uint8"):
        _native.run(rows, [source.astype(np.uint16)], [output])
    with pytest.raises(PlanError, match="row 0: the output has dtype float32, expected uint8"):
        _native.run(rows, [source], [output.astype(np.float32)])
    with pytest.raises(PlanError, match="2 sources for 1 rows"):
        _native.run(rows, [source, source], [output])
    with pytest.raises(PlanError, match="0 outputs for 1 rows"):
        _native.run(rows, [source], [])


@pytest.mark.parametrize("dtype", [np.float64, np.int8, np.bool_, ">f4", ">u2", np.complex64, object])
def test_other_dtypes_and_byte_orders_are_refused(source: Any, output: Any, dtype: Any) -> None:
    rows = make_rows(source, output)
    with pytest.raises(ArgumentTypeError, match=r"sources\[0\] has dtype"):
        _native.run(rows, [np.zeros((4, 4, 3), dtype)], [output])
    with pytest.raises(ArgumentTypeError, match="outputs has dtype"):
        _native.run(rows, [source], np.zeros((1, 3, 4, 4), dtype))


def test_other_types_are_refused(source: Any, output: Any) -> None:
    rows = make_rows(source, output)
    with pytest.raises(ArgumentTypeError, match=r"sources\[0\] has 2 axes, expected 3"):
        _native.run(rows, [source[0]], [output])
    with pytest.raises(ArgumentTypeError, match="sources is an array with 3 axes"):
        _native.run(rows, source, [output])
    with pytest.raises(ArgumentTypeError, match=r"outputs\[0\] is a list, expected a NumPy array"):
        _native.run(rows, [source], [output.tolist()])
    with pytest.raises(ArgumentTypeError, match="sources is a int"):
        _native.run(rows, 3, [output])  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match=r"augsynth\._native\.layout\.ROW"):
        _native.run(rows.view(np.uint8), [source], [output])
    with pytest.raises(ArgumentTypeError, match=r"augsynth\._native\.layout\.ROW"):
        _native.run([], [source], [output])  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="2 axes"):
        _native.run(rows[None], [source], [output])


def test_a_read_only_output_is_refused(source: Any, output: Any) -> None:
    output.flags.writeable = False
    with pytest.raises(ArgumentTypeError, match="row 0: the output is read-only"):
        _native.run(make_rows(source, output), [source], [output])


def strided(shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    return np.lib.stride_tricks.as_strided(np.zeros(1000, np.uint8)[500:], shape, strides)


@pytest.mark.parametrize("strides", [(16, 4, 1), (4, 12, 1), (16, -4, 1), (-20, 5, 1), (1, 12, 3), (1, -15, 3)])
def test_the_lines_of_an_output_are_planar_or_interleaved(isa: str, source: Any, strides: Any) -> None:
    output = strided((3, 4, 4), strides)
    _native.run(make_rows(source, output), [source], [output])
    np.testing.assert_array_equal(output, source.transpose(2, 0, 1))


@pytest.mark.parametrize(
    "strides", [(1, 12, 4), (1, 16, 2), (2, 24, 6), (48, 12, 3), (16, 4, -1), (-1, 12, 3), (-1, 12, -3)]
)
def test_other_lines_are_refused(source: Any, strides: Any) -> None:
    output = strided((3, 4, 4), strides)
    with pytest.raises(ArgumentTypeError, match=r"column stride of 1.*channel stride of 1 and a column stride of 3"):
        _native.run(make_rows(source, output), [source], [output])


@pytest.mark.parametrize(
    "strides",
    [(16, 3, 1), (15, 4, 1), (0, 4, 1), (16, 0, 1), (4, 11, 1), (-15, 4, 1), (1, 11, 3), (1, -11, 3), (1, 0, 3)],
)
def test_lines_and_planes_lie_apart(source: Any, strides: Any) -> None:
    output = strided((3, 4, 4), strides)
    with pytest.raises(ArgumentTypeError, match="overlapping lines or planes"):
        _native.run(make_rows(source, output), [source], [output])


def test_an_output_shares_memory_with_nothing(source: Any) -> None:
    canvas = np.zeros(3 * 16 * 4, np.uint8)
    outputs = [canvas[at : at + 48].reshape(3, 4, 4) for at in (96, 0, 144, 48)]
    rows = np.concatenate([make_rows(source, outputs[0])] * 4)
    _native.run(rows, [source] * 4, outputs)
    outputs[2] = canvas[143:191].reshape(3, 4, 4)
    with pytest.raises(PlanError, match="row 2: the output overlaps the memory of row 0: the output"):
        _native.run(rows, [source] * 4, outputs)
    with pytest.raises(PlanError, match=r"row 0: the (source|output) overlaps the memory of row 0"):
        _native.run(rows[:1], [canvas[47:95].reshape(4, 4, 3)], [canvas[:48].reshape(3, 4, 4)])


def test_a_source_may_lie_between_outputs_and_not_in_them(source: Any) -> None:
    canvas = np.zeros((5, 48), np.uint8)
    outputs = canvas[::2].reshape(3, 3, 4, 4)
    rows = np.concatenate([make_rows(source, outputs[0])] * 3)
    between = canvas[1].reshape(4, 4, 3)
    _native.run(rows, [between, source, source], outputs)
    for shift in (-1, 1):
        inside = canvas.reshape(-1)[48 + shift : 96 + shift].reshape(4, 4, 3)
        with pytest.raises(PlanError, match="overlaps the memory"):
            _native.run(rows, [source, source, inside], outputs)


def test_an_output_inside_a_wide_source_is_found() -> None:
    """The source spans the output's addresses from both sides, with another source in between."""
    canvas = picture((40, 40, 3))
    tiny, inner = canvas[10:12, 10:12], canvas.reshape(-1)[2400:2412].reshape(3, 2, 2)
    wide = canvas[::39, ::39]
    rows = np.concatenate([make_rows(tiny, np.zeros((3, 2, 2), np.uint8)), make_rows(wide, inner)])
    with pytest.raises(PlanError, match="row 1: the output overlaps the memory of row 1: the source"):
        _native.run(rows, [tiny, wide], [np.zeros((3, 2, 2), np.uint8), inner])


def test_strides_beyond_the_addresses_are_refused(source: Any, output: Any) -> None:
    far = np.lib.stride_tricks.as_strided(source, source.shape, (2**62, 3, 1))
    with pytest.raises(ArgumentTypeError, match="more memory than there are addresses"):
        _native.run(make_rows(source, output), [far], [output])


@pytest.mark.parametrize("threads", [0, -1, 1025])
def test_thread_counts_have_a_range(source: Any, output: Any, threads: int) -> None:
    with pytest.raises(ArgumentError, match=f"threads is {threads}, expected 1 to 1024"):
        _native.run(make_rows(source, output), [source], [output], threads=threads)
