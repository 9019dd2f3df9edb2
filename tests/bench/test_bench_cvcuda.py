"""Tests of the draws and calls of the GPU benchmark for CV-CUDA, with operators that act as documented."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from augsynth import transforms as T

pytestmark = pytest.mark.usefixtures("harness")

CPU = torch.device("cpu")
FAKE = Path(__file__).with_name("fake_cvcuda.py")


@pytest.fixture(scope="module")
def batched(harness: Path) -> Iterator[Any]:
    """The module that calls CV-CUDA, with its operators on the CPU."""
    spec = importlib.util.spec_from_file_location("cvcuda", FAKE)
    assert spec is not None
    assert spec.loader is not None
    fake = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cvcuda", fake)
        patch.setattr(torch.cuda, "current_stream", lambda device: SimpleNamespace(cuda_stream=0))
        yield importlib.import_module("harness.gpu.cvcuda_batched")
    del sys.modules["harness.gpu.cvcuda_batched"]


# ---- Pictures ---------------------------------------------------------------------------------------------------


def test_every_case_gives_our_pictures(batched: Any) -> None:
    from harness.gpu.cases import CASES
    from harness.gpu.check import OnDevice, differences
    from harness.gpu.contenders import ours

    for case in [case for case in CASES.values() if case.side == 32]:
        found = OnDevice("CV-CUDA", batched.build_pipeline, CPU)
        assert differences(found, OnDevice("augsynth", ours, CPU), case.ops, case.side) == [], case.name


def test_margins_are_black_and_every_call_draws_anew(batched: Any) -> None:
    from harness.ops import Crop, Flip, Normalize

    torch.manual_seed(0)
    ops = (Crop(8, padding=4), Flip(), Normalize((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    pixels = torch.arange(1, 65, dtype=torch.uint8).view(1, 1, 8, 8).expand(40, 3, 8, 8)
    run = batched.build_pipeline(ops, pixels)
    first, second = run().clone(), run().clone()
    assert (first != second).any()
    padded = torch.nn.functional.pad(pixels[0, 0].float() / 255, (4, 4, 4, 4))
    windows = [padded[y : y + 8, x : x + 8] for y in range(9) for x in range(9)]
    for picture in first:
        assert any(torch.allclose(picture[0], one) or torch.allclose(picture[0], one.flip(1)) for one in windows)


def test_what_it_cannot_do_is_refused(batched: Any) -> None:
    from harness.cases import IMAGENET
    from harness.ops import Equalize, Flip
    from harness.peers.base import Unsupported

    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(Unsupported, match="no Equalize"):
        batched.build_pipeline((Equalize(), IMAGENET), images)
    with pytest.raises(Unsupported, match="end by normalising"):
        batched.build_pipeline((Flip(),), images)


# ---- What is drawn ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [-30.0, 0.0, 75.0])
def test_inverse_maps_are_those_of_our_plan(degrees: float) -> None:
    """Return the map for coordinates from the corner of the first pixel."""
    from harness.gpu.draws import inverse_maps
    from harness.ops import Affine

    (found,) = inverse_maps(Affine((degrees, degrees), 0.0, (0.8, 0.8), 0.0), 1, 20, CPU)
    plan = T.RandomAffine((degrees, degrees), scale=(0.8, 0.8), antialias=False).plan([(20, 20, 3)], [(0, 0, 0)])
    inverse = plan.passes[0].rows["inverse"][0].astype(np.float64)
    expected = inverse[:2].copy()
    expected[:, 2] += inverse[:2, :2].sum(1) / 2 - 0.5
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_affine_maps_use_their_whole_ranges() -> None:
    from harness.gpu.draws import inverse_maps
    from harness.ops import Affine

    torch.manual_seed(0)
    maps = inverse_maps(Affine((-20.0, 20.0), 0.1, (0.5, 2.0), 10.0), 4000, 33, CPU).double()
    forward = torch.linalg.inv(maps[:, :, :2])
    centre = (forward @ (16 - maps[:, :, 2, None])).squeeze(2)
    moved = (centre - 16) / 33
    assert moved.abs().max() == pytest.approx(0.1, abs=0.002)
    scale = torch.linalg.det(forward).sqrt()
    assert scale.min() == pytest.approx(0.5, abs=0.01)
    assert scale.max() == pytest.approx(2.0, abs=0.01)
    turn = torch.rad2deg(torch.atan2(-forward[:, 1, 0], forward[:, 0, 0]))
    assert turn.abs().max() == pytest.approx(20, abs=0.2)
    shear = torch.rad2deg(torch.atan((maps[:, 0, 0] * maps[:, 1, 0] + maps[:, 0, 1] * maps[:, 1, 1]) * -(scale**2)))
    assert shear.abs().max() == pytest.approx(10, abs=0.2)


def test_colour_maps_are_those_of_our_palette() -> None:
    from harness.gpu.draws import MIDDLE, colour_maps
    from harness.ops import Jitter

    from augsynth.transforms.colour_maps import Palette

    (found,) = colour_maps(Jitter((1.2, 1.2), (0.7, 0.7), (1.5, 1.5), (0.1, 0.1)), 1, CPU)
    expected = Palette.of(np.array([3])).adjusted(1.2, 0.7, 1.5, 0.1)
    np.testing.assert_allclose(found[:, :3].numpy(), expected.matrix[0], atol=1e-5)
    np.testing.assert_allclose(found[:, 3].numpy(), expected.of_mean[0] @ np.full(3, MIDDLE), atol=1e-3)
    never = colour_maps(Jitter((1.2, 1.2), (0.7, 0.7), (1.5, 1.5), (0.1, 0.1), p=0.0), 5, CPU)
    assert (never == torch.eye(3, 4)).all()


def test_windows_lie_where_they_may() -> None:
    from harness.gpu.draws import crop_windows, resized_windows
    from harness.ops import Crop, ResizedCrop

    torch.manual_seed(0)
    x, y, width, height = crop_windows(Crop(32, padding=4), 2000, 32, CPU).T
    assert {int(v) for v in x} == {int(v) for v in y} == set(range(-4, 5))
    assert (width == 32).all()
    assert (height == 32).all()
    windows = resized_windows(ResizedCrop(16, True), 4000, 50, CPU)
    assert windows.min() == 0
    assert windows.max() == 50
    sizes = windows[:, 2:] - windows[:, :2]
    assert sizes.min() >= 1
    share = sizes.prod(1) / 50**2
    assert share.min() < 0.1
    assert share.max() > 0.95
    assert share.mean() == pytest.approx(0.53, abs=0.03)


# ---- Calls ------------------------------------------------------------------------------------------------------


def calls() -> dict[str, tuple[int, set[str]]]:
    """The functions of CV-CUDA that are called, with the number of arguments in order and the names of the others."""
    spec = importlib.util.find_spec("harness.gpu.cvcuda_batched")
    assert spec is not None
    tree = ast.parse(Path(str(spec.origin)).read_text())
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("cvcuda."):
            names = {str(one.arg) for one in node.keywords}
            found[ast.unparse(node.func).removeprefix("cvcuda.")] = (len(node.args), names)
    return found


def takes(function: ast.FunctionDef, count: int, names: set[str]) -> bool:
    """Return whether a function takes so many positional arguments, and others by these names."""
    in_order = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    required = in_order[: len(in_order) - len(function.args.defaults)]
    by_name = {one.arg for one in function.args.kwonlyargs} | set(in_order[count:])
    return count <= len(in_order) and names <= by_name and set(required[count:]) <= names


@pytest.mark.parametrize("whose", ["fake", "installed"])
def test_every_call_fits_a_signature(whose: str) -> None:
    """Test the stand-in above, and the stubs of the library if it is installed, which need no driver."""
    stubs = FAKE
    if whose == "installed":
        spec = PathFinder.find_spec("cvcuda")
        if spec is None or spec.origin is None:
            pytest.skip("cvcuda is not installed")
        stubs = Path(spec.origin).with_suffix(".pyi")
    functions = [node for node in ast.parse(stubs.read_text()).body if isinstance(node, ast.FunctionDef)]
    assert len(calls()) >= 8
    for name, (count, names) in calls().items():
        overloads = [one for one in functions if one.name == name]
        assert any(takes(one, count, names) for one in overloads), (name, count, names)


def test_every_operation_of_a_case_is_written(batched: Any) -> None:
    """The operations of the last launch have no step of their own."""
    from harness.gpu.cases import CASES

    assert {type(op) for case in CASES.values() for op in batched._split(case.ops)[0]} == batched.STEPS.keys()
