"""The work of a device, done on the CPU: the same layout in memory, the same steps, the same code of each thread.

Only the launch itself is missing. Tensors of the CPU take this way where a test hands them to a `CudaExecutor`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from beside_native import CudaBesideNative
from copies import LEFT_OUT, MOVED, NEUTRAL, same, special_picture
from hypothesis import given, settings
from hypothesis import strategies as st

from augsynth import _native
from augsynth import transforms as T
from augsynth._native.layout import DType
from augsynth.core.images import TORCH_DTYPES
from augsynth.engine import CpuExecutor, CudaExecutor, as_array, batch_output, run
from augsynth.engine.cuda.operate import operate
from augsynth.engine.cuda.passes import descriptors
from augsynth.engine.whole_images import operate as operate_on_cpu
from augsynth.errors import NativeError, PlanError
from augsynth.plan import Barrier, Pass, Plan
from augsynth.targets.masks import DTYPES, Moving, move_masks
from augsynth.testing import strategies as aug
from augsynth.whole_image import OPERATIONS

CPU = torch.device("cpu")
Image = npt.NDArray[Any]


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    try:
        _native.cuda()
    except NativeError as error:
        pytest.skip(str(error))


def as_tensor(image: Image) -> torch.Tensor:
    """Over the same memory where torch allows it: it has no negative strides."""
    return torch.from_numpy(image if min(image.strides) > 0 and image.flags.writeable else image.copy())


def outputs_of(one: Pass) -> list[torch.Tensor]:
    dtype = TORCH_DTYPES[DType(int(one.rows["output_dtype"][0]))]
    return [torch.empty(image.shape, dtype=dtype) for image in CpuExecutor().allocate(one.rows)]


@settings(max_examples=max(300, settings().max_examples))
@given(case=aug.cases())
def test_any_pipeline_gives_the_bits_of_the_native_executor(case: aug.Case) -> None:
    run(case.plan, [as_tensor(case.image)], CudaBesideNative(CPU), None)


@pytest.mark.parametrize("dtype", aug.DTYPES)
@pytest.mark.parametrize("name", [*LEFT_OUT, *NEUTRAL, *MOVED])
def test_pixels_that_are_left_out_or_moved_are_copied(name: str, dtype: str) -> None:
    t, move = MOVED[name] if name in MOVED else ((LEFT_OUT | NEUTRAL)[name], same)
    image = special_picture((9, 12, 3) if name == "every third pixel" else (8, 11, 3), dtype)
    plan = t.plan([image.shape], [(5, 6, 7)], dtype=dtype)
    if int(plan.passes[-1].rows["output_dtype"][0]) != int(plan.passes[-1].rows["source_dtype"][0]):
        pytest.skip("a float32 image is normalised as it is")
    found = batch_output(plan, None)
    run(plan, [torch.from_numpy(image)], CudaExecutor(CPU), found)
    wanted = torch.from_numpy(np.ascontiguousarray(move(image).transpose(2, 0, 1)))
    assert torch.equal(found[0].view(torch.uint8), wanted.view(torch.uint8))


BENT: list[Callable[[str, str], T.Transform]] = [
    lambda interpolation, border: T.ElasticTransform(60.0, 3.0, interpolation, border=border),
    lambda interpolation, border: T.GridDistortion(3, 0.6, interpolation, border=border, p=1.0),
    lambda interpolation, border: T.LensDistortion(0.5, 0.1, interpolation, border=border, p=1.0),
    lambda interpolation, border: T.ThinPlateSpline(0.24, 3, interpolation, border=border, p=1.0),
]


@pytest.mark.parametrize("dtype", aug.DTYPES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("border", ["constant", "replicate", "reflect", "reflect101", "wrap"])
@pytest.mark.parametrize("bent", BENT)
def test_displaced_pixels_have_the_bits_of_the_native_executor(
    bent: Callable[[str, str], T.Transform], border: str, interpolation: str, dtype: str
) -> None:
    random = np.random.default_rng(3)
    images = [_picture(random, shape, dtype) for shape in ((9, 12, 3), (21, 17, 3))]
    t = T.Compose(
        [
            T.RandomHorizontalFlip(),
            bent(interpolation, border),
            T.RandomAffine(40, scale=(0.4, 1.3)),
            T.Resize((14, 11)),
        ]
    )
    plan = t.plan([image.shape for image in images], [(4, 5, 6), (4, 5, 7)], dtype=dtype)
    assert plan.passes[0].tables.displacements.size == 2
    run(plan, [as_tensor(image) for image in images], CudaBesideNative(CPU), None)


@given(
    shapes=st.lists(aug.shapes(max_side=20, max_channels=4), min_size=1, max_size=6),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    end=st.sampled_from(["uint8", "uint16", "float32", "float16", "bfloat16"]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    memory_format=st.sampled_from(["contiguous_format", "channels_last"]),
)
def test_batches_of_any_sizes_and_layouts(
    shapes: list[tuple[int, int, int]], dtype: str, end: str, size: tuple[int, int], memory_format: str
) -> None:
    random = np.random.default_rng(len(shapes))
    images = [_picture(random, (*shape[:2], shapes[0][2]), dtype) for shape in shapes]
    t = T.Compose([T.RandomResizedCrop(size), T.RandomHorizontalFlip(), T.GaussianNoise(0.1), T.ToDtype(end)])
    plan = t.plan([image.shape for image in images], [(1, 2, i) for i in range(len(images))], dtype=dtype)
    wanted, found = (batch_output(plan, None, memory_format) for _ in range(2))
    run(plan, images, CpuExecutor(), as_array(wanted))
    run(plan, [torch.from_numpy(image) for image in images], CudaExecutor(CPU), found)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def _picture(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Image:
    values = random.random(shape, dtype=np.float32)
    return values if dtype == "float32" else (values * np.iinfo(dtype).max).astype(dtype)


def test_outputs_between_other_data_are_written_and_nothing_else() -> None:
    """Planes with gaps between their lines, at an address that no pack begins at."""
    image = torch.arange(2 * 9 * 7 * 3, dtype=torch.uint8).reshape(2, 9, 7, 3)
    around = torch.full((2, 3, 12, 13), 77, dtype=torch.uint8)
    window = around[:, :, 2:11, 3:10]
    plan = T.RandomHorizontalFlip(p=1.0).plan([(9, 7, 3)] * 2, [(0, 0, 0)] * 2)
    made = run(plan, image, CudaExecutor(CPU), window)
    assert torch.equal(made, window.permute(0, 2, 3, 1))
    assert made.data_ptr() == window.data_ptr()
    torch.testing.assert_close(window, image.flip(2).permute(0, 3, 1, 2))
    assert (around == 77).sum() >= around.numel() - window.numel()
    around[:, :, 2:11, 3:10] = 77
    assert (around == 77).all()


@pytest.mark.parametrize("operation", [name for name, one in sorted(OPERATIONS.items()) if one.torch_function])
@given(image=aug.images(), factor=st.floats(0, 3), size=st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_operations_between_passes_give_the_same_bits(
    operation: str, image: Image, factor: float, size: tuple[int, int]
) -> None:
    arguments: dict[str, npt.NDArray[Any]] = {}
    if operation == "sharpness":
        arguments = {"factor": np.array([factor])}
    if operation == "gaussian_blur":
        arguments = {"sigma": np.array([factor + 0.1]), "kernel_size": np.array([[2 * k + 1 for k in size]])}
    barrier = Barrier(operation, np.array([True]), arguments)
    (found,) = operate(barrier, [as_tensor(image)])
    np.testing.assert_array_equal(found.numpy(), operate_on_cpu(barrier, [np.asarray(as_tensor(image))])[0])


@pytest.mark.parametrize("operation", ["equalize", "autocontrast"])
@pytest.mark.parametrize("values", [[np.nan, 1, 2], [np.inf, 1, 2, 2], [-np.inf, 3, 1], [np.nan, np.nan], [5, 5]])
def test_what_is_not_finite_is_not_counted(operation: str, values: list[float]) -> None:
    image = np.array(values, np.float32).reshape(1, -1, 1)
    barrier = Barrier(operation, np.array([True]))
    (found,) = operate(barrier, [torch.from_numpy(image)])
    np.testing.assert_array_equal(found.numpy(), operate_on_cpu(barrier, [image])[0])


def test_a_function_of_the_users_gets_a_numpy_array_of_its_own() -> None:
    plan = T.Lambda(np.flipud).plan([(2, 1, 1)], [(0, 0, 0)])
    image, output = (
        torch.tensor([[[1], [2]]], dtype=torch.uint8).reshape(1, 2, 1, 1),
        torch.empty(1, 1, 2, 1, dtype=torch.uint8),
    )
    run(plan, image, CudaExecutor(CPU), output)
    assert output.ravel().tolist() == [2, 1]


# ---- What is laid out -----------------------------------------------------------------------------------------


def steps_of(plan: Plan, shapes: list[tuple[int, int, int]]) -> list[tuple[str, int, int, int]]:
    """The steps of a plan's first pass: name, kind (twice the channels, and 1 for quick ones), samples, blocks."""
    one = plan.passes[0]
    sources = [torch.zeros(shape, dtype=torch.uint8) for shape in shapes]
    launch = _native.launch(one.rows, descriptors(sources), descriptors(outputs_of(one)), tables=one.tables)
    staging = torch.empty(launch.copied, dtype=torch.uint8)
    launch.write(staging.data_ptr(), 256)
    return launch.steps()


