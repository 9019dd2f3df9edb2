"""The linear pass: the reference's picture, its own adjoint, and what torch asks of an operation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from differentiable.linear_cases import Case, cases, random_maps
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from augsynth import _native
from augsynth._native.layout import Border, Interpolation
from augsynth.differentiable import linear_pass
from augsynth.errors import ArgumentError, ArgumentTypeError

BORDERS = list(Border)


def _adjoint(case: Case, gradient: torch.Tensor) -> torch.Tensor:
    images = torch.from_numpy(case.images).requires_grad_()
    return torch.autograd.grad(case.run(images), images, gradient)[0]


def _random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _maps(count: int, source: tuple[int, int], size: tuple[int, int], seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(random_maps(np.random.default_rng(seed), count, source, size))


@given(cases())
def test_is_what_the_reference_renders(case: Case) -> None:
    np.testing.assert_allclose(case.run().numpy(), case.expected(), rtol=1e-11, atol=1e-11)


@given(cases(channels=4))
def test_float32_is_what_the_native_pass_writes(case: Case) -> None:
    """Both round at every stage: within 2^-20 of the largest value that meets in a pixel."""
    rows, tables = case.rows()
    images = case.images.astype(np.float32)
    outputs = np.empty((*images.shape[:2], *case.size), np.float32)
    _native.run(rows, images.transpose(0, 2, 3, 1), outputs, tables=tables)
    absolute = {
        name: value if name in ("inverse", "edge", "boxes") else np.abs(value)
        for name, value in case.parameters.items()
    }
    largest = Case(
        np.full_like(case.images, np.abs(images).max()), case.size, case.border, case.interpolation, absolute
    ).run()
    differences = np.abs(case.run(torch.from_numpy(images)).numpy() - outputs)
    assert (differences <= 1e-5 * (1 + largest.abs().numpy())).all()


@given(cases(), st.integers(0, 2**32 - 1))
def test_backward_is_the_adjoint(case: Case, seed: int) -> None:
    """<L x, y> = <x, L' y> for any x and y."""
    y = _random(*case.images.shape[:2], *case.size, seed=seed)
    forward = (case.run(linear=True) * y).sum()
    back = (torch.from_numpy(case.images) * _adjoint(case, y)).sum()
    scale = (case.run(linear=True).abs() * y.abs()).sum() + 1
    assert abs(forward - back) <= 1e-10 * scale


@given(cases(), st.floats(-3, 3), st.floats(-3, 3))
def test_is_linear_but_for_its_constants(case: Case, a: float, b: float) -> None:
    x, y = torch.from_numpy(case.images), _random(*case.images.shape)
    nothing = case.run(torch.zeros_like(x))
    together = case.run(a * x + b * y) - nothing
    torch.testing.assert_close(
        together, a * (case.run(x) - nothing) + b * (case.run(y) - nothing), rtol=1e-9, atol=1e-9
    )
    torch.testing.assert_close(case.run(x, linear=True), case.run(x) - nothing, rtol=1e-9, atol=1e-9)


@settings(max_examples=12)
@given(cases(channels=3, side=4))
def test_gradients_and_their_gradients_are_right(case: Case) -> None:
    images = torch.from_numpy(case.images).requires_grad_()
    assert torch.autograd.gradcheck(case.run, images)
    assert torch.autograd.gradgradcheck(case.run, images)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("channels", [1, 2, 16])
def test_gradcheck_for_every_border(border: Border, channels: int) -> None:
    """Projective maps, odd shapes, positions outside on every side."""
    images = _random(2, channels, 3, 5).requires_grad_()
    inverse, fill = _maps(2, (3, 5), (4, 3)), _random(2, channels, seed=1)

    def run(x: torch.Tensor) -> torch.Tensor:
        return linear_pass(x, inverse, (4, 3), border=border, fill=fill)

    assert torch.autograd.gradcheck(run, images)
    assert torch.autograd.gradgradcheck(run, images)


def test_a_penalty_on_gradients_can_be_trained() -> None:
    """R1: the gradient of ‖∂f/∂x‖² with respect to f's weights, through the pass, against finite differences."""
    weights = _random(2, 3, 4, 4, seed=3).requires_grad_()
    images, inverse = _random(2, 3, 4, 4).requires_grad_(), _maps(2, (4, 4), (4, 4))

    def penalty(w: torch.Tensor) -> torch.Tensor:
        (slopes,) = torch.autograd.grad((linear_pass(images, inverse) * w).square().sum(), images, create_graph=True)
        return slopes.square().sum()

    assert torch.autograd.gradcheck(penalty, weights)


