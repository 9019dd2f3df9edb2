"""Capabilities of the generators, by what they mean on digits: each is used, and classifiers judge the results.

    python bench/capabilities.py --only cvae                               the 8x8 digits of scikit-learn
    python bench/capabilities.py --only cvae --data path/to/mnist10k.npz   MNIST

Four fifths of the images train the generator and the judges: a classifier of digits, and one of an attribute, "bold":
more ink than the median of the digit. 200 other images are the sources. "Digit kept" is the share of results in which
the judge finds the digit that was asked for. "Bold" is the share that the other judge calls bold.

Results go to bench/results/capabilities.json and .md, where a run of some generators keeps the columns of the others,
and pictures to docs/images/capabilities.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor
from torch.utils.data import TensorDataset

import augsynth
from augsynth.data.loading.datasets import load_dataset
from augsynth.evaluate import Classifier, accuracy, train_classifier
from augsynth.evaluate.figures import image_grid, png
from augsynth.generators import Generator, create_generator, to_signed

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results" / "capabilities"
PICTURES = ROOT / "docs" / "images" / "capabilities"
SOURCES, SHOWN = 200, 6
STEPS = {"cvae": 800, "edm": 1500, "r3gan": 1500}
STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Trial:
    """A fitted generator, sources with their digits, and the judges."""

    generator: Generator
    train: TensorDataset
    images: Tensor
    digits: Tensor
    judge: Classifier
    bold_judge: Classifier

    @property
    def labels(self) -> Tensor | None:
        """Digits of the sources, for a generator that knows classes."""
        return self.digits if "conditional" in self.generator.capabilities else None

    def kept(self, images: Tensor, digits: Tensor | None = None) -> float:
        """Share of images in which the judge finds the digit: that of the source by default."""
        return accuracy(self.judge.predict(images), self.digits if digits is None else digits)

    def draw(self, name: str, columns: list[Tensor]) -> None:
        """Write a picture with a row for each of the first sources."""
        rows = torch.stack([column[:SHOWN] for column in columns], dim=1).flatten(0, 1)
        PICTURES.mkdir(parents=True, exist_ok=True)
        sheet = image_grid(rows.permute(0, 2, 3, 1).numpy(), len(columns), gap=2)
        (PICTURES / f"{name}-{self.generator.name}.png").write_bytes(png(sheet))


def is_bold(images: Tensor, digits: Tensor, train: TensorDataset) -> Tensor:
    """Return True for images with more ink than the median training image of their digit."""
    ink = [each.float().mean((1, 2, 3)) for each in (images, train.tensors[0])]
    medians = torch.stack([ink[1][train.tensors[1] == digit].median() for digit in range(10)])
    return ink[0] > medians[digits]


def lightness(images: Tensor, labels: Tensor | None = None) -> Tensor:
    """Score for `refine` and `steer`: the mean value of an image, in [-1, 1]."""
    return images.mean((1, 2, 3))


def invert(trial: Trial) -> dict[str, float]:
    """Encode the sources and decode them again."""
    codes = trial.generator.encode(trial.images, labels=trial.labels)
    again = trial.generator.decode(codes, labels=trial.labels).images
    error = float((again.float() - trial.images.float()).abs().mean()) / 255
    return {"reconstruction: mean error": error, "reconstruction: digit kept": trial.kept(again)}


def interpolate(trial: Trial) -> dict[str, float]:
    """Go from each source to another source of its digit."""
    partners = torch.stack(
        [trial.images[trial.digits == digit].roll(1, 0)[rank] for digit, rank in _ranks(trial.digits)]
    )
    found = {}
    for path in ("linear", "spherical"):
        way = trial.generator.interpolate(trial.images, partners, 7, labels=trial.labels, path=path)
        found[f"interpolation, {path}: digit kept in the middle"] = trial.kept(way[:, 3])
    trial.draw("interpolate", list(way.unbind(1)))
    both = torch.stack([trial.images, partners], dim=1)
    mixed = trial.generator.blend(both, [1, 1], labels=trial.labels).images
    return {**found, "blend of two: digit kept": trial.kept(mixed)}


def _ranks(digits: Tensor) -> list[tuple[int, int]]:
    return [(int(digit), int((digits[:k] == digit).sum())) for k, digit in enumerate(digits)]


def edit(trial: Trial) -> dict[str, float]:
    """Learn "bold" from 2,000 training images, and edit the sources."""
    images, digits = trial.train.tensors[0][:2000], trial.train.tensors[1][:2000]
    labels = None if trial.labels is None else digits
    trial.generator.learn_attribute("bold", images, is_bold(images, digits, trial.train), labels=labels)
    strengths = (-2.0, -1.0, 0.0, 1.0, 2.0)
    edited = [trial.generator.edit(trial.images, "bold", s, labels=trial.labels).images for s in strengths]
    trial.draw("edit", [trial.images, *edited])
    found = {}
    for strength, images in zip(strengths, edited, strict=True):
        found[f"edit {strength:+g}: bold"] = float((trial.bold_judge.predict(images) == 1).mean())
        found[f"edit {strength:+g}: digit kept"] = trial.kept(images)
    return found


def translate(trial: Trial) -> dict[str, float]:
    """Translate each source into the nine other digits in turn."""
    targets = (trial.digits + 1 + torch.arange(len(trial.digits)) % 9) % 10
    found = trial.kept(trial.generator.translate(trial.images, targets, labels=trial.labels).images, targets)
    all_digits = [trial.generator.translate(trial.images[:SHOWN], k, labels=trial.digits[:SHOWN]) for k in range(10)]
    trial.draw("translate", [trial.images, *(samples.images for samples in all_digits)])
    return {"translation: the digit that was asked for": found}


def refine(trial: Trial) -> dict[str, float]:
    """Let the lightness rise in 10 steps."""
    codes = trial.generator.encode(trial.images, labels=trial.labels)
    start = trial.generator.decode(codes, labels=trial.labels).images
    ended = trial.generator.refine(trial.images, lightness, 10, labels=trial.labels).images
    trial.draw("refine", [trial.images, start, ended])
    before, after = lightness(to_signed(start)), lightness(to_signed(ended))
    return {
        "refinement: mean score before": float(before.mean()),
        "refinement: mean score after 10 steps": float(after.mean()),
        "refinement: share that rose": float((after > before).float().mean()),
        "refinement: digit kept": trial.kept(ended),
    }


def vary(trial: Trial) -> dict[str, float]:
    """Vary the sources with rising strength; their digits are not told to a generator that knows unknown classes."""
    labels = None if "guide" in trial.generator.capabilities else trial.labels
    varied = [trial.generator.vary(trial.images, strength, labels=labels).images for strength in STRENGTHS]
    trial.draw("vary", [trial.images, *varied])
    return {f"variation {s:g}: digit kept": trial.kept(v) for s, v in zip(STRENGTHS, varied, strict=True)}


def steer(trial: Trial) -> dict[str, float]:
    """Draw as many samples as sources, steered to lightness."""
    found = {}
    for strength in (0.0, 10.0, 100.0):
        samples = trial.generator.steer(len(trial.digits), lightness, strength, labels=trial.labels)
        found[f"steering {strength:g}: mean score"] = float(lightness(to_signed(samples.images)).mean())
        found[f"steering {strength:g}: digit kept"] = trial.kept(samples.images)
    return found


def guide(trial: Trial) -> dict[str, float]:
    """Draw as many samples as sources, with and without guidance."""
    drawn = {
        g: trial.generator.sample(len(trial.digits), labels=trial.labels, guidance=g).images for g in (0.0, 1.0, 3.0)
    }
    return {f"guidance {g:g}: digit kept": trial.kept(images) for g, images in drawn.items()}


def likelihood(trial: Trial) -> dict[str, float]:
    """Compute bits per dimension of the sources, and of the sources turned upside down."""
    bits = {
        "bits per dimension": trial.generator.bits_per_dim(trial.images, labels=trial.labels),
        "bits per dimension, upside down": trial.generator.bits_per_dim(trial.images.flip(2), labels=trial.labels),
    }
    return {name: float(values.mean()) for name, values in bits.items()}


MEASURES: dict[str, Callable[[Trial], dict[str, float]]] = {
    "invert": invert,
    "interpolate": interpolate,
    "edit": edit,
    "translate": translate,
    "refine": refine,
    "vary": vary,
    "steer": steer,
    "guide": guide,
    "likelihood": likelihood,
}


def write(name: str, column: dict[str, float]) -> None:
    """Write the results of one generator beside those of the others."""
    file = RESULTS.with_suffix(".json")
    columns = json.loads(file.read_text()) if file.exists() else {}
    columns = dict(sorted({**columns, name: column}.items()))
    file.write_text(json.dumps(columns, indent=2) + "\n")
    RESULTS.with_suffix(".md").write_text(table(columns))


def table(columns: dict[str, dict[str, float]]) -> str:
    """Return the results as Markdown: a row for each measure, a column for each generator."""
    measures = list(dict.fromkeys(measure for column in columns.values() for measure in column))
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for measure in measures:
        cells = (f"{column[measure]:.3f}" if measure in column else "" for column in columns.values())
        lines.append(f"| {measure} | {' | '.join(cells)} |")
    head = (
        "# Capabilities on digits\n\nThe head of `bench/capabilities.py` explains the figures. Shares lie in 0 to 1.\n"
    )
    return "\n".join([head, *lines, "", f"augsynth {augsynth.__version__}, torch {torch.__version__}", ""])


def main(
    data: Annotated[str, typer.Option(help="digits, or an .npz file of digits.")] = "digits",
    only: Annotated[str, typer.Option(help="Names of generators, with commas.")] = ",".join(STEPS),
    steps: Annotated[int | None, typer.Option(help="Training steps; by default those in STEPS, or 1500.")] = None,
    seed: Annotated[int, typer.Option(help="Of the fit and of the judges.")] = 0,
) -> None:
    """Fit generators on digits, and measure what they declare."""
    read = load_dataset(data)
    images = torch.from_numpy(np.moveaxis(read.images, -1, 1).copy())
    digits = torch.from_numpy(np.asarray(read.labels, np.int64))
    count = len(images) * 4 // 5
    train = TensorDataset(images[:count], digits[:count])
    judge = train_classifier(*train.tensors, seed=seed)
    bold_judge = train_classifier(images[:count], is_bold(*train.tensors, train).long(), seed=seed)
    sources, wanted = images[count : count + SOURCES], digits[count : count + SOURCES]
    for name in only.split(","):
        generator = create_generator(name)
        report = generator.fit(train, steps=steps or STEPS.get(name, 1500), device="cpu", seed=seed)
        trial = Trial(generator, train, sources, wanted, judge, bold_judge)
        found = {
            "pixels": float(images[0, 0].numel()),
            "training steps": float(report.steps),
            "real images: digit": trial.kept(sources),
        }
        found["real images: bold"] = float((bold_judge.predict(sources) == 1).mean())
        for capability, measure in MEASURES.items():
            if capability in generator.capabilities:
                found |= measure(trial)
        write(name, found)
        typer.echo(table({name: found}))


if __name__ == "__main__":
    typer.run(main)