def test_a_batch_without_special_rows_is_one_step() -> None:
    t = T.Compose([T.RandomRotation(10), T.GaussianNoise(0.1), T.Normalize([0.5], [0.5])])
    shapes = [(10, 20, 3), (30, 40, 3)]
    assert steps_of(t.plan(shapes, [(0, 0, 0)] * 2), shapes) == [("render pixels", 2 * 3 + 1, 2, 1 + 2)]


@pytest.mark.parametrize(
    ("transform", "before"),
    [
        (T.Resize((4, 4)), ["weigh taps"]),
        (T.RandomAffine((30, 30), scale=(0.25, 0.25), antialias=True), ["weigh taps", "render pixels"]),
        (T.ColorJitter(contrast=(0.5, 0.5)), ["add columns", "add chunks", "add lines"]),
        (T.FillMissing("constant", 0.0), ["fill"]),
        (T.FillMissing("mean", 0.0), ["add present", "take means", "fill"]),
    ],
    ids=["filter", "reduced", "means", "filled", "filled by means"],
)
def test_only_what_needs_them_has_more_steps(transform: T.Transform, before: list[str]) -> None:
    shapes = [(64, 64, 3)]
    names = [name for name, *_ in steps_of(transform.plan(shapes, [(0, 0, 0)]), shapes)]
    assert names == [*before, "render pixels"]


