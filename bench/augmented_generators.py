"""Does augmentation inside the training of a generator help on few images?

    python bench/augmented_generators.py --data path/to/mnist10k.npz                  all arms, three seeds
    python bench/augmented_generators.py --data path/to/mnist10k.npz --only r3gan     arms of one generator
    python bench/augmented_generators.py --data path/to/mnist10k.npz --length 5       five times as many steps

Seed k fits every arm on images 1,000 k … 1,000 k + 999 of MNIST; the last 2,000 of the 10,000 test. An arm is a
generator with options; the arms of a generator differ in their augmentation alone, and have the same number of steps.
The score is CAS: the accuracy on the test images of a classifier that was trained on samples alone. It is compared
with the arm without augmentation for the same seed and steps, and the interval is Student's over the seeds. "real
images" is the accuracy after training on the 1,000 real images. Seconds are CPU time of one thread, so that a busy
machine matters little.

Results go to bench/results/augmented_generators.json and .md after every fit. Runs that are stored with the same
settings are not repeated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor
from torch.utils.data import TensorDataset

import augsynth
from augsynth.evaluate import accuracy, gan_train, train_classifier
from augsynth.evaluate.intervals import mean_interval, paired_interval
from augsynth.generators import create_generator

RESULTS = Path(__file__).parent / "results" / "augmented_generators.json"
IMAGES, TEST = 1000, 8000
REAL = "real images"


@dataclass(frozen=True)
class Arm:
    """A generator with options, and the name of the arm that it is compared with; None for that arm itself."""

    generator: str
    steps: int
    batch_size: int
    options: Mapping[str, Any]
    baseline: str | None = None


GAN: dict[str, Any] = {"channels": 16}
EDM: dict[str, Any] = {"dropout": 0.1}

ARMS = {
    "r3gan": Arm("r3gan", 1000, 32, GAN),
    "r3gan, DiffAugment": Arm("r3gan", 1000, 32, {**GAN, "augment": 0.5}, "r3gan"),
    "r3gan, ADA": Arm("r3gan", 1000, 32, {**GAN, "augment": 1.0, "target": 0.6}, "r3gan"),
    "edm": Arm("edm", 1000, 32, EDM),
    "edm, conditioned on augmentation": Arm("edm", 1000, 32, {**EDM, "augment": 0.15}, "edm"),
}
SETTINGS = {"images": IMAGES, "samples": 4000, "classifier_steps": 400}


@dataclass
class Digits:
    """MNIST: images uint8 (n, 1, 28, 28), and labels."""

    images: Tensor
    labels: Tensor

    @classmethod
    def read(cls, path: Path) -> Digits:
        """Read `images` uint8 (n, 28, 28) and `labels` (n,) from an .npz."""
        with np.load(path) as stored:
            labels = torch.from_numpy(stored["labels"].astype(np.int64))
            return cls(torch.from_numpy(stored["images"])[:, None], labels)

    def part(self, seed: int) -> tuple[Tensor, Tensor]:
        """Return the images that a seed fits, and their labels."""
        rows = slice(IMAGES * seed, IMAGES * (seed + 1))
        return self.images[rows], self.labels[rows]

    @property
    def test(self) -> tuple[Tensor, Tensor]:
        """Images that no seed fits, and their labels."""
        return self.images[TEST:], self.labels[TEST:]


@dataclass
class Store:
    """Measurements by arm, steps and seed, written after each of them."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Store:
        """Read the stored measurements whose settings are still those of this script."""
        stored = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else {}
        return cls({key: run for key, run in stored.items() if run["settings"] == settings(run["arm"])})

    def add(self, arm: str, steps: int, seed: int, cas: float, seconds: float = 0.0) -> None:
        """Store a measurement, and write all of them as JSON and as a table."""
        run = {"arm": arm, "steps": steps, "seed": seed, "cas": cas, "fit_seconds": round(seconds, 1)}
        self.runs[f"{arm} / {steps} / {seed}"] = {**run, "settings": settings(arm)}
        stored = {"torch": torch.__version__, "augsynth": augsynth.__version__, "runs": self.runs}
        RESULTS.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
        RESULTS.with_suffix(".md").write_text(table(self))
        typer.echo(f"{arm}, {steps} steps, seed {seed}: CAS {cas:.1%}, fit {seconds:.0f} CPU s")

    def of(self, arm: str, steps: int, key: str = "cas") -> dict[int, float]:
        """Return values of an arm by seed."""
        return {run["seed"]: run[key] for run in self.runs.values() if (run["arm"], run["steps"]) == (arm, steps)}

    def lengths(self, arm: str) -> list[int]:
        """Return the numbers of steps with which an arm was measured."""
        return sorted({run["steps"] for run in self.runs.values() if run["arm"] == arm})


