"""Four ways in which a fit goes wrong, and what to change: each shown on MNIST.

    python bench/remedies.py --data path/to/mnist10k.npz     writes bench/results/remedies.md and its pictures

Each case fits one generator twice, with options that fail and with the remedy, and scores 1,000 samples of each fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from harness.image_sets import Split, mnist10k
from harness.sample_grids import write_grid
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.copies import CopyTest
from augsynth.evaluate import Classifier, gan_test, train_classifier
from augsynth.evaluate.feature_scores import coverage
from augsynth.generators import Samples, TrainingError, create_generator

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results" / "remedies.md"
PICTURES = ROOT / "docs" / "images" / "generators"
DRAWN = 1000


@dataclass(frozen=True)
class Case:
    """One symptom.

    Args:
        symptom: what a user sees.
        name: short name, for the files of the pictures.
        generator: name of the generator.
        wrong: options of the fit that fails.
        remedy: options of the fit that does not.
        steps: training steps of both fits.
        images: number of images to fit on.
        fit: arguments of the second `fit`, other than those of the first.
    """

    symptom: str
    name: str
    generator: str
    wrong: dict[str, Any]
    remedy: dict[str, Any]
    steps: int
    images: int = 8000
    fit: dict[str, Any] = field(default_factory=dict)


SMALL_GAN, SMALL_EDM = {"channels": 8}, {"width": 16}
CASES = (
    Case(
        "It collapsed",
        "collapsed",
        "r3gan",
        {**SMALL_GAN, "penalty": 0.0, "learning_rate": 0.01},
        {**SMALL_GAN, "learning_rate": 0.002},
        steps=800,
    ),
    Case("It blurs", "blurred", "cvae", {"beta": 10.0}, {}, steps=500),
    Case(
        "It diverged",
        "diverged",
        "edm",
        {**SMALL_EDM, "learning_rate": 3.0, "max_norm": None, "optimizer": "sgd"},
        SMALL_EDM,
        steps=200,
    ),
    Case("It copies", "copied", "edm", SMALL_EDM, SMALL_EDM, steps=1500, images=50, fit={"checkpoint_every": 150}),
)


@dataclass(frozen=True, eq=False)
class Scale:
    """Yardsticks for samples.

    Args:
        split: real images.
        judge: classifier that was trained on real images.
    """

    split: Split
    judge: Classifier

    def line(self, samples: Samples, fitted_on: Tensor) -> str:
        """Return the scores of samples as cells of a table."""
        real = self.judge.features(self.split.test[:DRAWN])
        share = CopyTest(fitted_on, self.split.test[: len(fitted_on)])(samples.images).share
        return (
            f"{gan_test(samples, self.judge):.1%} | {coverage(real, self.judge.features(samples.images)):.1%} "
            f"| {sharpness(samples.images) / sharpness(self.split.test):.2f} | {share:.1%}"
        )


def sharpness(images: Tensor) -> float:
    """Return the mean absolute difference of neighbouring pixels."""
    values = images.float()
    return float(values.diff(dim=3).abs().mean() + values.diff(dim=2).abs().mean()) / 2


def run(case: Case, options: dict[str, Any], fit: dict[str, Any], scale: Scale) -> tuple[str, Samples | None]:
    """Fit once; return cells of the table and samples, or the sentence of the error."""
    split = scale.split
    images, labels = split.train[: case.images], split.train_labels[: case.images]
    generator = create_generator(case.generator, **options)
    try:
        generator.fit(TensorDataset(images, labels), steps=case.steps, device="cpu", **fit)
    except TrainingError as error:
        return f'"{error}" | | |', None
    samples = generator.sample(DRAWN)
    return scale.line(samples, images), samples


def main(data: Annotated[Path, typer.Option(help="mnist10k.npz.")]) -> None:
    """Show the four cases."""
    torch.set_num_threads(1)
    split = mnist10k(data.parent)
    scale = Scale(split, train_classifier(split.train, split.train_labels, seed=0))
    lines = [
        "# What goes wrong in a fit, and what to change, on MNIST",
        "",
        "| symptom | fit | GAN-test | coverage | sharpness | copies |",
        "|---|---|---|---|---|---|",
    ]
    for case in CASES:
        held_out = {"held_out": split.test[:500]} if case.fit else {}
        fits = ("wrong", case.wrong, {}), ("remedy", case.remedy, {**case.fit, **held_out})
        drawn = {}
        for kind, options, fit in fits:
            cells, samples = run(case, options, fit, scale)
            shown = ", ".join(f"{name}={value!r}" for name, value in options.items()) or "defaults"
            also = " and held_out" if fit else ""
            lines.append(f"| {case.symptom} | `{case.generator}` {shown}{also}, {case.steps:,} steps | {cells} |")
            drawn[kind] = samples
            typer.echo(lines[-1])
        if None not in drawn.values():  # a fit that was stopped has no picture to compare with
            for kind, samples in drawn.items():
                write_grid(samples.images, PICTURES / f"{case.name}-{kind}.png")
    RESULTS.write_text("\n".join([*lines, "", "Written by bench/remedies.py.", ""]))


if __name__ == "__main__":
    typer.run(main)
