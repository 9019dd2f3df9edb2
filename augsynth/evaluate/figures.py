"""Pictures as PNG bytes: grids of images, and the plot of accuracy against ratio."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from augsynth.core.typing import Bytes
from augsynth.errors import ArgumentError, AugsynthError
from augsynth.evaluate.intervals import Interval
from augsynth.transforms import Compose, Resize

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL, _BAND = 72, 16
_INK = {False: ("#1f2933", "#d5dae1"), True: ("#e6e9ee", "#3a424d")}
_ACCENT = {False: "#0b6e99", True: "#58b4dc"}
_CARD = {False: "#ffffff", True: "#1c2229"}
_GREY = {False: "#7b8794", True: "#9aa5b1"}
_BARS: dict[str, Any] = {"capsize": 4, "elinewidth": 1.6, "capthick": 1.6, "markersize": 7}


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


def captioned(sheet: Bytes, captions: Sequence[str], *, gap: int = 4) -> Bytes:
    """Return a sheet of columns of one width with a caption above each, (H + 16, W, 4).

    Args:
        sheet: RGBA (H, W, 4), as `image_grid` lays it.
        captions: caption of each column.
        gap: distance between columns in pixels; default 4.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise missing_extra("Pillow") from error
    height, width = sheet.shape[:2]
    page = Image.new("RGBA", (width, height + _BAND))
    page.paste(Image.fromarray(sheet), (0, _BAND))
    draw, step = ImageDraw.Draw(page), (width + gap) / len(captions)
    for column, text in enumerate(captions):
        left = column * step + (step - gap - draw.textlength(text)) / 2
        draw.text((left, 2), text, fill=(128, 128, 128, 255))
    return np.asarray(page)


def png(sheet: NDArray[np.uint8]) -> bytes:
    """Return an image `(H, W, 3 or 4)` as the bytes of a PNG file."""
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra("Pillow") from error
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


class RatioPoint(NamedTuple):
    """Accuracies at one share of synthetic images.

    Args:
        ratio: the share, in [0, 1].
        interval: mean accuracy with its interval.
        accuracies: accuracy of each seed.
    """

    ratio: float
    interval: Interval
    accuracies: tuple[float, ...]


def ratio_plot(points: Sequence[RatioPoint], real_only: float, *, dark: bool = False, narrow: bool = False) -> bytes:
    """Return a plot of accuracy against the share of synthetic images, with intervals, as the bytes of a PNG file.

    Args:
        points: the shares that were tried; they stand at equal distances.
        real_only: accuracy without augmentation, in [0, 1].
        dark: use colours for a dark background; default False.
        narrow: make it for the width of a phone; default False.
    """
    figure, axes = _sheet(3.9, narrow)
    points = sorted(points, key=lambda point: point.ratio)
    label = f"real only, not augmented: {100 * real_only:.1f}%"
    axes.axhline(100 * real_only, color=_GREY[dark], linewidth=1.2, linestyle=(0, (4, 3)), zorder=1, label=label)
    _draw_points(axes, points, dark)
    shares = "synthetic share" if narrow else "share of synthetic images in the training set (all with augmentation)"
    axes.set_xticks(range(len(points)), [f"{100 * point.ratio:g}%" for point in points])
    axes.set_xlim(-0.4, len(points) - 0.25)
    axes.set_xlabel(shares, color=_INK[dark][0], fontsize=10)
    axes.set_ylabel("test accuracy (%)", color=_INK[dark][0], fontsize=10)
    values = [real_only, *(value for point in points for value in (*point.interval, *point.accuracies))]
    low, high = 100 * min(values), min(100.0, 100 * max(values))
    margin = max(0.12 * (high - low), 0.5)
    axes.set_ylim(max(0.0, low - margin), min(100.0, high + margin))
    legend = axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, fontsize=9, borderpad=0)
    legend.get_texts()[0].set_color(_INK[dark][0])
    _frame(axes, "y", dark)
    return _png_of(figure)


def _draw_points(axes: Axes, points: Sequence[RatioPoint], dark: bool) -> None:
    from matplotlib.patheffects import withStroke

    places = np.arange(len(points))
    means, lows, highs = 100 * np.array([point.interval for point in points]).T
    highs = highs.clip(max=100.0)
    for place, point in zip(places, points, strict=True):
        dots = 100 * np.array(point.accuracies)
        left = np.full(len(dots), place - 0.09)
        axes.scatter(left, dots, s=20, color=_GREY[dark], linewidths=0, zorder=2, clip_on=False)
    errors = np.array([means - lows, highs - means]).clip(min=0)
    axes.errorbar(places, means, yerr=errors, fmt="-o", color=_ACCENT[dark], zorder=3, linewidth=1.6, **_BARS)
    for place, mean in zip(places, means, strict=True):
        style: dict[str, Any] = {"color": _INK[dark][0], "fontsize": 10, "fontweight": "bold"}
        text = axes.annotate(f"{mean:.1f}", (place, mean), xytext=(7, -13), textcoords="offset points", **style)
        text.set_path_effects([withStroke(linewidth=3, foreground=_CARD[dark])])


def difference_plot(
    rows: Sequence[tuple[str, Interval]], metric: str, *, dark: bool = False, narrow: bool = False
) -> bytes:
    """Return a plot of differences from a control with their intervals, one row each, as the bytes of a PNG file.

    Args:
        rows: name and difference in [−1, 1]; the first row is drawn in colour.
        metric: name of the score.
        dark: use colours for a dark background; default False.
        narrow: make it for the width of a phone; default False.
    """
    figure, axes = _sheet(1.0 + 0.52 * len(rows), narrow)
    ink, _ = _INK[dark]
    axes.axvline(0, color=ink, linewidth=1)
    for place, (name, interval) in enumerate(rows):
        mean, low, high = (100 * value for value in interval)
        color = _GREY[dark] if place else _ACCENT[dark]
        axes.errorbar([mean], [place], xerr=[[mean - low], [high - mean]], fmt="o", color=color, **_BARS)
        above: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
        axes.annotate(_shortened(name, 46 if narrow else 90), (0, place), xytext=(0, 8), color=ink, fontsize=9, **above)
    axes.set_yticks([])
    axes.set_ylim(len(rows) - 0.5, -0.75)
    axes.set_xlabel(f"difference from the control, points of {metric}", color=ink, fontsize=10)
    _frame(axes, "x", dark)
    return _png_of(figure)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def _sheet(height: float, narrow: bool) -> tuple[Figure, Axes]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("matplotlib") from error
    figure = Figure(figsize=(4.2 if narrow else 7.2, height), dpi=160, layout="constrained")
    return figure, figure.subplots()


def _png_of(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def missing_extra(library: str) -> AugsynthError:
    """Return the error for a library of the `demo` extra that is not installed."""
    return AugsynthError(f'pictures need {library}: pip install "augsynth[demo]"')


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