def settings(arm: str) -> dict[str, Any]:
    """Return everything but steps and seed that a measurement depends on, JSON-ready."""
    described = asdict(ARMS[arm]) if arm in ARMS else {}
    described.pop("steps", None)
    loaded: dict[str, Any] = json.loads(json.dumps({**SETTINGS, **described}))
    return loaded


def measure(name: str, steps: int, seed: int, digits: Digits, store: Store) -> None:
    """Fit an arm on the images of a seed, and store its CAS."""
    arm, few = ARMS[name], TensorDataset(*digits.part(seed))
    generator = create_generator(arm.generator, **arm.options)
    started = process_time()
    generator.fit(few, steps=steps, batch_size=arm.batch_size, device="cpu", seed=seed, progress=False)
    seconds = process_time() - started
    samples = generator.sample(SETTINGS["samples"], seed=seed)
    cas = gan_train(samples, *digits.test, seed=seed, steps=SETTINGS["classifier_steps"])
    store.add(name, steps, seed, cas, seconds)


def measure_real(seed: int, digits: Digits, store: Store) -> None:
    """Store the accuracy after training on the real images of a seed."""
    images, labels = digits.test
    classifier = train_classifier(*digits.part(seed), seed=seed, steps=SETTINGS["classifier_steps"])
    store.add(REAL, 0, seed, accuracy(classifier.predict(images), labels))


def table(store: Store) -> str:
    """Return the measurements as Markdown."""
    lines = [
        "# Augmentation inside generators, on 1,000 images of MNIST",
        "",
        f"CAS of {SETTINGS['samples']:,} samples on 2,000 real test images: mean over the seeds. The last column is",
        "the mean of the differences to the arm without augmentation, with their 95% interval. "
        f"torch {torch.__version__}, one CPU thread.",
        "",
        "| arm | options | steps x batch | fit, CPU | seeds | CAS | change by augmentation, points |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_row(name, steps, store) for name in [REAL, *ARMS] for steps in store.lengths(name)]
    return "\n".join([*lines, "", "Written by bench/augmented_generators.py.", ""])


def _row(name: str, steps: int, store: Store) -> str:
    scores, arm = store.of(name, steps), ARMS.get(name)
    cas = mean_interval(list(scores.values())).mean
    if arm is None:
        return f"| {name} | | | | {len(scores)} | {cas:.1%} | |"
    options = ", ".join(f"{key}={value}" for key, value in arm.options.items())
    fit = mean_interval(list(store.of(name, steps, "fit_seconds").values())).mean
    baseline = store.of(arm.baseline, steps) if arm.baseline else {}
    seeds = sorted(scores.keys() & baseline.keys())
    change = ""
    if seeds:
        gain = paired_interval([scores[seed] for seed in seeds], [baseline[seed] for seed in seeds])
        between = f" ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})" if len(seeds) > 1 else ""
        change = f"{100 * gain.mean:+.1f}{between}"
    return f"| {name} | {options} | {steps} x {arm.batch_size} | {fit:.0f} s | {len(scores)} | {cas:.1%} | {change} |"


def main(
    data: Annotated[Path | None, typer.Option(help="mnist10k.npz; by default in the folder AUGSYNTH_DATA.")] = None,
    only: Annotated[str | None, typer.Option(help="A generator whose arms are measured; by default all.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=8, help="Number of seeds.")] = 3,
    length: Annotated[int, typer.Option(min=1, help="Factor of the number of steps.")] = 1,
) -> None:
    """Fit all arms on few images, and compare their CAS."""
    torch.set_num_threads(1)
    digits = Digits.read(data or Path(os.environ.get("AUGSYNTH_DATA", ".")) / "mnist10k.npz")
    store = Store.read()
    for seed in range(seeds):
        if seed not in store.of(REAL, 0):
            measure_real(seed, digits, store)
        for name, arm in ARMS.items():
            steps = arm.steps * length
            if only in (None, arm.generator) and seed not in store.of(name, steps):
                measure(name, steps, seed, digits, store)


if __name__ == "__main__":
    typer.run(main)
