"""`augsynth pool`: pools on disk are checked, written in the layouts of other tools, and made from their images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from augsynth.cli.options import console

app = typer.Typer(help="Check a pool, export it, or make one from images.", no_args_is_help=True)

Pool = Annotated[Path, typer.Argument(help="Folder of the pool.")]


@app.command("verify")
def verify(pool: Pool) -> None:
    """Read every file of a pool, and compare its checksum. The exit status is 2 if one is damaged.

    Example: `augsynth pool verify pool`
    """
    from augsynth.data import SyntheticPool

    opened = SyntheticPool.open(pool)
    opened.verify()
    console.print(f"{pool} is intact: {_described(opened)}", soft_wrap=True)


@app.command("export")
def export(
    pool: Pool,
    out: Annotated[Path, typer.Option(help="New or empty folder.")],
    format: Annotated[str, typer.Option(help="imagefolder, webdataset or huggingface.")] = "imagefolder",
) -> None:
    """Write a pool as an image folder, as tar files for WebDataset, or as parquet files for Hugging Face.

    Example: `augsynth pool export pool --out folder --format webdataset`
    """
    from augsynth.data import SyntheticPool

    chosen: Any = format
    SyntheticPool.open(pool).export(out, chosen)
    console.print(f"wrote {out}", soft_wrap=True)


@app.command("import")
def import_images(
    source: Annotated[Path, typer.Argument(help="Folder of images, tar file or folder of them, COCO file, .npz, …")],
    out: Annotated[Path, typer.Option(help="Folder of the pool.")] = Path("pool"),
    format: Annotated[
        str | None, typer.Option(help="imagefolder, webdataset, coco, arrays or huggingface; by default, by its look.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images of a COCO file.")] = None,
    size: Annotated[
        str | None, typer.Option(help="Size of all images, 32 or 48x64 (height x width), by resizing and cropping.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="L, RGB or RGBA; by default L if all images are grey, or RGB.")
    ] = None,
    shard_size: Annotated[int, typer.Option(min=1, help="Number of images in a file of the pool.")] = 1024,
) -> None:
    """Make a pool of images that another program wrote, with their boxes and masks. Calling it again continues.

    Example: `augsynth pool import renders/annotations.json --out pool --size 64`
    """
    from augsynth.data import SyntheticPool

    chosen: Any = format
    pool = SyntheticPool.import_images(
        out, source, format=chosen, images=images, size=_size(size), mode=mode, shard_size=shard_size
    )
    console.print(f"wrote {out}: {_described(pool)}", soft_wrap=True)


def _size(text: str | None) -> Any:
    """Return 32 or (48, 64) for their texts; `import_images` refuses everything else."""
    if text is None:
        return None
    sides = [int(side) if side.isdecimal() else side for side in text.lower().split("x")]
    return sides[0] if len(sides) == 1 else tuple(sides)


def _described(pool: Any) -> str:
    channels, height, width = pool.image_shape
    targets = f", with {', '.join(field.name for field in pool.target_fields)}" if pool.target_fields else ""
    return f"{len(pool)} images of {width}x{height} pixels, {channels} channel{'s' * (channels > 1)}{targets}"
