"""`augsynth fit` and `augsynth sample`: from images to a generator, and from a generator to a pool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augsynth.cli.options import (
    Data,
    GeneratorName,
    GeneratorOptions,
    ImageSize,
    MaxPerClass,
    Seed,
    console,
    parse_settings,
    print_data,
)
from augsynth.errors import ArgumentError

_MAX_COLUMNS = 20
_MAX_IN_PICTURE = 10_000


def fit(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the fitted generator.")],
    generator: GeneratorName = "cvae",
    steps: Annotated[int, typer.Option(min=1, help="Number of optimiser steps.")] = 1500,
    batch_size: Annotated[int, typer.Option(min=1, help="Number of images in a step.")] = 64,
    options: GeneratorOptions = None,
    balance: Annotated[str | None, typer.Option(help="classes: draw every class equally often.")] = None,
    image_size: ImageSize = None,
    max_per_class: MaxPerClass = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    resume: Annotated[bool, typer.Option(help="Continue from the checkpoint in --out.")] = False,
    log_dir: Annotated[Path | None, typer.Option(help="Folder for curves that TensorBoard shows.")] = None,
    seed: Seed = 0,
) -> None:
    """Fit a generator on real images. Ctrl-C saves a checkpoint; --resume continues.

    A generator without networks gets all images once: --steps has no effect, and --balance, --resume and --log-dir are
    refused. A generator that has nothing to learn is saved without fitting. Images in a test/ folder beside train/ are
    not used.

    Example: `augsynth fit --data photos/ --image-size 32 --generator r3gan --out model`
    """
    from augsynth.data.loading.datasets import load_dataset
    from augsynth.generators import create_generator
    from augsynth.generators.checkpoints.checkpoint import require_new
    from augsynth.generators.fitting import fit_if_needed

    model = create_generator(generator, **parse_settings(options))
    images = load_dataset(data, image_size=image_size, max_per_class=max_per_class, seed=seed)
    print_data(images)
    report = fit_if_needed(
        model,
        images,
        steps=steps,
        batch_size=batch_size,
        balance=balance,
        device=device,
        seed=seed,
        checkpoint_dir=out,
        resume=resume,
        log_dir=log_dir,
    )
    if report is None:
        require_new(out)
        model.save(out)
        console.print(f"generator {generator!r} has nothing to learn, so nothing was fitted")
    else:
        losses = "".join(f"; {name} {value:.3g}" for name, value in report.metrics.items())
        done = f"{report.steps} steps" if report.steps else f"{report.images} images"
        console.print(f"{done} on {report.device} in {report.seconds:.0f} s{losses}")
    console.print(f"wrote {out}; next: augsynth sample {out} --n 1000 --out pool", soft_wrap=True)


def sample(
    model: Annotated[Path, typer.Argument(help="Folder of a fitted generator, from `augsynth fit`.")],
    n: Annotated[int, typer.Option(min=1, help="Number of images.")] = 1000,
    out: Annotated[Path, typer.Option(help="Folder for the pool, or a .png file for one picture.")] = Path("pool"),
    label: Annotated[
        int | None, typer.Option(min=0, help="Class of all images; without it, all classes in turn.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Draw images from a fitted generator into a pool on disk, or into one picture.

    A pool records its provenance and checksums. SyntheticPool.open(path) opens it.

    Example: `augsynth sample model --n 10000 --out pool` or `--n 60 --out look.png`
    """
    from augsynth.data import SyntheticPool
    from augsynth.generators import load_generator

    generator = load_generator(model)
    if out.suffix.lower() == ".png":
        from augsynth.evaluate.figures import image_grid, png

        if n > _MAX_IN_PICTURE:
            raise ArgumentError(f"a picture shows at most {_MAX_IN_PICTURE} images, got --n {n}; a folder takes more")
        images = generator.sample(n, labels=label, seed=seed, progress=True).images
        columns = generator.num_classes if generator.num_classes and label is None else 10
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(png(image_grid(images.permute(0, 2, 3, 1).numpy(), min(columns, _MAX_COLUMNS))))
    else:
        SyntheticPool.create(out, generator, n, labels=label, seed=seed)
    console.print(f"wrote {out}", soft_wrap=True)
