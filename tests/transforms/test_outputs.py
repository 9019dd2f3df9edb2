"""Outputs of a batch: dtypes, memory formats, a tensor of the caller's, and fresh memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth._native.layout import DType
from augsynth.engine import CpuExecutor, reference, run
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError
from augsynth.plan import Pass, Plan
from augsynth.testing import strategies as aug

IMAGES = np.random.default_rng(5).integers(0, 256, (5, 40, 30, 3), dtype=np.uint8)
KEYS = [(1, 2, index) for index in range(5)]
PARTS = (T.RandomHorizontalFlip(), T.RandomRotation(20), T.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]))
HALVES = (torch.float16, torch.bfloat16)


def plain() -> torch.Tensor:
    return T.Compose(PARTS).batch(IMAGES, keys=KEYS)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32, *HALVES])
def test_every_dtype_in_every_memory_format(isa: str, dtype: torch.dtype, memory_format: torch.memory_format) -> None:
    parts = (*PARTS[:2], T.ToDtype(dtype, scale=dtype in (torch.uint16, *HALVES)))
    batch = T.Compose(parts, memory_format=memory_format).batch(IMAGES, keys=KEYS)
    assert batch.dtype == dtype
    assert batch.is_contiguous(memory_format=memory_format)
    scale = {torch.uint16: 257.0, torch.float16: 1 / 255, torch.bfloat16: 1 / 255}.get(dtype, 1.0)
    exact = T.Compose([*PARTS[:2], T.ToDtype("float32")]).batch(IMAGES, keys=KEYS) * scale
    expected = exact.round().to(dtype) if dtype in (torch.uint8, torch.uint16) else exact.to(dtype)
    step = {torch.uint8: 1, torch.uint16: 1, torch.float32: 0, torch.float16: 2.0**-10, torch.bfloat16: 2.0**-7}[dtype]
    assert (batch.double() - expected.double()).abs().max() <= step


@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_after_normalising_is_the_float32_result_rounded(isa: str, dtype: torch.dtype) -> None:
    transform = T.Compose([*PARTS, T.ToDtype(dtype)])
    assert len(transform.plan([(40, 30, 3)], KEYS[:1]).passes) == 1
    assert torch.equal(transform.batch(IMAGES, keys=KEYS), plain().to(dtype))


def ends_in_half(dtype: str) -> st.SearchStrategy[T.Compose]:
    return aug.pipelines().map(lambda pipeline: T.Compose([*pipeline.transforms, T.ToDtype(dtype)]))


@given(case=aug.cases(st.sampled_from(["float16", "bfloat16"]).flatmap(ends_in_half)))
def test_half_precision_is_float32_rounded_for_any_pipeline(isa: str, case: aug.Case) -> None:
    *before, half = case.plan.steps
    single = Pass(half.rows.copy(), half.tables)
    single.rows["output_dtype"] = DType.FLOAT32
    rounded, exact = CpuExecutor().allocate(half.rows), CpuExecutor().allocate(single.rows)
    run(case.plan, [case.image], CpuExecutor(), rounded)
    run(Plan((*before, single)), [case.image], CpuExecutor(), exact)
    expected = reference.store(exact[0].astype(np.float64), DType(half.rows["output_dtype"][0]))
    np.testing.assert_array_equal(rounded[0], expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("later", [T.RandomHorizontalFlip(), T.GaussianNoise(), T.ToDtype("float32"), PARTS[2]])
def test_nothing_follows_half_precision(dtype: str, later: T.Transform) -> None:
    with pytest.raises(ArgumentError, match=rf"{dtype} images can only be written.*ToDtype\('{dtype}'\) come last"):
        T.Compose([T.ToDtype(dtype), later])(IMAGES[0])
    with pytest.raises(ArgumentError, match=f"{dtype} images can only be written"):
        later.plan([(4, 4, 3)], KEYS[:1], dtype=dtype)
    with pytest.raises(ArgumentTypeError, match=f"got torch.{dtype}"):
        later(torch.zeros((3, 4, 4), dtype=getattr(torch, dtype)))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_out_may_have_either_memory_format(isa: str, memory_format: torch.memory_format) -> None:
    out = torch.empty(plain().shape).to(memory_format=memory_format)
    assert T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=out) is out
    assert torch.equal(out, plain())


def test_other_tensors_are_refused_as_out() -> None:
    shape = plain().shape
    for out in (torch.empty(shape, dtype=torch.float16), torch.empty(shape[1:]), torch.empty(shape, device="meta")):
        with pytest.raises(ArgumentError, match="out must be a tensor of shape"):
            T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=out)
    with pytest.raises(ArgumentTypeError, match="column stride"):
        T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=torch.empty(5, 3, 30, 40).transpose(2, 3))
    with pytest.raises(ArgumentTypeError, match="torch tensor"):
        T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=np.empty(shape))  # type: ignore[arg-type]


def test_channels_last_of_any_shape(isa: str) -> None:
    for shape in [(2, 1, 1, 1), (3, 5, 1, 4), (2, 1, 7, 4), (2, 6, 5, 1), (4, 3, 3, 16)]:
        images = np.random.default_rng(0).random(shape, dtype=np.float32)
        batch = T.Compose([], memory_format="channels_last").batch(images)
        assert batch.is_contiguous(memory_format=torch.channels_last)
        np.testing.assert_array_equal(batch, images.transpose(0, 3, 1, 2))


def test_the_memory_format_belongs_to_the_pipeline() -> None:
    last = T.Compose(PARTS, memory_format="channels_last")
    assert last != T.Compose(PARTS)
    assert T.from_dict(last.to_dict()) == last
    assert "channels_last" in repr(last)
    plan = last.plan([(40, 30, 3)] * 5, KEYS)
    assert last.apply(IMAGES, plan).is_contiguous(memory_format=torch.channels_last)
    with pytest.raises(ArgumentError, match="memory_format must be contiguous_format or channels_last, got 'nhwc'"):
        T.Compose([], memory_format="nhwc")


def test_batches_have_memory_of_their_own() -> None:
    images = np.zeros((8, 256, 256, 3), np.uint8)
    brighter = [T.Compose([T.ToDtype("float32"), T.Normalize([-float(k)], [1.0])]) for k in range(4)]
    batches = [transform.batch(images) for transform in brighter]
    assert (
        [float(batch.min()) for batch in batches] == [float(batch.max()) for batch in batches] == [0.0, 1.0, 2.0, 3.0]
    )
    where = batches.pop().data_ptr()
    assert brighter[0].batch(images).data_ptr() == where


def test_passes_between_leave_no_trace() -> None:
    """Two passes over images of different sizes, whose intermediate images lie in memory that was used before."""
    transform = T.Compose([T.GaussianNoise(), T.RandomResizedCrop(12), T.GaussianNoise(), T.Resize(7)])
    images = [np.random.default_rng(k).integers(0, 256, (500 + k, 700 - k, 3), dtype=np.uint8) for k in range(4)]
    keys = [(0, 0, k) for k in range(4)]
    whole = transform.batch(images, keys=keys)
    for k in range(4):
        assert torch.equal(whole[k], transform(images[k], key=keys[k]))


def test_out_that_torch_records_is_refused() -> None:
    leaf = torch.zeros(5, 3, 40, 30, requires_grad=True)
    for out in (leaf, leaf * 2, torch.nn.Parameter(torch.zeros(5, 3, 40, 30))):
        with pytest.raises(ArgumentError, match=r"requires a gradient.*out.detach\(\)"):
            T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=out)
    assert torch.equal(T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=leaf.detach()), plain())


def test_a_backward_that_needs_what_out_held_is_refused() -> None:
    weights, out = torch.ones(5, 3, 40, 30, requires_grad=True), torch.zeros(5, 3, 40, 30)
    loss = (weights * out).sum()
    T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=out)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("inside", [True, False])
def test_out_of_inference_mode(inside: bool) -> None:
    with torch.inference_mode():
        out = torch.zeros(5, 3, 40, 30)
    with torch.inference_mode(inside):
        assert T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=out) is out
    assert torch.equal(out, plain())


def test_out_whose_values_lie_elsewhere_is_refused() -> None:
    zeros = torch.zeros(5, 3, 40, 30)
    for out in (torch._neg_view(zeros), zeros.to_sparse(), zeros.to("meta"), zeros.numpy(), zeros.double()):
        with pytest.raises(AugsynthError, match="out"):
            T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=out)  # type: ignore[arg-type]
    for out in (zeros[:1].expand(5, 3, 40, 30), torch.zeros(5, 3, 40, 60)[..., ::2], torch.zeros(5, 3, 30, 40).mT):
        with pytest.raises(AugsynthError, match=r"output (overlaps|has strides)"):
            T.Compose(PARTS).batch(IMAGES, keys=KEYS, out=out)
    assert (zeros == 0).all()
