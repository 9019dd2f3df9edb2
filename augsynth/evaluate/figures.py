"""Pictures as PNG bytes: grids of images, and the plot of accuracy against ratio."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from augsynth.errors import ArgumentError, AugsynthError
from augsynth.evaluate.intervals import Interval
from augsynth.evaluate.results import ExperimentResult
from augsynth.transforms import Compose, Resize

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL = 72
_INK = {False: ("#1f2933", "#d5dae1"), True: ("#e6e9ee", "#3a424d")}
_ACCENT = {False: "#0b6e99", True: "#58b4dc"}
_GREY = {False: "#7b8794", True: "#9aa5b1"}


def image_grid(images: NDArray[np.uint8], columns: int, *, gap: int = 4) -> NDArray[np.uint8]:
    """Lay images, row by row, on a transparent RGBA sheet `(H', W', 4)`.

    Small images are enlarged by a whole factor, so pixels stay visible. One channel is shown grey, and three as RGB. Of
    two channels, or of more than three, the first is shown.

    Args:
        images: uint8 `(N, H, W, C)`, N at least 1.
        columns: number of images in a row.
        gap: distance between images in pixels; default 4.

    >>> image_grid(np.zeros((6, 36, 36, 1), np.uint8), columns=3).shape
    (148, 224, 4)
    """
    if images.ndim != 4 or not len(images):
        raise ArgumentError(f"images must be uint8 (N, H, W, C) with N at least 1, got shape {images.shape}")
    factor = max(1, _CELL // max(images.shape[1:3]))
    cells = images.repeat(factor, axis=1).repeat(factor, axis=2)
    colours = cells if cells.shape[-1] == 3 else cells[..., :1].repeat(3, axis=-1)
    height, width = colours.shape[1:3]
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for i, cell in enumerate(colours):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width, :3] = cell
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet


def displayable(images: Tensor) -> tuple[NDArray[np.uint8], str]:
    """Return transformed images `(N, C, H, W)` as uint8 `(N, H, W, C)`, and a note if their look has changed.

    uint8 images stay as they are. Floats in [0, 1] become 0..255. Other floats (after `Normalize`) are stretched from
    their smallest to their largest value, and the note gives both values.
    """
    pixels = np.moveaxis(images.numpy(), 1, -1)
    if pixels.dtype == np.uint8:
        return pixels, ""
    low, high = float(pixels.min()), float(pixels.max())
    note = ""
    if low < 0 or high > 1:
        pixels = (pixels - low) / (high - low)
        note = f"values from {low:.3g} to {high:.3g} are shown stretched from black to white"
    return np.rint(pixels * 255).astype(np.uint8), note


def variants_sheet(
    images: NDArray[np.uint8], pipeline: Compose, variants: int, seed: int
) -> tuple[NDArray[np.uint8], str]:
    """Return a grid with an image and its variants in each row, and the note of `displayable`.

    Variant j of image i has the key (seed, j, i), as in epoch j of a data set. If the pipeline changes the size, the
    original image is resized to this size.

    Args:
        images: uint8 `(N, H, W, C)`.
        pipeline: augmentation.
        variants: number of variants of each image.
        seed: seed of the keys.
    """
    count = len(images)
    keys = [(seed, epoch, index) for index in range(count) for epoch in range(variants)]
    drawn, note = displayable(pipeline.batch(images.repeat(variants, axis=0), keys=keys))
    size = drawn.shape[1:3]
    originals, _ = displayable(Resize(size).batch(images)) if size != images.shape[1:3] else (images, "")
    rows = np.concatenate([originals[:, None], drawn.reshape(count, variants, *drawn.shape[1:])], axis=1)
    return image_grid(rows.reshape(-1, *drawn.shape[1:]), variants + 1), note


def png(sheet: NDArray[np.uint8]) -> bytes:
    """Return an image `(H, W, 3 or 4)` as the bytes of a PNG file."""
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra("Pillow") from error
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def ratio_plot(result: ExperimentResult, *, dark: bool = False) -> bytes:
    """Return a plot of accuracy against the share of synthetic images, with 95% intervals, as the bytes of a PNG file.

    Args:
        result: result of an experiment.
        dark: use colours for a dark background; default False.
    """
    figure, axes = _sheet(3.9)
    _draw_reference(axes, result, dark)
    _draw_arms(axes, result, dark)
    _style(axes, result, dark)
    return _png_of(figure)


def difference_plot(rows: Sequence[tuple[str, Interval]], metric: str, *, dark: bool = False) -> bytes:
    """Return a plot of differences from a control with their intervals, one row each, as the bytes of a PNG file.

    Args:
        rows: name and difference in [−1, 1]; the first row is drawn in colour.
        metric: name of the score.
        dark: use colours for a dark background; default False.
    """
    figure, axes = _sheet(1.0 + 0.42 * len(rows))
    ink, _ = _INK[dark]
    axes.axvline(0, color=ink, linewidth=1)
    for place, (_, interval) in enumerate(rows):
        mean, low, high = (100 * value for value in interval)
        color = _GREY[dark] if place else _ACCENT[dark]
        bars: dict[str, Any] = {"capsize": 4, "elinewidth": 1.6, "capthick": 1.6, "markersize": 7}
        axes.errorbar([mean], [place], xerr=[[mean - low], [high - mean]], fmt="o", color=color, **bars)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"difference from the control, points of {metric}", color=ink, fontsize=10)
    _frame(axes, "x", dark)
    return _png_of(figure)


def _sheet(height: float) -> tuple[Figure, Axes]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("matplotlib") from error
    figure = Figure(figsize=(7.2, height), dpi=200, layout="constrained")
    return figure, figure.subplots()


def _png_of(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def missing_extra(library: str) -> AugsynthError:
    """Return the error for a library of the `demo` extra that is not installed."""
    return AugsynthError(f'pictures need {library}: pip install "augsynth[demo]"')


def _draw_reference(axes: Axes, result: ExperimentResult, dark: bool) -> None:
    real_only = result.arms[0]
    level = 100 * real_only.interval.mean
    axes.axhline(level, color=_GREY[dark], linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"{real_only.arm.name} {level:.1f}%",
        (1.0, level),
        xycoords=("axes fraction", "data"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        color=_GREY[dark],
        fontsize=9,
    )


def _draw_arms(axes: Axes, result: ExperimentResult, dark: bool) -> None:
    arms = sorted((result.baseline, *result.synthetic), key=lambda scores: scores.arm.ratio)
    ratios = np.array([100 * scores.arm.ratio for scores in arms])
    means, lows, highs = 100 * np.array([scores.interval for scores in arms]).T
    beside = 0.018 * ratios.max()
    for ratio, scores in zip(ratios, arms, strict=True):
        dots = 100 * np.array(scores.accuracy)
        axes.scatter(np.full(len(dots), ratio - beside), dots, s=20, color=_GREY[dark], linewidths=0, zorder=2)
    bars: dict[str, Any] = {"capsize": 4, "elinewidth": 1.6, "capthick": 1.6, "linewidth": 1.6, "markersize": 7}
    axes.errorbar(ratios, means, yerr=[means - lows, highs - means], fmt="-o", color=_ACCENT[dark], zorder=3, **bars)
    for ratio, mean, high, scores in zip(ratios, means, highs, arms, strict=True):
        axes.annotate(
            f"{mean:.1f}",
            (ratio, max(high, 100 * max(scores.accuracy))),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            color=_INK[dark][0],
            fontsize=10,
            fontweight="bold",
        )


def _style(axes: Axes, result: ExperimentResult, dark: bool) -> None:
    ink, _ = _INK[dark]
    ratios = [0.0, *(100 * scores.arm.ratio for scores in result.synthetic)]
    axes.set_xticks(ratios, [f"{ratio:g}%" for ratio in ratios])
    axes.set_xlim(-0.06 * max(ratios), 1.12 * max(ratios))
    axes.set_xlabel("synthetic images in the training set (all with augmentation)", color=ink, fontsize=10)
    axes.set_ylabel("test accuracy (%)", color=ink, fontsize=10)
    axes.margins(y=0.12)
    _frame(axes, "y", dark)


def _frame(axes: Axes, grid: Literal["x", "y"], dark: bool) -> None:
    ink, rule = _INK[dark]
    axes.tick_params(colors=ink, length=0, labelsize=9.5, pad=6)
    axes.grid(axis=grid, color=rule, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.patch.set_alpha(0)
    axes.figure.patch.set_alpha(0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(rule)