@pytest.mark.parametrize(
    ("border", "padding"),
    [(Border.REPLICATE, "border"), (Border.CONSTANT, "zeros"), (Border.REFLECT, "reflection")],
)
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_agrees_with_grid_sample(border: Border, padding: str, mode: str) -> None:
    """With align_corners=False its conventions are ours, and so are its gradients."""
    height, width = 6, 9
    theta = torch.eye(2, 3, dtype=torch.float64) + _random(4, 2, 3) * 0.4
    grid = F.affine_grid(theta, [4, 2, 5, 7], align_corners=False)
    pixels = torch.tensor([[width / 2, 0, width / 2], [0, height / 2, height / 2], [0, 0, 1]], dtype=torch.float64)
    unit = torch.tensor([[2 / 7, 0, -1], [0, 2 / 5, -1], [0, 0, 1]], dtype=torch.float64)
    last = torch.tensor([[[0.0, 0, 1]]], dtype=torch.float64).expand(4, 1, 3)
    inverse = pixels @ torch.cat([theta, last], 1) @ unit
    images = _random(4, 2, height, width, seed=1).requires_grad_()
    expected = F.grid_sample(images, grid, mode=mode, padding_mode=padding, align_corners=False)
    came = linear_pass(images, inverse, (5, 7), border=border, interpolation=Interpolation[mode.upper()])
    torch.testing.assert_close(came, expected)
    gradient = _random(4, 2, 5, 7, seed=2)
    torch.testing.assert_close(
        torch.autograd.grad(came, images, gradient)[0], torch.autograd.grad(expected, images, gradient)[0]
    )


@given(cases(), st.integers(2, 7))
def test_threads_do_not_matter(case: Case, threads: int) -> None:
    y = _random(*case.images.shape[:2], *case.size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUGSYNTH_NUM_THREADS", "1")
        alone = case.run(), _adjoint(case, y)
        patch.setenv("AUGSYNTH_NUM_THREADS", str(threads))
        together = case.run(), _adjoint(case, y)
    assert torch.equal(alone[0], together[0])
    assert torch.equal(alone[1], together[1])


@pytest.mark.parametrize("layout", ["channels_last", "flipped", "transposed", "cropped"])
def test_strides_do_not_matter(layout: str) -> None:
    inverse = _maps(2, (4, 6), (5, 3))
    wide = _random(2, 3, 8, 12, dtype=torch.float32)
    images = {
        "channels_last": wide[:, :, :4, :6].contiguous(memory_format=torch.channels_last),
        "flipped": wide[:, :, :4, :6].flip(-1),
        "transposed": wide[:, :, :6, :4].transpose(2, 3),
        "cropped": wide[:, :, 2:6, 3:9],
    }[layout]
    result = linear_pass(images, inverse, (5, 3))
    assert torch.equal(result, linear_pass(images.contiguous(), inverse, (5, 3)))
    if layout == "channels_last":
        assert result.is_contiguous(memory_format=torch.channels_last)


def _operations() -> list[Any]:
    return [torch.ops.augsynth.linear_pass.default, torch.ops.augsynth.linear_pass_adjoint.default]


@pytest.mark.parametrize("operation", _operations(), ids=str)
@pytest.mark.parametrize("last", [False, True])
def test_torch_finds_the_operations_sound(operation: Any, last: bool) -> None:
    layout = torch.channels_last if last else torch.contiguous_format
    images = _random(2, 3, 4, 6, dtype=torch.float32).contiguous(memory_format=layout).requires_grad_()
    edge, colours = torch.ones(2, 2, dtype=torch.float64), _random(2, 3, 3, dtype=torch.float32)
    boxes = torch.tensor([[[0, 0, 2, 2]]] * 2, dtype=torch.int32)
    parameters = (_maps(2, (4, 6), (4, 6)), edge, None, colours, colours, None, boxes, None, None, None, 1, 3, 4, 6)
    torch.library.opcheck(operation, (images, *parameters))


def test_is_mapped_over_any_axis() -> None:
    images = _random(2, 3, 4, 5, 6)
    each = [_maps(3, (5, 6), (5, 6), seed) for seed in range(2)]
    shared = torch.stack([linear_pass(one, each[0]) for one in images])
    assert torch.equal(torch.func.vmap(linear_pass, in_dims=(2, None))(images.movedim(0, 2), each[0]), shared)
    own = torch.stack([linear_pass(*pair) for pair in zip(images, each, strict=True)])
    assert torch.equal(torch.func.vmap(linear_pass)(images, torch.stack(each)), own)


def test_many_gradients_at_once() -> None:
    """`is_grads_batched` maps over the backward."""
    images = _random(1, 2, 3, 3).requires_grad_()
    picture = linear_pass(images, _maps(1, (3, 3), (3, 3)))
    rows = torch.eye(18, dtype=torch.float64).view(18, 1, 2, 3, 3)
    (batched,) = torch.autograd.grad(picture, images, rows, is_grads_batched=True, retain_graph=True)
    single = [torch.autograd.grad(picture, images, row, retain_graph=True)[0] for row in rows]
    assert torch.equal(batched, torch.stack(single))


def test_is_one_graph_for_the_compiler() -> None:
    inverse, colours = _maps(2, (5, 6), (4, 4)), _random(2, 3, 3)
    boxes = torch.tensor([[[0, 0, 2, 2]]] * 2)

    def loss(x: torch.Tensor) -> torch.Tensor:
        return linear_pass(x, inverse, (4, 4), border=Border.REFLECT, matrix=colours, boxes=boxes).square().sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    slopes = [torch.autograd.grad(f(x), x)[0] for f in (loss, compiled) for x in [_random(2, 3, 5, 6).requires_grad_()]]
    assert torch.equal(*slopes)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype: torch.dtype) -> None:
    images, inverse = _random(2, 3, 5, 5).to(dtype).requires_grad_(), _maps(2, (5, 5), (5, 5))
    result = linear_pass(images, inverse)
    assert torch.equal(result, linear_pass(images.float(), inverse).to(dtype))
    assert torch.autograd.grad(result.sum(), images)[0].dtype == dtype


