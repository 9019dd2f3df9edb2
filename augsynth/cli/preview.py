"""`augsynth preview`: a picture of what a pipeline does to real images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augsynth.cli.options import Data, ImageSize, PipelineFile, Seed, console, print_data


def preview(
    data: Data = "digits",
    pipeline: PipelineFile = None,
    out: Annotated[Path, typer.Option(help="The PNG file to write.")] = Path("preview.png"),
    images: Annotated[int, typer.Option(min=1, max=100, help="How many images: the rows.")] = 8,
    variants: Annotated[int, typer.Option(min=1, max=100, help="How many variants of each: the columns.")] = 8,
    image_size: ImageSize = None,
    seed: Seed = 0,
) -> None:
    """Draw what a pipeline does: each row has an image as it is, then its variants.

    Example: `augsynth preview --data photos/ --image-size 128 --out preview.png`
    """
    import numpy as np

    from augsynth.data.loading.datasets import load_dataset
    from augsynth.evaluate.figures import png, variants_sheet
    from augsynth.evaluate.pipelines import default_pipeline, read_pipeline

    loaded = load_dataset(data, max_per_class=images, image_size=image_size, seed=seed)
    print_data(loaded)
    chosen = read_pipeline(pipeline) if pipeline else default_pipeline(loaded.image_shape[0])
    console.print(chosen.explain(loaded.images.shape[1:]), markup=False, highlight=False)
    rows = np.random.default_rng(seed).permutation(len(loaded))[:images]
    sheet, note = variants_sheet(loaded.images[rows], chosen, variants, seed)
    if note:
        console.print(f"note: {note}", style="yellow", markup=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(png(sheet))
    console.print(f"wrote {out}", soft_wrap=True)
