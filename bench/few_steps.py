"""Quality and time of `edm` samples before and after consistency tuning, on MNIST.

    python bench/few_steps.py --data path/to/mnist10k.npz --checkpoint folder    fits, unless the folder has a fit
    python bench/few_steps.py … --tuning-steps 1500

The first 8,000 images train, the rest test. CAS is the accuracy on the real test images of a classifier trained on
8,000 samples. Times are CPU seconds of the process on one thread. Results go to bench/results/few_steps.json and .md.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch.utils.data import TensorDataset

from augsynth.evaluate import Classifier, accuracy, gan_test, gan_train, train_classifier
from augsynth.generators import Generator, create_generator, load_generator

RESULTS = Path(__file__).parent / "results"
TRAIN = 8000
OPTIONS = {"p_mean": 0.4, "label_drop": 0.0}


@dataclass(frozen=True)
class Row:
    """Measurements of 8,000 samples: CPU seconds, and accuracies in [0, 1]."""

    samples: str
    evaluations: int
    sample_seconds: float
    gan_train: float
    gan_test: float


def read(path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Read images, uint8 (n, 1, 28, 28), and labels, (n,)."""
    with np.load(path) as stored:
        return torch.from_numpy(stored["images"])[:, None], torch.from_numpy(stored["labels"].astype(np.int64))


def measure(
    name: str, evaluations: int, generator: Generator, test: tuple[torch.Tensor, torch.Tensor], judge: Classifier
) -> Row:
    """Draw samples and score them."""
    started = process_time()
    samples = generator.sample(TRAIN)
    seconds = process_time() - started
    row = Row(name, evaluations, round(seconds, 1), gan_train(samples, *test), gan_test(samples, judge))
    typer.echo(f"{name}: {row.sample_seconds} s, CAS {row.gan_train:.2%}, GAN-test {row.gan_test:.2%}")
    return row


def write(results: dict[str, Any]) -> None:
    """Write the results as JSON and as a table."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "few_steps.json").write_text(json.dumps(results, indent=2) + "\n")
    slowest = results["rows"][0]["sample_seconds"]
    lines = [
        "# Samples of `edm` on MNIST before and after consistency tuning",
        "",
        f"8,000 images to fit ({results['fit_steps']} steps of batch {results['batch_size']}), "
        f"{results['tuning_steps']} steps of tuning ({results['tuning_seconds']:.0f} CPU s), 8,000 samples.",
        f"The same classifier trained on the 8,000 real images: {results['real']:.1%}.",
        "",
        "| samples | evaluations an image | CPU seconds for 8,000 | times as quick | CAS | GAN-test |",
        "|---|---|---|---|---|---|",
    ]
    for row in results["rows"]:
        lines.append(
            f"| {row['samples']} | {row['evaluations']} | {row['sample_seconds']:.1f} "
            f"| {slowest / row['sample_seconds']:.1f} | {row['gan_train']:.1%} | {row['gan_test']:.1%} |"
        )
    (RESULTS / "few_steps.md").write_text("\n".join([*lines, "", "Written by bench/few_steps.py.", ""]))


def main(
    data: Annotated[Path, typer.Option(help="mnist10k.npz")],
    checkpoint: Annotated[Path, typer.Option(help="Folder of the fitted edm; made if it does not exist.")],
    steps: Annotated[int, typer.Option(min=1, help="Training steps of the fit.")] = 5000,
    tuning_steps: Annotated[int, typer.Option(min=1, help="Training steps of the tuning.")] = 1500,
) -> None:
    """Fit or load `edm`, measure its samples, tune it, and measure them again."""
    torch.set_num_threads(1)
    images, labels = read(data)
    train, test = TensorDataset(images[:TRAIN], labels[:TRAIN]), (images[TRAIN:], labels[TRAIN:])
    if not (checkpoint / "config.json").exists():
        create_generator("edm", **OPTIONS).fit(train, steps=steps, device="cpu", checkpoint_dir=checkpoint)
    generator = load_generator(checkpoint)
    judge = train_classifier(images[:TRAIN], labels[:TRAIN])
    real = accuracy(judge.predict(test[0]), test[1])
    sampling = generator.config.sampling_steps
    rows = [measure(f"{sampling} steps of Heun's method", 2 * sampling - 1, generator, test, judge)]
    started = process_time()
    generator.tune(train, steps=tuning_steps)
    tuning_seconds = process_time() - started
    generator.save(checkpoint.with_name(checkpoint.name + "-tuned"))
    for leaps in (2, 1):
        generator.config = replace(generator.config, leaps=leaps)
        rows.append(measure(f"tuned, {leaps} evaluation{'s' * (leaps > 1)}", leaps, generator, test, judge))
    write(
        {
            "fit_steps": steps,
            "batch_size": 64,
            "tuning_steps": tuning_steps,
            "tuning_seconds": tuning_seconds,
            "real": real,
            "torch": torch.__version__,
            "rows": list(map(asdict, rows)),
        }
    )


if __name__ == "__main__":
    typer.run(main)