def test_rows_of_several_kinds_share_their_steps() -> None:
    plan = T.ColorJitter(contrast=(0.5, 0.5)).plan([(8, 8, 1), (8, 8, 3), (9, 9, 3)], [(0, 0, i) for i in range(3)])
    steps = steps_of(plan, [(8, 8, 1), (8, 8, 3), (9, 9, 3)])
    assert [(name, channels, samples) for name, channels, samples, _ in steps][-2:] == [
        ("render pixels", 2 * 3, 2),
        ("render pixels", 2 * 16, 1),
    ]


def test_invalid_rows_and_images_are_refused_before_anything_is_laid_out() -> None:
    plan = T.RandomHorizontalFlip(p=1.0).plan([(4, 6, 3)], [(0, 0, 0)])
    rows, source, output = plan.passes[0].rows.copy(), torch.zeros(4, 6, 3, dtype=torch.uint8), torch.zeros(3, 4, 6)
    with pytest.raises(PlanError, match="row 0: the output has dtype float32, expected uint8"):
        _native.launch(rows, descriptors([source]), descriptors([output]))
    with pytest.raises(PlanError, match="row 0: the output overlaps the memory of row 0: the source"):
        _native.launch(rows, descriptors([source]), descriptors([source.permute(2, 0, 1)]))
    rows["border"] = 9
    with pytest.raises(PlanError, match="row 0: border is 9"):
        _native.launch(rows, descriptors([source]), descriptors([output.byte()]))


# ---- Masks ----------------------------------------------------------------------------------------------------


@given(
    aug.cases(st.lists(aug.geometry(), max_size=3).map(T.Compose)),
    st.lists(st.sampled_from(DTYPES), min_size=1, max_size=3),
    st.integers(0, 20),
)
def test_masks_are_moved_as_on_the_cpu(case: aug.Case, dtypes: list[str], count: int) -> None:
    random = np.random.default_rng(count)
    shape = (count, *case.image.shape[:2])
    masks = [random.integers(0, 2, shape).astype(dtype) for dtype in dtypes]
    passes = case.plan.passes
    (expected,) = move_masks(passes, [[Moving(one, 1) for one in masks]])
    (found,) = move_masks(passes, [[Moving(torch.from_numpy(one), 1) for one in masks]])
    for one, other in zip(found, expected, strict=True):
        assert isinstance(one, torch.Tensor)
        np.testing.assert_array_equal(one.numpy(), other)
