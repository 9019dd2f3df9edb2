"""Translation between two domains of digits with `cyclegan`: is the domain right, and is the digit kept?

    python bench/translation.py --data path/to/mnist10k.npz

Domain 0 has 4,000 digits of MNIST as they are. Domain 1 has 4,000 others, bold and blurred on a grey ground. No digit
is in both, and `cyclegan` sees no classes of digits. 2,000 further digits test both directions:

* "fooled" is the share of translations that a classifier of both domains puts in the domain they were translated to;
* "digit kept" is the share in which a classifier trained on digits of that domain finds the digit of the source, and
  "real digits" is its accuracy on real images of that domain, the ceiling;
* "error" is the mean difference from the true counterpart, which is known here, as a share of the range of values.

Results go to bench/results/translation.md, and a picture to docs/images/generators/cyclegan-mnist10k.png.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy as np
import torch
import typer
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import TensorDataset

import augsynth
from augsynth.evaluate import Classifier, accuracy, train_classifier
from augsynth.generators import Generator, create_generator

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "bench" / "results" / "translation.md"
PICTURE = ROOT / "docs" / "images" / "generators" / "cyclegan-mnist10k.png"
HALF, TEST = 4000, 8000
JUDGE_STEPS = 150


def plain(images: Tensor) -> Tensor:
    """Return images as they are."""
    return images


def bold(images: Tensor) -> Tensor:
    """Return uint8 images with bold and blurred strokes on a grey ground."""
    thick = F.max_pool2d(images.float(), 3, stride=1, padding=1)
    soft = F.avg_pool2d(thick, 3, stride=1, padding=1)
    return (100 + soft * 155 / 255).round().to(torch.uint8)


STYLES: tuple[Callable[[Tensor], Tensor], ...] = (plain, bold)
NAMES = ("plain", "bold")


@dataclass(frozen=True)
class Judges:
    """Classifiers trained on real images: of both domains, and of the digits in each domain."""

    domains: Classifier
    digits: tuple[Classifier, Classifier]

    @classmethod
    def trained(cls, images: Tensor, digits: Tensor, seed: int) -> Judges:
        """Train all three on the images that the generator was fitted on, in both styles."""
        styled = [style(images) for style in STYLES]
        both, domains = torch.cat(styled), torch.arange(2).repeat_interleave(len(images))
        first, second = (train_classifier(each, digits, steps=JUDGE_STEPS, seed=seed) for each in styled)
        return cls(train_classifier(both, domains, steps=JUDGE_STEPS, seed=seed), (first, second))


def measure(generator: Generator, judges: Judges, images: Tensor, digits: Tensor, to: int) -> str:
    """Translate test images into one domain; return a row of the table."""
    source, target = STYLES[1 - to](images), STYLES[to](images)
    translated = generator.translate(source, to).images
    back = generator.translate(translated, 1 - to).images
    scores = (
        (judges.domains.predict(translated) == to).mean(),
        accuracy(judges.digits[to].predict(translated), digits),
        accuracy(judges.digits[to].predict(target), digits),
        _difference(translated, target),
        _difference(source, target),
        _difference(back, source),
    )
    return f"| {NAMES[1 - to]} → {NAMES[to]} | " + " | ".join(f"{score:.1%}" for score in scores) + " |"


def _difference(a: Tensor, b: Tensor) -> float:
    return float((a.float() - b.float()).abs().mean()) / 255


def draw(generator: Generator, images: Tensor, path: Path) -> None:
    """Write a picture: in each pair of rows, sources above their translations."""
    rows = []
    for to in (1, 0):
        source = STYLES[1 - to](images)
        rows += [source, generator.translate(source, to).images]
    grid = torch.stack([F.pad(row, (1, 1, 1, 1), value=128) for row in rows])  # (4, n, 1, H, W)
    pixels = grid[:, :, 0].permute(0, 2, 1, 3).flatten(2).flatten(0, 1).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels)
    picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.NEAREST).save(path)


def table(rows: list[str], facts: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    return "\n".join(
        [
            "# Translation between two domains of MNIST with `cyclegan`",
            "",
            "4,000 plain digits and 4,000 other digits, bold and blurred on a grey ground; 2,000 test digits. The",
            'head of `bench/translation.py` explains the columns; "untranslated" is the error of the source',
            'itself, and "cycle" the difference of a test image from its translation there and back.',
            "",
            "| direction | fooled | digit kept | real digits | error | untranslated | cycle |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            *(f"* {name}: {value}" for name, value in facts.items()),
            "",
            "Written by bench/translation.py.",
            "",
        ]
    )


def main(
    data: Annotated[Path | None, typer.Option(help="mnist10k.npz; by default in the folder AUGSYNTH_DATA.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 800,
    batch_size: Annotated[int, typer.Option(min=1, help="Images of a step, of both domains together.")] = 16,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the fit and of the classifiers.")] = 0,
) -> None:
    """Fit `cyclegan` on two domains of MNIST, and measure its translations."""
    torch.set_num_threads(threads)
    path = data or Path(os.environ.get("AUGSYNTH_DATA", ".")) / "mnist10k.npz"
    with np.load(path) as stored:
        images, digits = (
            torch.from_numpy(stored["images"])[:, None],
            torch.from_numpy(stored["labels"].astype(np.int64)),
        )
    domains = torch.arange(2).repeat_interleave(HALF)
    fitted_on = torch.cat([plain(images[:HALF]), bold(images[HALF:TEST])])
    generator = create_generator("cyclegan")
    started = process_time()
    report = generator.fit(
        TensorDataset(fitted_on, domains), steps=steps, batch_size=batch_size, device="cpu", seed=seed
    )
    seconds = process_time() - started
    judges = Judges.trained(images[:TEST], digits[:TEST], seed)
    rows = [measure(generator, judges, images[TEST:], digits[TEST:], to) for to in (1, 0)]
    facts = {
        "fit": f"{steps} steps x {batch_size} images, {seconds:.0f} s of CPU time, {threads} thread(s)",
        "cycle loss of training, both directions": f"{report.history[0]['cycle']:.3f} at first, "
        f"{report.history[-1]['cycle']:.3f} at the end (sum of mean differences of values from -1 to 1)",
        "versions": f"augsynth {augsynth.__version__}, torch {torch.__version__}",
    }
    TABLE.write_text(table(rows, facts))
    draw(generator, images[TEST : TEST + 16], PICTURE)
    typer.echo(TABLE.read_text())


if __name__ == "__main__":
    typer.run(main)
