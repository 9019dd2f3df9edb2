"""Share of copies among the samples of a diffusion model that is fitted on 200 images for a long time.

    python bench/copying.py --data path/to/mnist10k.npz    about 8 minutes on one core

`fit(held_out=…)` looks at 1,024 samples at each checkpoint. The curve shows the share that are near-copies of images of
the fit beyond chance. At the end, the generator has the weights of the last checkpoint before copying set in. 2,000 new
samples from these weights are tested again, and so are 2,000 further real images, which nobody copied.
Results go to bench/results/copying.json, .md and .svg.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import TensorDataset

import augsynth
from augsynth.copies import CopyTest, find_copies
from augsynth.generators import create_generator

RESULTS = Path(__file__).parent / "results"
FIT = HELD_OUT = 200
OPTIONS = {"width": 16, "learning_rate": 2e-3, "guidance": 1.0}
AGAIN = 2000


def read(path: Path, seed: int) -> tuple[Tensor, Tensor]:
    """Return MNIST at 14x14 in a random order, and its labels."""
    with np.load(path) as stored:
        images, labels = torch.from_numpy(stored["images"])[:, None], torch.from_numpy(stored["labels"]).long()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return F.avg_pool2d(images[order].float(), 2).round().to(torch.uint8), labels[order]


def measure(images: Tensor, labels: Tensor, steps: int, every: int, batch_size: int, seed: int) -> dict[str, Any]:
    """Fit, and test the samples of the weights that were kept."""
    fit, held_out, others = images[:FIT], images[FIT : FIT + HELD_OUT], images[FIT + HELD_OUT :][:AGAIN]
    generator, started = create_generator("edm", **OPTIONS), process_time()
    report = generator.fit(
        TensorDataset(fit, labels[:FIT]),
        steps=steps,
        batch_size=batch_size,
        checkpoint_every=every,
        held_out=held_out,
        device="cpu",
        seed=seed,
    )
    seconds = process_time() - started
    test, samples = CopyTest(fit, held_out, seed=seed + 1), generator.sample(AGAIN, seed=seed + 1).images
    return {
        "augsynth": augsynth.__version__,
        "options": OPTIONS,
        "parameters": sum(weights.numel() for weights in generator.networks.parameters()),
        "fit": FIT,
        "held_out": HELD_OUT,
        "steps": steps,
        "batch_size": batch_size,
        "seed": seed,
        "processor_seconds": round(seconds),
        "copying_since": report.copying_since,
        "kept_step": report.kept_step,
        "curve": [entry for entry in report.history if "copies" in entry],
        "kept": evidence(test, samples, fit, held_out),
        "real": evidence(test, others, fit, held_out),
    }


def evidence(test: CopyTest, samples: Tensor, fit: Tensor, held_out: Tensor) -> dict[str, Any]:
    """Return what the test and the search for single copies say of some images."""
    found = find_copies(samples, fit, held_out)
    return {**vars(test(samples)), "single_copies": int(found.copied.sum())}


def table(results: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    lines = [
        f"# Copies among samples of `edm`, fitted on {results['fit']} MNIST images",
        "",
        f"14x14 pixels, {results['parameters'] / 1e3:.0f},000 weights, {results['steps']:,} steps of "
        f"{results['batch_size']} images: {results['processor_seconds']} s of one processor, with the looks at each "
        f"checkpoint. {results['held_out']} images were held out.",
        "",
        "![curve](copying.svg)",
        "",
        f"Copying set in at step {results['copying_since']}. The generator ends with the weights of step "
        f"{results['kept_step']}.",
        "",
        f"| {AGAIN:,} images | near an image of the fit | near one held out | beyond chance | p | single copies |",
        "|---|---|---|---|---|---|",
    ]
    for name, title in (("kept", "new samples of the kept weights"), ("real", "further real images")):
        row = results[name]
        lines.append(
            f"| {title} | {row['near_fit']} | {row['near_held_out']} | {row['share']:.1%} | {row['p_value']:.3f} "
            f"| {row['single_copies']} |"
        )
    lines += ["", "| step | loss | copies beyond chance | p |", "|---|---|---|---|"]
    lines += [
        f"| {entry['step']} | {entry['loss']:.3f} | {entry['copies']:.1%} | {entry['copies_p']:.3f} |"
        for entry in results["curve"]
    ]
    return "\n".join([*lines, "", "Written by bench/copying.py.", ""])


def draw(results: dict[str, Any], path: Path) -> None:
    """Write the curve to `path`."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "augsynth", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    steps = [entry["step"] for entry in results["curve"]]
    axes.plot(steps, [100 * entry["copies"] for entry in results["curve"]], marker="o", markersize=3, color="tab:red")
    if results["kept_step"] is not None:
        axes.axvline(results["kept_step"], color="tab:green", linestyle="--")
        axes.annotate(" kept", (results["kept_step"], 0.9 * axes.get_ylim()[1]), color="tab:green")
    axes.set_xlabel("training steps")
    axes.set_ylabel("copies beyond chance, %")
    axes.grid(alpha=0.25)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main(
    data: Annotated[Path | None, typer.Option(help="mnist10k.npz; by default in the folder AUGSYNTH_DATA.")] = None,
    steps: Annotated[int, typer.Option(min=1)] = 12000,
    every: Annotated[int, typer.Option(min=1, help="Steps between two checkpoints.")] = 600,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Draw the curve of copying."""
    path = data or Path(os.environ.get("AUGSYNTH_DATA", ".")) / "mnist10k.npz"
    torch.set_num_threads(1)
    results = measure(*read(path, seed), steps, every, batch_size, seed)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "copying.json").write_text(json.dumps(results, indent=2) + "\n")
    (RESULTS / "copying.md").write_text(table(results))
    draw(results, RESULTS / "copying.svg")
    typer.echo(table(results))


if __name__ == "__main__":
    typer.run(main)
