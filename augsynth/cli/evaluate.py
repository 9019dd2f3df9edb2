"""`augsynth evaluate`: scores of generated images beside those of other real images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from augsynth.cli.options import ImageSize, Seed, command_line, console, load_images

if TYPE_CHECKING:
    from augsynth.evaluate import Evaluation


def evaluate(
    context: typer.Context,
    samples: Annotated[str, typer.Argument(help="Generated images: a pool, a folder of images, or an .npz file.")],
    real: Annotated[str, typer.Option(help="Real images that the generator was fitted on: the same forms.")],
    test: Annotated[
        str | None, typer.Option(help="Real images that it has not seen; by default a test/ folder, or half of --real.")
    ] = None,
    scores: Annotated[str | None, typer.Option(help="Scores to compute, with commas; by default all.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights of DINOv2 ViT-S/14 for timm, for features of a large model.")
    ] = None,
    limit: Annotated[int, typer.Option(min=6, help="Largest number of images on each side.")] = 2000,
    train_steps: Annotated[int, typer.Option(min=1, help="Steps of training each classifier.")] = 600,
    image_size: ImageSize = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for a report with pictures.")] = None,
    seed: Seed = 0,
) -> None:
    """Score generated images against real ones, beside as many other real images in their place.

    CAS and GAN-test, distances and shares of features (FD, KD, precision, recall, density, coverage), and the feature
    likelihood divergence. Without classes, CAS and GAN-test are left out.

    Example: `augsynth evaluate pool --real photos/train --test photos/test --image-size 32 --out out/evaluate`
    """
    from augsynth.evaluate import scores as score_images
    from augsynth.evaluate import write_results
    from augsynth.gates import TimmFeatures

    sides = {"samples": samples, "real": real, "test": test}
    loaded: dict[str, Any] = {
        name: load_images(source, image_size) for name, source in sides.items() if source is not None
    }
    result = score_images(
        **loaded,
        names=None if scores is None else [name.strip() for name in scores.split(",")],
        features=None if weights is None else TimmFeatures(weights),
        limit=limit,
        steps=train_steps,
        seed=seed,
    )
    if as_json:
        print(json.dumps(result.to_dict(), indent=1))
    else:
        _print(result)
    if out is not None:
        report = write_results(result, out, command=command_line(context))
        typer.echo(f"report: {report.resolve()}", err=True)


def _print(result: Evaluation) -> None:
    from augsynth.evaluate.reporting.parts import number

    listed = ", ".join(f"{size:,} {name}" for name, size in result.sizes.items())
    console.print(f"images: {listed}", soft_wrap=True)
    console.print(f"features: {result.features}", soft_wrap=True)
    for warning in result.warnings:
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("score")
    for heading in ("samples", "real images", "better"):
        table.add_column(heading, justify="right")
    for scored in result.scores.values():
        table.add_row(scored.title, number(scored.value), number(scored.floor), scored.better)
    console.print(table)
    for note in result.notes:
        console.print(f"note: {note}", soft_wrap=True)
