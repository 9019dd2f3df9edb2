"""Explanations in pictures: images after each pass and each barrier of a pipeline, with the words of `explain()`."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augsynth._native.layout import DType
from augsynth.core.typing import Bytes, Image
from augsynth.engine import CpuExecutor
from augsynth.engine.executor import output_dtype, run_by_steps
from augsynth.errors import ArgumentError
from augsynth.plan import Plan

_GAP = 4
_PAGE = """<!doctype html><meta charset="utf-8"><title>Passes of a pipeline</title>
<style>body{{font-family:sans-serif;margin:1.5em}}td,th{{padding:.3em .6em;vertical-align:top;text-align:left}}
th{{font-weight:normal;max-width:24em}}img{{image-rendering:pixelated;max-width:100%}}</style>
<table>{rows}</table>
"""


@dataclass(frozen=True, eq=False)
class ExplainedImages:
    """Images before a pipeline, and after each of its passes and barriers.

    Args:
        words: for each column of pictures, its words; the first stands for the images that came in.
        images: for each column, the images (H, W, C), one for each sample.

    >>> from augsynth import transforms as T
    >>> t = T.Compose([T.ColorJitter(0.5), T.RandomRotation(30)], fuse=True)
    >>> explained = t.explain_images([np.zeros((8, 9, 3), np.uint8)], keys=[(0, 0, 0)])
    >>> [words.splitlines()[0] for words in explained.words], explained.sheet().shape
    (['images', 'pass 1: ColorJitter', 'pass 2: RandomRotation'], (8, 35, 4))
    """

    words: tuple[str, ...]
    images: tuple[Sequence[Image], ...]

    def __str__(self) -> str:
        return "\n".join(self.words[1:])

    def sheet(self) -> Bytes:
        """A sheet uint8 (H, W, 4): a row for each sample, a column for the images and for each step, on transparency.

        Values are shown as `html` says.
        """
        shown = [[_shown(image) for image in column] for column in self.images]
        widths = [max(cell.shape[1] for cell in column) for column in shown]
        heights = [max(len(column[sample]) for column in shown) for sample in range(len(shown[0]))]
        lefts, tops = (np.cumsum([0, *(side + _GAP for side in sides)]) for sides in (widths, heights))
        sheet = np.zeros((tops[-1] - _GAP, lefts[-1] - _GAP, 4), np.uint8)
        for left, column in zip(lefts, shown, strict=False):
            for top, cell in zip(tops, column, strict=False):
                sheet[top : top + len(cell), left : left + cell.shape[1], :3] = cell
                sheet[top : top + len(cell), left : left + cell.shape[1], 3] = 255
        return sheet

    def png(self) -> bytes:
        """The sheet as the bytes of a PNG file. Needs Pillow: `pip install "augsynth[decode]"`."""
        return _png(self.sheet())

    def html(self) -> str:
        """A page in one file: a row for each step, its words beside its pictures. Notebooks show it by themselves.

        Integers are shown from black at 0 to white at their full scale, floats from 0 to 1. An image with values
        outside is stretched from its lowest to its highest. One channel is grey, three are colours; of other numbers,
        the first channel is shown. Needs Pillow.
        """
        rows = []
        for words, column in zip(self.words, self.images, strict=True):
            caption = html.escape(words).replace("\n", "<br>")
            cells = "".join(f'<td><img alt="" src="{_link(_shown(image))}"></td>' for image in column)
            rows.append(f"<tr><th>{caption}</th>{cells}</tr>")
        return _PAGE.format(rows="\n".join(rows))

    def _repr_html_(self) -> str:
        return self.html()


def images_between(plan: Plan, images: Any) -> list[Sequence[Image]]:
    """Return the images (H, W, C) after each step of a plan, float32 for bfloat16.

    Args:
        plan: the plan.
        images: n images (H, W, C), for which the plan was drawn.
    """
    executor, last = CpuExecutor(), plan.passes[-1].rows
    found: list[Any] = list(run_by_steps(plan, images, executor, executor.allocate(last)))
    if output_dtype(last) == DType.BFLOAT16:
        found[-1] = [(image.astype(np.uint32) << 16).view(np.float32) for image in found[-1]]
    return found


def _shown(image: Image) -> Bytes:
    """An image as uint8 (H, W, 3)."""
    colours = image if image.shape[2] == 3 else image[..., :1].repeat(3, axis=2)
    if colours.dtype == np.uint8:
        return colours
    values = np.nan_to_num(colours.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = 0.0, float(np.iinfo(colours.dtype).max) if colours.dtype.kind == "u" else 1.0
    if values.min() < low or values.max() > high:
        low, high = values.min(), values.max()
    shown: Bytes = np.rint((values - low) / (high - low) * 255).astype(np.uint8)
    return shown


def _link(picture: Bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(_png(picture)).decode()


def _png(picture: Bytes) -> bytes:
    try:
        from PIL import Image as PillowImage
    except ImportError as error:
        raise ArgumentError('pictures need Pillow: pip install "augsynth[decode]"') from error
    file = io.BytesIO()
    PillowImage.fromarray(np.ascontiguousarray(picture)).save(file, "PNG")
    return file.getvalue()
