"""Random linear passes, as the operation takes them and as rows and tables of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from hypothesis import strategies as st

from augsynth._native.layout import COLOUR, ERASURE, Border, DType, Interpolation, Tables
from augsynth.differentiable import linear_pass
from augsynth.engine.reference import render
from augsynth.plan import Rows, new_rows

Floats = npt.NDArray[np.float64]
CONSTANTS = ("fill", "offset", "values", "bias")


@dataclass(frozen=True)
class Case:
    """Images (B, C, H, W) and what is done to them, all float64."""

    images: Floats
    size: tuple[int, int]
    border: Border
    interpolation: Interpolation
    parameters: dict[str, Floats | npt.NDArray[np.int32]] = field(repr=False)

    def run(self, images: torch.Tensor | None = None, *, linear: bool = False) -> torch.Tensor:
        """The operation on other images, or its linear part."""
        images = torch.from_numpy(self.images) if images is None else images
        given: dict[str, Any] = {name: torch.from_numpy(value) for name, value in self.parameters.items()}
        if linear:
            given = {name: value for name, value in given.items() if name not in CONSTANTS}
        return linear_pass(images, size=self.size, border=self.border, interpolation=self.interpolation, **given)

    def rows(self) -> tuple[Rows, Tables]:
        """The same as a plan's pass."""
        count, channels = self.images.shape[:2]
        rows, given = new_rows(count), self.parameters
        rows["source_size"], rows["output_size"] = self.images.shape[2:], self.size
        rows["channels"], rows["source_dtype"], rows["output_dtype"] = channels, DType.FLOAT32, DType.FLOAT32
        rows["border"], rows["interpolation"] = self.border, self.interpolation
        for name in ("inverse", "edge"):
            rows[name] = given.get(name, rows[name])
        for name in ("fill", "gain", "bias"):
            rows[name][:, :channels] = given.get(name, rows[name][:, :channels])
        colours = np.zeros(count, COLOUR)
        colours["clamp"] = (-np.inf, np.inf)
        if "matrix" in given:
            rows["colour"] = np.arange(count)
            for name in ("matrix", "of_mean"):
                colours[name][:, :channels, :channels] = given.get(name, 0.0)
            colours["offset"][:, :channels] = given.get("offset", 0.0)
        boxes = given.get("boxes", np.zeros((count, 0, 4), np.int32))
        each = boxes.shape[1]
        erasures = np.zeros(count * each, ERASURE)
        erasures["box"] = boxes.reshape(-1, 4)
        for name in ("low", "high"):
            erasures[name][:, :channels] = given.get("values", np.zeros((count, each, channels))).reshape(-1, channels)
        rows["erasures"] = np.arange(count)[:, None] * each + (0, each)
        return rows, Tables(colours=colours, erasures=erasures)

    def expected(self) -> Floats:
        """Return the result of the reference executor."""
        rows, tables = self.rows()
        return np.stack(
            [render(row, one.transpose(1, 2, 0), tables) for row, one in zip(rows, self.images, strict=True)]
        )


def random_maps(rng: np.random.Generator, count: int, source: tuple[int, int], size: tuple[int, int]) -> Floats:
    """Maps from the output to the source that turn, stretch, move and tilt; some positions lie far outside."""
    height, width = source
    stretch = np.diag([width / size[1], height / size[0], 1.0])
    linear = np.eye(3) + rng.normal(0, 0.4, (count, 3, 3))
    linear[:, 2] = (0, 0, 1)
    linear[:, :2, 2] = rng.uniform(-1.5, 1.5, (count, 2)) * (width, height)
    tilt = np.tile(np.eye(3), (count, 1, 1))
    tilt[:, 2, :2] = rng.uniform(0, 0.3, (count, 2)) / size[::-1]
    tilted = rng.random(count) < 0.5
    return np.where(tilted[:, None, None], linear @ stretch @ tilt, linear @ stretch)


@st.composite
def cases(draw: st.DrawFn, channels: int = 16, side: int = 7) -> Case:
    """Passes of every border with any of the stages, for one to three images."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    b, c = draw(st.integers(1, 3)), draw(st.integers(1, channels))
    height, width, *size = (draw(st.integers(1, side)) for _ in range(4))
    k = draw(st.integers(1, 3))
    rows, columns = np.sort(rng.integers(0, size[0] + 1, (b, k, 2))), np.sort(rng.integers(0, size[1] + 1, (b, k, 2)))
    numbers: dict[str, tuple[int, ...]] = {
        "fill": (b, c),
        "matrix": (b, c, c),
        "of_mean": (b, c, c),
        "offset": (b, c),
        "values": (b, k, c),
        "gain": (b, c),
        "bias": (b, c),
    }
    parameters: dict[str, Any] = {name: rng.normal(0, 1, shape) for name, shape in numbers.items()}
    parameters["boxes"] = np.stack([rows[..., 0], columns[..., 0], rows[..., 1], columns[..., 1]], -1).astype(np.int32)
    needs = {"of_mean": "matrix", "offset": "matrix", "values": "boxes"}
    kept = {name for name in parameters if draw(st.booleans())}
    parameters = {name: parameters[name] for name in kept if needs.get(name, name) in kept}
    parameters["inverse"] = random_maps(rng, b, (height, width), (size[0], size[1]))
    parameters["edge"] = rng.uniform(0.25, 2.0, (b, 2))
    images = rng.normal(0, 1, (b, c, height, width))
    interpolation = draw(st.sampled_from([Interpolation.BILINEAR, Interpolation.NEAREST]))
    return Case(images, (size[0], size[1]), draw(st.sampled_from(list(Border))), interpolation, parameters)
