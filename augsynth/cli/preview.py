"""`augsynth preview`: a picture of the effect of a pipeline on real images, or of one transform on a drawn scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from augsynth.cli.options import Data, ImageSize, PipelineFile, Seed, console, parse_settings, print_data
from augsynth.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sheet = NDArray[np.uint8]

TransformName = Annotated[
    str | None,
    typer.Option("--transform", metavar="NAME", help="Show only this transform, on a drawn scene instead of --data."),
]
TransformSettings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Parameter of --transform; it may be given several times."),
]


def preview(
    data: Data = "digits",
    pipeline: PipelineFile = None,
    transform: TransformName = None,
    settings: TransformSettings = None,
    targets: Annotated[bool, typer.Option("--targets", help="Draw masks, boxes and keypoints over the scene.")] = False,
    out: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("preview.png"),
    images: Annotated[int, typer.Option(min=1, max=100, help="Number of images, one in each row.")] = 8,
    variants: Annotated[
        int, typer.Option(min=1, max=100, help="Number of variants of each image, one in each column.")
    ] = 8,
    image_size: ImageSize = None,
    seed: Seed = 0,
) -> None:
    """Draw the effect of a pipeline: each row has the original image, then its variants.

    Example: `augsynth preview --data photos/ --image-size 128 --out preview.png`

    Example: `augsynth preview --transform RandomRotation --set degrees=30 --targets`
    """
    from augsynth.evaluate.figures import png

    if transform is not None:
        if pipeline is not None:
            raise ArgumentError("--transform and --pipeline exclude each other: choose what to show")
        sheet = _of_transform(transform, settings, targets, variants, seed)
    elif settings or targets:
        raise ArgumentError("--set and --targets go with --transform NAME")
    else:
        sheet = _of_pipeline(data, pipeline, images, variants, image_size, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(png(sheet))
    console.print(f"wrote {out}", soft_wrap=True)


def _of_transform(name: str, settings: list[str] | None, targets: bool, variants: int, seed: int) -> Sheet:
    from augsynth.evaluate.before_after import before_after
    from augsynth.evaluate.scene import scene
    from augsynth.transforms import Compose, from_dict

    chosen = Compose([from_dict({"type": name, **parse_settings(settings)})])
    image, target = scene()
    console.print(chosen.explain(image.shape), highlight=False)
    return before_after(chosen, image, target if targets else None, variants, seed)


def _of_pipeline(
    data: str, pipeline: Path | None, images: int, variants: int, image_size: int | None, seed: int
) -> Sheet:
    import numpy as np

    from augsynth.data.loading.datasets import load_dataset
    from augsynth.evaluate.figures import captioned, variants_sheet
    from augsynth.evaluate.pipelines import default_pipeline, read_pipeline

    loaded = load_dataset(data, max_per_class=images, image_size=image_size, seed=seed)
    print_data(loaded)
    chosen = read_pipeline(pipeline) if pipeline else default_pipeline(loaded.image_shape[0])
    console.print(chosen.explain(loaded.images.shape[1:]), highlight=False)
    rows = np.random.default_rng(seed).permutation(len(loaded))[:images]
    sheet, note = variants_sheet(loaded.images[rows], chosen, variants, seed)
    if note:
        console.print(f"note: {note}", style="yellow")
    return captioned(sheet, ("image", *(f"variant {number + 1}" for number in range(variants))))
