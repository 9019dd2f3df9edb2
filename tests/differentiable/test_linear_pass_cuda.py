"""The same on a GPU: what the CPU gives, within rounding, and gradients."""

from __future__ import annotations

import pytest
import torch
from differentiable.linear_cases import Case, cases
from hypothesis import given, settings

from augsynth import transforms as T
from augsynth.differentiable import linear_pass
from augsynth.errors import NativeError
from augsynth.transforms.diff_augment import POLICIES

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]
KEYS = [(7, 1, index) for index in range(4)]


def _on_gpu(case: Case, images: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    given = {name: torch.from_numpy(value).cuda() for name, value in case.parameters.items()}
    return linear_pass(
        images.to("cuda", dtype), size=case.size, border=case.border, interpolation=case.interpolation, **given
    )


@settings(max_examples=40)
@given(cases())
def test_pictures_and_gradients_are_those_of_the_cpu(case: Case) -> None:
    images = torch.from_numpy(case.images).requires_grad_()
    expected, came = case.run(images), _on_gpu(case, images, torch.float64)
    torch.testing.assert_close(came.cpu(), expected, rtol=1e-11, atol=1e-11)
    weights = torch.randn(expected.shape, dtype=torch.float64)
    (wanted,) = torch.autograd.grad(expected, images, weights)
    (gradient,) = torch.autograd.grad(came, images, weights.cuda())
    torch.testing.assert_close(gradient, wanted, rtol=1e-10, atol=1e-10)


@settings(max_examples=10)
@given(cases(channels=3, side=4))
def test_gradients_and_their_gradients_are_right(case: Case) -> None:
    images = torch.from_numpy(case.images).requires_grad_()
    run = lambda x: _on_gpu(case, x, torch.float64).cpu()  # noqa: E731
    assert torch.autograd.gradcheck(run, images, nondet_tol=1e-12)
    assert torch.autograd.gradgradcheck(run, images, nondet_tol=1e-12)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_diff_augment_is_that_of_the_cpu(channels: int) -> None:
    images, augment = torch.rand(4, channels, 40, 70), T.DiffAugment(POLICIES)
    torch.testing.assert_close(augment(images.cuda(), keys=KEYS).cpu(), augment(images, keys=KEYS), rtol=0, atol=1e-5)
    compiled = torch.compile(augment, fullgraph=True, backend="aot_eager")
    numbers = augment.draw(KEYS).cuda()
    torch.testing.assert_close(
        compiled(images.cuda(), uniform=numbers).cpu(), augment(images, keys=KEYS), rtol=0, atol=1e-5
    )


def test_pipelines_take_images_on_the_gpu() -> None:
    pipeline = T.Compose([T.RandomRotation(20), T.Normalize([0.5], [0.5])])
    images = torch.rand(4, 1, 20, 30, requires_grad=True)
    (wanted,) = torch.autograd.grad(pipeline.batch(images, keys=KEYS).square().sum(), images)
    (came,) = torch.autograd.grad(pipeline.batch(images.cuda(), keys=KEYS).square().sum(), images)
    torch.testing.assert_close(came, wanted)


def test_wild_maps_stay_within_memory() -> None:
    images = torch.rand(3, 2, 8, 8, device="cuda")
    maps = torch.stack([torch.full((3, 3), value) for value in (torch.nan, torch.inf, -1e30)]).cuda()
    linear_pass(images, maps)
    torch.cuda.synchronize()


def test_strict_determinism_is_refused() -> None:
    images = torch.rand(1, 1, 4, 4, device="cuda", requires_grad=True)
    picture = linear_pass(images, torch.eye(3, device="cuda")[None])
    torch.use_deterministic_algorithms(True)
    try:
        with pytest.raises(NativeError, match="no deterministic implementation"):
            torch.autograd.grad(picture.sum(), images)
    finally:
        torch.use_deterministic_algorithms(False)
