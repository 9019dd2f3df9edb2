"""Quality of each installed generator on MNIST: fits every one, then measures GAN-train (CAS) and GAN-test.

    python bench/generators.py --data path/to/mnist10k.npz              every installed generator
    python bench/generators.py --data path/to/mnist10k.npz --only edm   one of them

The first 8,000 images train, the rest test. CAS is the accuracy on the real test images of the yardstick classifier
trained on 8,000 samples; GAN-test is the share of those samples that the same classifier, trained on the 8,000 real
images, puts in the class they were asked for. The classifier on real images stands beside them as the ceiling.
Results go to bench/results/generators.json and .md; a run of some generators keeps the others' rows.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch.utils.data import TensorDataset

import augsynth
from augsynth.evaluate import Classifier, accuracy, gan_test, gan_train, train_classifier
from augsynth.generators import create_generator, list_generators

RESULTS = Path(__file__).parent / "results"
TRAIN = 8000


@dataclass(frozen=True)
class Recipe:
    """Settings of a fit that takes at most ten minutes on two cores of the machine in the results."""

    steps: int
    batch_size: int = 64
    options: dict[str, Any] = field(default_factory=dict)


RECIPES = {
    "cvae": Recipe(steps=5000),
    "edm": Recipe(steps=5000),
    "r3gan": Recipe(steps=6000),
}
DEFAULT_RECIPE = Recipe(steps=3000)


@dataclass(frozen=True)
class Row:
    """Measurements of one generator: accuracies in [0, 1], times in seconds."""

    generator: str
    version: str
    parameters: int
    steps: int
    batch_size: int
    options: dict[str, Any]
    fit_seconds: float
    sample_seconds: float
    gan_train: float
    gan_test: float


@dataclass(frozen=True)
class Digits:
    """MNIST, split."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor

    @classmethod
    def read(cls, path: Path) -> Digits:
        """Read `images` uint8 (n, 28, 28) and `labels` (n,) from an .npz."""
        with np.load(path) as stored:
            images = torch.from_numpy(stored["images"])[:, None]
            labels = torch.from_numpy(stored["labels"].astype(np.int64))
        return cls(images[:TRAIN], labels[:TRAIN], images[TRAIN:], labels[TRAIN:])


def measure(name: str, version: str, data: Digits, judge: Classifier, seed: int) -> Row:
    """Fit one generator, sample as many images as it was fitted on, and score them."""
    recipe = RECIPES.get(name, DEFAULT_RECIPE)
    generator = create_generator(name, **recipe.options)
    dataset = TensorDataset(data.train_images, data.train_labels)
    report = generator.fit(dataset, steps=recipe.steps, batch_size=recipe.batch_size, device="cpu", seed=seed)
    started = perf_counter()
    samples = generator.sample(TRAIN, seed=seed, progress=True)
    sample_seconds = perf_counter() - started
    return Row(
        generator=name,
        version=version,
        parameters=sum(weights.numel() for weights in generator.networks.parameters()),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        options=asdict(generator.config),
        fit_seconds=round(report.seconds, 1),
        sample_seconds=round(sample_seconds, 1),
        gan_train=gan_train(samples, data.test_images, data.test_labels, seed=seed),
        gan_test=gan_test(samples, judge),
    )


def machine(threads: int) -> dict[str, Any]:
    """Return the versions and the machine that times depend on."""
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "augsynth": augsynth.__version__,
    }


def _processor() -> str:
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    units = [unit for unit in ("avx2", "avx512_f", "amx_bf16") if capabilities.get(unit)]
    return " ".join([str(capabilities.get("cpu_name", platform.processor())), platform.machine(), *units])


def write(row: Row, real: float, threads: int) -> None:
    """Put a row among the stored results, and write them as JSON and as a table."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "generators.json"
    stored = json.loads(path.read_text()) if path.exists() else {"rows": {}}
    stored["real"] = real
    stored["rows"][row.generator] = {**asdict(row), "machine": machine(threads)}
    path.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
    (RESULTS / "generators.md").write_text(table(stored))


def table(stored: dict[str, Any]) -> str:
    """Return the stored results as Markdown."""
    lines = [
        "# Generators on MNIST: 8,000 images to fit, 8,000 samples, 2,000 real test images",
        "",
        f"The same classifier trained on the 8,000 real images: {stored['real']:.1%}.",
        "",
        "| generator | weights | steps x batch | fit | 8,000 samples | CAS (GAN-train) | GAN-test | measured on |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in sorted(stored["rows"].items()):
        where = row["machine"]
        lines.append(
            f"| {name} {row['version']} | {row['parameters'] / 1e6:.2f}M | {row['steps']} x {row['batch_size']} "
            f"| {row['fit_seconds']:.0f} s | {row['sample_seconds']:.0f} s | {row['gan_train']:.1%} "
            f"| {row['gan_test']:.1%} | {where['processor']}, {where['threads']} threads, torch {where['torch']}, "
            f"{where['date']} |"
        )
    return "\n".join([*lines, "", "Written by bench/generators.py.", ""])


def main(
    data: Annotated[Path | None, typer.Option(help="mnist10k.npz; by default in the folder AUGSYNTH_DATA.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A generator to measure; may be repeated.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
    seed: Annotated[int, typer.Option(help="Of the fit, of the samples and of the classifiers.")] = 0,
) -> None:
    """Fit generators on MNIST and measure CAS and GAN-test."""
    installed = [info for info in list_generators() if info.enabled]
    for name in set(only or ()) - {info.name for info in installed}:
        raise typer.BadParameter(f"no generator {name!r} is installed: see `augsynth plugins list`")
    path = data or Path(os.environ.get("AUGSYNTH_DATA", ".")) / "mnist10k.npz"
    if not path.exists():
        raise typer.BadParameter(
            f"no file {str(path)!r}: name mnist10k.npz with --data, or its folder in AUGSYNTH_DATA"
        )
    torch.set_num_threads(threads)
    digits = Digits.read(path)
    judge = train_classifier(digits.train_images, digits.train_labels, seed=seed)
    real = accuracy(judge.predict(digits.test_images), digits.test_labels)
    typer.echo(f"real images: {real:.1%}")
    for info in installed:
        if not only or info.name in only:
            row = measure(info.name, info.version, digits, judge, seed)
            write(row, real, threads)
            typer.echo(
                f"{row.generator}: fit {row.fit_seconds:.0f} s, CAS {row.gan_train:.1%}, GAN-test {row.gan_test:.1%}"
            )


if __name__ == "__main__":
    typer.run(main)
