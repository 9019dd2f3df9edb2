"""Verdicts of the sweep in worlds whose truth is known: how often are they right, and how often wrongly "helps"?

    python bench/planted_worlds.py            25 sweeps in each of four worlds, on the digits: two minutes

A world is a synthetic source that is made so that the answer is known: further real images help, images with another
class as label hurt, and so does noise; copies of the training images do nothing. Each sweep has another division of
the digits and other seeds. The classifier is scikit-learn's ridge regression on pixels, because it takes milliseconds.
Results go to bench/results/planted_worlds.md.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from sklearn.linear_model import RidgeClassifier

from augsynth.data.loading.datasets import ImageData, load_dataset
from augsynth.evaluate import ScikitLearn, SweepSettings, sweep

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class MoreReal:
    """Further real images: they help."""

    others: ImageData
    truth = "helps"

    def pool(self, real: ImageData, seed: int, folder: Path) -> ImageData:
        return self.others


@dataclass(frozen=True)
class Copies:
    """The training images themselves: they do nothing."""

    others: ImageData
    truth = "no clear difference"

    def pool(self, real: ImageData, seed: int, folder: Path) -> ImageData:
        return real


@dataclass(frozen=True)
class ShiftedClasses:
    """Real images, each with the label of the next class: they hurt."""

    others: ImageData
    truth = "hurts"

    def pool(self, real: ImageData, seed: int, folder: Path) -> ImageData:
        return replace(self.others, labels=(self.others.labels + 1) % self.others.num_classes)


@dataclass(frozen=True)
class RelabelledNoise:
    """Real images under noise, with labels drawn at random: they hurt."""

    others: ImageData
    truth = "hurts"

    def pool(self, real: ImageData, seed: int, folder: Path) -> ImageData:
        random = np.random.default_rng(seed)
        noisy = self.others.images + random.normal(0, 40, self.others.images.shape)
        labels = random.permutation(self.others.labels)
        return replace(self.others, images=noisy.clip(0, 255).astype(np.uint8), labels=labels)


WORLDS = (MoreReal, Copies, ShiftedClasses, RelabelledNoise)


def run(world: type, number: int, workers: int = 1) -> str:
    """Return the answer of a sweep in a world."""
    data = load_dataset("digits", test_fraction=0.3, seed=number)
    half = np.random.default_rng(number).permutation(len(data))
    mine, others = (data.take(np.sort(part)) for part in np.array_split(half, 2))
    settings = SweepSettings(per_class=10, policies=("none", "gentle"), ratios=(0.5, 0.8), workers=workers, seed=number)
    source = {"pool": world(others)}
    # With few epochs, copies would do harm: they take the place of other augmented versions.
    task = ScikitLearn(RidgeClassifier, epochs=16)
    return sweep(replace(mine, test=data.test), source, task=task, settings=settings, progress=False).verdict.answer


def count_answers(sweeps: int) -> dict[type, Counter[str]]:
    """Return how often each answer is given in each world."""
    return {world: Counter(run(world, number) for number in range(sweeps)) for world in WORLDS}


def judge(counts: dict[type, Counter[str]]) -> tuple[int, int]:
    """Return how many answers are right, and how often "helps" is said wrongly."""
    right = sum(count[world.truth] for world, count in counts.items())
    return right, sum(count["helps"] for world, count in counts.items() if world.truth != "helps")


def main(sweeps: Annotated[int, typer.Option(min=1, help="Sweeps in each world.")] = 25) -> None:
    """Count right and wrong verdicts, and write the table."""
    started = time.perf_counter()
    counts = count_answers(sweeps)
    right, wrong = judge(counts)
    lines = ["| world | truth | helps | no clear difference | hurts |", "|---|---|---|---|---|"]
    for world, count in counts.items():
        cells = [str(count[answer]) for answer in ("helps", "no clear difference", "hurts")]
        lines.append(f"| {(world.__doc__ or '').split(':')[0]} | {world.truth} | {' | '.join(cells)} |")
    head = f'Right in {right} of {sweeps * len(WORLDS)} sweeps; "helps" was said wrongly {wrong} times.'
    foot = "Written by bench/planted_worlds.py."
    text = "\n".join(["# Verdicts in worlds whose truth is known", "", head, "", *lines, "", foot, ""])
    (RESULTS / "planted_worlds.md").write_text(text)
    typer.echo(f"{text}{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    typer.run(main)