def test_no_images_are_no_images() -> None:
    assert linear_pass(torch.zeros(0, 3, 4, 5), torch.zeros(0, 3, 3), (2, 2)).shape == (0, 3, 2, 2)


EYE = torch.eye(3)[None]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": torch.zeros(1, 17, 4, 4)}, "1 to 16 channels, got"),
        ({"images": torch.zeros(3, 4, 4)}, "images must have shape"),
        ({"inverse": torch.eye(3)}, "inverse must have shape"),
        ({"inverse": EYE * torch.nan}, "not finite"),
        ({"inverse": EYE - 2 * torch.eye(3)}, "with w = -1"),
        ({"inverse": EYE * torch.tensor([1e9, 1, 1])}, "within 2\\^24"),
        ({"size": (0, 4)}, "sides of 1 to 2\\^24"),
        ({"edge": torch.zeros(1, 2)}, "edge\\[0\\] is 0"),
        ({"of_mean": torch.zeros(1, 2, 2)}, "give its matrix too"),
        ({"fill": torch.zeros(1, 3)}, "fill must have shape \\(1, 2\\)"),
        ({"boxes": torch.zeros(1, 4, dtype=torch.int32)}, "boxes must have shape"),
    ],
)
def test_refuses_what_does_not_fit(changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"images": torch.zeros(1, 2, 4, 4), "inverse": EYE} | changes
    with pytest.raises(ArgumentError, match=message):
        linear_pass(**given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": torch.zeros(1, 2, 4, 4, dtype=torch.uint8)}, "floating-point tensor .* got torch.uint8"),
        ({"images": np.zeros((1, 2, 4, 4))}, "got ndarray"),
        ({"inverse": EYE.clone().requires_grad_()}, "pass inverse.detach"),
        ({"inverse": EYE.to("meta")}, "inverse is on meta"),
    ],
)
def test_refuses_other_kinds(changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"images": torch.zeros(1, 2, 4, 4), "inverse": EYE} | changes
    with pytest.raises(ArgumentTypeError, match=message):
        linear_pass(**given)
